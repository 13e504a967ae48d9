//! `check` of servers, as our balancer does it: alike for all servers of a backend.

use muster_haproxy_file::{Backend, Check as Asked, Checked, Expect, HttpCheck as AskedHttp};
use muster_proxy::{Check, CheckExpect, CheckHost, CheckQuestion, Checks, HttpCheck};

/// How servers of a backend are checked, if all are and in the same way.
pub(super) fn common(backend: &Backend) -> Option<Checked> {
    let first = backend.servers.first()?.check?;
    backend
        .servers
        .iter()
        .all(|server| server.check == Some(first))
        .then_some(first)
        .filter(|all| all.port.is_none())
}

/// How often.
pub(super) fn pace(backend: &Backend) -> Option<Checks> {
    let Checked { inter, fastinter, rise, fall, .. } = common(backend)?;
    Some(Checks {
        interval: inter,
        fast_interval: fastinter.unwrap_or(inter),
        rise,
        fall,
        ..Checks::default()
    })
}

/// What is done.
pub(super) fn of(backend: &Backend) -> Option<Check> {
    let Checked { inter, .. } = common(backend)?;
    let question = match &backend.check {
        Asked::Tcp => CheckQuestion::Connect,
        Asked::Http(http) => CheckQuestion::Http(request(http)),
    };
    // As HAProxy: `inter` is the limit, unless `timeout check` is one of the answer alone.
    Some(Check { question, timeout: backend.timeouts.check.unwrap_or(inter).min(inter) })
}

fn request(http: &AskedHttp) -> HttpCheck {
    let expect = match &http.expect {
        Expect::Status { negated, statuses } => {
            CheckExpect::Status { negated: *negated, statuses: statuses.clone() }
        }
        Expect::Text { negated, text } => CheckExpect::Text { negated: *negated, text: text.clone() },
    };
    HttpCheck {
        method: http.method.clone(),
        target: http.uri.clone(),
        is_11: http.version == "HTTP/1.1",
        host: CheckHost::Nothing,
        fields: http.fields.clone(),
        body: http.body.clone(),
        expect,
    }
}

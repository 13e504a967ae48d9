//! What a file says, as short facts: a line means what it adds to them.

use muster_haproxy_file::{Backend, Check, Expect, File, Front, Log, Server, Source, read};
use muster_routes::{Action, At, Bind, Condition, Edit, Frontend, Rewrite, Rule, To};
use std::collections::BTreeSet;
use std::fmt::Debug;

/// Where a line of a table stands.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Where {
    Global,
    Defaults,
    Frontend,
    Backend,
    /// A `listen` in `mode tcp`.
    Tcp,
    /// Behind all sections.
    End,
}

/// A whole file with `lines` in it at one place. The other sections are what HAProxy wants, so that nothing else is wrong.
pub(crate) fn file(at: Where, lines: &str) -> String {
    let of = |wanted: Where| {
        let lines = lines.split('\n').map(|line| format!("    {line}\n")).collect::<String>();
        if at == wanted { lines } else { String::new() }
    };
    format!(
        "global\n    maxconn 100\n{}defaults\n    mode http\n    timeout client 5s\n    timeout server 5s\n    timeout connect 5s\n{}\
         frontend web\n    bind 127.0.0.1:18080\n    acl known path /known\n    default_backend app\n{}\
         backend app\n{}    server s1 127.0.0.1:18081\n\
         backend other\n    server s1 127.0.0.1:18082\n\
         listen db\n    mode tcp\n    bind 127.0.0.1:18083\n{}    server s1 127.0.0.1:18084\n{}",
        of(Where::Global),
        of(Where::Defaults),
        of(Where::Frontend),
        of(Where::Backend),
        of(Where::Tcp),
        if at == Where::End { format!("{lines}\n") } else { String::new() },
    )
}

pub(crate) fn env(name: &str) -> Option<String> {
    match name {
        "PORT" => Some("18090".into()),
        "HOSTS" => Some("a.example b.example".into()),
        "EMPTY" => Some(String::new()),
        _ => None,
    }
}

/// Reads a text; what is refused as lines.
pub(crate) fn read_text(text: &str) -> Result<File, Vec<String>> {
    let read = read(&[Source { name: "haproxy.cfg", text }], &env);
    read.map_err(|refusals| refusals.iter().map(ToString::to_string).collect())
}

/// All that a file says.
pub(crate) fn facts(file: &File) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    let global = &file.global;
    all.extend(some("global maxconn", &global.clients_max));
    all.extend(global.logs.iter().map(|to| format!("global log {}", log(to))));
    all.extend(some("global log-tag", &global.log_tag));
    all.extend(global.stats_sockets.iter().map(|socket| {
        let exposes = if socket.exposes_listeners { " exposes listeners" } else { "" };
        format!("stats socket {} {:?}{exposes}", at(&socket.at), socket.level)
    }));
    all.extend(some("stats timeout", &global.stats_timeout));
    all.extend(flag("daemon", global.daemon));
    all.extend(flag("master-worker", global.master_worker));
    all.extend(some("pidfile", &global.pidfile));
    all.extend(some("hard-stop-after", &global.hard_stop_after));
    for (frontend, front) in file.plan.frontends().iter().zip(&file.fronts) {
        all.extend(of_frontend(frontend, front).map(|fact| format!("{}: {fact}", frontend.name)));
    }
    for backend in &file.backends {
        let service = &file.plan.services()[&backend.name];
        let mut facts: Vec<String> = service.rules.iter().map(rule).collect();
        facts.extend(some("forwarded for", &service.forwarded_for.as_ref().map(forwarded_for)));
        facts.extend(of_backend(backend));
        all.extend(facts.into_iter().map(|fact| format!("{}> {fact}", backend.name)));
    }
    all
}

fn of_frontend(frontend: &Frontend, front: &Front) -> impl Iterator<Item = String> {
    let timeouts = frontend.timeouts;
    let mut facts = vec![format!("mode {:?}", frontend.mode)];
    facts.extend(frontend.binds.iter().map(bind));
    facts.extend(some("timeout client", &timeouts.client));
    facts.extend(some("timeout http-request", &timeouts.head));
    facts.extend(some("timeout http-keep-alive", &timeouts.keep_alive));
    facts.extend(some("timeout tunnel", &timeouts.tunnel));
    facts.extend(some("timeout client-fin", &timeouts.client_fin));
    facts.extend(some("maxconn", &frontend.limits.clients_max));
    facts.extend(frontend.rules.iter().map(rule));
    facts.extend(some("default", &frontend.service));
    facts.extend(some("forwarded for", &frontend.forwarded_for.as_ref().map(forwarded_for)));
    facts.extend(front.logs.iter().map(|to| format!("log {}", log(to))));
    facts.push(format!("log format {:?}", front.log_format));
    facts.extend(some("log-tag", &front.log_tag));
    facts.extend(flag("skips silent", front.skips_silent));
    facts.extend(flag("skips normal", front.skips_normal));
    facts.extend(flag("separates errors", front.separates_errors));
    facts.push(format!("connections {:?}", front.connections));
    facts.extend(flag("closes idle on response", front.closes_idle_on_response));
    facts.extend(some("stats", &front.stats));
    facts.into_iter()
}

fn of_backend(backend: &Backend) -> Vec<String> {
    let timeouts = backend.timeouts;
    let mut facts = vec![format!("mode {:?}", backend.mode), format!("balance {:?}", backend.balance)];
    facts.push(format!("retries {}", backend.retries));
    facts.extend(flag("redispatch", backend.redispatch));
    facts.extend(flag("abort on close", backend.abort_on_close));
    facts.extend(flag("all backups", backend.all_backups));
    facts.extend(flag("log checks", backend.log_checks));
    facts.push(format!("connections {:?}", backend.connections));
    facts.extend(some("timeout connect", &timeouts.connect));
    facts.extend(some("timeout server", &timeouts.server));
    facts.extend(some("timeout queue", &timeouts.queue));
    facts.extend(some("timeout check", &timeouts.check));
    facts.extend(some("timeout tunnel", &timeouts.tunnel));
    facts.extend(some("timeout server-fin", &timeouts.server_fin));
    facts.extend(some("cookie", &backend.cookie));
    facts.push(format!("check {}", check(&backend.check)));
    facts.extend(backend.servers.iter().map(server));
    facts
}

fn check(check: &Check) -> String {
    let Check::Http(http) = check else { return "tcp".into() };
    let expect = match &http.expect {
        Expect::Status { negated, statuses } => format!("{}{statuses:?}", if *negated { "not " } else { "" }),
        Expect::Text { negated, text } => format!("{}{text:?}", if *negated { "not " } else { "" }),
    };
    let fields: String = http.fields.iter().map(|(name, value)| format!(" [{name}: {value}]")).collect();
    let body = if http.body.is_empty() { String::new() } else { format!(" body {:?}", http.body) };
    format!("{} {} {}{fields}{body} expects {expect}", http.method, http.uri, http.version)
}

fn server(server: &Server) -> String {
    let mut text = format!("server {} {} weight {}", server.name, server.target, server.weight);
    let mut add = |fact: Option<String>| text.extend(fact.map(|fact| format!(", {fact}")));
    add(flag("backup", server.backup));
    add(flag("disabled", server.disabled));
    add(some("cookie", &server.cookie));
    add(some("maxconn", &server.requests_max));
    add(some("maxqueue", &server.queue_max));
    add(some("slowstart", &server.slow_start));
    add(some("proxy", &server.proxy_header));
    if let Some(check) = server.check {
        add(Some(format!("check {:?} rise {} fall {}", check.inter, check.rise, check.fall)));
        add(some("fast", &check.fastinter));
        add(some("down", &check.downinter));
        add(some("port", &check.port));
    }
    text
}

fn rule(rule: &Rule) -> String {
    let action = match &rule.action {
        Action::Service(name) => format!("to {name}"),
        Action::Redirect(redirect) => {
            let to = match &redirect.to {
                To::Location(to) => format!("{to}"),
                To::Prefix(to) => format!("{to} + path"),
                To::Scheme(to) => format!("{to}://same"),
            };
            let query = if redirect.drop_query { " without query" } else { "" };
            let slash = if redirect.append_slash { " with slash" } else { "" };
            format!("redirect {} {to}{query}{slash}", redirect.code.status())
        }
        Action::Deny(status) => format!("deny {status}"),
        Action::Page(page) => {
            format!(
                "page {} {} {:?} {:?}",
                page.status,
                page.content_type,
                String::from_utf8_lossy(&page.body),
                page.fields
            )
        }
        Action::Allow => "allow".into(),
        Action::Request(edit) => format!("request {}", edited(edit)),
        Action::Response(edit) => format!("response {}", edited(edit)),
        Action::Rewrite(Rewrite::Path(path)) => format!("path {path}"),
        Action::Rewrite(Rewrite::Replace(regex, with)) => format!("path {regex:?} {with}"),
        Action::Rewrite(Rewrite::StripPrefix(prefix)) => format!("path without {prefix}"),
        Action::Steps(steps) => format!("{steps:?}"),
    };
    format!("{action}{}", condition(&rule.when))
}

fn edited(edit: &Edit) -> String {
    match edit {
        Edit::Set(name, value) => format!("{}={value}", name.as_str()),
        Edit::Add(name, value) => format!("{}+{value}", name.as_str()),
        Edit::Delete(name) => format!("-{}", name.as_str()),
    }
}

fn condition(condition: &Condition) -> String {
    let one = |terms: &Vec<muster_routes::Term>| {
        let term =
            |term: &muster_routes::Term| format!("{}{:?}", if term.negated { "!" } else { "" }, term.test);
        terms.iter().map(term).collect::<Vec<_>>().join(" & ")
    };
    match condition.0.is_empty() {
        true => String::new(),
        false => format!(" if {}", condition.0.iter().map(one).collect::<Vec<_>>().join(" | ")),
    }
}

fn forwarded_for(told: &muster_routes::ForwardedFor) -> String {
    let except = told.except.map(|network| format!(" except {network}")).unwrap_or_default();
    format!("{}{except}{}", told.field.as_str(), if told.if_none { " if none" } else { "" })
}

fn log(log: &Log) -> String {
    format!(
        "{:?} {} {} bytes facility {} severity {}..{}",
        log.to, log.format, log.bytes_max, log.facility, log.severity_min, log.severity_max
    )
}

fn bind(bind: &Bind) -> String {
    format!("bind {}{}", at(&bind.at), if bind.accept_proxy { " behind a PROXY header" } else { "" })
}

fn at(at: &At) -> String {
    match at {
        At::Unix { path, mode: Some(mode) } => format!("unix:{path} {mode:o}"),
        at => at.to_string(),
    }
}

fn some<T: Debug>(name: &str, value: &Option<T>) -> Option<String> {
    value.as_ref().map(|value| format!("{name} {value:?}"))
}

fn flag(name: &str, is_set: bool) -> Option<String> {
    is_set.then(|| name.to_owned())
}

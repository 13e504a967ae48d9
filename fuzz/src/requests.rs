//! Requests for rules to decide over, and what must hold of every decision.

use muster_http1::{Request, Slots, Target};
use muster_routes::{Change, Connection, EDIT_BYTES_MAX, Edits, Fields, Plan, RequestHead, decide};

/// Requests that say what rules look at.
const KNOWN: [&[u8]; 3] = [
    b"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n",
    b"POST /api/a/b.php?a=b&c HTTP/1.1\r\nHost: www.b.example:81\r\nUser-Agent: Bot\r\nCookie: SID=a; b=c\r\n\r\n",
    b"OPTIONS * HTTP/1.1\r\nHost: [::1]:80\r\nX-Forwarded-For: 10.0.0.1\r\n\r\n",
];

struct Held<'r, 's, 'b>(&'r Request<'s, 'b>);

impl Fields for Held<'_, '_, '_> {
    fn any(&self, see: &mut dyn FnMut(&str, &[u8]) -> bool) -> bool {
        self.0.fields().any(|(name, value)| see(name, value))
    }
}

/// Shows `bytes`, if they are a request's head, and then known ones, as the proxy does.
pub fn requests(bytes: &[u8], mut see: impl FnMut(&RequestHead<'_>)) {
    for bytes in [bytes].into_iter().chain(KNOWN) {
        let mut slots = Slots::new();
        let Ok(Some(request)) = Request::parse(bytes, &mut slots) else { continue };
        let target = match request.target {
            Target::Origin(path) => path,
            Target::Asterisk => "*",
            Target::Absolute { .. } | Target::Authority(_) => continue,
        };
        see(&RequestHead {
            connection: Connection {
                source: ([127, 0, 0, 1], 5000).into(),
                local: ([127, 0, 0, 2], 80).into(),
                is_secure: bytes.len() % 2 == 0,
            },
            method: request.method,
            target: target.as_bytes(),
            host: request.host(),
            fields: &Held(&request),
        });
    }
}

/// Decides in each frontend of `plan`, twice.
///
/// # Panics
/// When a rule writes what would end a line, or more than it may, or decides otherwise the second time.
pub fn decided(plan: &Plan, head: &RequestHead<'_>) {
    for n in 0..plan.frontends().len() {
        let mut edits = Edits::new();
        let first = format!("{:?}", decide(plan, n, head, &mut edits));
        let mut bytes = edits.location().len() + edits.target().map_or(0, <[u8]>::len);
        assert!(is_line(edits.location()) && edits.target().is_none_or(is_line), "{edits:?}");
        for change in edits.request().chain(edits.response()) {
            if let Change::Set(_, value) | Change::Add(_, value) = change {
                assert!(is_line(value), "{change:?}");
                bytes += value.len();
            }
        }
        assert!(bytes <= EDIT_BYTES_MAX, "{bytes}");
        assert_eq!(format!("{:?}", decide(plan, n, head, &mut edits)), first);
    }
}

fn is_line(value: &[u8]) -> bool {
    !value.iter().any(|byte| matches!(byte, b'\r' | b'\n' | 0))
}

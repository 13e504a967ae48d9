//! Where a request goes: what the plan says, carried out on the head that is ready for backends.

use crate::client::Client;
use crate::edit::edit;
use crate::end::End;
use crate::front::Ask;
use crate::pages::Page;
use crate::service::Service;
use muster_http1::{Request, Slots, Target};
use muster_routes::{Connection, Edits, Fields, Outcome, RequestHead};
use std::net::{Ipv4Addr, SocketAddr};
use std::rc::Rc;

/// Sets who gets `ask`, and changes its head as the rules say. What is to be changed in the answer is left in `edits`. Returns what the
/// client is told when nobody gets it, and why.
pub(crate) fn decide(client: &Client, ask: &mut Ask, edits: &mut Edits) -> Option<(Page, End)> {
    let routes = client.entry.routes();
    let Some(routing) = &routes.routing else { return give(&routes.service, ask) };
    let mut slots = Slots::new();
    // It is ours: we have just written it.
    let Ok(Some(request)) = Request::parse(&ask.head, &mut slots) else {
        return Some((Page::denied(400), End::BadRequest));
    };
    let target = match request.target {
        Target::Origin(path) => path,
        Target::Asterisk => "*",
        Target::Absolute { .. } | Target::Authority(_) => return Some((Page::denied(400), End::BadRequest)),
    };
    let head = RequestHead {
        connection: connection(client),
        method: request.method,
        target: target.as_bytes(),
        host: request.host(),
        fields: &Held(&request),
    };
    let outcome = muster_routes::decide(&routing.plan, client.entry.spec().frontend, &head, edits);
    let page = match outcome {
        Outcome::Service(name) => match routes.service_called(name) {
            Some(service) => give(service, ask),
            None => Some((Page::nobody_ready(name), End::Nobody)),
        },
        Outcome::Redirect(status) => Some((Page::redirect(status, edits.location()), End::Local)),
        Outcome::Deny(status) => Some((Page::denied(status), End::Denied)),
        Outcome::Page(page) => Some((Page::written(page), End::Local)),
        Outcome::Nobody => Some((Page::no_service(), End::Nobody)),
    };
    if page.is_none() && !edits.keeps_request() {
        edit(&mut ask.head, 0, edits.target(), &edits.request());
    }
    page
}

/// Sets who gets `ask`; or what its client is told, while that one is closed.
fn give(service: &Rc<Service>, ask: &mut Ask) -> Option<(Page, End)> {
    if !Rc::ptr_eq(&ask.service, service) {
        ask.service = Rc::clone(service);
    }
    service.closed().map(|page| (Page::written(page), End::Local))
}

/// Who gets a connection in TCP mode; `None`: nobody, and it is to be closed.
pub(crate) fn of_connection(client: &Client) -> Option<Rc<Service>> {
    let routes = client.entry.routes();
    let Some(routing) = &routes.routing else { return Some(Rc::clone(&routes.service)) };
    let head = RequestHead::of_connection(connection(client));
    match muster_routes::decide(&routing.plan, client.entry.spec().frontend, &head, &mut Edits::new()) {
        Outcome::Service(name) => {
            routes.service_called(name).filter(|service| service.closed().is_none()).cloned()
        }
        outcome => {
            tracing::debug!(peer = ?client.peer, ?outcome, "a connection was not taken");
            None
        }
    }
}

/// One that came over a Unix socket has no address: it is from 0.0.0.0.
fn connection(client: &Client) -> Connection {
    let nowhere = SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), 0);
    Connection {
        source: client.peer.unwrap_or(nowhere),
        local: client.local.unwrap_or(nowhere),
        is_secure: client.tls.is_some(),
    }
}

struct Held<'r, 's, 'b>(&'r Request<'s, 'b>);

impl Fields for Held<'_, '_, '_> {
    fn any(&self, see: &mut dyn FnMut(&str, &[u8]) -> bool) -> bool {
        self.0.fields().any(|(name, value)| see(name, value))
    }
}

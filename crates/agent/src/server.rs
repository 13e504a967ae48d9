//! The control socket: HTTP/JSON on a Unix socket, the routes of `muster_control`.
//!
//! Everything here runs on the control thread and reads copies; only joins, leaves and figures ask the gossip thread, and
//! it never waits for a client.

mod admin;
mod body;
mod cluster;
mod connections;
mod event_stream;
mod fleet;
mod handlers;
mod happened;
mod history;
mod info;
mod json_lines;
mod keys;
mod listener;
mod log;
mod members;
mod nearness;
mod patient;
mod refusal;
mod shown;
mod silent;
mod slots;
mod tags;
mod talk;
mod templates;
mod why;

pub(crate) use admin::Admin;
pub(crate) use connections::told;
pub(crate) use event_stream::shown;
pub(crate) use listener::Listener;

use crate::shared::Shared;
use axum::Router;
use axum::extract::FromRef;
use axum::http::{HeaderName, header};
use axum::routing::{MethodRouter, get, post};
use muster_control::{openapi, routes};
use refusal::Refusal;
use std::sync::Arc;

/// What the handlers are given: what all servers share, and what only this one needs.
#[derive(Clone, Debug)]
struct Served {
    shared: Arc<Shared>,
    history: Arc<history::History>,
    slots: slots::Slots,
}

impl FromRef<Served> for Arc<Shared> {
    fn from_ref(served: &Served) -> Self {
        Arc::clone(&served.shared)
    }
}

/// Every path and what answers there. A test holds it to the document of the routes.
fn routes() -> [(&'static str, MethodRouter<Served>); 25] {
    [
        (routes::MEMBERS, get(members::list)),
        (routes::JOIN, post(cluster::join)),
        (routes::LEAVE, post(cluster::leave)),
        (routes::FORCE_LEAVE, post(cluster::force_leave)),
        (routes::TAGS, post(tags::update)),
        (routes::EVENTS, post(talk::event)),
        (routes::EVENTS_STREAM, get(event_stream::stream)),
        (routes::QUERIES, post(talk::query)),
        (routes::KEYS, get(keys::list).post(keys::change)),
        (routes::RTT, get(nearness::rtt)),
        (routes::REACHABILITY, get(nearness::reachability)),
        (routes::LOG, get(log::follow)),
        (routes::WHY, get(why::why)),
        (routes::HISTORY, get(happened::list)),
        (routes::HANDLERS, get(handlers::list)),
        (routes::HANDLERS_ADD, post(handlers::add)),
        (routes::HANDLERS_REMOVE, post(handlers::remove)),
        (routes::TEMPLATES, get(templates::list)),
        (routes::HEALTH, get(shown::health)),
        (routes::INFO, get(info::info)),
        (routes::FLEET, get(fleet::picture)),
        (routes::FLEET_FOLLOW, get(fleet::follow)),
        (routes::FLEET_REPORT, post(fleet::report)),
        (routes::FLEET_REPORTS, get(fleet::reports)),
        (routes::OPENAPI, get(document)),
    ]
}

/// What is no part of the API: its form is that of the programs which read it.
fn pages<S>() -> [(&'static str, MethodRouter<S>); 4]
where
    S: Clone + Send + Sync + 'static,
    Arc<Shared>: FromRef<S>,
{
    [
        (routes::METRICS, get(shown::metrics)),
        (routes::LIVEZ, get(shown::livez)),
        (routes::READYZ, get(shown::readyz)),
        (routes::HEALTHZ, get(shown::healthz)),
    ]
}

/// Serves `shared`. Within a runtime: what happens is kept for readers from now on.
pub(crate) fn router(shared: Arc<Shared>) -> Router {
    let history = Arc::new(history::History::new(shared.pictures.borrow().epoch));
    history.follow(&shared.hub);
    let entered = axum::middleware::from_fn_with_state(Arc::clone(&shared), happened::entered);
    let served = Served { shared, history, slots: slots::Slots::default() };
    routes()
        .into_iter()
        .chain(pages())
        .fold(Router::new(), |router, (path, methods)| router.route(path, methods))
        .fallback(async || {
            Refusal::new(404, "no such route", format!("{} lists those there are", routes::OPENAPI))
        })
        .method_not_allowed_fallback(async || {
            let words = format!("reading is GET, changing is POST; {} tells which", routes::OPENAPI);
            Refusal::new(405, "wrong method", words)
        })
        .layer(entered)
        .with_state(served)
}

async fn document() -> ([(HeaderName, &'static str); 1], &'static str) {
    ([(header::CONTENT_TYPE, "application/json")], openapi::DOCUMENT)
}

#[cfg(test)]
mod tests;

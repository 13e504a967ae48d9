//! The control socket: HTTP/JSON on a Unix socket, the routes of `muster_control`.
//!
//! Everything here runs on the control thread and reads copies; only joins, leaves and figures ask the gossip thread, and
//! it never waits for a client.

mod body;
mod cluster;
mod connections;
mod fleet;
mod handlers;
mod info;
mod listener;
mod members;
mod refusal;
mod tags;
mod why;

pub(crate) use listener::Listener;
pub(crate) use members::row as member_row;

use crate::shared::Shared;
use axum::Router;
use axum::routing::{get, post};
use muster_control::routes;
use refusal::Refusal;
use std::sync::Arc;

/// Every route.
pub(crate) fn router(shared: Shared) -> Router {
    Router::new()
        .route(routes::MEMBERS, get(members::list))
        .route(routes::JOIN, post(cluster::join))
        .route(routes::LEAVE, post(cluster::leave))
        .route(routes::FORCE_LEAVE, post(cluster::force_leave))
        .route(routes::TAGS, post(tags::update))
        .route(routes::WHY, get(why::why))
        .route(routes::HANDLERS, get(handlers::list))
        .route(routes::HANDLERS_ADD, post(handlers::add))
        .route(routes::HANDLERS_REMOVE, post(handlers::remove))
        .route(routes::INFO, get(info::info))
        .route(routes::FLEET, get(fleet::picture))
        .route(routes::FLEET_FOLLOW, get(fleet::follow))
        .route(routes::FLEET_REPORT, post(fleet::report))
        .route(routes::FLEET_REPORTS, get(fleet::reports))
        .fallback(async || {
            Refusal::new(404, "no such route", "see /api/v1 in the manual of the control socket")
        })
        .method_not_allowed_fallback(async || {
            Refusal::new(
                405,
                "wrong method",
                "reading is GET, changing is POST; see the manual of the control socket",
            )
        })
        .with_state(Arc::new(shared))
}

#[cfg(test)]
mod tests;

//! What happened: answers from the history, and the entry of what operators command into it.

use super::refusal::Refusal;
use crate::chronicle::own;
use crate::shared::Shared;
use axum::Json;
use axum::extract::{Query, Request, State};
use axum::http::Method;
use axum::middleware::Next;
use axum::response::Response;
use muster_control::history::{Fact, History, HistoryQuery};
use muster_control::routes::FLEET_REPORT;
use std::sync::Arc;

pub(super) async fn list(
    State(shared): State<Arc<Shared>>,
    query: Result<Query<HistoryQuery>, axum::extract::rejection::QueryRejection>,
) -> Result<Json<History>, Refusal> {
    let Query(query) = query.map_err(|error| Refusal::bad_request(error.to_string()))?;
    let keeper = shared.history.clone();
    // On a thread of its own: a slow disk holds up whoever asked, and nobody else.
    let found = tokio::task::spawn_blocking(move || keeper.find(&query)).await;
    match found {
        Ok(Ok(history)) => Ok(Json(history)),
        Ok(Err(why)) => Err(Refusal::new(500, "the history cannot be read", why.to_string())),
        Err(_) => Err(Refusal::new(503, "ending", "the agent is ending".to_owned())),
    }
}

/// Commands are facts: which, and how they ended. Not what was sent with them, since that may be a key.
pub(super) async fn entered(State(shared): State<Arc<Shared>>, request: Request, next: Next) -> Response {
    let path = request.uri().path();
    let is_command = request.method() == Method::POST && path != FLEET_REPORT;
    let command = is_command.then(|| path.trim_start_matches("/api/v1/").to_owned());
    let response = next.run(request).await;
    if let Some(command) = command {
        let what = if response.status().is_success() { "done" } else { "refused" };
        let why = format!("asked on the control socket; answered {}", response.status().as_u16());
        shared.history.record(Fact { service: command, ..own(&shared.node, "operator", what, why) });
    }
    response
}

//! Handlers while the agent runs: what they did, one more, one less.

use super::body::Body;
use super::refusal::Refusal;
use crate::handlers::{Action, HandlerConfig, HandlerError, Listed, NotAdded, WebhookUrl};
use crate::shared::Shared;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use muster_control::handlers::{AddHandler, Handlers, RemoveHandler};
use muster_events::Filters;
use std::sync::Arc;
use std::time::Duration;

pub(super) async fn list(State(shared): State<Arc<Shared>>) -> Json<Handlers> {
    Json(Handlers { handlers: shared.handlers.list().iter().map(Listed::row).collect() })
}

pub(super) async fn add(
    State(shared): State<Arc<Shared>>,
    Body(request): Body<AddHandler>,
) -> Result<StatusCode, Refusal> {
    let config = config(request).map_err(Refusal::bad_request)?;
    tracing::info!(handler = ?config.name, action = ?config.action, "a handler is added");
    shared.handlers.add(config, false).map_err(|error| match error {
        NotAdded::Taken(_) => Refusal::new(409, "name taken", error.to_string()),
        NotAdded::TooMany => Refusal::new(409, "too many handlers", error.to_string()),
        NotAdded::Ending => Refusal::new(503, "agent ending", error.to_string()),
    })?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn remove(
    State(shared): State<Arc<Shared>>,
    Body(RemoveHandler { name }): Body<RemoveHandler>,
) -> Result<StatusCode, Refusal> {
    if shared.handlers.remove(&name).is_none() {
        return Err(Refusal::new(404, "no such handler", format!("there is no handler {name:?}")));
    }
    tracing::info!(handler = ?name, "a handler is removed");
    Ok(StatusCode::NO_CONTENT)
}

fn config(request: AddHandler) -> Result<HandlerConfig, String> {
    let words = |error: HandlerError| error.to_string();
    let on = Filters::parse(&request.on.join(",")).map_err(|error| error.to_string())?;
    let action = match (request.shell, request.command, request.webhook) {
        (Some(script), None, None) => Action::Shell(script),
        (None, Some(command), None) => Action::Command(command),
        (None, None, Some(url)) => Action::Webhook(WebhookUrl::parse(&url).map_err(words)?),
        _ => return Err("write one of `shell`, `command` and `webhook`".to_owned()),
    };
    let mut config = HandlerConfig::new(request.name, on, action);
    if request.is_serf {
        (config.is_serf, config.timeout) = (true, None);
    }
    config.coalesce = request.coalesce.unwrap_or(config.coalesce);
    config.concurrency = request.concurrency.unwrap_or(config.concurrency);
    config.queue = request.queue.unwrap_or(config.queue);
    if let Some(millis) = request.timeout_ms {
        config.timeout = (millis > 0).then(|| Duration::from_millis(millis));
    }
    config.checked().map_err(words)
}

//! Answers that take their time: JSON, one line each.

use super::connections::told;
use crate::shared::Shared;
use axum::body::Body;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use futures_util::{Stream, StreamExt};
use serde::Serialize;

/// `lines` until they end, or the agent does. hyper asks for the next one only when the last one could be written.
pub(super) fn json_lines<T: Serialize>(
    shared: &Shared,
    lines: impl Stream<Item = T> + Send + 'static,
) -> Response {
    let mut stop = shared.stop.clone();
    let lines = lines.take_until(async move { told(&mut stop).await }).map(|line| {
        serde_json::to_vec(&line).map(|mut line| {
            line.push(b'\n');
            line
        })
    });
    ([(header::CONTENT_TYPE, "application/x-ndjson")], Body::from_stream(lines)).into_response()
}

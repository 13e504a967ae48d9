//! What the agent logs: Serf's `monitor`.

use super::Served;
use super::json_lines::json_lines;
use super::refusal::Refusal;
use super::slots::StreamSlot;
use crate::LogLevel;
use axum::extract::{Query, State};
use axum::response::Response;
use futures_util::{StreamExt, stream};
use muster_control::routes::{LogQuery, LogRecord};
use std::future::ready;

pub(super) async fn follow(
    State(served): State<Served>,
    slot: StreamSlot,
    query: Result<Query<LogQuery>, axum::extract::rejection::QueryRejection>,
) -> Result<Response, Refusal> {
    let Query(query) = query.map_err(|error| Refusal::bad_request(error.to_string()))?;
    let word = query.level.as_deref().unwrap_or(LogLevel::Info.as_str());
    let Some(least) = LogLevel::parse(word) else {
        let words = format!("Unknown log level: {word}; there are TRACE, DEBUG, INFO, WARN and ERR");
        return Err(Refusal::bad_request(words));
    };
    let (kept, listener) = served.shared.log.open();
    let live = stream::unfold((listener, slot), async |(mut listener, slot)| {
        Some((listener.next().await?, (listener, slot)))
    });
    let lines = stream::iter(kept).map(Ok).chain(live).filter_map(move |line| {
        ready(match line {
            Ok(line) if line.level < least => None,
            Ok(line) => Some(LogRecord::Line {
                level: line.level.as_str().to_owned(),
                text: String::from(&*line.text),
            }),
            Err(count) => Some(LogRecord::Missed { count }),
        })
    });
    Ok(json_lines(&served.shared, lines))
}

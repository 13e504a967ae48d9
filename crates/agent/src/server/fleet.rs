//! The picture, its stream, and what sinks report.

use super::body::{Body, REPORT_BYTES_MAX};
use super::connections::told;
use super::refusal::Refusal;
use super::slots::FollowerSlot;
use crate::pace::{Pace, Step};
use crate::reports::SINK_NAME_BYTES_MAX;
use crate::shared::Shared;
use axum::Json;
use axum::body::Body as ResponseBody;
use axum::extract::State;
use axum::http::{HeaderName, StatusCode, header};
use bytes::Bytes;
use futures_util::stream;
use muster_fleet::{Picture, Report};
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::watch;
use tokio::time::sleep_until;

pub(super) async fn picture(State(shared): State<Arc<Shared>>) -> Json<Picture> {
    let picture = shared.pictures.borrow().clone();
    Json(Picture::clone(&picture))
}

/// JSON lines for ever; see [`Pace`]. hyper asks for the next line only when the last one could be written, so a reader
/// that stops costs one line.
pub(super) async fn follow(
    State(shared): State<Arc<Shared>>,
    slot: FollowerSlot,
) -> ([(HeaderName, &'static str); 1], ResponseBody) {
    let follower = (Pace::default(), shared.pictures.clone(), shared.stop.clone(), slot);
    let lines = stream::unfold(follower, async |(mut pace, mut pictures, mut stop, slot)| {
        let line = tokio::select! {
            line = next_line(&mut pace, &mut pictures) => line?,
            () = told(&mut stop) => return None,
        };
        Some((line, (pace, pictures, stop, slot)))
    });
    ([(header::CONTENT_TYPE, "application/x-ndjson")], ResponseBody::from_stream(lines))
}

/// `None` when nothing is drawn any more.
async fn next_line(
    pace: &mut Pace,
    pictures: &mut watch::Receiver<Arc<Picture>>,
) -> Option<serde_json::Result<Bytes>> {
    loop {
        let newest = pictures.borrow_and_update().clone();
        match pace.step(&newest, Instant::now()) {
            Step::Send(update) => {
                return Some(serde_json::to_vec(&update).map(|mut line| {
                    line.push(b'\n');
                    line.into()
                }));
            }
            Step::Wait(until) => {
                tokio::select! {
                    () = sleep_until(until.into()) => {}
                    changed = pictures.changed() => changed.ok()?,
                }
            }
        }
    }
}

pub(super) async fn report(
    State(shared): State<Arc<Shared>>,
    Body(report): Body<Report, REPORT_BYTES_MAX>,
) -> Result<StatusCode, Refusal> {
    if report.sink.is_empty() || report.sink.len() > SINK_NAME_BYTES_MAX {
        return Err(Refusal::bad_request(format!("a sink's name has 1 to {SINK_NAME_BYTES_MAX} bytes")));
    }
    shared.reports.put(report, Instant::now());
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn reports(State(shared): State<Arc<Shared>>) -> Json<Vec<Report>> {
    Json(shared.reports.all())
}

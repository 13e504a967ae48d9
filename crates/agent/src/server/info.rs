//! `info`: Serf's sections and keys, and a section of our own.

use super::refusal::Refusal;
use crate::exposure;
use crate::facts::{self, section};
use crate::shared::Shared;
use crate::throttle::Throttled;
use axum::Json;
use axum::extract::State;
use muster_control::routes::Info;
use muster_fleet::Phase;
use std::collections::BTreeMap;
use std::sync::Arc;

pub(super) async fn info(State(shared): State<Arc<Shared>>) -> Result<Json<Info>, Refusal> {
    let (mut sections, throttled) = facts::sections(&shared).await?;
    sections.insert("muster".to_owned(), muster(&shared, throttled));
    Ok(Json(Info(sections)))
}

fn muster(shared: &Shared, throttled: Option<Throttled>) -> BTreeMap<String, String> {
    let picture = shared.pictures.borrow().clone();
    let phase = match picture.phase {
        Phase::Warming => "warming",
        Phase::Live => "live",
    };
    let mut entries = section([
        ("version", env!("CARGO_PKG_VERSION").to_owned()),
        ("bind", shared.bound.to_string()),
        ("protocol", shared.protocol.to_string()),
        ("profile", shared.profile.as_str().to_owned()),
        ("advertise", shared.advertised.addr.to_string()),
        ("advertise_reason", shared.advertised.reason.clone()),
        ("socket", shared.socket.display().to_string()),
        ("fleet_epoch", picture.epoch.to_string()),
        ("fleet_version", picture.version.to_string()),
        ("fleet_phase", phase.to_owned()),
        ("gossip", exposure::words(picture.terms.gossip, shared.bound)),
    ]);
    entries.extend(throttled.map(|throttled| ("cpu_throttled".to_owned(), throttled.to_string())));
    entries
}

//! `info`: Serf's sections and keys where they exist, and a section of our own.

use super::refusal::Refusal;
use crate::shared::Shared;
use crate::throttle::Throttled;
use axum::Json;
use axum::extract::State;
use muster_control::routes::Info;
use muster_fleet::Phase;
use muster_serf::{Member, Stats};
use std::collections::BTreeMap;
use std::sync::Arc;

pub(super) async fn info(State(shared): State<Arc<Shared>>) -> Result<Json<Info>, Refusal> {
    let (stats, throttled) = shared.gossip.stats().await?;
    let tags = shared.roster.look(|members| members.get(&*shared.node).map(Member::tags).unwrap_or_default());
    let sections = [
        ("agent", section([("name", shared.node.clone())])),
        ("event_handlers", shared.handlers.entries()),
        ("muster", muster(&shared, throttled)),
        ("runtime", runtime()),
        ("serf", serf(&stats, shared.encrypted)),
        ("tags", tags),
    ];
    Ok(Json(Info(sections.map(|(name, section)| (name.to_owned(), section)).into())))
}

fn section<const N: usize>(entries: [(&str, String); N]) -> BTreeMap<String, String> {
    entries.map(|(key, value)| (key.to_owned(), value)).into()
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
    ]);
    entries.extend(throttled.map(|throttled| ("cpu_throttled".to_owned(), throttled.to_string())));
    entries
}

/// With Go's words for the machine, since scripts compare them.
fn runtime() -> BTreeMap<String, String> {
    let arch = match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    };
    let cpus = std::thread::available_parallelism().map_or(1, usize::from).to_string();
    section([
        ("os", std::env::consts::OS.to_owned()),
        ("arch", arch.to_owned()),
        ("version", concat!("muster ", env!("CARGO_PKG_VERSION")).to_owned()),
        ("cpu_count", cpus.clone()),
        ("max_procs", cpus),
    ])
}

fn serf(stats: &Stats, encrypted: bool) -> BTreeMap<String, String> {
    section([
        ("members", stats.members.to_string()),
        ("failed", stats.failed.to_string()),
        ("left", stats.left.to_string()),
        ("health_score", stats.health_score.to_string()),
        ("member_time", stats.member_time.to_string()),
        ("event_time", stats.event_time.to_string()),
        ("query_time", stats.query_time.to_string()),
        ("intent_queue", stats.intent_queue.to_string()),
        ("event_queue", stats.event_queue.to_string()),
        ("query_queue", stats.query_queue.to_string()),
        ("coordinate_resets", stats.coordinate_resets.to_string()),
        ("encrypted", encrypted.to_string()),
    ])
}

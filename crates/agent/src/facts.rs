//! Facts about this node in Serf's sections and keys (agent.go, `Stats`), for every server that tells them.

use crate::gossip::Gone;
use crate::shared::Shared;
use crate::throttle::Throttled;
use muster_serf::{Member, Stats};
use std::collections::BTreeMap;

/// Keys and values by section.
pub(crate) type Sections = BTreeMap<String, BTreeMap<String, String>>;

/// Serf's five sections; and how much of the CPU was withheld from us lately, if any was.
pub(crate) async fn sections(shared: &Shared) -> Result<(Sections, Option<Throttled>), Gone> {
    let (stats, throttled) = shared.gossip.stats().await?;
    let tags = shared.roster.look(|members| members.get(&*shared.node).map(Member::tags).unwrap_or_default());
    let sections = [
        ("agent", section([("name", shared.node.clone())])),
        ("event_handlers", shared.handlers.entries()),
        ("runtime", runtime()),
        ("serf", serf(&stats, shared.encrypted)),
        ("tags", tags),
    ];
    Ok((sections.map(|(name, section)| (name.to_owned(), section)).into(), throttled))
}

/// A section of these entries.
pub(crate) fn section<const N: usize>(entries: [(&str, String); N]) -> BTreeMap<String, String> {
    entries.map(|(key, value)| (key.to_owned(), value)).into()
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
        // What comes nearest: the tasks of this thread.
        ("goroutines", tokio::runtime::Handle::current().metrics().num_alive_tasks().to_string()),
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

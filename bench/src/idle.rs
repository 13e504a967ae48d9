//! What an agent costs while nothing happens: clusters of Muster and of real Serf side by side.

use crate::cluster::{Blend, Cluster, Kind};
use crate::machine::Busy;
use crate::meter::Meter;
use crate::usage::{Memory, Usage};
use muster_e2e::serf_is_installed;
use serde_json::{Map, Value, json};
use std::time::{Duration, Instant};

/// Members.
pub(crate) const SIZES: &[usize] = &[10, 30, 60];
/// Until the news of the start has faded (Serf repeats a message for seconds, and probes settle).
const SETTLE: Duration = Duration::from_secs(60);
const WATCHED: Duration = Duration::from_secs(120);

pub(crate) async fn measure(sizes: &[usize]) -> Value {
    assert!(serf_is_installed(), "this part needs Debian's package serf");
    let mut figures = Map::new();
    for size in sizes {
        figures.insert(size.to_string(), beside(*size).await);
    }
    Value::Object(figures)
}

async fn beside(size: usize) -> Value {
    let clusters = [
        Cluster::start(Blend::All(Kind::Muster), size).await,
        Cluster::start(Blend::All(Kind::Serf), size).await,
    ];
    // The times are the measurement itself, not waits for something.
    tokio::time::sleep(SETTLE).await;
    let meter = Meter::install(&clusters.each_ref().map(Cluster::network));
    let busy = Busy::begin();
    let begun = Instant::now();
    let before = clusters.each_ref().map(|cluster| of_all(cluster, Usage::of));
    tokio::time::sleep(WATCHED).await;
    let after = clusters.each_ref().map(|cluster| of_all(cluster, Usage::of));
    let seconds = begun.elapsed().as_secs_f64();
    let traffic = meter.as_ref().map_err(Clone::clone).and_then(Meter::read);
    let mut figures = Map::new();
    for (number, cluster) in clusters.iter().enumerate() {
        let agents = size as f64;
        let rate = |total: f64| round(total / seconds / agents);
        let used: Vec<Usage> =
            before[number].iter().zip(&after[number]).map(|(before, after)| after.since(before)).collect();
        let memory = of_all(cluster, Memory::of);
        let mean = |kib: fn(&Memory) -> u64| (memory.iter().map(kib).sum::<u64>()) / memory.len() as u64;
        let figure = json!({
            "cpu_ms_per_s": rate(used.iter().map(|used| used.cpu_ns as f64 / 1e6).sum()),
            "wakeups_per_s": rate(used.iter().map(|used| used.wakeups as f64).sum()),
            "threads": used.iter().map(|used| used.threads).max(),
            "resident_kib": mean(|memory| memory.resident_kib),
            "proportional_kib": mean(|memory| memory.proportional_kib),
            "private_kib": mean(|memory| memory.private_kib),
            "on_the_wire": match &traffic {
                Ok(traffic) => json!({
                    "packets_per_s": rate(traffic[number].packets as f64),
                    "bytes_per_s": rate(traffic[number].bytes as f64),
                }),
                Err(why) => json!(why),
            },
        });
        println!("{size} members, {:6} {figure}", cluster.blend.word());
        figures.insert(cluster.blend.word().to_owned(), figure);
    }
    figures.insert("seconds".to_owned(), json!(round(seconds)));
    figures.insert("cores_busy".to_owned(), json!(busy.cores()));
    Value::Object(figures)
}

fn of_all<T>(cluster: &Cluster, look: fn(u32) -> std::io::Result<T>) -> Vec<T> {
    cluster.members.iter().map(|node| look(node.id()).expect("the agent runs")).collect()
}

fn round(value: f64) -> f64 {
    (value * 1e3).round() / 1e3
}

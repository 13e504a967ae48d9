//! User events and queries: how fast all hear them, what a flood of them costs and loses, and what a handler that hangs does
//! to others. Clusters of Muster and of real Serf side by side, told and heard through the same client of Serf's RPC.

use crate::cluster::{Blend, Cluster, Kind, SETTLE};
use crate::ears::Ears;
use crate::hung;
use crate::machine::Busy;
use crate::meter::Meter;
use crate::results::{self, spread_ms};
use crate::rpc::{Rpc, numbered};
use crate::usage::{Memory, Usage};
use muster_e2e::serf_is_installed;
use serde_json::{Map, Value, json};
use std::time::{Duration, Instant};

const SIZES: &[usize] = &[10, 30, 60];
const ROUNDS: usize = 20;
/// Queries take their whole timeout (3.2 to 6.4 s), so fewer of them.
const QUERIES: usize = 8;
/// What is not heard by then counts as this, and as missed.
const LIMIT: Duration = Duration::from_secs(60);
/// A flood is over when nobody has heard anything for so long: longer than a push/pull is apart.
const QUIET: Duration = Duration::from_secs(35);
const FLOOD: u64 = 10_000;
const FLOOD_PER_SECOND: u32 = 1000;
const NAME: &str = "bench";

/// Measures the sizes that `kept` lacks; each is kept as soon as it is there.
pub(crate) async fn measure(kept: Option<Value>, sizes: Option<&[usize]>) -> Value {
    assert!(serf_is_installed(), "this part needs Debian's package serf");
    let mut figures = kept.and_then(|kept| kept.as_object().cloned()).unwrap_or_default();
    if !figures.contains_key("hung_handler") {
        figures.insert("hung_handler".to_owned(), hung::measure().await);
    }
    for size in sizes.unwrap_or(SIZES) {
        if figures.contains_key(&size.to_string()) {
            continue;
        }
        figures.insert(size.to_string(), beside(*size).await);
        if sizes.is_none()
            && let Err(error) = results::keep_unfinished("events", &Value::Object(figures.clone()))
        {
            println!("not kept: {error}");
        }
    }
    Value::Object(figures)
}

async fn beside(size: usize) -> Value {
    let clusters = [
        Cluster::start(Blend::All(Kind::Muster), size).await,
        Cluster::start(Blend::All(Kind::Serf), size).await,
    ];
    tokio::time::sleep(SETTLE).await;
    let busy = Busy::begin();
    let mut figures = Map::new();
    figures.insert("event_to_all".to_owned(), events(&clusters).await);
    figures.insert("query_acked_by_all".to_owned(), queries(&clusters).await);
    for (what, per_second) in
        [("1000_events_a_second", Some(FLOOD_PER_SECOND)), ("burst_of_10000_events", None)]
    {
        let mut row = Map::new();
        for cluster in &clusters {
            let figure = flood(cluster, per_second).await;
            println!("{size} members, {what}, {:6} {figure}", cluster.blend.word());
            row.insert(cluster.blend.word().to_owned(), figure);
        }
        figures.insert(what.to_owned(), Value::Object(row));
    }
    figures.insert("cores_busy".to_owned(), json!(busy.cores()));
    Value::Object(figures)
}

/// One event at a time, from a different member each time; the products take turns.
async fn events(clusters: &[Cluster; 2]) -> Value {
    let ears = [Ears::of(&clusters[0], NAME).await, Ears::of(&clusters[1], NAME).await];
    let mut samples = [Vec::new(), Vec::new()];
    for round in 0..ROUNDS {
        for at in [round % 2, 1 - round % 2] {
            let node = &clusters[at].members[round % clusters[at].members.len()];
            let mut rpc = Rpc::connect(node.rpc()).await.expect("the agent's RPC answers");
            let (number, begun) = (round as u64, Instant::now());
            rpc.ask(&numbered(NAME, &number.to_be_bytes())).await.expect("the event is taken");
            samples[at].push(ears[at].by_all(number, begun, LIMIT).await);
        }
    }
    beside_each_other(clusters, &samples)
}

/// One query at a time: when the last member's ack came back.
async fn queries(clusters: &[Cluster; 2]) -> Value {
    let mut samples = [Vec::new(), Vec::new()];
    for round in 0..QUERIES {
        for at in [round % 2, 1 - round % 2] {
            let members = &clusters[at].members;
            let mut rpc =
                Rpc::connect(members[round % members.len()].rpc()).await.expect("the agent's RPC answers");
            let acks = rpc.acks(NAME).await.expect("the query is taken");
            samples[at].push((acks.len() == members.len()).then(|| acks.last().copied().unwrap_or_default()));
        }
    }
    beside_each_other(clusters, &samples)
}

fn beside_each_other(clusters: &[Cluster; 2], samples: &[Vec<Option<Duration>>; 2]) -> Value {
    let mut row = Map::new();
    for (cluster, samples) in clusters.iter().zip(samples) {
        let ms: Vec<f64> = samples.iter().map(|after| after.unwrap_or(LIMIT).as_secs_f64() * 1e3).collect();
        let mut spread = spread_ms(&ms);
        spread["missed"] = json!(samples.iter().filter(|after| after.is_none()).count());
        println!(
            "{} members, {:6} median {} ms, max {} ms",
            cluster.members.len(),
            cluster.blend.word(),
            spread["median_ms"],
            spread["max_ms"]
        );
        row.insert(cluster.blend.word().to_owned(), spread);
    }
    Value::Object(row)
}

/// Many events from one member: what each member is shown of them, and what it costs.
async fn flood(cluster: &Cluster, per_second: Option<u32>) -> Value {
    let name = if per_second.is_some() { "steady" } else { "burst" };
    let ears = Ears::of(cluster, name).await;
    let meter = Meter::install(&[cluster.network()]);
    let before = of_all(cluster, Usage::of);
    let begun = Instant::now();
    let rpc = Rpc::connect(cluster.members[0].rpc()).await.expect("the agent's RPC answers");
    let refused = rpc.flood(name, FLOOD, per_second).await.expect("the agent takes events");
    let told_s = begun.elapsed().as_secs_f64();
    ears.silence(FLOOD - refused, QUIET).await;
    let used: Vec<Usage> =
        of_all(cluster, Usage::of).iter().zip(&before).map(|(after, before)| after.since(before)).collect();
    let (mut shown, repeated) = ears.counts();
    let at_the_teller = shown[0];
    shown.sort_unstable();
    let agents = cluster.members.len() as f64;
    let memory = of_all(cluster, Memory::of);
    json!({
        "told": FLOOD, "refused": refused, "told_in_s": told_s,
        "shown_at_the_teller": at_the_teller,
        "shown_at_each_member": { "min": shown.first(), "median": shown.get(shown.len() / 2), "max": shown.last() },
        "shown_twice": repeated,
        "last_shown_after_s": ears.last().map(|last| (last - begun).as_secs_f64()),
        "cpu_ms_per_agent": used.iter().map(|used| used.cpu_ns as f64 / 1e6).sum::<f64>() / agents,
        "bytes_per_agent": meter.as_ref().ok().and_then(|meter| meter.read().ok()).map(|sent| sent[0].bytes as f64 / agents),
        "resident_kib_max": memory.iter().map(|memory| memory.resident_kib).max(),
    })
}

fn of_all<T>(cluster: &Cluster, look: fn(u32) -> std::io::Result<T>) -> Vec<T> {
    cluster.members.iter().map(|node| look(node.id()).expect("the agent runs")).collect()
}

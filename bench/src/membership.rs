//! Joins, leaves, tag changes and kills, known by all: clusters of Muster, of real Serf and mixed ones, side by side.
//!
//! All clusters of a size run at once and take each step in turn (who is first changes from round to round), so that
//! they share whatever else the machine does. "Known by all" is the log line of the last member; see [`crate::sightings`].

use crate::cluster::{Blend, Cluster, Kind, Node, SETTLE};
use crate::machine::Busy;
use crate::results;
use crate::sightings::{Known, What};
use muster_e2e::serf_is_installed;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

/// Members, the one that comes and goes included.
const SIZES: &[usize] = &[3, 10, 30, 60];
const ROUNDS: usize = 10;
/// Kills take suspicion's time, so fewer of them.
const KILLS: usize = 6;
/// What is not known by then counts as this, and as missed.
const LIMIT: Duration = Duration::from_secs(120);

/// Measures the sizes that `kept` lacks; each is kept as soon as it is there.
pub(crate) async fn measure(kept: Option<Value>) -> Value {
    assert!(serf_is_installed(), "this part needs Debian's package serf");
    let mut figures = kept.and_then(|kept| kept.as_object().cloned()).unwrap_or_default();
    for size in SIZES {
        if figures.contains_key(&size.to_string()) {
            continue;
        }
        figures.insert(size.to_string(), beside(*size, ROUNDS, KILLS).await);
        if let Err(error) = results::keep_unfinished("membership", &Value::Object(figures.clone())) {
            println!("not kept: {error}");
        }
    }
    Value::Object(figures)
}

/// One round at each of these sizes.
pub(crate) async fn trial(sizes: &[usize]) {
    for size in sizes {
        beside(*size, 1, 1).await;
    }
}

async fn beside(size: usize, rounds: usize, kills: usize) -> Value {
    let mut clusters = Vec::new();
    for blend in [Blend::All(Kind::Muster), Blend::All(Kind::Serf), Blend::Mixed] {
        clusters.push(Cluster::start(blend, size - 1).await);
    }
    tokio::time::sleep(SETTLE).await;
    let busy = Busy::begin();
    let mut samples = Samples::default();
    for round in 0..rounds {
        clusters.rotate_left(1);
        come_and_go(&mut clusters, &mut samples).await;
        if round < kills {
            come_and_die(&mut clusters, &mut samples).await;
        }
        println!("{size} members: round {} of {rounds}", round + 1);
    }
    let mut figures = samples.figures();
    figures.insert("cores_busy".to_owned(), json!(busy.cores()));
    Value::Object(figures)
}

async fn come_and_go(clusters: &mut [Cluster], samples: &mut Samples) {
    let mut newcomers = joined(clusters, samples).await;
    for (cluster, newcomer) in clusters.iter().zip(&newcomers) {
        let begun = Instant::now();
        match newcomer.set_tag("notready=*").await {
            Ok(()) => samples.of_all(cluster, "tag", newcomer, What::Update, begun).await,
            Err(why) => samples.skipped(cluster, "tag", &why),
        }
    }
    tokio::time::sleep(SETTLE).await;
    for (cluster, newcomer) in clusters.iter().zip(&mut newcomers) {
        let begun = Instant::now();
        newcomer.interrupt();
        samples.of_all(cluster, "leave", newcomer, What::Leave, begun).await;
        newcomer.ends().await;
    }
    tokio::time::sleep(SETTLE).await;
}

async fn come_and_die(clusters: &mut [Cluster], samples: &mut Samples) {
    let mut newcomers = joined(clusters, samples).await;
    // At once: it takes long, and costs the machine nothing.
    let killed: Vec<Instant> = newcomers
        .iter_mut()
        .map(|newcomer| {
            newcomer.kill();
            Instant::now()
        })
        .collect();
    for ((cluster, newcomer), begun) in clusters.iter().zip(&newcomers).zip(killed) {
        samples.of_all(cluster, "kill", newcomer, What::Failed, begun).await;
    }
    tokio::time::sleep(SETTLE).await;
}

/// A newcomer in each cluster: from the start of its process until it is known by all, and until it knows all.
async fn joined(clusters: &mut [Cluster], samples: &mut Samples) -> Vec<Node> {
    let mut newcomers = Vec::new();
    for cluster in clusters.iter_mut() {
        let newcomer = cluster.start_one();
        samples.of_all(cluster, "join", &newcomer, What::Join, newcomer.begun).await;
        let others: BTreeSet<_> =
            cluster.names().into_iter().map(|other| (newcomer.name.clone(), other)).collect();
        let known = cluster.sightings.all(What::Join, &others, newcomer.begun, LIMIT).await;
        samples.put(cluster, "join_knows_all", newcomer.kind(), known.by_all());
        newcomers.push(newcomer);
    }
    tokio::time::sleep(SETTLE).await;
    newcomers
}

/// Milliseconds by cluster and step; `None` for what was not known within the limit.
#[derive(Debug, Default)]
struct Samples {
    times: BTreeMap<String, BTreeMap<String, Vec<Option<Duration>>>>,
    skipped: BTreeMap<String, String>,
}

impl Samples {
    /// Waits until all members of `cluster` know `what` of `node`; keeps when the last and when the balancer did.
    async fn of_all(&mut self, cluster: &Cluster, step: &str, node: &Node, what: What, begun: Instant) {
        let known: Known = cluster.sightings.all(what, &cluster.each_of(&node.name), begun, LIMIT).await;
        self.put(cluster, step, node.kind(), known.by_all());
        let balancer = cluster.members.first().and_then(|balancer| known.by(&balancer.name));
        self.put(cluster, &format!("{step}_at_the_balancer"), node.kind(), balancer);
    }

    fn put(&mut self, cluster: &Cluster, step: &str, kind: Kind, after: Option<Duration>) {
        let blend = match cluster.blend {
            Blend::Mixed => format!("mixed, of {}", Blend::All(kind).word()),
            blend => blend.word().to_owned(),
        };
        self.times.entry(step.to_owned()).or_default().entry(blend).or_default().push(after);
    }

    fn skipped(&mut self, cluster: &Cluster, step: &str, why: &str) {
        let why = why.lines().next().unwrap_or_default().to_owned();
        self.skipped.insert(format!("{step}, {}", cluster.blend.word()), why);
    }

    fn figures(self) -> Map<String, Value> {
        let mut figures = Map::new();
        for (step, blends) in self.times {
            let mut row = Map::new();
            for (blend, samples) in blends {
                let ms: Vec<f64> =
                    samples.iter().map(|after| after.unwrap_or(LIMIT).as_secs_f64() * 1e3).collect();
                let mut spread = results::spread_ms(&ms);
                spread["missed"] = json!(samples.iter().filter(|after| after.is_none()).count());
                println!(
                    "{step:24} {blend:16} median {:>9} ms, max {:>9} ms",
                    spread["median_ms"], spread["max_ms"]
                );
                row.insert(blend, spread);
            }
            figures.insert(step, Value::Object(row));
        }
        if !self.skipped.is_empty() {
            figures.insert("skipped".to_owned(), json!(self.skipped));
        }
        figures
    }
}

//! A day of a thousand nodes, in virtual time: packed random faults on clusters of 3 to 50, every invariant watched.
//!
//! Seeds are played one after the other until [`NODE_HOURS`] are done. What was done is kept every few minutes, and a run
//! that broke off goes on there.

use crate::results;
use muster_sim::faults::{CONVERGE_WITHIN, SMALL_SEEDS, scenario};
use muster_sim::play::{Kind, Line, play};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Instant;

/// Hours of nodes that are up.
const NODE_HOURS: u64 = 24_000;
/// Seeds between two notes of how far it is.
const KEEP_EVERY: u64 = 100;

/// What the seeds so far amount to.
#[derive(Serialize, Deserialize, Default)]
struct Done {
    seeds: u64,
    node_seconds: u64,
    virtual_seconds: f64,
    wall_seconds: f64,
    events: u64,
    datagrams: u64,
    datagrams_lost: u64,
    streams: u64,
    /// Times somebody found somebody failed.
    failures_found: u64,
    faults: BTreeMap<String, u64>,
    /// Seconds until all views were right once faults had stopped, one figure a seed.
    converged_s: Vec<f64>,
    /// What did not hold, by seed.
    broken: BTreeMap<u64, Vec<String>>,
}

/// Goes on with what a broken-off run kept.
pub(crate) fn measure(unfinished: Option<Value>) -> Value {
    let mut done: Done = unfinished
        .and_then(|figures| serde_json::from_value(figures["so_far"].clone()).ok())
        .unwrap_or_default();
    while done.node_seconds < NODE_HOURS * 3600 {
        let begun = Instant::now();
        (0..KEEP_EVERY).for_each(|_| done.play_next());
        done.wall_seconds += begun.elapsed().as_secs_f64();
        println!(
            "{} of {NODE_HOURS} node-hours, {} seeds, {:.0} s, {} broken",
            done.node_seconds / 3600,
            done.seeds,
            done.wall_seconds,
            done.broken.len()
        );
        if let Err(error) = results::keep_unfinished("faults", &json!({ "so_far": done })) {
            eprintln!("{}: {error}", results::path("faults").display());
        }
    }
    done.figures()
}

impl Done {
    fn play_next(&mut self) {
        let seed = SMALL_SEEDS + self.seeds;
        let mut broken = Vec::new();
        let outcome = play(&scenario(seed), &mut |line: &Line| {
            if line.kind == Kind::Broken {
                broken.push(line.to_string());
            }
        });
        if !broken.is_empty() {
            println!("seed {seed} is broken: muster sim play --faults {seed}\n  {}", broken.join("\n  "));
            self.broken.insert(seed, broken);
        }
        self.seeds += 1;
        self.node_seconds += outcome.node_time.as_secs();
        self.virtual_seconds += outcome.time.as_secs_f64();
        self.events += outcome.counts.steps;
        self.datagrams += outcome.counts.packets;
        self.datagrams_lost += outcome.counts.lost;
        self.streams += outcome.counts.streams;
        self.failures_found += outcome.failures;
        // The first wait is for all views to become right.
        self.converged_s.extend(outcome.waits.first().map(std::time::Duration::as_secs_f64));
        for (fault, count) in outcome.faults {
            *self.faults.entry(fault.to_owned()).or_default() += count;
        }
    }

    fn figures(mut self) -> Value {
        self.converged_s.sort_by(f64::total_cmp);
        let at = |share: usize| self.converged_s.get((self.converged_s.len() - 1) * share / 100);
        json!({
            "node_hours": self.node_seconds / 3600,
            "seeds": { "first": SMALL_SEEDS, "count": self.seeds },
            "faults": self.faults,
            "faults_in_all": self.faults.values().sum::<u64>(),
            "failures_found": self.failures_found,
            "broken": self.broken,
            "converged_s": { "median": at(50), "p99": at(99), "max": at(100), "allowed": CONVERGE_WITHIN.as_secs() },
            "virtual_hours": (self.virtual_seconds / 3600.0).round(),
            "wall_seconds": self.wall_seconds.round(),
            "events": self.events,
            "datagrams": self.datagrams,
            "datagrams_lost": self.datagrams_lost,
            "streams": self.streams,
        })
    }
}

//! The seeds of every day: packed faults on small clusters. A failing one says how to see it again.

use muster_sim::faults;
use muster_sim::play::{Kind, Line, play};
use std::collections::BTreeMap;

/// Plays one seed; what did not hold.
fn broken(seed: u64, faults: &mut BTreeMap<&'static str, u64>) -> Vec<String> {
    let mut broken = Vec::new();
    let outcome = play(&faults::scenario(seed), &mut |line: &Line| {
        if line.kind == Kind::Broken {
            broken.push(line.to_string());
        }
    });
    assert_eq!(outcome.broken, broken.len());
    outcome.faults.into_iter().for_each(|(fault, count)| *faults.entry(fault).or_default() += count);
    broken
}

#[test]
fn thirty_two_seeds_of_packed_faults_break_nothing() {
    let mut faults = BTreeMap::new();
    let failed: Vec<(u64, Vec<String>)> = (0..32)
        .map(|seed| (seed, broken(seed, &mut faults)))
        .filter(|(_, broken)| !broken.is_empty())
        .collect();
    for (seed, broken) in &failed {
        eprintln!("seed {seed}, to be seen with: muster sim play --faults {seed}\n  {}", broken.join("\n  "));
    }
    assert!(failed.is_empty(), "{} seeds failed", failed.len());
    // Of every kind there must be some, or the seeds test less than they say.
    assert_eq!(faults.len(), 21, "{faults:#?}");
}

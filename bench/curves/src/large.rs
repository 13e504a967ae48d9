//! 10,000 nodes in one process: whether it fits, and what it costs.

use crate::cluster::{Rules, formed};
use crate::convergence::until_whole;
use serde_json::{Value, json};
use std::time::Instant;

const HOSTS: usize = 10_000;

pub(crate) fn compute() -> Value {
    let began = Instant::now();
    let (mut world, mut views) = formed(HOSTS, 3, Rules::Muster);
    let formed_in = began.elapsed();
    println!("formed in {formed_in:.0?}, {} MiB", peak_mib());
    world.crash(HOSTS / 2);
    let crash = until_whole(&mut world, &mut views, &[HOSTS / 2], false);
    world.start(HOSTS / 2);
    let join = until_whole(&mut world, &mut views, &[HOSTS / 2], true);
    let (virtual_s, counts) = (world.now().0.as_secs(), world.counts());
    println!("crash {crash:.1} s, join {join:.1} s, {} MiB, {:.0?}", peak_mib(), began.elapsed());
    json!({
        "hosts": HOSTS, "peak_resident_mib": peak_mib(), "run_time_s": began.elapsed().as_secs(),
        "formed_in_s": formed_in.as_secs(), "virtual_s": virtual_s, "events": counts.steps, "packets": counts.packets,
        "crash_known_by_all_s": crash, "join_known_by_all_s": join,
    })
}

/// The most memory this process ever held.
fn peak_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap_or(0) / 1024
}

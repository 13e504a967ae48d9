//! Slow members and the healthy ones they accuse, in the manner of the Lifeguard paper (Dadgar, Phillips and Currey,
//! arXiv 1707.00788, section V): 128 members; some are held up for a while, run for a moment, and are held up again, for two
//! minutes. As there, what such a member sends and receives waits until it runs again, while its timers go on: it accuses others of
//! its own slowness.

use crate::chart::{Chart, Scale, Series};
use crate::cluster::formed_with;
use crate::results::draw;
use muster_serf::{Extensions, Instant, MemberEvent};
use muster_sim::World;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::time::Duration;

const HOSTS: usize = 128;
/// 1, 5, 10, 20 and 40 % of them.
const SLOW: [usize; 5] = [1, 6, 13, 26, 51];
/// How long they stop and how long they run, in milliseconds: of the paper's grid, where the trouble is. The paper plays all
/// of it, ten times over; three runs take minutes.
const STOPS_AND_RUNS_MS: [(u64, u64); 3] = [(2_048, 64), (8_192, 1_024), (16_384, 64)];
const FOR: Duration = Duration::from_secs(120);
/// How finely the end of a hold-up is met.
const SLICE: Duration = Duration::from_millis(64);
/// Runs behind each figure.
const RUNS: usize = STOPS_AND_RUNS_MS.len();

/// The rules compared.
fn rules() -> [(&'static str, Extensions); 6] {
    let swim = Extensions::SWIM;
    [
        ("SWIM", swim),
        ("with aware probe", Extensions { aware_probe: true, ..swim }),
        ("with aware suspicion", Extensions { aware_suspicion: true, ..swim }),
        ("with buddy system", Extensions { buddy_system: true, ..swim }),
        ("Lifeguard (stock)", Extensions::MEMBERLIST),
        ("Muster", Extensions::ALL),
    ]
}

pub(crate) fn compute() -> Value {
    let mut figures = Vec::new();
    let (mut false_positives, mut first, mut all) = (Vec::new(), Vec::new(), Vec::new());
    for (name, extensions) in rules() {
        let (mut wrong, mut detected, mut known) = (Vec::new(), Vec::new(), Vec::new());
        for slow in SLOW {
            let share = 100.0 * slow as f64 / HOSTS as f64;
            let runs: Vec<Run> = (0..)
                .zip(STOPS_AND_RUNS_MS)
                .map(|(seed, (stop, run))| play(extensions, slow, stop, run, seed))
                .collect();
            let accusations: usize = runs.iter().map(|run| run.healthy_failed).sum();
            let by_healthy: usize = runs.iter().map(|run| run.healthy_failed_by_healthy).sum();
            wrong.push((share, accusations as f64));
            let mean = |of: fn(&Run) -> Option<f64>| {
                let seconds: Vec<f64> = runs.iter().filter_map(of).collect();
                seconds.iter().sum::<f64>() / seconds.len().max(1) as f64
            };
            let (one, everyone) = (mean(|run| run.first), mean(|run| run.all));
            detected.push((share, one));
            known.push((share, everyone));
            println!(
                "{name}, {slow} slow: {accusations} healthy failed ({by_healthy} at healthy), crash {one:.1} s, {everyone:.1} s"
            );
            figures.push(json!({
                "rules": name, "hosts": HOSTS, "slow": slow, "runs": RUNS, "healthy_failed": accusations,
                "healthy_failed_at_healthy": by_healthy, "crash_first_mean_s": one, "crash_all_mean_s": everyone,
                "crash_known_by_all_healthy": runs.iter().filter(|run| run.all.is_some()).count(),
            }));
        }
        false_positives.push(Series::line(name, wrong));
        first.push(Series::line(name, detected));
        all.push(Series::line(name, known));
    }
    let x = ("slow members, % of 128", Scale::Linear);
    let y = ("failed events about healthy members, of 3 runs", Scale::Log);
    let title = "healthy members declared failed beside slow ones".to_owned();
    draw("lifeguard-false-positives", &Chart { title, x, y, series: false_positives });
    let y = ("seconds, mean of 3 runs", Scale::Linear);
    let title = "a real crash beside slow members: until the first knows".to_owned();
    draw("lifeguard-detection", &Chart { title, x, y, series: first });
    let title = "a real crash beside slow members: until every healthy member knows".to_owned();
    draw("lifeguard-dissemination", &Chart { title, x, y, series: all });
    json!(figures)
}

/// What one run showed.
struct Run {
    /// Failed events about members that are neither slow nor crashed.
    healthy_failed: usize,
    /// Those at members that are not slow either: the paper's FP-.
    healthy_failed_by_healthy: usize,
    /// Seconds from a crash until the first member knew.
    first: Option<f64>,
    /// Until the last healthy one did.
    all: Option<f64>,
}

fn play(extensions: Extensions, slow: usize, stop_ms: u64, run_ms: u64, seed: u64) -> Run {
    let (mut world, mut views) = formed_with(HOSTS, 100 + seed, |_| extensions);
    let mut rng = fastrand::Rng::with_seed(seed);
    let slow: BTreeSet<usize> = rng.choose_multiple(1..HOSTS, slow).into_iter().collect();
    let crashed = (1..HOSTS).find(|host| !slow.contains(host)).unwrap_or(0);
    let (stop, run) = (Duration::from_millis(stop_ms), Duration::from_millis(run_ms));
    let began = world.now();
    let crash_at = began + FOR / 4;
    let mut down = false;
    let (mut failed, mut by_healthy, mut first, mut all) = (0, 0, None, None);
    while world.now() < began + FOR {
        if !down && world.now() >= crash_at {
            world.crash(crashed);
            down = true;
        }
        hold_up(&mut world, &slow, began, stop, run);
        views.run_until(&mut world, SLICE, |views, verdict| {
            let Some(it) = verdict.filter(|it| it.event == MemberEvent::Failed) else { return false };
            if down && it.about == crashed {
                first.get_or_insert((it.at - crash_at).as_secs_f64());
                let healthy = |by: &usize| *by != crashed && !slow.contains(by);
                if all.is_none() && (0..HOSTS).filter(healthy).all(|by| !views.sees(by, crashed)) {
                    all = Some((it.at - crash_at).as_secs_f64());
                }
            } else if !slow.contains(&it.about) {
                failed += 1;
                by_healthy += usize::from(!slow.contains(&it.by));
            }
            false
        });
    }
    Run { healthy_failed: failed, healthy_failed_by_healthy: by_healthy, first, all }
}

/// Lets what the slow ones send and receive now wait for the end of their hold-up.
fn hold_up(world: &mut World, slow: &BTreeSet<usize>, began: Instant, stop: Duration, run: Duration) {
    let into = (world.now() - began).as_millis() % (stop + run).as_millis();
    let into = Duration::from_millis(u64::try_from(into).unwrap_or(0));
    let latency = stop.saturating_sub(into);
    for host in slow {
        world.network.port(*host).latency = latency;
    }
}

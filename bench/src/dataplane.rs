//! The proxy beside HAProxy and nginx: processor time per request, and how long requests take, in one run.
//!
//! Each proxy has the first core to itself; the load and two nginx as backends share the second. All proxies have one thread, keep
//! connections on both sides, count and limit as they do by themselves, and log no request. Rounds are interleaved, so that what
//! else the machine does meets all of them. What counts is processor time per request: client and backends share the machine,
//! so requests per second say little.

mod load;
pub(crate) mod rivals;

use crate::usage::{Memory, Usage};
use load::{KINDS, Kind, Round};
use muster_e2e::Hosts;
use rivals::Rival;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Rounds of each kind with each proxy.
const ROUNDS: usize = 7;
/// For the proxies.
const THEIR_CORE: &str = "0";
/// For the load and the backends.
const OTHER_CORE: &str = "1";

pub(crate) async fn measure() -> Value {
    for (program, package) in [("wrk", "wrk"), ("nginx", "nginx-light"), ("haproxy", "haproxy")] {
        if !is_installed(program) {
            println!("skipped: {program} is not installed (apt install {package})");
            return json!({ "skipped": format!("{program} is not installed") });
        }
    }
    let hosts = Hosts::claim();
    let directory = tempfile::tempdir().expect("a temporary directory can be made");
    let _backends = rivals::backends(&hosts, directory.path()).await;
    let rivals = [
        Rival::muster(&hosts).await,
        Rival::haproxy(&hosts, directory.path()).await,
        Rival::nginx(&hosts, directory.path()).await,
    ];
    let mut rounds: BTreeMap<(&str, &str), Vec<Round>> = BTreeMap::new();
    for round in 0..=ROUNDS {
        for kind in &KINDS {
            for rival in &rivals {
                let one = once(kind, rival, directory.path());
                // The first is for everybody to get warm.
                if round > 0 {
                    rounds.entry((kind.name, rival.name)).or_default().push(one);
                }
            }
        }
        println!("round {round} of {ROUNDS}");
    }
    let mut figures = serde_json::Map::new();
    for kind in &KINDS {
        let mut row = serde_json::Map::new();
        let haproxys = median(&rounds[&(kind.name, "haproxy")], |round| round.cpu_us);
        for rival in &rivals {
            let of = &rounds[&(kind.name, rival.name)];
            let cpu_us = median(of, |round| round.cpu_us);
            println!(
                "{:<26} {:<8} {cpu_us:>8.2} us/request ({:.2} of HAProxy's), p50 {:.2} ms, p99 {:.2} ms",
                kind.name,
                rival.name,
                cpu_us / haproxys,
                median(of, |round| round.p50_ms),
                median(of, |round| round.p99_ms)
            );
            row.insert(
                rival.name.to_owned(),
                json!({
                    "cpu_us_per_request": hundredths(cpu_us),
                    "of_haproxys": hundredths(cpu_us / haproxys),
                    "p50_ms": hundredths(median(of, |round| round.p50_ms)),
                    "p99_ms": hundredths(median(of, |round| round.p99_ms)),
                    "requests_per_second": median(of, |round| round.per_second).round(),
                    "failed": of.iter().map(|round| round.failed).sum::<u64>(),
                    "cpu_us_each_round": of.iter().map(|round| hundredths(round.cpu_us)).collect::<Vec<_>>(),
                }),
            );
        }
        figures.insert(kind.name.to_owned(), Value::Object(row));
    }
    let resident = rivals.iter().map(|rival| (rival.name.to_owned(), json!(rival.resident_kib())));
    figures.insert("resident afterwards, KiB".to_owned(), Value::Object(resident.collect()));
    Value::Object(figures)
}

/// One round: what it cost the proxy, and what the client saw.
fn once(kind: &Kind, rival: &Rival, scripts: &std::path::Path) -> Round {
    let before = rival.usage();
    let mut round = load::run(kind, &rival.address, scripts);
    let cpu_ns = rival.usage().saturating_sub(before);
    round.cpu_us = cpu_ns as f64 / 1000.0 / round.requests.max(1) as f64;
    round
}

fn is_installed(program: &str) -> bool {
    ["/usr/bin", "/usr/sbin"].iter().any(|place| std::path::Path::new(place).join(program).exists())
}

fn median(rounds: &[Round], figure: impl Fn(&Round) -> f64) -> f64 {
    let mut all: Vec<f64> = rounds.iter().map(figure).collect();
    all.sort_by(f64::total_cmp);
    all[all.len() / 2]
}

fn hundredths(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}

impl Rival {
    /// Nanoseconds of processor time of all its processes.
    fn usage(&self) -> u64 {
        self.pids().into_iter().filter_map(|pid| Usage::of(pid).ok()).map(|usage| usage.cpu_ns).sum()
    }

    fn resident_kib(&self) -> u64 {
        self.pids().into_iter().filter_map(|pid| Memory::of(pid).ok()).map(|memory| memory.resident_kib).sum()
    }
}

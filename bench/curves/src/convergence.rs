//! How long it takes until everyone knows, by the size of the cluster.

use crate::chart::{Chart, Scale, Series};
use crate::cluster::{Rules, formed};
use crate::measured;
use crate::results::{draw, kept};
use crate::views::Views;
use muster_serf::MemberEvent;
use muster_sim::World;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;

const SIZES: [usize; 8] = [10, 30, 60, 100, 300, 1000, 2000, 5000];
const LIMIT: Duration = Duration::from_secs(300);

/// Seconds, by what happened.
type Samples = BTreeMap<&'static str, Vec<f64>>;

/// The part of each cluster.
const PARTS: [(Rules, &str); 2] = [(Rules::Muster, "convergence"), (Rules::Stock, "convergence-stock")];

pub(crate) fn muster() -> Value {
    play(Rules::Muster)
}

pub(crate) fn stock() -> Value {
    play(Rules::Stock)
}

fn play(rules: Rules) -> Value {
    let size = |hosts: usize| {
        let began = std::time::Instant::now();
        // The larger the cluster, the more members agree on one trial, and the longer it takes.
        let trials = if hosts < 1000 {
            9
        } else if hosts < 5000 {
            3
        } else {
            2
        };
        let samples = trial(hosts, rules, trials);
        println!("{hosts} hosts, {}: {samples:.2?} in {:.0?}", rules.name(), began.elapsed());
        json!({ "hosts": hosts, "rules": rules.name(), "trials": trials, "seconds": samples })
    };
    SIZES.map(size).into_iter().collect()
}

/// Draws the parts that are there: a picture for each thing that happens, with the figures of real clusters as dots.
pub(crate) fn picture() {
    for (file, title, whats) in [
        ("convergence-join", "until everyone knows of a join", &["join"][..]),
        ("convergence-tags", "until everyone knows of changed tags", &["tags"]),
        ("convergence-leave", "until everyone knows of a leave", &["leave"]),
        ("detection", "until the first and everyone knows of a crash", &["crash, all", "crash, first"]),
    ] {
        let line = |what: &str, (rules, part): (Rules, &str)| {
            let figures = kept(part);
            let points = figures.as_array().into_iter().flatten().filter_map(|figure| {
                let seconds = figure["seconds"][what].as_array()?.iter().filter_map(Value::as_f64);
                Some((figure["hosts"].as_f64()?, median(&seconds.collect::<Vec<_>>())))
            });
            Series::line(format!("{what}, {}", rules.name()), points.collect())
        };
        let lines = whats.iter().flat_map(|what| PARTS.map(|part| line(what, part)));
        let mut series: Vec<Series> = lines.collect();
        if series.iter().all(|series| series.points.is_empty()) {
            continue;
        }
        series.extend(measured::beside(whats[0], [0, 1]));
        let (title, x, y) = (format!("{title} (median)"), ("hosts", Scale::Log), ("seconds", Scale::Log));
        draw(file, &Chart { title, x, y, series });
    }
}

fn trial(hosts: usize, rules: Rules, trials: usize) -> Samples {
    let (mut world, mut views) = formed(hosts, 7, rules);
    let mut samples = Samples::new();
    let mut note = |what, seconds| samples.entry(what).or_default().push(seconds);
    for trial in 0..trials {
        // Never a seed, so that everyone finds back.
        let host = 3 + (trial * 7919) % (hosts - 3);
        world.crash(host);
        let (first, all) = crash(&mut world, &mut views, host);
        note("crash, first", first);
        note("crash, all", all);
        calm(&mut world, &mut views);
        world.start(host);
        note("join", until_whole(&mut world, &mut views, &[host], true));
        calm(&mut world, &mut views);
        note("tags", tags(&mut world, &mut views, host, trial));
        calm(&mut world, &mut views);
        world.leave(host);
        note("leave", until_whole(&mut world, &mut views, &[host], false));
        calm(&mut world, &mut views);
        while world.is_up(host) {
            calm(&mut world, &mut views);
        }
        world.start(host);
        until_whole(&mut world, &mut views, &[host], true);
        calm(&mut world, &mut views);
    }
    samples
}

/// Seconds until one and until all know.
fn crash(world: &mut World, views: &mut Views, host: usize) -> (f64, f64) {
    let began = world.now();
    views.set_up([host], false);
    let mut first = None;
    views.run_until(world, LIMIT, |views, verdict| {
        if let Some(verdict) = verdict.filter(|it| it.about == host && it.event == MemberEvent::Failed) {
            first.get_or_insert(verdict.at);
        }
        views.not_whole() == 0
    });
    ((first.unwrap_or(world.now()) - began).as_secs_f64(), (world.now() - began).as_secs_f64())
}

/// Seconds until everyone has heard that the host announces other tags.
fn tags(world: &mut World, views: &mut Views, host: usize, trial: usize) -> f64 {
    let began = world.now();
    world.set_tags(host, [("notready".to_owned(), trial.to_string())].into());
    let mut missing = world.len();
    views.run_until(world, LIMIT, |_, verdict| {
        missing -= usize::from(verdict.is_some_and(|it| it.about == host && it.event == MemberEvent::Update));
        missing == 0
    });
    (world.now() - began).as_secs_f64()
}

/// Seconds until all views are right again after these went or came.
pub(crate) fn until_whole(world: &mut World, views: &mut Views, hosts: &[usize], up: bool) -> f64 {
    let began = world.now();
    views.set_up(hosts.iter().copied(), up);
    views.run_until(world, LIMIT, |views, _| views.not_whole() == 0);
    (world.now() - began).as_secs_f64()
}

/// Lets the news die down.
fn calm(world: &mut World, views: &mut Views) {
    views.run_until(world, Duration::from_secs(10), |_, _| false);
}

fn median(samples: &[f64]) -> f64 {
    let mut sorted = samples.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or_default()
}

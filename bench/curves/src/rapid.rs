//! The trials of the Rapid paper (Suresh and others, arXiv 1803.03620, section 7): a bootstrap of 2,000; in a cluster of 1,000 ten
//! crashes at once, ten members that hear nothing every other twenty seconds, ten members that lose 80 % of what they send.
//!
//! The paper asks whether the views are stable and the healthy stay. We ask as well what a balancer sees of the faulty ones.

use crate::chart::{Chart, Scale, Series};
use crate::cluster::{Rules, down, formed, start_spread};
use crate::picture::{Flaps, Picture};
use crate::results::draw;
use crate::views::Views;
use muster_serf::{Extensions, MemberEvent};
use muster_sim::World;
use serde_json::{Value, json};
use std::time::Duration;

const HOSTS: usize = 1000;
/// One in a hundred.
const FAULTY: std::ops::Range<usize> = 500..510;
/// The host whose view tells what a balancer sees.
const BALANCER: usize = 20;
const FAULT: Duration = Duration::from_secs(300);
/// As long as the fault and then this, for what it leaves behind.
const AFTER: Duration = Duration::from_secs(120);

/// What goes wrong at the faulty ones.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Trial {
    Crashes,
    OneWay,
    Loss,
}

impl Trial {
    fn name(self) -> &'static str {
        match self {
            Self::Crashes => "ten crashes at once",
            Self::OneWay => "ten hear nothing for 20 s of every 40 s",
            Self::Loss => "ten lose 80 % of what they send",
        }
    }

    fn file(self) -> &'static str {
        match self {
            Self::Crashes => "rapid-crashes",
            Self::OneWay => "rapid-one-way",
            Self::Loss => "rapid-loss",
        }
    }

    /// Puts the network right for second `second` of the fault; `None` is after it.
    fn apply(self, world: &mut World, views: &mut Views, second: Option<u64>) {
        match self {
            Self::Crashes if second == Some(0) => {
                FAULTY.for_each(|host| world.crash(host));
                views.set_up(FAULTY, false);
            }
            Self::Crashes => {}
            Self::OneWay => {
                let deaf = second.is_some_and(|second| second % 40 < 20);
                FAULTY.for_each(|host| world.network.port(host).loss_in = if deaf { 1.0 } else { 0.0 });
            }
            Self::Loss => {
                let loss = if second.is_some() { 0.8 } else { 0.0 };
                FAULTY.for_each(|host| world.network.port(host).loss_out = loss);
            }
        }
    }
}

pub(crate) fn crashes() -> Value {
    compare(Trial::Crashes)
}

pub(crate) fn one_way() -> Value {
    compare(Trial::OneWay)
}

pub(crate) fn loss() -> Value {
    compare(Trial::Loss)
}

/// Our rules beside the reference's.
fn compare(trial: Trial) -> Value {
    let (mut figures, mut series) = (Vec::new(), Vec::new());
    for rules in [Rules::Muster, Rules::Stock] {
        let (figure, points) = play(trial, rules);
        figures.push(figure);
        series.push(Series::line(rules.name(), points));
    }
    let title = format!("1,000 hosts, {}", trial.name());
    let x = ("seconds since the fault began", Scale::Linear);
    let y = ("healthy hosts that do not see just what is up", Scale::Linear);
    draw(trial.file(), &Chart { title, x, y, series });
    json!(figures)
}

pub(crate) fn bootstrap() -> Value {
    const MANY: usize = 2000;
    let (mut series, mut figures) = (Vec::new(), Vec::new());
    for (rules, extensions) in [(Rules::Muster, Extensions::ALL), (Rules::Stock, Extensions::MEMBERLIST)] {
        let began = std::time::Instant::now();
        let (mut world, mut views) = down(MANY, 5, |_| extensions);
        start_spread(&mut world, &mut views, 0..MANY, Duration::from_secs(1));
        let (mut points, mut whole) = (Vec::new(), false);
        while !whole && world.now().0 < Duration::from_secs(600) {
            views.run_until(&mut world, Duration::from_secs(1), |_, _| false);
            points.push((world.now().0.as_secs_f64(), (MANY - views.not_whole()) as f64));
            whole = views.not_whole() == 0;
        }
        let seconds = whole.then_some(world.now().0.as_secs_f64());
        println!("bootstrap, {}: whole after {seconds:?} s in {:.0?}", rules.name(), began.elapsed());
        figures.push(json!({ "rules": rules.name(), "all_views_right_after_s": seconds }));
        series.push(Series::line(rules.name(), points));
    }
    let title = "2,000 hosts start within a second: those that see everyone".to_owned();
    let (x, y) = (("seconds", Scale::Linear), ("hosts", Scale::Linear));
    draw("rapid-bootstrap", &Chart { title, x, y, series });
    json!({ "trial": "bootstrap", "hosts": MANY, "runs": figures })
}

fn play(trial: Trial, rules: Rules) -> (Value, Vec<(f64, f64)>) {
    let began = std::time::Instant::now();
    let (mut world, mut views) = formed(HOSTS, 23, rules);
    let start = world.now();
    let (mut points, mut healthy_removed, mut removed_by_balancer) = (Vec::new(), 0, 0);
    let (mut picture, mut last_wrong, mut wrong_host_seconds) = (Picture::default(), 0.0, 0);
    for second in 0..(FAULT + AFTER).as_secs() {
        trial.apply(&mut world, &mut views, (second < FAULT.as_secs()).then_some(second));
        views.run_until(&mut world, Duration::from_secs(1), |_, verdict| {
            let Some(it) = verdict else { return false };
            if it.by == BALANCER {
                picture.notice(it);
            }
            if it.event == MemberEvent::Failed && !FAULTY.contains(&it.about) && !FAULTY.contains(&it.by) {
                healthy_removed += 1;
                removed_by_balancer += usize::from(it.by == BALANCER);
            }
            false
        });
        let wrong = (0..HOSTS).filter(|by| !FAULTY.contains(by) && views.wrong_of(*by) > 0).count();
        let seconds = (world.now() - start).as_secs_f64();
        points.push((seconds, wrong as f64));
        wrong_host_seconds += wrong;
        if wrong > 0 {
            last_wrong = seconds;
        }
    }
    picture.advance(world.now());
    let flaps: Vec<Flaps> = picture.flaps().filter(|flaps| FAULTY.contains(&flaps.member)).collect();
    let most = |of: fn(&Flaps) -> usize| flaps.iter().map(of).max().unwrap_or(0);
    let figure = json!({
        "trial": trial.name(), "rules": rules.name(), "hosts": HOSTS, "faulty": FAULTY.len(), "fault_s": FAULT.as_secs(),
        "watched_s": (FAULT + AFTER).as_secs(),
        "healthy_removed_events": healthy_removed, "healthy_removed_at_the_balancer": removed_by_balancer,
        "last_wrong_view_s": last_wrong, "wrong_views_host_seconds": wrong_host_seconds,
        "balancer_worst_faulty": {
            "falls_in_gossip": most(|it| it.falls), "falls_in_the_picture": most(|it| it.shown_falls),
            "flaps_in_the_picture": most(|it| it.shown), "flaps_in_the_picture_within_a_minute": most(|it| it.shown_in_a_minute),
        },
    });
    println!("{figure} in {:.0?}", began.elapsed());
    (figure, points)
}

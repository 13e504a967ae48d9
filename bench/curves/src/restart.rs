//! 4,500 of 5,000 hosts die at once and are back within five seconds, knowing nothing but their seeds.

use crate::chart::{Chart, Scale, Series};
use crate::cluster::{Rules, formed, start_spread};
use crate::results::{draw, kept};
use crate::views::Views;
use muster_sim::World;
use serde_json::{Value, json};
use std::time::Duration;

const HOSTS: usize = 5000;
const STAY: usize = 500;
/// By when every view shall be right.
const GOAL: Duration = Duration::from_secs(60);
/// Whose views become right is watched for longer.
const PATIENCE: Duration = Duration::from_secs(120);

/// The part of each cluster: one takes a quarter of an hour.
const PARTS: [(Rules, &str); 3] =
    [(Rules::Muster, "restart"), (Rules::Half, "restart-half"), (Rules::Stock, "restart-stock")];

pub(crate) fn muster() -> Value {
    play(Rules::Muster, PATIENCE)
}

pub(crate) fn half() -> Value {
    play(Rules::Half, GOAL)
}

pub(crate) fn stock() -> Value {
    play(Rules::Stock, GOAL)
}

fn play(rules: Rules, watched: Duration) -> Value {
    let began = std::time::Instant::now();
    let (mut world, mut views) = formed(HOSTS, 11, rules);
    println!("{}: formed in {:.0?}", rules.name(), began.elapsed());
    (STAY..HOSTS).for_each(|host| world.crash(host));
    views.set_up(STAY..HOSTS, false);
    views.run_until(&mut world, Duration::from_secs(2), |_, _| false);
    let back = world.now();
    let before = world.counts();
    start_spread(&mut world, &mut views, STAY..HOSTS, Duration::from_secs(5));
    let (mut whole_at, mut at_goal, mut points) = (None, None, Vec::new());
    while world.now() < back + watched && whole_at.is_none() {
        views.run_until(&mut world, Duration::from_secs(1), |views, verdict| {
            if views.not_whole() == 0 {
                whole_at = verdict.map(|verdict| verdict.at);
            }
            false
        });
        // What was whole for a moment only is not whole.
        whole_at = whole_at.filter(|_| views.not_whole() == 0);
        let (seconds, whole) = ((world.now() - back).as_secs_f64(), HOSTS - views.not_whole());
        println!("{seconds:.0} s: {whole} views right, after {:.0?}", began.elapsed());
        tell_stragglers(&world, &views);
        points.push((seconds, whole));
        if seconds >= GOAL.as_secs_f64() {
            at_goal.get_or_insert(whole);
        }
    }
    let after = world.counts();
    let bytes = after.packet_bytes + after.stream_bytes - before.packet_bytes - before.stream_bytes;
    json!({
        "rules": rules.name(), "hosts": HOSTS, "restarted": HOSTS - STAY, "watched_s": watched.as_secs(),
        "all_views_right_after_s": whole_at.map(|at| (at - back).as_secs_f64()),
        "right_views_at_60_s": at_goal.unwrap_or(HOSTS), "bytes": bytes, "streams": after.streams - before.streams,
        "packets": after.packets - before.packets, "run_time_s": began.elapsed().as_secs(),
        "right_views_by_second": points,
    })
}

/// Whoever is among the last: whom it sees wrongly, and how.
fn tell_stragglers(world: &World, views: &Views) {
    const FEW: usize = 6;
    if views.not_whole() > FEW {
        return;
    }
    for by in (0..HOSTS).filter(|by| views.wrong_of(*by) > 0) {
        let about = (0..HOSTS).find(|about| views.is_wrong(by, *about)).unwrap_or(by);
        let status =
            world.serf(by).and_then(|serf| serf.member(&world.spec(about).name)).map(|member| member.status);
        println!("  {by} sees {} wrongly, {about} as {status:?}", views.wrong_of(by));
    }
}

/// Draws the parts that are there.
pub(crate) fn picture() {
    let point = |point: &Value| Some((point[0].as_f64()?, point[1].as_f64()?));
    let line = |(rules, part): &(Rules, &str)| {
        let points = kept(part)["right_views_by_second"].as_array()?.iter().filter_map(point).collect();
        Some(Series::line(rules.name(), points))
    };
    let series: Vec<Series> = PARTS.iter().filter_map(line).collect();
    if series.is_empty() {
        return;
    }
    let title = "4,500 of 5,000 restart: hosts that see everyone rightly".to_owned();
    let (x, y) = (("seconds since the first is back", Scale::Linear), ("hosts", Scale::Linear));
    draw("restart", &Chart { title, x, y, series });
}

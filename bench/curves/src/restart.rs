//! 4,500 of 5,000 hosts die at once and are back within five seconds, knowing nothing but their seeds.

use crate::chart::{Chart, Scale, Series};
use crate::cluster::{Rules, formed, start_spread};
use crate::results::draw;
use serde_json::{Value, json};
use std::time::Duration;

const HOSTS: usize = 5000;
const STAY: usize = 500;
const WATCHED: Duration = Duration::from_secs(120);

pub(crate) fn compute() -> Value {
    let mut figures = Vec::new();
    let mut series = Vec::new();
    for rules in Rules::ALL {
        let began = std::time::Instant::now();
        let (mut world, mut views) = formed(HOSTS, 11, rules);
        (STAY..HOSTS).for_each(|host| world.crash(host));
        views.set_up(STAY..HOSTS, false);
        views.run_until(&mut world, Duration::from_secs(2), |_, _| false);
        let back = world.now();
        let before = world.counts();
        start_spread(&mut world, &mut views, STAY..HOSTS, Duration::from_secs(5));
        let (mut whole_at, mut at_60, mut points) = (None, None, Vec::new());
        while world.now() < back + WATCHED && whole_at.is_none() {
            views.run_until(&mut world, Duration::from_secs(1), |views, verdict| {
                if views.not_whole() == 0 {
                    whole_at = verdict.map(|verdict| verdict.at);
                }
                false
            });
            // What was whole for a moment only is not whole.
            whole_at = whole_at.filter(|_| views.not_whole() == 0);
            let seconds = (world.now() - back).as_secs_f64();
            points.push((seconds, (HOSTS - views.not_whole()) as f64));
            if seconds >= 60.0 {
                at_60.get_or_insert(HOSTS - views.not_whole());
            }
        }
        let whole_s = whole_at.map(|at| (at - back).as_secs_f64());
        let after = world.counts();
        let bytes = after.packet_bytes + after.stream_bytes - before.packet_bytes - before.stream_bytes;
        println!(
            "{}: whole after {whole_s:?} s, right at 60 s: {at_60:?} in {:.0?}",
            rules.name(),
            began.elapsed()
        );
        figures.push(json!({
            "rules": rules.name(), "hosts": HOSTS, "restarted": HOSTS - STAY, "all_views_right_after_s": whole_s,
            "right_views_at_60_s": at_60.unwrap_or(HOSTS), "bytes": bytes, "run_time_s": began.elapsed().as_secs(),
        }));
        series.push(Series::line(rules.name(), points));
    }
    let title = "4,500 of 5,000 restart: hosts that see everyone rightly".to_owned();
    let (x, y) = (("seconds since the first is back", Scale::Linear), ("hosts", Scale::Linear));
    draw("restart", &Chart { title, x, y, series });
    json!(figures)
}

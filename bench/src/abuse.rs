//! What clients that mean no good cost: memory for each of their connections, how others are served meanwhile, and when they are ended.
//!
//! The idle timeout is as short as in the tests of the same, so that the end is seen; idle connections are counted once more
//! with the default, for their memory alone. As many as fit: the proxy reckons with two descriptors for each client, and `ulimit -n` is
//! in the results. Beyond that all others wait in the listen queue until idle ones are ended.

use muster_e2e::abuse::{Abuse, Siege};
use serde_json::{Value, json};

/// Abuses, how many connections, and whether they are to be seen ended. The harness has one or two descriptors for each, too.
const SIEGES: [(Abuse, usize, bool); 7] = [
    (Abuse::Idle, 9500, false),
    (Abuse::Idle, 9500, true),
    (Abuse::SlowHead, 5000, true),
    (Abuse::SlowBody, 3000, true),
    (Abuse::SlowReader, 1000, true),
    (Abuse::LargeHead, 3000, true),
    (Abuse::HeadFlood, 1000, true),
];

pub(crate) async fn measure() -> Value {
    let mut figures = Vec::new();
    for (abuse, connections, ends) in SIEGES {
        let siege = Siege::start(if ends { &["--idle-timeout", "5s"] } else { &[] }).await;
        let seen = siege.suffer(abuse, connections, ends).await;
        let each = (seen.during_kib.saturating_sub(seen.before_kib)) as f64 / connections as f64;
        println!(
            "{abuse:?}: {connections} connections, {} KiB -> {} KiB -> {} KiB, {each:.2} KiB each; others waited {:?} at most; ended within {:?}",
            seen.before_kib, seen.during_kib, seen.after_kib, seen.slowest, seen.ended_within
        );
        figures.push(json!({
            "abuse": format!("{abuse:?}"), "connections": connections, "idle_timeout": if ends { "5s" } else { "1m" },
            "rss_before_kib": seen.before_kib, "rss_during_kib": seen.during_kib, "rss_after_kib": seen.after_kib,
            "ulimit_n": rustix::process::getrlimit(rustix::process::Resource::Nofile).current,
            "kib_each": (each * 100.0).round() / 100.0,
            "slowest_of_others_ms": seen.slowest.as_secs_f64() * 1e3,
            "all_ended_within_s": seen.ended_within.map(|time| time.as_secs_f64()),
        }));
    }
    json!(figures)
}

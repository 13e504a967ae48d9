//! USR1: what was counted, on standard error, in the form of the dump that Serf's users know (go-metrics, inmem_signal.go).
//!
//! Names are Serf's and memberlist's. The reference shows the last minute in steps of ten seconds; here everything is counted
//! since the start, and shown as one step, that of the dump. Names made of what peers say, as the reference has one for each user
//! event, are left out: a peer could make up any number of them.

use muster_serf::{MemberEvent, Stats};
use std::fmt::Write;
use std::time::{Duration, SystemTime};

/// A member that returns this soon after it went has flapped (Serf's `FlapTimeout`).
const FLAP_TIMEOUT: Duration = Duration::from_secs(60);

/// One counter.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
struct Counter {
    count: u64,
    /// Of what was counted: bytes, or simply the count.
    sum: u64,
    last: Option<SystemTime>,
}

impl Counter {
    fn add(&mut self, amount: u64) {
        self.count += 1;
        self.sum = self.sum.saturating_add(amount);
    }
}

/// What the gossip thread counts.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Counters {
    join: Counter,
    leave: Counter,
    failed: Counter,
    update: Counter,
    flap: Counter,
    events: Counter,
    queries: Counter,
    received: Counter,
    sent: Counter,
}

impl Counters {
    /// Something happened to a member, whose status had last changed `since` ago.
    pub(crate) fn member(&mut self, event: MemberEvent, since: Option<Duration>) {
        match event {
            MemberEvent::Join => {
                self.happened(|all| &mut all.join);
                if since.is_some_and(|since| since < FLAP_TIMEOUT) {
                    self.happened(|all| &mut all.flap);
                }
            }
            MemberEvent::Leave => self.happened(|all| &mut all.leave),
            MemberEvent::Failed => self.happened(|all| &mut all.failed),
            MemberEvent::Update => self.happened(|all| &mut all.update),
            MemberEvent::Reap => {}
        }
    }

    pub(crate) fn user_event(&mut self) {
        self.happened(|all| &mut all.events);
    }

    pub(crate) fn query(&mut self) {
        self.happened(|all| &mut all.queries);
    }

    /// A datagram came. No clock is asked for those: there are too many.
    pub(crate) fn received(&mut self, bytes: usize) {
        self.received.add(bytes as u64);
    }

    /// A datagram went.
    pub(crate) fn sent(&mut self, bytes: usize) {
        self.sent.add(bytes as u64);
    }

    fn happened(&mut self, which: fn(&mut Self) -> &mut Counter) {
        let counter = which(self);
        counter.add(1);
        counter.last = Some(SystemTime::now());
    }
}

/// One thing that is counted or measured.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Reading {
    /// As it is now.
    Gauge(u64),
    /// Since the start.
    Counter {
        /// How often.
        count: u64,
        /// Of what was counted: bytes, or simply the count.
        sum: u64,
        /// When the last time was, of what does not happen too often to ask a clock.
        last: Option<SystemTime>,
    },
    /// As it is now; the reference takes one every thirty seconds.
    Sample(u64),
}

/// Everything, by Serf's names.
pub(crate) fn readings(counters: &Counters, stats: &Stats) -> Vec<(&'static str, Reading)> {
    let gauges = [
        ("memberlist.health.score", u64::from(stats.health_score)),
        ("serf.members", stats.members as u64),
        ("serf.members.failed", stats.failed as u64),
        ("serf.members.left", stats.left as u64),
    ];
    let Counters { join, leave, failed, update, flap, events, queries, received, sent } = counters;
    let counters = [
        ("memberlist.udp.received", received),
        ("memberlist.udp.sent", sent),
        ("serf.events", events),
        ("serf.member.failed", failed),
        ("serf.member.flap", flap),
        ("serf.member.join", join),
        ("serf.member.leave", leave),
        ("serf.member.update", update),
        ("serf.queries", queries),
    ];
    let samples = [
        ("serf.queue.Event", stats.event_queue as u64),
        ("serf.queue.Intent", stats.intent_queue as u64),
        ("serf.queue.Query", stats.query_queue as u64),
    ];
    let counted = |counter: &Counter| {
        let Counter { count, sum, last } = *counter;
        Reading::Counter { count, sum, last }
    };
    let gauges = gauges.into_iter().map(|(name, value)| (name, Reading::Gauge(value)));
    let counters = counters.into_iter().map(|(name, counter)| (name, counted(counter)));
    let samples = samples.into_iter().map(|(name, value)| (name, Reading::Sample(value)));
    gauges.chain(counters).chain(samples).collect()
}

/// The same by our own names.
pub(crate) fn gossip_figures(counters: &Counters, stats: &Stats) -> muster_admin::Gossip {
    let Counters { join, leave, failed, update, flap, events, queries, received, sent } = counters;
    muster_admin::Gossip {
        joins: join.count,
        leaves: leave.count,
        failures: failed.count,
        updates: update.count,
        flaps: flap.count,
        user_events: events.count,
        queries: queries.count,
        datagrams_received: received.count,
        bytes_received: received.sum,
        datagrams_sent: sent.count,
        bytes_sent: sent.sum,
        health_score: stats.health_score,
        queued_intents: stats.intent_queue as u64,
        queued_events: stats.event_queue as u64,
        queued_queries: stats.query_queue as u64,
    }
}

/// The dump.
pub(crate) fn dump(counters: &Counters, stats: &Stats, now: SystemTime) -> String {
    let at = as_go_prints(now);
    let mut text = String::new();
    for (name, reading) in readings(counters, stats) {
        // Writing to a text does not fail.
        let _ = match reading {
            Reading::Gauge(value) => writeln!(text, "[{at}][G] 'serf-agent.{name}': {value}.000"),
            Reading::Sample(value) => {
                writeln!(text, "[{at}][S] 'serf-agent.{name}': Count: 1 Sum: {value}.000 LastUpdated: {at}")
            }
            Reading::Counter { count, sum, last } => {
                let updated =
                    last.map(|last| format!(" LastUpdated: {}", as_go_prints(last))).unwrap_or_default();
                writeln!(text, "[{at}][C] 'serf-agent.{name}': Count: {count} Sum: {sum}.000{updated}")
            }
        };
    }
    text
}

/// `2026-11-26 08:16:26 +0000 UTC`.
fn as_go_prints(time: SystemTime) -> String {
    let seconds = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
    let (days, of_day) = (seconds / 86_400, seconds % 86_400);
    // Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", civil_from_days; years begin in March.
    let days = days + 719_468;
    let (era, of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let (month, next_year) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    let year = year_of_era + era * 400 + next_year;
    let (hour, minute, second) = (of_day / 3600, of_day / 60 % 60, of_day % 60);
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02} +0000 UTC")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
    }

    #[test]
    fn times_are_those_of_the_calendar() {
        for (seconds, text) in [
            (0, "1970-01-01 00:00:00"),
            (951_782_399, "2000-02-28 23:59:59"),
            (951_782_400, "2000-02-29 00:00:00"),
            (1_709_251_199, "2024-02-29 23:59:59"),
            (1_798_761_599, "2026-12-31 23:59:59"),
            (1_795_680_986, "2026-11-26 08:16:26"),
        ] {
            assert_eq!(as_go_prints(at(seconds)), format!("{text} +0000 UTC"));
        }
    }

    #[test]
    fn what_was_counted_is_told_with_serfs_names() {
        let mut counters = Counters::default();
        counters.member(MemberEvent::Join, None);
        counters.member(MemberEvent::Failed, Some(Duration::from_secs(5)));
        counters.member(MemberEvent::Join, Some(Duration::from_secs(5)));
        counters.member(MemberEvent::Failed, Some(Duration::from_secs(5)));
        counters.member(MemberEvent::Join, Some(Duration::from_secs(61)));
        counters.received(100);
        counters.received(20);
        let stats = Stats { members: 3, health_score: 1, ..Stats::default() };
        let text = dump(&counters, &stats, at(1_795_680_986));
        let has = |line: &str| assert!(text.contains(line), "{line} in {text}");
        has("[2026-11-26 08:16:26 +0000 UTC][G] 'serf-agent.memberlist.health.score': 1.000\n");
        has(
            "[2026-11-26 08:16:26 +0000 UTC][C] 'serf-agent.memberlist.udp.received': Count: 2 Sum: 120.000\n",
        );
        has("'serf-agent.serf.member.join': Count: 3 Sum: 3.000 LastUpdated: ");
        has("'serf-agent.serf.member.flap': Count: 1 Sum: 1.000 LastUpdated: ");
        has("'serf-agent.serf.events': Count: 0 Sum: 0.000\n");
    }
}

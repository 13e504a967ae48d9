//! The last lines of each service, kept for whoever asks.
//!
//! All rings together have one budget. When it is spent, the oldest line of whoever holds most makes way, so that a flood of one service pushes
//! out no other's last words. A reader keeps a [`Place`]: how far it is in each ring. So it is told exactly how many lines it missed when it
//! was slower than the flood.

use alloc::borrow::ToOwned;
use alloc::collections::{BTreeMap, VecDeque};
use alloc::string::String;
use alloc::vec::Vec;

use crate::{Part, Priority, Record, Stream, Timestamp};

/// What a line costs beside its text.
const LINE_COST: usize = 96;
/// All messages of syslog clients are in this one, since anybody may make up a name.
const SYSLOG: &str = "";

/// A line that is kept.
#[derive(Debug)]
struct Kept {
    /// Its place among all lines.
    number: u64,
    time: Timestamp,
    /// Of messages only: a ring of a service knows its name.
    service: Option<String>,
    process: Option<String>,
    stream: Stream,
    priority: Priority,
    part: Part,
    text: Vec<u8>,
}

impl Kept {
    fn cost(&self) -> usize {
        let names = [&self.service, &self.process].map(|name| name.as_ref().map_or(0, String::len));
        LINE_COST + self.text.len() + names.iter().sum::<usize>()
    }

    fn record<'k>(&'k self, ring: &'k str) -> Record<'k> {
        Record {
            time: self.time,
            service: self.service.as_deref().unwrap_or(ring),
            process: self.process.as_deref(),
            stream: self.stream,
            priority: self.priority,
            text: &self.text,
            part: self.part,
        }
    }
}

#[derive(Debug, Default)]
struct Ring {
    lines: VecDeque<Kept>,
    bytes: usize,
    /// How many lines came before the first that is kept.
    gone: u64,
}

/// See the module's page.
#[derive(Debug)]
pub struct Tail {
    rings: BTreeMap<String, Ring>,
    bytes: usize,
    bytes_max: usize,
    number: u64,
}

/// Whose lines somebody wants.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Names of services; none: everybody's, messages of syslog clients too.
    pub services: Vec<String>,
}

impl Wanted {
    fn has(&self, ring: &str) -> bool {
        self.services.is_empty() || self.services.iter().any(|service| service == ring)
    }
}

/// How far a reader is: by ring, how many of its lines are behind it.
#[derive(Clone, Debug, Default)]
pub struct Place(BTreeMap<String, u64>);

/// What a reader is told next.
#[derive(Debug, PartialEq, Eq)]
pub enum Next<'t> {
    /// A line.
    Line(Record<'t>),
    /// So many lines of this service were pushed out before they were read.
    Missed(&'t str, u64),
}

impl Tail {
    /// For lines of these services, and of syslog clients; in so many bytes.
    #[must_use]
    pub fn new(services: impl IntoIterator<Item = String>, bytes_max: usize) -> Self {
        let names = services.into_iter().chain([SYSLOG.to_owned()]);
        Self { rings: names.map(|name| (name, Ring::default())).collect(), bytes: 0, bytes_max, number: 0 }
    }

    /// The services it was made for.
    pub fn services(&self) -> impl Iterator<Item = &str> {
        self.rings.keys().map(String::as_str).filter(|name| *name != SYSLOG)
    }

    /// Keeps a line.
    pub fn push(&mut self, record: &Record<'_>) {
        let is_message = record.stream == Stream::Syslog;
        let Some(ring) = self.rings.get_mut(if is_message { SYSLOG } else { record.service }) else { return };
        let kept = Kept {
            number: self.number,
            time: record.time,
            service: is_message.then(|| record.service.to_owned()),
            process: record.process.map(str::to_owned),
            stream: record.stream,
            priority: record.priority,
            part: record.part,
            text: record.text.to_owned(),
        };
        self.number += 1;
        self.bytes += kept.cost();
        ring.bytes += kept.cost();
        ring.lines.push_back(kept);
        while self.bytes > self.bytes_max {
            self.evict();
        }
    }

    fn evict(&mut self) {
        // There is one: bytes are held.
        let Some(ring) = self.rings.values_mut().max_by_key(|ring| ring.bytes) else { return };
        let Some(line) = ring.lines.pop_front() else { return };
        ring.bytes -= line.cost();
        ring.gone += 1;
        self.bytes -= line.cost();
    }

    /// Before the last `count` lines of whoever is wanted.
    #[must_use]
    pub fn before_last(&self, wanted: &Wanted, count: usize) -> Place {
        let mut place = Place::default();
        let mut behind: Vec<u64> =
            self.wanted(wanted).flat_map(|(_, ring)| ring.lines.iter().map(|line| line.number)).collect();
        behind.sort_unstable();
        let first = behind.iter().rev().nth(count.wrapping_sub(1)).copied();
        let first = match count {
            0 => u64::MAX,
            _ => first.unwrap_or(0),
        };
        for (name, ring) in self.wanted(wanted) {
            let skipped = ring.lines.partition_point(|line| line.number < first);
            place.0.insert(name.to_owned(), ring.gone + skipped as u64);
        }
        place
    }

    /// What comes next for a reader at `place`, which is moved past it. `None`: it has everything.
    pub fn next(&self, wanted: &Wanted, place: &mut Place) -> Option<Next<'_>> {
        let mut first: Option<(&str, &Kept)> = None;
        for (name, ring) in self.wanted(wanted) {
            let at = place.0.entry(name.to_owned()).or_default();
            let missed = ring.gone.saturating_sub(*at);
            if missed > 0 {
                *at = ring.gone;
                return Some(Next::Missed(if name == SYSLOG { "syslog" } else { name }, missed));
            }
            let line = usize::try_from(*at - ring.gone).ok().and_then(|at| ring.lines.get(at));
            if let Some(line) = line
                && first.is_none_or(|(_, other)| line.number < other.number)
            {
                first = Some((name, line));
            }
        }
        let (name, line) = first?;
        *place.0.get_mut(name)? += 1;
        Some(Next::Line(line.record(name)))
    }

    fn wanted<'t>(&'t self, wanted: &Wanted) -> impl Iterator<Item = (&'t str, &'t Ring)> {
        self.rings.iter().filter(|(name, _)| wanted.has(name)).map(|(name, ring)| (name.as_str(), ring))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;
    use proptest::prelude::*;

    fn line<'a>(service: &'a str, text: &'a str) -> Record<'a> {
        let stream = Stream::Stdout;
        let (time, priority) = (Timestamp::default(), stream.priority());
        Record { time, service, process: None, stream, priority, text: text.as_bytes(), part: Part::Whole }
    }

    fn tail(bytes_max: usize) -> Tail {
        Tail::new(["api", "web"].map(str::to_owned), bytes_max)
    }

    /// Everything from there on, in words.
    fn rest(tail: &Tail, wanted: &Wanted, place: &mut Place) -> Vec<String> {
        let mut told = Vec::new();
        while let Some(next) = tail.next(wanted, place) {
            told.push(match next {
                Next::Line(line) => format!("{} {}", line.service, String::from_utf8_lossy(line.text)),
                Next::Missed(service, lines) => format!("{service} missed {lines}"),
            });
        }
        told
    }

    #[test]
    fn the_last_lines_of_all_come_in_their_order_and_then_what_follows() {
        let mut tail = tail(1 << 20);
        let everybody = Wanted::default();
        for (service, text) in [("web", "1"), ("api", "2"), ("web", "3")] {
            tail.push(&line(service, text));
        }
        tail.push(&Record { stream: Stream::Syslog, ..line("su", "4") });
        let mut place = tail.before_last(&everybody, 3);
        assert_eq!(rest(&tail, &everybody, &mut place), ["api 2", "web 3", "su 4"]);
        tail.push(&line("api", "5"));
        assert_eq!(rest(&tail, &everybody, &mut place), ["api 5"]);
        assert_eq!(rest(&tail, &everybody, &mut tail.before_last(&everybody, 0)), Vec::<String>::new());
        assert_eq!(rest(&tail, &everybody, &mut tail.before_last(&everybody, 99)).len(), 5);
        let web = Wanted { services: ["web".to_owned()].into() };
        assert_eq!(rest(&tail, &web, &mut tail.before_last(&web, 1)), ["web 3"]);
    }

    #[test]
    fn a_flood_pushes_out_its_own_lines_and_who_was_too_slow_is_told_how_many() {
        let mut tail = tail(10 * (LINE_COST + 4));
        let everybody = Wanted::default();
        tail.push(&line("api", "last words"));
        let mut place = tail.before_last(&everybody, 0);
        for number in 0..100 {
            tail.push(&line("web", &format!("{number:04}")));
        }
        let told = rest(&tail, &everybody, &mut place);
        assert_eq!((&*told[0], told.len()), ("web missed 92", 9));
        assert_eq!(rest(&tail, &everybody, &mut tail.before_last(&everybody, 99))[0], "api last words");
    }

    #[test]
    fn a_line_longer_than_all_there_is_room_for_is_not_kept() {
        let mut tail = tail(200);
        tail.push(&line("web", &"x".repeat(500)));
        assert_eq!(rest(&tail, &Wanted::default(), &mut Place::default()), ["web missed 1"]);
        assert_eq!(tail.bytes, 0);
    }

    proptest! {
        #[test]
        fn every_line_is_told_or_missed_once(pushes in proptest::collection::vec((any::<bool>(), 0..60_usize, any::<bool>()), 0..80)) {
            let mut tail = tail(1000);
            let (everybody, mut place, mut told) = (Wanted::default(), Place::default(), 0);
            for (is_web, length, reads) in &pushes {
                tail.push(&line(if *is_web { "web" } else { "api" }, &"x".repeat(*length)));
                prop_assert!(tail.bytes <= 1000);
                while let Some(next) = reads.then(|| tail.next(&everybody, &mut place)).flatten() {
                    told += match next { Next::Line(_) => 1, Next::Missed(_, lines) => lines };
                }
            }
            while let Some(next) = tail.next(&everybody, &mut place) {
                told += match next { Next::Line(_) => 1, Next::Missed(_, lines) => lines };
            }
            prop_assert_eq!(told, pushes.len() as u64);
        }
    }
}

//! Serf's snapshot file: who was there, and how far the clocks were, so that a restarted agent finds its cluster again.
//!
//! Lines of text, appended one by one; the file is read from the start and later lines win:
//!
//! | line | means |
//! |---|---|
//! | `alive: NAME IP:PORT` | joined; split at the last space, IPv6 in brackets |
//! | `not-alive: NAME` | left or failed |
//! | `clock: N`, `event-clock: N`, `query-clock: N` | the highest seen |
//! | `leave` | we left in order: what came before counts only for those who rejoin after a leave |
//! | `coordinate: ...`, `# ...`, an empty line | nothing |
//!
//! Names come from peers and may hold anything but UTF-8 errors. One with a line break would be a line of its own choice:
//! it is not written, and such a node is found again by gossip. A last line without its line break was torn by a crash,
//! and is none. Which lines a file needs next is told by [`Journal`]. Source: serf/snapshot.go.

mod journal;

pub use journal::Journal;

use crate::Stats;
use alloc::collections::BTreeMap;
use alloc::string::{String, ToString};
use core::net::SocketAddr;

/// Most nodes taken from a file, as many as are kept in memory.
pub const NODES_MAX: usize = 65_536;

/// No clock of a cluster comes near: a thousand events a second take nine thousand years. Clocks are spread by gossip and
/// never go back, so one that a damaged file made up would be everybody's.
pub const CLOCK_MAX: u64 = 1 << 48;

/// One line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(missing_docs, reason = "the table above tells them")]
pub enum Record<'a> {
    Alive { node: &'a str, at: SocketAddr },
    NotAlive { node: &'a str },
    Clock(u64),
    EventClock(u64),
    QueryClock(u64),
    Leave,
    Nothing,
}

/// A line that is none of Serf's, or damaged. The reference warns and goes on.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("not a line of a snapshot")]
pub struct NoRecord;

impl<'a> Record<'a> {
    /// Reads a line, without its line break.
    ///
    /// # Errors
    /// It is none; the others in the file still count.
    pub fn read(line: &'a str) -> Result<Self, NoRecord> {
        let number = |text: &str| text.parse().ok().filter(|time| *time <= CLOCK_MAX).ok_or(NoRecord);
        match line.split_once(": ") {
            Some(("alive", rest)) => {
                let (node, at) = rest.rsplit_once(' ').ok_or(NoRecord)?;
                Ok(Self::Alive { node, at: at.parse().map_err(|_| NoRecord)? })
            }
            Some(("not-alive", node)) => Ok(Self::NotAlive { node }),
            Some(("clock", rest)) => number(rest).map(Self::Clock),
            Some(("event-clock", rest)) => number(rest).map(Self::EventClock),
            Some(("query-clock", rest)) => number(rest).map(Self::QueryClock),
            Some(("coordinate", _)) => Ok(Self::Nothing),
            _ if line == "leave" => Ok(Self::Leave),
            _ if line.is_empty() || line.starts_with('#') => Ok(Self::Nothing),
            _ => Err(NoRecord),
        }
    }

    /// The line, with its line break; `None` if it cannot be written as one.
    pub fn line(&self) -> Option<String> {
        let (key, value) = match self {
            Self::Alive { node, at } => ("alive: ", alloc::format!("{node} {at}")),
            Self::NotAlive { node } => ("not-alive: ", (*node).to_string()),
            Self::Clock(time) => ("clock: ", time.to_string()),
            Self::EventClock(time) => ("event-clock: ", time.to_string()),
            Self::QueryClock(time) => ("query-clock: ", time.to_string()),
            Self::Leave => ("leave", String::new()),
            Self::Nothing => return None,
        };
        let is_beyond = matches!(self, Self::Clock(time) | Self::EventClock(time) | Self::QueryClock(time) if *time > CLOCK_MAX);
        (!is_beyond && !value.contains('\n')).then(|| [key, &value, "\n"].concat())
    }
}

/// What a file amounts to.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Snapshot {
    /// Who was there last, and where.
    pub alive: BTreeMap<String, SocketAddr>,
    /// Member clock.
    pub clock: u64,
    /// Event clock.
    pub event_clock: u64,
    /// Query clock.
    pub query_clock: u64,
}

impl Snapshot {
    /// Reads a whole file. Returns how many lines were none too.
    pub fn read(file: &[u8], rejoin_after_leave: bool) -> (Self, usize) {
        let (mut snapshot, mut skipped) = (Self::default(), 0);
        for line in file.split_inclusive(|&byte| byte == b'\n') {
            skipped += usize::from(snapshot.take_line(line, rejoin_after_leave).is_err());
        }
        (snapshot, skipped)
    }

    /// Takes in one line of a file, with its line break.
    ///
    /// # Errors
    /// It is none, or was torn.
    pub fn take_line(&mut self, line: &[u8], rejoin_after_leave: bool) -> Result<(), NoRecord> {
        let line = line.strip_suffix(b"\n").ok_or(NoRecord)?;
        match Record::read(core::str::from_utf8(line).map_err(|_| NoRecord)?)? {
            Record::Leave if rejoin_after_leave => {}
            record => self.apply(record),
        }
        Ok(())
    }

    /// What [`Serf::resume`](crate::Serf::resume) wants to know: a clock shows the time after the last one seen.
    pub fn clocks(&self) -> Stats {
        Stats {
            member_time: self.clock + 1,
            event_time: self.event_clock + 1,
            query_time: self.query_clock + 1,
            ..Stats::default()
        }
    }

    /// What changes with one more line. Clocks never go back but by a leave, which forgets all.
    pub fn apply(&mut self, record: Record<'_>) {
        match record {
            Record::Alive { node, at } => {
                if let Some(known) = self.alive.get_mut(node) {
                    *known = at;
                } else if self.alive.len() < NODES_MAX {
                    self.alive.insert(node.into(), at);
                }
            }
            Record::NotAlive { node } => _ = self.alive.remove(node),
            Record::Clock(time) => self.clock = self.clock.max(time),
            Record::EventClock(time) => self.event_clock = self.event_clock.max(time),
            Record::QueryClock(time) => self.query_clock = self.query_clock.max(time),
            Record::Leave => *self = Self::default(),
            Record::Nothing => {}
        }
    }

    /// The shortest file that amounts to this: what a compaction writes.
    pub fn write(&self) -> String {
        let alive = self.alive.iter().map(|(node, &at)| Record::Alive { node, at });
        let clocks = [
            Record::Clock(self.clock),
            Record::EventClock(self.event_clock),
            Record::QueryClock(self.query_clock),
        ];
        alive.chain(clocks).filter_map(|record| record.line()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::ToString;

    const FILE: &str = "alive: web-1 10.0.0.1:7946\nclock: 7\n# a comment\nalive: two words [fd00::2]:7946\n\
        coordinate: {}\n\nevent-clock: 3\nnonsense\nnot-alive: web-1\nalive: web-3 10.0.0.3:1\nquery-clock: 9\n\
        alive: web-3 10.0.0.3:2\nalive: nowhere\nclock: many\n";

    fn at(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    #[test]
    fn later_lines_win_and_a_bad_one_costs_no_other() {
        let (snapshot, skipped) = Snapshot::read(FILE.as_bytes(), false);
        let alive = [("two words", "[fd00::2]:7946"), ("web-3", "10.0.0.3:2")];
        assert_eq!(snapshot.alive, alive.map(|(node, addr)| (node.to_string(), at(addr))).into());
        assert_eq!((snapshot.clock, snapshot.event_clock, snapshot.query_clock), (7, 3, 9));
        assert_eq!(skipped, 3);
        assert_eq!(Snapshot::read(b"alive: \xff 10.0.0.1:1\n", false), (Snapshot::default(), 1));
        // A crash in the middle of a port would make another port of it.
        assert_eq!(Snapshot::read(b"alive: web 10.0.0.1:79", false), (Snapshot::default(), 1));
        // And a flipped bit the end of time.
        assert_eq!(Snapshot::read(b"clock: 18446744073709551615\n", false), (Snapshot::default(), 1));
    }

    #[test]
    fn a_leave_forgets_what_came_before_it_unless_one_rejoins() {
        let left = [FILE, "leave\nclock: 8\n"].concat();
        let (forgotten, _) = Snapshot::read(left.as_bytes(), false);
        assert_eq!(forgotten, Snapshot { clock: 8, ..Snapshot::default() });
        let (kept, _) = Snapshot::read(left.as_bytes(), true);
        assert_eq!((kept.alive.len(), kept.clock), (2, 8));
    }

    #[test]
    fn what_is_written_is_read_again() {
        let (snapshot, _) = Snapshot::read(FILE.as_bytes(), false);
        assert_eq!(
            snapshot.write(),
            "alive: two words [fd00::2]:7946\nalive: web-3 10.0.0.3:2\nclock: 7\nevent-clock: 3\nquery-clock: 9\n"
        );
        assert_eq!(Snapshot::read(snapshot.write().as_bytes(), false), (snapshot, 0));
    }

    #[test]
    fn a_name_cannot_forge_a_line() {
        let forged = "x 10.0.0.1:1\nleave\nalive: y";
        assert_eq!(Record::Alive { node: forged, at: at("10.0.0.1:1") }.line(), None);
        assert_eq!(Record::NotAlive { node: forged }.line(), None);
        // Spaces and colons are no matter: the address is what follows the last space.
        let odd = Record::Alive { node: "alive: 10.0.0.1:1 ", at: at("10.0.0.2:2") };
        let line = odd.line().unwrap();
        assert_eq!(Record::read(line.trim_end_matches('\n')), Ok(odd));
    }

    #[test]
    fn a_file_of_endless_names_takes_no_endless_memory() {
        let mut snapshot = Snapshot::default();
        for number in 0..NODES_MAX + 10 {
            snapshot.apply(Record::Alive { node: &number.to_string(), at: at("10.0.0.1:1") });
        }
        assert_eq!(snapshot.alive.len(), NODES_MAX);
    }
}

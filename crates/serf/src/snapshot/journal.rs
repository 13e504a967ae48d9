//! Which lines a snapshot file needs next, and when it is to be written anew.
//!
//! The file is compared with what is known now, so that what changed and changed back while nobody looked costs no line.

use super::{Record, Snapshot};
use crate::{Member, Stats, Status};
use alloc::collections::BTreeSet;
use alloc::string::String;
use alloc::sync::Arc;

/// A shorter file is left alone.
const COMPACT_BYTES_MIN: usize = 128 << 10;
/// What a node takes in it, by estimate.
const NODE_BYTES: usize = 128;
/// Beyond this many times what it needs, it is written anew.
const COMPACT_FACTOR: usize = 2;

/// A snapshot file while the agent runs.
#[derive(Clone, Debug)]
pub struct Journal {
    file: Snapshot,
    /// Who was there at the last look. Of the others in the file nothing is known yet in this life.
    present: BTreeSet<Arc<str>>,
    left: bool,
    rejoin_after_leave: bool,
    bytes: usize,
    /// How long the shortest file was when it was last written.
    shortest: usize,
}

impl Journal {
    /// Goes on with a file of `bytes` bytes that amounts to `file`.
    pub fn new(file: Snapshot, bytes: usize, rejoin_after_leave: bool) -> Self {
        Self { file, present: BTreeSet::new(), left: false, rejoin_after_leave, bytes, shortest: 0 }
    }

    /// What the file amounts to once all lines are in it.
    pub fn snapshot(&self) -> &Snapshot {
        &self.file
    }

    /// The lines that tell what changed. After a leave only clocks do: those who say goodbye to us have not gone.
    pub fn catch_up<'a>(&mut self, members: impl Iterator<Item = &'a Member>, clocks: &Stats) -> String {
        let mut lines = String::new();
        if !self.left {
            self.members(members, &mut lines);
        }
        let clocks = [
            (Record::Clock(clocks.member_time.saturating_sub(1)), self.file.clock),
            (Record::EventClock(clocks.event_time.saturating_sub(1)), self.file.event_clock),
            (Record::QueryClock(clocks.query_time.saturating_sub(1)), self.file.query_clock),
        ];
        for (record, known) in clocks {
            if let Record::Clock(time) | Record::EventClock(time) | Record::QueryClock(time) = record
                && time > known
            {
                self.write(record, &mut lines);
            }
        }
        lines
    }

    /// The line that tells of our leave. Nothing if it is told already.
    pub fn leave(&mut self) -> String {
        let mut lines = String::new();
        if !self.left {
            self.left = true;
            self.write(Record::Leave, &mut lines);
        }
        lines
    }

    /// Whether the file has more to skip than to say.
    pub fn is_long(&self) -> bool {
        let wanted = (COMPACT_FACTOR * NODE_BYTES * self.file.alive.len()).max(COMPACT_BYTES_MIN);
        self.bytes > wanted.max(COMPACT_FACTOR * self.shortest)
    }

    /// The whole file, as short as it can be.
    pub fn rewrite(&mut self) -> String {
        let mut text = self.file.write();
        if self.left && self.rejoin_after_leave {
            // Nothing was forgotten. For others who read the file the leave is still one.
            text.push_str("leave\n");
        }
        (self.bytes, self.shortest) = (text.len(), text.len());
        text
    }

    fn members<'a>(&mut self, members: impl Iterator<Item = &'a Member>, lines: &mut String) {
        let (mut gone, mut present) = (core::mem::take(&mut self.present), BTreeSet::new());
        for member in members {
            let node = &*member.name;
            if matches!(member.status, Status::Alive | Status::Leaving) {
                gone.remove(node);
                present.insert(member.name.clone());
                let at = member.socket_addr();
                if self.file.alive.get(node) != Some(&at) {
                    self.write(Record::Alive { node, at }, lines);
                }
            } else {
                gone.insert(member.name.clone());
            }
        }
        // Those who were forgotten since are not among the members.
        for node in gone {
            if self.file.alive.contains_key(&*node) {
                self.write(Record::NotAlive { node: &node }, lines);
            }
        }
        self.present = present;
    }

    fn write(&mut self, record: Record<'_>, lines: &mut String) {
        if let Some(line) = record.line() {
            self.bytes += line.len();
            lines.push_str(&line);
            if record != Record::Leave || !self.rejoin_after_leave {
                self.file.apply(record);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Announcement;
    use muster_wire::{RawAddr, Versions};

    fn member(name: &str, host: u8, status: Status) -> Member {
        let announced = Announcement {
            name: name.into(),
            addr: RawAddr::V4([10, 0, 0, host]),
            port: 7946,
            meta: Default::default(),
            versions: Versions::OURS,
        };
        Member { announced: announced.into(), status, status_ltime: 1 }
    }

    fn clocks(member_time: u64, event_time: u64, query_time: u64) -> Stats {
        Stats { member_time, event_time, query_time, ..Stats::default() }
    }

    fn journal(file: &str, rejoin: bool) -> Journal {
        let (snapshot, skipped) = Snapshot::read(file.as_bytes(), rejoin);
        assert_eq!(skipped, 0);
        Journal::new(snapshot, file.len(), rejoin)
    }

    #[test]
    fn each_change_is_a_line_and_nothing_else_is() {
        let mut journal = journal("", false);
        let (mut a, b) = (member("a", 1, Status::Alive), member("b", 2, Status::Alive));
        let lines = journal.catch_up([&a, &b].into_iter(), &clocks(3, 1, 8));
        assert_eq!(lines, "alive: a 10.0.0.1:7946\nalive: b 10.0.0.2:7946\nclock: 2\nquery-clock: 7\n");
        assert_eq!(journal.catch_up([&a, &b].into_iter(), &clocks(3, 1, 8)), "");
        a.status = Status::Failed;
        assert_eq!(
            journal.catch_up([&a, &b].into_iter(), &clocks(3, 5, 8)),
            "not-alive: a\nevent-clock: 4\n"
        );
        let moved = member("a", 9, Status::Alive);
        // One that was pruned is gone, too.
        let lines = journal.catch_up([&moved].into_iter(), &clocks(3, 5, 8));
        assert_eq!(lines, "alive: a 10.0.0.9:7946\nnot-alive: b\n");
    }

    #[test]
    fn who_was_not_met_yet_stays_in_the_file() {
        let mut journal = journal("alive: old 10.0.0.7:7946\nalive: me 10.0.0.1:7946\nclock: 9\n", false);
        assert_eq!(journal.catch_up([&member("me", 1, Status::Alive)].into_iter(), &clocks(10, 1, 1)), "");
        let failed = [member("me", 1, Status::Alive), member("old", 7, Status::Failed)];
        assert_eq!(journal.catch_up(failed.iter(), &clocks(10, 1, 1)), "not-alive: old\n");
    }

    #[test]
    fn after_a_leave_only_clocks_are_told() {
        let a = member("a", 1, Status::Alive);
        for rejoin in [false, true] {
            let mut journal = journal("", rejoin);
            let mut file = journal.catch_up([&a].into_iter(), &clocks(3, 1, 1));
            file += &journal.leave();
            assert_eq!(journal.leave(), "");
            file += &journal.catch_up([].into_iter(), &clocks(4, 1, 1));
            assert!(file.ends_with("leave\nclock: 3\n"), "{file}");
            // Whether it was compacted or not, the next life reads the same.
            let appended = Snapshot::read(file.as_bytes(), rejoin);
            assert_eq!(appended.0.alive.len(), usize::from(rejoin));
            assert_eq!(Snapshot::read(journal.rewrite().as_bytes(), rejoin), appended);
            assert_eq!(Snapshot::read(journal.rewrite().as_bytes(), false).0.alive.len(), 0);
        }
    }

    #[test]
    fn a_file_is_written_anew_when_most_of_it_is_history() {
        let mut journal = journal("", false);
        let mut member = member(&"x".repeat(200), 1, Status::Alive);
        let mut rounds = 0;
        while !journal.is_long() {
            member.status = if rounds % 2 == 0 { Status::Alive } else { Status::Failed };
            journal.catch_up([&member].into_iter(), &clocks(rounds, 1, 1));
            rounds += 1;
        }
        assert!((500..1000).contains(&rounds), "{rounds}");
        assert!(journal.rewrite().len() < 1000);
        assert!(!journal.is_long());
    }

    #[test]
    fn long_names_do_not_have_it_written_anew_for_ever() {
        let members: Vec<_> =
            (0..3000).map(|n| member(&alloc::format!("{n:0500}"), 1, Status::Alive)).collect();
        let mut journal = journal("", false);
        journal.catch_up(members.iter(), &clocks(1, 1, 1));
        assert!(journal.is_long());
        journal.rewrite();
        assert!(!journal.is_long());
    }
}

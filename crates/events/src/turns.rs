//! Whose turn it is among scripts that were written for Serf.
//!
//! Serf runs all scripts one after another, in the order of events; such scripts may count on it: one writes a file that
//! another removes, both call one reload command. So they take turns here too, but with patience: one that runs for longer
//! than [`PATIENCE`] is late and no longer waited for, with all that waits behind it. In the reference it blocks all others
//! for ever.

use alloc::collections::{BTreeMap, VecDeque};
use alloc::vec::Vec;
use core::time::Duration;
use muster_serf::Instant;

/// How long the others wait for a script; well above what a reload takes.
pub const PATIENCE: Duration = Duration::from_secs(2);

/// Which handler: any number that no other has.
pub type HandlerId = u64;

/// Who waits, and who runs. Tickets are numbered in the order of events, and equal for all who get the same one; those with
/// the lower [`HandlerId`] go first then.
#[derive(Clone, Debug, Default)]
pub struct Turns {
    lines: BTreeMap<HandlerId, Line>,
}

#[derive(Clone, Debug, Default)]
struct Line {
    /// In the order of their numbers.
    tickets: VecDeque<u64>,
    /// Since when the first of them runs.
    running: Option<Instant>,
}

impl Line {
    fn is_late(&self, now: Instant) -> bool {
        self.running.is_some_and(|since| since + PATIENCE <= now)
    }
}

/// Why it is not a handler's turn.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NotYet {
    /// Ask again when anything changes, or at this time at the latest.
    Wait(Option<Instant>),
    /// It has no ticket, and so will never have a turn: it was forgotten.
    NoTicket,
}

impl Turns {
    /// `handler` will want to run with this ticket. Its numbers only grow.
    pub fn wait(&mut self, handler: HandlerId, ticket: u64) {
        self.lines.entry(handler).or_default().tickets.push_back(ticket);
    }

    /// Begins to run the first ticket of `handler` if it is its turn.
    ///
    /// # Errors
    /// It is not its turn.
    pub fn begin(&mut self, now: Instant, handler: HandlerId) -> Result<(), NotYet> {
        let own = self.lines.get(&handler).and_then(|line| line.tickets.front().copied());
        let Some(own) = own else { return Err(NotYet::NoTicket) };
        let awaited = self.lines.iter().filter(|(id, line)| **id != handler && !line.is_late(now)).filter(
            |(id, line)| {
                let goes_first = line.tickets.front().is_some_and(|ticket| (*ticket, **id) < (own, handler));
                goes_first || line.running.is_some()
            },
        );
        let awaited: Vec<Option<Instant>> = awaited.map(|(_, line)| line.running).collect();
        if awaited.is_empty() {
            self.lines.entry(handler).or_default().running = Some(now);
            return Ok(());
        }
        Err(NotYet::Wait(awaited.into_iter().flatten().map(|since| since + PATIENCE).min()))
    }

    /// `handler` wants nothing any more, and is not waited for either, unless it runs: nobody begins beside it.
    pub fn forget(&mut self, handler: HandlerId) {
        match self.lines.get_mut(&handler) {
            Some(line) if line.running.is_some() => line.tickets.truncate(1),
            _ => drop(self.lines.remove(&handler)),
        }
    }

    /// The first ticket of `handler` is done with, whether it ran or not.
    pub fn end(&mut self, handler: HandlerId) {
        if let Some(line) = self.lines.get_mut(&handler) {
            line.tickets.pop_front();
            line.running = None;
            if line.tickets.is_empty() {
                self.lines.remove(&handler);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Instant {
        Instant(Duration::from_millis(millis))
    }

    fn until(millis: u64) -> Result<(), NotYet> {
        Err(NotYet::Wait(Some(at(millis))))
    }

    /// Tickets as (handler, number), in the order in which they came.
    fn waiting(tickets: &[(HandlerId, u64)]) -> Turns {
        let mut turns = Turns::default();
        tickets.iter().for_each(|(handler, ticket)| turns.wait(*handler, *ticket));
        turns
    }

    #[test]
    fn one_runs_at_a_time_in_the_order_of_events() {
        let mut turns = waiting(&[(1, 1), (2, 2), (1, 3), (2, 3)]);
        for handler in [1, 2, 1, 2] {
            let other = 3 - handler;
            assert!(turns.begin(at(0), other).is_err());
            assert_eq!(turns.begin(at(0), handler), Ok(()));
            assert!(turns.begin(at(1), other).is_err(), "while it runs");
            turns.end(handler);
        }
        assert!(turns.lines.is_empty());
    }

    #[test]
    fn one_that_runs_for_long_is_not_waited_for_nor_is_what_waits_behind_it() {
        let mut turns = waiting(&[(1, 1), (1, 2), (2, 3), (3, 4)]);
        turns.begin(at(0), 1).unwrap();
        assert_eq!(turns.begin(at(1999), 2), until(2000));
        assert_eq!(turns.begin(at(2000), 2), Ok(()));
        assert_eq!(turns.begin(at(2000), 3), until(4000), "the others still take turns");
        turns.end(2);
        assert_eq!(turns.begin(at(2001), 3), Ok(()));
    }

    #[test]
    fn one_that_was_late_goes_first_again_but_not_beside_another() {
        let mut turns = waiting(&[(1, 1), (1, 2), (2, 3), (2, 4)]);
        turns.begin(at(0), 1).unwrap();
        turns.begin(at(4000), 2).unwrap();
        turns.end(1);
        assert_eq!(turns.begin(at(4001), 1), until(6000));
        turns.end(2);
        assert_eq!(turns.begin(at(4002), 2), Err(NotYet::Wait(None)), "the other begins when it likes");
        assert_eq!(turns.begin(at(4003), 1), Ok(()));
    }

    #[test]
    fn one_that_is_forgotten_while_it_runs_runs_alone() {
        let mut turns = waiting(&[(1, 1), (1, 2), (2, 3)]);
        turns.begin(at(0), 1).unwrap();
        turns.forget(1);
        assert_eq!(turns.begin(at(1), 2), until(2000));
        turns.end(1);
        assert_eq!(turns.begin(at(2), 2), Ok(()), "what it still wanted is not waited for");
        turns.end(2);
        assert!(turns.lines.is_empty());
    }

    #[test]
    fn one_that_was_forgotten_hears_that_it_has_no_turn() {
        let mut turns = waiting(&[(1, 1), (2, 2)]);
        turns.begin(at(0), 1).unwrap();
        turns.forget(2);
        assert_eq!(turns.begin(at(1), 2), Err(NotYet::NoTicket));
    }

    #[test]
    fn one_that_is_done_with_its_ticket_unrun_makes_way() {
        let mut turns = waiting(&[(1, 1), (2, 2)]);
        assert_eq!(turns.begin(at(0), 2), Err(NotYet::Wait(None)));
        turns.end(1);
        assert_eq!(turns.begin(at(0), 2), Ok(()));
    }
}

//! Weighted turns: whose share of the picks is due next, in O(log n).
//!
//! Earliest eligible virtual deadline first (Stoica and Abdel-Wahab, 1995; Linux' EEVDF scheduler keeps its clock in the
//! same way). Virtual time passes by one cycle while all shares are served once. A member's turns divide the cycle into
//! as many equal periods as its share has parts; a turn may be taken once its period has begun, and among those begun the
//! one whose period ends first is taken. So nobody is ever more than one pick ahead of its share or behind it, which also
//! spreads a heavy member evenly over the cycle, and over a whole cycle shares are exact.
//!
//! The clock is no counter: virtual time is the mean of all members' next turns, weighted by share. That is the time at
//! which what members are owed and what they owe adds up to nothing, whoever came, left or changed meanwhile. One that
//! leaves may take its credit or debt along and bring it back.

use crate::heap::Heap;
use alloc::vec::Vec;

/// Virtual time of a cycle, a power of two. Large enough that two different fractions of a cycle differ by more than the error
/// of rounding, for shares up to 20,000 and a sum of them up to 2^31.
const CYCLE: u64 = 1 << CYCLE_BITS;
const CYCLE_BITS: u32 = 50;
/// Where virtual time begins, so that those owed something fit before it, and whence it is taken back to its beginning.
const DAWN: u64 = 1024 * CYCLE;
const DUSK: u64 = u64::MAX / 2;
/// Rounding leaves virtual time and the beginnings of turns at most so far from their exact values.
const ROUNDING: u64 = 4;
/// One pick of credit is 2^32.
const PICK_BITS: u32 = 32;

/// What a member that left is owed, in 2^-32 picks; negative when it owes. At most one pick either way: more would be paid
/// out in a flood.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Credit(i64);

/// Most turns that one pick looks at anew. When thousands of equals all begin at once, the work is spread over the picks to
/// come; meanwhile some of them are not thought of yet, which can be felt only by a heavy one among very many light ones.
const BEGINNINGS_MAX: usize = 64;

/// One member's place in time.
#[derive(Clone, Copy, Debug, Default)]
struct Turn {
    share: u32,
    /// `CYCLE / share`, and what that division leaves.
    period: u64,
    remainder: u32,
    /// When its next turn begins.
    start: u64,
    /// What rounding `start` down has left out so far, in 1/share.
    rest: u32,
    /// Decides between equals; random, so that many balancers do not all begin with the same backend.
    lot: u32,
    /// What it was owed when it came.
    brought: Credit,
}

impl Turn {
    fn new(share: u32, start: u64, lot: u32, brought: Credit) -> Self {
        let remainder = u32::try_from(CYCLE % u64::from(share)).expect("less than the share, an u32");
        Self { share, period: CYCLE / u64::from(share), remainder, start, rest: 0, lot, brought }
    }

    /// When its next turn ends, which is when the one after it begins, and what rounding leaves out then.
    fn end(&self) -> (u64, u32) {
        let end = self.start + self.period;
        match self.share - self.rest > self.remainder {
            true => (end, self.rest + self.remainder),
            false => (end + 1, self.remainder - (self.share - self.rest)),
        }
    }
}

/// Those who take turns, by slot.
#[derive(Debug, Default)]
pub(crate) struct Turns {
    turns: Vec<Turn>,
    /// Whose turn has begun, by its end.
    due: Heap<(u64, u32)>,
    /// Whose turn has yet to begin, by its beginning.
    later: Heap<u64>,
    /// Sum of shares, and of shares times beginnings: virtual time is their quotient.
    shares: u64,
    moments: u128,
}

impl Turns {
    /// Adds one with a share of at least 1. `lot` decides between equals.
    pub(crate) fn insert(&mut self, slot: u32, share: u32, credit: Credit, lot: u32) {
        // At most one pick, which is a period of at most a cycle.
        let owed = i128::from(credit.0 << (CYCLE_BITS - PICK_BITS)) / i128::from(share);
        // Its coming moves the clock, so it is placed farther off: then it is owed by the clock as much as it brings (Linux'
        // `place_entity`), and one that leaves and comes back at once is where it was.
        let others = i128::from(self.shares.max(1));
        let owed = i64::try_from(owed * (others + i128::from(share)) / others).unwrap_or(0);
        let turn = Turn::new(share, self.now().saturating_add_signed(-owed), lot, credit);
        let slots = slot as usize + 1;
        if self.turns.len() < slots {
            self.turns.resize(slots, Turn::default());
        }
        self.turns[slot as usize] = turn;
        self.shares += u64::from(share);
        self.moments += u128::from(turn.start) * u128::from(share);
        self.later.set(slot, turn.start);
    }

    /// Takes one out who is there. Whoever is alone is owed nothing by anybody here, and so takes along what it brought: a newcomer
    /// that is alone with its first request would be rid of its debt by that, and be first again among the others.
    pub(crate) fn remove(&mut self, slot: u32) -> Credit {
        let now = self.now();
        let turn = self.turns[slot as usize];
        let is_alone = self.shares == u64::from(turn.share);
        if self.due.remove(slot).is_none() {
            self.later.remove(slot);
        }
        self.shares -= u64::from(turn.share);
        self.moments -= u128::from(turn.start) * u128::from(turn.share);
        if is_alone {
            return turn.brought;
        }
        // Times are less than 2^63, and a period times its share is at most a cycle.
        let most = turn.period.cast_signed();
        let owed = (now.cast_signed() - turn.start.cast_signed()).clamp(-most, most);
        Credit((owed * i64::from(turn.share)) >> (CYCLE_BITS - PICK_BITS))
    }

    fn now(&self) -> u64 {
        let now = self.moments.checked_div(self.shares.into());
        now.and_then(|now| u64::try_from(now).ok()).unwrap_or(DAWN)
    }

    /// Whose turn it is, without taking it.
    pub(crate) fn next(&mut self) -> Option<u32> {
        for _ in 0..BEGINNINGS_MAX {
            let Some((_, slot)) = self.later.peek().filter(|(start, _)| self.has_begun(*start)) else {
                break;
            };
            self.later.remove(slot);
            self.due.set(slot, self.deadline(slot));
        }
        // Nobody is due only after somebody owed a turn left or lost weight: then the first to come.
        let due = self.due.peek().map(|(_, slot)| slot);
        due.or_else(|| self.later.peek().map(|(_, slot)| slot))
    }

    /// One takes its turn.
    pub(crate) fn take(&mut self, slot: u32) {
        let turn = &mut self.turns[slot as usize];
        let (end, rest) = turn.end();
        self.moments += u128::from(end - turn.start) * u128::from(turn.share);
        (turn.start, turn.rest) = (end, rest);
        // Even if it may be taken at once again: only once the clock was looked at with all others'.
        self.due.remove(slot);
        self.later.set(slot, end);
        if end > DUSK {
            self.begin_anew();
        }
    }

    /// Takes time back to its beginning for all alike, which happens once in thousands of cycles.
    fn begin_anew(&mut self) {
        let passed = self.now() - DAWN;
        self.due.map_keys(|(end, lot)| (end.saturating_sub(passed), lot));
        self.later.map_keys(|start| start.saturating_sub(passed));
        let members = self.due.slots().chain(self.later.slots());
        self.moments = 0;
        for slot in members {
            let turn = &mut self.turns[slot as usize];
            turn.start = turn.start.saturating_sub(passed);
            self.moments += u128::from(turn.start) * u128::from(turn.share);
        }
    }

    fn deadline(&self, slot: u32) -> (u64, u32) {
        let turn = &self.turns[slot as usize];
        (turn.end().0, turn.lot)
    }

    fn has_begun(&self, start: u64) -> bool {
        u128::from(start.saturating_sub(ROUNDING)) * u128::from(self.shares) <= self.moments
    }
}

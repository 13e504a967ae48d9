//! When a failed attempt may be made again elsewhere.
//!
//! Two things must agree: the request bears it ([`may_retry`]), and the backends do (the budget).

use crate::Instant;

/// Attempts one request may take.
pub const ATTEMPTS_MAX: u32 = 3;

/// What is known of a failed attempt.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Attempt {
    /// The method is safe to repeat: GET, HEAD, OPTIONS, TRACE (RFC 9110, 9.2.1).
    pub safe: bool,
    /// The request was never written to the backend, so it cannot have acted on it.
    pub unsent: bool,
    /// The request body is still whole (empty or never read from the client).
    pub body_intact: bool,
    /// Part of the response has reached the client.
    pub answered: bool,
    /// Attempts made so far, this one included.
    pub attempts: u32,
}

/// Whether the request bears another attempt. [`Balancer::may_retry`](crate::Balancer::may_retry) asks the budget too.
pub fn may_retry(attempt: Attempt) -> bool {
    !attempt.answered
        && attempt.body_intact
        && attempt.attempts < ATTEMPTS_MAX
        && (attempt.unsent || attempt.safe)
}

const WINDOW_SECS: u8 = 10;
/// What a retry costs, in hundredths.
const RETRY: i64 = 100;
/// What a request brings in: room for one retry in five requests.
const REQUEST: i64 = 20;
/// Ten retries a second are always free, or a quiet service could not retry at all.
const FLOOR: i64 = 10 * RETRY * WINDOW_SECS as i64;

/// How many retries the backends bear, against retry storms: when all of them are overloaded, retries would make it worse.
///
/// Of the last ten seconds, as in Finagle's `RetryBudget` with the same figures. Which retries need none of it:
/// [`Balancer::may_retry`](crate::Balancer::may_retry).
#[derive(Debug, Default)]
pub(crate) struct Budget {
    by_second: [i64; WINDOW_SECS as usize],
    second: u64,
}

impl Budget {
    pub(crate) fn deposit(&mut self, now: Instant) {
        *self.at(now) += REQUEST;
    }

    pub(crate) fn withdraw(&mut self, now: Instant) -> bool {
        self.at(now);
        let affordable = FLOOR + self.by_second.iter().sum::<i64>() >= RETRY;
        if affordable {
            *self.at(now) -= RETRY;
        }
        affordable
    }

    /// This second's place, after those that have passed out of the window were emptied.
    fn at(&mut self, now: Instant) -> &mut i64 {
        let second = now.0.as_secs().max(self.second);
        for passed in (self.second + 1..=second).rev().take(WINDOW_SECS.into()) {
            self.by_second[place(passed)] = 0;
        }
        self.second = second;
        &mut self.by_second[place(second)]
    }
}

fn place(second: u64) -> usize {
    let place = u8::try_from(second % u64::from(WINDOW_SECS));
    place.expect("a remainder is less than the divisor, an u8").into()
}

#[cfg(test)]
mod tests;

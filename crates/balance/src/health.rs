//! One backend's health, by evidence alone: new, proven, ejected, on probation.
//!
//! ```text
//!            a connection                      an answer
//!   new ----------------------> proven <----------------------+
//!    |                            |                           |
//!    | failure                    | enough failures in a row  |
//!    v                            v                           |
//!   ejected ----- wait, then one trial connection ----> on probation
//!      ^    <---- trial failed: wait twice as long            |
//!      +------------------- one more failure -----------------+
//! ```
//!
//! How many failures are enough depends on what else there is. With another proven backend in the service one failed
//! connection is, since nothing is lost by believing it; likewise for one that has never worked. The last proven one has
//! to fail three times: its pool would not get better without it. Silence takes three, since a slow backend is not a dead
//! one, unless it has never answered at all; and so do deaths of kept connections, but the first of these asks for a trial
//! at once.
//!
//! A connection that died proves less than one that was refused: one poisonous request can kill its connection on every
//! backend in turn. So the first such ejection lasts only until a trial connection, made at once, succeeds.
//!
//! An answer settles everything at once, also while ejected: last-resort requests are trials too.

use crate::{Evidence, Instant};
use alloc::format;
use alloc::string::String;
use core::time::Duration;

/// Failures in a row that eject whatever else there is.
const FAILURES_MAX: u32 = 3;
/// First wait of a backend that worked before; doubles with each ejection since its last answer.
const WAIT: Duration = Duration::from_secs(1);
const WAIT_MAX: Duration = Duration::from_secs(30);
/// The same for one never connected to. Agents start faster than applications, so it is probably starting.
const WAIT_NEW: Duration = Duration::from_millis(250);
const WAIT_NEW_MAX: Duration = Duration::from_secs(5);
/// How long the outcome of a trial may take before another one is asked for.
const TRIAL_PATIENCE: Duration = Duration::from_secs(5);

#[derive(Clone, Debug)]
pub(crate) struct Health {
    /// A connection succeeded since the backend appeared.
    proven: bool,
    /// It answered a request since it appeared.
    answered: bool,
    /// In a row, since the last answer.
    failures: u32,
    /// Since the last answer.
    ejections: u32,
    ejection: Option<Ejection>,
    trial: Option<Instant>,
}

#[derive(Clone, Debug)]
struct Ejection {
    cause: Evidence,
    until: Instant,
}

impl Health {
    /// Of a backend of which nothing is known; it wants a trial at `trial`.
    pub(crate) fn new(trial: Instant) -> Self {
        Self { proven: false, answered: false, failures: 0, ejections: 0, ejection: None, trial: Some(trial) }
    }

    /// The same, where the shell has been asked to connect and the outcome is awaited.
    pub(crate) fn awaiting_first_connection(now: Instant) -> Self {
        Self::new(now + TRIAL_PATIENCE)
    }

    pub(crate) fn is_proven(&self) -> bool {
        self.proven
    }

    pub(crate) fn has_answered(&self) -> bool {
        self.answered
    }

    pub(crate) fn is_ejected(&self) -> bool {
        self.ejection.is_some()
    }

    /// Ejected because it dropped connections or refused them.
    pub(crate) fn is_dead(&self) -> bool {
        self.ejection.as_ref().is_some_and(|ejection| ejection.cause != Evidence::Silent)
    }

    /// Nothing that good evidence could improve.
    pub(crate) fn is_settled(&self) -> bool {
        self.answered && self.proven && self.failures == 0 && self.ejection.is_none() && self.trial.is_none()
    }

    /// When one connection should be tried.
    pub(crate) fn trial(&self) -> Option<Instant> {
        self.trial
    }

    /// The trial that was due is under way.
    pub(crate) fn trial_started(&mut self, now: Instant) {
        let wanted = !self.proven || self.ejection.is_some();
        self.trial = wanted.then(|| now + TRIAL_PATIENCE);
    }

    /// Something else, such as gossip, says that the backend may be gone: ask it.
    pub(crate) fn doubted(&mut self, now: Instant) {
        if self.ejection.is_none() {
            self.trial = Some(now);
        }
    }

    /// Something else says that the backend is back: an ejection need not run to its end.
    pub(crate) fn vouched_for(&mut self, now: Instant) {
        if let Some(ejection) = &mut self.ejection {
            ejection.until = ejection.until.min(now);
            self.ejections = 0;
            self.trial = Some(now);
        }
    }

    /// Takes evidence in. `alone`: the service has no other proven backend that is not ejected. True when it is now
    /// ejected and was not before.
    pub(crate) fn observe(
        &mut self,
        now: Instant,
        evidence: Evidence,
        alone: bool,
        rng: &mut fastrand::Rng,
    ) -> bool {
        let enough = match evidence {
            Evidence::Answered => {
                *self = Self {
                    proven: true,
                    answered: true,
                    failures: 0,
                    ejections: 0,
                    ejection: None,
                    trial: None,
                };
                return false;
            }
            Evidence::Connected => {
                self.connected(now);
                return false;
            }
            Evidence::ConnectFailed | Evidence::Died if !alone || !self.proven => 1,
            Evidence::Silent if !self.answered => 1,
            Evidence::ConnectFailed | Evidence::Died | Evidence::KeptDied | Evidence::Silent => FAILURES_MAX,
        };
        self.failures = self.failures.saturating_add(1);
        match &self.ejection {
            // Requests of last resort fail while it is ejected: that says nothing new.
            Some(ejection) if now < ejection.until => false,
            Some(_) => {
                self.eject(now, evidence, rng);
                false
            }
            None if self.failures >= enough => {
                self.eject(now, evidence, rng);
                true
            }
            None => {
                if evidence == Evidence::KeptDied {
                    self.trial = Some(now);
                }
                false
            }
        }
    }

    fn connected(&mut self, now: Instant) {
        match &self.ejection {
            // It accepted connections when it died or was silent, too.
            Some(ejection) if ejection.cause != Evidence::ConnectFailed && now < ejection.until => return,
            // On probation: a connection is not an answer, so one more failure of any kind ejects again.
            Some(_) => self.failures = FAILURES_MAX - 1,
            None => {}
        }
        self.ejection = None;
        self.proven = true;
        self.trial = None;
    }

    fn eject(&mut self, now: Instant, cause: Evidence, rng: &mut fastrand::Rng) {
        let (first, most) = if self.proven { (WAIT, WAIT_MAX) } else { (WAIT_NEW, WAIT_NEW_MAX) };
        let doublings = match cause {
            Evidence::Died | Evidence::KeptDied => self.ejections.checked_sub(1),
            _ => Some(self.ejections),
        };
        let wait = doublings.map_or(Duration::ZERO, |n| first.saturating_mul(1 << n.min(16)).min(most));
        // Up to a quarter more, so that many balancers do not try the same backend at once.
        let until = now + wait + wait * rng.u32(0..=256) / 1024;
        self.ejections = self.ejections.saturating_add(1);
        self.ejection = Some(Ejection { cause, until });
        self.trial = Some(until);
    }

    /// Why it is ejected.
    pub(crate) fn why(&self) -> Option<String> {
        let ejection = self.ejection.as_ref()?;
        Some(format!(
            "{}; failures in a row: {}; ejections since its last answer: {}",
            ejection.cause.as_str(),
            self.failures,
            self.ejections
        ))
    }
}

#[cfg(test)]
mod tests;

//! Damping of flaps: a member that fails and comes back again and again must not be preferred and demoted each time.
//!
//! A flap is a fall (seen as failed) and the return that follows. The first return of a member is shown at once, since
//! most failures are a restart or a moment of bad network. A fall within a minute of a return that was shown is one of
//! several: from then on the return is hidden, and the member stays demoted, until it has not fallen for a minute. So
//! any two returns a balancer sees of one member are at least a minute apart, and it sees one flap a minute at most.
//!
//! | state | falls | returns | a minute after the shown return or the last fall |
//! |---|---|---|---|
//! | nothing known | nothing known | shown | |
//! | shown | fallen again | | nothing known |
//! | fallen again | | damped | nothing known |
//! | damped | fallen again | | shown |
//!
//! Only returns are hidden: a fall always shows at once, and so do a withdrawal and a leave, which are no falls. The rule
//! is that of route flap damping (RFC 2439) without its decaying penalty: a demoted backend is still tried, so that
//! being wrong for a minute costs little and one threshold is enough.

use alloc::collections::BTreeMap;
use alloc::string::String;
use core::time::Duration;

/// How long a member has to stay up after a flap before the next one counts as the first again.
pub const QUIET: Duration = Duration::from_secs(60);

/// Whose returns are hidden. Holds only members that returned or fell within [`QUIET`], or are damped.
///
/// Times are since any fixed start and never go back. Tell falls and returns as they happen; call
/// [`advance`](Self::advance) at [`next_timeout`](Self::next_timeout), then show afresh. A member is to be shown as
/// fallen while it is, and while [`is_damped`](Self::is_damped).
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Damping {
    members: BTreeMap<String, Recent>,
}

/// What is remembered of a member.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Recent {
    state: State,
    /// When the state ends by itself: [`QUIET`] after the return that was shown, or after the last fall.
    until: Duration,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    /// It is up and its return was shown.
    Shown,
    /// It is down, and its return will be hidden if it comes before `until`.
    FallenAgain,
    /// It is up, and nobody is told.
    Damped,
}

impl Damping {
    /// Nobody ever fell.
    pub fn new() -> Self {
        Self::default()
    }

    /// A member was seen to fail. A first fall is not remembered: only its return is. Says whether the damping begins with
    /// this one.
    pub fn fell(&mut self, name: &str, now: Duration) -> bool {
        let Some(recent) = self.members.get_mut(name) else { return false };
        let before = recent.state;
        match before {
            State::Shown if recent.until <= now => {
                self.members.remove(name);
                return false;
            }
            State::Shown | State::Damped => {
                *recent = Recent { state: State::FallenAgain, until: now + QUIET };
            }
            // Down already.
            State::FallenAgain => {}
        }
        before == State::Shown
    }

    /// A member that fell is back.
    pub fn returned(&mut self, name: &str, now: Duration) {
        match self.members.get_mut(name) {
            Some(recent) if recent.state == State::FallenAgain && now < recent.until => {
                recent.state = State::Damped;
            }
            // Up already.
            Some(Recent { state: State::Shown | State::Damped, .. }) => {}
            Some(Recent { state: State::FallenAgain, .. }) | None => {
                self.members.insert(name.into(), Recent { state: State::Shown, until: now + QUIET });
            }
        }
    }

    /// Whether a member that is up is to be shown as if it were still down.
    pub fn is_damped(&self, name: &str) -> bool {
        self.members.get(name).is_some_and(|recent| recent.state == State::Damped)
    }

    /// When to call [`advance`](Self::advance) next; always after the time it was last called with.
    pub fn next_timeout(&self) -> Option<Duration> {
        self.members.values().map(|recent| recent.until).min()
    }

    /// Ends the damping of those that have been quiet for long enough, and forgets what no longer matters.
    pub fn advance(&mut self, now: Duration) {
        self.members.retain(|_, recent| {
            let is_due = recent.until <= now;
            let shows = is_due && recent.state == State::Damped;
            if shows {
                *recent = Recent { state: State::Shown, until: now + QUIET };
            }
            shows || !is_due
        });
    }

    /// Forgets members: those that left of their own will, whose coming back is no flap, and those that are gone.
    pub fn retain(&mut self, mut keeps: impl FnMut(&str) -> bool) {
        self.members.retain(|name, _| keeps(name));
    }
}

#[cfg(test)]
mod tests;

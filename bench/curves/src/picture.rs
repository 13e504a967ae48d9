//! What one balancer shows of the members: what its gossip notices, behind the damping that its agent puts before it.

use crate::views::Verdict;
use muster_fleet::Damping;
use muster_serf::{Instant, MemberEvent};
use std::collections::BTreeMap;
use std::time::Duration;

/// The balancer's picture, so far as falls and returns go.
#[derive(Debug, Default)]
pub(crate) struct Picture {
    damping: Damping,
    members: BTreeMap<usize, Seen>,
}

/// A member that fell at least once.
#[derive(Debug)]
struct Seen {
    /// For the balancer's gossip.
    up: bool,
    /// In its picture.
    shown: bool,
    falls: usize,
    shown_falls: usize,
    shown_returns: Vec<Instant>,
}

/// Falls and returns of one member.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Flaps {
    pub(crate) member: usize,
    /// As gossip told them.
    pub(crate) falls: usize,
    /// As the picture showed them.
    pub(crate) shown_falls: usize,
    /// Flaps that the picture showed to their end: falls with the return that followed.
    pub(crate) shown: usize,
    /// The most of those that ended within one minute.
    pub(crate) shown_in_a_minute: usize,
}

impl Picture {
    /// The balancer noticed something about a member.
    pub(crate) fn notice(&mut self, verdict: Verdict) {
        self.advance(verdict.at);
        let (member, at) = (verdict.about, verdict.at);
        let unseen = Seen { up: true, shown: true, falls: 0, shown_falls: 0, shown_returns: Vec::new() };
        match verdict.event {
            MemberEvent::Failed => {
                let seen = self.members.entry(member).or_insert(unseen);
                (seen.up, seen.falls) = (false, seen.falls + 1);
                self.damping.fell(&name(member), at.0);
            }
            MemberEvent::Join => {
                let Some(seen) = self.members.get_mut(&member).filter(|seen| !seen.up) else { return };
                seen.up = true;
                self.damping.returned(&name(member), at.0);
            }
            MemberEvent::Leave | MemberEvent::Update | MemberEvent::Reap => return,
        }
        self.draw(at);
    }

    /// Ends what damping ends by then.
    pub(crate) fn advance(&mut self, now: Instant) {
        while let Some(due) = self.damping.next_timeout().filter(|due| *due <= now.0) {
            self.damping.advance(due);
            self.draw(Instant(due));
        }
    }

    fn draw(&mut self, at: Instant) {
        for (member, seen) in &mut self.members {
            let shown = seen.up && !self.damping.is_damped(&name(*member));
            match (seen.shown, shown) {
                (true, false) => seen.shown_falls += 1,
                (false, true) => seen.shown_returns.push(at),
                _ => {}
            }
            seen.shown = shown;
        }
    }

    /// All who fell.
    pub(crate) fn flaps(&self) -> impl Iterator<Item = Flaps> {
        self.members.iter().map(|(member, seen)| Flaps {
            member: *member,
            falls: seen.falls,
            shown_falls: seen.shown_falls,
            shown: seen.shown_returns.len(),
            shown_in_a_minute: most_in_a_minute(&seen.shown_returns),
        })
    }
}

/// `ends`: in order.
fn most_in_a_minute(ends: &[Instant]) -> usize {
    const MINUTE: Duration = Duration::from_secs(60);
    let within =
        |first: &Instant| ends.iter().filter(|end| *first <= **end && **end - *first < MINUTE).count();
    ends.iter().map(within).max().unwrap_or(0)
}

fn name(member: usize) -> String {
    member.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_that_flaps_every_ten_seconds_is_shown_to_flap_once() {
        let mut picture = Picture::default();
        for second in (0..300).step_by(10) {
            for (event, offset) in [(MemberEvent::Failed, 0), (MemberEvent::Join, 5)] {
                let at = Instant(Duration::from_secs(second + offset));
                picture.notice(Verdict { at, by: 0, about: 7, event });
            }
        }
        picture.advance(Instant(Duration::from_secs(600)));
        let flaps: Vec<Flaps> = picture.flaps().collect();
        assert_eq!(flaps.len(), 1);
        assert_eq!((flaps[0].falls, flaps[0].shown_falls, flaps[0].shown), (30, 2, 2));
        assert_eq!(flaps[0].shown_in_a_minute, 1);
    }
}

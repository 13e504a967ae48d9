//! Members that fail and come back again and again, drawn as failed until they have been quiet.

use muster_fleet::{Damping, Member, Status};
use std::collections::BTreeSet;
use std::time::Duration;

/// Sees falls and returns by comparing the members with those of the time before. What came and went in between was never
/// drawn, so nobody saw it flap.
#[derive(Debug, Default)]
pub(crate) struct Flaps {
    failed: BTreeSet<String>,
    damping: Damping,
}

impl Flaps {
    /// Makes the damped ones of all `members`, in order of their names, failed; when to come back, since the same start as
    /// `now`.
    pub(crate) fn damp(&mut self, members: &mut [Member], now: Duration) -> Option<Duration> {
        let mut failed = BTreeSet::new();
        for member in &*members {
            let was_failed = self.failed.contains(&member.name);
            match member.status {
                Status::Failed => {
                    if !was_failed && self.damping.fell(&member.name, now) {
                        tracing::info!(
                            node = ?member.name,
                            "it fell again within a minute of its return; \
                             its backends are tried last until it has not failed for a minute"
                        );
                    }
                    failed.insert(member.name.clone());
                }
                Status::Alive if was_failed => self.damping.returned(&member.name, now),
                Status::Alive | Status::Leaving | Status::Left => {}
            }
        }
        self.failed = failed;
        self.damping.retain(|name| {
            let place = members.binary_search_by(|member| member.name.as_str().cmp(name));
            place.is_ok_and(|place| members[place].status != Status::Left)
        });
        self.damping.advance(now);
        for member in members {
            if member.status == Status::Alive && self.damping.is_damped(&member.name) {
                member.status = Status::Failed;
            }
        }
        self.damping.next_timeout()
    }
}

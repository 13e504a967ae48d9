//! Who sees whom alive, kept up from what the hosts notice: asking every host about every other after each event would
//! cost the square of the cluster each time.

use muster_serf::{Event, Instant, MemberEvent, Status};
use muster_sim::{Noticed, World};
use std::time::Duration;

/// One host's failed verdicts on hosts that were up and reachable, and other things worth counting.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Verdict {
    pub(crate) at: Instant,
    pub(crate) by: usize,
    pub(crate) about: usize,
    pub(crate) event: MemberEvent,
}

/// Everyone's view beside the truth.
#[derive(Debug)]
pub(crate) struct Views {
    /// `sees[a][b]`: whether `a` holds `b` alive.
    sees: Vec<Vec<bool>>,
    /// The truth: who is up.
    up: Vec<bool>,
    /// How many others each host that is up sees wrongly.
    wrong: Vec<usize>,
    /// Hosts that are up and see anything wrongly.
    not_whole: usize,
}

impl Views {
    /// A cluster in which everyone sees everyone.
    pub(crate) fn whole(hosts: usize) -> Self {
        Self {
            sees: vec![vec![true; hosts]; hosts],
            up: vec![true; hosts],
            wrong: vec![0; hosts],
            not_whole: 0,
        }
    }

    /// Hosts that are down and know nobody.
    pub(crate) fn nobody(hosts: usize) -> Self {
        let mut views = Self::whole(hosts);
        views.sees.iter_mut().for_each(|row| row.fill(false));
        views.up.fill(false);
        views
    }

    /// Hosts that are up and see somebody wrongly: gone though up, or alive though down.
    pub(crate) fn not_whole(&self) -> usize {
        self.not_whole
    }

    /// How many others `by` sees wrongly; 0 if it is down.
    pub(crate) fn wrong_of(&self, by: usize) -> usize {
        self.wrong[by]
    }

    /// Whether `by` holds `about` alive.
    pub(crate) fn sees(&self, by: usize, about: usize) -> bool {
        self.sees[by][about]
    }

    /// The truth changed: these hosts went down or came up knowing nobody.
    pub(crate) fn set_up(&mut self, hosts: impl IntoIterator<Item = usize>, up: bool) {
        for host in hosts {
            self.up[host] = up;
            self.sees[host].fill(false);
        }
        for by in 0..self.up.len() {
            self.wrong[by] = (0..self.up.len()).filter(|about| self.is_wrong(by, *about)).count();
        }
        self.not_whole = (0..self.up.len()).filter(|by| self.wrong[*by] > 0).count();
    }

    /// Whether `by` is up and sees `about` wrongly.
    pub(crate) fn is_wrong(&self, by: usize, about: usize) -> bool {
        by != about && self.up[by] && self.sees[by][about] != self.up[about]
    }

    /// A host noticed something; what it says of whom, if it is about membership.
    pub(crate) fn notice(&mut self, noticed: &Noticed) -> Option<Verdict> {
        let Event::Member(event, member) = &noticed.event else { return None };
        let about = number(&member.name)?;
        let alive = matches!(member.status, Status::Alive | Status::Leaving);
        let by = noticed.host;
        let was_wrong = self.is_wrong(by, about);
        self.sees[by][about] = alive;
        match (was_wrong, self.is_wrong(by, about)) {
            (false, true) => {
                self.wrong[by] += 1;
                self.not_whole += usize::from(self.wrong[by] == 1);
            }
            (true, false) => {
                self.wrong[by] -= 1;
                self.not_whole -= usize::from(self.wrong[by] == 0);
            }
            _ => {}
        }
        Some(Verdict { at: noticed.at, by, about, event: *event })
    }

    /// Runs until `done` says so, at most `limit`; whether it did. `done` is asked after every verdict.
    pub(crate) fn run_until(
        &mut self,
        world: &mut World,
        limit: Duration,
        mut done: impl FnMut(&Self, Option<Verdict>) -> bool,
    ) -> bool {
        done(self, None)
            || world.run_watching(limit, |_, noticed| {
                noticed.iter().any(|noticed| {
                    let verdict = self.notice(noticed);
                    verdict.is_some() && done(self, verdict)
                })
            })
    }
}

/// The number of the host named `n1`, `n2`, ...
fn number(name: &str) -> Option<usize> {
    name.strip_prefix('n')?.parse::<usize>().ok()?.checked_sub(1)
}

//! Finding the cluster through its seeds, for ever.
//!
//! Start order must not matter, so a seed that does not answer is tried again, its name resolved anew each time. A seed
//! once met is left alone as long as it is alive. When it left or failed it is sought again: it may be restarted without
//! seeds of its own, and nobody asks after a member that has left. A node that finds itself alone tries all of them again,
//! so that a cluster heals after an outage of everything.
//!
//! All that cannot see two clusters that know nothing of each other and are each content with the seeds they have: halves
//! of a partition that lasted until each forgot the other (hashicorp/serf#605), or two groups that found different
//! addresses under one name. So for ever, at a slow pace, every seed's addresses of that day are compared with the
//! members, and where none is, one is asked for.

use crate::Error;
use crate::complaints::Complaints;
use crate::join::{Joiner, Tried};
use crate::plain::Plain;
use crate::roster::Roster;
use crate::schedule;
use crate::seed::{Host, Seed};
use futures_util::future::join_all;
use muster_serf::{Member, Status};
use std::collections::BTreeSet;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, sleep, sleep_until};

/// A seed that left answers for about a second more (Serf's `LeavePropagateDelay`). Joining it then is of no use.
const LEAVE_REST: Duration = Duration::from_secs(2);

/// Seeks the cluster.
#[derive(Debug)]
pub(crate) struct Seeker {
    joiner: Joiner,
    seeds: Vec<Sought>,
    roster: Arc<Roster>,
    pace: Pace,
    complaints: Complaints,
    started: Instant,
    /// When to look for those who were forgotten.
    next_look: Instant,
}

/// How to seek.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Pace {
    /// Between the first two rounds.
    pub(crate) first_pause: Duration,
    /// Whether a node that is alone wants the user events from before.
    pub(crate) replay: bool,
}

/// A seed and what became of it.
#[derive(Debug)]
struct Sought {
    seed: Seed,
    met: Met,
    /// It was a member at an address that we joined it at. One behind an address of its own choice never is, so its
    /// absence says nothing.
    known: bool,
}

/// Whether a seed still has to be sought.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Met {
    NotYet,
    /// At these addresses; at none when it is ourselves.
    At(Vec<SocketAddr>),
}

impl Seeker {
    pub(crate) fn new(joiner: Joiner, seeds: Vec<Seed>, roster: Arc<Roster>, pace: Pace) -> Self {
        let seeds = seeds.into_iter().map(|seed| Sought { seed, met: Met::NotYet, known: false }).collect();
        Self {
            joiner,
            seeds,
            roster,
            pace,
            complaints: Complaints::default(),
            started: Instant::now(),
            next_look: Instant::now() + schedule::rest(1, fastrand::f64()),
        }
    }

    /// One round with the `first` seeds, which must reach at least one of them, if there are any; how many addresses answered.
    pub(crate) async fn strictly(&mut self, first: usize) -> Result<usize, Error> {
        let tried = self.round(first).await;
        let reached = |tried: &Tried| tried.joined.len() + usize::from(tried.ourselves);
        match tried.iter().map(reached).sum() {
            0 if !tried.is_empty() => Err(Error::JoinFailed(failures(&tried))),
            some => Ok(some),
        }
    }

    /// Seeks until every seed is met, and again whenever one is lost or this node is alone. Ends only when it gives up: after
    /// `rounds_max` rounds (0: never) without ever meeting anybody.
    pub(crate) async fn keep(mut self, rounds_max: u32) -> Result<Infallible, Error> {
        if self.seeds.is_empty() {
            return std::future::pending().await;
        }
        let mut rounds = 0_u32;
        let mut had_company = self.roster.has_company();
        let mut began = Instant::now();
        loop {
            if had_company && Instant::now() >= self.next_look {
                self.look_for_the_forgotten().await;
            }
            if !self.all_met() {
                let tried = self.round(usize::MAX).await;
                rounds = rounds.saturating_add(1);
                had_company |= self.roster.has_company();
                if rounds_max != 0 && rounds >= rounds_max && !had_company {
                    return Err(Error::JoinFailed(format!(
                        "gave up after {rounds} rounds: {}",
                        failures(&tried)
                    )));
                }
            }
            let lost = match self.all_met() && had_company {
                true => self.lonelier().await,
                false => self.forget_lost(),
            };
            let pause = if lost {
                began = Instant::now();
                LEAVE_REST.max(self.pace.first_pause)
            } else {
                schedule::pause(began.elapsed(), self.pace.first_pause, fastrand::f64())
            };
            if had_company {
                tokio::select! {
                    () = sleep(pause) => {}
                    () = self.alone() => {}
                }
                if !self.roster.has_company() {
                    tracing::warn!("nobody else is alive; trying the seeds again");
                    self.seeds.iter_mut().for_each(|sought| sought.met = Met::NotYet);
                    had_company = false;
                    began = Instant::now();
                }
            } else {
                sleep(pause).await;
                had_company = self.roster.has_company();
            }
        }
    }

    /// Tries every seed not yet met among the `first`, all at once.
    async fn round(&mut self, first: usize) -> Vec<Tried> {
        let seeds = &self.seeds;
        let replay = self.pace.replay && !self.roster.has_company();
        let unmet = (0..seeds.len().min(first)).filter(|nth| seeds[*nth].met == Met::NotYet);
        let unmet: Vec<usize> = unmet.collect();
        let tried = join_all(unmet.iter().map(|nth| self.joiner.try_seed(&seeds[*nth].seed, replay))).await;
        for (nth, tried) in unmet.into_iter().zip(&tried) {
            let Sought { seed, met, .. } = &mut self.seeds[nth];
            *met = met_by(seed, tried);
            if !tried.joined.is_empty() {
                tracing::info!(%seed, addresses = tried.joined.len(), "joined");
                self.complaints.forget();
                tried.doubts.iter().for_each(|doubt| tracing::warn!("{doubt}"));
                continue;
            }
            for failure in &tried.failures {
                let text = format!("cannot join {seed} yet: {}", Plain(failure));
                if let Some(line) = self.complaints.tell(&text, self.started.elapsed()) {
                    tracing::warn!("{line}");
                }
            }
        }
        tried
    }

    fn all_met(&self) -> bool {
        self.seeds.iter().all(|sought| sought.met != Met::NotYet)
    }

    /// Returns when nobody else is alive (false) or a seed is lost (true).
    async fn lonelier(&mut self) -> bool {
        let mut revisions = self.roster.revisions();
        while self.roster.has_company() {
            if self.forget_lost() {
                return true;
            }
            tokio::select! {
                changed = revisions.changed() => if changed.is_err() { break },
                () = sleep_until(self.next_look) => self.look_for_the_forgotten().await,
            }
        }
        false
    }

    /// Asks where a seed is now and no member is. Whoever answers there and is no news (a seed behind an address of its
    /// own choice) costs an exchange; whoever does not is nobody's fault.
    async fn look_for_the_forgotten(&mut self) {
        let present: BTreeSet<SocketAddr> = self
            .roster
            .look(|members| members.values().filter(|m| is_present(m)).map(|m| m.socket_addr()).collect());
        let is_forgotten = |addr: &SocketAddr| !present.contains(addr);
        let tries = self.seeds.iter().map(|sought| self.joiner.try_some(&sought.seed, false, is_forgotten));
        for (sought, tried) in self.seeds.iter().zip(join_all(tries).await) {
            for addr in tried.joined {
                tracing::debug!(seed = %sought.seed, %addr, "asked where no member is");
            }
        }
        self.next_look = Instant::now() + schedule::rest(present.len(), fastrand::f64());
    }

    /// Seeds that were members and are no more have to be sought again. Whether there are any.
    fn forget_lost(&mut self) -> bool {
        let Self { seeds, roster, .. } = self;
        roster.look(|members| {
            let mut any = false;
            for sought in seeds {
                let Met::At(met) = &sought.met else { continue };
                let there = members.values().filter(|m| is_present(m)).any(|m| met.contains(&m.socket_addr()));
                if sought.known && !there {
                    tracing::info!(seed = %sought.seed, "this seed left or failed; seeking it until it is back");
                    sought.met = Met::NotYet;
                    any = true;
                }
                sought.known |= there;
            }
            any
        })
    }

    /// Returns when nobody else is alive.
    async fn alone(&self) {
        let mut revisions = self.roster.revisions();
        while self.roster.has_company() {
            if revisions.changed().await.is_err() {
                return;
            }
        }
    }
}

/// A seed is met when one of its addresses answered, or when it is an address of ours. A *name* that so far means only us
/// may mean others later: in a container network all nodes often share it.
fn met_by(seed: &Seed, tried: &Tried) -> Met {
    let only_us = tried.ourselves && matches!(seed.host, Host::Ip(_));
    if !tried.joined.is_empty() || only_us { Met::At(tried.joined.clone()) } else { Met::NotYet }
}

/// Whether `member` has not gone.
fn is_present(member: &Member) -> bool {
    matches!(member.status, Status::Alive | Status::Leaving)
}

fn failures(tried: &[Tried]) -> String {
    let all: Vec<_> =
        tried.iter().flat_map(|tried| &tried.failures).map(|text| Plain(text).to_string()).collect();
    all.join("; ")
}

#[cfg(test)]
mod tests;

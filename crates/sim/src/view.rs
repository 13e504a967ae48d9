//! Who sees whom, beside who should.
//!
//! A view is compared in place, member by member: nothing is copied, so that it can be asked often.

use crate::World;
use crate::address;
use muster_serf::{Member, Status};
use muster_wire::tags;
use std::fmt;
use std::net::SocketAddr;

/// One thing a host gets wrong.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Wrong {
    /// Who.
    pub host: usize,
    /// About whom.
    pub name: String,
    /// What it should see.
    pub should: &'static str,
    /// What it sees; none if the name is unknown to it.
    pub sees: Option<Status>,
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sees = self.sees.map_or("nobody", Status::as_str);
        write!(f, "host {} sees {} as {sees}, and should see it {}", self.host + 1, self.name, self.should)
    }
}

impl World {
    /// What a host thinks of another.
    pub fn status(&self, host: usize, other: usize) -> Option<Status> {
        Some(self.serf(host)?.member(&self.hosts[other].spec.name)?.status)
    }

    /// Whether every other host that is up sees `host` so.
    pub fn everyone_sees(&self, host: usize, status: Status) -> bool {
        let others = (0..self.len()).filter(|other| *other != host && self.is_up(*other));
        others.into_iter().all(|other| self.status(other, host) == Some(status))
    }

    /// Whether all hosts that are up see each other alive, with the right address and tags, and nobody else.
    pub fn is_right(&self) -> bool {
        self.first_wrong().is_none()
    }

    /// The first thing that some host gets wrong.
    pub fn first_wrong(&self) -> Option<Wrong> {
        let up = (0..self.len()).filter(|at| self.is_up(*at));
        let truth: Vec<Truth<'_>> = up.map(|at| self.truth(at)).collect();
        let suspect = Some(self.suspect.get()).filter(|at| *at < self.len() && self.is_up(*at));
        let all = suspect.into_iter().chain(truth.iter().map(|host| host.number));
        let wrong = all.into_iter().find_map(|at| self.wrong_of(at, &truth))?;
        self.suspect.set(wrong.host);
        Some(wrong)
    }

    fn truth(&self, number: usize) -> Truth<'_> {
        let name = &*self.hosts[number].spec.name;
        Truth { number, name, addr: address::of(number), meta: tags::encode(self.tags(number)) }
    }

    /// `truth`: who is up.
    fn wrong_of(&self, at: usize, truth: &[Truth<'_>]) -> Option<Wrong> {
        let wrong = |name: &str, should, sees| Some(Wrong { host: at, name: name.to_owned(), should, sees });
        let serf = self.serf(at)?;
        for host in truth {
            let Some(member) = serf.member(host.name) else { return wrong(host.name, "alive", None) };
            let should = if member.status != Status::Alive {
                "alive"
            } else if member.socket_addr() != host.addr {
                "at its new address"
            } else if member.meta != host.meta {
                "with its new tags"
            } else {
                continue;
            };
            return wrong(host.name, should, Some(member.status));
        }
        // All who should be there are; so nobody else is, unless there are more.
        let present = |member: &&Member| matches!(member.status, Status::Alive | Status::Leaving);
        if serf.members().filter(present).count() == truth.len() {
            return None;
        }
        let is_up = |member: &&Member| truth.iter().any(|host| *host.name == *member.name);
        let ghost = serf.members().filter(present).find(|member| !is_up(member))?;
        wrong(&ghost.name, "gone", Some(ghost.status))
    }
}

/// A host that is up, as all should see it.
struct Truth<'a> {
    number: usize,
    name: &'a str,
    addr: SocketAddr,
    meta: Vec<u8>,
}

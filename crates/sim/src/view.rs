//! Who sees whom, beside who should.
//!
//! A view is compared in place, member by member in the order of names: nothing is copied, so that it can be asked often.

use crate::World;
use crate::address;
use muster_serf::{Member, Status};
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
        let mut names: Vec<(&str, usize)> =
            (0..self.len()).filter(|at| self.is_up(*at)).map(|at| (&*self.hosts[at].spec.name, at)).collect();
        names.sort_unstable();
        let suspect = Some(self.suspect.get()).filter(|at| *at < self.len() && self.is_up(*at));
        let all = suspect.into_iter().chain(names.iter().map(|(_, at)| *at));
        let wrong = all.into_iter().find_map(|at| self.wrong_of(at, &names))?;
        self.suspect.set(wrong.host);
        Some(wrong)
    }

    /// `names`: who is up, by name.
    fn wrong_of(&self, at: usize, names: &[(&str, usize)]) -> Option<Wrong> {
        let mut expected = names.iter().peekable();
        let wrong = |name: &str, should, sees| Some(Wrong { host: at, name: name.to_owned(), should, sees });
        for member in self.serf(at)?.members() {
            let here = expected.next_if(|(name, _)| *name == &*member.name);
            let Some((_, other)) = here else {
                if let Some((name, _)) = expected.peek().filter(|(name, _)| *name < &*member.name) {
                    return wrong(name, "alive", None);
                }
                if matches!(member.status, Status::Alive | Status::Leaving) {
                    return wrong(&member.name, "gone", Some(member.status));
                }
                continue;
            };
            if member.status != Status::Alive {
                return wrong(&member.name, "alive", Some(member.status));
            }
            if SocketAddr::new(member.addr.ip(), member.port) != address::of(*other) {
                return wrong(&member.name, "at its new address", Some(member.status));
            }
            if !self.has_tags(member, *other) {
                return wrong(&member.name, "with its new tags", Some(member.status));
            }
        }
        expected.next().and_then(|(name, _)| wrong(name, "alive", None))
    }

    fn has_tags(&self, member: &Member, host: usize) -> bool {
        member.tags == *self.tags(host)
    }
}

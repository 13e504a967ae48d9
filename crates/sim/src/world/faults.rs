//! What befalls a host, and what it is told to do.

use super::World;
use crate::arrival::{nanos, span};
use crate::host::{End, Frozen, Memory, Pause};
use crate::queue::What;
use muster_serf::{Config, Input, Instant, Serf, Status};
use muster_wire::tags::Tags;
use std::time::Duration;

/// How often a host that met none of its seeds tries one again.
const SEEK_EVERY: Duration = Duration::from_secs(5);
/// How often one that did looks whether they are still there.
const LOOK_EVERY: Duration = Duration::from_secs(15);

impl World {
    /// Starts a host that is down, knowing nothing but its seeds.
    pub fn start(&mut self, at: usize) {
        self.hosts[at].memory = None;
        self.boot(at);
    }

    /// Starts a host that is down, with its snapshot: its clocks, and the members that were alive when it went down.
    pub fn start_with_memory(&mut self, at: usize) {
        self.boot(at);
    }

    fn boot(&mut self, at: usize) {
        let (now, seed) = (self.now(), self.rng.u64(..));
        let host = &mut self.hosts[at];
        assert!(host.serf.is_none(), "{} is already up", host.spec.name);
        host.end = End::None;
        host.life += 1;
        // Too long tags are the caller's mistake, and the host would not start with them in life either.
        let config = Config { intern: Some(self.sharing.clone()), ..host.config(at, seed) };
        let mut serf = Serf::new(config, now).expect("the tags of a host fit 512 bytes");
        if let Some(memory) = &host.memory {
            serf.resume(&memory.clocks);
        }
        host.serf = Some(serf);
        let life = host.life;
        self.queue.push(self.now, at, What::Seek { life });
        self.settle(at);
    }

    /// The process dies. Its machine refuses connections from now on.
    pub fn crash(&mut self, at: usize) {
        self.go_down(at, End::Crashed);
    }

    /// The host ends; what a snapshot would keep is kept.
    pub(super) fn go_down(&mut self, at: usize, end: End) {
        let peers = self.peers_of(at);
        let host = &mut self.hosts[at];
        if let Some(serf) = &host.serf {
            host.memory = Some(Memory { clocks: serf.stats(), peers });
        }
        host.go_down(end);
    }

    /// The hosts at the addresses of the members that are alive for `at`.
    fn peers_of(&self, at: usize) -> Vec<usize> {
        let members = self.serf(at).into_iter().flat_map(Serf::members);
        let alive = members.filter(|member| member.status == Status::Alive);
        let hosts = alive.filter_map(|member| crate::address::host_at(member.socket_addr()));
        hosts.filter(|host| *host != at).collect()
    }

    /// Leaves in order; the host is down when that is done.
    pub fn leave(&mut self, at: usize) {
        self.command(at, Serf::leave);
    }

    /// Announces other tags.
    pub fn set_tags(&mut self, at: usize, tags: Tags) {
        self.hosts[at].tags = tags.clone();
        // Longer ones than fit are refused by the core, and then nobody shall see them.
        if let Some(Err(_)) = self.command(at, |serf, now| serf.set_tags(now, tags)) {
            self.hosts[at].tags.clear();
        }
    }

    /// Each input takes this long to be handled, one after the other.
    pub fn slow(&mut self, at: usize, delay: Duration) {
        self.hosts[at].delay = span(delay);
    }

    /// The host does not run until [`World::resume`].
    pub fn pause(&mut self, at: usize, pause: Pause) {
        let since = self.now();
        let host = &mut self.hosts[at];
        let Some(serf) = &host.serf else { return };
        let due = serf.next_timeout().unwrap_or(Instant(Duration::MAX));
        host.pauses += 1;
        if host.frozen.is_none() {
            host.frozen = Some(Box::new(Frozen { pause, since, due, backlog: Vec::new() }));
        }
    }

    /// The host does not run for this long.
    pub fn pause_for(&mut self, at: usize, pause: Pause, time: Duration) {
        self.pause(at, pause);
        let what = What::Resume { pause: self.hosts[at].pauses };
        self.queue.push(self.now.saturating_add(span(time)), at, what);
    }

    /// The host runs again: it looks at its clock, then at its sockets, then at its timers.
    pub fn resume(&mut self, at: usize) {
        let now = self.now();
        let Some(frozen) = self.hosts[at].frozen.take() else { return };
        if let (Some(by), Some(serf)) = (frozen.overslept(now), &mut self.hosts[at].serf) {
            serf.handle(now, Input::Slept(by));
            self.settle(at);
        }
        for arrival in frozen.backlog {
            self.arrive(at, arrival);
        }
        self.hosts[at].wake = u64::MAX;
        self.plan_wake(at);
    }

    /// Whether a host is up; it may be paused.
    pub fn is_up(&self, at: usize) -> bool {
        self.hosts[at].serf.is_some()
    }

    /// How often a host was started.
    pub fn lives(&self, at: usize) -> u32 {
        self.hosts[at].life
    }

    /// Who looked for the cluster at one host looks at another from now on.
    pub fn move_seed(&mut self, from: usize, to: usize) {
        for seed in self.hosts.iter_mut().flat_map(|host| &mut host.spec.seeds) {
            if *seed == from {
                *seed = to;
            }
        }
    }

    /// Whether a host is up and paused.
    pub fn is_paused(&self, at: usize) -> bool {
        self.hosts[at].frozen.is_some()
    }

    /// Whether a host is down because it left in order.
    pub fn has_left(&self, at: usize) -> bool {
        self.hosts[at].end == End::Left
    }

    /// The tags a host should be seen with.
    pub fn tags(&self, at: usize) -> &Tags {
        &self.hosts[at].tags
    }

    /// Looks for the cluster as the agent does: until one seed answered, and again when a seed is gone.
    pub(super) fn seek(&mut self, at: usize, life: u32) {
        let host = &self.hosts[at];
        let Some(serf) = host.serf.as_ref().filter(|_| host.life == life) else { return };
        let remembered = host.memory.iter().flat_map(|memory| &memory.peers);
        let mut wanted: Vec<usize> = host.spec.seeds.iter().copied().filter(|seed| *seed != at).collect();
        if host.joined {
            let is_here = |seed: &usize| {
                let member = serf.member(&self.hosts[*seed].spec.name);
                member.is_some_and(|member| matches!(member.status, Status::Alive | Status::Leaving))
            };
            wanted.retain(|seed| !is_here(seed));
        } else {
            wanted.extend(remembered);
        }
        let idle = host.joining.is_none() && host.frozen.is_none();
        let seeks = !host.spec.seeds.is_empty() || !host.joined && !wanted.is_empty();
        let chosen = self.rng.choice(&wanted).copied().filter(|_| idle);
        if let Some(seed) = chosen {
            let to = crate::address::of(seed);
            let stream = self.command(at, |serf, now| serf.join(now, to, false));
            self.hosts[at].joining = stream;
        }
        if seeks {
            let pause = if self.hosts[at].joined { LOOK_EVERY } else { SEEK_EVERY };
            let next = nanos(self.now() + pause);
            self.queue.push(next, at, What::Seek { life });
        }
    }
}

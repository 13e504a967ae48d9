//! The promise in virtual time: a small shell drives the balancer under load while a backend dies.
//!
//! The shell keeps one connection per request and does what the contract says; backends answer after a fixed time. A
//! dead process refuses connections and resets those it had; a dead host answers nothing.

mod common;

use common::*;
use muster_balance::{Attempt, Balancer, Choice, Ended, Evidence, Instant, Key, Turn};
use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap};
use std::net::SocketAddr;

const CONNECT_TIMEOUT_MS: u64 = 1_000;
const RESPONSE_TIMEOUT_MS: u64 = 5_000;

#[derive(Clone, Copy, PartialEq)]
enum Death {
    /// The process: connections are refused and reset.
    Process,
    /// The host: silence.
    Host,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    Arrival,
    Over { request: usize, seen: Seen },
    TrialOver { key: Key, connected: bool },
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Seen {
    NoConnection,
    Died,
    Silence,
    Answer,
}

struct Request {
    choice: Choice,
    tried: Vec<Key>,
}

struct World {
    balancer: Balancer,
    now_us: u64,
    latency_ms: u64,
    victim: SocketAddr,
    death: Death,
    dies_at_us: u64,
    events: BinaryHeap<Reverse<(u64, usize, Event)>>,
    count: usize,
    requests: Vec<Request>,
    /// Backends with a connection that may be used again.
    connected: BTreeSet<Key>,
    failed: usize,
    /// Last time a new request was sent to the victim.
    last_sent_us: u64,
}

impl World {
    fn run(latency_ms: u64, death: Death, rate: u64, secs: u64) -> Self {
        let mut balancer = Balancer::new(5);
        let changes = balancer.apply(ms(0), &web(&[READY; 3]));
        let victim = prove(&mut balancer, ms(0), &changes)[1].addr;
        let mut world = Self {
            balancer,
            now_us: 0,
            latency_ms,
            victim,
            death,
            dies_at_us: 3_000_000,
            events: BinaryHeap::new(),
            count: 0,
            requests: Vec::new(),
            connected: BTreeSet::new(),
            failed: 0,
            last_sent_us: 0,
        };
        for n in 0..rate * secs {
            world.at(n * 1_000_000 / rate, Event::Arrival);
        }
        while let Some(Reverse((at, _, event))) = world.events.pop() {
            world.now_us = at;
            world.handle(event);
            world.start_trials(secs);
        }
        world
    }

    fn at(&mut self, us: u64, event: Event) {
        self.count += 1;
        self.events.push(Reverse((us, self.count, event)));
    }

    fn now(&self) -> Instant {
        Instant(std::time::Duration::from_micros(self.now_us))
    }

    fn handle(&mut self, event: Event) {
        match event {
            Event::Arrival => match self.balancer.pick(self.now(), "web", &[]) {
                Some(choice) => self.send(choice, Vec::new()),
                None => self.failed += 1,
            },
            Event::Over { request, seen } => self.over(request, seen),
            Event::TrialOver { key, connected } => {
                let seen = if connected { Evidence::Connected } else { Evidence::ConnectFailed };
                self.balancer.evidence(self.now(), key, seen);
            }
        }
    }

    fn send(&mut self, choice: Choice, tried: Vec<Key>) {
        let request = self.requests.len();
        self.requests.push(Request { choice, tried });
        let is_victim = choice.addr == self.victim;
        if is_victim {
            self.last_sent_us = self.now_us;
        }
        let answer_us = self.now_us + self.latency_ms * 1_000;
        let kept = self.connected.contains(&choice.key);
        let (at, seen) = match (is_victim && answer_us > self.dies_at_us, self.death) {
            (false, _) => (answer_us, Seen::Answer),
            // Under way when it dies: reset at that moment.
            (true, Death::Process) if self.now_us < self.dies_at_us => (self.dies_at_us, Seen::Died),
            (true, Death::Process) => (self.now_us + 100, Seen::NoConnection),
            (true, Death::Host) if kept || self.now_us < self.dies_at_us => {
                (self.now_us + RESPONSE_TIMEOUT_MS * 1_000, Seen::Silence)
            }
            (true, Death::Host) => (self.now_us + CONNECT_TIMEOUT_MS * 1_000, Seen::NoConnection),
        };
        self.at(at, Event::Over { request, seen });
    }

    fn over(&mut self, request: usize, seen: Seen) {
        let now = self.now();
        let Request { choice, tried } = &mut self.requests[request];
        let (choice, mut tried) = (*choice, std::mem::take(tried));
        let evidence = match seen {
            Seen::Answer => {
                self.connected.insert(choice.key);
                self.balancer.evidence(now, choice.key, Evidence::Answered);
                self.balancer.finish(choice.key, Ended::Well);
                return;
            }
            Seen::NoConnection => Evidence::ConnectFailed,
            Seen::Died => Evidence::KeptDied,
            Seen::Silence => Evidence::Silent,
        };
        if self.balancer.evidence(now, choice.key, evidence) == Turn::Ejected || seen == Seen::Died {
            self.connected.remove(&choice.key);
        }
        tried.push(choice.key);
        let attempt = Attempt {
            safe: true,
            unsent: seen == Seen::NoConnection,
            body_intact: true,
            answered: false,
            attempts: u32::try_from(tried.len()).expect("at most three"),
        };
        let next = if self.balancer.may_retry(now, choice.key, attempt) {
            self.balancer.pick(now, "web", &tried)
        } else {
            None
        };
        match next {
            Some(next) => {
                self.balancer.finish(choice.key, Ended::Retried);
                self.send(next, tried);
            }
            None => {
                self.balancer.finish(choice.key, Ended::Failed { safe: true });
                self.failed += 1;
            }
        }
    }

    fn start_trials(&mut self, secs: u64) {
        for choice in self.balancer.due_trials(self.now()) {
            let dead = choice.addr == self.victim && self.now_us >= self.dies_at_us;
            let takes_us = if dead && self.death == Death::Host { CONNECT_TIMEOUT_MS * 1_000 } else { 100 };
            // The world ends some time after the last request.
            if self.now_us < (secs + 10) * 1_000_000 {
                self.at(self.now_us + takes_us, Event::TrialOver { key: choice.key, connected: !dead });
            }
        }
    }
}

#[test]
fn no_get_fails_when_a_process_is_killed_and_it_is_out_of_the_way_in_ten_milliseconds() {
    for latency_ms in [1, 20, 200, 3_000, 4_500] {
        let world = World::run(latency_ms, Death::Process, 500, 8);
        assert_eq!(world.failed, 0, "answers take {latency_ms} ms");
        let after_us = world.last_sent_us.saturating_sub(world.dies_at_us);
        assert!(after_us <= 10_000, "{after_us} us after its death, answers take {latency_ms} ms");
        let report = world.balancer.report("proxy");
        assert_eq!((report.requests, report.failed), (4_000, 0));
    }
}

#[test]
fn no_get_fails_when_a_host_falls_silent() {
    for latency_ms in [1, 200] {
        let world = World::run(latency_ms, Death::Host, 500, 20);
        assert_eq!(world.failed, 0, "answers take {latency_ms} ms");
        let after_us = world.last_sent_us - world.dies_at_us;
        assert!(after_us < 1_000 * (RESPONSE_TIMEOUT_MS + 100), "{after_us} us");
    }
}

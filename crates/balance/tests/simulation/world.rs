//! A service whose backends come, go, fail and recover by a seed, under policies that change as well.

use crate::common::*;
use muster_balance::{
    Algorithm, Answer, Attempt, Balancer, Call, Change, Checks, Choice, Ended, Evidence, Guard, Hint,
    Instant, Key, Outliers, Pick, Policy, StableId, Stickiness, Ticket, Traits,
};
use muster_fleet::Standing;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

const NODES: usize = 7;
const NAMES: [&str; NODES] = ["a", "b", "c", "d", "e", "f", "g"];

/// One node, as it really is.
#[derive(Default)]
struct Node {
    /// As in the picture; `None`: not in it.
    standing: Option<Standing>,
    weight: u16,
    traits: Traits,
    dead: bool,
    /// Of ten requests.
    errors: u8,
    took_ms: u64,
    in_flight: u32,
}

impl Node {
    fn is_live(&self) -> bool {
        self.standing.is_some_and(|standing| standing != Standing::Withdrawn) && !self.traits.maintenance
    }
}

struct Request {
    on: Key,
    tried: Vec<Key>,
    hint: Hint,
}

struct Waiting {
    tried: Vec<Key>,
    hint: Hint,
    since: Instant,
    wait: Duration,
}

pub(crate) struct World {
    pub(crate) balancer: Balancer,
    rng: fastrand::Rng,
    now_ms: u64,
    nodes: [Node; NODES],
    policy: Policy,
    /// Which node a key means.
    keys: BTreeMap<Key, usize>,
    open: Vec<Request>,
    waiting: BTreeMap<Ticket, Waiting>,
    requests: u64,
    well: u64,
    abandoned: u64,
    failed: u64,
    /// Everything decided.
    pub(crate) log: String,
}

impl World {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            balancer: Balancer::new(seed),
            rng: fastrand::Rng::with_seed(!seed),
            now_ms: 0,
            nodes: Default::default(),
            policy: Policy::default(),
            keys: BTreeMap::new(),
            open: Vec::new(),
            waiting: BTreeMap::new(),
            requests: 0,
            well: 0,
            abandoned: 0,
            failed: 0,
            log: String::new(),
        }
    }

    fn now(&self) -> Instant {
        ms(self.now_ms)
    }

    fn one_in(&mut self, count: u32) -> bool {
        self.rng.u32(..count) == 0
    }

    pub(crate) fn step(&mut self) {
        match self.rng.u8(..100) {
            0..4 => self.change_picture(),
            4..7 => self.change_traits(),
            7 => self.change_policy(),
            8..12 => self.change_nature(),
            12..30 => self.now_ms += *self.rng.choice(&[1, 5, 50, 400, 3_000]).expect("there are some"),
            30..60 => self.request(),
            60..92 => self.end_one(),
            92..94 => self.give_up(),
            _ => {}
        }
        self.run_timers();
        self.run_calls();
        self.check();
    }

    fn change_picture(&mut self) {
        let standings = [None, Some(READY), Some(READY), Some(READY), Some(DEMOTED), Some(WITHDRAWN)];
        for node in &mut self.nodes {
            if self.rng.u8(..3) == 0 {
                node.standing = *self.rng.choice(&standings).expect("there are some");
                node.weight = *self.rng.choice(&[1, 10, 10, 50]).expect("there are some");
            }
        }
        self.apply();
    }

    fn apply(&mut self) {
        let listed = self.nodes.iter().enumerate().filter_map(|(n, node)| {
            let host = addr(u8::try_from(n).expect("there are few"));
            let backend = muster_fleet::Backend { weight: node.weight, ..at(host, node.standing?) };
            Some(("web", NAMES[n], backend))
        });
        let picture = picture(listed);
        let changes = self.balancer.apply(self.now(), &picture);
        self.act(&changes);
    }

    fn act(&mut self, changes: &[Change]) {
        writeln!(self.log, "{changes:?}").expect("a string");
        for choice in appeared(changes) {
            self.connect(choice);
        }
    }

    fn node_of(choice: Choice) -> usize {
        let std::net::IpAddr::V4(ip) = choice.addr.ip() else { panic!("all are IPv4") };
        ip.octets()[3].into()
    }

    fn connect(&mut self, choice: Choice) {
        let n = Self::node_of(choice);
        self.keys.insert(choice.key, n);
        let seen = if self.nodes[n].dead { Evidence::ConnectFailed } else { Evidence::Connected };
        self.balancer.evidence(self.now(), choice.key, seen);
    }

    fn change_traits(&mut self) {
        let n = self.rng.usize(..NODES);
        let zone = *self.rng.choice(&[None, Some("here"), Some("there")]).expect("there are some");
        let traits = match self.one_in(2) {
            true => Traits::default(),
            false => Traits {
                backup: self.one_in(4),
                zone: zone.map(String::from),
                max_in_flight: self.one_in(4).then_some(2),
                weight: self.one_in(4).then(|| self.rng.u16(..20)),
                maintenance: self.one_in(6),
            },
        };
        self.nodes[n].traits = traits.clone();
        let changes = self.balancer.describe(self.now(), "web", NAMES[n], traits);
        self.act(&changes);
    }

    fn change_policy(&mut self) {
        use Algorithm::*;
        let algorithms = [RoundRobin, LeastConn, PowerOfTwo, Random, Hash, First];
        let sticky = [Stickiness::None, Stickiness::Cookie, Stickiness::Source];
        self.policy = Policy {
            algorithm: *self.rng.choice(&algorithms).expect("there are some"),
            hash_bound_percent: self.one_in(2).then_some(125),
            sticky: *self.rng.choice(&sticky).expect("there are some"),
            sticky_draining: self.one_in(2),
            slow_start: Duration::from_secs(self.rng.u64(..2) * 10),
            zone: self.one_in(2).then(|| "here".into()),
            zone_factor_percent: 140,
            max_in_flight: self.one_in(2).then(|| self.rng.u32(1..6)),
            queue_max: self.rng.u32(..4) * 3,
            queue_wait: Duration::from_secs(2),
            checks: self.one_in(2).then(Checks::default),
            outliers: self.one_in(2).then(|| Outliers { requests_min: 5, ..Outliers::default() }),
            guard: Guard { max_drop_percent: 50, ..Guard::default() },
        };
        writeln!(self.log, "{:?}", self.policy).expect("a string");
        self.balancer.set_policy(self.now(), "web", &self.policy);
    }

    fn change_nature(&mut self) {
        let n = self.rng.usize(..NODES);
        self.nodes[n].dead = self.one_in(3);
        self.nodes[n].errors = if self.one_in(3) { self.rng.u8(..=10) } else { 0 };
        self.nodes[n].took_ms = if self.one_in(3) { 800 } else { 10 };
    }

    fn hint(&mut self) -> Hint {
        let named = self.keys.keys().nth(self.rng.usize(..=self.keys.len())).copied();
        Hint {
            hash: self.one_in(2).then(|| self.rng.u64(..20)),
            source: self.one_in(2).then(|| self.rng.u64(..20)),
            sticky: named.and_then(|key| self.balancer.stable_id(key)),
        }
    }

    fn request(&mut self) {
        self.requests += 1;
        let hint = self.hint();
        self.send(hint, Vec::new());
    }

    /// Whether it goes on, somewhere or waiting.
    fn send(&mut self, hint: Hint, tried: Vec<Key>) -> bool {
        let waiting = self.balancer.queued("web");
        let pick = self.balancer.choose(self.now(), "web", hint, &tried);
        writeln!(self.log, "{pick:?}").expect("a string");
        match pick {
            Pick::Go(choice) => {
                assert_eq!(waiting, 0, "others wait");
                self.go(choice, hint, tried);
                return true;
            }
            Pick::Queue(ticket) => {
                assert!(waiting < self.policy.queue_max as usize);
                self.assert_no_room(waiting, &tried);
                let (since, wait) = (self.now(), self.policy.queue_wait);
                self.waiting.insert(ticket, Waiting { tried, hint, since, wait });
                return true;
            }
            Pick::Full => {
                assert!(waiting >= self.policy.queue_max as usize, "there is room to wait");
                self.assert_no_room(waiting, &tried);
            }
            Pick::Nobody => self.assert_nobody(&tried),
        }
        self.failed += 1;
        false
    }

    fn assert_nobody(&self, tried: &[Key]) {
        let left = (0..NODES).find(|n| self.nodes[*n].is_live() && !self.was_tried(*n, tried));
        assert_eq!(left.map(|n| NAMES[n]), None, "it is neither withdrawn nor tried");
    }

    fn was_tried(&self, n: usize, tried: &[Key]) -> bool {
        tried.iter().any(|key| self.keys[key] == n)
    }

    /// Whoever is well has as many requests as it may, unless others wait already.
    fn assert_no_room(&self, waiting: usize, tried: &[Key]) {
        let live = (0..NODES).any(|n| self.nodes[n].is_live() && !self.was_tried(n, tried));
        assert!(live, "there is nobody to wait for");
        for row in self.balancer.report("proxy").backends.iter().filter(|_| waiting == 0) {
            let n = NAMES.iter().position(|name| *name == row.node).expect("one of ours");
            let node = &self.nodes[n];
            let is_primary = !node.traits.backup && node.traits.weight != Some(0);
            if row.state == "up" && is_primary && !self.was_tried(n, tried) {
                assert!(node.in_flight >= self.limit(n), "{row:?} has room");
            }
        }
    }

    fn limit(&self, n: usize) -> u32 {
        self.nodes[n].traits.max_in_flight.or(self.policy.max_in_flight).unwrap_or(u32::MAX)
    }

    fn go(&mut self, choice: Choice, hint: Hint, tried: Vec<Key>) {
        assert!(!tried.contains(&choice.key), "tried before");
        let n = Self::node_of(choice);
        self.keys.insert(choice.key, n);
        let node = &self.nodes[n];
        if !node.is_live() {
            let named =
                hint.sticky.is_some_and(|id: StableId| self.balancer.stable_id(choice.key) == Some(id));
            let keeps = self.policy.sticky == Stickiness::Cookie && self.policy.sticky_draining;
            assert!(
                named && keeps && node.standing == Some(WITHDRAWN) && !node.traits.maintenance,
                "{} {named} {keeps} {:?} {:?} {:?}",
                NAMES[n],
                node.standing,
                node.traits,
                self.balancer.report("proxy")
            );
        }
        assert!(node.in_flight < self.limit(n), "over its limit");
        self.nodes[n].in_flight += 1;
        self.open.push(Request { on: choice.key, tried, hint });
    }

    fn over(&mut self, key: Key, ended: Ended) {
        self.balancer.finish(key, ended);
        self.nodes[self.keys[&key]].in_flight -= 1;
    }

    fn end_one(&mut self) {
        if self.open.is_empty() {
            return;
        }
        let mut request = self.open.swap_remove(self.rng.usize(..self.open.len()));
        let key = request.on;
        let node = &self.nodes[self.keys[&key]];
        if self.rng.u8(..20) == 0 {
            self.abandoned += 1;
            self.over(key, Ended::Abandoned);
        } else if !node.dead {
            let status = if self.rng.u8(..10) < node.errors { 503 } else { 200 };
            let took = Duration::from_millis(node.took_ms);
            let turn = self.balancer.answered(self.now(), key, Answer { status, took });
            writeln!(self.log, "{turn:?}").expect("a string");
            self.well += 1;
            self.over(key, Ended::Well);
        } else {
            let seen = [Evidence::ConnectFailed, Evidence::KeptDied, Evidence::Silent];
            let seen = *self.rng.choice(&seen).expect("there are some");
            self.balancer.evidence(self.now(), key, seen);
            request.tried.push(key);
            let attempts = u32::try_from(request.tried.len()).expect("at most three");
            let unsent = seen == Evidence::ConnectFailed;
            let attempt = Attempt { safe: true, unsent, body_intact: true, answered: false, attempts };
            let retries = self.balancer.may_retry(self.now(), key, attempt);
            let failed = self.failed;
            if retries && self.send(request.hint, request.tried) {
                self.over(key, Ended::Retried);
            } else {
                self.failed = failed + 1;
                self.over(key, Ended::Failed { safe: true });
            }
        }
    }

    fn give_up(&mut self) {
        let nth = self.rng.usize(..=self.waiting.len());
        if let Some(ticket) = self.waiting.keys().nth(nth).copied() {
            self.waiting.remove(&ticket);
            self.balancer.leave(ticket);
            self.abandoned += 1;
        }
    }

    fn run_timers(&mut self) {
        for choice in self.balancer.due_trials(self.now()) {
            self.connect(choice);
        }
        assert!(self.balancer.next_timeout().is_none_or(|at| at > self.now()), "nothing is overdue");
        for choice in self.balancer.due_checks(self.now()) {
            let node = &self.nodes[Self::node_of(choice)];
            assert!(node.is_live() && self.policy.checks.is_some());
            let outcome = if node.dead || node.errors > 5 { Err("it is ill") } else { Ok(()) };
            self.balancer.checked(self.now(), choice.key, outcome);
        }
        assert!(self.balancer.next_check().is_none_or(|at| at > self.now()), "no check is overdue");
    }

    fn run_calls(&mut self) {
        while let Some(call) = self.balancer.call(self.now()) {
            writeln!(self.log, "{call:?}").expect("a string");
            let ticket = match call {
                Call::Go(ticket, _) | Call::Late(ticket) | Call::Nobody(ticket) => ticket,
            };
            let waiting = self.waiting.remove(&ticket).expect("it waits, and is called once");
            let deadline = waiting.since + waiting.wait;
            match call {
                Call::Go(_, choice) => {
                    assert!(self.now() < deadline);
                    self.go(choice, waiting.hint, waiting.tried);
                }
                Call::Late(_) => {
                    assert!(self.now() >= deadline);
                    self.failed += 1;
                }
                Call::Nobody(_) => {
                    self.assert_nobody(&waiting.tried);
                    self.failed += 1;
                }
            }
        }
        assert!(self.balancer.next_call().is_none_or(|at| at > self.now()), "nobody is overdue");
    }

    fn check(&self) {
        let report = self.balancer.report("proxy");
        let (open, waiting) = (self.open.len() as u64, self.waiting.len() as u64);
        assert_eq!(report.requests, self.requests);
        assert_eq!(report.failed, self.failed);
        assert_eq!(self.requests, self.well + self.abandoned + self.failed + open + waiting);
        assert_eq!(self.balancer.queued("web") as u64, waiting);
        assert_eq!(report.backends.iter().map(|row| u64::from(row.in_flight)).sum::<u64>(), open);
        for row in &report.backends {
            assert_eq!(row.why.is_some(), row.state == "ejected", "{row:?}");
        }
    }

    /// All is well from now on, with this algorithm and weights 10, 20, 30 and so on.
    pub(crate) fn calm(&mut self, algorithm: Algorithm) {
        for (n, weight) in (0..NODES).zip(1_u16..) {
            self.nodes[n] = Node {
                standing: Some(READY),
                weight: 10 * weight,
                in_flight: self.nodes[n].in_flight,
                took_ms: 10,
                ..Node::default()
            };
            let changes = self.balancer.describe(self.now(), "web", NAMES[n], Traits::default());
            self.act(&changes);
        }
        self.policy = Policy { algorithm, ..Policy::default() };
        self.balancer.set_policy(self.now(), "web", &self.policy);
        self.apply();
        while !self.open.is_empty() {
            self.end_one();
        }
        self.run_calls();
        while !self.open.is_empty() || !self.waiting.is_empty() {
            self.end_one();
            self.now_ms += 1_000;
            self.run_calls();
        }
        for _ in 0..20 {
            self.now_ms += 10_000;
            self.run_timers();
            // Whoever has never answered is given a request each time.
            (0..NODES).for_each(|_| self.request());
            while !self.open.is_empty() {
                self.end_one();
            }
        }
        let states: Vec<String> =
            self.balancer.report("proxy").backends.into_iter().map(|row| row.state).collect();
        assert_eq!(states, ["up"; NODES]);
    }

    /// How many of `count` requests each node gets, one after another.
    pub(crate) fn shares(&mut self, count: usize) -> [usize; NODES] {
        let mut shares = [0; NODES];
        for _ in 0..count {
            let choice = goes(self.balancer.choose(self.now(), "web", Hint::default(), &[]));
            shares[Self::node_of(choice)] += 1;
            self.balancer.answered(
                self.now(),
                choice.key,
                Answer { status: 200, took: Duration::from_millis(10) },
            );
            self.balancer.finish(choice.key, Ended::Well);
        }
        shares
    }

    /// The service ends.
    pub(crate) fn end(&mut self) {
        self.nodes.iter_mut().for_each(|node| node.standing = None);
        self.apply();
        self.run_calls();
        while let Some(request) = self.open.pop() {
            self.well += 1;
            self.over(request.on, Ended::Well);
        }
        self.check();
    }
}

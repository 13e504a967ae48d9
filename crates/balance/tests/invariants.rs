//! What holds after any sequence of pictures, requests, evidence and time.

mod common;

use common::*;
use muster_balance::{Balancer, Change, Choice, Ended, Evidence, Key, Turn};
use muster_fleet::Standing;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

const SERVICES: [&str; 2] = ["api", "web"];
const NODES: [&str; 4] = ["a", "b", "c", "d"];

#[derive(Clone, Debug)]
enum Step {
    /// (service, node, which of its addresses, standing)
    Apply(Vec<(usize, usize, u8, Standing)>),
    Wait(u64),
    Request(usize),
    Retry(Index),
    End(Index, Ended),
    See(Index, Evidence),
    Trials,
}

fn any_step() -> impl Strategy<Value = Step> {
    let standing = select(vec![READY, READY, DEMOTED, WITHDRAWN]);
    let ended = select(vec![
        Ended::Well,
        Ended::Abandoned,
        Ended::Failed { safe: true },
        Ended::Failed { safe: false },
    ]);
    let evidence = select(vec![
        Evidence::Connected,
        Evidence::ConnectFailed,
        Evidence::Answered,
        Evidence::Died,
        Evidence::KeptDied,
        Evidence::Silent,
    ]);
    prop_oneof![
        2 => vec((0..2_usize, 0..4_usize, 0..2_u8, standing), 0..8).prop_map(Step::Apply),
        2 => select(vec![1_u64, 100, 2_000, 40_000]).prop_map(Step::Wait),
        6 => (0..2_usize).prop_map(Step::Request),
        3 => any::<Index>().prop_map(Step::Retry),
        4 => (any::<Index>(), ended).prop_map(|(index, ended)| Step::End(index, ended)),
        6 => (any::<Index>(), evidence).prop_map(|(index, evidence)| Step::See(index, evidence)),
        2 => Just(Step::Trials),
    ]
}

/// Differs by service, node and variant, so that an address names its backend.
fn addr_of(service: usize, node: usize, variant: u8) -> SocketAddr {
    let small = |n| u8::try_from(n).expect("there are few");
    ([10, small(service), small(node), variant], 80).into()
}

struct Request {
    service: usize,
    tried: Vec<Key>,
    on: Key,
}

/// A shell without a network, and what it may expect.
struct Model {
    balancer: Balancer,
    now: u64,
    /// Backends that may be picked, learnt from the changes alone.
    live: BTreeMap<Key, SocketAddr>,
    addrs: BTreeMap<Key, SocketAddr>,
    /// Addresses in the picture that are not withdrawn, by service.
    wanted: [BTreeSet<SocketAddr>; 2],
    open: Vec<Request>,
    requests: u64,
    well: u64,
    abandoned: u64,
    failed: u64,
    /// Everything decided, to be compared with another run.
    log: Vec<String>,
}

impl Model {
    fn new(seed: u64) -> Self {
        Self {
            balancer: Balancer::new(seed),
            now: 0,
            live: BTreeMap::new(),
            addrs: BTreeMap::new(),
            wanted: Default::default(),
            open: Vec::new(),
            requests: 0,
            well: 0,
            abandoned: 0,
            failed: 0,
            log: Vec::new(),
        }
    }

    fn step(&mut self, step: &Step) {
        match step {
            Step::Apply(backends) => self.apply(backends),
            Step::Wait(ms) => self.now += ms,
            Step::Request(service) => {
                self.requests += 1;
                match self.pick(*service, &[]) {
                    Some(on) => self.open.push(Request { service: *service, tried: Vec::new(), on }),
                    None => self.failed += 1,
                }
            }
            Step::Retry(index) if !self.open.is_empty() => {
                let mut request = self.open.swap_remove(index.index(self.open.len()));
                request.tried.push(request.on);
                if let Some(on) = self.pick(request.service, &request.tried) {
                    self.balancer.finish(request.on, Ended::Retried);
                    self.open.push(Request { on, ..request });
                } else {
                    self.balancer.finish(request.on, Ended::Failed { safe: true });
                    self.failed += 1;
                }
            }
            Step::End(index, ended) if !self.open.is_empty() => {
                let request = self.open.swap_remove(index.index(self.open.len()));
                self.balancer.finish(request.on, *ended);
                match ended {
                    Ended::Well => self.well += 1,
                    Ended::Abandoned => self.abandoned += 1,
                    Ended::Failed { .. } | Ended::Retried => self.failed += 1,
                }
            }
            Step::See(index, evidence) if !self.addrs.is_empty() => {
                let keys: Vec<Key> = self.addrs.keys().copied().collect();
                let key = *index.get(&keys);
                let kept = self.balancer.keeps(key);
                let ejected = self.balancer.evidence(ms(self.now), key, *evidence) == Turn::Ejected;
                assert!(!ejected || kept, "ejected only if it was not");
                assert!(!ejected || !self.balancer.keeps(key), "and is now");
                assert!(!self.balancer.keeps(key) || self.live.contains_key(&key));
            }
            Step::Trials => self.trials(),
            Step::Retry(_) | Step::End(..) | Step::See(..) => {}
        }
        self.check();
    }

    fn apply(&mut self, backends: &[(usize, usize, u8, Standing)]) {
        let new = picture(backends.iter().map(|(service, node, variant, standing)| {
            (SERVICES[*service], NODES[*node], at(addr_of(*service, *node, *variant), *standing))
        }));
        let changes = self.balancer.apply(ms(self.now), &new);
        for change in &changes {
            match change {
                Change::Appeared(Choice { key, addr }) => {
                    assert_eq!(self.addrs.insert(*key, *addr), None, "a key is never used again");
                    self.live.insert(*key, *addr);
                }
                Change::Returned(key) => assert_eq!(self.live.insert(*key, self.addrs[key]), None),
                Change::Withdrawn(key) => assert!(self.live.remove(key).is_some()),
            }
        }
        self.log.push(format!("{changes:?}"));
        self.wanted = SERVICES.map(|service| {
            let backends =
                new.backends().filter(|(of, _, backend)| *of == service && backend.standing != WITHDRAWN);
            backends.map(|(_, _, backend)| backend.addr).collect()
        });
    }

    fn pick(&mut self, service: usize, tried: &[Key]) -> Option<Key> {
        let picked = self.balancer.pick(ms(self.now), SERVICES[service], tried);
        self.log.push(format!("{picked:?}"));
        match picked {
            Some(Choice { key, addr }) => {
                assert!(!tried.contains(&key), "tried before");
                assert!(self.wanted[service].contains(&addr), "withdrawn, gone or of another service");
                assert_eq!(self.live.get(&key), Some(&addr));
                Some(key)
            }
            None => {
                let left = self
                    .live
                    .iter()
                    .find(|(key, addr)| self.wanted[service].contains(addr) && !tried.contains(key));
                assert_eq!(left, None, "refused although it was left");
                None
            }
        }
    }

    fn trials(&mut self) {
        let now = ms(self.now);
        let due = self.balancer.due_trials(now);
        self.log.push(format!("{due:?}"));
        for choice in &due {
            assert_eq!(self.live.get(&choice.key), Some(&choice.addr), "only those in the picture are tried");
        }
        assert_eq!(self.balancer.due_trials(now), [], "each once");
        assert!(self.balancer.next_timeout().is_none_or(|at| at > now), "nothing is overdue");
    }

    fn check(&self) {
        let live: BTreeSet<SocketAddr> = self.live.values().copied().collect();
        let wanted: BTreeSet<SocketAddr> = self.wanted.iter().flatten().copied().collect();
        assert_eq!(live, wanted, "the changes tell the whole picture");

        let report = self.balancer.report("proxy");
        let open = self.open.len() as u64;
        assert_eq!(report.requests, self.requests);
        assert_eq!(report.requests, self.well + self.abandoned + report.failed + open);
        assert_eq!(report.failed, self.failed);
        assert!(report.failed_unsafe <= report.failed && report.retried <= report.requests);
        let in_flight = |state: &[&str]| -> u64 {
            let rows =
                report.backends.iter().filter(|row| state.is_empty() || state.contains(&row.state.as_str()));
            rows.map(|row| u64::from(row.in_flight)).sum()
        };
        assert_eq!(in_flight(&[]), open);
        assert_eq!(in_flight(&["draining"]), u64::from(self.balancer.draining()));
        assert_eq!(in_flight(&["withdrawn"]), 0);
        for row in &report.backends {
            assert_eq!(row.why.is_some(), row.state == "ejected", "{row:?}");
        }
        let usable =
            report.backends.iter().filter(|row| !["draining", "withdrawn"].contains(&row.state.as_str()));
        assert_eq!(usable.count(), self.live.len());
        // Whoever is ejected or new has a trial ahead, or nothing would ever bring it back.
        let doubtful = report.backends.iter().any(|row| ["ejected", "new"].contains(&row.state.as_str()));
        assert!(!doubtful || self.balancer.next_timeout().is_some());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn any_sequence_keeps_the_promises_and_a_seed_repeats_it(seed: u64, steps in vec(any_step(), 1..80)) {
        let [first, second] = [(), ()].map(|()| {
            let mut model = Model::new(seed);
            steps.iter().for_each(|step| model.step(step));
            model.log
        });
        prop_assert_eq!(first, second);
    }

    #[test]
    fn when_all_is_finished_nothing_is_left_behind(seed: u64, steps in vec(any_step(), 1..80)) {
        let mut model = Model::new(seed);
        steps.iter().for_each(|step| model.step(step));
        model.apply(&[]);
        while let Some(request) = model.open.pop() {
            model.balancer.finish(request.on, Ended::Well);
        }
        prop_assert_eq!(model.balancer.report("proxy").backends, []);
        prop_assert_eq!(model.balancer.draining(), 0);
        prop_assert_eq!(model.balancer.next_timeout(), None);
    }
}

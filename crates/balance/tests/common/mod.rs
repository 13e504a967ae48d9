//! Pictures and times for tests.
#![allow(dead_code, reason = "each test binary uses its own part")]

use muster_balance::{Balancer, Change, Choice, Evidence, Instant, Key, Pick};
use muster_fleet::{Backend, BackendReport, Phase, Picture, Standing, Terms};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

pub(crate) const READY: Standing = Standing::Ready;
pub(crate) const DEMOTED: Standing = Standing::Demoted;
pub(crate) const WITHDRAWN: Standing = Standing::Withdrawn;

pub(crate) fn ms(ms: u64) -> Instant {
    Instant(Duration::from_millis(ms))
}

pub(crate) fn addr(host: u8) -> SocketAddr {
    ([10, 0, 0, host], 80).into()
}

pub(crate) fn at(addr: SocketAddr, standing: Standing) -> Backend {
    Backend { addr, weight: 10, standing }
}

/// A picture of one service, `web`: its backends a, b, c... at hosts 1, 2, 3...
pub(crate) fn web(standings: &[Standing]) -> Picture {
    let names = ["a", "b", "c", "d", "e"];
    let backends = names.iter().zip(1..).zip(standings);
    picture(backends.map(|((name, host), standing)| ("web", *name, at(addr(host), *standing))))
}

pub(crate) fn picture<'a>(backends: impl IntoIterator<Item = (&'a str, &'a str, Backend)>) -> Picture {
    let mut picture = Picture {
        epoch: 1,
        version: 1,
        phase: Phase::Live,
        services: BTreeMap::new(),
        terms: Terms::default(),
        refusals: Vec::new(),
    };
    for (service, node, backend) in backends {
        let service = picture.services.entry(service.into()).or_default();
        service.backends.insert(node.into(), backend);
    }
    picture
}

/// Connects to all that appear; returns their choices in order of address.
pub(crate) fn prove(balancer: &mut Balancer, now: Instant, changes: &[Change]) -> Vec<Choice> {
    let mut choices = appeared(changes);
    for choice in &choices {
        balancer.evidence(now, choice.key, Evidence::Connected);
    }
    choices.sort_by_key(|choice| choice.addr);
    choices
}

pub(crate) fn appeared(changes: &[Change]) -> Vec<Choice> {
    let choice = |change: &Change| match change {
        Change::Appeared(choice) => Some(*choice),
        Change::Withdrawn(_) | Change::Returned(_) => None,
    };
    changes.iter().filter_map(choice).collect()
}

/// Picks a new request `count` times; how often each host was chosen. The requests stay in flight.
pub(crate) fn hosts(balancer: &mut Balancer, now: Instant, count: usize) -> BTreeMap<SocketAddr, usize> {
    let mut hosts = BTreeMap::new();
    for _ in 0..count {
        let choice = balancer.pick(now, "web", &[]).expect("a backend is there");
        *hosts.entry(choice.addr).or_default() += 1;
    }
    hosts
}

pub(crate) fn row(balancer: &Balancer, node: &str) -> Option<BackendReport> {
    balancer.report("proxy").backends.into_iter().find(|backend| backend.node == node)
}

pub(crate) fn state(balancer: &Balancer, node: &str) -> String {
    row(balancer, node).map_or_else(|| "-".into(), |backend| backend.state)
}

pub(crate) fn keys(choices: &[Choice]) -> Vec<Key> {
    choices.iter().map(|choice| choice.key).collect()
}

/// Where a request goes that need not wait.
pub(crate) fn goes(pick: Pick) -> Choice {
    match pick {
        Pick::Go(choice) => choice,
        Pick::Queue(_) | Pick::Full | Pick::Nobody => panic!("{pick:?}"),
    }
}

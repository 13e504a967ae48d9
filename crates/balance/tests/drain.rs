//! The life of a backend that goes: withdrawn, draining, forgotten; and what may come instead.

mod common;

use common::*;
use muster_balance::{Balancer, Change, Ended, Evidence, Key, Turn};

#[test]
fn a_withdrawn_backend_gets_no_request_and_finishes_those_in_flight() {
    let mut balancer = Balancer::new(1);
    let changes = balancer.apply(ms(0), &web(&[READY]));
    let key = prove(&mut balancer, ms(0), &changes)[0].key;
    balancer.pick(ms(1), "web", &[]).unwrap();
    balancer.pick(ms(1), "web", &[]).unwrap();

    assert_eq!(balancer.apply(ms(2), &web(&[WITHDRAWN])), [Change::Withdrawn(key)]);
    assert!(!balancer.keeps(key));
    assert_eq!(balancer.pick(ms(2), "web", &[]), None);
    assert_eq!((balancer.draining(), state(&balancer, "a").as_str()), (2, "draining"));

    balancer.finish(key, Ended::Well);
    assert_eq!((balancer.draining(), state(&balancer, "a").as_str()), (1, "draining"));
    balancer.finish(key, Ended::Well);
    assert_eq!(
        (balancer.draining(), state(&balancer, "a").as_str()),
        (0, "withdrawn"),
        "still in the picture"
    );
    assert_eq!(balancer.apply(ms(3), &web(&[])), [], "told once");
    assert_eq!(row(&balancer, "a"), None);
}

#[test]
fn a_backend_that_is_gone_stays_until_its_last_request_is_done() {
    let mut balancer = Balancer::new(1);
    balancer.apply(ms(0), &web(&[READY, READY]));
    let key = balancer.pick(ms(1), "web", &[]).unwrap().key;
    let changes = balancer.apply(ms(2), &web(&[]));
    assert_eq!(changes.len(), 2);
    assert!(changes.contains(&Change::Withdrawn(key)));
    assert_eq!(balancer.report("proxy").backends.len(), 1, "the idle one is forgotten at once");
    assert_eq!(balancer.draining(), 1);
    assert_eq!(balancer.evidence(ms(3), key, Evidence::Answered), Turn::None, "its answer still arrives");
    balancer.finish(key, Ended::Well);
    assert_eq!(balancer.report("proxy").backends, []);
    balancer.finish(key, Ended::Well);
    assert_eq!((balancer.draining(), balancer.keeps(key)), (0, false), "a forgotten key means nothing");
}

#[test]
fn one_that_is_back_before_it_drained_is_the_same_backend() {
    let mut balancer = Balancer::new(1);
    balancer.apply(ms(0), &web(&[READY]));
    let key = balancer.pick(ms(1), "web", &[]).unwrap().key;
    balancer.apply(ms(2), &web(&[]));
    assert_eq!(balancer.apply(ms(3), &web(&[READY])), [Change::Returned(key)]);
    assert_eq!((balancer.draining(), row(&balancer, "a").unwrap().in_flight), (0, 1));
    balancer.finish(key, Ended::Well);
    assert_eq!(row(&balancer, "a").unwrap().requests, 1, "finished, and not forgotten");
}

#[test]
fn a_node_that_moved_has_another_key_while_the_old_address_drains() {
    let mut balancer = Balancer::new(1);
    balancer.apply(ms(0), &web(&[READY]));
    let old = balancer.pick(ms(1), "web", &[]).unwrap().key;
    let changes = balancer.apply(ms(2), &picture([("web", "a", at(addr(9), READY))]));
    assert_eq!(changes[0], Change::Withdrawn(old));
    let new = appeared(&changes)[0];
    assert_ne!(new.key, old);
    assert_eq!(balancer.pick(ms(3), "web", &[]).unwrap().addr, addr(9));
    let states: Vec<String> =
        balancer.report("proxy").backends.into_iter().map(|backend| backend.state).collect();
    assert_eq!(states, ["new", "draining"]);
    balancer.finish(old, Ended::Well);
    assert_eq!(balancer.report("proxy").backends.len(), 1);
}

#[test]
fn a_backend_first_seen_withdrawn_appears_when_it_is_ready() {
    let mut balancer = Balancer::new(1);
    assert_eq!(balancer.apply(ms(0), &web(&[WITHDRAWN])), []);
    assert_eq!((balancer.next_timeout(), state(&balancer, "a").as_str()), (None, "withdrawn"));
    let changes = balancer.apply(ms(1), &web(&[READY]));
    assert_eq!(appeared(&changes).len(), 1);
    assert_eq!(changes.len(), 1);
}

#[test]
fn withdrawals_come_first_among_the_changes() {
    let mut balancer = Balancer::new(1);
    balancer.apply(ms(0), &web(&[WITHDRAWN, READY, READY]));
    let changes = balancer.apply(ms(1), &web(&[READY, WITHDRAWN]));
    let kinds: Vec<bool> = changes.iter().map(|change| matches!(change, Change::Withdrawn(_))).collect();
    assert_eq!(kinds, [true, true, false]);
}

#[test]
fn services_of_one_node_live_apart() {
    let mut balancer = Balancer::new(1);
    balancer.apply(ms(0), &picture([("web", "a", at(addr(1), READY)), ("api", "a", at(addr(1), READY))]));
    let web_key = balancer.pick(ms(1), "web", &[]).unwrap().key;
    let api_key = balancer.pick(ms(1), "api", &[]).unwrap().key;
    assert_ne!(web_key, api_key);
    balancer.apply(ms(2), &picture([("api", "a", at(addr(1), READY))]));
    assert_eq!(balancer.draining(), 1);
    assert_eq!(balancer.pick(ms(2), "web", &[]), None);
    assert!(balancer.pick(ms(2), "api", &[]).is_some());
}

#[test]
fn keys_of_long_gone_backends_never_come_back() {
    let mut balancer = Balancer::new(1);
    let mut seen: Vec<Key> = Vec::new();
    for n in 0..100 {
        let changes = balancer.apply(ms(n), &web(&[READY]));
        let key = appeared(&changes)[0].key;
        assert!(!seen.contains(&key));
        seen.push(key);
        balancer.apply(ms(n), &web(&[]));
    }
}

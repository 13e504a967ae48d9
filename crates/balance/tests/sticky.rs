//! Clients that keep their backend.

mod common;

use common::*;
use muster_balance::{
    Algorithm, Balancer, Ended, Evidence, Hint, Key, Pick, Policy, StableId, Stickiness, Traits,
};
use std::collections::BTreeSet;

fn by_cookie() -> Policy {
    Policy { sticky: Stickiness::Cookie, ..Policy::default() }
}

fn sticky(balancer: &mut Balancer, policy: &Policy) -> Vec<Key> {
    balancer.set_policy(ms(0), "web", policy);
    let changes = balancer.apply(ms(0), &web(&[READY; 4]));
    let keys = keys(&prove(balancer, ms(0), &changes));
    keys.iter().for_each(|key| _ = balancer.evidence(ms(0), *key, Evidence::Answered));
    keys
}

fn cookie(id: StableId) -> Hint {
    Hint { sticky: Some(id), ..Hint::default() }
}

/// Where ten requests with this hint go.
fn ten(balancer: &mut Balancer, hint: Hint) -> BTreeSet<Key> {
    (0..10).map(|_| goes(balancer.choose(ms(1), "web", hint, &[])).key).collect()
}

#[test]
fn a_cookie_keeps_its_backend_on_every_balancer_with_the_same_secret() {
    let mut one = Balancer::with_secret(1, [7; 16]);
    let keys = sticky(&mut one, &by_cookie());
    let id = one.stable_id(keys[2]).unwrap();
    assert_eq!(id, one.stable_id_of("web", "c"));
    assert_eq!(ten(&mut one, cookie(id)), BTreeSet::from([keys[2]]));
    assert_eq!(ten(&mut one, Hint::default()).len(), 4);

    let mut same = Balancer::with_secret(2, [7; 16]);
    same.set_policy(ms(0), "web", &by_cookie());
    same.apply(ms(0), &web(&[READY]));
    let others = sticky(&mut same, &by_cookie());
    let there = ten(&mut same, cookie(id));
    assert_eq!(there.len(), 1);
    assert_eq!(same.stable_id(*there.first().unwrap()), Some(id));
    assert_eq!(others.len(), 3, "c among them, which came later there");

    let mut stranger = Balancer::with_secret(1, [8; 16]);
    sticky(&mut stranger, &by_cookie());
    assert_eq!(ten(&mut stranger, cookie(id)).len(), 4, "the id means nothing to it");
}

#[test]
fn a_sticky_backend_that_cannot_serve_is_replaced() {
    let mut balancer = Balancer::new(1);
    let keys = sticky(&mut balancer, &by_cookie());
    let hint = cookie(balancer.stable_id(keys[2]).unwrap());
    let tried = goes(balancer.choose(ms(1), "web", hint, &[keys[2]]));
    assert_ne!(tried.key, keys[2], "it failed this request already");
    balancer.evidence(ms(1), keys[2], Evidence::ConnectFailed);
    assert!(!ten(&mut balancer, hint).contains(&keys[2]));
    balancer.evidence(ms(1), keys[2], Evidence::Answered);
    assert_eq!(ten(&mut balancer, hint), BTreeSet::from([keys[2]]), "and served again once it is back");
    balancer.apply(ms(2), &web(&[READY, READY, WITHDRAWN, READY]));
    assert!(!ten(&mut balancer, hint).contains(&keys[2]));
    balancer.apply(ms(2), &web(&[READY, READY]));
    assert_eq!(ten(&mut balancer, hint).len(), 2, "it is gone");
}

#[test]
fn a_draining_backend_keeps_its_clients_only_where_the_policy_says_so() {
    let mut balancer = Balancer::new(1);
    let keys = sticky(&mut balancer, &Policy { sticky_draining: true, ..by_cookie() });
    let hint = cookie(balancer.stable_id(keys[2]).unwrap());
    balancer.apply(ms(2), &web(&[READY, READY, WITHDRAWN, READY]));
    assert_eq!(ten(&mut balancer, hint), BTreeSet::from([keys[2]]));
    assert_eq!(balancer.draining(), 10);
    assert!(!ten(&mut balancer, Hint::default()).contains(&keys[2]), "no new clients");
    (0..10).for_each(|_| balancer.finish(keys[2], Ended::Well));
    assert_eq!(balancer.draining(), 0);
    balancer.describe(ms(3), "web", "c", Traits { maintenance: true, ..Traits::default() });
    assert!(!ten(&mut balancer, hint).contains(&keys[2]), "in maintenance it gets nothing at all");
    balancer.describe(ms(3), "web", "c", Traits::default());
    balancer.apply(ms(4), &web(&[READY, READY]));
    assert!(!ten(&mut balancer, hint).contains(&keys[2]), "no longer listed");
}

#[test]
fn a_backend_of_weight_nothing_serves_what_sticks_to_it() {
    let mut balancer = Balancer::new(1);
    let keys = sticky(&mut balancer, &by_cookie());
    let hint = cookie(balancer.stable_id(keys[2]).unwrap());
    balancer.describe(ms(1), "web", "c", Traits { weight: Some(0), ..Traits::default() });
    assert!(!ten(&mut balancer, Hint::default()).contains(&keys[2]));
    assert_eq!(ten(&mut balancer, hint), BTreeSet::from([keys[2]]));
    let others = [keys[0], keys[1], keys[3]];
    assert_eq!(
        goes(balancer.choose(ms(1), "web", Hint::default(), &others)).key,
        keys[2],
        "before none at all"
    );
}

#[test]
fn a_full_sticky_backend_gives_its_clients_to_others() {
    let mut balancer = Balancer::new(1);
    let keys = sticky(&mut balancer, &Policy { max_in_flight: Some(3), ..by_cookie() });
    let hint = cookie(balancer.stable_id(keys[2]).unwrap());
    assert_eq!(ten(&mut balancer, hint).len(), 4);
    (0..2).for_each(|_| _ = goes(balancer.choose(ms(1), "web", hint, &[])));
    assert_eq!(balancer.choose(ms(1), "web", hint, &[]), Pick::Full);
}

#[test]
fn a_source_keeps_its_backend_whatever_the_algorithm_and_the_balancer() {
    let policy = Policy { sticky: Stickiness::Source, algorithm: Algorithm::LeastConn, ..Policy::default() };
    let mut one = Balancer::new(1);
    let keys = sticky(&mut one, &policy);
    let mut other = Balancer::new(2);
    sticky(&mut other, &policy);
    let source = |n| Hint { source: Some(n), ..Hint::default() };
    let mut used = BTreeSet::new();
    for n in 0..50 {
        let home = ten(&mut one, source(n));
        assert_eq!(home.len(), 1, "ten at once, and no bound");
        let there = ten(&mut other, source(n));
        assert_eq!(one.stable_id(*home.first().unwrap()), other.stable_id(*there.first().unwrap()));
        used.extend(home);
    }
    assert_eq!(used.len(), 4);
    let home = *ten(&mut one, source(1)).first().unwrap();
    one.evidence(ms(2), home, Evidence::ConnectFailed);
    let away = ten(&mut one, source(1));
    assert!(away.len() == 1 && !away.contains(&home));
    assert!(keys.contains(&home));
}

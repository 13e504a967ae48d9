//! Who bears how much: slow start, backups, zones, limits and the queue, and what operators say.

mod common;

use common::*;
use muster_balance::{Balancer, Call, Change, Ended, Evidence, Hint, Instant, Key, Pick, Policy, Traits};
use std::collections::BTreeMap;
use std::time::Duration;

const NAMES: [&str; 5] = ["a", "b", "c", "d", "e"];

/// So many backends, all of which have answered.
fn ready(balancer: &mut Balancer, now: Instant, count: usize) -> Vec<Key> {
    let changes = balancer.apply(now, &web(&vec![READY; count]));
    let keys = keys(&prove(balancer, now, &changes));
    keys.iter().for_each(|key| _ = balancer.evidence(now, *key, Evidence::Answered));
    keys
}

fn choose(balancer: &mut Balancer, now: Instant) -> Pick {
    balancer.choose(now, "web", Hint::default(), &[])
}

/// How many of `count` requests each host gets, one at a time.
fn shares(balancer: &mut Balancer, now: Instant, count: usize) -> BTreeMap<std::net::SocketAddr, usize> {
    let mut shares = BTreeMap::new();
    for _ in 0..count {
        let choice = goes(choose(balancer, now));
        balancer.finish(choice.key, Ended::Well);
        *shares.entry(choice.addr).or_default() += 1;
    }
    shares
}

fn share(balancer: &mut Balancer, now: Instant, host: u8, count: usize) -> usize {
    shares(balancer, now, count).get(&addr(host)).copied().unwrap_or(0)
}

fn slowly() -> Balancer {
    let mut balancer = Balancer::new(1);
    balancer.set_policy(ms(0), "web", &Policy { slow_start: Duration::from_secs(20), ..Policy::default() });
    balancer
}

#[test]
fn a_newcomer_rises_to_its_weight_step_by_step() {
    let mut balancer = slowly();
    ready(&mut balancer, ms(0), 2);
    ready(&mut balancer, ms(60_000), 3);
    let mut before = 0;
    for second in 60..=80 {
        let now = share(&mut balancer, ms(second * 1_000), 3, 3_000);
        // Of two whole weights and its own, which is a twentieth at first.
        let weight = (second - 60).clamp(1, 20) as f64 / 20.0;
        let want = 3_000.0 * weight / (2.0 + weight);
        assert!((now as f64 - want).abs() < 60.0, "after {second} s: {now}, wanted {want:.0}");
        assert!(now + 2 >= before, "never less");
        before = now;
    }
    assert!(before.abs_diff(1_000) <= 1, "{before}");
}

#[test]
fn when_all_are_new_all_have_their_whole_weight() {
    let mut balancer = slowly();
    ready(&mut balancer, ms(0), 2);
    ready(&mut balancer, ms(10_000), 3);
    assert!(share(&mut balancer, ms(10_000), 3, 300).abs_diff(100) <= 1, "nobody has been there for long");
}

#[test]
fn one_that_comes_back_from_an_ejection_rises_again() {
    let mut balancer = slowly();
    let keys = ready(&mut balancer, ms(0), 2);
    balancer.evidence(ms(60_000), keys[0], Evidence::ConnectFailed);
    balancer.evidence(ms(62_000), keys[0], Evidence::Answered);
    assert!(share(&mut balancer, ms(62_000), 1, 210).abs_diff(10) <= 1);
    assert!(share(&mut balancer, ms(90_000), 1, 210).abs_diff(105) <= 1);
}

fn backup() -> Traits {
    Traits { backup: true, ..Traits::default() }
}

#[test]
fn backups_serve_only_when_no_other_is_usable() {
    let mut balancer = Balancer::new(1);
    assert_eq!(balancer.describe(ms(0), "web", "c", backup()), [], "before it is there");
    let keys = ready(&mut balancer, ms(0), 4);
    balancer.describe(ms(0), "web", "d", backup());
    assert_eq!(shares(&mut balancer, ms(0), 10), BTreeMap::from([(addr(1), 5), (addr(2), 5)]));
    // One that gossip doubts still answers.
    balancer.apply(ms(1), &web(&[DEMOTED, DEMOTED, READY, READY]));
    assert_eq!(shares(&mut balancer, ms(1), 10), BTreeMap::from([(addr(1), 5), (addr(2), 5)]));
    for key in &keys[..2] {
        (0..3).for_each(|_| _ = balancer.evidence(ms(2), *key, Evidence::ConnectFailed));
    }
    assert_eq!(shares(&mut balancer, ms(2), 10), BTreeMap::from([(addr(3), 5), (addr(4), 5)]));
    balancer.evidence(ms(3), keys[0], Evidence::Answered);
    assert_eq!(shares(&mut balancer, ms(3), 10), BTreeMap::from([(addr(1), 10)]));
}

#[test]
fn a_backup_does_not_take_what_should_wait_for_a_place() {
    let mut balancer = Balancer::new(1);
    balancer.set_policy(ms(0), "web", &Policy { max_in_flight: Some(1), queue_max: 1, ..Policy::default() });
    balancer.describe(ms(0), "web", "b", backup());
    let keys = ready(&mut balancer, ms(0), 2);
    assert_eq!(goes(choose(&mut balancer, ms(1))).key, keys[0]);
    assert!(matches!(choose(&mut balancer, ms(1)), Pick::Queue(_)));
}

/// Backends a and b in our zone, c to e in another.
fn zoned(limit: Option<u32>) -> (Balancer, Vec<Key>) {
    let mut balancer = Balancer::new(1);
    let policy = Policy { zone: Some("here".into()), max_in_flight: limit, ..Policy::default() };
    for (n, name) in NAMES.iter().enumerate() {
        let zone = Some(if n < 2 { "here" } else { "there" }.into());
        balancer.describe(ms(0), "web", name, Traits { zone, ..Traits::default() });
    }
    balancer.set_policy(ms(0), "web", &policy);
    let keys = ready(&mut balancer, ms(0), 5);
    (balancer, keys)
}

#[test]
fn requests_stay_in_their_zone_while_it_can_bear_them() {
    let (mut balancer, keys) = zoned(None);
    assert_eq!(shares(&mut balancer, ms(0), 10), BTreeMap::from([(addr(1), 5), (addr(2), 5)]));
    // One of four is left in a zone of two: half of its part, and the allowance.
    balancer.evidence(ms(1), keys[0], Evidence::ConnectFailed);
    let got = shares(&mut balancer, ms(1), 1_000);
    assert!(got[&addr(2)].abs_diff(700) <= 2, "{got:?}");
    assert!(got[&addr(3)].abs_diff(100) <= 2, "{got:?}");
    balancer.evidence(ms(2), keys[1], Evidence::ConnectFailed);
    assert_eq!(shares(&mut balancer, ms(2), 300).len(), 3, "none is left here");
    balancer.evidence(ms(3), keys[0], Evidence::Answered);
    balancer.evidence(ms(3), keys[1], Evidence::Answered);
    assert_eq!(shares(&mut balancer, ms(3), 10).len(), 2);
}

#[test]
fn a_full_zone_lends_places_abroad() {
    let (mut balancer, _) = zoned(Some(1));
    let got: Vec<_> = (0..5).map(|_| goes(choose(&mut balancer, ms(0))).addr).collect();
    assert!(got[..2].contains(&addr(1)) && got[..2].contains(&addr(2)), "{got:?}");
    assert_eq!(choose(&mut balancer, ms(0)), Pick::Full);
}

fn queueing(limit: u32, queue_max: u32) -> (Balancer, Vec<Key>) {
    let mut balancer = Balancer::new(1);
    let queue_wait = Duration::from_secs(5);
    balancer.set_policy(
        ms(0),
        "web",
        &Policy { max_in_flight: Some(limit), queue_max, queue_wait, ..Policy::default() },
    );
    let keys = ready(&mut balancer, ms(0), 2);
    (balancer, keys)
}

#[test]
fn nobody_gets_more_than_its_limit_and_the_rest_waits_in_order() {
    let (mut balancer, keys) = queueing(2, 2);
    (0..4).for_each(|_| _ = goes(choose(&mut balancer, ms(1))));
    assert_eq!(balancer.pick(ms(1), "web", &[]), None, "whoever cannot wait");
    let [Pick::Queue(first), Pick::Queue(second)] = [(); 2].map(|()| choose(&mut balancer, ms(1))) else {
        panic!("two may wait")
    };
    assert_eq!(choose(&mut balancer, ms(1)), Pick::Full);
    assert_eq!((balancer.queued("web"), balancer.call(ms(1))), (2, None));
    balancer.finish(keys[1], Ended::Well);
    let Pick::Queue(third) = ({
        // A newcomer does not jump the queue, although a place is free.
        balancer.leave(second);
        choose(&mut balancer, ms(2))
    }) else {
        panic!("it waits")
    };
    assert!(
        matches!(balancer.call(ms(2)), Some(Call::Go(ticket, choice)) if ticket == first && choice.key == keys[1])
    );
    assert_eq!(balancer.call(ms(2)), None);
    assert_eq!(balancer.next_call(), Some(ms(5_002)));
    assert_eq!(balancer.call(ms(5_002)), Some(Call::Late(third)));
    assert_eq!((balancer.call(ms(5_002)), balancer.next_call()), (None, None));
    let report = balancer.report("proxy");
    assert_eq!((report.requests, report.failed), (9, 3), "not to wait, full, late; and one gave up");
}

#[test]
fn those_who_wait_hear_when_nobody_is_left() {
    let (mut balancer, _) = queueing(1, 5);
    (0..2).for_each(|_| _ = goes(choose(&mut balancer, ms(1))));
    let Pick::Queue(ticket) = choose(&mut balancer, ms(1)) else { panic!("it waits") };
    balancer.apply(ms(2), &web(&[]));
    assert_eq!(balancer.call(ms(2)), Some(Call::Nobody(ticket)));
    assert_eq!(choose(&mut balancer, ms(2)), Pick::Nobody);
}

#[test]
fn a_retry_waits_too_and_not_for_the_one_it_tried() {
    let (mut balancer, keys) = queueing(1, 5);
    (0..2).for_each(|_| _ = goes(choose(&mut balancer, ms(1))));
    let Pick::Queue(retry) = balancer.choose(ms(1), "web", Hint::default(), &keys[..1]) else {
        panic!("it waits")
    };
    let Pick::Queue(other) = choose(&mut balancer, ms(1)) else { panic!("it waits") };
    balancer.finish(keys[0], Ended::Retried);
    assert!(matches!(balancer.call(ms(1)), Some(Call::Go(ticket, _)) if ticket == other));
    balancer.finish(keys[1], Ended::Well);
    assert!(
        matches!(balancer.call(ms(1)), Some(Call::Go(ticket, choice)) if ticket == retry && choice.key == keys[1])
    );
    assert_eq!(balancer.report("proxy").retried, 1);
}

#[test]
fn a_limit_of_one_backend_overrides_the_service_and_may_change() {
    let (mut balancer, keys) = queueing(1, 0);
    balancer.describe(ms(0), "web", "b", Traits { max_in_flight: Some(3), ..Traits::default() });
    let got: Vec<Key> = (0..4).map(|_| goes(choose(&mut balancer, ms(1))).key).collect();
    assert_eq!(got.iter().filter(|key| **key == keys[1]).count(), 3);
    assert_eq!(choose(&mut balancer, ms(1)), Pick::Full);
    balancer.set_policy(ms(0), "web", &Policy::default());
    assert_eq!(
        goes(choose(&mut balancer, ms(1))).key,
        keys[0],
        "no limit for a any more, and b keeps its own"
    );
    assert_eq!(goes(choose(&mut balancer, ms(1))).key, keys[0]);
}

#[test]
fn maintenance_is_a_withdrawal_by_an_operator() {
    let mut balancer = Balancer::new(1);
    let keys = ready(&mut balancer, ms(0), 2);
    goes(choose(&mut balancer, ms(0)));
    goes(choose(&mut balancer, ms(0)));
    let maintenance = Traits { maintenance: true, ..Traits::default() };
    assert_eq!(balancer.describe(ms(1), "web", "a", maintenance.clone()), [Change::Withdrawn(keys[0])]);
    assert_eq!((balancer.draining(), state(&balancer, "a").as_str()), (1, "draining"));
    assert_eq!(balancer.apply(ms(2), &web(&[READY, READY])), [], "the picture does not bring it back");
    assert_eq!(balancer.apply(ms(2), &web(&[DEMOTED, READY])), []);
    assert_eq!(shares(&mut balancer, ms(2), 4), BTreeMap::from([(addr(2), 4)]));
    assert_eq!(balancer.describe(ms(3), "web", "a", maintenance), [], "told once");
    assert_eq!(balancer.describe(ms(4), "web", "a", Traits::default()), [Change::Returned(keys[0])]);
    assert_eq!(balancer.draining(), 0);
}

#[test]
fn an_operators_weight_outlives_pictures() {
    let mut balancer = Balancer::new(1);
    ready(&mut balancer, ms(0), 2);
    balancer.describe(ms(1), "web", "a", Traits { weight: Some(30), ..Traits::default() });
    assert_eq!(share(&mut balancer, ms(1), 1, 40), 30);
    balancer.apply(ms(2), &web(&[WITHDRAWN, READY]));
    balancer.apply(ms(3), &web(&[]));
    ready(&mut balancer, ms(4), 2);
    assert_eq!(share(&mut balancer, ms(4), 1, 40), 30, "even its own absence");
    balancer.describe(ms(5), "web", "a", Traits::default());
    assert_eq!(share(&mut balancer, ms(5), 1, 40), 20);
}

#[test]
fn a_limit_of_nothing_is_no_limit() {
    let (mut balancer, _) = queueing(0, 0);
    (0..20).for_each(|_| _ = goes(choose(&mut balancer, ms(1))));
}

#[test]
fn thousands_that_rise_at_once_all_arrive() {
    let mut balancer = slowly();
    let named = |count: u16| {
        let names: Vec<String> = (0..count).map(|n| format!("node-{n:04}")).collect();
        let host =
            |n: u16| std::net::SocketAddr::from((std::net::Ipv4Addr::from(0x0a00_0000 + u32::from(n)), 80));
        picture(names.iter().zip(0..).map(|(name, n)| ("web", name.as_str(), at(host(n), READY))))
    };
    for (at, count) in [(0, 1), (60_000, 1_000)] {
        let changes = balancer.apply(ms(at), &named(count));
        for key in keys(&prove(&mut balancer, ms(at), &changes)) {
            balancer.evidence(ms(at), key, Evidence::Answered);
        }
    }
    shares(&mut balancer, ms(60_000), 100);
    // All their steps are due at once; the first picks after the pause take them.
    shares(&mut balancer, ms(600_000), 1_000);
    let got = shares(&mut balancer, ms(600_000), 5_000);
    assert!(
        got.len() == 1_000 && got.values().all(|count| (4..=6).contains(count)),
        "{:?}",
        got.values().max()
    );
}

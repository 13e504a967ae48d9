//! What checks and a comparison with its peers do to a backend, and what keeps them from emptying a service.

mod common;

use common::*;
use muster_balance::{
    Answer, Balancer, Checks, Choice, Ended, Evidence, Guard, Hint, Instant, Key, Outliers, Policy,
    Stickiness, Turn,
};
use muster_fleet::Picture;
use std::collections::BTreeSet;
use std::time::Duration;

fn many(count: u8) -> Picture {
    let names: Vec<String> = (0..count).map(|n| format!("node-{n:03}")).collect();
    picture(names.iter().zip(1..).map(|(name, host)| ("web", name.as_str(), at(addr(host), READY))))
}

/// So many backends that have answered.
fn start(count: u8, policy: &Policy) -> (Balancer, Vec<Key>) {
    let mut balancer = Balancer::new(1);
    balancer.set_policy(ms(0), "web", policy);
    let changes = balancer.apply(ms(0), &many(count));
    let keys = keys(&prove(&mut balancer, ms(0), &changes));
    keys.iter().for_each(|key| _ = balancer.evidence(ms(0), *key, Evidence::Answered));
    (balancer, keys)
}

fn lenient() -> Guard {
    Guard { max_drop_percent: 100, usable_min_percent: 0, ..Guard::default() }
}

fn checked(guard: Guard) -> Policy {
    Policy { checks: Some(Checks::default()), guard, ..Policy::default() }
}

fn compared(guard: Guard) -> Policy {
    Policy { outliers: Some(Outliers::default()), guard, ..Policy::default() }
}

fn used(balancer: &mut Balancer, now: Instant) -> BTreeSet<Key> {
    let mut used = BTreeSet::new();
    for _ in 0..60 {
        let choice = goes(balancer.choose(now, "web", Hint::default(), &[]));
        balancer.finish(choice.key, Ended::Well);
        used.insert(choice.key);
    }
    used
}

/// Checks all that are due until `end`; `fails` says which fail. How often each was checked.
fn run_checks(balancer: &mut Balancer, end: Instant, fails: impl Fn(Key) -> bool) -> Vec<Choice> {
    let mut done = Vec::new();
    while let Some(now) = balancer.next_check().filter(|now| *now <= end) {
        for choice in balancer.due_checks(now) {
            let outcome = if fails(choice.key) { Err("503 on /healthz") } else { Ok(()) };
            balancer.checked(now, choice.key, outcome);
            done.push(choice);
        }
    }
    done
}

#[test]
fn every_backend_is_checked_at_its_interval_and_not_all_at_once() {
    let (mut balancer, keys) = start(20, &checked(lenient()));
    let first = run_checks(&mut balancer, ms(500), |_| false);
    assert_eq!(first.len(), 20, "all within the fast interval");
    let mut times = BTreeSet::new();
    let mut count = 0;
    while let Some(now) = balancer.next_check().filter(|now| *now <= ms(60_500)) {
        times.insert(now);
        for choice in balancer.due_checks(now) {
            count += 1;
            balancer.checked(now, choice.key, Ok(()));
        }
    }
    assert!((570..=630).contains(&count), "{count} in a minute, one in two seconds each");
    assert!(times.len() > 500, "spread");
    assert_eq!(used(&mut balancer, ms(60_500)).len(), keys.len());
}

#[test]
fn a_check_whose_outcome_is_lost_is_made_again() {
    let (mut balancer, _) = start(1, &checked(lenient()));
    let now = balancer.next_check().unwrap();
    assert_eq!(balancer.due_checks(now).len(), 1);
    assert_eq!(balancer.due_checks(now), []);
    assert!(balancer.next_check().unwrap() - now < Duration::from_millis(2_300));
}

#[test]
fn one_whose_checks_fail_is_out_until_they_pass_and_says_why() {
    let (mut balancer, keys) = start(4, &checked(lenient()));
    run_checks(&mut balancer, ms(3_000), |_| false);
    let bad = keys[2];
    let mut turns = Vec::new();
    for at in 0..3 {
        turns.push(balancer.checked(ms(3_000 + at), bad, Err("503 on /healthz")));
    }
    assert_eq!(turns, [Turn::None, Turn::None, Turn::Ejected]);
    assert!(!balancer.keeps(bad) && !used(&mut balancer, ms(3_010)).contains(&bad));
    let row = row(&balancer, "node-002").unwrap();
    assert_eq!(
        (row.state.as_str(), row.why.as_deref()),
        ("ejected", Some("checks failed, 3 in a row: 503 on /healthz"))
    );
    balancer.evidence(ms(3_020), bad, Evidence::Answered);
    assert!(!used(&mut balancer, ms(3_020)).contains(&bad), "that it answers is not the point");
    assert_eq!(balancer.checked(ms(3_030), bad, Ok(())), Turn::None);
    assert_eq!(balancer.checked(ms(3_040), bad, Ok(())), Turn::Moved);
    assert!(used(&mut balancer, ms(3_050)).contains(&bad));
    assert_eq!(state(&balancer, "node-002"), "up");
}

#[test]
fn while_a_row_is_counted_checks_come_fast() {
    let (mut balancer, keys) = start(3, &checked(lenient()));
    run_checks(&mut balancer, ms(10_000), |_| false);
    let done = run_checks(&mut balancer, ms(13_700), |key| key == keys[0]);
    assert!(done.iter().filter(|choice| choice.key == keys[0]).count() >= 4, "2 s, and 0.5 s twice");
    assert!(!balancer.keeps(keys[0]));
}

#[test]
fn nobody_checks_what_is_withdrawn_or_what_no_policy_asks_for() {
    let (mut balancer, keys) = start(2, &checked(lenient()));
    run_checks(&mut balancer, ms(3_000), |key| key == keys[0]);
    balancer.apply(ms(3_000), &picture([("web", "node-000", at(addr(1), WITHDRAWN))]));
    assert_eq!(balancer.next_check(), None);
    balancer.apply(ms(4_000), &many(2));
    assert!(balancer.next_check().is_some());
    assert_eq!(state(&balancer, "node-000"), "new", "it may have been restarted");
    run_checks(&mut balancer, ms(5_000), |_| true);
    assert_eq!(state(&balancer, "node-001"), "ejected");
    balancer.set_policy(ms(5_000), "web", &Policy::default());
    assert_eq!((balancer.next_check(), state(&balancer, "node-001").as_str()), (None, "new"));
}

#[test]
fn a_broken_health_page_empties_no_service() {
    let (mut balancer, keys) = start(20, &checked(Guard::default()));
    run_checks(&mut balancer, ms(5_000), |_| false);
    run_checks(&mut balancer, ms(9_000), |_| true);
    assert_eq!(used(&mut balancer, ms(9_000)).len(), 15, "a quarter in ten seconds");
    run_checks(&mut balancer, ms(18_500), |_| true);
    assert_eq!(used(&mut balancer, ms(18_500)).len(), 10);
    run_checks(&mut balancer, ms(60_000), |_| true);
    assert_eq!(used(&mut balancer, ms(60_000)).len(), 20, "fewer than half would be left: all are used");
    assert!(keys.iter().all(|key| balancer.keeps(*key)));
    let row = row(&balancer, "node-002").unwrap();
    assert_eq!(row.state, "ejected");
    assert!(row.why.unwrap().ends_with("; used all the same, since too few are left"));
    run_checks(&mut balancer, ms(63_000), |key| key == keys[0]);
    assert_eq!(used(&mut balancer, ms(63_000)).len(), 19, "and no longer once the rest is well");
}

#[test]
fn in_a_panic_the_dead_stay_out() {
    let (mut balancer, keys) = start(4, &checked(Guard { max_drop_percent: 100, ..Guard::default() }));
    run_checks(&mut balancer, ms(5_000), |_| false);
    balancer.evidence(ms(5_000), keys[0], Evidence::ConnectFailed);
    run_checks(&mut balancer, ms(12_000), |_| true);
    let used = used(&mut balancer, ms(12_000));
    assert_eq!(used, keys[1..].iter().copied().collect());
}

/// A request a millisecond from `from` to `until`, in seconds.
fn traffic(balancer: &mut Balancer, from: u64, until: u64, answer: impl Fn(Key, u64) -> Answer) {
    for at in from * 1_000..until * 1_000 {
        let choice = goes(balancer.choose(ms(at), "web", Hint::default(), &[]));
        balancer.answered(ms(at), choice.key, answer(choice.key, at));
        balancer.finish(choice.key, Ended::Well);
    }
}

fn answer(status: u16, took_ms: u64) -> Answer {
    Answer { status, took: Duration::from_millis(took_ms) }
}

#[test]
fn server_errors_in_a_row_eject_for_a_while() {
    let (mut balancer, keys) = start(4, &compared(Guard::default()));
    for n in 1..=5 {
        let turn = balancer.answered(ms(1_000), keys[1], answer(502, 1));
        assert_eq!(turn, if n == 5 { Turn::Ejected } else { Turn::None });
    }
    assert!(!used(&mut balancer, ms(2_000)).contains(&keys[1]));
    let why = row(&balancer, "node-001").unwrap().why.unwrap();
    assert_eq!(why, "5 server errors in a row, the last 502; ejections lately: 1");
    let back = balancer.next_timeout().unwrap();
    assert!((ms(11_000)..=ms(13_500)).contains(&back), "{back:?}");
    assert_eq!(balancer.due_trials(back), []);
    assert!(used(&mut balancer, back).contains(&keys[1]));
    (0..5).for_each(|_| _ = balancer.answered(back, keys[1], answer(500, 1)));
    let again = balancer.next_timeout().unwrap();
    assert!(again - back >= Duration::from_secs(20), "longer the second time");
    assert!(used(&mut balancer, again).contains(&keys[1]), "a pick takes it back as well");
}

#[test]
fn a_worse_success_rate_ejects_and_what_all_suffer_does_not() {
    let (mut balancer, keys) = start(5, &compared(Guard::default()));
    let bad = keys[3];
    traffic(&mut balancer, 0, 11, |key, at| answer(if key == bad && at % 7 < 3 { 503 } else { 200 }, 5));
    assert!(!used(&mut balancer, ms(11_000)).contains(&bad));
    assert!(row(&balancer, "node-003").unwrap().why.unwrap().contains(" elsewhere; ejections lately: 1"));
    let (mut balancer, _) = start(5, &compared(Guard::default()));
    traffic(&mut balancer, 0, 40, |_, at| answer(if at % 7 < 3 { 503 } else { 200 }, 5));
    assert_eq!(used(&mut balancer, ms(40_000)).len(), 5);
}

#[test]
fn one_much_slower_than_its_peers_is_ejected() {
    let (mut balancer, keys) = start(5, &compared(Guard::default()));
    traffic(&mut balancer, 0, 11, |key, _| answer(200, if key == keys[0] { 400 } else { 20 }));
    assert!(!used(&mut balancer, ms(11_000)).contains(&keys[0]));
    assert!(
        row(&balancer, "node-000")
            .unwrap()
            .why
            .unwrap()
            .starts_with("responses take 400 ms, and 20 ms elsewhere")
    );
}

#[test]
fn outliers_are_ejected_only_while_enough_are_left() {
    let (mut balancer, keys) = start(4, &compared(Guard { max_drop_percent: 100, ..Guard::default() }));
    for key in &keys {
        (0..5).for_each(|_| _ = balancer.answered(ms(1_000), *key, answer(500, 1)));
    }
    assert_eq!(used(&mut balancer, ms(1_000)), BTreeSet::from([keys[2], keys[3]]), "never fewer than half");
    balancer.evidence(ms(1_001), keys[2], Evidence::ConnectFailed);
    assert_eq!(
        used(&mut balancer, ms(1_001)),
        BTreeSet::from([keys[0], keys[1], keys[3]]),
        "one of them died: now all that live"
    );
}

#[test]
fn good_windows_shorten_the_next_ejection() {
    let (mut balancer, keys) = start(4, &compared(Guard::default()));
    let ejection = |balancer: &mut Balancer, now: Instant| {
        (0..5).for_each(|_| _ = balancer.answered(now, keys[1], answer(500, 1)));
        let until = balancer.next_timeout().unwrap();
        balancer.due_trials(until);
        until
    };
    let first = ejection(&mut balancer, ms(1_000));
    let second = ejection(&mut balancer, first);
    assert!(second - first >= Duration::from_secs(20));
    // Two windows and a little, in which it serves like all others.
    traffic(&mut balancer, 100, 125, |_, _| answer(200, 5));
    let later = ejection(&mut balancer, ms(125_000));
    assert!(later - ms(125_000) < Duration::from_secs(13), "{later:?}");
}

#[test]
fn a_judged_backend_is_no_company_and_keeps_no_clients() {
    let policy = Policy { sticky: Stickiness::Cookie, ..checked(lenient()) };
    let (mut balancer, keys) = start(2, &policy);
    let hint = Hint { sticky: balancer.stable_id(keys[0]), ..Hint::default() };
    assert_eq!(goes(balancer.choose(ms(1), "web", hint, &[])).key, keys[0]);
    assert_eq!(balancer.checked(ms(1), keys[0], Err("503")), Turn::Ejected);
    assert_eq!(goes(balancer.choose(ms(1), "web", hint, &[])).key, keys[1]);
    assert_ne!(
        balancer.evidence(ms(2), keys[1], Evidence::ConnectFailed),
        Turn::Ejected,
        "it is the last one"
    );
}

#[test]
fn one_that_returns_is_not_judged_for_what_it_was() {
    let (mut balancer, keys) = start(4, &compared(Guard::default()));
    (0..5).for_each(|_| _ = balancer.answered(ms(1_000), keys[0], answer(500, 1)));
    assert_eq!(state(&balancer, "node-000"), "ejected");
    balancer.apply(ms(2_000), &picture([("web", "node-000", at(addr(1), WITHDRAWN))]));
    balancer.apply(ms(3_000), &many(4));
    assert_eq!(state(&balancer, "node-000"), "new", "it may have been restarted");
}

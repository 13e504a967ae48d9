//! How each algorithm chooses among backends that are equally preferred.

mod common;

use common::*;
use muster_balance::{Algorithm, Answer, Balancer, Choice, Ended, Evidence, Hint, Instant, Key, Policy};
use muster_fleet::{Backend, Picture};
use std::collections::BTreeMap;
use std::time::Duration;

fn name(n: usize) -> String {
    format!("node-{n:04}")
}

/// `web` with the nth weight for node n.
fn weighted(weights: &[u16]) -> Picture {
    let names: Vec<String> = (0..weights.len()).map(name).collect();
    let backends = names.iter().zip(weights).enumerate().map(|(n, (name, weight))| {
        let n = u16::try_from(n).expect("there are few");
        let [high, low] = n.to_be_bytes();
        (
            "web",
            name.as_str(),
            Backend { addr: ([10, 0, high, low], 80).into(), weight: *weight, standing: READY },
        )
    });
    picture(backends)
}

fn host(choice: Choice) -> usize {
    let std::net::IpAddr::V4(ip) = choice.addr.ip() else { panic!("all are IPv4") };
    let [.., high, low] = ip.octets();
    u16::from_be_bytes([high, low]).into()
}

/// All have answered.
fn web_of(seed: u64, algorithm: Algorithm, weights: &[u16]) -> (Balancer, Vec<Key>) {
    let mut balancer = Balancer::new(seed);
    balancer.set_policy(ms(0), "web", &Policy { algorithm, ..Policy::default() });
    let keys = take(&mut balancer, &weighted(weights));
    (balancer, keys)
}

fn take(balancer: &mut Balancer, picture: &Picture) -> Vec<Key> {
    let changes = balancer.apply(ms(0), picture);
    let keys = keys(&prove(balancer, ms(0), &changes));
    keys.iter().for_each(|key| _ = balancer.evidence(ms(0), *key, Evidence::Answered));
    keys
}

fn pick(balancer: &mut Balancer) -> Choice {
    balancer.pick(ms(1), "web", &[]).expect("a backend is there")
}

fn counts(backends: usize, hosts: impl IntoIterator<Item = usize>) -> Vec<usize> {
    let mut counts = vec![0; backends];
    hosts.into_iter().for_each(|host| counts[host] += 1);
    counts
}

#[test]
fn the_fewest_in_flight_per_weight_is_chosen() {
    let (mut balancer, keys) = web_of(1, Algorithm::LeastConn, &[10, 10, 20]);
    let got = counts(3, (0..40).map(|_| host(pick(&mut balancer))));
    assert_eq!(got, [10, 10, 20]);
    (0..5).for_each(|_| balancer.finish(keys[1], Ended::Well));
    let got = counts(3, (0..5).map(|_| host(pick(&mut balancer))));
    assert_eq!(got, [0, 5, 0], "it has room");
}

#[test]
fn idle_backends_take_weighted_turns_even_after_one_was_avoided_for_long() {
    let (mut balancer, keys) = web_of(1, Algorithm::LeastConn, &[10, 10, 20]);
    let one_at_a_time = |balancer: &mut Balancer, count: usize| {
        counts(
            3,
            (0..count).map(|_| {
                let choice = pick(balancer);
                balancer.finish(choice.key, Ended::Well);
                host(choice)
            }),
        )
    };
    assert_eq!(one_at_a_time(&mut balancer, 40), [10, 10, 20]);
    let held = std::iter::repeat_with(|| pick(&mut balancer)).find(|choice| choice.key == keys[0]).unwrap();
    (0..2).for_each(|_| keys[1..].iter().for_each(|key| balancer.finish(*key, Ended::Well)));
    let busy = one_at_a_time(&mut balancer, 900);
    assert_eq!(busy[0], 0, "{busy:?}");
    balancer.finish(held.key, Ended::Well);
    let idle = one_at_a_time(&mut balancer, 40);
    assert!((9..=12).contains(&idle[0]), "it is owed nothing: {idle:?}");
}

#[test]
fn of_two_the_faster_is_chosen_and_a_slow_one_is_asked_again_later() {
    let (mut balancer, keys) = web_of(1, Algorithm::PowerOfTwo, &[10; 5]);
    let answer = |took_ms| Answer { status: 200, took: Duration::from_millis(took_ms) };
    for (n, key) in keys.iter().enumerate() {
        balancer.answered(ms(1), *key, answer(if n == 2 { 500 } else { 10 }));
    }
    let run = |balancer: &mut Balancer, now: Instant| {
        counts(
            5,
            (0..1000).map(|_| {
                let choice = balancer.pick(now, "web", &[]).unwrap();
                balancer.finish(choice.key, Ended::Well);
                host(choice)
            }),
        )
    };
    let got = run(&mut balancer, ms(2));
    assert_eq!(got[2], 0, "{got:?}");
    assert!(got.iter().enumerate().all(|(n, count)| n == 2 || *count > 150), "{got:?}");
    for key in &keys[3..] {
        balancer.answered(ms(60_000), *key, answer(10));
    }
    assert!(run(&mut balancer, ms(60_000))[2] > 100, "what it was a minute ago says little");
}

#[test]
fn of_two_equally_fast_the_less_busy_is_chosen() {
    let (mut balancer, _) = web_of(1, Algorithm::PowerOfTwo, &[10; 10]);
    let got = counts(10, (0..1000).map(|_| host(pick(&mut balancer))));
    let (least, most) = (got.iter().min().unwrap(), got.iter().max().unwrap());
    assert!(most - least < 20, "drawn at random they would differ by 30 and more: {got:?}");
}

#[test]
fn random_draws_follow_the_weights_and_leave_nobody_out() {
    let (mut balancer, keys) = web_of(1, Algorithm::Random, &[10, 1, 30, 59]);
    let got = counts(4, (0..10_000).map(|_| host(pick(&mut balancer))));
    for (got, want) in got.iter().zip([1_000_i64, 100, 3_000, 5_900]) {
        assert!((i64::try_from(*got).unwrap() - want).abs() < 200, "{got:?}");
    }
    let tried = [keys[0], keys[2], keys[3]];
    assert_eq!(balancer.pick(ms(1), "web", &tried).unwrap().key, keys[1]);
}

#[test]
fn the_first_by_name_takes_all() {
    let (mut balancer, keys) = web_of(1, Algorithm::First, &[10; 4]);
    assert_eq!(counts(4, (0..10).map(|_| host(pick(&mut balancer)))), [10, 0, 0, 0]);
    assert_eq!(balancer.pick(ms(1), "web", &keys[..2]).unwrap().key, keys[2]);
    balancer.evidence(ms(1), keys[0], Evidence::ConnectFailed);
    assert_eq!(pick(&mut balancer).key, keys[1]);
}

fn hashed(hash: u64) -> Hint {
    Hint { hash: Some(hash), ..Hint::default() }
}

/// Where each hash goes while nothing is in flight.
fn homes(balancer: &mut Balancer, hashes: u64) -> BTreeMap<u64, usize> {
    let mut home = |hash| {
        let hint = hashed(hash);
        let choice = goes(balancer.choose(ms(1), "web", hint, &[]));
        balancer.finish(choice.key, Ended::Well);
        (hash, host(choice))
    };
    (0..hashes).map(&mut home).collect()
}

#[test]
fn two_balancers_hash_alike_whatever_happened_before() {
    let (mut one, _) = web_of(1, Algorithm::Hash, &[10; 20]);
    let mut other = Balancer::new(2);
    other.set_policy(ms(0), "web", &Policy { algorithm: Algorithm::Hash, ..Policy::default() });
    // It learnt of them bit by bit, and of some that are gone.
    for count in [3, 25, 7, 12, 20] {
        take(&mut other, &weighted(&vec![10; count]));
        homes(&mut other, 10);
    }
    assert_eq!(homes(&mut one, 1000), homes(&mut other, 1000));
}

#[test]
fn only_what_a_backend_takes_or_had_moves() {
    let (mut balancer, keys) = web_of(1, Algorithm::Hash, &[10; 20]);
    let before = homes(&mut balancer, 2000);
    take(&mut balancer, &weighted(&[10; 21]));
    let with_newcomer = homes(&mut balancer, 2000);
    let moved: Vec<u64> = before.keys().copied().filter(|hash| before[hash] != with_newcomer[hash]).collect();
    assert!(moved.iter().all(|hash| with_newcomer[hash] == 20), "only to the newcomer");
    assert!((50..200).contains(&moved.len()), "{}", moved.len());
    take(&mut balancer, &weighted(&[10; 20]));
    assert_eq!(homes(&mut balancer, 2000), before);
    balancer.evidence(ms(1), keys[5], Evidence::ConnectFailed);
    for (hash, home) in homes(&mut balancer, 2000) {
        assert!(home != 5 && (home == before[&hash] || before[&hash] == 5), "{hash} moved to {home}");
    }
}

#[test]
fn hashes_are_spread_by_weight() {
    for weights in [vec![10; 2], vec![10; 3], vec![10, 20, 30], vec![1; 5], vec![10; 300], vec![1000; 200]] {
        let (mut balancer, _) = web_of(1, Algorithm::Hash, &weights);
        let sum: u64 = weights.iter().map(|weight| u64::from(*weight)).sum();
        let got = counts(weights.len(), homes(&mut balancer, 40_000).into_values());
        for (got, weight) in got.iter().zip(&weights) {
            let part = *got as f64 * sum as f64 / f64::from(*weight) / f64::from(40_000);
            assert!((0.6..1.4).contains(&part), "{part:.2} of its part: {got} {:?}", weights.len());
        }
    }
}

#[test]
fn nobody_gets_more_than_the_bound_however_hot_a_key_is() {
    let (mut balancer, _) = web_of(1, Algorithm::Hash, &[10, 10, 10, 20]);
    let hint = hashed(7);
    let mut in_flight = [0_usize; 4];
    for all in 1..=200 {
        let choice = goes(balancer.choose(ms(1), "web", hint, &[]));
        in_flight[host(choice)] += 1;
        for (count, fifths) in in_flight.iter().zip([1, 1, 1, 2]) {
            assert!(*count <= (all * fifths * 150_usize).div_ceil(500), "{in_flight:?}");
        }
    }
}

#[test]
fn another_policy_takes_over_at_once() {
    let (mut balancer, _) = web_of(1, Algorithm::First, &[10; 4]);
    assert_eq!(counts(4, (0..10).map(|_| host(pick(&mut balancer)))), [10, 0, 0, 0]);
    balancer.set_policy(ms(0), "web", &Policy { algorithm: Algorithm::LeastConn, ..Policy::default() });
    assert_eq!(
        counts(4, (0..30).map(|_| host(pick(&mut balancer)))),
        [0, 10, 10, 10],
        "what is in flight is known"
    );
    balancer.set_policy(ms(0), "web", &Policy::default());
    assert_eq!(counts(4, (0..20).map(|_| host(pick(&mut balancer)))), [5; 4]);
}

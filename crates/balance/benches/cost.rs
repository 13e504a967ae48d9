//! What a request and a new picture cost, at 10, 1,000 and 10,000 backends: `cargo bench -p muster-balance`.
//!
//! Processor time, the least of many rounds on one thread: other work on the machine only ever adds. A request is a pick, its answer as evidence, and its end, with 32 in flight. The first
//! picture makes every backend; the slowest pick is that of a thousand, with the cost of reading the clock, while pictures
//! come; "one changed" is the same picture with another weight for one of them.
#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "prints its table; a bench may fail loudly")]

use muster_balance::{Algorithm, Balancer, Change, Ended, Evidence, Hint, Instant, Key, Pick, Policy};
use muster_fleet::{Backend, Phase, Picture, Standing, Terms};
use std::collections::{BTreeMap, VecDeque};
use std::hint::black_box;
use std::time::Duration;

const ROUNDS: usize = 25;

fn picture(count: usize) -> Picture {
    let backend = |n: usize| {
        let [.., a, b, c] = u32::try_from(n).unwrap().to_be_bytes();
        Backend { addr: ([10, a, b, c], 80).into(), weight: 10, standing: Standing::Ready }
    };
    let backends = (0..count).map(|n| (format!("node-{n:05}"), backend(n))).collect();
    let services = BTreeMap::from([("web".to_owned(), muster_fleet::Service { backends })]);
    let terms = Terms::default();
    Picture { epoch: 1, version: 1, phase: Phase::Live, services, terms, refusals: Vec::new() }
}

fn now(ms: u64) -> Instant {
    Instant(Duration::from_millis(ms))
}

/// A balancer whose backends all have answered.
fn proven(picture: &Picture) -> (Balancer, Vec<Key>) {
    let mut balancer = Balancer::new(1);
    let changes = balancer.apply(now(0), picture);
    let keys: Vec<Key> = changes
        .iter()
        .filter_map(|change| match change {
            Change::Appeared(choice) => Some(choice.key),
            Change::Withdrawn(_) | Change::Returned(_) => None,
        })
        .collect();
    for key in &keys {
        balancer.evidence(now(0), *key, Evidence::Answered);
    }
    (balancer, keys)
}

fn least(rounds: impl IntoIterator<Item = f64>) -> f64 {
    rounds.into_iter().fold(f64::INFINITY, f64::min)
}

/// Processor time of this thread: the machine may be busy with other things.
fn seconds(run: impl FnOnce()) -> f64 {
    let now = || {
        let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
        Duration::new(time.tv_sec.try_into().unwrap(), time.tv_nsec.try_into().unwrap())
    };
    let start = now();
    run();
    (now() - start).as_secs_f64()
}

/// Nanoseconds per request.
fn request_ns(picture: &Picture, algorithm: Algorithm, requests: u32) -> f64 {
    let (mut balancer, _) = proven(picture);
    balancer.set_policy(now(0), "web", &Policy { algorithm, ..Policy::default() });
    let mut open = VecDeque::new();
    let rounds = (0..ROUNDS).map(|_| {
        let took = seconds(|| {
            for n in 0..requests {
                let hint = Hint { hash: Some(u64::from(n % 9973)), ..Hint::default() };
                let Pick::Go(choice) = balancer.choose(now(1), "web", hint, &[]) else {
                    panic!("all have room")
                };
                open.push_back(black_box(choice).key);
                if open.len() > 32 {
                    let key = open.pop_front().unwrap();
                    balancer.evidence(now(2), key, Evidence::Answered);
                    balancer.finish(key, Ended::Well);
                }
            }
        });
        took * 1e9 / f64::from(requests)
    });
    least(rounds)
}

/// Microseconds that the slowest of a thousand requests takes to be picked for, while another picture comes every thousand.
fn slowest_us(picture: &Picture) -> f64 {
    let (mut balancer, _) = proven(picture);
    let mut other = picture.clone();
    other.services.get_mut("web").unwrap().backends.pop_first();
    let mut times = Vec::new();
    for n in 0..50_000_u64 {
        if n % 1_000 == 0 {
            balancer.apply(now(n), if n % 2_000 == 0 { &other } else { picture });
        }
        let mut picked = None;
        times.push(seconds(|| picked = balancer.pick(now(n), "web", &[])));
        balancer.finish(picked.unwrap().key, Ended::Well);
    }
    times.sort_by(f64::total_cmp);
    times[times.len() - times.len() / 1_000] * 1e6
}

/// Milliseconds that the first hashed request takes on top, when all backends are new and when one has gone.
fn hash_ms(picture: &Picture) -> [f64; 2] {
    let mut less = picture.clone();
    less.services.get_mut("web").unwrap().backends.pop_first();
    let hint = Hint { hash: Some(1), ..Hint::default() };
    let [mut all, mut one] = [f64::INFINITY; 2];
    for _ in 0..ROUNDS {
        let mut balancer = Balancer::new(1);
        balancer.set_policy(now(0), "web", &Policy { algorithm: Algorithm::Hash, ..Policy::default() });
        balancer.apply(now(0), picture);
        all = all.min(seconds(|| _ = black_box(balancer.choose(now(1), "web", hint, &[]))) * 1e3);
        balancer.apply(now(0), &less);
        one = one.min(seconds(|| _ = black_box(balancer.choose(now(1), "web", hint, &[]))) * 1e3);
    }
    [all, one]
}

/// Nanoseconds to eject a backend and take it back.
fn ejection_ns(picture: &Picture, count: u32) -> f64 {
    let (mut balancer, keys) = proven(picture);
    let rounds = (0..ROUNDS).map(|_| {
        let took = seconds(|| {
            for key in keys.iter().cycle().take(count as usize) {
                black_box(balancer.evidence(now(1), *key, Evidence::ConnectFailed));
                black_box(balancer.evidence(now(2), *key, Evidence::Answered));
            }
        });
        took * 1e9 / f64::from(count)
    });
    least(rounds)
}

/// Milliseconds for the first picture, the same once more, and the same with one backend changed.
fn apply_ms(picture: &Picture) -> [f64; 3] {
    let first = (0..ROUNDS).map(|_| {
        let mut balancer = Balancer::new(1);
        let took = seconds(|| _ = black_box(balancer.apply(now(0), picture)));
        drop(balancer);
        took * 1e3
    });
    let first = least(first);
    let (mut balancer, _) = proven(picture);
    let mut other = picture.clone();
    let middle = format!("node-{:05}", picture.services["web"].backends.len() / 2);
    other.services.get_mut("web").unwrap().backends.get_mut(&middle).unwrap().weight = 20;
    let mut again = Vec::new();
    let mut changed = Vec::new();
    for _ in 0..ROUNDS {
        again.push(seconds(|| _ = black_box(balancer.apply(now(1), picture))) * 1e3);
        changed.push(seconds(|| _ = black_box(balancer.apply(now(1), &other))) * 1e3);
        balancer.apply(now(1), picture);
    }
    [first, least(again), least(changed)]
}

fn main() {
    println!(
        "{:>8} {:>12} {:>12} {:>12} {:>14} {:>14} {:>14}",
        "backends", "request", "slowest pick", "eject+back", "first picture", "same", "one changed"
    );
    for count in [10, 1_000, 10_000] {
        let picture = picture(count);
        let request = request_ns(&picture, Algorithm::RoundRobin, 50_000);
        let ejection = ejection_ns(&picture, 10_000);
        let slowest = slowest_us(&picture);
        let [first, same, changed] = apply_ms(&picture);
        println!(
            "{count:>8} {request:>9.0} ns {slowest:>9.1} us {ejection:>9.0} ns {first:>11.3} ms {same:>11.3} ms {changed:>11.3} ms"
        );
    }
    println!(
        "\n{:>8} {:>12} {:>12} {:>12} {:>12} {:>12} {:>14} {:>14}",
        "backends", "LeastConn", "PowerOfTwo", "Random", "Hash", "First", "first hash", "one gone"
    );
    for count in [10, 1_000, 10_000] {
        let picture = picture(count);
        print!("{count:>8}");
        for algorithm in [
            Algorithm::LeastConn,
            Algorithm::PowerOfTwo,
            Algorithm::Random,
            Algorithm::Hash,
            Algorithm::First,
        ] {
            print!(" {:>9.0} ns", request_ns(&picture, algorithm, 20_000));
        }
        let [all, one] = hash_ms(&picture);
        println!(" {all:>11.3} ms {one:>11.3} ms");
    }
}

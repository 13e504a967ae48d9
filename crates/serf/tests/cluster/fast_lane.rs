//! How soon those who must know hear of a withdrawal and of a leave.

use crate::world::{World, secs};
use muster_serf::Status;
use muster_wire::memberlist::Message;
use muster_wire::tags::Tags;
use std::collections::BTreeSet;
use std::time::Duration;

/// A cluster of this size in which `n0` serves and `n1` balances, and has been quiet for a while.
fn cluster(seed: u64, size: usize) -> (World, Vec<String>) {
    let mut world = World::new(seed);
    let names: Vec<String> = (0..size).map(|at| format!("n{at}")).collect();
    for name in &names {
        world.start(name);
    }
    for name in &names[1..] {
        world.join(name, "n0");
    }
    set_tags(&mut world, "n1", &[("balances", "1")]);
    let all: Vec<&str> = names.iter().map(String::as_str).collect();
    // Asked now and then only: it takes every pair of names.
    while !(world.whole(&all) && all.iter().all(|name| balances(&world, name))) {
        world.run(secs(5));
    }
    world.run(secs(5));
    world.sent.clear();
    (world, names)
}

fn balances(world: &World, name: &str) -> bool {
    world.member(name, "n1").is_some_and(|member| member.tags().contains_key("balances"))
}

fn set_tags(world: &mut World, name: &str, tags: &[(&str, &str)]) {
    let tags: Tags = tags.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
    world.tell(name, |serf, now| serf.set_tags(now, tags)).unwrap();
}

fn is_withdrawn(world: &World, at: &str) -> bool {
    world
        .member(at, "n0")
        .is_some_and(|member| member.tags().get("notready").is_some_and(|names| names == "*"))
}

/// How long a balancer takes to hear that `n0` is withdrawn.
fn withdrawal(seed: u64, size: usize, loss_percent: u8) -> Duration {
    let (mut world, _) = cluster(seed, size);
    world.loss_percent = loss_percent;
    world.lossy = Some(world.host("n0").addr);
    set_tags(&mut world, "n0", &[("role", "web"), ("notready", "*")]);
    world.run_until(|world| is_withdrawn(world, "n1"))
}

#[test]
fn a_balancer_hears_of_a_withdrawal_in_one_latency() {
    for size in [3, 66] {
        for seed in 0..2 {
            let took = withdrawal(seed, size, 0);
            assert!(took <= Duration::from_millis(5), "{took:?} of {size}, seed {seed}");
        }
    }
}

#[test]
fn a_lost_withdrawal_reaches_the_balancer_by_stream() {
    for size in [3, 66] {
        for seed in 0..2 {
            let took = withdrawal(seed, size, 100);
            // Patience, a round trip, the way of the stream; a periodic exchange may fall into that time.
            assert!(took <= Duration::from_millis(220), "{took:?} of {size}, seed {seed}");
        }
    }
}

/// How long all others take to see `n0` left, of whose datagrams so many are lost.
fn leave(seed: u64, size: usize, loss_percent: u8) -> Duration {
    let (mut world, names) = cluster(seed, size);
    let others: Vec<&str> = names[1..].iter().map(String::as_str).collect();
    world.loss_percent = loss_percent;
    world.lossy = Some(world.host("n0").addr);
    world.leave("n0");
    let took = world.run_until(|world| world.all_see(&others, "n0", Some(Status::Left)));
    for other in others {
        assert!(!world.told(other, "n0").contains(&"failed"), "{other} of {size}, seed {seed}");
    }
    took
}

#[test]
fn a_leave_is_known_by_all_in_1500_ms_though_half_of_the_leavers_datagrams_are_lost() {
    for size in [3, 10, 30, 60] {
        let runs = (120 / size as u64).min(8);
        let worst = (0..runs).map(|seed| leave(seed, size, 50)).max().unwrap();
        println!("50 % lost, {size} members: {worst:?}");
        assert!(worst <= Duration::from_millis(1500), "{worst:?} of {size}");
    }
}

#[test]
fn a_leave_is_known_by_all_though_every_datagram_of_the_leaver_is_lost() {
    for size in [3, 60] {
        let worst = (0..2).map(|seed| leave(seed, size, 100)).max().unwrap();
        println!("all lost, {size} members: {worst:?}");
        assert!(worst <= Duration::from_millis(1500), "{worst:?} of {size}");
    }
}

#[test]
fn an_application_that_flaps_does_not_flood_the_cluster() {
    let (mut world, _) = cluster(1, 10);
    for step in 0..200 {
        let names = if step % 2 == 0 { "*" } else { "" };
        set_tags(&mut world, "n0", &[("role", "web"), ("notready", names)]);
        world.run(Duration::from_millis(50));
    }
    let lives = world.messages("n0", |message| match message {
        Message::Alive(alive) if alive.node == "n0" => Some(alive.incarnation),
        _ => None,
    });
    let lives: BTreeSet<u32> = lives.into_iter().map(|(_, incarnation)| incarnation).collect();
    // Ten seconds: a return each, and a withdrawal at once after it.
    assert!((18..=24).contains(&lives.len()), "{}", lives.len());
    set_tags(&mut world, "n0", &[("role", "web")]);
    let took = world.run_until(|world| !is_withdrawn(world, "n1"));
    assert!(took <= Duration::from_millis(1010), "the last word is told: {took:?}");
}

#[test]
fn tags_set_again_as_they_are_make_no_news() {
    let (mut world, _) = cluster(1, 3);
    set_tags(&mut world, "n1", &[("balances", "1")]);
    world.run(secs(1));
    let news = |message: &Message<'_>| matches!(message, Message::Alive(_)).then_some(());
    assert_eq!(world.messages("n1", news), []);
}

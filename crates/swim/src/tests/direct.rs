//! News told straight, beside gossip.

use super::world::{World, addr, leaves, millis, name, secs};
use crate::{Event, News, Output, Swim, UserQueue};
use core::time::Duration;
use muster_wire::memberlist::NodeState;
use std::collections::BTreeSet;
use std::sync::Arc;

const NEW_META: &[u8] = b"\xff\x81\xa1x\xa1y";
const INTENT: &[u8] = b"\x00intent";

/// A cluster in which nobody gossips: what arrives was told straight or exchanged.
fn without_gossip(size: usize) -> World {
    let mut world = World::cluster(size, 1);
    for host in &mut world.hosts {
        host.swim.config.profile.gossip_nodes = 0;
        host.swim.config.profile.push_pull_interval = secs(3600);
    }
    // Until the exchanges that were armed before are over.
    world.run_for(secs(300));
    world.forget_history();
    world
}

/// Host 0 changes its meta and tells it straight.
fn change_meta(world: &mut World, meta: &[u8], named: &[Arc<str>]) {
    world.command(0, |swim, now| {
        swim.set_meta(now, meta.to_vec());
        swim.tell_directly(now, News::OurState, named);
    });
}

fn knows(world: &World, at: usize, meta: &[u8]) -> bool {
    world.hosts[at].swim.nodes.get("n0").is_some_and(|node| node.meta == meta)
}

/// When `at` heard of the new meta, in milliseconds after `start`.
fn heard_after(world: &World, at: usize, start: Duration) -> Option<u128> {
    let updates = |event: &Event| matches!(event, Event::Updated(node) if *node.name == *"n0");
    let found = world.hosts[at].events.iter().find(|(_, event)| updates(event));
    found.map(|(when, _)| (when.0 - start).as_millis())
}

/// Where host 0 sent datagrams that hold `what` and then a ping.
fn told(world: &World, what: &str) -> Vec<usize> {
    let is_news = |bytes: &[u8]| {
        let leaves = leaves(bytes);
        matches!(&leaves[..], [news, ping] if news.starts_with(what) && ping.starts_with("Ping"))
    };
    let sent = world.sent.iter().filter(|(from, _, bytes)| *from == 0 && is_news(bytes));
    sent.map(|(_, to, _)| (0..world.hosts.len()).find(|at| addr(*at) == *to).unwrap()).collect()
}

/// Streams that host 0 opened, as (milliseconds since `start`, to).
fn streams(world: &World, start: Duration) -> Vec<(u128, usize)> {
    let find = |line: &str| {
        let (at, rest) = line.split_once(" n0 Open")?;
        let to = (0..world.hosts.len()).find(|to| rest.contains(&format!("to: {},", addr(*to))))?;
        Some((parse(at)?.checked_sub(start)?.as_millis(), to))
    };
    world.trace.lines().filter_map(find).collect()
}

/// A duration as `{:?}` writes it.
fn parse(text: &str) -> Option<Duration> {
    let number = text.trim_end_matches(|letter: char| letter.is_alphabetic() || letter == 'µ');
    let unit = match &text[number.len()..] {
        "s" => 1.0,
        "ms" => 1e-3,
        "µs" => 1e-6,
        _ => 1e-9,
    };
    Some(Duration::from_secs_f64((number.parse::<f64>().ok()? * unit * 1e9).round() / 1e9))
}

#[test]
fn a_small_cluster_hears_a_change_in_one_datagram_each() {
    let mut world = without_gossip(10);
    let start = world.now.0;
    change_meta(&mut world, NEW_META, &[]);
    assert_eq!(told(&world, "Alive").into_iter().collect::<BTreeSet<_>>(), (1..10).collect());
    world.run_for(secs(2));
    assert!((1..10).all(|at| heard_after(&world, at, start) == Some(1)), "after one latency");
    assert_eq!(told(&world, "Alive").len(), 9, "each was confirmed");
    assert_eq!(streams(&world, start), []);
}

#[test]
fn a_large_cluster_tells_only_those_who_are_named() {
    let mut world = without_gossip(70);
    let start = world.now.0;
    change_meta(&mut world, NEW_META, &["n7", "n0", "n69", "nobody", "n3"].map(Arc::from));
    world.run_for(millis(1));
    assert_eq!(told(&world, "Alive"), [7, 69, 3], "in that order, and never ourselves");
    for at in 1..70 {
        assert_eq!(heard_after(&world, at, start).is_some(), [3, 7, 69].contains(&at), "n{at}");
    }
}

#[test]
fn datagrams_are_paced_and_those_named_go_first() {
    let mut world = without_gossip(65);
    change_meta(&mut world, NEW_META, &["n64".into()]);
    assert_eq!(told(&world, "Alive").len(), 32);
    assert_eq!(told(&world, "Alive")[0], 64);
    world.run_for(millis(9));
    assert_eq!(told(&world, "Alive").len(), 32);
    world.run_for(millis(1));
    assert_eq!(told(&world, "Alive").len(), 64);
    assert_eq!(told(&world, "Alive").into_iter().collect::<BTreeSet<_>>(), (1..65).collect());
}

#[test]
fn what_was_lost_goes_by_stream_after_200_ms_once() {
    let mut world = without_gossip(5);
    world.firewall(0, 3);
    let start = world.now.0;
    change_meta(&mut world, NEW_META, &[]);
    world.run_for(millis(199));
    assert!(!knows(&world, 3, NEW_META));
    world.run_for(secs(3));
    let late = heard_after(&world, 3, start).unwrap();
    // A round trip longer than 200 ms, and one latency.
    assert_eq!(late, 203);
    let by_stream: Vec<_> = streams(&world, start).into_iter().filter(|(at, _)| *at <= 300).collect();
    assert_eq!(by_stream, [(202, 3)]);
    assert_eq!(told(&world, "Alive").len(), 4);
}

#[test]
fn the_stream_names_nobody_but_us() {
    let mut world = without_gossip(5);
    world.firewall(0, 3);
    change_meta(&mut world, NEW_META, &[]);
    world.run_for(millis(300));
    let asked = world.trace.lines().find(|line| line.contains("n0 Open")).expect("a stream").to_owned();
    let shown = |at: usize| asked.contains(&format!("{:?}", name(at).as_bytes()).replace(['[', ']'], ""));
    assert_eq!([0, 1, 2, 3, 4].map(shown), [true, false, false, false, false], "{asked}");
    assert!(world.all_see_all(), "and nobody takes the rest for gone");
}

#[test]
fn a_user_message_that_was_lost_goes_by_stream_as_it_is() {
    let mut world = without_gossip(4);
    world.firewall(0, 2);
    world.command(0, |swim, now| swim.tell_directly(now, News::User(INTENT), &[]));
    let got = |world: &World, at: usize| world.count(at, |event| *event == Event::User(INTENT.to_vec()));
    world.run_for(millis(150));
    assert_eq!([1, 2, 3].map(|at| got(&world, at)), [1, 0, 1]);
    world.run_for(secs(5));
    assert_eq!([1, 2, 3].map(|at| got(&world, at)), [1, 1, 1], "once each");
}

#[test]
fn a_newer_state_of_ours_takes_the_place_of_the_older_one() {
    let mut world = without_gossip(3);
    let start = world.now.0;
    world.firewall(0, 2);
    change_meta(&mut world, b"\xff\x81\xa1x\xa1a", &[]);
    world.run_for(millis(100));
    change_meta(&mut world, NEW_META, &[]);
    world.run_for(secs(1));
    let streams = streams(&world, start);
    assert_eq!(streams.iter().filter(|(at, to)| *to == 2 && *at <= 500).count(), 1, "{streams:?}");
    assert!(knows(&world, 2, NEW_META));
}

#[test]
fn a_leave_is_told_straight_as_well_and_by_stream() {
    let mut world = without_gossip(6);
    world.firewall(0, 4);
    world.command(0, |swim, now| {
        swim.leave(now);
        swim.tell_directly(now, News::OurState, &[]);
    });
    world.run_for(millis(400));
    assert_eq!(told(&world, "Dead").len(), 5);
    for at in 1..6 {
        assert_eq!(world.state(at, 0), Some(NodeState::Left), "n{at}");
    }
}

#[test]
fn what_streams_may_cost_in_a_second_is_bounded_and_the_datagram_is_sent_again() {
    let mut world = without_gossip(101);
    let named: Vec<Arc<str>> = (1..101).map(|at| name(at).into()).collect();
    for at in 1..101 {
        world.firewall(0, at);
    }
    let start = world.now.0;
    change_meta(&mut world, NEW_META, &named);
    world.run_for(millis(999));
    // A push/pull here costs 101 of 4096.
    let opened: Vec<_> = streams(&world, start);
    let news = opened.iter().filter(|(at, _)| *at >= 200).count();
    assert!((38..=42).contains(&news), "{news} of {}", opened.len());
    let again = told(&world, "Alive").len();
    assert!((150..=300).contains(&again), "{again}");
    world.run_for(secs(20));
    assert!(told(&world, "Alive").len() <= 300, "three each at most");
    let targets: Vec<_> = streams(&world, start).into_iter().map(|(_, to)| to).collect();
    assert!(targets.len() < 200, "{}", targets.len());
}

#[test]
fn a_user_message_that_fits_no_packet_is_not_told() {
    let mut world = without_gossip(2);
    world.command(0, |swim, now| swim.tell_directly(now, News::User(&[3; 1396]), &[]));
    assert_eq!(world.sent.len(), 0);
    world.command(0, |swim, now| swim.tell_directly(now, News::User(&[3; 1395]), &[]));
    assert_eq!(world.sent.len(), 1, "without room for a ping");
    assert_eq!(leaves(&world.sent[0].2).len(), 1);
    world.run_for(secs(1));
    assert_eq!(world.count(1, |event| *event == Event::User(vec![3; 1395])), 2, "so it came twice");
}

#[test]
fn with_nobody_to_tell_nothing_is_armed() {
    let mut swim = Swim::new(super::world::config(0, 1), Default::default());
    swim.tell_directly(Default::default(), News::OurState, &["n1".into()]);
    let network = |output: &Output| !matches!(output, Output::Event(_));
    assert_eq!(core::iter::from_fn(|| swim.poll_output()).filter(network).count(), 0);
    assert!(!swim.timers.is_set(&crate::timer::Timer::Direct));
}

#[test]
fn gossip_goes_on_beside_it() {
    let mut world = World::cluster(4, 1);
    world.forget_history();
    world.command(0, |swim, now| {
        swim.broadcast(UserQueue::Intents, INTENT.to_vec(), None);
        swim.tell_directly(now, News::User(INTENT), &[]);
    });
    world.run_for(secs(3));
    assert_eq!(told(&world, "User").len(), 3);
    let copies: usize = (1..4).map(|at| world.count(at, |e| *e == Event::User(INTENT.to_vec()))).sum();
    assert_eq!(copies, 3 + 4, "three told straight, four transmissions of gossip");
}

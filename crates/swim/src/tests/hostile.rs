//! Forged and broken input: refused, bounded, survived.

use super::world::{World, addr, config, datagram, secs};
use crate::nodes::NODES_MAX;
use crate::{Event, Input, Instant, Output, StreamId, Swim};
use core::net::SocketAddr;
use core::time::Duration;
use muster_wire::memberlist::{Alive, Dead, Message, NodeState, PushPullNode, Suspect};
use muster_wire::{RawAddr, Versions, stream};
use proptest::prelude::*;

fn mallory() -> SocketAddr {
    "10.66.6.6:666".parse().unwrap()
}

fn alive<'a>(node: &'a str, incarnation: u32) -> Alive<'a> {
    let addr = RawAddr::V4([10, 1, 2, 3]);
    Alive { incarnation, node, addr, port: 7946, meta: b"", versions: Some(Versions::OURS) }
}

fn refused(world: &World, at: usize) -> Vec<String> {
    let reason = |(_, event): &(Instant, Event)| match event {
        Event::Refused { reason, .. } => Some(reason.clone()),
        _ => None,
    };
    world.hosts[at].events.iter().filter_map(reason).collect()
}

#[test]
fn a_forged_death_of_us_is_refuted() {
    let mut world = World::cluster(4, 1);
    for (node, from) in [("n0", "n1"), ("n0", "n0")] {
        let incarnation = world.incarnation(0, 0);
        let dead = Dead { incarnation, node, from };
        for at in 0..4 {
            world.forge(at, mallory(), &datagram(&Message::Dead(dead)));
        }
        assert_eq!(world.state(0, 0), Some(NodeState::Alive));
        assert!(world.run_until(secs(2), |w| w.all_see_all() && w.incarnation(3, 0) == incarnation + 1));
    }
}

#[test]
fn an_incarnation_beyond_belief_silences_nobody() {
    let mut world = World::cluster(3, 1);
    let dead = Dead { incarnation: u32::MAX, node: "n0", from: "n1" };
    let suspect = Suspect { incarnation: u32::MAX, node: "n0", from: "n1" };
    let mut forged = alive("n0", u32::MAX);
    forged.addr = addr(0).ip().into();
    for message in [Message::Dead(dead), Message::Suspect(suspect), Message::Alive(forged)] {
        for at in 0..3 {
            world.forge(at, mallory(), &datagram(&message));
        }
    }
    world.run_for(secs(30));
    assert!(world.all_see_all());
    assert_eq!(world.incarnation(1, 0), 1);
}

#[test]
fn a_known_name_at_another_address_changes_nothing() {
    let mut world = World::cluster(3, 1);
    world.forge(0, mallory(), &datagram(&Message::Alive(alive("n1", 100))));
    world.forge(0, mallory(), &datagram(&Message::Alive(alive("n0", 100))));
    let conflicts = |e: &Event| matches!(e, Event::Conflict { .. });
    world.run_for(secs(10));
    assert_eq!(world.count(0, conflicts), 2);
    assert!(world.all_see_all());
    assert_eq!((world.incarnation(2, 0), world.incarnation(2, 1)), (1, 1));
}

#[test]
fn the_two_forms_of_one_address_conflict() {
    let mut world = World::cluster(2, 1);
    let mut other_form = alive("n1", 5);
    let core::net::IpAddr::V4(v4) = addr(1).ip() else { panic!("the test world speaks IPv4") };
    other_form.addr = RawAddr::V16(v4.to_ipv6_mapped().octets());
    world.forge(0, addr(1), &datagram(&Message::Alive(other_form)));
    world.run_for(secs(2));
    assert_eq!(world.count(0, |e| matches!(e, Event::Conflict { .. })), 1);
}

#[test]
fn announcements_that_would_harm_are_refused() {
    let mut world = World::cluster(1, 1);
    let long = "x".repeat(513);
    let meta = vec![0; 513];
    let bad = [
        Alive { versions: None, ..alive("a", 1) },
        Alive { versions: Some(Versions([0, 0, 0, 0, 0, 0])), ..alive("b", 1) },
        Alive { versions: Some(Versions([7, 9, 8, 2, 5, 5])), ..alive("c", 1) },
        Alive { meta: &meta, ..alive("d", 1) },
        alive("", 1),
        alive(&long, 1),
    ];
    for (at, alive) in bad.iter().enumerate() {
        world.forge(0, mallory(), &datagram(&Message::Alive(*alive)));
        assert_eq!(refused(&world, 0).len(), at + 1, "{alive:?}");
    }
    // Not refused, but without effect: lives are counted from 1.
    world.forge(0, mallory(), &datagram(&Message::Alive(alive("zero", 0))));
    assert_eq!(world.hosts[0].swim.nodes.len(), 1);
}

#[test]
fn port_0_is_our_own_port() {
    let mut world = World::cluster(1, 1);
    world.forge(0, mallory(), &datagram(&Message::Alive(Alive { port: 0, ..alive("a", 1) })));
    assert_eq!(world.hosts[0].swim.nodes.get("a").unwrap().port, 7946);
}

#[test]
fn a_hundred_thousand_forged_names_are_bounded_and_forgotten() {
    let mut swim = Swim::new(config(0, 1), Instant::default());
    let mut refusals = 0;
    for at in 0..100_000 {
        let name = format!("forged-{at}");
        let bytes = datagram(&Message::Alive(alive(&name, 1)));
        swim.handle(Instant::default(), Input::Packet { from: mallory(), bytes: &bytes });
        while let Some(output) = swim.poll_output() {
            refusals += usize::from(matches!(output, Output::Event(Event::Refused { .. })));
        }
    }
    assert_eq!((swim.nodes.len(), refusals), (NODES_MAX, 100_001 - NODES_MAX));
    // Once they are found dead, their places are free again.
    let mut now = Instant::default();
    for at in 0..100_000 {
        let name = format!("forged-{at}");
        let bytes = datagram(&Message::Dead(Dead { incarnation: 1, node: &name, from: "x" }));
        swim.handle(now, Input::Packet { from: mallory(), bytes: &bytes });
        while swim.poll_output().is_some() {}
    }
    let later = now + secs(31);
    while let Some(due) = swim.next_timeout().filter(|due| *due <= later) {
        now = due;
        swim.handle(now, Input::Timeout);
        while swim.poll_output().is_some() {}
    }
    assert_eq!(swim.nodes.len(), 1);
}

#[test]
fn one_packet_causes_few_refusals() {
    let mut world = World::cluster(1, 1);
    let parts: Vec<_> = (0..200).map(|_| datagram(&Message::Alive(alive("", 1)))).collect();
    let wrap = muster_wire::packet::Wrap { compress: false, crc: false };
    world.forge(0, mallory(), &muster_wire::packet::pack(&parts, wrap));
    assert_eq!(refused(&world, 0).len(), 8);
}

#[test]
fn a_node_without_versions_does_not_poison_an_exchange() {
    let mut world = World::cluster(2, 1);
    let row = |name, versions| PushPullNode {
        name,
        addr: RawAddr::V4([10, 1, 2, 3]),
        port: 1,
        meta: b"",
        incarnation: 1,
        state: NodeState::Alive,
        versions,
    };
    let nodes = [row("poison", None), row("good", Some(Versions::OURS))];
    let bytes = stream::encode_push_pull(true, nodes.into_iter(), b"", false);
    let swim = &mut world.hosts[0].swim;
    let stream = StreamId::Inbound(1);
    swim.handle(world.now, Input::Stream { stream, from: mallory(), bytes: &bytes });
    swim.supply_state(world.now, stream, b"");
    swim.merge_request(world.now, stream, &bytes);
    assert!(swim.nodes.get("good").is_some());
    assert!(swim.nodes.get("poison").is_none());
}

#[test]
fn a_peers_word_for_a_death_is_only_a_suspicion() {
    let mut world = World::cluster(3, 1);
    let row = PushPullNode {
        name: "n2",
        addr: addr(2).ip().into(),
        port: 7946,
        meta: b"",
        incarnation: 1,
        state: NodeState::Dead,
        versions: Some(Versions::OURS),
    };
    let bytes = stream::encode_push_pull(false, [row].into_iter(), b"", false);
    let swim = &mut world.hosts[0].swim;
    let stream = StreamId::Inbound(1);
    swim.handle(world.now, Input::Stream { stream, from: mallory(), bytes: &bytes });
    swim.supply_state(world.now, stream, b"");
    swim.merge_request(world.now, stream, &bytes);
    assert_eq!(world.state(0, 2), Some(NodeState::Suspect));
}

#[test]
fn an_unreadable_request_is_answered_with_an_error() {
    let mut swim = Swim::new(config(0, 1), Instant::default());
    let stream = StreamId::Inbound(1);
    let unreadable = Input::Stream { stream, from: mallory(), bytes: b"\x06\xc1" };
    // Or the caller could not even open it.
    let sealed = Input::StreamUnreadable { stream, from: mallory(), reason: "no key" };
    for (input, reason) in [(unreadable, "malformed msgpack"), (sealed, "no key")] {
        swim.handle(Instant::default(), input);
        let outputs: Vec<_> = core::iter::from_fn(|| swim.poll_output()).collect();
        let answer = outputs.iter().find_map(|output| match output {
            Output::Answer { bytes, .. } => Some(Message::decode(bytes).unwrap()),
            _ => None,
        });
        let Some(Message::Err(answer)) = answer else { panic!("{answer:?}") };
        assert!(answer.error.contains(reason), "{}", answer.error);
        assert!(outputs.iter().any(|output| matches!(output, Output::Event(Event::Refused { .. }))));
    }
}

#[test]
fn a_reply_that_cannot_be_opened_ends_its_exchange() {
    let mut swim = Swim::new(config(0, 1), Instant::default());
    let stream = swim.join(Instant::default(), addr(1));
    let from = addr(1);
    swim.handle(Instant::default(), Input::StreamUnreadable { stream, from, reason: "no key" });
    let failed = Event::SyncFailed { stream, reason: "unreadable reply: no key".into(), join: true };
    let outputs: Vec<_> = core::iter::from_fn(|| swim.poll_output()).collect();
    assert_eq!(outputs.last(), Some(&Output::Event(failed)));
}

/// Whole messages with arbitrary contents, beside plain noise.
fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let names = prop_oneof![Just("n0".to_string()), Just("n1".to_string()), Just(String::new()), ".{0,20}"];
    let verdict = (0..3_u8, names.clone(), names, any::<u32>(), any::<[u8; 6]>(), any::<u16>()).prop_map(
        |(kind, node, from, incarnation, versions, port)| {
            let (node, from) = (&*node, &*from);
            datagram(&match kind {
                0 => Message::Suspect(Suspect { incarnation, node, from }),
                1 => Message::Dead(Dead { incarnation, node, from }),
                _ => Message::Alive(Alive {
                    port,
                    versions: Some(Versions(versions)),
                    ..alive(node, incarnation)
                }),
            })
        },
    );
    let typed = (0..14_u8, proptest::collection::vec(any::<u8>(), 0..200)).prop_map(|(kind, mut rest)| {
        rest.insert(0, kind);
        rest
    });
    prop_oneof![proptest::collection::vec(any::<u8>(), 0..300), typed, verdict]
}

proptest! {
    #[test]
    fn no_input_whatever_panics(
        inputs in proptest::collection::vec((0..8_u8, bytes(), any::<u32>()), 1..40)
    ) {
        let mut swim = Swim::new(config(0, 1), Instant::default());
        let mut now = Instant::default();
        swim.join(now, addr(1));
        for (kind, bytes, number) in inputs {
            let stream = StreamId::Inbound(number.into());
            let input = match kind {
                0 | 1 => Input::Packet { from: mallory(), bytes: &bytes },
                2 => Input::Stream { stream, from: mallory(), bytes: &bytes },
                3 => Input::Stream { stream: StreamId::Outbound((number % 4).into()), from: mallory(), bytes: &bytes },
                4 => Input::StreamUnreadable { stream, from: mallory(), reason: "no key" },
                5 => Input::Slept(Duration::from_millis(number.into())),
                6 => Input::Throttled,
                _ => Input::Timeout,
            };
            now = now + Duration::from_millis((number % 3000).into());
            swim.handle(now, input);
            let mut ended = None;
            while let Some(output) = swim.poll_output() {
                match output {
                    Output::Event(Event::StateWanted { stream, .. }) => swim.supply_state(now, stream, &bytes),
                    Output::Answer { stream, .. } | Output::Close { stream } => ended = Some(stream),
                    _ => {}
                }
            }
            if kind == 2 {
                swim.merge_request(now, stream, &bytes);
                while swim.poll_output().is_some() {}
            }
            prop_assert!(!matches!(kind, 2 | 4) || ended == Some(stream), "every request is answered or closed");
        }
    }
}

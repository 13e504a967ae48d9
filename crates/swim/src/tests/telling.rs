//! What is told, in which order, how often and how soon.

use super::world::{World, addr, config, datagram, leaves, millis, secs};
use crate::{Config, Event, Input, Output, Swim, Ticket, UserQueue};
use muster_wire::memberlist::{Alive, Dead, Message, Suspect};
use muster_wire::packet::{self, Wrap};
use muster_wire::{RawAddr, Versions};

fn encoded(message: &Message<'_>) -> Vec<u8> {
    datagram(message)
}

/// How often a leaf beginning with `start` was sent by `at`.
fn times(world: &World, at: usize, start: &str) -> usize {
    let leaf = |bytes: &Vec<u8>| leaves(bytes).iter().filter(|leaf| leaf.starts_with(start)).count();
    world.sent.iter().filter(|(from, ..)| *from == at).map(|(.., bytes)| leaf(bytes)).sum()
}

#[test]
fn a_user_message_is_sent_as_often_as_the_reference_does() {
    // LAN, two members: four packets (seen on a real agent). Ten to 99 members: eight.
    for (size, expected) in [(2, 4), (12, 8)] {
        let mut world = World::cluster(size, 1);
        world.forget_history();
        world.command(0, |swim, _| swim.broadcast(UserQueue::Events, b"\x03hello".to_vec(), Some(Ticket(9))));
        world.run_for(secs(5));
        assert_eq!(times(&world, 0, "User"), expected);
        assert_eq!(world.count(0, |e| *e == Event::BroadcastDone(Ticket(9))), 1);
        let got = |at| world.count(at, |e| *e == Event::User(b"\x03hello".to_vec()));
        assert_eq!((1..size).map(got).sum::<usize>(), expected, "and it arrives");
    }
}

#[test]
fn the_retransmit_limit_of_user_messages_reckons_with_serfs_members() {
    let mut world = World::cluster(2, 1);
    world.forget_history();
    world.command(0, |swim, _| {
        swim.set_user_population(100);
        swim.broadcast(UserQueue::Events, b"\x03hello".to_vec(), None);
    });
    world.run_for(secs(5));
    assert_eq!(times(&world, 0, "User"), 12);
}

#[test]
fn with_nothing_to_tell_no_round_is_armed() {
    let mut world = World::cluster(3, 1);
    world.forget_history();
    let now = world.now;
    world.command(0, |swim, _| {
        assert!(swim.next_timeout().unwrap() > now);
        swim.broadcast(UserQueue::Events, b"\x03hello".to_vec(), None);
        assert!(swim.next_timeout().unwrap() <= now, "the first news after a pause are told at once");
    });
    // Not counting what rides on probes.
    let told = |world: &World| {
        world.sent.iter().filter(|(at, _, bytes)| *at == 0 && leaves(bytes)[0].starts_with("User")).count()
    };
    world.run_for(millis(1));
    assert_eq!(told(&world), 2, "one round to both others");
    world.run_for(millis(198));
    assert_eq!(told(&world), 2, "the next not before its interval");
    world.run_for(millis(2));
    assert!(told(&world) > 2);
}

#[test]
fn a_lone_node_keeps_quiet_until_it_has_company() {
    let mut world = World::new(1);
    let at = world.add();
    world.command(at, |swim, _| swim.broadcast(UserQueue::Events, b"\x03early".to_vec(), None));
    world.run_for(secs(60));
    assert_eq!(world.sent.len(), 0);
    let other = world.add();
    world.join(other, at);
    world.run_for(secs(1));
    assert_eq!(world.count(other, |e| *e == Event::User(b"\x03early".to_vec())), 4);
}

#[test]
fn own_changes_are_told_at_once() {
    let mut world = World::cluster(4, 1);
    // Something else was told a moment ago, so the regular round is an interval away.
    world.command(0, |swim, _| swim.broadcast(UserQueue::Events, b"\x03busy".to_vec(), None));
    world.run_for(millis(5));
    world.forget_history();
    world.command(0, |swim, now| swim.set_meta(now, b"\xff\x81\xa1x\xa1y".to_vec()));
    assert_eq!(times(&world, 0, "Alive"), 3);
    world.forget_history();
    world.command(0, Swim::leave);
    assert_eq!(times(&world, 0, "Dead"), 3);
}

#[test]
fn a_leaving_node_reaches_64_members_at_once_and_thrice() {
    let mut world = World::cluster(40, 1);
    world.forget_history();
    world.command(7, |swim, now| {
        swim.broadcast(UserQueue::Intents, b"\x00leave".to_vec(), None);
        swim.prepare_leave(now);
    });
    let reached: std::collections::BTreeSet<_> = world.sent.iter().map(|(_, to, _)| *to).collect();
    assert_eq!(reached.len(), 39, "the intent reaches everyone in one round");
    world.command(7, Swim::leave);
    world.run_for(secs(2));
    assert_eq!(times(&world, 7, "Dead"), 3 * 39);
}

#[test]
fn a_leave_intent_is_seen_before_the_death_it_explains() {
    let mut world = World::cluster(2, 1);
    let dead = encoded(&Message::Dead(Dead { incarnation: 1, node: "n1", from: "n1" }));
    let packet = packet::pack(&[dead, b"\x08\x00leave".to_vec()], Wrap { compress: false, crc: true });
    world.forget_history();
    world.forge(0, addr(1), &packet);
    let order: Vec<_> = world.hosts[0].events.iter().map(|(_, event)| event.clone()).collect();
    assert!(matches!(&order[..], [Event::User(_), Event::Gone { .. }]), "{order:?}");
}

/// Two or more hosts that seal what they send.
fn sealing_cluster(size: usize, packet_overhead: usize) -> World {
    let mut world = World::new(1);
    for at in 0..size {
        world.add_with(Config { packet_overhead, ..config(at, 1) });
        if at > 0 {
            world.join(at, 0);
        }
    }
    assert!(world.run_until(secs(30), World::all_see_all));
    world.run_for(secs(5));
    world.forget_history();
    world
}

#[test]
fn the_longest_user_message_that_fits_has_1395_bytes_or_1366_sealed() {
    for (overhead, fits) in [(0, 1395), (29, 1366)] {
        let mut world = sealing_cluster(2, overhead);
        world.command(0, |swim, _| {
            swim.broadcast(UserQueue::Events, vec![3; fits + 1], Some(Ticket(1)));
            swim.broadcast(UserQueue::Events, vec![4; fits], Some(Ticket(2)));
        });
        let done = |world: &World, ticket| world.count(0, |e| *e == Event::BroadcastDone(Ticket(ticket)));
        assert_eq!(done(&world, 1), 1, "never sent, so done at once");
        world.run_for(secs(3));
        assert_eq!(world.count(1, |e| *e == Event::User(vec![4; fits])), 4);
        assert_eq!(world.count(1, |e| *e == Event::User(vec![3; fits + 1])), 0);
        assert_eq!(done(&world, 2), 1);
        assert_eq!(world.hosts[0].swim.queued(UserQueue::Events), 0);
    }
}

#[test]
fn no_packet_exceeds_the_budget_and_its_checksum_once_it_is_sealed() {
    // Plain, encrypted, encrypted with the longest label.
    for overhead in [0, 29, 29 + 257] {
        let mut world = sealing_cluster(3, overhead);
        world.command(0, |swim, now| {
            for at in 0..600_u32 {
                let size = usize::try_from(at % 200 + 1).unwrap();
                swim.broadcast(UserQueue::Queries, vec![4; size], None);
            }
            swim.set_meta(now, vec![7; 512]);
        });
        world.run_for(secs(20));
        let longest = world.sent.iter().map(|(.., bytes)| bytes.len()).max().unwrap();
        assert!((1380..=1405).contains(&(longest + overhead)), "{longest} and {overhead}");
    }
}

#[test]
fn memberlists_news_come_first_then_intents_queries_events() {
    let mut world = World::cluster(2, 1);
    world.forget_history();
    world.command(0, |swim, _| {
        swim.broadcast(UserQueue::Events, b"\x03e".to_vec(), None);
        swim.broadcast(UserQueue::Queries, b"\x04q".to_vec(), None);
        swim.broadcast(UserQueue::Intents, b"\x00i".to_vec(), None);
    });
    let other: RawAddr = core::net::IpAddr::from([10, 7, 7, 7]).into();
    let alive =
        Alive { incarnation: 1, node: "x", addr: other, port: 1, meta: b"", versions: Some(Versions::OURS) };
    world.forge(0, addr(1), &encoded(&Message::Alive(alive)));
    world.run_for(millis(1));
    let first = world.sent.iter().find(|(_, to, _)| *to == addr(1)).unwrap();
    let kinds: Vec<String> = leaves(&first.2).iter().map(|leaf| leaf.chars().take(9).collect()).collect();
    assert_eq!(kinds, ["Alive(Ali", "User([0, ", "User([4, ", "User([3, "]);
}

#[test]
fn news_ride_on_probes_and_their_acks() {
    let mut world = World::cluster(2, 1);
    // Its gossip rounds find nobody to send to, so only directed packets can carry the news.
    world.hosts[0].swim.config.profile.gossip_nodes = 0;
    world.command(0, |swim, _| swim.broadcast(UserQueue::Events, b"\x03rides".to_vec(), None));
    world.run_for(secs(4));
    assert_eq!(world.count(1, |e| *e == Event::User(b"\x03rides".to_vec())), 4);
}

#[test]
fn a_strangers_ping_carries_no_news_away() {
    let mut world = World::cluster(2, 1);
    world.command(0, |swim, _| swim.broadcast(UserQueue::Events, b"\x03secret".to_vec(), None));
    world.forget_history();
    let ping = Message::Ping(muster_wire::memberlist::Ping { seq_no: 1, node: "n0", source: None });
    world.forge(0, "10.66.6.6:666".parse().unwrap(), &encoded(&ping));
    assert_eq!(leaves(&world.sent[0].2), ["Ack(Ack { seq_no: 1, payload: [] })"]);
}

#[test]
fn gossip_has_a_checksum_for_those_who_read_it_and_directed_packets_have_none() {
    let mut world = World::new(1);
    world.add();
    let mut old = config(1, 1);
    old.versions = Versions([1, 4, 2, 2, 5, 5]);
    world.add_with(old);
    world.add();
    world.join(1, 0);
    world.join(2, 0);
    world.run_for(secs(10));
    let crc = |to: usize, gossip: bool| {
        let is_gossip =
            |bytes: &[u8]| !leaves(bytes).iter().any(|l| l.starts_with("Ping") || l.starts_with("Ack"));
        world
            .sent
            .iter()
            .filter(move |(from, at, bytes)| *from == 0 && *at == addr(to) && is_gossip(bytes) == gossip)
            .map(|(.., bytes)| bytes[0] == 12)
            .collect::<std::collections::BTreeSet<bool>>()
    };
    assert_eq!(crc(2, true), [true].into());
    assert_eq!(crc(1, true), [false].into());
    assert_eq!(crc(1, false), [false].into());
    assert_eq!(crc(2, false), [false].into());
}

#[test]
fn a_probe_of_a_suspect_brings_the_accusation_along() {
    let mut world = World::cluster(3, 1);
    world.part(&[2], &[0, 1]);
    world.forget_history();
    let suspect = Suspect { incarnation: 1, node: "n2", from: "n1" };
    world.forge(0, addr(1), &encoded(&Message::Suspect(suspect)));
    world.run_for(secs(3));
    let told: Vec<_> = world.sent.iter().filter(|(at, to, _)| *at == 0 && *to == addr(2)).collect();
    let both =
        |leaves: &[String]| matches!(leaves, [a, b] if a.starts_with("Ping") && b.starts_with("Suspect"));
    let probe = told.iter().find(|(.., bytes)| both(&leaves(bytes))).expect("a ping with its accusation");
    assert_eq!(probe.2[0], 12, "with a checksum, as the record is at hand");
}

#[test]
fn a_directed_user_message_travels_alone() {
    let mut world = World::cluster(2, 1);
    world.forget_history();
    world.command(0, |swim, _| {
        swim.broadcast(UserQueue::Events, b"\x03other".to_vec(), None);
        swim.send_user(addr(1), b"\x05answer");
    });
    assert_eq!(world.sent[0].2, b"\x08\x05answer");
}

#[test]
fn a_user_message_on_a_stream_is_heard_and_the_stream_closed() {
    let mut world = World::cluster(1, 1);
    let swim = &mut world.hosts[0].swim;
    let bytes = muster_wire::stream::encode_user(b"\x03tcp", true);
    let stream = crate::StreamId::Inbound(1);
    swim.handle(world.now, Input::Stream { stream, from: addr(1), bytes: &bytes });
    let outputs: Vec<_> = core::iter::from_fn(|| swim.poll_output()).collect();
    assert_eq!(outputs, [Output::Event(Event::User(b"\x03tcp".to_vec())), Output::Close { stream }]);
}

#[test]
fn the_periodic_exchange_mends_what_gossip_lost() {
    let mut world = World::cluster(3, 1);
    world.loss = 1.0;
    world.command(1, |swim, now| swim.set_meta(now, b"\xff\x81\xa1x\xa1y".to_vec()));
    world.loss = 0.0;
    // The first round was lost, and there shall be no other.
    world.hosts[1].swim.gossip = crate::gossip::Gossip::new(1);
    let shows =
        |w: &World, at: usize| w.hosts[at].swim.nodes.get("n1").is_some_and(|node| node.meta.len() == 6);
    world.run_for(millis(500));
    assert!(!shows(&world, 0) && !shows(&world, 2));
    assert!(world.run_until(secs(60), |w| shows(w, 0) && shows(w, 2)));
}

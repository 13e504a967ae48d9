//! Accusations, explained.

use super::world::{World, addr, datagram, millis, name, secs};
use crate::{Finding, Swim, Verdict, Way, Why};
use core::net::SocketAddr;
use muster_wire::memberlist::{Dead, Message, NodeState, PushPullNode, Suspect};
use muster_wire::{Versions, stream};

fn why(world: &World, at: usize, other: usize) -> Why {
    world.hosts[at].swim.why(&name(other)).expect("known or accused")
}

fn findings(world: &World, at: usize, other: usize) -> Vec<Finding> {
    why(world, at, other).findings
}

fn gossip(from: SocketAddr, teller: Option<usize>) -> Way {
    Way::Gossip { from, teller: teller.map(name) }
}

#[test]
fn a_dead_member_shows_who_found_it_and_by_which_ways_it_was_tried() {
    let mut world = World::cluster(5, 2);
    world.kill(4);
    assert!(world.run_until(secs(30), |w| (0..4).all(|at| w.state(at, 4) == Some(NodeState::Dead))));
    let mut own_probes = 0;
    for at in 0..4 {
        let found = findings(&world, at, 4);
        assert_eq!(found[0].verdict, Verdict::Suspected);
        assert_eq!(found.last().unwrap().verdict, Verdict::FoundDead);
        assert!(found.windows(2).all(|two| two[0].at <= two[1].at));
        for finding in &found {
            assert_eq!((finding.incarnation, finding.health_score), (1, 0));
            match &finding.way {
                Way::Probe { relays, nacks, tcp } => {
                    own_probes += 1;
                    assert_eq!((&*finding.by, finding.verdict), (&*name(at), Verdict::Suspected));
                    assert_eq!((relays.len(), *nacks), (3, 3));
                    assert!(!relays.contains(&name(at)) && !relays.contains(&name(4)));
                    assert_eq!(tcp.as_deref(), Some("connection refused"));
                }
                Way::TimeUp => assert_eq!((&*finding.by, finding.verdict), (&*name(at), Verdict::FoundDead)),
                Way::Gossip { from, teller } => {
                    let teller = teller.as_deref().expect("a member told it");
                    assert_eq!(*from, addr(teller.trim_start_matches('n').parse().unwrap()));
                    assert_ne!(finding.by, name(at));
                }
                // The accuser is whoever learnt of it, since a peer's word is only a hint.
                Way::Exchange { .. } => assert_eq!(&*finding.by, &*name(at)),
                Way::OwnWord => panic!("the dead do not speak"),
            }
        }
    }
    assert!(own_probes >= 2, "two confirmations are the rule");
    // Also when nobody remembers the member itself.
    world.run_for(secs(60));
    assert_eq!(world.state(0, 4), None);
    assert!(!findings(&world, 0, 4).is_empty());
}

#[test]
fn a_rumour_shows_its_accuser_its_teller_and_how_it_ended() {
    let mut world = World::cluster(4, 2);
    world.hosts[0].swim.awareness.degrade(2);
    let suspect = Suspect { incarnation: 1, node: "n3", from: "n1" };
    let bytes = datagram(&Message::Suspect(suspect));
    let accused = world.now;
    world.forge(0, addr(2), &bytes);
    assert!(why(&world, 0, 3).suspect_until.is_some_and(|until| until > accused));
    world.forge(0, addr(1), &bytes);
    assert!(world.run_until(secs(4), |w| w.incarnation(0, 3) == 2));
    world.forge(0, addr(1), &bytes);
    let found = findings(&world, 0, 3);
    let expected = Finding {
        at: accused,
        verdict: Verdict::Suspected,
        by: name(1),
        incarnation: 1,
        way: gossip(addr(2), Some(2)),
        health_score: 2,
    };
    assert_eq!(found[0], expected, "as first heard");
    assert_eq!(found.len(), 2, "neither repetitions nor what is about a former life");
    let refuted = &found[1];
    assert_eq!((refuted.verdict, &*refuted.by, refuted.incarnation), (Verdict::Refuted, "n3", 2));
    assert_eq!(refuted.way, Way::OwnWord);
    assert_eq!(why(&world, 0, 3).suspect_until, None);
    // The accused knows as well who doubted it.
    let own = findings(&world, 3, 3);
    assert_eq!((own[0].verdict, &*own[0].by), (Verdict::Suspected, "n1"));
    assert_eq!((own[1].verdict, own[1].incarnation), (Verdict::Refuted, 2));
}

#[test]
fn what_a_peer_shows_in_an_exchange_is_told_as_that() {
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
    let (from, stream) = ("10.0.0.9:40000".parse().unwrap(), crate::StreamId::Inbound(1));
    let now = world.now;
    world.command(0, |swim, _| {
        swim.handle(now, crate::Input::Stream { stream, from, bytes: &bytes });
        swim.supply_state(now, stream, b"");
        swim.merge_request(now, stream, &bytes);
        while swim.poll_output().is_some() {}
    });
    let found = findings(&world, 0, 2);
    assert_eq!(found[0].way, Way::Exchange { with: from, teller: None });
    assert_eq!(found[0].verdict, Verdict::Suspected);
}

#[test]
fn who_was_never_accused_shows_its_last_round_trip_and_who_was_its_last_four() {
    let mut world = World::cluster(3, 1);
    world.latency = millis(20);
    world.run_for(secs(20));
    assert_eq!(
        why(&world, 0, 1),
        Why { findings: vec![], round_trips: vec![millis(40)], suspect_until: None }
    );
    let suspect = Suspect { incarnation: 1, node: "n1", from: "n2" };
    world.forge(0, addr(2), &datagram(&Message::Suspect(suspect)));
    assert_eq!(why(&world, 0, 1).round_trips, [millis(40)]);
    world.latency = millis(10);
    world.run_for(secs(5));
    let trips = why(&world, 0, 1).round_trips;
    assert!(trips.starts_with(&[millis(40)]) && trips.ends_with(&[millis(20)]), "{trips:?}");
    world.run_for(secs(20));
    assert_eq!(why(&world, 0, 1).round_trips, [millis(20); 4]);
}

#[test]
fn an_ack_by_a_relay_is_no_round_trip() {
    let mut world = World::cluster(4, 1);
    world.run_for(secs(20));
    let before = why(&world, 0, 1).round_trips;
    world.firewall(0, 1);
    world.run_for(secs(20));
    assert_eq!(why(&world, 0, 1).round_trips, before);
    assert!(world.state(0, 1) == Some(NodeState::Alive));
}

#[test]
fn eight_findings_of_256_names_are_kept() {
    let mut world = World::cluster(2, 1);
    let claim = |swim: &Swim, name: &str| swim.why(name).is_some_and(|why| !why.findings.is_empty());
    for at in 0..300 {
        let node = format!("m{at}");
        let addr = muster_wire::RawAddr::V4([10, 77, 0, 1]);
        let alive = muster_wire::memberlist::Alive {
            incarnation: 1,
            node: &node,
            addr,
            port: 7946,
            meta: b"",
            versions: Some(Versions::OURS),
        };
        world.forge(0, super::world::addr(1), &datagram(&Message::Alive(alive)));
        world.now = world.now + millis(1);
        for accuser in 0..20 {
            let from = format!("accuser-{accuser}");
            let suspect = Suspect { incarnation: 1, node: &node, from: &from };
            world.forge(0, super::world::addr(1), &datagram(&Message::Suspect(suspect)));
        }
        let found = world.hosts[0].swim.why(&node).unwrap().findings;
        assert_eq!(found.len(), 8);
        assert_eq!(found[7].by, "accuser-19", "the latest");
    }
    let swim = &world.hosts[0].swim;
    assert_eq!((0..300).filter(|at| claim(swim, &format!("m{at}"))).count(), 256);
    assert!(!claim(swim, "m43") && claim(swim, "m44"), "the oldest made room");
}

#[test]
fn nobody_is_explained_who_is_unknown_or_accused_in_vain() {
    let mut world = World::cluster(3, 1);
    assert_eq!(world.hosts[0].swim.why("stranger"), None);
    for message in [
        Message::Suspect(Suspect { incarnation: 1, node: "stranger", from: "n1" }),
        Message::Suspect(Suspect { incarnation: 0, node: "n1", from: "n2" }),
        Message::Dead(Dead { incarnation: 0, node: "n1", from: "n2" }),
    ] {
        world.forge(0, addr(2), &datagram(&message));
    }
    assert_eq!(world.hosts[0].swim.why("stranger"), None);
    assert_eq!(findings(&world, 0, 1), []);
}

//! TCP as the second way to ask.

use super::world::{World, addr, config, millis, name, secs};
use crate::{Event, Input, Output, StreamId};
use muster_wire::Versions;
use muster_wire::memberlist::{Ack, Message, NodeState};
use muster_wire::stream::{self, Inbound};

/// How often `at` was told that `other` answers by TCP only.
fn streams_only(world: &World, at: usize, other: usize) -> usize {
    let told = Event::StreamsOnly { name: name(other), at: addr(other) };
    world.count(at, |event| *event == told)
}

#[test]
fn a_member_that_answers_by_tcp_alone_stays_and_it_is_told_once_a_minute() {
    // Two nodes: there is nobody to ask for help.
    let mut world = World::cluster(2, 1);
    world.firewall(0, 1);
    world.forget_history();
    world.run_for(secs(59));
    for (at, other) in [(0, 1), (1, 0)] {
        assert_eq!(world.count(at, |e| matches!(e, Event::Suspected { .. } | Event::Gone { .. })), 0);
        assert_eq!(streams_only(&world, at, other), 1);
        assert_eq!(world.hosts[at].swim.health_score(), 0, "a success is a success");
    }
    world.run_for(secs(60));
    assert_eq!(streams_only(&world, 0, 1), 2);
}

#[test]
fn an_indirect_ack_beats_tcp_and_nothing_is_told() {
    let mut world = World::cluster(5, 4);
    world.firewall(0, 1);
    world.forget_history();
    world.run_for(secs(60));
    assert_eq!(streams_only(&world, 0, 1) + streams_only(&world, 1, 0), 0);
    assert!(world.trace.contains("Open"), "TCP was tried beside the others");
}

#[test]
fn a_healthy_cluster_opens_no_stream_but_for_its_exchanges() {
    let mut world = World::cluster(5, 4);
    world.forget_history();
    world.run_for(secs(60));
    let opened = world.trace.lines().filter(|line| line.contains(" Open {")).count();
    let exchanges = (0..5).map(|at| world.count(at, |e| matches!(e, Event::Synced { .. }))).sum::<usize>();
    assert!(exchanges > 0);
    assert_eq!(opened, exchanges);
}

#[test]
fn a_member_too_old_for_tcp_pings_is_asked_none() {
    for (protocol_max, asked) in [(2, 0), (3, 1)] {
        let mut world = World::new(1);
        world.add();
        let mut old = config(1, 1);
        old.versions = Versions([1, protocol_max, 2, 2, 5, 5]);
        world.add_with(old);
        world.join(1, 0);
        world.run_for(secs(5));
        world.kill(1);
        world.forget_history();
        assert!(world.run_until(secs(10), |w| w.state(0, 1) == Some(NodeState::Suspect)));
        assert_eq!(world.trace.matches(" Open {").count(), asked, "protocol {protocol_max}");
    }
}

#[test]
fn only_the_ack_of_this_ping_counts_on_a_stream() {
    for (offset, survives) in [(0_u32, true), (1, false)] {
        let mut world = World::cluster(2, 1);
        let swim = &mut world.hosts[0].swim;
        let mut opened: Option<(StreamId, u32)> = None;
        let mut suspected = false;
        for _ in 0..5 {
            let now = swim.next_timeout().unwrap();
            swim.handle(now, Input::Timeout);
            while let Some(output) = swim.poll_output() {
                match output {
                    Output::Open { stream, bytes, reply, deadline, .. } => {
                        assert!(reply && deadline == now + millis(500));
                        let mut plain = Vec::new();
                        let ping = Inbound::decode(&bytes, &mut plain);
                        let Ok(Inbound::Message(Message::Ping(ping))) = ping else { panic!("not a ping") };
                        assert_eq!(ping.node, "n1");
                        opened = Some((stream, ping.seq_no));
                    }
                    Output::Event(Event::Suspected { .. }) => suspected = true,
                    _ => {}
                }
            }
            if let Some((stream, seq_no)) = opened.take() {
                let ack = Message::Ack(Ack { seq_no: seq_no.wrapping_add(offset), payload: &[] });
                let bytes = stream::encode_message(&ack, true);
                swim.handle(now, Input::Stream { stream, from: addr(1), bytes: &bytes });
            }
        }
        assert_eq!(suspected, !survives);
    }
}

//! Finding out who is dead, and only them.

use super::world::{World, addr, datagram, leaves, millis, secs};
use crate::{Event, GoneWhy, Input, Instant};
use muster_wire::memberlist::{IndirectPing, Message, NodeState, Ping, Source, Suspect};

#[test]
fn a_silent_node_is_suspected_then_failed_in_the_computed_window() {
    for seed in 0..10 {
        let mut world = World::cluster(5, seed);
        let death = world.now;
        world.kill(4);
        assert!(world.run_until(secs(30), |w| (0..4).all(|at| w.state(at, 4) == Some(NodeState::Dead))));
        for at in 0..4 {
            let suspected = world.hosts[at].events.iter().find_map(|(when, event)| match event {
                Event::Suspected { name, .. } if name == "n4" => Some(*when),
                _ => None,
            });
            let suspicion = world.losses(at, 4)[0].0 - suspected.unwrap();
            // Five members: 4 seconds when two confirm, 24 when nobody does. Others' verdict may come a little earlier
            // than our own.
            assert!(suspicion >= millis(3_800) && suspicion <= secs(24), "seed {seed}: {suspicion:?}");
            assert_eq!(world.losses(at, 4)[0].1, GoneWhy::Failed);
        }
        // A full probe round of five, the probe itself, and the suspicion with its confirmations.
        assert!(world.now - death < secs(5 + 1 + 12), "seed {seed}: {:?}", world.now - death);
    }
}

#[test]
fn two_nodes_need_no_confirmation() {
    let mut world = World::cluster(2, 1);
    let death = world.now;
    world.kill(1);
    assert!(world.run_until(secs(10), |w| w.losses(0, 1).len() == 1));
    // At most one interval until the probe, one for the probe, four of suspicion.
    assert!(world.now - death >= secs(4) && world.now - death <= millis(6_100), "{:?}", world.now - death);
}

#[test]
fn a_falsely_accused_node_refutes_with_a_higher_incarnation() {
    let mut world = World::cluster(4, 2);
    let suspect = Suspect { incarnation: 1, node: "n3", from: "n1" };
    world.forge(0, addr(1), &datagram(&Message::Suspect(suspect)));
    assert_eq!(world.state(0, 3), Some(NodeState::Suspect));
    assert!(world.run_until(secs(4), |w| (0..4).all(|at| w.incarnation(at, 3) == 2)));
    assert!(world.all_see_all());
    assert!((0..4).all(|at| world.losses(at, 3).is_empty()));
    assert_eq!(world.count(0, |e| matches!(e, Event::Joined(_))), 4, "no second join");
}

#[test]
fn a_second_accuser_shortens_the_wait_and_is_passed_on_once() {
    let mut world = World::cluster(5, 1);
    world.kill(4);
    world.forget_history();
    let start = world.now;
    for from in ["n1", "n2", "n2", "n1", "n3", "n2"] {
        let suspect = Suspect { incarnation: 1, node: "n4", from };
        world.forge(0, addr(1), &datagram(&Message::Suspect(suspect)));
    }
    // News about one node replace each other, so that only the last accusation that counted is told.
    world.run_for(millis(50));
    let told = |from: &str| {
        let accusation = format!("Suspect(Suspect {{ incarnation: 1, node: \"n4\", from: \"{from}\" }})");
        world.sent.iter().filter(|(at, _, bytes)| *at == 0 && leaves(bytes).contains(&accusation)).count()
    };
    assert_eq!((told("n1"), told("n2")), (0, 0));
    assert_eq!(told("n3"), 3);
    assert!(world.run_until(secs(24), |w| w.losses(0, 4).len() == 1));
    assert_eq!(world.now - start, secs(4), "two confirmations bring it down to the minimum");
}

#[test]
fn accusations_of_a_former_life_are_void() {
    let mut world = World::cluster(3, 2);
    world.command(1, |swim, now| swim.set_meta(now, b"\xff\x81\xa1x\xa1y".to_vec()));
    world.run_for(secs(2));
    let suspect = Suspect { incarnation: 1, node: "n1", from: "n2" };
    world.forge(0, addr(2), &datagram(&Message::Suspect(suspect)));
    assert_eq!(world.state(0, 1), Some(NodeState::Alive));
}

#[test]
fn a_cut_between_two_is_survived_by_asking_others() {
    let mut world = World::cluster(5, 4);
    world.part(&[0], &[1]);
    world.forget_history();
    world.run_for(secs(60));
    for (at, other) in [(0, 1), (1, 0)] {
        let suspected = |e: &Event| matches!(e, Event::Suspected { .. });
        assert_eq!(world.count(at, suspected), 0);
        assert!(world.losses(at, other).is_empty());
    }
    let indirect = world.sent.iter().filter(|(_, _, bytes)| leaves(bytes)[0].starts_with("IndirectPing"));
    assert!(indirect.count() >= 3, "the direct way was indeed cut");
}

#[test]
fn a_one_way_cut_is_survived_too() {
    let mut world = World::cluster(5, 4);
    world.cut(0, 1);
    world.forget_history();
    world.run_for(secs(60));
    assert!((0..5).all(|at| world.count(at, |e| matches!(e, Event::Suspected { .. })) == 0));
}

#[test]
fn a_partition_heals() {
    let mut world = World::cluster(6, 9);
    world.part(&[0, 1, 2], &[3, 4, 5]);
    assert!(world.run_until(secs(60), |w| (0..3).all(|at| w.state(at, 4) == Some(NodeState::Dead))));
    // Both halves still gossip to their recently dead.
    world.heal();
    assert!(world.run_until(secs(60), World::all_see_all));
}

#[test]
fn a_long_partition_heals_by_one_join() {
    let mut world = World::cluster(6, 9);
    world.part(&[0, 1, 2], &[3, 4, 5]);
    let strangers =
        |w: &World| (0..3).all(|at| (3..6).all(|o| w.state(at, o).is_none() && w.state(o, at).is_none()));
    assert!(world.run_until(secs(300), strangers), "each half forgets the other");
    world.heal();
    world.join(0, 3);
    assert!(world.run_until(secs(60), World::all_see_all));
}

#[test]
fn an_ack_goes_where_the_source_fields_say_and_else_back() {
    let mut world = World::cluster(1, 1);
    let elsewhere = "10.9.9.9:1234".parse().unwrap();
    let asker = "10.8.8.8:99".parse().unwrap();
    let source = Source { addr: core::net::IpAddr::from([10, 9, 9, 9]).into(), port: 1234, node: "x" };
    for (node, source, to) in
        [("n0", Some(source), Some(elsewhere)), ("", None, Some(asker)), ("other", None, None)]
    {
        world.forget_history();
        world.forge(0, asker, &datagram(&Message::Ping(Ping { seq_no: 77, node, source })));
        let answers: Vec<_> = world.sent.iter().map(|(_, to, bytes)| (*to, leaves(bytes))).collect();
        match to {
            Some(to) => assert_eq!(answers, [(to, vec!["Ack(Ack { seq_no: 77, payload: [] })".to_string()])]),
            None => assert_eq!(answers, []),
        }
    }
}

#[test]
fn an_indirect_ping_ends_in_an_ack_or_in_the_nack_that_was_asked_for() {
    let mut world = World::cluster(3, 1);
    world.kill(2);
    let asker = "10.8.8.8:99".parse().unwrap();
    let ask = |target: usize, nack| {
        let addr = addr(target).ip().into();
        let node = if target == 1 { "n1" } else { "n2" };
        let request = IndirectPing { seq_no: 4711, target: addr, port: 0, node, nack, source: None };
        datagram(&Message::IndirectPing(request))
    };
    for (target, nack, answer) in [
        (1, true, Some("Ack(Ack { seq_no: 4711, payload: [] })")),
        (2, true, Some("Nack(Nack { seq_no: 4711 })")),
        (2, false, None),
    ] {
        world.forget_history();
        let request = ask(target, nack);
        world.forge(0, asker, &request);
        world.run_for(millis(600));
        let answers: Vec<_> =
            world.sent.iter().filter(|(_, to, _)| *to == asker).flat_map(|(_, _, b)| leaves(b)).collect();
        assert_eq!(answers, answer.map(String::from).into_iter().collect::<Vec<_>>());
    }
}

#[test]
fn a_ping_on_a_stream_is_answered_if_it_means_us() {
    let mut world = World::cluster(1, 1);
    let swim = &mut world.hosts[0].swim;
    for (node, answered) in [("n0", true), ("", true), ("other", false)] {
        let ping = Message::Ping(Ping { seq_no: 5, node, source: None });
        let bytes = muster_wire::stream::encode_message(&ping, true);
        let stream = crate::StreamId::Inbound(9);
        swim.handle(world.now, Input::Stream { stream, from: addr(7), bytes: &bytes });
        let outputs: Vec<_> = core::iter::from_fn(|| swim.poll_output()).collect();
        let wire = outputs.iter().filter(|o| !matches!(o, crate::Output::Event(_))).collect::<Vec<_>>();
        match answered {
            true => assert!(matches!(wire[..], [crate::Output::Answer { .. }]), "{wire:?}"),
            false => assert_eq!(wire, [&crate::Output::Close { stream }]),
        }
    }
}

#[test]
fn a_relay_forwards_a_late_ack_after_its_nack() {
    let mut world = World::cluster(2, 1);
    let asker = "10.8.8.8:99".parse().unwrap();
    // The way to n1 and back takes longer than the nack waits, and less than the ack may.
    world.latency = millis(230);
    let target = addr(1).ip().into();
    let request = IndirectPing { seq_no: 7, target, port: 7946, node: "n1", nack: true, source: None };
    world.forget_history();
    world.forge(0, asker, &datagram(&Message::IndirectPing(request)));
    world.run_for(millis(700));
    let answers = world.sent.iter().filter(|(_, to, _)| *to == asker).flat_map(|(_, _, bytes)| leaves(bytes));
    assert_eq!(
        answers.collect::<Vec<_>>(),
        ["Nack(Nack { seq_no: 7 })", "Ack(Ack { seq_no: 7, payload: [] })"]
    );
}

#[test]
fn a_node_that_hears_nobody_doubts_itself_and_probes_slower() {
    let mut world = World::cluster(6, 1);
    world.part(&[0], &[1, 2, 3, 4, 5]);
    let pings = |world: &World| {
        world.sent.iter().filter(|(at, _, b)| *at == 0 && leaves(b)[0].starts_with("Ping")).count()
    };
    world.forget_history();
    // The first failed probe costs three nacks that never came: the second takes four seconds, the third seven or so.
    world.run_for(secs(11));
    assert!(world.hosts[0].swim.health_score() >= 6);
    assert!(pings(&world) <= 4, "{}", pings(&world));
    world.heal();
    assert!(world.run_until(secs(90), |w| w.hosts[0].swim.health_score() == 0));
}

#[test]
fn a_node_whose_relays_nack_does_not_doubt_itself() {
    let mut world = World::cluster(6, 1);
    world.kill(0);
    world.run_for(secs(4));
    assert!((1..6).any(|at| world.state(at, 0) == Some(NodeState::Suspect)));
    assert!((1..6).all(|at| world.hosts[at].swim.health_score() == 0));
}

#[test]
fn a_sleep_moves_every_deadline() {
    let mut world = World::cluster(2, 1);
    let due = world.hosts[0].swim.next_timeout().unwrap();
    world.sleep(0, secs(3600));
    assert_eq!(world.hosts[0].swim.next_timeout(), Some(due + secs(3600)));
}

#[test]
fn a_sleeper_takes_no_silence_from_before_or_just_after_for_death() {
    for seed in 0..10 {
        let mut world = World::cluster(2, seed);
        world.kill(1);
        // Asleep in the middle of a probe that would have failed.
        world.forget_history();
        assert!(world.run_until(secs(2), |w| !w.sent.is_empty()));
        world.sleep(0, secs(3600));
        let awake = world.now;
        assert!(world.run_until(secs(10), |w| w.state(0, 1) == Some(NodeState::Suspect)));
        // A round of truce, then a whole probe.
        assert!(world.now - awake >= secs(2), "seed {seed}: {:?}", world.now - awake);
    }
}

#[test]
fn a_suspicion_gets_the_time_back_that_was_slept_and_a_round_at_least() {
    // Between two nodes a suspicion lasts four seconds; after the probe that failed meanwhile, a round lasts two.
    for (before, after) in [(secs(1), secs(3)), (millis(3_500), secs(2))] {
        let mut world = World::cluster(2, 1);
        world.kill(1);
        let suspect = Suspect { incarnation: 1, node: "n1", from: "x" };
        world.forge(0, addr(9), &datagram(&Message::Suspect(suspect)));
        world.run_for(before);
        world.sleep(0, secs(3600));
        let awake = world.now;
        assert!(world.run_until(secs(10), |w| w.losses(0, 1).len() == 1));
        assert_eq!(world.now - awake, after);
    }
}

#[test]
fn a_host_back_from_an_hours_pause_rejoins_without_accusing_anyone() {
    let mut world = World::cluster(5, 1);
    world.sleep(2, secs(3600));
    assert_eq!(world.state(0, 2), None, "the others forgot it");
    world.forget_history();
    assert!(world.run_until(secs(60), World::all_see_all));
    let accused = |e: &Event| matches!(e, Event::Suspected { .. } | Event::Gone { .. });
    assert!((0..5).all(|at| world.count(at, accused) == 0));
}

#[test]
fn an_ack_that_lay_in_the_socket_counts_however_late_it_is_read() {
    let mut world = World::cluster(2, 1);
    // Catch n0 right after it sent a ping, and freeze it until long after the probe's end.
    world.forget_history();
    assert!(world.run_until(secs(2), |w| w.sent.iter().any(|(at, ..)| *at == 0)));
    let seq = leaves(&world.sent.last().unwrap().2)[0].clone();
    let seq_no: u32 = seq.split("seq_no: ").nth(1).unwrap().split(',').next().unwrap().parse().unwrap();
    let late: Instant = world.now + secs(3);
    let ack = datagram(&Message::Ack(muster_wire::memberlist::Ack { seq_no, payload: &[] }));
    let swim = &mut world.hosts[0].swim;
    swim.handle(late, Input::Packet { from: addr(1), bytes: &ack });
    swim.handle(late, Input::Timeout);
    let outputs: Vec<_> = core::iter::from_fn(|| swim.poll_output()).collect();
    assert!(
        !outputs.iter().any(|o| matches!(o, crate::Output::Event(Event::Suspected { .. }))),
        "{outputs:?}"
    );
}

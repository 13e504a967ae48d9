//! Exchanges after many changes at once.

use super::world::{World, addr, config, datagram, millis, name, secs};
use crate::gossip::Gossip;
use crate::{Event, Input, Instant, Output, Swim};
use muster_wire::memberlist::{Alive, Message};
use muster_wire::{RawAddr, Versions};
use std::collections::BTreeSet;

fn exchanges(world: &World, at: usize) -> usize {
    world.count(at, |e| matches!(e, Event::Synced { join: false, .. }))
}

/// Changes the meta of the first `count` hosts, of which no gossip arrives.
fn unheard_changes(world: &mut World, count: usize) {
    world.loss = 1.0;
    for at in 0..count {
        world.command(at, |swim, now| swim.set_meta(now, b"\xff\x81\xa1x\xa1y".to_vec()));
        world.hosts[at].swim.gossip = Gossip::new(1);
    }
    world.loss = 0.0;
}

fn all_know(world: &World, changed: usize) -> bool {
    let knows = |host: usize, at: usize| {
        world.hosts[host].swim.nodes.get(&name(at)).is_some_and(|node| node.meta.len() == 6)
    };
    (0..world.hosts.len()).all(|host| (0..changed).all(|at| knows(host, at)))
}

#[test]
fn a_burst_that_gossip_lost_is_known_by_all_within_seconds() {
    for seed in 0..2 {
        let mut world = World::cluster(40, seed);
        world.run_for(secs(60));
        unheard_changes(&mut world, 30);
        world.forget_history();
        // One exchange with anybody who knows many of them makes a burst of it at the other side too.
        let start = world.now;
        // At the ordinary pace it takes close to a minute.
        assert!(world.run_until(secs(15), |w| all_know(w, 30)), "seed {seed}");
        let synced = world
            .hosts
            .iter()
            .flat_map(|host| &host.events)
            .filter(|(_, e)| matches!(e, Event::Synced { .. }));
        let seconds: BTreeSet<u64> = synced.map(|(when, _)| (*when - start).as_secs()).collect();
        assert!(seconds.len() >= 3, "not all at the same moment: {seconds:?}");
        // Then back to the ordinary pace: once in 60 seconds for 33 to 64 members.
        world.run_for(secs(60));
        world.forget_history();
        world.run_for(secs(120));
        let after = (0..40).map(|at| exchanges(&world, at)).sum::<usize>();
        assert!((75..=85).contains(&after), "seed {seed}: {after}");
    }
}

#[test]
fn few_changes_hurry_nothing_and_many_do_until_two_exchanges_bring_nothing_new() {
    // The victim of the forgeries adds one more, by its refutation.
    for (changes, soon) in [(15_u8, 0), (16, 2)] {
        let mut world = World::cluster(3, 1);
        world.run_for(secs(60));
        // Right after an ordinary exchange the next is 30 seconds away.
        world.forget_history();
        assert!(world.run_until(secs(31), |w| exchanges(w, 0) == 1));
        world.forget_history();
        for at in 0..changes {
            let alive = Alive {
                incarnation: u32::from(at) + 2,
                node: "n1",
                addr: addr(1).ip().into(),
                port: 7946,
                meta: &[0xff, 0x80, at],
                versions: Some(Versions::OURS),
            };
            world.forge(0, addr(1), &datagram(&Message::Alive(alive)));
        }
        world.run_for(secs(25));
        assert_eq!(exchanges(&world, 0), soon, "{changes} changes");
        world.forget_history();
        world.run_for(secs(300));
        assert!((9..=11).contains(&exchanges(&world, 0)), "the ordinary pace again");
    }
}

#[test]
fn a_burst_that_never_ends_is_paced() {
    let mut swim = Swim::new(config(0, 1), Instant::default());
    let mut now = Instant::default();
    let mut opened = 0;
    for at in 0..2000_u32 {
        now = now + millis(100);
        let node = format!("m{at}");
        let [.., c, d] = at.to_be_bytes();
        let addr = RawAddr::V4([10, 9, c, d]);
        let alive =
            Alive { incarnation: 1, node: &node, addr, port: 1, meta: b"", versions: Some(Versions::OURS) };
        let bytes = datagram(&Message::Alive(alive));
        swim.handle(now, Input::Packet { from: super::world::addr(1), bytes: &bytes });
        swim.handle(now, Input::Timeout);
        let mut wanted = Vec::new();
        while let Some(output) = swim.poll_output() {
            match output {
                Output::Event(Event::StateWanted { stream, .. }) => wanted.push(stream),
                // An exchange shows its state; a ping is short.
                Output::Open { bytes, .. } => opened += usize::from(bytes.len() > 200),
                _ => {}
            }
        }
        for stream in wanted {
            swim.supply_state(now, stream, b"");
            while let Some(output) = swim.poll_output() {
                opened += usize::from(matches!(output, Output::Open { .. }));
            }
        }
    }
    // 200 seconds.
    assert!((35..=41).contains(&opened), "{opened}");
}

//! Lifeguard's local health, to the letter of memberlist's state.go (`probeNode`): what each outcome of a probe costs.

use super::world::{World, addr, config, datagram, millis, secs};
use crate::awareness::Awareness;
use crate::{Event, Input, Instant, Output, StreamId, Swim};
use core::net::SocketAddr;
use muster_wire::memberlist::{Ack, Alive, Message, Nack, Suspect};
use muster_wire::stream::{self, Inbound};
use muster_wire::{Versions, packet};

/// One node, and members that do only what the test says.
struct Lab {
    swim: Swim,
    now: Instant,
    /// Indirect pings sent, and the stream opened, since the last probe began.
    asked: usize,
    stream: Option<StreamId>,
    seq_no: u32,
    suspected: bool,
}

impl Lab {
    /// Members of these memberlist versions, and a score of 3.
    fn new(protocol_max: &[u8]) -> Self {
        let mut config = config(0, 1);
        config.profile.push_pull_interval = secs(1_000_000);
        let swim = Swim::new(config, Instant::default());
        let mut lab =
            Self { swim, now: Instant::default(), asked: 0, stream: None, seq_no: 0, suspected: false };
        for (at, max) in (1..).zip(protocol_max) {
            let node = format!("n{at}");
            let versions = Some(Versions([1, *max, 2, 2, 5, 5]));
            let alive = Alive {
                incarnation: 1,
                node: &node,
                addr: addr(at).ip().into(),
                port: 7946,
                meta: b"",
                versions,
            };
            lab.packet(&Message::Alive(alive));
        }
        lab.swim.awareness.degrade(3);
        lab
    }

    fn packet(&mut self, message: &Message<'_>) {
        let from: SocketAddr = addr(1);
        self.swim.handle(self.now, Input::Packet { from, bytes: &datagram(message) });
        self.look();
    }

    fn look(&mut self) {
        while let Some(output) = self.swim.poll_output() {
            match output {
                Output::Send { bytes, .. } => packet::unwrap(&bytes, &mut |message| match message.unwrap() {
                    Message::Ping(ping) => self.seq_no = ping.seq_no,
                    Message::IndirectPing(request) => {
                        assert_eq!(request.seq_no, self.seq_no);
                        self.asked += 1;
                    }
                    _ => {}
                })
                .unwrap(),
                Output::Open { stream, bytes, .. } => {
                    let mut plain = Vec::new();
                    let ping = Inbound::decode(&bytes, &mut plain).unwrap();
                    assert!(
                        matches!(ping, Inbound::Message(Message::Ping(ping)) if ping.seq_no == self.seq_no)
                    );
                    self.stream = Some(stream);
                }
                Output::Event(Event::Suspected { .. }) => self.suspected = true,
                _ => {}
            }
        }
    }

    fn wait_until(&mut self, done: impl Fn(&Self) -> bool) {
        while !done(self) {
            self.now = self.swim.next_timeout().unwrap().max(self.now);
            self.swim.handle(self.now, Input::Timeout);
            self.look();
        }
    }

    fn begin(&mut self) {
        let last = self.seq_no;
        self.wait_until(|lab| lab.seq_no != last);
        self.asked = 0;
    }

    /// Begins a probe and lets it look for other ways.
    fn begin_otherwise(&mut self) {
        self.begin();
        let before = self.now;
        self.now = before + millis(500);
        self.swim.handle(self.now, Input::Timeout);
        self.look();
    }

    /// To the end of the scaled interval.
    fn end(&mut self) {
        self.now = self.now + secs(3) + millis(500);
        self.swim.handle(self.now, Input::Timeout);
        self.look();
    }

    fn nack(&mut self) {
        let seq_no = self.seq_no;
        self.packet(&Message::Nack(Nack { seq_no }));
    }

    fn ack(&mut self, seq_no: u32) {
        self.packet(&Message::Ack(Ack { seq_no, payload: &[] }));
    }

    fn score(&self) -> u32 {
        self.swim.health_score()
    }
}

#[test]
fn each_relay_that_does_not_even_nack_costs_one() {
    for (nacks, score) in [(0, 6), (1, 5), (2, 4), (3, 3), (5, 3)] {
        let mut lab = Lab::new(&[5; 6]);
        lab.begin_otherwise();
        assert_eq!(lab.asked, 3);
        (0..nacks).for_each(|_| lab.nack());
        lab.end();
        assert_eq!(lab.score(), score, "{nacks} nacks");
    }
}

#[test]
fn relays_too_old_to_nack_are_not_expected_to() {
    // Version 3 relays as well, and does not nack.
    let mut lab = Lab::new(&[3; 6]);
    lab.begin_otherwise();
    assert_eq!(lab.asked, 3);
    lab.end();
    assert_eq!(lab.score(), 4, "any failed probe costs one");
}

#[test]
fn without_relays_a_failed_probe_costs_one() {
    let mut lab = Lab::new(&[5]);
    lab.begin_otherwise();
    assert_eq!(lab.asked, 0);
    lab.end();
    assert_eq!(lab.score(), 4);
}

#[test]
fn any_answer_in_time_gains_one() {
    let direct = |lab: &mut Lab| {
        lab.begin();
        lab.ack(lab.seq_no);
    };
    let relayed = |lab: &mut Lab| {
        lab.begin_otherwise();
        lab.nack();
        lab.ack(lab.seq_no);
    };
    let by_tcp = |lab: &mut Lab| {
        lab.begin_otherwise();
        let ack = Message::Ack(Ack { seq_no: lab.seq_no, payload: &[] });
        let bytes = stream::encode_message(&ack, true);
        let stream = lab.stream.unwrap();
        lab.swim.handle(lab.now, Input::Stream { stream, from: addr(1), bytes: &bytes });
        assert_eq!(lab.score(), 3, "counted at the end: a datagram may still come");
        lab.end();
    };
    let outcomes: [&dyn Fn(&mut Lab); 3] = [&direct, &relayed, &by_tcp];
    for outcome in outcomes {
        let mut lab = Lab::new(&[5; 6]);
        outcome(&mut lab);
        assert_eq!(lab.score(), 2);
    }
}

#[test]
fn an_ack_after_the_end_is_too_late() {
    let mut lab = Lab::new(&[5; 6]);
    lab.begin_otherwise();
    let seq_no = lab.seq_no;
    lab.end();
    assert_eq!(lab.score(), 6);
    lab.ack(seq_no);
    assert_eq!(lab.score(), 6);
}

#[test]
fn being_accused_costs_one() {
    let mut world = World::cluster(2, 1);
    let suspect = Suspect { incarnation: 1, node: "n0", from: "n1" };
    world.forge(0, addr(1), &datagram(&Message::Suspect(suspect)));
    assert_eq!(world.hosts[0].swim.health_score(), 1);
    world.forge(0, addr(1), &datagram(&Message::Suspect(suspect)));
    assert_eq!(world.hosts[0].swim.health_score(), 1, "of a former life");
}

#[test]
fn being_throttled_costs_one_each_time_up_to_7_and_answered_probes_heal() {
    let mut world = World::cluster(2, 1);
    assert!(world.run_until(secs(60), |w| w.hosts[0].swim.health_score() == 0));
    for told in 1..=10 {
        world.throttle(0);
        assert_eq!(world.hosts[0].swim.health_score(), told.min(7));
    }
    assert!(world.run_until(secs(60), |w| w.hosts[0].swim.health_score() == 0));
    assert_eq!(world.hosts[1].swim.health_score(), 0, "it is told to nobody");
}

#[test]
fn whoever_is_throttled_waits_longer_before_it_accuses() {
    for (throttled, accused_after) in [(0, secs(1)), (1, secs(2)), (20, secs(8))] {
        let mut lab = Lab::new(&[5; 6]);
        lab.swim.awareness = Awareness::new(true);
        (0..throttled).for_each(|_| lab.swim.handle(lab.now, Input::Throttled));
        lab.begin();
        let began = lab.now;
        lab.wait_until(|lab| lab.suspected);
        assert_eq!(lab.now - began, accused_after, "told {throttled} times");
    }
}

#[test]
fn a_lone_node_has_nobody_to_be_late_for() {
    let mut swim = Swim::new(config(0, 1), Instant::default());
    swim.handle(Instant::default(), Input::Throttled);
    assert_eq!(swim.health_score(), 0);
}

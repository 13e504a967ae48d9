//! Failure detection: one member is probed per interval, first directly, then through others and by TCP.
//!
//! Also the other side of it: answering pings, and probing for those who ask. Source: memberlist's state.go
//! (`probeNode`) and net.go (`handlePing`, `handleIndirectPing`).

use crate::gossip::encode;
use crate::pacer::Pacer;
use crate::timer::Timer;
use crate::why::{Verdict, Way};
use crate::{Announcement, Event, Instant, Swim};
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::net::SocketAddr;
use core::time::Duration;
use muster_wire::memberlist::{Ack, IndirectPing, Message, Nack, NodeState, Ping, Source, Suspect};

/// Most pings in flight on behalf of others.
const RELAYS_MAX: usize = 1024;
/// A relay nacks after this part of the probe timeout. The reference waits for all of it, so that its nacks reach an
/// asker with default settings just after the probe's end, where they count as the asker's own ill health.
const NACK_AFTER: f64 = 0.8;

/// How often it is told that a member answers by TCP only.
const STREAMS_ONLY_PACE: Duration = Duration::from_secs(60);

/// Longest reason kept for what went wrong with TCP.
const REASON_CHARS_MAX: usize = 100;

/// What came of asking by TCP.
#[derive(Clone, PartialEq, Eq, Debug)]
enum ByStream {
    /// Not yet; or never, of a member too old to answer.
    Unasked,
    Asked,
    Answered,
    Failed(String),
}

/// A member being probed.
#[derive(Debug)]
struct Probe {
    target: Arc<Announcement>,
    /// The life of the target that this probe is about.
    incarnation: u32,
    seq_no: u32,
    started: Instant,
    /// When it has failed.
    end: Instant,
    by_stream: ByStream,
    /// Who was asked to ping it too.
    relays: Vec<Arc<str>>,
    nacks_expected: u32,
    nacks: u32,
}

/// A ping sent because somebody asked.
#[derive(Debug)]
struct Relay {
    asker: SocketAddr,
    asker_name: String,
    asker_seq_no: u32,
    /// Asked for and not yet sent.
    owes_nack: bool,
    /// An ack from now on comes too late for the asker.
    until: Instant,
}

/// Probes in flight: at most one of our own.
#[derive(Debug)]
pub(crate) struct Prober {
    current: Option<Probe>,
    relays: BTreeMap<u32, Relay>,
    last_seq_no: u32,
    /// Probes begun before this accuse nobody: we slept, and so may have the others.
    truce_until: Instant,
    streams_only: Pacer<Arc<str>>,
}

impl Prober {
    /// Numbers start anywhere, so that late acks to a former life mean nothing to this one.
    pub(crate) fn starting_at(seq_no: u32) -> Self {
        Self {
            current: None,
            relays: BTreeMap::new(),
            last_seq_no: seq_no,
            truce_until: Instant::default(),
            streams_only: Pacer::new(STREAMS_ONLY_PACE),
        }
    }

    pub(crate) fn next_seq_no(&mut self) -> u32 {
        self.last_seq_no = self.last_seq_no.wrapping_add(1);
        self.last_seq_no
    }
}

impl Swim {
    /// Begins the next probe and waits for its ack.
    pub(crate) fn probe_next(&mut self) {
        if self.leave.has_begun() {
            // Whoever goes accuses nobody.
            return;
        }
        let next = self.nodes.next_to_probe(self.me, &mut self.rng);
        // Alone: begun again when somebody appears.
        let Some(node) = next.and_then(|slot| self.nodes.at(slot)) else { return };
        let told_of_doubt = self.config.extensions.buddy_system && node.state() != NodeState::Alive;
        // The wait for the direct ack is not scaled: patience does not bring lost datagrams back.
        let interval = self.awareness.scale(self.config.profile.probe_interval);
        let probe = Probe {
            target: node.announced.clone(),
            incarnation: node.incarnation,
            seq_no: self.prober.next_seq_no(),
            started: self.now,
            end: self.now + interval,
            by_stream: ByStream::Unasked,
            relays: Vec::new(),
            nacks_expected: 0,
            nacks: 0,
        };
        let Announcement { name, .. } = &*probe.target;
        let (to, ping) = (probe.target.socket_addr(), self.ping(probe.seq_no, name));
        if told_of_doubt {
            // The accusation rides along, so that the accused can refute in its next packet.
            let suspect = Suspect { incarnation: probe.incarnation, node: name, from: &self.name };
            let suspect = encode(&Message::Suspect(suspect));
            self.send(to, &[ping, suspect], probe.target.reads_crc());
        } else {
            self.send_directed(to, name, ping);
        }
        self.timers.set(Timer::ProbeTimeout, self.now + self.config.profile.probe_timeout.min(interval));
        self.timers.set(Timer::ProbeEnd, probe.end);
        self.prober.current = Some(probe);
    }

    /// The direct ack did not come: asks others to try, and the target itself by TCP.
    pub(crate) fn probe_otherwise(&mut self) {
        let Some(mut probe) = self.prober.current.take() else { return };
        let target = self.nodes.find(&probe.target.name);
        let relays = self.nodes.pick(self.config.profile.indirect_checks, &mut self.rng, |slot, node| {
            node.state() == NodeState::Alive && slot != self.me && Some(slot) != target
        });
        for relay in relays {
            let Some(relay) = self.nodes.at(relay).map(|node| node.announced.clone()) else { continue };
            let nack = relay.sends_nacks() && self.config.extensions.aware_probe;
            probe.nacks_expected += u32::from(nack);
            let request = IndirectPing {
                seq_no: probe.seq_no,
                target: probe.target.addr,
                port: probe.target.port,
                node: &probe.target.name,
                nack,
                source: Some(self.source()),
            };
            let request = encode(&Message::IndirectPing(request));
            self.send_directed(relay.socket_addr(), &relay.name, request);
            probe.relays.push(relay.name.clone());
        }
        let target = target.and_then(|slot| self.nodes.at(slot));
        if target.is_some_and(|target| target.answers_stream_pings()) {
            probe.by_stream = ByStream::Asked;
            self.ping_by_stream(probe.seq_no, &probe.target.name, probe.target.socket_addr(), probe.end);
        }
        self.prober.current = Some(probe);
    }

    /// The interval is over and no datagram said that the target lives.
    pub(crate) fn probe_ended(&mut self) {
        let Some(probe) = self.prober.current.take() else { return };
        self.end_probe(&probe);
        if probe.by_stream == ByStream::Answered {
            self.awareness.improve(self.now);
            let Announcement { name, .. } = &*probe.target;
            if self.prober.streams_only.allows(self.now, name.clone()) {
                let at = probe.target.socket_addr();
                self.event(Event::StreamsOnly { name: (**name).into(), at });
            }
            return;
        }
        // What is explained is the score that the probe was made with.
        let accuses = probe.started >= self.prober.truce_until;
        if accuses {
            self.record_failed_probe(&probe);
        }
        // Relays that do not even nack say more about our own network than about the target.
        let silent_relays = probe.nacks_expected.saturating_sub(probe.nacks);
        self.awareness.degrade(if probe.nacks_expected == 0 { 1 } else { silent_relays });
        if accuses {
            let own = self.name.clone();
            self.accuse(Suspect { incarnation: probe.incarnation, node: &probe.target.name, from: &own });
            if let Some(slot) = self.nodes.find(&probe.target.name) {
                self.plan_appeal(slot);
            }
        }
    }

    fn record_failed_probe(&mut self, probe: &Probe) {
        let tcp = match &probe.by_stream {
            ByStream::Unasked => None,
            ByStream::Failed(reason) => Some(reason.clone()),
            ByStream::Asked | ByStream::Answered => Some(String::from("no answer in time")),
        };
        let relays = probe.relays.iter().map(|relay| String::from(&**relay)).collect();
        let (own, way) = (self.name.clone(), Way::Probe { relays, nacks: probe.nacks, tcp });
        self.record_accusation(&probe.target.name, Verdict::Suspected, &own, probe.incarnation, way);
    }

    /// Ends a probe and plans the next: one interval after this one began, or at once if it took longer.
    fn end_probe(&mut self, probe: &Probe) {
        self.timers.cancel(&Timer::ProbeTimeout);
        self.timers.cancel(&Timer::ProbeEnd);
        let next = probe.started + self.config.profile.probe_interval;
        self.timers.set(Timer::ProbeRound, next.max(self.now));
    }

    /// The clock ran while we did not: the probe in flight says nothing, nor does the next.
    pub(crate) fn call_truce(&mut self) -> Duration {
        let truce = self.awareness.scale(self.config.profile.probe_interval);
        self.prober.truce_until = self.now + truce;
        if let Some(probe) = self.prober.current.take() {
            self.end_probe(&probe);
        }
        truce
    }

    /// An ack: for our probe, or for one we relay.
    pub(crate) fn on_ack(&mut self, seq_no: u32, payload: &[u8]) {
        if let Some(probe) = self.prober.current.take_if(|probe| probe.seq_no == seq_no) {
            if self.timers.is_set(&Timer::ProbeTimeout) {
                // Later it may have come by any way.
                let round_trip = self.now - probe.started;
                self.record_round_trip(&probe.target.name, round_trip);
                if !payload.is_empty() {
                    let (name, payload) = (probe.target.name.clone(), payload.to_vec());
                    self.event(Event::Measured { name, round_trip, payload });
                }
            }
            self.end_probe(&probe);
            self.awareness.improve(self.now);
        } else if let Some(relay) = self.prober.relays.remove(&seq_no) {
            self.timers.cancel(&Timer::Relay(seq_no));
            self.send_directed(relay.asker, &relay.asker_name, ack(relay.asker_seq_no, &[]));
        } else {
            self.claims.heard(seq_no);
        }
    }

    /// A ping on a stream came to its end. If it was the target's, the probe goes on all the same: when a datagram gets
    /// through as well, all is well, and else there is something to tell (memberlist's state.go, `probeNode`).
    pub(crate) fn stream_ping_ended(&mut self, seq_no: u32, outcome: Result<(), &str>) {
        if let Some(probe) = self.prober.current.as_mut().filter(|probe| probe.seq_no == seq_no) {
            probe.by_stream = match outcome {
                Ok(()) => ByStream::Answered,
                Err(reason) => ByStream::Failed(reason.chars().take(REASON_CHARS_MAX).collect()),
            };
        } else if outcome.is_ok() {
            self.claims.heard(seq_no);
        }
    }

    /// A relay heard nothing either; the probe goes on.
    pub(crate) fn on_nack(&mut self, seq_no: u32) {
        if let Some(probe) = self.prober.current.as_mut().filter(|probe| probe.seq_no == seq_no) {
            probe.nacks += 1;
        }
    }

    /// A ping: answered if it means us.
    pub(crate) fn on_ping(&mut self, from: SocketAddr, ping: Ping<'_>) {
        if !self.is_meant(ping.node) {
            // Silence tells the asker that the old name no longer lives here.
            self.refuse(from, "ping meant for another name");
            return;
        }
        let (to, asker) = answer_to(from, ping.source);
        self.send_directed(to, asker, ack(ping.seq_no, &self.ack_payload));
        match self.nodes.get(asker) {
            Some(known) if !known.is_present() => self.tell_gone(to, asker),
            None if !asker.is_empty() => self.meet_stranger(to),
            Some(_) | None => {}
        }
    }

    /// Whether a ping for `node` is ours to answer: it names us or nobody.
    pub(crate) fn is_meant(&self, node: &str) -> bool {
        node.is_empty() || *node == *self.name
    }

    /// Somebody cannot reach a member and asks us to try.
    pub(crate) fn on_indirect_ping(&mut self, from: SocketAddr, request: IndirectPing<'_>) {
        if self.prober.relays.len() >= RELAYS_MAX {
            self.refuse(from, "too many indirect pings in flight");
            return;
        }
        let (asker, asker_name) = answer_to(from, request.source);
        let seq_no = self.prober.next_seq_no();
        let timeout = self.config.profile.probe_timeout;
        let relay = Relay {
            asker,
            asker_name: asker_name.into(),
            asker_seq_no: request.seq_no,
            owes_nack: request.nack,
            until: self.now + timeout,
        };
        let early = relay.owes_nack && self.config.extensions.early_nacks;
        let wait = if early { timeout.mul_f64(NACK_AFTER) } else { timeout };
        self.timers.set(Timer::Relay(seq_no), self.now + wait);
        self.prober.relays.insert(seq_no, relay);
        let port = if request.port == 0 { self.config.bind_port } else { request.port };
        let target = SocketAddr::new(request.target.ip(), port);
        self.send_directed(target, request.node, self.ping(seq_no, request.node));
    }

    /// The ping for another stayed unanswered: says so in time, then gives up.
    pub(crate) fn relay_expired(&mut self, seq_no: u32) {
        let Some(mut relay) = self.prober.relays.remove(&seq_no) else { return };
        if !core::mem::take(&mut relay.owes_nack) {
            return;
        }
        let nack = encode(&Message::Nack(Nack { seq_no: relay.asker_seq_no }));
        self.send_directed(relay.asker, &relay.asker_name, nack);
        self.timers.set(Timer::Relay(seq_no), relay.until);
        self.prober.relays.insert(seq_no, relay);
    }

    pub(crate) fn ping(&self, seq_no: u32, node: &str) -> Vec<u8> {
        encode(&Message::Ping(Ping { seq_no, node, source: Some(self.source()) }))
    }

    /// Where answers to us go, whatever address our datagrams seem to come from.
    pub(crate) fn source(&self) -> Source<'_> {
        Source { addr: self.config.addr, port: self.config.port, node: &self.name }
    }
}

fn ack(seq_no: u32, payload: &[u8]) -> Vec<u8> {
    encode(&Message::Ack(Ack { seq_no, payload }))
}

/// Where the answer goes, and whose address that claims to be.
fn answer_to<'a>(from: SocketAddr, source: Option<Source<'a>>) -> (SocketAddr, &'a str) {
    match source {
        Some(source) => (SocketAddr::new(source.addr.ip(), source.port), source.node),
        None => (from, ""),
    }
}

//! Push/pull: two nodes exchange everything they know, which heals what gossip missed.
//!
//! One asks, the other answers with its own state from before the exchange, and both merge. Also all else that arrives
//! on streams. Source: memberlist's net.go (`handleConn`), state.go (`pushPull`, `mergeState`, `verifyProtocol`).
//!
//! What a peer tells of 20,000 members has megabytes. It is read where it lies, one member after the other, and never
//! copied: therefore who hands in a request hands it in a second time, once our answer is made ([`Swim::merge_request`]).

use crate::nodes::Node;
use crate::timer::Timer;
use crate::why::Way;
use crate::{Event, Instant, Output, Slot, StreamId, Swim};
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::net::SocketAddr;
use core::ops::RangeInclusive;
use core::time::Duration;
use muster_wire::Versions;
use muster_wire::memberlist::{Ack, Alive, Dead, ErrReply, Message, NodeState, PushPullNode, Suspect};
use muster_wire::stream::{self, Inbound, PushPull};

/// Clusters up to this size exchange at the plain interval.
const SCALE_THRESHOLD: usize = 32;

/// How far an exchange has come.
#[derive(Debug)]
enum Stage {
    /// Ours; the layer above has not supplied its state yet.
    Asking,
    /// Ours; sent, the reply is awaited.
    AwaitingReply,
    /// Theirs; the layer above has not supplied its state yet.
    Answering,
    /// Theirs; answered, to be merged.
    Answered,
}

#[derive(Debug)]
struct Exchange {
    with: SocketAddr,
    join: bool,
    shown: Shown,
    stage: Stage,
}

/// What we show the other end.
#[derive(PartialEq, Eq, Debug)]
enum Shown {
    /// All we know.
    All,
    /// That, and this node as a suspect, so that it refutes upwards.
    AllDoubting(Arc<str>),
    /// Ourselves.
    OnlyUs,
}

/// Exchanges under way.
#[derive(Debug, Default)]
pub(crate) struct Exchanges {
    last: u64,
    /// No stranger is asked before.
    strangers_from: Instant,
    open: BTreeMap<StreamId, Exchange>,
}

impl Exchanges {
    /// Numbers a stream that we open, for an exchange or anything else.
    pub(crate) fn next_stream(&mut self) -> StreamId {
        self.last += 1;
        StreamId::Outbound(self.last)
    }
}

impl Swim {
    /// The periodic exchange with a random member.
    pub(crate) fn push_pull(&mut self) {
        if self.leave.has_begun() || self.others() == 0 {
            // Alone: begun again when somebody appears.
            return;
        }
        let pause = self.push_pull_pause();
        self.timers.set(Timer::PushPull, self.now + pause);
        let me = self.me;
        let is_partner = |slot, node: &Node| slot != me && node.state() == NodeState::Alive;
        let partner = self.nodes.pick(1, &mut self.rng, is_partner).pop();
        if let Some(partner) = partner.and_then(|slot| self.nodes.at(slot)) {
            self.ask(partner.socket_addr(), false);
        }
    }

    /// Somebody we do not know probes us by name, so it knows us: from a life of ours that we have forgotten, or from
    /// before a cut that outlasted our memory. The reference waits until somebody happens to tell it; a balancer that
    /// restarts cannot. At most one such exchange per probe interval, since anybody can send a ping.
    pub(crate) fn meet_stranger(&mut self, stranger: SocketAddr) {
        let greets = self.config.extensions.greet_strangers && !self.leave.has_begun();
        if !greets || self.now < self.exchanges.strangers_from {
            return;
        }
        self.exchanges.strangers_from = self.now + self.config.profile.probe_interval;
        self.ask(stranger, false);
    }

    /// The wait until the next periodic exchange.
    pub(crate) fn push_pull_pause(&self) -> Duration {
        let members = self.nodes.len();
        let usual = push_pull_interval(self.config.profile.push_pull_interval, members);
        self.burst.pause(members, usual)
    }

    /// A member came, went or changed. If many do, exchanges come sooner, and not with everybody at the same moment.
    pub(crate) fn membership_changed(&mut self) {
        if !self.config.extensions.burst_sync {
            return;
        }
        if self.burst.changed(self.now, self.nodes.len()) && !self.leave.has_begun() {
            let soon = self.push_pull_pause().mul_f64(self.rng.f64());
            self.timers.hasten(Timer::PushPull, self.now + soon);
        }
    }

    /// Begins an exchange.
    pub(crate) fn ask(&mut self, with: SocketAddr, join: bool) -> StreamId {
        let stream = self.exchanges.next_stream();
        let exchange = Exchange { with, join, shown: Shown::All, stage: Stage::Asking };
        self.begin(stream, exchange);
        stream
    }

    /// Begins an exchange with the new holder of `name`, which shall raise its incarnation above the one we know.
    pub(crate) fn ask_to_raise(&mut self, with: SocketAddr, name: &Arc<str>) {
        let stream = self.exchanges.next_stream();
        let shown = Shown::AllDoubting(name.clone());
        self.begin(stream, Exchange { with, join: false, shown, stage: Stage::Asking });
    }

    /// Begins an exchange that tells nothing but what we say of ourselves.
    pub(crate) fn show_ourselves(&mut self, with: SocketAddr) {
        let stream = self.exchanges.next_stream();
        self.begin(stream, Exchange { with, join: false, shown: Shown::OnlyUs, stage: Stage::Asking });
    }

    fn begin(&mut self, stream: StreamId, exchange: Exchange) {
        let (join, only_us) = (exchange.join, exchange.shown == Shown::OnlyUs);
        self.exchanges.open.insert(stream, exchange);
        self.event(Event::StateWanted { stream, join, only_us });
    }

    /// The layer above has supplied its state: sends ours with it.
    pub(crate) fn exchange(&mut self, stream: StreamId, state: &[u8]) {
        let Some(mut exchange) = self.exchanges.open.remove(&stream) else { return };
        match exchange.stage {
            Stage::Asking => {
                let bytes = self.encode_state(&exchange, state);
                let deadline = self.now + self.config.profile.stream_timeout;
                self.outputs.push_back(Output::Open {
                    stream,
                    to: exchange.with,
                    bytes,
                    reply: true,
                    deadline,
                });
                exchange.stage = Stage::AwaitingReply;
                self.exchanges.open.insert(stream, exchange);
            }
            Stage::Answering => {
                let bytes = self.encode_state(&exchange, state);
                self.outputs.push_back(Output::Answer { stream, bytes });
                exchange.stage = Stage::Answered;
                self.exchanges.open.insert(stream, exchange);
            }
            Stage::AwaitingReply | Stage::Answered => {
                // Supplied twice; the exchange goes on.
                self.exchanges.open.insert(stream, exchange);
            }
        }
    }

    /// The second half of a request: it is answered, and now merged.
    pub(crate) fn merge_answered(&mut self, stream: StreamId, bytes: &[u8]) {
        let Some(exchange) = self.exchanges.open.remove(&stream) else { return };
        if !matches!(exchange.stage, Stage::Answered) {
            self.exchanges.open.insert(stream, exchange);
            return;
        }
        let mut plain = Vec::new();
        let outcome = match Inbound::decode(bytes, &mut plain) {
            Ok(Inbound::PushPull(message)) => self.merge(exchange.with, exchange.join, &message),
            _ => Err("a request that is none any more".into()),
        };
        if let Err(reason) = outcome {
            self.refuse(exchange.with, &reason);
        }
    }

    fn encode_state(&self, exchange: &Exchange, state: &[u8]) -> Vec<u8> {
        let doubted = |node: &Node| match &exchange.shown {
            Shown::AllDoubting(name) => *name == node.name && node.is_present(),
            Shown::All | Shown::OnlyUs => false,
        };
        let shown: Vec<&Node> = match exchange.shown {
            Shown::OnlyUs => self.nodes.at(self.me).into_iter().collect(),
            Shown::All | Shown::AllDoubting(_) => self.nodes.iter().collect(),
        };
        let nodes = shown.into_iter().map(|node| PushPullNode {
            name: &node.name,
            addr: node.addr,
            port: node.port,
            meta: &node.meta,
            incarnation: node.incarnation,
            state: if doubted(node) { NodeState::Suspect } else { node.state() },
            versions: Some(node.versions),
        });
        stream::encode_push_pull(exchange.join, nodes, state, self.config.compress)
    }

    /// A request on a stream that somebody opened to us. Ends in `Answer` or `Close`.
    pub(crate) fn on_request(&mut self, stream: StreamId, from: SocketAddr, bytes: &[u8]) {
        let mut plain = Vec::new();
        match Inbound::decode(bytes, &mut plain) {
            Ok(Inbound::PushPull(message)) => return self.on_push_pull(stream, from, &message),
            Ok(Inbound::Message(Message::Ping(ping))) if self.is_meant(ping.node) => {
                let ack = Message::Ack(Ack { seq_no: ping.seq_no, payload: &[] });
                return self.answer(stream, &ack);
            }
            Ok(Inbound::Message(Message::User(message))) => self.on_user(message),
            Ok(Inbound::Message(_)) => self.refuse(from, "a message that nobody answers on a stream"),
            Err(error) => return self.on_unreadable(stream, from, &error.to_string()),
        }
        self.outputs.push_back(Output::Close { stream });
    }

    fn answer(&mut self, stream: StreamId, message: &Message<'_>) {
        let bytes = stream::encode_message(message, self.config.compress);
        self.outputs.push_back(Output::Answer { stream, bytes });
    }

    fn on_push_pull(&mut self, stream: StreamId, from: SocketAddr, message: &PushPull<'_>) {
        let exchange =
            Exchange { with: from, join: message.join, shown: Shown::All, stage: Stage::Answering };
        self.begin(stream, exchange);
    }

    /// The reply on a stream that we opened.
    pub(crate) fn on_reply(&mut self, stream: StreamId, bytes: &[u8]) {
        if let Some(seq_no) = self.stream_pings.take(stream) {
            return self.on_stream_ping_reply(seq_no, bytes);
        }
        let Some(exchange) = self.exchanges.open.remove(&stream) else { return };
        let (with, join) = (exchange.with, exchange.join);
        let mut plain = Vec::new();
        let changes = self.burst.total();
        let outcome = match Inbound::decode(bytes, &mut plain) {
            Ok(Inbound::PushPull(message)) => self.merge(with, join, &message),
            Ok(Inbound::Message(Message::Err(reply))) => Err(format!("remote error: {}", reply.error)),
            Ok(Inbound::Message(_)) => Err("the reply is no push/pull".into()),
            Err(error) => Err(format!("unreadable reply: {error}")),
        };
        if outcome.is_ok() && self.burst.exchanged(changes) {
            let pause = self.push_pull_pause();
            self.timers.set(Timer::PushPull, self.now + pause);
        }
        self.event(match outcome {
            Ok(()) => Event::Synced { stream, with, join },
            Err(reason) => Event::SyncFailed { stream, reason, join },
        });
    }

    /// A stream brought what cannot be read. Who asked so is told; what we asked for has failed.
    pub(crate) fn on_unreadable(&mut self, stream: StreamId, from: SocketAddr, reason: &str) {
        match stream {
            StreamId::Inbound(_) => {
                self.refuse(from, reason);
                self.answer(stream, &Message::Err(ErrReply { error: reason }));
            }
            StreamId::Outbound(_) => self.on_stream_failed(stream, &format!("unreadable reply: {reason}")),
        }
    }

    /// A stream ended before its message was whole.
    pub(crate) fn on_stream_failed(&mut self, stream: StreamId, reason: &str) {
        if let Some(seq_no) = self.stream_pings.take(stream) {
            return self.stream_ping_ended(seq_no, Err(reason));
        }
        let Some(exchange) = self.exchanges.open.remove(&stream) else { return };
        if let StreamId::Outbound(_) = stream {
            self.event(Event::SyncFailed { stream, reason: reason.into(), join: exchange.join });
        }
    }

    /// Takes over what a peer knows, all or nothing: one node that the cluster could not talk to spoils it. Unreadable
    /// nodes are left out.
    fn merge(&mut self, from: SocketAddr, join: bool, remote: &PushPull<'_>) -> Result<(), String> {
        self.verify_versions(remote)?;
        let (own, mut turn) = (self.name.clone(), Slot::FIRST);
        for node in remote.nodes().flatten() {
            let (name, incarnation) = (node.name, node.incarnation);
            match node.state {
                NodeState::Alive => {
                    let alive = Alive {
                        incarnation,
                        node: name,
                        addr: node.addr,
                        port: node.port,
                        meta: node.meta,
                        versions: node.versions,
                    };
                    let slot = self.nodes.find_in_turn(name, &mut turn);
                    self.on_alive_at(slot, from, alive);
                }
                NodeState::Left => self.on_dead(from, Dead { incarnation, node: name, from: name }),
                // The peer's word is not enough for a death sentence: the accused shall have its time.
                NodeState::Suspect | NodeState::Dead => {
                    let way = Way::Exchange { with: from, teller: None };
                    self.on_suspect(from, Suspect { incarnation, node: name, from: &own }, way);
                }
            }
        }
        if !remote.user_state.is_empty() {
            self.event(Event::StateReceived { join, state: remote.user_state.to_vec() });
        }
        Ok(())
    }

    /// Every node, theirs and ours, must speak what all that are alive understand. Nodes without versions are not
    /// counted: they will not be taken over either.
    fn verify_versions(&self, remote: &PushPull<'_>) -> Result<(), String> {
        let mut protocol = Common::new("protocol");
        let mut delegate = Common::new("delegate protocol");
        let mut count = |name: &str, alive: bool, versions: Versions| {
            protocol.count(
                name,
                alive,
                versions.protocol_min()..=versions.protocol_max(),
                versions.protocol(),
            );
            delegate.count(
                name,
                alive,
                versions.delegate_min()..=versions.delegate_max(),
                versions.delegate(),
            );
        };
        for node in remote.nodes().flatten() {
            if let Some(versions) = node.versions {
                count(node.name, node.state == NodeState::Alive, versions);
            }
        }
        for node in self.nodes.iter() {
            count(&node.name, node.state() == NodeState::Alive, node.versions);
        }
        protocol.verdict()?;
        delegate.verdict()
    }
}

/// What all understand, and who speaks the oldest and the newest: if these two are understood, so is everyone between.
struct Common {
    what: &'static str,
    understood: RangeInclusive<u8>,
    oldest: Option<(u8, String)>,
    newest: Option<(u8, String)>,
}

impl Common {
    fn new(what: &'static str) -> Self {
        Self { what, understood: 0..=u8::MAX, oldest: None, newest: None }
    }

    fn count(&mut self, name: &str, alive: bool, understands: RangeInclusive<u8>, speaks: u8) {
        if alive {
            let (min, max) = (self.understood.start(), self.understood.end());
            self.understood = *min.max(understands.start())..=*max.min(understands.end());
        }
        if self.oldest.as_ref().is_none_or(|(version, _)| speaks < *version) {
            self.oldest = Some((speaks, name.into()));
        }
        if self.newest.as_ref().is_none_or(|(version, _)| speaks > *version) {
            self.newest = Some((speaks, name.into()));
        }
    }

    /// In the reference's words, which operators search for.
    fn verdict(&self) -> Result<(), String> {
        let mut extremes = self.oldest.iter().chain(&self.newest);
        let Some((spoken, name)) = extremes.find(|(version, _)| !self.understood.contains(version)) else {
            return Ok(());
        };
        let (what, min, max) = (self.what, self.understood.start(), self.understood.end());
        Err(format!("Node '{name}' {what} version ({spoken}) is incompatible: [{min}, {max}]"))
    }
}

/// The wait between exchanges: one interval more each time the cluster doubles beyond 32 nodes.
fn push_pull_interval(interval: Duration, members: usize) -> Duration {
    if members <= SCALE_THRESHOLD {
        return interval;
    }
    // ceil(log2(members)) - log2(32) + 1, the ceiling being one more than the logarithm of members - 1.
    let doublings = (members - 1).ilog2() + 1 - SCALE_THRESHOLD.ilog2();
    interval.saturating_mul(doublings + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// memberlist's util_test.go, TestPushPullScale.
    #[test]
    fn the_interval_grows_with_each_doubling_beyond_32() {
        let second = Duration::from_secs(1);
        for (members, factor) in [(0..=32, 1), (33..=64, 2), (65..=128, 3)]
            .into_iter()
            .flat_map(|(range, f)| range.map(move |n| (n, f)))
        {
            assert_eq!(push_pull_interval(second, members), second * factor, "{members} members");
        }
    }

    /// util.go, pushPullScale, in floating point as there.
    #[test]
    fn the_interval_is_memberlists_for_every_size_we_keep() {
        let second = Duration::from_secs(1);
        for members in 33..=65_536_u32 {
            let reference = f64::from(members).log2().ceil() - 32_f64.log2() + 1.0;
            let ours = push_pull_interval(second, usize::try_from(members).unwrap());
            assert!(
                (ours.as_secs_f64() - reference).abs() < 0.5,
                "{members} members: {ours:?} and {reference}"
            );
        }
    }
}

//! Push/pull: two nodes exchange everything they know, which heals what gossip missed.
//!
//! One asks, the other answers with its own state from before the exchange, and both merge. Also all else that arrives
//! on streams. Source: memberlist's net.go (`handleConn`), state.go (`pushPull`, `mergeState`, `verifyProtocol`).

use crate::nodes::{NODES_MAX, Node};
use crate::timer::Timer;
use crate::why::Way;
use crate::{Event, Instant, Output, StreamId, Swim};
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::net::SocketAddr;
use core::time::Duration;
use muster_wire::memberlist::{Ack, Alive, Dead, ErrReply, Message, NodeState, PushPullNode, Suspect};
use muster_wire::stream::{self, Inbound, PushPull};
use muster_wire::{RawAddr, Versions};

/// Most exchanges we answer at the same time; memberlist closes the 128th.
const ANSWERS_MAX: usize = 127;
/// Clusters up to this size exchange at the plain interval.
const SCALE_THRESHOLD: usize = 32;

/// How far an exchange has come.
#[derive(Debug)]
enum Stage {
    /// Ours; the layer above has not supplied its state yet.
    Asking,
    /// Ours; sent, the reply is awaited.
    AwaitingReply,
    /// Theirs; read, merged once we have answered.
    Answering(Remote),
}

#[derive(Debug)]
struct Exchange {
    with: SocketAddr,
    join: bool,
    /// Ours; a node to be shown as suspect in it, so that it refutes upwards.
    doubted: Option<Arc<str>>,
    stage: Stage,
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

    fn answering(&self) -> usize {
        self.open.values().filter(|exchange| matches!(exchange.stage, Stage::Answering(_))).count()
    }
}

/// What a peer knows.
#[derive(Debug)]
struct Remote {
    nodes: Vec<RemoteNode>,
    state: Vec<u8>,
}

#[derive(Debug)]
struct RemoteNode {
    name: String,
    addr: RawAddr,
    port: u16,
    meta: Vec<u8>,
    incarnation: u32,
    state: NodeState,
    versions: Option<Versions>,
}

impl Remote {
    /// Copies a message; unreadable nodes are left out. `None` if there are more than we could keep.
    fn read(message: &PushPull<'_>) -> Option<Self> {
        let mut nodes = Vec::new();
        for node in message.nodes().flatten() {
            if nodes.len() == NODES_MAX {
                return None;
            }
            nodes.push(RemoteNode {
                name: node.name.into(),
                addr: node.addr,
                port: node.port,
                meta: node.meta.to_vec(),
                incarnation: node.incarnation,
                state: node.state,
                versions: node.versions,
            });
        }
        Some(Self { nodes, state: message.user_state.to_vec() })
    }
}

impl Swim {
    /// The periodic exchange with a random member.
    pub(crate) fn push_pull(&mut self) {
        if self.leave.has_begun() {
            return;
        }
        let pause = self.push_pull_pause();
        self.timers.set(Timer::PushPull, self.now + pause);
        let own = self.name.clone();
        let is_partner = |node: &Node| node.state() == NodeState::Alive && node.name != own;
        for peer in self.nodes.pick(1, &mut self.rng, is_partner) {
            self.ask(peer.at, false);
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
    fn push_pull_pause(&self) -> Duration {
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
        let exchange = Exchange { with, join, doubted: None, stage: Stage::Asking };
        self.begin(stream, exchange);
        stream
    }

    /// Begins an exchange with the new holder of `name`, which shall raise its incarnation above the one we know.
    pub(crate) fn ask_to_raise(&mut self, with: SocketAddr, name: &Arc<str>) {
        let stream = self.exchanges.next_stream();
        let exchange = Exchange { with, join: false, doubted: Some(name.clone()), stage: Stage::Asking };
        self.begin(stream, exchange);
    }

    fn begin(&mut self, stream: StreamId, exchange: Exchange) {
        let join = exchange.join;
        self.exchanges.open.insert(stream, exchange);
        self.event(Event::StateWanted { stream, join });
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
            Stage::AwaitingReply => {
                // Supplied twice; the exchange goes on.
                self.exchanges.open.insert(stream, exchange);
            }
            Stage::Answering(ref remote) => {
                let bytes = self.encode_state(&exchange, state);
                self.outputs.push_back(Output::Answer { stream, bytes });
                if let Err(reason) = self.merge(exchange.with, exchange.join, remote) {
                    self.refuse(exchange.with, &reason);
                }
            }
        }
    }

    fn encode_state(&self, exchange: &Exchange, state: &[u8]) -> Vec<u8> {
        let doubted = |node: &Node| exchange.doubted.as_ref() == Some(&node.name) && node.is_present();
        let nodes = self.nodes.iter().map(|node| PushPullNode {
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
        let remote = Remote::read(message).filter(|_| self.exchanges.answering() < ANSWERS_MAX);
        let Some(remote) = remote else {
            self.refuse(from, "push/pull with too many nodes, or too many at once");
            return self.outputs.push_back(Output::Close { stream });
        };
        let join = message.join;
        self.begin(stream, Exchange { with: from, join, doubted: None, stage: Stage::Answering(remote) });
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
            Ok(Inbound::PushPull(message)) => match Remote::read(&message) {
                Some(remote) => self.merge(with, join, &remote),
                None => Err("more nodes than we keep".into()),
            },
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

    /// Takes over what a peer knows, all or nothing: one node that the cluster could not talk to spoils it.
    fn merge(&mut self, from: SocketAddr, join: bool, remote: &Remote) -> Result<(), String> {
        self.verify_versions(&remote.nodes)?;
        let own = self.name.clone();
        for node in &remote.nodes {
            let (name, incarnation) = (&*node.name, node.incarnation);
            match node.state {
                NodeState::Alive => self.on_alive(
                    from,
                    Alive {
                        incarnation,
                        node: name,
                        addr: node.addr,
                        port: node.port,
                        meta: &node.meta,
                        versions: node.versions,
                    },
                ),
                NodeState::Left => self.on_dead(from, Dead { incarnation, node: name, from: name }),
                // The peer's word is not enough for a death sentence: the accused shall have its time.
                NodeState::Suspect | NodeState::Dead => {
                    let way = Way::Exchange { with: from, teller: None };
                    self.on_suspect(from, Suspect { incarnation, node: name, from: &own }, way);
                }
            }
        }
        if !remote.state.is_empty() {
            self.event(Event::StateReceived { join, state: remote.state.clone() });
        }
        Ok(())
    }

    /// Every node, theirs and ours, must speak what all that are alive understand. Nodes without versions are not
    /// counted: they will not be taken over either.
    fn verify_versions(&self, remote: &[RemoteNode]) -> Result<(), String> {
        let theirs = remote
            .iter()
            .filter_map(|node| Some((&*node.name, node.state == NodeState::Alive, node.versions?)));
        let ours =
            self.nodes.iter().map(|node| (&*node.name, node.state() == NodeState::Alive, node.versions));
        let all: Vec<_> = theirs.chain(ours).collect();
        let (mut protocol, mut delegate) = (Span::ANY, Span::ANY);
        for (_, _, versions) in all.iter().filter(|(_, alive, _)| *alive) {
            protocol.narrow(versions.protocol_min(), versions.protocol_max());
            delegate.narrow(versions.delegate_min(), versions.delegate_max());
        }
        for (name, _, versions) in all {
            protocol.check(name, "protocol", versions.protocol())?;
            delegate.check(name, "delegate protocol", versions.delegate())?;
        }
        Ok(())
    }
}

/// The versions that everyone understands.
#[derive(Clone, Copy)]
struct Span {
    min: u8,
    max: u8,
}

impl Span {
    const ANY: Self = Self { min: 0, max: u8::MAX };

    fn narrow(&mut self, min: u8, max: u8) {
        self.min = self.min.max(min);
        self.max = self.max.min(max);
    }

    /// In the reference's words, which operators search for.
    fn check(self, name: &str, what: &str, spoken: u8) -> Result<(), String> {
        if (self.min..=self.max).contains(&spoken) {
            return Ok(());
        }
        let Self { min, max } = self;
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
}

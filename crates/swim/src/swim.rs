//! The machine: one struct, one input, one output. What each message and timer means is told in the modules named like
//! the protocol's parts; here is only which goes where.

use crate::awareness::Awareness;
use crate::broadcast::Waiter;
use crate::burst::Burst;
use crate::direct::Direct;
use crate::gossip::Gossip;
use crate::nodes::{Node, Nodes};
use crate::probe::Prober;
use crate::repair::Repairs;
use crate::rules::Leave;
use crate::stream_ping::StreamPings;
use crate::suspicion::Suspicions;
use crate::sync::Exchanges;
use crate::takeover::Claims;
use crate::timer::{Timer, Timers};
use crate::why::{Records, Way};
use crate::{Announcement, Config, Event, Input, Instant, Output, Slot, StreamId, Ticket, UserQueue};
use alloc::collections::VecDeque;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::net::SocketAddr;
use core::time::Duration;
use fastrand::Rng;
use muster_wire::memberlist::{Dead, Message, NodeState};
use muster_wire::packet;
use muster_wire::tags::META_BYTES_MAX;

/// Most refusals told per input: one hostile datagram can hold thousands of bad messages.
const REFUSALS_MAX: usize = 8;

/// Room for outputs that is kept when they are taken.
const OUTPUTS_KEPT: usize = 64;

/// One node's view of the membership.
///
/// # The contract
/// 1. Call [`Swim::handle`] or a command with the current time; time never goes back.
/// 2. Then take outputs with [`Swim::poll_output`] until `None`, answering
///    [`Event::StateWanted`] as it comes. After a request on a stream, call [`Swim::merge_request`] and do so again.
/// 3. Sleep until [`Swim::next_timeout`] or the next input; then 1.
///
/// Timers fire only in [`Input::Timeout`], so that a caller who was busy can first hand in what its sockets hold: an
/// ack that has arrived counts, however late it is read. For the same reason [`Input::Slept`] comes before all else
/// after a pause.
#[derive(Debug)]
pub struct Swim {
    pub(crate) config: Config,
    pub(crate) name: Arc<str>,
    /// Where we are among the nodes. We are never forgotten.
    pub(crate) me: Slot,
    pub(crate) now: Instant,
    pub(crate) rng: Rng,
    pub(crate) nodes: Nodes,
    pub(crate) suspicions: Suspicions,
    pub(crate) timers: Timers<Timer>,
    pub(crate) prober: Prober,
    pub(crate) ack_payload: Vec<u8>,
    pub(crate) stream_pings: StreamPings,
    pub(crate) claims: Claims,
    pub(crate) repairs: Repairs,
    pub(crate) records: Records,
    pub(crate) awareness: Awareness,
    pub(crate) gossip: Gossip,
    pub(crate) direct: Direct,
    pub(crate) exchanges: Exchanges,
    pub(crate) burst: Burst,
    pub(crate) leave: Leave,
    pub(crate) outputs: VecDeque<Output>,
    refusals: usize,
}

impl Swim {
    /// A node alone in its cluster, alive with incarnation 1. Its meta must not exceed 512 bytes; longer meta is left
    /// out.
    pub fn new(mut config: Config, now: Instant) -> Self {
        config.profile = config.profile.at_least_a_millisecond();
        if config.meta.len() > META_BYTES_MAX {
            config.meta.clear();
        }
        let mut rng = Rng::with_seed(config.seed);
        let announced = config.share(Announcement {
            name: (*config.name).into(),
            addr: config.addr,
            port: config.port,
            meta: config.meta.clone(),
            versions: config.versions,
        });
        let seed = config.seed;
        let mut nodes = Nodes::new(seed);
        let me = nodes.insert(Node::unheard(announced.clone()), &mut rng);
        nodes.set_state(me, NodeState::Alive);
        let prober = Prober::starting_at(rng.u32(..));
        let aware = config.extensions.aware_probe;
        let mut swim = Self {
            config,
            name: announced.name.clone(),
            me,
            now,
            rng,
            nodes,
            suspicions: Suspicions::new(),
            timers: Timers::default(),
            prober,
            ack_payload: Vec::new(),
            stream_pings: StreamPings::default(),
            claims: Claims::default(),
            repairs: Repairs::default(),
            records: Records::default(),
            awareness: Awareness::new(aware),
            gossip: Gossip::new(seed),
            direct: Direct::default(),
            exchanges: Exchanges::default(),
            burst: Burst::default(),
            leave: Leave::default(),
            outputs: VecDeque::new(),
            refusals: 0,
        };
        swim.event(Event::Joined(announced));
        swim.announce(0);
        swim
    }

    /// Somebody else is here: sees to it that members are probed and asked. A lone node has nothing to wake for.
    pub(crate) fn begin_rounds(&mut self) {
        let (profile, timers) = (self.config.profile, &mut self.timers);
        for (timer, interval, runs) in [
            (Timer::ProbeRound, profile.probe_interval, timers.is_set(&Timer::ProbeEnd)),
            (Timer::PushPull, profile.push_pull_interval, false),
        ] {
            if !runs && !timers.is_set(&timer) {
                // Nodes started together should not work in step.
                timers.set(timer, self.now + interval.mul_f64(self.rng.f64()));
            }
        }
    }

    /// Tells the machine what happened.
    pub fn handle(&mut self, now: Instant, input: Input<'_>) {
        self.advance(now);
        self.refusals = 0;
        match input {
            Input::Packet { from, bytes } => self.on_packet(from, bytes),
            Input::Stream { stream, from, bytes } => match stream {
                StreamId::Inbound(_) => self.on_request(stream, from, bytes),
                StreamId::Outbound(_) => self.on_reply(stream, bytes),
            },
            Input::StreamUnreadable { stream, from, reason } => self.on_unreadable(stream, from, reason),
            Input::StreamFailed { stream, reason } => self.on_stream_failed(stream, reason),
            Input::Slept(by) => self.on_slept(by),
            Input::Throttled => self.on_throttled(),
            Input::Timeout => self.on_timeout(),
        }
    }

    /// The next thing to do.
    pub fn poll_output(&mut self) -> Option<Output> {
        let output = self.outputs.pop_front();
        if output.is_none() && self.outputs.capacity() > OUTPUTS_KEPT {
            // A whole cluster was heard of at once, which is rare.
            self.outputs = VecDeque::new();
        }
        output
    }

    /// When [`Input::Timeout`] is due, if nothing else happens.
    pub fn next_timeout(&self) -> Option<Instant> {
        self.timers.next()
    }

    /// Begins one push/pull with the join flag; ends in `Synced` or `SyncFailed` with the returned id.
    pub fn join(&mut self, now: Instant, to: SocketAddr) -> StreamId {
        self.advance(now);
        self.ask(to, true)
    }

    /// We are about to leave: from now on each round of gossip reaches up to 64 members instead of a few, and the next
    /// one is at once. For the layer above, which says so in its own words before [`Swim::leave`].
    pub fn prepare_leave(&mut self, now: Instant) {
        self.advance(now);
        if self.leave == Leave::Staying {
            self.leave = Leave::Preparing;
        }
        self.gossip_now();
    }

    /// Tells everyone that we leave; ends in `LeaveTold`. We keep answering afterwards, but probe nobody.
    pub fn leave(&mut self, now: Instant) {
        self.advance(now);
        if self.leave.has_begun() {
            return;
        }
        self.leave = Leave::Telling;
        self.say_goodbye();
        self.gossip_now();
    }

    /// Announces new meta under a new incarnation, at once. Meta longer than 512 bytes is not announced; nor is any
    /// after [`Swim::leave`].
    pub fn set_meta(&mut self, now: Instant, meta: Vec<u8>) {
        self.advance(now);
        if meta.len() > META_BYTES_MAX || self.leave.has_begun() {
            return;
        }
        let Some(me) = self.nodes.at_mut(self.me) else { return };
        let changed = me.meta != meta;
        let announced = self.config.share(Announcement { meta, ..Announcement::clone(&me.announced) });
        me.announced = announced.clone();
        self.announce(0);
        if changed {
            self.event(Event::Updated(announced));
        }
        self.gossip_now();
    }

    /// Gossips a user message (Serf's type byte first). With a ticket, its end is told: at once if it is empty or longer
    /// than the 1395 bytes (less [`Config::packet_overhead`]) that fit a packet, for then it is not sent.
    pub fn broadcast(&mut self, queue: UserQueue, message: Vec<u8>, ticket: Option<Ticket>) {
        self.tell_user(queue, message, ticket.map(Waiter::Ticket));
    }

    /// Sends a user message to one node, as a single datagram.
    pub fn send_user(&mut self, to: SocketAddr, message: &[u8]) {
        self.send_user_datagram(to, message);
    }

    /// Tells one node that another has left by itself, as that one would have: an answer to
    /// [`Event::GoneAccused`].
    pub fn tell_left(&mut self, to: SocketAddr, name: &str, incarnation: u32) {
        self.send_left(to, name, incarnation);
    }

    /// Serf's answer to `StateWanted`.
    pub fn supply_state(&mut self, now: Instant, stream: StreamId, state: &[u8]) {
        self.advance(now);
        self.exchange(stream, state);
    }

    /// The bytes of an [`Input::Stream`] on an inbound stream once more, after its outputs were taken: a push/pull is
    /// merged only when its answer is made, and is too large to be kept until then. Does nothing for other requests.
    pub fn merge_request(&mut self, now: Instant, stream: StreamId, bytes: &[u8]) {
        self.advance(now);
        self.merge_answered(stream, bytes);
    }

    /// What our acks to direct pings carry from now on. Whoever pings us gets it; acks on streams and for others carry
    /// nothing, as in memberlist (ping_delegate.go).
    pub fn set_ack_payload(&mut self, payload: Vec<u8>) {
        self.ack_payload = payload;
    }

    /// How many nodes the retransmit limit of user broadcasts reckons with: Serf's known members, failed and left
    /// included.
    pub fn set_user_population(&mut self, members: usize) {
        self.gossip.user_population = members;
    }

    /// Nodes that are alive or suspect, ourselves included until we leave.
    pub fn alive(&self) -> impl Iterator<Item = &Arc<Announcement>> {
        self.nodes.iter().filter(|node| node.is_present()).map(|node| &node.announced)
    }

    /// Everyone else who is alive or suspect: nobody means a lone node.
    pub fn has_peers(&self) -> bool {
        self.others() > 0
    }

    /// Whether a name's holder is being asked if it lives, since another claims the name.
    pub fn is_disputed(&self, name: &str) -> bool {
        self.claims.is_undecided(name)
    }

    /// Whether somebody claimed a name at another address lately, however that ended.
    pub fn is_claimed(&self, name: &str) -> bool {
        self.claims.is_known(name)
    }

    /// Lifeguard's doubt in ourselves: 0 is healthy, 7 the worst. Serf calls it `health_score`.
    pub fn health_score(&self) -> u32 {
        self.awareness.score()
    }

    /// Messages waiting in one of Serf's queues.
    pub fn queued(&self, queue: UserQueue) -> usize {
        self.gossip.queue(queue).len()
    }

    /// How many others are alive or suspect.
    pub(crate) fn others(&self) -> usize {
        let me = self.nodes.at(self.me).is_some_and(Node::is_present);
        self.nodes.present() - usize::from(me)
    }

    pub(crate) fn event(&mut self, event: Event) {
        self.outputs.push_back(Output::Event(event));
    }

    /// Notes that a peer's bytes were not taken.
    pub(crate) fn refuse(&mut self, from: SocketAddr, reason: &str) {
        if self.refusals < REFUSALS_MAX {
            self.refusals += 1;
            self.event(Event::Refused { from, reason: reason.into() });
        }
    }

    /// A message of the layer above.
    pub(crate) fn on_user(&mut self, message: &[u8]) {
        if !message.is_empty() {
            self.event(Event::User(message.to_vec()));
        }
    }

    pub(crate) fn advance(&mut self, now: Instant) {
        self.now = self.now.max(now);
    }

    /// Takes a datagram apart. Deaths come last: a leave intent beside them explains them.
    fn on_packet(&mut self, from: SocketAddr, bytes: &[u8]) {
        let mut deaths: Vec<(u32, String, String)> = Vec::new();
        let read = packet::unwrap(bytes, &mut |message| match message {
            Ok(Message::Dead(dead)) => deaths.push((dead.incarnation, dead.node.into(), dead.from.into())),
            Ok(message) => self.on_message(from, message),
            Err(error) => self.refuse(from, &error.to_string()),
        });
        if let Err(error) = read {
            self.refuse(from, &error.to_string());
        }
        for (incarnation, node, accuser) in &deaths {
            self.on_dead(from, Dead { incarnation: *incarnation, node, from: accuser });
        }
    }

    fn on_message(&mut self, from: SocketAddr, message: Message<'_>) {
        match message {
            Message::Ping(ping) => self.on_ping(from, ping),
            Message::IndirectPing(request) => self.on_indirect_ping(from, request),
            Message::Ack(ack) if self.direct.confirmed(ack.seq_no) => {}
            Message::Ack(ack) => self.on_ack(ack.seq_no, ack.payload),
            Message::Nack(nack) => self.on_nack(nack.seq_no),
            Message::Alive(alive) => self.on_alive(from, alive),
            Message::Suspect(suspect) => self.on_suspect(from, suspect, Way::Gossip { from, teller: None }),
            Message::Dead(dead) => self.on_dead(from, dead),
            Message::User(message) => self.on_user(message),
            Message::Err(_) => self.refuse(from, "an error reply outside of a stream"),
        }
    }

    fn on_timeout(&mut self) {
        while let Some(timer) = self.timers.pop_due(self.now) {
            match timer {
                Timer::ProbeRound => self.probe_next(),
                Timer::ProbeTimeout => self.probe_otherwise(),
                Timer::ProbeEnd => self.probe_ended(),
                Timer::Relay(seq_no) => self.relay_expired(seq_no),
                Timer::Claim(name) => self.claim_expired(&name),
                Timer::Suspicion(slot) => self.suspicion_expired(slot),
                Timer::Appeal(slot) => self.appeal(slot),
                Timer::SecondLook(slot) => self.look_again(slot),
                // It has been gone for so long that nobody tells it anything; a new life of it may begin at 1 again.
                Timer::Forget(slot) => self.nodes.remove(slot),
                Timer::Gossip => self.gossip_round(),
                Timer::Direct => self.tell_waiting(),
                Timer::PushPull => self.push_pull(),
            }
        }
    }

    /// Nobody accuses a lone node, and no probe of it would ever bring the score down again.
    fn on_throttled(&mut self) {
        if self.has_peers() {
            self.awareness.throttled(self.now);
        }
    }

    /// The clock ran while we did not: nobody had a chance to answer in that time.
    fn on_slept(&mut self, by: Duration) {
        self.timers.shift(by);
        self.drop_claims();
        let truce = self.call_truce();
        let (earliest, notice) = (self.now + truce, self.notice());
        for (slot, suspicion) in &mut self.suspicions {
            suspicion.shift(by);
            self.timers.set(Timer::Suspicion(*slot), suspicion.due(notice).max(earliest));
        }
    }
}

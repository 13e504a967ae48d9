//! The machine: one struct, one input, one output.

mod answer;
mod ask;
mod hear;
mod names;
mod nearness;
mod own_name;
mod user_events;

pub use user_events::UserEventError;

use crate::clock::{Clocks, Trust};
use crate::coordinates::Coordinates;
use crate::fast_lane::TagPace;
use crate::leave::{Leaving, Step};
use crate::members::Members;
use crate::query::Queries;
use crate::reconnect::Reconnect;
use crate::state::RecentEvent;
use crate::vote::Vote;
use crate::window::Window;
use crate::{
    Announcement, Event, Extensions, Input, Instant, Intern, Limits, Member, Memory, Output, Profile,
    StreamId, Why, meta,
};
use alloc::collections::{BTreeMap, VecDeque};
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::net::SocketAddr;
use core::time::Duration;
use muster_swim::{News, Swim, Ticket, UserQueue};
use muster_wire::serf::{JoinIntent, LeaveIntent, Message};
use muster_wire::{RawAddr, Versions, tags::Tags};

/// Bytes of user events remembered for push/pulls and against repetitions: eight times what 512 events of Serf's default
/// size need, and a quarter of what a stream may carry.
const EVENTS_BYTES_MAX: usize = 2 << 20;
/// Room for outputs that is kept when they are taken.
const OUTPUTS_KEPT: usize = 64;
/// The one broadcast whose end we wait for.
const LEAVE_TICKET: Ticket = Ticket(0);
/// The id of a join that was not begun; swim numbers upwards from the other end.
const NO_STREAM: StreamId = StreamId::Outbound(u64::MAX);

/// Who this node is.
#[derive(Clone, Debug)]
pub struct Config {
    /// Node name.
    pub name: String,
    /// Advertised address.
    pub addr: RawAddr,
    /// Advertised port.
    pub port: u16,
    /// Port we are bound to.
    pub bind_port: u16,
    /// Own tags; at most 512 bytes encoded.
    pub tags: Tags,
    /// Serf protocol spoken, 2..=5.
    pub protocol: u8,
    /// Compress what gets smaller.
    pub compress: bool,
    /// Bytes the caller puts around each datagram on its way out (label, encryption): they count as part of it.
    pub packet_overhead: usize,
    /// Timing.
    pub profile: Profile,
    /// What goes beyond the reference; agents have it all.
    pub extensions: Extensions,
    /// Longest wait for a broadcast to be told (Serf: 5 s).
    pub broadcast_timeout: Duration,
    /// How long a leaving node keeps answering after its leave is told (Serf: 1 s).
    pub leave_propagate_delay: Duration,
    /// How long the things we say may be.
    pub limits: Limits,
    /// How long the gone are remembered.
    pub memory: Memory,
    /// Who has our name is asked, when another claims it; else that is only said (Serf: EnableNameConflictResolution).
    pub resolves_names: bool,
    /// Seeds every random choice; see [`muster_swim::Config`].
    pub seed: u64,
    /// Where many cores live in one process: what makes them share what all of them know.
    pub intern: Option<Arc<dyn Intern>>,
}

/// Encoded tags exceed the 512 bytes of a member's meta.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("encoded length of tags is {bytes} bytes, the limit is 512")]
pub struct TagsTooLong {
    /// Their encoded length.
    pub bytes: usize,
}

/// One node's view of a Serf cluster. The contract is [`Swim`](muster_swim::Swim)'s, without `StateWanted`.
#[derive(Debug)]
pub struct Serf {
    pub(crate) config: Config,
    pub(crate) swim: Swim,
    pub(crate) members: Members,
    clocks: Clocks,
    events: Window<RecentEvent>,
    queries: Queries,
    coordinates: Coordinates,
    /// On our own name, while somebody else claims it.
    vote: Option<Vote>,
    leaving: Leaving,
    pub(crate) tag_pace: TagPace,
    /// Joins under way that were asked for, and whether each wants events from before it.
    joins: BTreeMap<StreamId, bool>,
    /// Whether our join intent went out.
    join_told: bool,
    outputs: VecDeque<Output>,
    /// Who asked about a name that is being disputed.
    waiting: Vec<names::Asked>,
    reconnect: Reconnect,
}

impl Serf {
    /// A node alone in its cluster.
    pub fn new(config: Config, now: Instant) -> Result<Self, TagsTooLong> {
        let meta = meta::encode(&config.tags, config.protocol)?;
        let [pmin, pmax, pcur, dmin, dmax, _] = Versions::OURS.0;
        let swim = muster_swim::Config {
            name: config.name.clone(),
            addr: config.addr,
            port: config.port,
            bind_port: config.bind_port,
            meta,
            versions: Versions([pmin, pmax, pcur, dmin, dmax, config.protocol]),
            compress: config.compress,
            packet_overhead: config.packet_overhead,
            profile: config.profile,
            extensions: config.extensions,
            seed: config.seed,
            intern: config.intern.clone(),
        };
        let prune_delay = config.broadcast_timeout + config.leave_propagate_delay;
        let mut serf = Self {
            swim: Swim::new(swim, now),
            members: Members::new(config.name.clone(), prune_delay, config.memory, config.seed),
            clocks: Clocks::new(),
            events: Window::new(EVENTS_BYTES_MAX),
            queries: Queries::new(config.seed),
            coordinates: Coordinates::new(config.seed),
            vote: None,
            leaving: Leaving::new(config.broadcast_timeout, config.leave_propagate_delay),
            tag_pace: TagPace::new(config.tags.clone()),
            joins: BTreeMap::new(),
            join_told: false,
            outputs: VecDeque::new(),
            waiting: Vec::new(),
            reconnect: Reconnect::new(now, config.memory.reconnect_interval, config.seed),
            config,
        };
        serf.swim.set_ack_payload(serf.coordinates.ack_payload());
        serf.drive(now);
        Ok(serf)
    }

    /// Tells the machine what happened.
    pub fn handle(&mut self, now: Instant, input: Input<'_>) {
        self.swim.handle(now, input);
        match input {
            Input::Timeout => self.tick(now),
            Input::Slept(by) => self.slept(by),
            Input::Packet { .. }
            | Input::Stream { .. }
            | Input::StreamUnreadable { .. }
            | Input::StreamFailed { .. }
            | Input::Throttled => {}
        }
        self.drive(now);
        if let Input::Stream { stream, bytes, .. } = input {
            self.swim.merge_request(now, stream, bytes);
            self.drive(now);
        }
        // What timers made us say is due at once, too.
        if matches!(input, Input::Timeout) && self.swim.next_timeout().is_some_and(|due| due <= now) {
            self.swim.handle(now, Input::Timeout);
            self.drive(now);
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
        let own = [
            self.reconnect.due(&self.members),
            self.leaving.deadline(),
            self.members.next_due(),
            self.queries.asked.deadline(),
            self.tag_pace.deadline(),
        ];
        own.into_iter().flatten().chain(self.swim.next_timeout()).min()
    }

    /// Begins joining through `to`; ends in [`Event::Synced`](crate::Event::Synced) or
    /// [`Event::SyncFailed`](crate::Event::SyncFailed) with the returned id. The first success also broadcasts our join
    /// intent. Refused once we are leaving.
    pub fn join(&mut self, now: Instant, to: SocketAddr, replay_old_events: bool) -> StreamId {
        if !self.leaving.is_staying() {
            let reason = String::from("we are leaving the cluster");
            self.event(Event::SyncFailed { stream: NO_STREAM, reason, join: true });
            return NO_STREAM;
        }
        let stream = self.swim.join(now, to);
        self.joins.insert(stream, replay_old_events);
        self.drive(now);
        stream
    }

    /// Leaves in order: intent, then memberlist's own leave, then a pause in which probes are still answered. Ends in
    /// `LeftCluster`.
    pub fn leave(&mut self, now: Instant) {
        if !self.leaving.is_staying() {
            return;
        }
        self.leaving.begin(now);
        let ltime = self.clocks.member.time();
        self.clocks.member.increment();
        let name = self.config.name.clone();
        let intent = LeaveIntent { ltime, node: &name, prune: false };
        self.hear_leave(now, intent);
        if self.swim.has_peers() {
            let bytes = self.broadcast(&Message::Leave(intent), Some(LEAVE_TICKET));
            self.tell_balancers(now, News::User(&bytes));
            self.swim.prepare_leave(now);
        }
        self.drive(now);
    }

    /// Declares a failed member left; with `prune` forgets it at once. Unknown names succeed, as in the reference. About
    /// ourselves it does nothing: that is [`Serf::leave`].
    pub fn force_leave(&mut self, now: Instant, node: &str, prune: bool) {
        if node == self.config.name {
            return;
        }
        let ltime = self.clocks.member.time();
        self.clocks.member.increment();
        let intent = LeaveIntent { ltime, node, prune };
        // About a name unknown here it is for others to hear: kept for later, it would make a live member leaving that we are
        // about to meet, at a time too early for that member to refute.
        if self.members.get(node).is_some() {
            self.hear_leave(now, intent);
        }
        if self.swim.has_peers() {
            self.broadcast(&Message::Leave(intent), None);
        }
        self.drive(now);
    }

    /// Takes up the clocks of a former life, as [`Stats`] told them at its end: what we say from now on is later than what
    /// we said then, and events from before are not handled again (serf.go, Create).
    pub fn resume(&mut self, former: &Stats) {
        self.clocks.member.witness_next(former.member_time, Trust::Newcomer);
        self.clocks.event.witness_next(former.event_time, Trust::Newcomer);
        self.clocks.query.witness_next(former.query_time, Trust::Newcomer);
        self.events.ignore_before(self.clocks.event.time());
        self.queries.heard.ignore_before(self.clocks.query.time());
    }

    /// Replaces our tags; balancers are told straight, and nobody more than eight times a second.
    pub fn set_tags(&mut self, now: Instant, tags: Tags) -> Result<(), TagsTooLong> {
        meta::encode(&tags, self.config.protocol)?;
        self.config.tags = tags;
        self.tell_tags(now);
        self.drive(now);
        Ok(())
    }

    /// Knows these nodes as one who met them long ago; see [`Swim::acquaint`]. For simulations.
    pub fn acquaint(&mut self, now: Instant, nodes: &[Arc<Announcement>]) {
        self.join_told = true;
        self.members.reserve(nodes.len());
        self.swim.acquaint(now, nodes);
        self.drive(now);
    }

    /// All known members, failed and left ones included, in no particular order.
    pub fn members(&self) -> impl ExactSizeIterator<Item = &Member> {
        self.members.iter()
    }

    /// The member of this name.
    pub fn member(&self, name: &str) -> Option<&Member> {
        self.members.get(name)
    }

    /// What was heard for and against a member; `None` if the name is neither alive nor was ever accused.
    pub fn why(&self, name: &str) -> Option<Why> {
        self.swim.why(name)
    }

    /// Figures for `info`.
    pub fn stats(&self) -> Stats {
        let count = self.members.count();
        Stats {
            members: count.all,
            failed: count.failed,
            left: count.left,
            health_score: self.swim.health_score(),
            member_time: self.clocks.member.time(),
            event_time: self.clocks.event.time(),
            query_time: self.clocks.query.time(),
            intent_queue: self.swim.queued(UserQueue::Intents),
            event_queue: self.swim.queued(UserQueue::Events),
            query_queue: self.swim.queued(UserQueue::Queries),
            coordinate_resets: self.coordinates.resets(),
        }
    }

    /// Whatever is due by now.
    fn tick(&mut self, now: Instant) {
        let step = self.leaving.tick(now);
        self.step(now, step);
        self.members.forget_due(now);
        self.end_queries(now);
        if self.tag_pace.deadline().is_some_and(|due| due <= now) {
            self.tell_tags(now);
        }
        if self.reconnect.ticker.is_due(now)
            && self.leaving.is_staying()
            && let Some(member) = self.reconnect.choose(&self.members)
        {
            // Not among the joins asked for: a reconnect announces no join.
            let to = member.socket_addr();
            self.swim.join(now, to);
        }
        self.tell_member_events();
    }

    /// The clock ran while nobody could act: what was due meanwhile is due later.
    fn slept(&mut self, by: Duration) {
        self.leaving.slept(by);
        self.members.slept(by);
        self.queries.asked.slept(by);
        self.reconnect.ticker.slept(by);
    }

    /// Takes everything swim has to say, until nothing follows from it any more.
    fn drive(&mut self, now: Instant) {
        loop {
            while let Some(output) = self.swim.poll_output() {
                self.translate(now, output);
            }
            if self.answer_who_holds() {
                // swim has something to send.
                continue;
            }
            self.swim.set_user_population(self.members.len());
            let step = if self.swim.has_peers() { Step::Nothing } else { self.leaving.nobody_listens(now) };
            if step == Step::Nothing {
                return;
            }
            self.step(now, step);
        }
    }

    fn step(&mut self, now: Instant, step: Step) {
        match step {
            Step::Nothing => {}
            Step::Leave => {
                self.swim.leave(now);
                self.tell_balancers(now, News::OurState);
            }
            Step::Done => self.event(Event::LeftCluster),
        }
    }

    /// Says that we are here: after the first join, and against whoever says otherwise (serf.go, broadcastJoin).
    fn announce_join(&mut self) {
        let ltime = self.clocks.member.time();
        self.clocks.member.increment();
        self.members.we_join(ltime);
        let name = self.config.name.clone();
        self.broadcast(&Message::Join(JoinIntent { ltime, node: &name }), None);
    }

    /// Hands an intent to gossip; returns it as it is told.
    fn broadcast(&mut self, intent: &Message<'_>, ticket: Option<Ticket>) -> Vec<u8> {
        let mut bytes = Vec::new();
        intent.encode(&mut bytes);
        self.swim.broadcast(UserQueue::Intents, bytes.clone(), ticket);
        bytes
    }

    fn tell_member_events(&mut self) {
        for event in self.members.take_events() {
            self.forget_place(&event);
            self.event(event);
        }
    }

    fn event(&mut self, event: Event) {
        self.outputs.push_back(Output::Event(event));
    }
}

/// The `serf` section of `serf info`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[allow(missing_docs, reason = "the reference's own keys")]
pub struct Stats {
    pub members: usize,
    pub failed: usize,
    pub left: usize,
    pub health_score: u32,
    pub member_time: u64,
    pub event_time: u64,
    pub query_time: u64,
    pub intent_queue: usize,
    pub event_queue: usize,
    pub query_queue: usize,
    pub coordinate_resets: u64,
}

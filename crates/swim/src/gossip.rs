//! Telling others: gossip rounds, and news that ride on packets sent anyway.
//!
//! Unlike memberlist's ticker, rounds are at least one interval apart but the first after a pause runs at once, and with
//! nothing to tell nothing is armed. Source: memberlist's state.go (`gossip`), net.go (`sendMsg`), broadcast.go.

use crate::broadcast::{BroadcastQueue, Room, Waiter, retransmit_limit};
use crate::nodes::Node;
use crate::timer::Timer;
use crate::{Event, Instant, Output, Swim, UserQueue};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::net::SocketAddr;
use core::time::Duration;
use muster_wire::memberlist::{Message, NodeState, kind};
use muster_wire::packet::{self, BUDGET, COMPOUND_OVERHEAD, PART_OVERHEAD, PARTS_MAX, Wrap};

/// The type byte before a user message.
const USER_OVERHEAD: usize = 1;
/// Members reached by each round while we are leaving: there is no later to tell it in.
const LEAVE_REACH: usize = 64;
/// How many rounds a leave is told in at least, if everyone is within reach.
const LEAVE_ROUNDS: usize = 3;

/// Everything waiting to be told.
#[derive(Debug)]
pub(crate) struct Gossip {
    /// memberlist's own news, by node.
    own: BroadcastQueue,
    /// Serf's, served in this order.
    user: [BroadcastQueue; 3],
    /// Serf's count of known members.
    pub(crate) user_population: usize,
    last_round: Option<Instant>,
}

/// How often a message is to be told, by queue.
#[derive(Clone, Copy, Debug)]
struct Limits {
    own: u32,
    user: u32,
}

impl Limits {
    const NONE: Self = Self { own: u32::MAX, user: u32::MAX };
}

impl Gossip {
    /// Nothing to tell.
    pub(crate) fn new(seed: u64) -> Self {
        let queue = || BroadcastQueue::new(seed);
        Self { own: queue(), user: [queue(), queue(), queue()], user_population: 0, last_round: None }
    }

    pub(crate) fn queue(&self, queue: UserQueue) -> &BroadcastQueue {
        match queue {
            UserQueue::Intents => &self.user[0],
            UserQueue::Queries => &self.user[1],
            UserQueue::Events => &self.user[2],
        }
    }

    fn queue_mut(&mut self, queue: UserQueue) -> &mut BroadcastQueue {
        match queue {
            UserQueue::Intents => &mut self.user[0],
            UserQueue::Queries => &mut self.user[1],
            UserQueue::Events => &mut self.user[2],
        }
    }

    fn is_empty(&self) -> bool {
        self.own.is_empty() && self.user.iter().all(BroadcastQueue::is_empty)
    }

    /// Adds to `parts` whatever news fit into `bytes`; memberlist's own first.
    fn fill(&mut self, parts: &mut Vec<Vec<u8>>, bytes: usize, limits: Limits, done: &mut Vec<Waiter>) {
        let mut room = Room { bytes, parts: PARTS_MAX.saturating_sub(parts.len()) };
        self.own.take(
            limits.own,
            PART_OVERHEAD,
            &mut room,
            &mut |message| parts.push(message.to_vec()),
            done,
        );
        for queue in &mut self.user {
            let overhead = PART_OVERHEAD + USER_OVERHEAD;
            queue.take(limits.user, overhead, &mut room, &mut |message| parts.push(user(message)), done);
        }
    }
}

/// A user message as a part of a packet.
pub(crate) fn user(message: &[u8]) -> Vec<u8> {
    let mut part = Vec::with_capacity(USER_OVERHEAD + message.len());
    part.push(kind::USER);
    part.extend_from_slice(message);
    part
}

/// memberlist's ticker: rounds at fixed times, out of step with other nodes' by what `seed` says.
fn next_tick(now: Instant, interval: Duration, seed: u64) -> Instant {
    let nanos = |duration: Duration| u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX).max(1);
    let (interval, now) = (nanos(interval), nanos(now.0));
    let since = now.saturating_sub(seed % interval) % interval;
    Instant(Duration::from_nanos(now.saturating_add(interval - since)))
}

pub(crate) fn encode(message: &Message<'_>) -> Vec<u8> {
    let mut bytes = Vec::new();
    message.encode(&mut bytes);
    bytes
}

impl Swim {
    /// Queues memberlist's own news about one node.
    pub(crate) fn tell(&mut self, about: &Arc<str>, message: &Message<'_>, waiter: Option<Waiter>) {
        let mut done = Vec::new();
        self.gossip.own.push_about(about, encode(message), waiter, &mut done);
        self.finish(&done);
        self.arm_gossip();
    }

    /// Queues a message of the layer above.
    pub(crate) fn tell_user(&mut self, queue: UserQueue, message: Vec<u8>, waiter: Option<Waiter>) {
        let mut done = Vec::new();
        if message.is_empty() || message.len() > self.user_message_max() {
            done.extend(waiter);
        } else {
            self.gossip.queue_mut(queue).push(message, waiter, &mut done);
        }
        self.finish(&done);
        self.arm_gossip();
    }

    /// Sees to it that what is queued gets its round, as soon as the interval since the last one allows.
    pub(crate) fn arm_gossip(&mut self) {
        if self.gossip.is_empty() || self.timers.is_set(&Timer::Gossip) {
            return;
        }
        let interval = self.config.profile.gossip_interval;
        let at = if self.config.extensions.prompt_gossip {
            self.gossip.last_round.map_or(self.now, |last| (last + interval).max(self.now))
        } else {
            next_tick(self.now, interval, self.config.seed)
        };
        self.timers.set(Timer::Gossip, at);
    }

    /// Sends news to a few random members.
    pub(crate) fn gossip_round(&mut self) {
        self.timers.cancel(&Timer::Gossip);
        let reach = if self.reaches_widely() { LEAVE_REACH } else { self.config.profile.gossip_nodes };
        let me = self.me;
        // The dead are told too, for as long as they are here, so that they can refute.
        let peers =
            self.nodes.pick(reach, &mut self.rng, |slot, node| slot != me && node.state() != NodeState::Left);
        if peers.is_empty() && self.others() == 0 {
            // Armed again when somebody appears.
            return;
        }
        self.gossip.last_round = Some(self.now);
        let limits = self.limits();
        let mut done = Vec::new();
        for peer in peers {
            let Some(node) = self.nodes.at(peer) else { continue };
            let (to, crc) = (node.socket_addr(), node.reads_crc());
            let limits = if self.wastes_news(node) { Limits::NONE } else { limits };
            let mut parts = Vec::new();
            self.gossip.fill(&mut parts, self.parts_budget(), limits, &mut done);
            if parts.is_empty() {
                break;
            }
            self.send(to, &parts, crc);
        }
        self.finish(&done);
        self.arm_gossip();
    }

    /// What a dead node is told, it will hardly hear; it must not be the last telling while somebody lives. In the
    /// reference, news told just after many died may reach nobody.
    fn wastes_news(&self, node: &Node) -> bool {
        self.config.extensions.news_for_the_living && !node.is_present() && self.others() > 0
    }

    /// Sends one message to one node. News ride along if `member` is known at that address and not gone: strangers' questions, and
    /// those asked for others about the dead, must not use up what members are to hear.
    pub(crate) fn send_directed(&mut self, to: SocketAddr, member: &str, message: Vec<u8>) {
        let used = PART_OVERHEAD + message.len();
        let mut parts = alloc::vec![message];
        let mut done = Vec::new();
        let hears = |node: &Node| node.socket_addr() == to && !self.wastes_news(node);
        if self.nodes.get(member).is_some_and(hears) {
            let limits = self.limits();
            self.gossip.fill(&mut parts, self.parts_budget().saturating_sub(used), limits, &mut done);
        }
        self.send(to, &parts, false);
        self.finish(&done);
    }

    /// While we are leaving.
    fn reaches_widely(&self) -> bool {
        self.leave.hurries() && self.config.extensions.wide_leave
    }

    /// A round of gossip that need not wait for its turn.
    pub(crate) fn gossip_now(&mut self) {
        if self.config.extensions.prompt_gossip {
            self.gossip_round();
        }
    }

    /// Bytes for the parts of one datagram. Its CRC is not counted, as in memberlist: a full one has five bytes more.
    pub(crate) fn parts_budget(&self) -> usize {
        (BUDGET - COMPOUND_OVERHEAD).saturating_sub(self.config.packet_overhead)
    }

    /// Longest user message that fits a gossip packet; a longer one would wait for ever.
    pub(crate) fn user_message_max(&self) -> usize {
        self.parts_budget().saturating_sub(PART_OVERHEAD + USER_OVERHEAD)
    }

    /// Sends one datagram.
    pub(crate) fn send(&mut self, to: SocketAddr, parts: &[Vec<u8>], crc: bool) {
        let bytes = packet::pack(parts, Wrap { compress: self.config.compress, crc });
        self.outputs.push_back(Output::Send { to, bytes });
    }

    /// Sends a user message to one node, alone in its datagram.
    pub(crate) fn send_user_datagram(&mut self, to: SocketAddr, message: &[u8]) {
        self.send(to, &[user(message)], false);
    }

    fn limits(&self) -> Limits {
        let mult = self.config.profile.retransmit_mult;
        let least = if self.reaches_widely() {
            let reached = self.others().min(LEAVE_REACH);
            u32::try_from(reached * LEAVE_ROUNDS).unwrap_or(u32::MAX)
        } else {
            0
        };
        let members = self.nodes.len();
        Limits {
            own: retransmit_limit(mult, members).max(least),
            user: retransmit_limit(mult, members.max(self.gossip.user_population)).max(least),
        }
    }

    fn finish(&mut self, done: &[Waiter]) {
        for waiter in done {
            match *waiter {
                Waiter::Ticket(ticket) => self.event(Event::BroadcastDone(ticket)),
                Waiter::Leave => self.leave_told(),
            }
        }
    }
}

//! What arrives through swim: its events, and Serf's own messages inside user messages and push/pull states.
//!
//! A message that is news is passed on as the original bytes, so that fields we do not know survive us.

use crate::clock::Trust;
use crate::members::Heard;
use crate::state;
use crate::{Event, Instant, Output, Serf};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::net::SocketAddr;
use muster_swim::{GoneWhy, Slot, StreamId, UserQueue};
use muster_wire::DecodeError;
use muster_wire::packet::BUDGET;
use muster_wire::serf::{JoinIntent, LeaveIntent, Message, PushPullState, Relay, UserEvent};

/// "Do not pass this query on."
const QUERY_NO_BROADCAST: u32 = 2;

impl Serf {
    /// Makes one output of swim ours.
    pub(super) fn translate(&mut self, now: Instant, output: muster_swim::Output) {
        use muster_swim::Output as Swim;
        let output = match output {
            Swim::Send { to, bytes } => Output::Send { to, bytes },
            Swim::Open { stream, to, bytes, reply, deadline } => {
                Output::Open { stream, to, bytes, reply, deadline }
            }
            Swim::Answer { stream, bytes } => Output::Answer { stream, bytes },
            Swim::Close { stream } => Output::Close { stream },
            Swim::Event(event) => return self.swim_event(now, event),
        };
        self.outputs.push_back(output);
    }

    fn swim_event(&mut self, now: Instant, event: muster_swim::Event) {
        use muster_swim::Event as Swim;
        match event {
            Swim::Joined(node) => self.members.joined(now, node),
            Swim::Updated(node) => self.members.updated(now, node),
            Swim::Gone { name, why } => {
                let why = if self.config.extensions.own_word { why } else { GoneWhy::Failed };
                self.members.gone(now, &name, why);
            }
            Swim::User(message) => self.hear(now, &message),
            Swim::StateWanted { stream, join: _, only_us } => {
                let state = match only_us {
                    true => state::encode_own(&self.clocks, &self.members, &self.config.name),
                    false => state::encode(&self.clocks, &self.members, &self.events),
                };
                self.swim.supply_state(now, stream, &state);
            }
            Swim::StateReceived { join, state } => self.merge(now, join, &state),
            Swim::Synced { stream, with, join } => self.synced(stream, with, join),
            Swim::SyncFailed { stream, reason, join } => {
                self.joins.remove(&stream);
                self.event(Event::SyncFailed { stream, reason, join });
            }
            // The only ticket we hand out is the leave intent's.
            Swim::BroadcastDone(_) => {
                let step = self.leaving.intent_told(now);
                self.step(now, step);
            }
            Swim::LeaveTold => {
                let step = self.leaving.leave_told(now);
                self.step(now, step);
            }
            Swim::Measured { name, round_trip, payload } => self.measured(&name, round_trip, &payload),
            Swim::Suspected { name, by } => {
                self.note(false, format!("{} is suspected by {}", name.escape_debug(), by.escape_debug()));
            }
            Swim::GoneAccused { name, incarnation, by: _, at } => self.repair_leave(at, &name, incarnation),
            Swim::StreamsOnly { name, at } => {
                let name = name.escape_debug();
                self.note(
                    true,
                    format!("TCP works but UDP does not: {name} at {at} answers pings on TCP only; let UDP through both ways"),
                );
            }
            Swim::Conflict { name, holder, claimant, claimant_answers } => {
                self.conflict(now, &name, holder, claimant, claimant_answers);
            }
            Swim::Moved { name, from, to } => {
                let name = name.escape_debug();
                self.note(
                    true,
                    format!("{name} moved from {from} to {to}: nobody answered to it at the old address"),
                );
            }
            Swim::Refused { from, reason } => {
                self.note(true, format!("refused a message from {from}: {}", reason.escape_debug()));
            }
        }
        self.tell_member_events();
    }

    fn synced(&mut self, stream: StreamId, with: SocketAddr, join: bool) {
        let asked_for = self.joins.remove(&stream).is_some();
        if asked_for && !self.join_told && self.leaving.is_staying() {
            self.join_told = true;
            self.announce_join();
        }
        self.event(Event::Synced { stream, with, join });
    }

    /// Somebody accuses a node that is not here. If it left, the accuser missed that: it is told as the leaver would have
    /// told it, the intent first, so that it sees "left" and not "failed".
    fn repair_leave(&mut self, to: SocketAddr, name: &str, incarnation: u32) {
        let Some(intent) = self.members.leave_of(name) else { return };
        let mut bytes = Vec::new();
        Message::Leave(intent).encode(&mut bytes);
        self.swim.send_user(to, &bytes);
        self.swim.tell_left(to, name, incarnation);
    }

    /// One of Serf's messages, from gossip, a single datagram or a stream.
    fn hear(&mut self, now: Instant, bytes: &[u8]) {
        match Message::decode(bytes) {
            Ok(Message::Join(intent)) => {
                if self.hear_join(now, intent) == Heard::New {
                    self.pass_on(UserQueue::Intents, bytes);
                }
            }
            Ok(Message::Leave(intent)) => {
                if self.hear_leave(now, intent) == Heard::New {
                    self.pass_on(UserQueue::Intents, bytes);
                }
            }
            Ok(Message::UserEvent(event)) => {
                if self.hear_user_event(event) {
                    self.pass_on(UserQueue::Events, bytes);
                }
            }
            Ok(Message::Query(query)) => {
                if self.hear_query(now, &query) && query.flags & QUERY_NO_BROADCAST == 0 {
                    self.pass_on(UserQueue::Queries, bytes);
                }
            }
            Ok(Message::QueryResponse(response)) => self.hear_response(response),
            Ok(Message::Relay(relay)) => self.relay(relay),
            Err(error) => self.refuse("Serf message", error),
        }
    }

    fn hear_join(&mut self, now: Instant, intent: JoinIntent<'_>) -> Heard {
        if !self.clocks.member.hear(intent.ltime) {
            return self.ignore("join intent");
        }
        let heard = self.members.join_intent(now, intent, self.leaving.is_staying());
        self.answer(heard)
    }

    pub(super) fn hear_leave(&mut self, now: Instant, intent: LeaveIntent<'_>) -> Heard {
        if !self.clocks.member.hear(intent.ltime) {
            return self.ignore("leave intent");
        }
        let heard = self.members.leave_intent(now, intent, self.leaving.is_staying());
        self.answer(heard)
    }

    fn hear_left_elsewhere(&mut self, now: Instant, intent: LeaveIntent<'_>) -> Heard {
        if !self.clocks.member.hear(intent.ltime) {
            return self.ignore("leave in a push/pull");
        }
        let heard = self.members.left_elsewhere(now, intent, self.leaving.is_staying());
        self.answer(heard)
    }

    /// Tells what follows from an intent, and refutes it if it is wrong.
    fn answer(&mut self, heard: Heard) -> Heard {
        self.tell_member_events();
        if heard == Heard::AboutUs {
            self.announce_join();
        }
        heard
    }

    /// A response to somebody's query, on a second way in case the first is broken.
    ///
    /// Only to members: a query is asked by one, and a node that forwards anything anywhere would be a tool for strangers.
    /// The member is looked up by name, because anybody may ask for this often; a header without a name, as old Serfs send
    /// it, is not served, and the straight answer has to do.
    fn relay(&mut self, relay: Relay<'_>) {
        let to = SocketAddr::new(relay.addr.ip(), relay.port);
        let known = self.members.get(relay.node).is_some_and(|member| member.socket_addr() == to);
        if known && relay.message.len() < BUDGET {
            self.swim.send_user(to, relay.message);
        }
    }

    /// A peer's state, after swim has told the members it knows.
    fn merge(&mut self, now: Instant, join: bool, bytes: &[u8]) {
        let state = match PushPullState::decode(bytes) {
            Ok(state) => state,
            Err(error) => return self.refuse("Serf state of a push/pull", error),
        };
        let we_join = join && !self.joins.is_empty();
        let trust = if we_join && !self.join_told { Trust::Newcomer } else { Trust::Usual };
        self.clocks.member.witness_next(state.ltime, trust);
        self.clocks.event.witness_next(state.event_ltime, trust);
        self.clocks.query.witness_next(state.query_ltime, trust);
        let (leaves, joins) = state::intents(&state);
        for intent in leaves {
            self.hear_left_elsewhere(now, intent);
        }
        let mut turn = Slot::FIRST;
        for intent in joins {
            // Nearly all, of thousands.
            if self.members.is_old_join(intent, &mut turn) {
                // Its time was believed before.
                self.clocks.member.hear(intent.ltime);
                continue;
            }
            self.hear_join(now, intent);
        }
        if join && self.joins.values().any(|replay_old_events| !replay_old_events) {
            // Not before a time that we do not believe.
            self.events.ignore_before(state.event_ltime.min(self.clocks.event.time()));
        }
        for recent in &state.events {
            for &(name, payload) in &recent.events {
                self.hear_user_event(UserEvent { ltime: recent.ltime, name, payload, coalesce: false });
            }
        }
    }

    /// Longer messages than a gossip packet carries come by stream only, and swim does not queue them; events among them
    /// travel on in push/pulls.
    fn pass_on(&mut self, queue: UserQueue, bytes: &[u8]) {
        self.swim.broadcast(queue, Vec::from(bytes), None);
    }

    /// A message is so far ahead that it counts as forged.
    pub(super) fn ignore(&mut self, what: &str) -> Heard {
        self.note(
            true,
            format!("ignored a {what} whose Lamport time is beyond belief: forged, or a member was misled"),
        );
        Heard::Old
    }

    fn refuse(&mut self, what: &str, error: DecodeError) {
        self.note(true, format!("cannot read a {what}: {error}"));
    }

    pub(super) fn note(&mut self, warn: bool, text: String) {
        self.event(Event::Note { warn, text });
    }
}

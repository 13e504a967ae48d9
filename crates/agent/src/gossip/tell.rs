//! What the core tells: whom it concerns, and what the log says of it.

use super::{Answer, Gossip, NameLost};
use crate::drain::{DRAIN, DrainQuery};
use crate::key_queries::{self, KeyQuery};
use crate::plain::Plain;
use muster_events::Notice;
use muster_serf::{Event, MemberEvent};

impl Gossip {
    pub(super) fn tell(&mut self, event: Event) {
        if let Event::Query { id, name, from, deadline, .. } = &event
            && name == DRAIN
        {
            // Between ourselves: no handler and no stream is shown it.
            let within = *deadline - self.clock.now();
            // Who finds no place asks again.
            let _ = self.drain_queries.try_send(DrainQuery { id: *id, from: from.clone(), within });
            return;
        }
        if let Some(notice) = Notice::of(&event) {
            self.hub.tell(notice);
        }
        match event {
            Event::Member(what, member) => {
                tracing::info!(node = ?member.name, addr = %member.addr.ip(), status = member.status.as_str(), "{}", what.as_str());
                let since = self.since.get(&member.name).map(|since| self.clock.now() - *since);
                self.counters.member(what, since);
                match what {
                    MemberEvent::Reap => drop(self.since.remove(&member.name)),
                    MemberEvent::Update => {}
                    _ => self.changed(&member),
                }
                self.inbox.put_event(what, member);
            }
            Event::Leaving(member) | Event::Staying(member) => {
                tracing::info!(node = ?member.name, status = member.status.as_str(), "member-intent");
                self.changed(&member);
                self.inbox.put(member);
            }
            Event::User { ltime, name, payload, coalesce: _ } => {
                self.counters.user_event();
                let bytes = payload.len();
                tracing::info!(event = ?name, ltime, bytes, "user-event");
            }
            Event::Query { id, name, payload, from, deadline: _ } => {
                self.counters.query();
                let bytes = payload.len();
                tracing::info!(query = ?name, ?from, ltime = id.ltime, bytes, "query");
            }
            Event::KeyQuery { id, operation, from } => {
                if let Err(busy) = self.key_queries.try_send(KeyQuery { id, operation, from }) {
                    self.refuse_key_query(busy.into_inner());
                }
            }
            Event::NameLost { to, votes, answers } => {
                if let Some(lost) = self.name_lost.take() {
                    let _ = lost.send(NameLost { to, votes, answers });
                }
            }
            Event::QueryAck { id, from } => self.askers.tell(id, Answer::Ack { from }),
            Event::QueryResponse { id, from, payload } => {
                self.askers.tell(id, Answer::Response { from, payload });
            }
            Event::QueryDone { id } => self.askers.end(id),
            Event::Synced { stream, with, join } => {
                tracing::debug!(%with, join, "exchanged state");
                self.synced.send_if_modified(|synced| !std::mem::replace(synced, true));
                self.join_ended(stream, Ok(()));
            }
            Event::SyncFailed { stream, reason, join } => {
                if !self.join_ended(stream, Err(reason.clone())) {
                    tracing::debug!(join, "could not exchange state: {}", Plain(&reason));
                }
            }
            Event::LeftCluster => {
                for done in self.leaves.drain(..) {
                    let _ = done.send(());
                }
            }
            Event::Note { warn: true, text } => self.complain(&Plain(&text).to_string()),
            Event::Note { warn: false, text } => tracing::debug!("{}", Plain(&text)),
        }
    }

    fn refuse_key_query(&mut self, KeyQuery { id, from, .. }: KeyQuery) {
        let answer = key_queries::refused("too many key operations wait here; try again");
        tracing::warn!(?from, "key query: {}", answer.message);
        // Who does not hear of it takes our silence for an answer.
        let _ = self.serf.respond_keys(self.clock.now(), id, &answer);
    }
}

//! Being asked, and answering.

use super::ask::ACK;
use crate::query::{Asker, Internal, Waiting, check_response, encode_response, is_for};
use crate::{Event, Instant, KeyAnswer, Member, QueryId, RespondError, Serf, Status};
use alloc::format;
use alloc::vec::Vec;
use core::net::SocketAddr;
use core::time::Duration;
use muster_wire::serf::{self, ConflictResponse, Message, Query, QueryResponse, Relay};
use muster_wire::tags::Tags;

/// From this memberlist version on, a member relays.
const RELAYS: u8 = 5;
/// Longest name of an asker, as of any node.
const NAME_BYTES_MAX: usize = 512;

impl Serf {
    /// Answers a query that came out as [`Event::Query`]; once, and before its deadline.
    ///
    /// # Errors
    /// Too long, too late, or a second time.
    pub fn respond(&mut self, now: Instant, id: QueryId, payload: &[u8]) -> Result<(), RespondError> {
        let encoded = encode_response(id, &self.config.name, payload);
        check_response(&self.config.limits, &encoded)?;
        self.respond_with(now, id, &encoded)
    }

    /// Answers an [`Event::KeyQuery`]. A list of keys that is too long is cut, and says so.
    ///
    /// # Errors
    /// As [`Serf::respond`].
    pub fn respond_keys(
        &mut self,
        now: Instant,
        id: QueryId,
        answer: &KeyAnswer,
    ) -> Result<(), RespondError> {
        let encoded = answer.encode(&self.config.limits, id, &self.config.name)?;
        self.respond_with(now, id, &encoded)
    }

    fn respond_with(&mut self, now: Instant, id: QueryId, encoded: &[u8]) -> Result<(), RespondError> {
        let waiting = self.queries.pending.get(now, id)?;
        waiting.is_answered = true;
        let asker = waiting.asker.clone();
        self.send_answer(&asker, encoded);
        self.drive(now);
        Ok(())
    }

    /// A query; returns whether it is news, to be passed on even if it is not for us.
    pub(super) fn hear_query(&mut self, now: Instant, query: &Query<'_>) -> bool {
        if !self.clocks.query.hear(query.ltime) {
            self.ignore("query");
            return false;
        }
        let is_news = self.queries.heard.is_new(self.clocks.query.time(), query.ltime, query.id, 1);
        if is_news && is_for(&query.filters, &self.config.name, &self.config.tags) {
            self.take_query(now, query);
        }
        is_news
    }

    /// A query that is for us: acknowledged, and answered or told.
    fn take_query(&mut self, now: Instant, query: &Query<'_>) {
        let id = QueryId { ltime: query.ltime, id: query.id };
        let payload = query.payload.unwrap_or_default();
        let Some(asker) = asker(query) else { return };
        if query.flags & ACK != 0 {
            let from = &*self.config.name;
            let mut ack = Vec::new();
            Message::QueryResponse(QueryResponse {
                ltime: id.ltime,
                id: id.id,
                from,
                flags: ACK,
                payload: None,
            })
            .encode(&mut ack);
            self.send_answer(&asker, &ack);
        }
        let wait = Duration::from_nanos(u64::try_from(query.timeout_ns).unwrap_or(0));
        let deadline = now + wait;
        let internal = Internal::of(query.name, payload);
        if let Some(Internal::Conflict(name)) = internal {
            return self.hear_who_holds(asker, id, name);
        }
        let event = match internal {
            // The ack is the answer.
            Some(Internal::Ping | Internal::Conflict(_)) => return,
            Some(Internal::Unknown) => {
                let name = query.name.escape_debug();
                return self.note(false, format!("the internal query {name} is unknown here, or unreadable"));
            }
            Some(Internal::Keys(operation)) => Event::KeyQuery { id, operation, from: asker.name.clone() },
            None => Event::Query {
                id,
                name: query.name.into(),
                payload: payload.into(),
                from: asker.name.clone(),
                deadline,
            },
        };
        self.queries.pending.insert(id, Waiting { asker, deadline, is_answered: false });
        self.event(event);
    }

    /// Says who has a name here.
    pub(super) fn answer_conflict(&mut self, asker: &Asker, id: QueryId, name: &str) {
        let member = self.members.get(name);
        let tags = member.map(Member::tags).unwrap_or_default();
        let member = member.map(|member| on_wire(member, &tags));
        let payload = ConflictResponse { member }.encode();
        let encoded = encode_response(id, &self.config.name, &payload);
        match check_response(&self.config.limits, &encoded) {
            Ok(()) => self.send_answer(asker, &encoded),
            Err(error) => self.note(false, format!("cannot say who has a name: {error}")),
        }
    }

    /// Sends an ack or a response: straight, in a datagram of its own, and through relays if the query wants that.
    fn send_answer(&mut self, asker: &Asker, encoded: &[u8]) {
        if !self.is_us(asker) {
            self.swim.send_user(asker.at(), encoded);
        } else if let Ok(Message::QueryResponse(response)) = Message::decode(encoded) {
            // The reference sends itself a datagram, which is lost when others reach us at another address than we do.
            self.hear_response(response);
            return;
        }
        let relays = self.choose_relays(asker);
        if relays.is_empty() {
            return;
        }
        let mut wrapped = Vec::new();
        let Asker { name, addr, port, .. } = asker;
        Message::Relay(Relay { addr: *addr, port: *port, node: name, message: encoded }).encode(&mut wrapped);
        if check_response(&self.config.limits, &wrapped).is_err() {
            let limit = self.config.limits.query_response;
            // As in the reference, where this is the error of a response that was sent all the same.
            return self.note(false, format!("relayed response exceeds limit of {limit} bytes"));
        }
        for relay in relays {
            self.swim.send_user(relay, &wrapped);
        }
    }

    /// Random members that can relay: neither us nor the asker. None when there are too few for what was wished
    /// (query.go, relayResponse).
    fn choose_relays(&mut self, asker: &Asker) -> Vec<SocketAddr> {
        let wished = usize::from(asker.relay_factor);
        if wished == 0 || self.members.len() < wished + 1 {
            return Vec::new();
        }
        let own = &*self.config.name;
        let can_relay = |member: &&Member| {
            member.status == Status::Alive
                && member.versions.protocol_max() >= RELAYS
                && *member.name != *own
                && *member.name != *asker.name
        };
        let mut relays: Vec<_> =
            self.members.iter().filter(can_relay).map(|member| member.socket_addr()).collect();
        self.queries.rng.shuffle(&mut relays);
        relays.truncate(wished);
        relays
    }
}

/// Where answers go; `None` for a place where nothing can be sent. Like the reference we do not ask whether a member is
/// there: one that has just joined may ask before we hear of it.
fn asker(query: &Query<'_>) -> Option<Asker> {
    let addr = query.addr?;
    let reachable = query.port != 0 && !addr.ip().is_unspecified() && !addr.ip().is_multicast();
    (reachable && query.source_node.len() <= NAME_BYTES_MAX).then(|| Asker {
        name: query.source_node.into(),
        addr,
        port: query.port,
        relay_factor: query.relay_factor,
    })
}

/// A member in Serf's own form.
fn on_wire<'a>(member: &'a Member, tags: &'a Tags) -> serf::Member<'a> {
    serf::Member {
        name: &member.name,
        addr: member.addr,
        port: member.port,
        tags: tags.iter().map(|(tag, value)| (&**tag, &**value)).collect(),
        status: match member.status {
            Status::Alive => 1,
            Status::Leaving => 2,
            Status::Left => 3,
            Status::Failed => 4,
        },
        protocol_min: member.versions.protocol_min(),
        protocol_max: member.versions.protocol_max(),
        protocol_cur: member.versions.protocol(),
        delegate_min: member.versions.delegate_min(),
        delegate_max: member.versions.delegate_max(),
        delegate_cur: member.versions.delegate(),
    }
}

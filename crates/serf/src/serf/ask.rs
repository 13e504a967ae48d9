//! Asking, and hearing the answers.

use crate::query::{Asker, Counted, PING, PREFIX, default_timeout};
use crate::{Event, Instant, KeyOperation, QueryError, QueryId, QueryParams, Serf};
use alloc::vec::Vec;
use core::time::Duration;
use muster_swim::{News, UserQueue};
use muster_wire::serf::{Filter, Message, Query, QueryResponse};

/// From this Serf protocol on, queries are understood.
const PROTOCOL_MIN: u8 = 4;
/// The most that our queries differ by, in bits (Serf draws 31).
const ID_MAX: u32 = i32::MAX as u32;

/// "I want acks" in a query; "this is an ack" in a response.
pub(super) const ACK: u32 = 1;

impl Serf {
    /// Asks the cluster, ourselves included. Answers come out as [`Event::QueryAck`] and [`Event::QueryResponse`], and
    /// [`Event::QueryDone`] once no more will.
    ///
    /// # Errors
    /// Too long, too many at a time, a name that is Serf's own (but for `_serf_ping` without payload, which asks who
    /// can be reached), or a protocol without queries.
    pub fn query(
        &mut self,
        now: Instant,
        name: &str,
        payload: &[u8],
        params: &QueryParams,
    ) -> Result<QueryId, QueryError> {
        if name.starts_with(PREFIX) && (name != PING || !payload.is_empty()) {
            return Err(QueryError::Reserved);
        }
        self.ask(now, name, payload, params)
    }

    /// Asks everyone to change or list their keys. The payload of each response is a `KeyResponse` of `muster_wire`.
    ///
    /// # Errors
    /// As [`Serf::query`].
    pub fn query_keys(&mut self, now: Instant, operation: &KeyOperation) -> Result<QueryId, QueryError> {
        self.ask(now, operation.query_name(), &operation.payload(), &QueryParams::default())
    }

    pub(super) fn ask(
        &mut self,
        now: Instant,
        name: &str,
        payload: &[u8],
        params: &QueryParams,
    ) -> Result<QueryId, QueryError> {
        if self.config.protocol < PROTOCOL_MIN {
            return Err(QueryError::Unsupported);
        }
        let open = self.queries.asked.len();
        if open >= crate::query::OPEN_MAX {
            return Err(QueryError::TooMany { open });
        }
        let own = self.config.name.clone();
        let filters = encode_filters(params);
        let timeout = params.timeout.unwrap_or_else(|| self.default_query_timeout());
        let timeout_ns = i64::try_from(timeout.as_nanos()).unwrap_or(i64::MAX);
        let query = Query {
            ltime: self.clocks.query.time(),
            id: self.queries.rng.u32(..=ID_MAX),
            addr: Some(self.config.addr),
            port: self.config.port,
            source_node: &own,
            filters: filters.iter().map(|filter| &**filter).collect(),
            flags: if params.wants_acks { ACK } else { 0 },
            relay_factor: params.relay_factor,
            timeout_ns,
            name,
            payload: (!payload.is_empty()).then_some(payload),
        };
        let mut bytes = Vec::new();
        let id = QueryId { ltime: query.ltime, id: query.id };
        let message = Message::Query(query);
        message.encode(&mut bytes);
        let limit = self.config.limits.query;
        if bytes.len() > limit {
            return Err(QueryError::TooLong { limit });
        }
        let deadline = now + Duration::from_nanos(timeout_ns.unsigned_abs());
        self.queries.asked.begin(id, deadline, params.wants_acks);
        if let Message::Query(query) = &message {
            self.hear_query(now, query);
        }
        if params.straight {
            self.tell_balancers(now, News::User(&bytes));
        }
        self.swim.broadcast(UserQueue::Queries, bytes, None);
        self.drive(now);
        Ok(id)
    }

    /// How long a query waits if it does not say.
    pub fn default_query_timeout(&self) -> Duration {
        let count = self.members.count();
        default_timeout(self.config.profile.gossip_interval, count.all - count.failed - count.left)
    }

    /// An answer to one of our queries, perhaps; it may come by several ways.
    ///
    /// Only members answer queries, so their number bounds what is kept of an answer: names can be made up.
    pub(super) fn hear_response(&mut self, response: QueryResponse<'_>) {
        let QueryResponse { ltime, id, from, flags, payload } = response;
        let (id, is_ack) = (QueryId { ltime, id }, flags & ACK != 0);
        if self.members.get(from).is_none() || self.queries.asked.count(id, is_ack, from) == Counted::Ignored
        {
            return;
        }
        let payload = payload.unwrap_or_default();
        if !is_ack && self.count_vote(id, payload) {
            return;
        }
        let (from, payload) = (from.into(), payload.into());
        self.event(if is_ack {
            Event::QueryAck { id, from }
        } else {
            Event::QueryResponse { id, from, payload }
        });
    }

    /// Nobody waits for the answers to this query any more: its place is free again, and no event tells of it.
    pub fn abandon_query(&mut self, id: QueryId) {
        self.queries.asked.abandon(id);
    }

    /// Ends the queries whose time is over.
    pub(super) fn end_queries(&mut self, now: Instant) {
        for id in self.queries.asked.take_done(now) {
            if !self.end_vote(id) {
                self.event(Event::QueryDone { id });
            }
        }
    }

    /// Us, as an asker.
    pub(super) fn is_us(&self, asker: &Asker) -> bool {
        (asker.addr, asker.port) == (self.config.addr, self.config.port)
    }
}

fn encode_filters(params: &QueryParams) -> Vec<Vec<u8>> {
    let names = params.nodes.iter().map(|name| &**name).collect();
    let nodes = (!params.nodes.is_empty()).then(|| Filter::Nodes(names).encode());
    let tags = params.tags.iter().map(|(tag, expr)| Filter::Tag { tag, expr }.encode());
    nodes.into_iter().chain(tags).collect()
}

//! Commands: what is asked, done through the parts that all servers share, and answered in Serf's words and shapes.

use super::connection::End;
use super::crowd::{Doing, Place};
use super::gathered::Gathered;
use super::join;
use super::keys;
use super::outlet::{Broken, Outlet, header};
use super::pending::Pending;
use super::records::write_member;
use super::streams;
use crate::Ended;
use crate::facts;
use crate::gossip::{Gone, Question, UserEvent};
use crate::logbook::LogLevel;
use crate::member_filter::MemberFilter;
use crate::own_tags::Refused;
use crate::shared::Shared;
use muster_events::Filters;
use muster_rpc::refusal::{
    INVALID_FILTER, INVALID_QUERY_ID, INVALID_TOKEN, TOO_MANY_LISTENERS, UNKNOWN_LOG_LEVEL,
};
use muster_rpc::{
    CoordinateResult, JoinResult, Query, Request, Sections, Session, write, write_members_head,
};
use muster_serf::{KeyOperation, Member, QueryParams, RespondError};
use std::collections::BTreeMap;
use std::fmt::Display;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::Instant;

/// An answer is sent in pieces of about this size, so that the members of a large cluster are not all encoded at once.
const PIECE_BYTES: usize = 64 << 10;
/// No query is open for longer, whatever is asked: it takes one of a few places.
const QUERY_TIMEOUT_MAX: Duration = Duration::from_secs(3600);
/// Serf's words; ours say how long they are.
const TAGS_TOO_LONG: &str = "Encoded length of tags exceeds limit of 512 bytes";

/// A client as its commands see it.
#[derive(Debug)]
pub(super) struct Client {
    pub(super) session: Session,
    pub(super) outlet: Arc<Outlet>,
    pub(super) peer: SocketAddr,
    place: Arc<Place>,
    shared: Arc<Shared>,
    events: Gathered,
    pending: Arc<Pending>,
    /// What runs under each number: a stream, the monitor, or both.
    streams: BTreeMap<u64, Vec<AbortHandle>>,
    streaming: JoinSet<Result<(), Broken>>,
    /// Queries whose answers are awaited.
    queries: JoinSet<Result<(), Broken>>,
    warned: bool,
}

impl Client {
    pub(super) fn new(
        session: Session,
        outlet: Arc<Outlet>,
        peer: SocketAddr,
        place: Arc<Place>,
        shared: Arc<Shared>,
        events: Gathered,
    ) -> Self {
        Self {
            session,
            outlet,
            peer,
            place,
            shared,
            events,
            pending: Arc::default(),
            streams: BTreeMap::new(),
            streaming: JoinSet::new(),
            queries: JoinSet::new(),
            warned: false,
        }
    }

    /// Tells the crowd.
    pub(super) fn does(&self, doing: Doing) {
        self.place.set(doing, self.session.is_listening() || !self.queries.is_empty(), Instant::now());
    }

    /// A wrong token is worth a line: one for each connection.
    pub(super) fn note(&mut self, error: &str) {
        if error == INVALID_TOKEN && !std::mem::replace(&mut self.warned, true) {
            tracing::warn!(peer = %self.peer, "an RPC client gave a wrong token");
        }
    }

    /// Returns when a query has got its last answer, if ever.
    pub(super) async fn query_done(&mut self) {
        if self.queries.join_next().await.is_none() {
            std::future::pending::<()>().await;
        }
    }

    /// Carries out a request and answers it.
    pub(super) async fn obey(&mut self, seq: u64, request: Request<'_>) -> Result<(), End> {
        let shared = Arc::clone(&self.shared);
        let gossip = &shared.gossip;
        let error = match request {
            Request::Event { name, payload, coalesce } => {
                let event = UserEvent { name: name.to_owned(), payload: payload.to_vec(), coalesce };
                said(gossip.user_event(event).await)
            }
            Request::ForceLeave { node, prune } => {
                tracing::info!(?node, prune, "force-leave");
                said(gossip.force_leave(node.to_owned(), prune).await.map(Ok::<(), Gone>))
            }
            Request::Tags { tags, delete_tags } => self.change_tags(tags, &delete_tags).await,
            Request::Respond { id, payload } => match self.pending.find(id) {
                None => INVALID_QUERY_ID.to_owned(),
                Some(query) => match gossip.respond(query, payload.to_vec()).await {
                    // Serf forgets a query when its time is over.
                    Ok(Err(RespondError::PastDeadline)) => INVALID_QUERY_ID.to_owned(),
                    result => said(result),
                },
            },
            Request::Leave => self.leave().await,
            Request::Stop { stop } => return Ok(self.stop(seq, stop).await?),
            Request::Stream { kind } => return Ok(self.stream(seq, kind).await?),
            Request::Monitor { log_level } => return Ok(self.monitor(seq, log_level).await?),
            Request::Query(query) => return Ok(self.query(seq, query).await?),
            Request::Join { existing, replay } => {
                let (num, error) = join::join(&shared.joiner, &existing, replay).await;
                return Ok(self.result(seq, &error, |out| write(&JoinResult { num }, out)).await?);
            }
            Request::Members => return Ok(self.members(seq, &MemberFilter::default()).await?),
            Request::MembersFiltered { tags, status, name } => {
                // Serf says nothing and closes the connection.
                let filter = MemberFilter::compile(status, name, tags).map_err(End::Refused)?;
                return Ok(self.members(seq, &filter).await?);
            }
            Request::InstallKey { key } => return self.key(seq, key, KeyOperation::Install).await,
            Request::UseKey { key } => return self.key(seq, key, KeyOperation::Use).await,
            Request::RemoveKey { key } => return self.key(seq, key, KeyOperation::Remove).await,
            Request::ListKeys => return self.keys(seq, Ok(KeyOperation::List)).await,
            Request::Stats => return Ok(self.stats(seq).await?),
            Request::GetCoordinate { node } => {
                let found = gossip.coordinate(node.to_owned()).await;
                let (found, error) =
                    found.map_or_else(|gone| (None, gone.to_string()), |found| (found, String::new()));
                let ok = found.is_some();
                let coord = found.map(|coordinate| coordinate.to_wire()).unwrap_or_default();
                return Ok(self
                    .result(seq, &error, |out| write(&CoordinateResult { coord, ok }, out))
                    .await?);
            }
            // The session answers these.
            Request::Handshake { .. } | Request::Auth { .. } => return Ok(()),
        };
        Ok(self.outlet.answer(seq, &error).await?)
    }

    /// Answers with a header and a result.
    async fn result(&self, seq: u64, error: &str, result: impl FnOnce(&mut Vec<u8>)) -> Result<(), Broken> {
        let mut turn = self.outlet.lock().await;
        let mut out = header(seq, error);
        result(&mut out);
        turn.send(&out).await
    }

    async fn change_tags(&self, set: Vec<(&str, &str)>, delete: &[&str]) -> String {
        tracing::info!(?set, ?delete, "tags change");
        let set = set.into_iter().map(|(tag, value)| (tag.to_owned(), value.to_owned())).collect();
        let delete: Vec<String> = delete.iter().map(|&tag| tag.to_owned()).collect();
        match self.shared.tags.update(set, &delete).await {
            Ok(_) => String::new(),
            Err(Refused::TooLong(_)) => TAGS_TOO_LONG.to_owned(),
            Err(refused) => refused.to_string(),
        }
    }

    async fn leave(&self) -> String {
        let (asked, ended) = oneshot::channel();
        // Nobody listens: then it leaves already.
        let _ = self.shared.leave.send(asked).await;
        match ended.await {
            Ok(Ended::Left) => String::new(),
            Ok(Ended::Hurried | Ended::Stopped) => {
                "the cluster could not be told in time; others may find this node failed".to_owned()
            }
            Err(_) => Gone.to_string(),
        }
    }

    /// The members are copied by reference; their rows are made piece by piece, as fast as the client takes them.
    async fn members(&self, seq: u64, filter: &MemberFilter) -> Result<(), Broken> {
        let members: Vec<Member> = self
            .shared
            .roster
            .look(|members| members.values().filter(|member| filter.passes(member)).cloned().collect());
        let mut turn = self.outlet.lock().await;
        let mut out = header(seq, "");
        write_members_head(members.len(), &mut out);
        for member in &members {
            write_member(member, &mut out);
            if out.len() >= PIECE_BYTES {
                turn.send(&out).await?;
                out.clear();
            }
        }
        turn.send(&out).await
    }

    async fn stats(&self, seq: u64) -> Result<(), Broken> {
        let (sections, error) = match facts::sections(&self.shared).await {
            Ok((sections, _)) => (sections, String::new()),
            Err(gone) => (BTreeMap::new(), gone.to_string()),
        };
        let sections: Sections<'_> = sections
            .iter()
            .map(|(name, section)| (&**name, section.iter().map(|(key, value)| (&**key, &**value)).collect()))
            .collect();
        self.result(seq, &error, |out| write(&sections, out)).await
    }

    async fn key(&self, seq: u64, key: &str, operation: fn(Vec<u8>) -> KeyOperation) -> Result<(), End> {
        self.keys(seq, keys::decode(key).map(operation)).await
    }

    async fn keys(&self, seq: u64, operation: Result<KeyOperation, String>) -> Result<(), End> {
        let outcome = keys::run(&self.shared, operation).await;
        Ok(self.result(seq, &outcome.error, |out| write(&outcome.result(), out)).await?)
    }

    async fn stream(&mut self, seq: u64, kind: &str) -> Result<(), Broken> {
        let opened =
            Filters::parse_for_stream(kind).map_err(|_| INVALID_FILTER.to_owned()).and_then(|filters| {
                self.check_may_listen()?;
                self.session.open_stream(seq)?;
                let events = self.events.listen().map_err(|error| {
                    self.session.stop(seq);
                    error.to_string()
                })?;
                Ok((filters, events))
            });
        let error = opened.as_ref().err().map_or("", String::as_str);
        self.outlet.answer(seq, error).await?;
        if let Ok((filters, events)) = opened {
            let (outlet, pending) = (Arc::clone(&self.outlet), Arc::clone(&self.pending));
            let task =
                self.streaming.spawn(streams::events(outlet, pending, self.peer, seq, filters, events));
            self.streams.entry(seq).or_default().push(task);
        }
        Ok(())
    }

    async fn monitor(&mut self, seq: u64, level: &str) -> Result<(), Broken> {
        let unknown = || format!("{UNKNOWN_LOG_LEVEL}{}", level.to_uppercase());
        let opened = LogLevel::parse(level).ok_or_else(unknown).and_then(|level| {
            self.check_may_listen()?;
            self.session.open_monitor(seq)?;
            Ok(level)
        });
        let error = opened.as_ref().err().map_or("", String::as_str);
        self.outlet.answer(seq, error).await?;
        if let Ok(level) = opened {
            let (old, new) = self.shared.log.open();
            let task = self.streaming.spawn(streams::monitor(Arc::clone(&self.outlet), seq, level, old, new));
            self.streams.entry(seq).or_default().push(task);
        }
        Ok(())
    }

    /// Ends what runs under number `stop`; after the answer nothing more comes from there.
    async fn stop(&mut self, seq: u64, stop: u64) -> Result<(), Broken> {
        // Nobody sends meanwhile, so no record is cut.
        let mut turn = self.outlet.lock().await;
        self.session.stop(stop);
        self.streams.remove(&stop).into_iter().flatten().for_each(|task| task.abort());
        while self.streaming.try_join_next().is_some() {}
        turn.send(&header(seq, "")).await
    }

    async fn query(&mut self, seq: u64, query: Query<'_>) -> Result<(), Broken> {
        let Query { filter_nodes, filter_tags, request_ack, relay_factor, timeout_ns, name, payload } = query;
        let timeout = u64::try_from(timeout_ns).ok().filter(|nanos| *nanos > 0).map(Duration::from_nanos);
        let params = QueryParams {
            nodes: filter_nodes.into_iter().map(str::to_owned).collect(),
            tags: filter_tags.into_iter().map(|(tag, regex)| (tag.to_owned(), regex.to_owned())).collect(),
            wants_acks: request_ack,
            relay_factor,
            straight: false,
            timeout: timeout.map(|timeout| timeout.min(QUERY_TIMEOUT_MAX)),
        };
        let question = Question::Query { name: name.to_owned(), payload: payload.to_vec(), params };
        let asked = match self.check_may_listen() {
            Err(refused) => Err(refused),
            Ok(()) => match self.shared.gossip.query(question).await {
                Ok(asked) => asked.map_err(|error| error.to_string()),
                Err(gone) => Err(gone.to_string()),
            },
        };
        self.outlet.answer(seq, asked.as_ref().err().map_or("", String::as_str)).await?;
        if let Ok(answers) = asked {
            self.queries.spawn(streams::answers(Arc::clone(&self.outlet), seq, answers));
        }
        Ok(())
    }

    fn check_may_listen(&self) -> Result<(), String> {
        if self.place.may_listen() { Ok(()) } else { Err(TOO_MANY_LISTENERS.to_owned()) }
    }
}

/// The error of an answer.
fn said<E: Display>(result: Result<Result<(), E>, Gone>) -> String {
    match result {
        Ok(Ok(())) => String::new(),
        Ok(Err(error)) => error.to_string(),
        Err(gone) => gone.to_string(),
    }
}

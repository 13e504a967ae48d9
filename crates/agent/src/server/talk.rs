//! Telling the cluster and asking it: user events and queries.

use super::Served;
use super::body::Body;
use super::json_lines::json_lines;
use super::refusal::Refusal;
use super::slots::StreamSlot;
use crate::gossip::{Answer, Answers, Question, UserEvent};
use crate::member_filter::unanchored;
use crate::roster::Roster;
use crate::shared::Shared;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use futures_util::stream;
use muster_control::routes::{EventRequest, Payload, QueryLine, QueryRequest};
use muster_serf::{QueryError, QueryParams, Status, UserEventError};
use std::sync::Arc;
use std::time::Duration;

/// Longest time a query may wait: each that is open takes one of the few places there are.
const QUERY_TIMEOUT_MAX: Duration = Duration::from_secs(3600);

pub(super) async fn event(
    State(shared): State<Arc<Shared>>,
    Body(request): Body<EventRequest>,
) -> Result<StatusCode, Refusal> {
    let EventRequest { name, payload, coalesce } = request;
    let payload = payload.bytes()?;
    shared.gossip.user_event(UserEvent { name, payload, coalesce }).await??;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn query(
    State(served): State<Served>,
    slot: StreamSlot,
    Body(request): Body<QueryRequest>,
) -> Result<Response, Refusal> {
    let QueryRequest { name, payload, nodes, tags, acks, relay_factor, timeout_ms } = request;
    // Zero is Serf's way of asking for the default.
    let timeout = timeout_ms.filter(|ms| *ms > 0).map(Duration::from_millis);
    if timeout.is_some_and(|timeout| timeout > QUERY_TIMEOUT_MAX) {
        return Err(Refusal::bad_request(format!("a query waits at most {QUERY_TIMEOUT_MAX:?}")));
    }
    let tags: Vec<(String, String)> = tags.into_iter().collect();
    let expected = expected(&served.shared.roster, &nodes, &tags)?;
    let params = QueryParams { nodes, tags, wants_acks: acks, relay_factor, timeout, straight: false };
    let question = Question::Query { name, payload: payload.bytes()?, params };
    let answers = served.shared.gossip.query(question).await??;
    let first = QueryLine::Asked { ltime: answers.id.ltime, timeout_ms: millis(answers.wait), expected };
    let asked = Asked { first: Some(first), answers: Some(answers), acks: 0, responses: 0 };
    let lines =
        stream::unfold((asked, slot), async |(mut asked, slot)| Some((asked.next().await?, (asked, slot))));
    Ok(json_lines(&served.shared, lines))
}

/// How many who are alive pass the filters. An expression that is none is refused here: it would be sent, and nobody would
/// answer.
fn expected(roster: &Roster, nodes: &[String], tags: &[(String, String)]) -> Result<usize, Refusal> {
    let tags = unanchored(tags).map_err(Refusal::bad_request)?;
    Ok(roster.look(|members| {
        let alive = members.values().filter(|member| member.status == Status::Alive);
        alive
            .filter(|member| nodes.is_empty() || nodes.iter().any(|node| **node == *member.name))
            .filter(|member| {
                let has = if tags.is_empty() { Default::default() } else { member.tags() };
                tags.iter().all(|(tag, regex)| regex.is_match(has.get(*tag).map_or("", |value| value)))
            })
            .count()
    }))
}

/// A query, and how far its lines are told.
#[derive(Debug)]
struct Asked {
    first: Option<QueryLine>,
    answers: Option<Answers>,
    acks: usize,
    responses: usize,
}

impl Asked {
    async fn next(&mut self) -> Option<QueryLine> {
        if let Some(first) = self.first.take() {
            return Some(first);
        }
        Some(match self.answers.as_mut()?.next().await {
            Some(Answer::Ack { from }) => {
                self.acks += 1;
                QueryLine::Ack { from }
            }
            Some(Answer::Response { from, payload }) => {
                self.responses += 1;
                QueryLine::Response { from, payload: Payload::of(&payload) }
            }
            None => {
                self.answers = None;
                QueryLine::Done { acks: self.acks, responses: self.responses }
            }
        })
    }
}

pub(super) fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

impl From<UserEventError> for Refusal {
    fn from(error: UserEventError) -> Self {
        Self::new(400, "event not sent", error.to_string())
    }
}

impl From<QueryError> for Refusal {
    fn from(error: QueryError) -> Self {
        let status = match error {
            QueryError::TooMany { .. } => 503,
            QueryError::Unsupported | QueryError::Reserved | QueryError::TooLong { .. } => 400,
        };
        Self::new(status, "query not sent", error.to_string())
    }
}

impl From<muster_control::routes::PayloadError> for Refusal {
    fn from(error: muster_control::routes::PayloadError) -> Self {
        Self::bad_request(error.to_string())
    }
}

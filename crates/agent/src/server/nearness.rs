//! How far members are, and whether they can be reached.

use super::Served;
use super::json_lines::json_lines;
use super::refusal::Refusal;
use super::slots::StreamSlot;
use super::talk::millis;
use crate::gossip::{Answer, Answers, Question};
use crate::shared::Shared;
use axum::Json;
use axum::extract::{Query, State};
use axum::response::Response;
use futures_util::stream;
use muster_control::routes::{ReachabilityLine, Rtt, RttQuery};
use muster_serf::{Coordinate, QueryParams, Status};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Serf's own question whose only answer is an ack.
const PING: &str = "_serf_ping";

pub(super) async fn rtt(
    State(shared): State<Arc<Shared>>,
    query: Result<Query<RttQuery>, axum::extract::rejection::QueryRejection>,
) -> Result<Json<Rtt>, Refusal> {
    let Query(RttQuery { from, to }) = query.map_err(|error| Refusal::bad_request(error.to_string()))?;
    let to = to.unwrap_or_else(|| shared.node.clone());
    let (here, there) = (coordinate(&shared, &from).await?, coordinate(&shared, &to).await?);
    let rtt_ms = here.distance_to(&there).as_secs_f64() * 1000.0;
    Ok(Json(Rtt { from, to, rtt_ms }))
}

async fn coordinate(shared: &Shared, node: &str) -> Result<Coordinate, Refusal> {
    shared.gossip.coordinate(node.to_owned()).await?.ok_or_else(|| {
        let is_member = shared.roster.look(|members| members.contains_key(node));
        let why = if is_member { "it has not been measured yet" } else { "no member is called so" };
        Refusal::new(404, "no coordinate", format!("Could not find a coordinate for node {node:?}: {why}"))
    })
}

pub(super) async fn reachability(
    State(served): State<Served>,
    slot: StreamSlot,
) -> Result<Response, Refusal> {
    let alive: BTreeSet<String> = served.shared.roster.look(|members| {
        let alive = members.values().filter(|member| member.status == Status::Alive);
        alive.map(|member| member.name.to_string()).collect()
    });
    let params = QueryParams { wants_acks: true, ..QueryParams::default() };
    let question = Question::Query { name: PING.to_owned(), payload: Vec::new(), params };
    let answers = served.shared.gossip.query(question).await??;
    let first = ReachabilityLine::Asked { timeout_ms: millis(answers.wait), expected: alive.len() };
    let test = Test {
        first: Some(first),
        answers: Some(answers),
        acks: 0,
        missing: alive,
        unexpected: BTreeSet::new(),
    };
    let lines =
        stream::unfold((test, slot), async |(mut test, slot)| Some((test.next().await?, (test, slot))));
    Ok(json_lines(&served.shared, lines))
}

/// Who was heard so far.
#[derive(Debug)]
struct Test {
    first: Option<ReachabilityLine>,
    answers: Option<Answers>,
    acks: usize,
    missing: BTreeSet<String>,
    unexpected: BTreeSet<String>,
}

impl Test {
    async fn next(&mut self) -> Option<ReachabilityLine> {
        if let Some(first) = self.first.take() {
            return Some(first);
        }
        let answers = self.answers.as_mut()?;
        // The reference waits for its whole timeout, even when nobody is left to wait for.
        while !self.missing.is_empty()
            && let Some(answer) = answers.next().await
        {
            let Answer::Ack { from } = answer else { continue };
            self.acks += 1;
            if !self.missing.remove(&from) {
                self.unexpected.insert(from.clone());
            }
            return Some(ReachabilityLine::Ack { from });
        }
        self.answers = None;
        let (missing, unexpected) = (std::mem::take(&mut self.missing), std::mem::take(&mut self.unexpected));
        Some(ReachabilityLine::Done {
            acks: self.acks,
            missing: missing.into_iter().collect(),
            unexpected: unexpected.into_iter().collect(),
        })
    }
}

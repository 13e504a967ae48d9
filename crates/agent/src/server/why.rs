//! `why`: the core's findings about a member, as the control socket tells them.

use super::refusal::Refusal;
use crate::gossip::Known;
use crate::shared::Shared;
use axum::Json;
use axum::extract::{Query, State};
use muster_control::routes::WhyQuery;
use muster_control::why::{Finding, Standing, Verdict, Way, Why};
use muster_serf::Instant;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

pub(super) async fn why(
    State(shared): State<Arc<Shared>>,
    query: Result<Query<WhyQuery>, axum::extract::rejection::QueryRejection>,
) -> Result<Json<Why>, Refusal> {
    let Query(WhyQuery { node }) = query.map_err(|error| Refusal::bad_request(error.to_string()))?;
    let known = shared.gossip.why(node.clone()).await?;
    if known.why.is_none() && known.member.is_none() {
        return Err(Refusal::new(404, "no such member", format!("no member is or was called {node:?}")));
    }
    let picture = shared.pictures.borrow().clone();
    let refusals = picture.refusals.iter().filter(|refusal| refusal.node == node);
    let refusals = refusals.map(|refusal| refusal.reason.clone()).collect();
    Ok(Json(Why { refusals, ..answer(node, shared.node.clone(), known) }))
}

fn answer(node: String, observer: String, known: Known) -> Why {
    let Known { now, why, member, since, health_score } = known;
    let (findings, round_trips, suspect_until) =
        why.map(|why| (why.findings, why.round_trips, why.suspect_until)).unwrap_or_default();
    Why {
        node,
        observer,
        member: member.map(|member| Standing {
            status: member.status.as_str().to_owned(),
            since_ms: millis(now - since),
            addr: SocketAddr::new(member.addr.ip(), member.port),
        }),
        failed_in_ms: suspect_until.map(|until| millis(until - now)),
        findings: findings.into_iter().map(|found| finding(now, found)).collect(),
        round_trips_us: round_trips
            .iter()
            .map(|time| u64::try_from(time.as_micros()).unwrap_or(u64::MAX))
            .collect(),
        refusals: Vec::new(),
        health_score,
    }
}

fn finding(now: Instant, found: muster_serf::Finding) -> Finding {
    Finding {
        ago_ms: millis(now - found.at),
        verdict: match found.verdict {
            muster_serf::Verdict::Suspected => Verdict::Suspected,
            muster_serf::Verdict::FoundDead => Verdict::FoundDead,
            muster_serf::Verdict::Refuted => Verdict::Refuted,
        },
        by: found.by,
        incarnation: found.incarnation,
        way: match found.way {
            muster_serf::Way::Probe { relays, nacks, tcp } => Way::Probe { relays, nacks, tcp },
            muster_serf::Way::TimeUp => Way::TimeUp,
            muster_serf::Way::Gossip { from, teller } => Way::Gossip { from, teller },
            muster_serf::Way::Exchange { with, teller } => Way::Exchange { with, teller },
            muster_serf::Way::OwnWord => Way::OwnWord,
        },
        health_score: found.health_score,
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

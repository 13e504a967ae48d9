//! What changes the cluster: join, leave, force-leave.

use super::body::Body;
use super::refusal::Refusal;
use crate::Ended;
use crate::join::SEEDS_AT_ONCE;
use crate::plain::Plain;
use crate::seed::Seed;
use crate::shared::Shared;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use futures_util::{StreamExt, stream};
use muster_control::routes::{ForceLeaveRequest, JoinRequest, JoinResponse};
use std::sync::Arc;
use tokio::sync::oneshot;

/// Addresses in one request.
const ADDRESSES_MAX: usize = 256;

pub(super) async fn join(
    State(shared): State<Arc<Shared>>,
    Body(request): Body<JoinRequest>,
) -> Result<Json<JoinResponse>, Refusal> {
    if request.addresses.is_empty() || request.addresses.len() > ADDRESSES_MAX {
        return Err(Refusal::bad_request(format!("name 1 to {ADDRESSES_MAX} addresses to join")));
    }
    let seeds = request.addresses.iter().map(|text| Seed::parse(text)).collect::<Result<Vec<_>, _>>();
    let seeds = seeds.map_err(|error| Refusal::bad_request(error.to_string()))?;
    let tries: Vec<_> = seeds.iter().map(|seed| shared.joiner.try_seed(seed, request.replay)).collect();
    let tried: Vec<_> = stream::iter(tries).buffered(SEEDS_AT_ONCE).collect().await;

    let mut response = JoinResponse { joined: 0, errors: Vec::new() };
    for (seed, tried) in seeds.iter().zip(tried) {
        // Joining oneself works, as it does with Serf, and changes nothing.
        response.joined += tried.joined.len() + usize::from(tried.ourselves);
        response.errors.extend(tried.failures.iter().map(|failure| format!("{seed}: {}", Plain(failure))));
    }
    if response.joined == 0 {
        return Err(Refusal::new(502, "nobody joined", response.errors.join("; ")));
    }
    Ok(Json(response))
}

pub(super) async fn leave(State(shared): State<Arc<Shared>>) -> Result<StatusCode, Refusal> {
    let (asked, ended) = oneshot::channel();
    shared.leave.send(asked).await.map_err(|_| crate::gossip::Gone)?;
    match ended.await.map_err(|_| crate::gossip::Gone)? {
        Ended::Left => Ok(StatusCode::NO_CONTENT),
        Ended::Hurried | Ended::Stopped => Err(Refusal::new(
            504,
            "leave too slow",
            "the cluster could not be told in time; the agent has ended, and others may show it as failed",
        )),
    }
}

pub(super) async fn force_leave(
    State(shared): State<Arc<Shared>>,
    Body(request): Body<ForceLeaveRequest>,
) -> Result<StatusCode, Refusal> {
    let ForceLeaveRequest { node, prune } = request;
    tracing::info!(?node, prune, "force-leave");
    shared.gossip.force_leave(node, prune).await?;
    Ok(StatusCode::NO_CONTENT)
}

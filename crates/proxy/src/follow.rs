//! Following the agent's picture over the control socket.
//!
//! The agent being away changes nothing: the last picture holds, and we ask again, for ever.

use crate::bounds;
use crate::plane::Plane;
use crate::trial;
use muster_control::client::{Client, Error};
use muster_control::routes::FLEET_FOLLOW;
use muster_fleet::{Follower, Gap, Update};
use std::convert::Infallible;
use std::rc::Rc;
use tokio::time::error::Elapsed;
use tokio::time::timeout;

/// Why a stream of updates ended.
#[derive(Debug, thiserror::Error)]
enum Lost {
    #[error(transparent)]
    Control(#[from] Error),
    #[error("the agent closed the stream")]
    Closed,
    #[error("the agent has been silent for {:?}", bounds::AGENT_SILENCE_MAX)]
    Silent(#[from] Elapsed),
    #[error(transparent)]
    Gap(#[from] Gap),
}

/// Follows the agent behind `client` and hands its pictures to `plane`, for ever.
pub(crate) async fn run(plane: Rc<Plane>, client: Client) {
    let (first_pause, longest_pause) = bounds::AGENT_RETRY;
    let mut pause = first_pause;
    let mut away = false;
    // Lives as long as we do, so that the picture outlives the agent.
    let mut follower = Follower::new();
    loop {
        let mut heard = false;
        let Err(lost) = follow(&plane, &client, &mut follower, || {
            heard = true;
            if std::mem::take(&mut away) {
                tracing::info!("the agent answers");
            }
        })
        .await;
        if heard {
            pause = first_pause;
        }
        match lost {
            // Not an absence: the next connection starts with a full picture.
            Lost::Gap(_) => tracing::debug!("asking the agent for a full picture"),
            lost if !std::mem::replace(&mut away, true) => match follower.picture() {
                Some(_) => {
                    tracing::warn!(cause = %lost, "the agent is away: the last picture holds until it is back");
                }
                None => tracing::warn!(cause = %lost, "no agent yet: requests get 503 until it answers"),
            },
            _ => {}
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(longest_pause);
    }
}

/// Follows one stream until it ends; `heard` is called for each update.
async fn follow(
    plane: &Rc<Plane>,
    client: &Client,
    follower: &mut Follower,
    mut heard: impl FnMut(),
) -> Result<Infallible, Lost> {
    let limit = bounds::AGENT_SILENCE_MAX;
    let mut lines = timeout(limit, client.lines::<Update>(FLEET_FOLLOW)).await??;
    loop {
        let update = timeout(limit, lines.next()).await??.ok_or(Lost::Closed)?;
        heard();
        if let Some(picture) = follower.take(update)? {
            trial::start(plane, plane.apply(picture));
        }
    }
}

//! Following the agent's picture over the control socket.
//!
//! The agent being away changes nothing: the last picture holds, and we ask again, for ever. One that must not be followed
//! is as good as away, unless there is no picture yet: see [`trust`].

use crate::bounds;
use crate::plane::Plane;
use crate::trial;
use crate::trust::{self, Distrust};
use muster_control::client::{Client, Error};
use muster_control::routes::FLEET_FOLLOW;
use muster_fleet::{Follower, Gap, Gossip, Update};
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
    #[error(transparent)]
    Distrust(#[from] Distrust),
}

/// What was last told of the agent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Told {
    Well,
    Away,
    Distrusted,
}

/// Follows the agent behind `client` and hands its pictures to `plane`; for ever, unless the very first must not be used.
pub(crate) async fn run(plane: Rc<Plane>, client: Client) {
    let (first_pause, longest_pause) = bounds::AGENT_RETRY;
    let mut pause = first_pause;
    let mut told = Told::Well;
    let mut doubted = false;
    // Lives as long as we do, so that the picture outlives the agent.
    let mut follower = Follower::new();
    loop {
        let mut heard = false;
        let Err(lost) = follow(&plane, &client, &mut follower, |update| {
            heard = true;
            if std::mem::replace(&mut told, Told::Well) != Told::Well {
                tracing::info!("the agent answers");
            }
            if let Update::Full(picture) = update
                && picture.terms.gossip == Gossip::Untold
                && !std::mem::replace(&mut doubted, true)
            {
                tracing::warn!(
                    "the agent does not say whether gossip is encrypted; it is of another release"
                );
            }
        })
        .await;
        if heard {
            pause = first_pause;
        }
        match lost {
            // Not an absence: the next connection starts with a full picture.
            Lost::Gap(_) => tracing::debug!("asking the agent for a full picture"),
            Lost::Distrust(distrust) if follower.picture().is_none() => {
                plane.distrust.send_replace(Some(distrust));
                return;
            }
            Lost::Distrust(distrust) => {
                let before = std::mem::replace(&mut told, Told::Distrusted);
                if before != Told::Distrusted {
                    tracing::error!("the agent is not followed and the last picture holds: {distrust}");
                }
            }
            lost if std::mem::replace(&mut told, Told::Away) == Told::Well => match follower.picture() {
                Some(_) => {
                    tracing::warn!(cause = %lost, "the agent is away: the last picture holds until it is back");
                }
                None => tracing::warn!(cause = %lost, "no agent yet: requests get 503 until it answers"),
            },
            // It went away or was refused before, which was told.
            _ => {}
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(longest_pause);
    }
}

/// Follows one stream until it ends; `heard` is called for each update that may be acted on.
async fn follow(
    plane: &Rc<Plane>,
    client: &Client,
    follower: &mut Follower,
    mut heard: impl FnMut(&Update),
) -> Result<Infallible, Lost> {
    let limit = bounds::AGENT_SILENCE_MAX;
    let mut lines = timeout(limit, client.lines::<Update>(FLEET_FOLLOW)).await??;
    loop {
        let update = timeout(limit, lines.next()).await??.ok_or(Lost::Closed)?;
        // Before anything remembers it: what must not be used must not come back with a later picture that only adds.
        if let Update::Full(picture) = &update {
            trust::judge(&picture.terms, &plane.config)?;
        }
        heard(&update);
        if let Some(picture) = follower.take(update)? {
            trial::start(plane, plane.apply(picture));
        }
    }
}

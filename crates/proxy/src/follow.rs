//! Following the agent's picture over the control socket.
//!
//! The agent being away changes nothing: the last picture holds, and we ask again, for ever. One that must not be followed
//! is as good as away, unless there is no picture yet: see [`trust`]. So is our own absence: what we act on is kept for the
//! next of us ([`crate::last_picture`]), for whom it is the last picture.

use crate::bounds;
use crate::last_picture::LastPicture;
use crate::plane::Plane;
use crate::trial;
use crate::trust::{self, Distrust};
use muster_control::client::{Client, Error};
use muster_control::routes::FLEET_FOLLOW;
use muster_fleet::{Gap, Gossip, Update};
use std::convert::Infallible;
use std::rc::Rc;
use tokio::sync::watch;
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

/// One who follows an agent.
#[derive(Debug)]
pub(crate) struct Following {
    plane: Rc<Plane>,
    client: Client,
    /// Where pictures outlive us, too.
    last_picture: Option<LastPicture>,
    stop: watch::Receiver<bool>,
    told: Told,
    doubted: bool,
    /// An update came on this connection.
    heard: bool,
}

impl Following {
    /// Begins with what the process before us kept, if that may be used: it is in force at once.
    pub(crate) fn start(
        plane: Rc<Plane>,
        client: Client,
        last_picture: Option<LastPicture>,
        stop: watch::Receiver<bool>,
    ) -> Self {
        let mut following =
            Self { plane, client, last_picture, stop, told: Told::Well, doubted: false, heard: false };
        following.restore();
        following
    }

    fn restore(&mut self) {
        let Some(picture) = self.last_picture.as_mut().and_then(LastPicture::read) else { return };
        let routes = self.plane.routes();
        if let Err(distrust) = trust::judge(&picture.terms, &self.plane.config, &routes.rules) {
            tracing::warn!("the picture kept for this start is not used: {distrust}");
        } else if !routes.are_in(&picture) {
            // Empty, or of another configuration. Without a picture, the first requests wait for the agent's.
            tracing::info!("the picture kept for this start knows no backend; waiting for the agent's");
        } else if let Ok(Some(picture)) = self.plane.follower.borrow_mut().take(Update::Full(picture)) {
            tracing::info!("the picture kept for this start is in force until the agent answers");
            trial::start(&self.plane, self.plane.apply(picture));
        }
    }

    /// Follows for ever, unless the very first picture must not be used.
    pub(crate) async fn run(mut self) {
        let (first_pause, longest_pause) = bounds::AGENT_RETRY;
        let mut pause = first_pause;
        loop {
            self.heard = false;
            let Err(lost) = self.follow().await;
            if self.heard {
                pause = first_pause;
            }
            match lost {
                // Not an absence: the next connection starts with a full picture.
                Lost::Gap(_) => tracing::debug!("asking the agent for a full picture"),
                Lost::Distrust(distrust) if self.plane.follower.borrow().picture().is_none() => {
                    self.plane.distrust.send_replace(Some(distrust));
                    return;
                }
                Lost::Distrust(distrust) => {
                    let before = std::mem::replace(&mut self.told, Told::Distrusted);
                    if before != Told::Distrusted {
                        tracing::error!("the agent is not followed and the last picture holds: {distrust}");
                    }
                }
                lost if std::mem::replace(&mut self.told, Told::Away) == Told::Well => {
                    match self.plane.follower.borrow().picture() {
                        Some(_) => {
                            tracing::warn!(cause = %lost, "the agent is away: the last picture holds until it is back");
                        }
                        None => {
                            tracing::warn!(cause = %lost, "no agent yet: requests get 503 until it answers");
                        }
                    }
                }
                // It went away or was refused before, which was told.
                _ => {}
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(longest_pause);
        }
    }

    /// Follows one stream until it ends.
    async fn follow(&mut self) -> Result<Infallible, Lost> {
        let limit = bounds::AGENT_SILENCE_MAX;
        let mut lines = timeout(limit, self.client.lines::<Update>(FLEET_FOLLOW)).await??;
        loop {
            let update = timeout(limit, lines.next()).await??.ok_or(Lost::Closed)?;
            // Before anything remembers it: what must not be used must not come back with a later picture that only adds.
            if let Update::Full(picture) = &update {
                trust::judge(&picture.terms, &self.plane.config, &self.plane.routes().rules)?;
            }
            self.hear(&update);
            let plane = Rc::clone(&self.plane);
            let mut follower = plane.follower.borrow_mut();
            let Some(picture) = follower.take(update)? else { continue };
            trial::start(&self.plane, self.plane.apply(picture));
            // The one that takes our place writes there when we stop, and the file has no room for two writers.
            if let Some(last_picture) = &mut self.last_picture
                && !*self.stop.borrow()
            {
                last_picture.keep(&self.plane.ours(picture));
            }
        }
    }

    /// An update came that may be acted on.
    fn hear(&mut self, update: &Update) {
        self.heard = true;
        if std::mem::replace(&mut self.told, Told::Well) != Told::Well {
            tracing::info!("the agent answers");
        }
        if let Update::Full(picture) = update
            && picture.terms.gossip == Gossip::Untold
            && !std::mem::replace(&mut self.doubted, true)
        {
            tracing::warn!("the agent does not say whether gossip is encrypted; it is of another release");
        }
    }
}

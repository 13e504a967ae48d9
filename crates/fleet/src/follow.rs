//! What a sink acts on: the agent's pictures, one after the other, through the agent's restarts.
//!
//! A picture that is still warming knows too little to take anything away: an agent that has just started has met nobody
//! yet. So while it warms, what it does not name stays as it was; what it does name, even as withdrawn, is knowledge.

use crate::{Phase, Picture, Update};
use core::fmt;

impl Picture {
    /// What a sink acts on when it held `self` and receives `new`: `new` itself when live; while warming, the union, in
    /// which `new` wins, so that a restarted agent which has met nobody yet empties no pool.
    #[must_use]
    pub fn succeeded_by(&self, mut new: Self) -> Self {
        if new.phase == Phase::Warming {
            for (name, held) in &self.services {
                let service = new.services.entry(name.clone()).or_default();
                for (node, backend) in &held.backends {
                    service.backends.entry(node.clone()).or_insert_with(|| backend.clone());
                }
            }
            new.services.retain(|_, service| !service.backends.is_empty());
        }
        new
    }
}

/// A sink's end of the stream: updates go in, the picture to act on comes out.
///
/// It holds two pictures, since deltas change what the agent sent, while the sink acts on that and, as long as the agent
/// is warming, on what it knew before. The last picture stays when the stream ends; a new stream begins with a full one.
#[derive(Clone, Debug, Default)]
pub struct Follower {
    pictures: Option<Pictures>,
}

#[derive(Clone, Debug)]
struct Pictures {
    sent: Picture,
    acted_on: Picture,
}

/// An update does not follow from what was received: connect again, for a full picture.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Gap;

impl fmt::Display for Gap {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("the update does not follow from the last picture received")
    }
}

impl core::error::Error for Gap {}

impl Follower {
    /// One that has received nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes an update; the picture to act on when it is another one now.
    pub fn take(&mut self, update: Update) -> Result<Option<&Picture>, Gap> {
        let next = match (update, &self.pictures) {
            (Update::Full(sent), None) => Pictures { acted_on: sent.clone(), sent },
            (Update::Full(sent), Some(held)) => {
                Pictures { acted_on: held.acted_on.succeeded_by(sent.clone()), sent }
            }
            (Update::Delta(delta), Some(held)) => {
                let sent = held.sent.with(&delta).ok_or(Gap)?;
                let acted_on = match sent.phase {
                    Phase::Live => sent.clone(),
                    // Within one epoch even a warming agent knows what it takes back.
                    Phase::Warming => held.acted_on.with(&delta).ok_or(Gap)?,
                };
                Pictures { sent, acted_on }
            }
            (Update::Same { epoch, version }, Some(held))
                if (epoch, version) == (held.sent.epoch, held.sent.version) =>
            {
                return Ok(None);
            }
            (Update::Delta(_) | Update::Same { .. }, _) => return Err(Gap),
        };
        Ok(Some(&self.pictures.insert(next).acted_on))
    }

    /// The picture to act on; `None` before the first.
    pub fn picture(&self) -> Option<&Picture> {
        self.pictures.as_ref().map(|pictures| &pictures.acted_on)
    }
}

#[cfg(test)]
mod tests;

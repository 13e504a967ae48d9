//! User events: what operators and programs tell the whole cluster, told here once each.
//!
//! A name and a payload, flooded through gossip and repeated in push/pulls, so that who joins late can hear what was said
//! before. Source: serf.go (`UserEvent`, `handleUserEvent`).

use crate::state::RecentEvent;
use crate::{Event, Instant, Serf};
use alloc::vec::Vec;
use muster_swim::UserQueue;
use muster_wire::serf::{Message, UserEvent};

/// The longest user event there can be, whatever is configured (Serf: UserEventSizeLimit).
pub(super) const EVENT_BYTES_MAX: usize = 9 * 1024;
/// What remembering an event costs beside its name and payload.
const EVENT_OVERHEAD: usize = 64;

/// Why a user event was not sent, in Serf's words: clients show and compare them.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum UserEventError {
    /// Name and payload are longer than `Limits::user_event`.
    #[error("user event exceeds configured limit of {limit} bytes before encoding")]
    TooLong {
        /// The limit.
        limit: usize,
    },
    /// Name and payload are longer than any user event may be.
    #[error("user event exceeds sane limit of {EVENT_BYTES_MAX} bytes before encoding")]
    Insane,
    /// The message around them is longer than `Limits::user_event`.
    #[error("encoded user event exceeds configured limit of {limit} bytes after encoding")]
    TooLongEncoded {
        /// The limit.
        limit: usize,
    },
    /// The message around them is longer than any user event may be. The reference says "before" here, too.
    #[error("encoded user event exceeds sane limit of {EVENT_BYTES_MAX} bytes before encoding")]
    InsaneEncoded,
}

impl Serf {
    /// Tells the cluster, ourselves included: it comes out as [`Event::User`] here as well. `coalesce` allows handlers to
    /// see only the last of several with this name.
    ///
    /// # Errors
    /// Too long. One that no gossip packet can carry (some 1390 bytes) is within the limits when they are raised so far,
    /// and travels with push/pulls only.
    pub fn user_event(
        &mut self,
        now: Instant,
        name: &str,
        payload: &[u8],
        coalesce: bool,
    ) -> Result<(), UserEventError> {
        let limit = self.config.limits.user_event;
        let length = name.len() + payload.len();
        if length > limit {
            return Err(UserEventError::TooLong { limit });
        }
        if length > EVENT_BYTES_MAX {
            return Err(UserEventError::Insane);
        }
        let payload = (!payload.is_empty()).then_some(payload);
        let event = UserEvent { ltime: self.clocks.event.time(), name, payload, coalesce };
        let mut bytes = Vec::new();
        Message::UserEvent(event).encode(&mut bytes);
        if bytes.len() > limit {
            return Err(UserEventError::TooLongEncoded { limit });
        }
        if bytes.len() > EVENT_BYTES_MAX {
            return Err(UserEventError::InsaneEncoded);
        }
        self.clocks.event.increment();
        self.hear_user_event(event);
        self.swim.broadcast(UserQueue::Events, bytes, None);
        self.drive(now);
        Ok(())
    }

    /// Tells an event if it is news; returns whether it is.
    pub(super) fn hear_user_event(&mut self, event: UserEvent<'_>) -> bool {
        if !self.clocks.event.hear(event.ltime) {
            self.ignore("user event");
            return false;
        }
        let payload = event.payload.unwrap_or_default();
        let bytes = event.name.len() + payload.len();
        if bytes > EVENT_BYTES_MAX {
            return false;
        }
        let remembered = RecentEvent { name: event.name.into(), payload: payload.into() };
        let (clock, weight) = (self.clocks.event.time(), bytes + EVENT_OVERHEAD);
        let is_news = self.events.is_new(clock, event.ltime, remembered, weight);
        if is_news {
            self.event(Event::User {
                ltime: event.ltime,
                name: event.name.into(),
                payload: payload.into(),
                coalesce: event.coalesce,
            });
        }
        is_news
    }
}

//! Whom an exchange waits for until the response begins: a backend is silent only when it has the whole request, or does not
//! take what there is; while the client is slow, nobody accuses the backend.

use std::time::Duration;
use tokio::time::Instant;

/// Who has to move next.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Side {
    /// The next bytes must come from the client.
    Client,
    /// The backend must take bytes, or answer.
    Backend,
}

/// Who has to move, and since when.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Turn {
    side: Side,
    since: Instant,
    /// How long each may take.
    backend_max: Duration,
    client_max: Duration,
}

impl Turn {
    /// It is the backend's: what was waited for before, such as another backend's connection, is not its fault.
    pub(crate) fn new(backend_max: Duration, client_max: Duration) -> Self {
        Self { side: Side::Backend, since: Instant::now(), backend_max, client_max }
    }

    /// `side` has to move. Its time begins anew when something `moved` since, or when it was the other's turn.
    pub(crate) fn give(&mut self, side: Side, moved: bool) {
        if moved || self.side != side {
            *self = Self { side, since: Instant::now(), ..*self };
        }
    }

    /// Who has to move.
    pub(crate) fn side(&self) -> Side {
        self.side
    }

    /// Until when.
    pub(crate) fn deadline(&self) -> Instant {
        let limit = match self.side {
            Side::Backend => self.backend_max,
            Side::Client => self.client_max,
        };
        // Without a limit that an instant can express there is none; 30 years are as good.
        self.since.checked_add(limit).unwrap_or_else(|| self.since + Duration::from_secs(1_000_000_000))
    }
}

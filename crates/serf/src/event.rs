//! What comes out.

use crate::{Instant, KeyOperation, Member, QueryId, StreamId};
use alloc::string::String;
use alloc::vec::Vec;
use core::net::SocketAddr;

/// Something to do. The first four are SWIM's network outputs, see [`muster_swim::Output`].
#[derive(Clone, PartialEq, Eq, Debug)]
#[allow(missing_docs, reason = "as in muster_swim::Output")]
pub enum Output {
    Send {
        to: SocketAddr,
        bytes: Vec<u8>,
    },
    Open {
        stream: StreamId,
        to: SocketAddr,
        bytes: Vec<u8>,
        reply: bool,
        deadline: Instant,
    },
    Answer {
        stream: StreamId,
        bytes: Vec<u8>,
    },
    Close {
        stream: StreamId,
    },
    /// Something happened to the cluster.
    Event(Event),
}

/// Serf's member events.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum MemberEvent {
    /// `member-join`
    Join,
    /// `member-leave`
    Leave,
    /// `member-failed`
    Failed,
    /// `member-update`
    Update,
    /// `member-reap`
    Reap,
}

impl MemberEvent {
    /// Serf's word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Join => "member-join",
            Self::Leave => "member-leave",
            Self::Failed => "member-failed",
            Self::Update => "member-update",
            Self::Reap => "member-reap",
        }
    }
}

/// What the agent must know.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Event {
    /// A member changed; its state after the change.
    Member(MemberEvent, Member),
    /// A member said it will leave; not a Serf event, but traffic should stop now. A member that is leaving when first
    /// seen shows it in its `Join` instead.
    Leaving(Member),
    /// A leaving member is alive after all: it refuted the leave. Not a Serf event either; it undoes `Leaving`.
    Staying(Member),
    /// A user event, ours or another's: once, however often and by whichever way it is heard.
    User {
        /// Its time on the event clock.
        ltime: u64,
        /// Its name: any text.
        name: String,
        /// Its payload; an absent one is empty.
        payload: Vec<u8>,
        /// Whether handlers may be shown only the last of several with this name. Lost when it came by a push/pull.
        coalesce: bool,
    },
    /// A query for us, our own ones included: answer with [`Serf::respond`](crate::Serf::respond), or not at all.
    Query {
        /// To be named in the answer.
        id: QueryId,
        /// Its name: any text.
        name: String,
        /// Its payload; an absent one is empty.
        payload: Vec<u8>,
        /// Who asks.
        from: String,
        /// Answers count until then.
        deadline: Instant,
    },
    /// Somebody wants our keys changed or listed: answer with [`Serf::respond_keys`](crate::Serf::respond_keys).
    KeyQuery {
        /// To be named in the answer.
        id: QueryId,
        /// What is to be done.
        operation: KeyOperation,
        /// Who asks.
        from: String,
    },
    /// A member received our query, and it is for that member. Once per member.
    QueryAck {
        /// As returned when it was asked.
        id: QueryId,
        /// The member.
        from: String,
    },
    /// A member answered our query. Once per member.
    QueryResponse {
        /// As returned when it was asked.
        id: QueryId,
        /// The member.
        from: String,
        /// Its answer; an absent one is empty.
        payload: Vec<u8>,
    },
    /// The time of our query is over: no more answers will come.
    QueryDone {
        /// As returned when it was asked.
        id: QueryId,
    },
    /// Our name is another's: it answers there, and most members know it there. Stop without leaving, since a leave would be
    /// the other's; as this node we are nobody.
    NameLost {
        /// Where the other is.
        to: SocketAddr,
        /// How many members know it there.
        votes: usize,
        /// Of how many that answered.
        answers: usize,
    },
    /// A join or periodic exchange we began went through.
    Synced {
        /// As returned by [`Serf::join`](crate::Serf::join), or the core's own.
        stream: StreamId,
        /// The other end.
        with: SocketAddr,
        /// Whether it was a join.
        join: bool,
    },
    /// It did not.
    SyncFailed {
        /// As above.
        stream: StreamId,
        /// In words.
        reason: String,
        /// Whether it was a join.
        join: bool,
    },
    /// Our leave is complete: the agent may exit.
    LeftCluster,
    /// For the log: a suspicion, a refused message, a name conflict.
    Note {
        /// Worth a warning rather than a debug line.
        warn: bool,
        /// In words.
        text: String,
    },
}

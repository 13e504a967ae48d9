//! One thing that happened, as handlers and streams are shown it.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use muster_serf::{Event, Instant, Member, MemberEvent, QueryId};

/// Something happened to the cluster, or somebody in it said or asks something.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Notice {
    /// One thing happened to these members; several only where they were gathered (coalesced).
    Members {
        /// What.
        event: MemberEvent,
        /// To whom; each as it is afterwards.
        members: Vec<Member>,
    },
    /// A user event.
    User {
        /// Its time on the event clock.
        ltime: u64,
        /// Its name: any text.
        name: String,
        /// Its payload.
        payload: Vec<u8>,
        /// Whether only the last of several with this name need be shown.
        coalesce: bool,
    },
    /// A query that is for this node.
    Query {
        /// To be named in the answer.
        id: QueryId,
        /// Its name: any text.
        name: String,
        /// Its payload.
        payload: Vec<u8>,
        /// Who asks.
        from: String,
        /// Answers count until then.
        deadline: Instant,
    },
}

impl Notice {
    /// What the core tells, if it is for outside.
    pub fn of(event: &Event) -> Option<Self> {
        Some(match event {
            Event::Member(event, member) => Self::Members { event: *event, members: [member.clone()].into() },
            Event::User { ltime, name, payload, coalesce } => Self::User {
                ltime: *ltime,
                name: name.clone(),
                payload: payload.clone(),
                coalesce: *coalesce,
            },
            Event::Query { id, name, payload, from, deadline } => Self::Query {
                id: *id,
                name: name.clone(),
                payload: payload.clone(),
                from: from.clone(),
                deadline: *deadline,
            },
            _ => return None,
        })
    }

    /// Serf's word for its kind: `member-join` ..., `user`, `query`.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Members { event, .. } => event.as_str(),
            Self::User { .. } => "user",
            Self::Query { .. } => "query",
        }
    }

    /// The name of a user event or a query.
    pub fn name(&self) -> Option<&str> {
        match self {
            Self::Members { .. } => None,
            Self::User { name, .. } | Self::Query { name, .. } => Some(name),
        }
    }

    /// Kind and name for people: `member-join`, `user:deploy`.
    pub fn label(&self) -> String {
        self.name().map_or_else(|| self.kind().into(), |name| format!("{}:{name}", self.kind()))
    }

    /// About how many bytes it takes while it waits for a reader: what is shared with others is not counted.
    pub fn weight(&self) -> usize {
        size_of::<Self>()
            + match self {
                Self::Members { members, .. } => members.len() * size_of::<Member>(),
                Self::User { name, payload, .. } => name.len() + payload.len(),
                Self::Query { name, payload, from, .. } => name.len() + payload.len() + from.len(),
            }
    }
}

//! User events out, and the stream of all that happens.
//!
//! The stream is of server-sent events (HTML Living Standard, 9.2): each has an id, the word of its kind as its type, and a
//! [`StreamEvent`] as its data. Whoever comes again with `Last-Event-ID` gets what came since, as long as the agent still has it.

use super::query_string::QueryString;
use super::{EVENTS_STREAM, MemberRow, Payload};
use serde::{Deserialize, Serialize};

/// Something to tell the whole cluster.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[cfg_attr(test, derive(utoipa::ToSchema))]
pub struct EventRequest {
    /// Its name: any text.
    pub name: String,
    /// What goes with it. Name and payload together take at most some 500 bytes.
    #[serde(flatten)]
    pub payload: Payload,
    /// Handlers may be shown only the last of several with this name that come close together. As in `serf event`, they may
    /// unless this is false.
    #[serde(default = "yes")]
    pub coalesce: bool,
}

fn yes() -> bool {
    true
}

/// What of [`EVENTS_STREAM`] is wanted.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(utoipa::ToSchema))]
#[serde(default)]
pub struct StreamQuery {
    /// Serf's words, separated by commas: `member-join`, `member-leave`, `member-failed`, `member-update`, `member-reap`,
    /// `user`, `user:NAME`, `query`, `query:NAME`, `*`. Absent means everything.
    pub filter: Option<String>,
}

impl StreamQuery {
    /// [`EVENTS_STREAM`] with this query.
    pub fn to_path(&self) -> String {
        QueryString::of(EVENTS_STREAM).with("filter", self.filter.as_deref()).done()
    }
}

/// One thing that happened, as of the moment it happened.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[cfg_attr(test, derive(utoipa::ToSchema))]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum StreamEvent {
    /// They joined, or are back.
    MemberJoin {
        /// Who.
        members: Vec<MemberRow>,
    },
    /// They left in order.
    MemberLeave {
        /// Who.
        members: Vec<MemberRow>,
    },
    /// They do not answer any more.
    MemberFailed {
        /// Who.
        members: Vec<MemberRow>,
    },
    /// Their tags or addresses changed.
    MemberUpdate {
        /// Who, as they are now.
        members: Vec<MemberRow>,
    },
    /// They are forgotten.
    MemberReap {
        /// Who.
        members: Vec<MemberRow>,
    },
    /// Somebody told the cluster something.
    User {
        /// Its name.
        name: String,
        /// Its time on the cluster's event clock.
        ltime: u64,
        /// Whether only the last of several need be shown.
        coalesce: bool,
        /// What went with it.
        #[serde(flatten)]
        payload: Payload,
    },
    /// Somebody asks, and this node is among those asked.
    Query {
        /// Its name.
        name: String,
        /// Its time on the cluster's query clock.
        ltime: u64,
        /// Who asks.
        from: String,
        /// What goes with it.
        #[serde(flatten)]
        payload: Payload,
    },
    /// Some events are missing just here: the reader was too slow or away too long, or the agent was started anew.
    Missed {
        /// How many, as far as that is known. With a filter some of them may have been of no interest.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        count: Option<u64>,
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_event_without_more_is_coalesced_and_empty() {
        let request: EventRequest = serde_json::from_value(json!({ "name": "deploy" })).unwrap();
        assert!(request.coalesce);
        assert_eq!(request.payload, Payload::default());
    }

    #[test]
    fn the_kind_stands_in_the_data_too() {
        let user =
            StreamEvent::User { name: "n".into(), ltime: 7, coalesce: false, payload: Payload::of(b"x") };
        let expected = json!({ "event": "user", "name": "n", "ltime": 7, "coalesce": false, "payload": "x" });
        assert_eq!(serde_json::to_value(&user).unwrap(), expected);
        let missed = StreamEvent::Missed { count: None };
        assert_eq!(serde_json::to_value(&missed).unwrap(), json!({ "event": "missed" }));
    }

    #[test]
    fn the_filter_is_encoded() {
        let query = StreamQuery { filter: Some("user:a b,*".into()) };
        assert_eq!(query.to_path(), "/api/v1/events/stream?filter=user%3Aa%20b%2C%2A");
    }
}

//! What can be asked: the table of [`routes`](crate::routes), with its types.

use super::fleet;
use super::generate::Type;
use crate::handlers::{AddHandler, Handlers, RemoveHandler};
use crate::health::Health;
use crate::routes::*;
use crate::templates::Templates;

/// One method of one path.
pub(super) struct Operation {
    pub(super) method: &'static str,
    pub(super) path: &'static str,
    /// What a generated client calls it.
    pub(super) id: &'static str,
    pub(super) summary: &'static str,
    pub(super) query: Option<Type>,
    /// Whether the header resumes it.
    pub(super) last_event_id: bool,
    pub(super) body: Option<Type>,
    pub(super) answer: Answer,
}

/// What is answered, in words, and of which type.
pub(super) enum Answer {
    Nothing(&'static str),
    Json(&'static str, Type),
    List(&'static str, Type),
    Lines(&'static str, Type),
    ServerSentEvents(&'static str, Type),
    Document(&'static str),
}

impl Answer {
    pub(super) fn words(&self) -> &'static str {
        match self {
            Self::Nothing(words)
            | Self::Json(words, _)
            | Self::List(words, _)
            | Self::Lines(words, _)
            | Self::ServerSentEvents(words, _)
            | Self::Document(words) => words,
        }
    }
}

fn get(path: &'static str, id: &'static str, summary: &'static str, answer: Answer) -> Operation {
    Operation { method: "get", path, id, summary, query: None, last_event_id: false, body: None, answer }
}

fn post(path: &'static str, id: &'static str, summary: &'static str, answer: Answer) -> Operation {
    Operation { method: "post", ..get(path, id, summary, answer) }
}

impl Operation {
    fn query<T: utoipa::ToSchema>(self) -> Self {
        Self { query: Some(Type::of::<T>()), ..self }
    }

    fn body<T: utoipa::ToSchema>(self) -> Self {
        Self { body: Some(Type::of::<T>()), ..self }
    }

    fn resumable(self) -> Self {
        Self { last_event_id: true, ..self }
    }
}

/// All of them, in the order of the table.
pub(super) fn operations() -> Vec<Operation> {
    use Answer::{Document, Json, Lines, List, Nothing, ServerSentEvents};
    vec![
        get(MEMBERS, "members", "The members of the cluster", Json("Those that pass", Type::of::<Members>()))
            .query::<MembersQuery>(),
        post(JOIN, "join", "Join a cluster", Json("At least one answered", Type::of::<JoinResponse>()))
            .body::<JoinRequest>(),
        post(LEAVE, "leave", "Leave the cluster and end the agent", Nothing("Left")),
        post(FORCE_LEAVE, "force_leave", "Tell the cluster that a failed member has left", Nothing("Told"))
            .body::<ForceLeaveRequest>(),
        post(
            TAGS,
            "change_tags",
            "Change the tags of this node",
            Json("All tags", Type::of::<TagsResponse>()),
        )
        .body::<TagsRequest>(),
        post(EVENTS, "send_event", "Tell the whole cluster something", Nothing("Told"))
            .body::<EventRequest>(),
        get(
            EVENTS_STREAM,
            "stream_events",
            "All that happens, as it happens",
            ServerSentEvents("For ever; the schema is that of the data", Type::of::<StreamEvent>()),
        )
        .query::<StreamQuery>()
        .resumable(),
        post(
            QUERIES,
            "send_query",
            "Ask the cluster",
            Lines("Answers as they come, until none counts any more", Type::of::<QueryLine>()),
        )
        .body::<QueryRequest>(),
        get(
            KEYS,
            "list_keys",
            "The keys that seal gossip, on all nodes",
            Lines("Each node's answer, then all together", Type::of::<KeyLine>()),
        ),
        post(
            KEYS,
            "change_keys",
            "Change the keys that seal gossip, on all nodes",
            Lines("Each node's answer, then all together", Type::of::<KeyLine>()),
        )
        .body::<KeysRequest>(),
        get(
            RTT,
            "round_trip_time",
            "How long a round trip between two members takes",
            Json("An estimate from coordinates", Type::of::<Rtt>()),
        )
        .query::<RttQuery>(),
        get(
            REACHABILITY,
            "reachability",
            "Ask every member for a sign of life",
            Lines("Answers as they come", Type::of::<ReachabilityLine>()),
        ),
        get(
            LOG,
            "log",
            "What the agent logs",
            Lines("The last lines, then each as it comes, for ever", Type::of::<LogRecord>()),
        )
        .query::<LogQuery>(),
        get(
            WHY,
            "why",
            "Why a member is taken for what it is",
            Json("What this node knows", Type::of::<crate::why::Why>()),
        )
        .query::<WhyQuery>(),
        get(
            HISTORY,
            "history",
            "What happened, and the cluster as it was at a time",
            Json("Facts", Type::of::<crate::history::History>()),
        )
        .query::<crate::history::HistoryQuery>(),
        get(
            HANDLERS,
            "handlers",
            "What is done on this node when something happens, and how it went",
            Json("All of them", Type::of::<Handlers>()),
        ),
        post(HANDLERS_ADD, "add_handler", "Add a handler until the agent ends", Nothing("Added"))
            .body::<AddHandler>(),
        post(HANDLERS_REMOVE, "remove_handler", "Remove a handler", Nothing("Removed"))
            .body::<RemoveHandler>(),
        get(
            TEMPLATES,
            "templates",
            "The files that this node makes of templates, and how that goes",
            Json("All groups", Type::of::<Templates>()),
        ),
        get(
            HEALTH,
            "health",
            "Whether this node does what it is there for",
            Json("What was looked at", Type::of::<Health>()),
        ),
        get(INFO, "info", "What the agent says of itself", Json("Section, key, value", Type::of::<Info>())),
        get(FLEET, "fleet", "Services and backends now", Json("The picture", Type::of::<fleet::Picture>())),
        get(
            FLEET_FOLLOW,
            "follow_fleet",
            "Services and backends, and every change",
            Lines("For ever, at least one each second", Type::of::<fleet::Update>()),
        ),
        post(FLEET_REPORT, "report", "What a balancer tells back", Nothing("Kept")).body::<fleet::Report>(),
        get(
            FLEET_REPORTS,
            "reports",
            "The last report of every balancer of this node",
            List("All of them", Type::of::<fleet::Report>()),
        ),
        get(OPENAPI, "openapi", "This document", Document("OpenAPI 3.1")),
    ]
}

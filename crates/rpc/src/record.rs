//! What streams carry, each record behind a [`ReplyHeader`](crate::ReplyHeader) of the stream's `Seq`.

use crate::Member;
use alloc::vec::Vec;
use muster_wire::msgpack::{Decode, Encode, NilIfEmpty, Reader, Writer};
use muster_wire::{DecodeError, record};

/// A record of `stream`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum EventRecord<'a> {
    /// Something happened to members.
    Members {
        /// `member-join` and so on.
        event: &'a str,
        /// To whom.
        members: Vec<Member<'a>>,
    },
    /// A user event.
    User {
        /// Its time on the event clock.
        ltime: u64,
        /// Its name.
        name: &'a str,
        /// Its payload.
        payload: &'a [u8],
        /// Whether only the last of several with this name need be shown.
        coalesce: bool,
    },
    /// A query.
    Query {
        /// What `respond` is to name: counts on this connection.
        id: u64,
        /// Its time on the query clock.
        ltime: u64,
        /// Its name.
        name: &'a str,
        /// Its payload.
        payload: &'a [u8],
    },
}

impl Encode for EventRecord<'_> {
    fn encode(&self, writer: &mut Writer<'_>) {
        match self {
            Self::Members { event, members } => {
                writer.record(&mut [("Event", event), ("Members", members)]);
            }
            Self::User { ltime, name, payload, coalesce } => writer.record(&mut [
                ("Event", &"user"),
                ("LTime", ltime),
                ("Name", name),
                ("Payload", &NilIfEmpty(payload)),
                ("Coalesce", coalesce),
            ]),
            Self::Query { id, ltime, name, payload } => writer.record(&mut [
                ("Event", &"query"),
                ("ID", id),
                ("LTime", ltime),
                ("Name", name),
                ("Payload", &NilIfEmpty(payload)),
            ]),
        }
    }
}

/// All keys of the three forms: which one it is, only `Event` says, and that may come last.
struct AnyEvent<'a> {
    event: &'a str,
    id: u64,
    ltime: u64,
    name: &'a str,
    payload: &'a [u8],
    coalesce: bool,
    members: Vec<Member<'a>>,
}
record!(AnyEvent<'a> {
    Event => event,
    ID => id,
    LTime => ltime,
    Name => name,
    Payload => payload,
    Coalesce => coalesce,
    Members => members,
});

impl<'a> Decode<'a> for EventRecord<'a> {
    fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        let AnyEvent { event, id, ltime, name, payload, coalesce, members } = reader.value()?;
        Ok(match event {
            "user" => Self::User { ltime, name, payload, coalesce },
            "query" => Self::Query { id, ltime, name, payload },
            event => Self::Members { event, members },
        })
    }

    fn absent() -> Result<Self, DecodeError> {
        Err(DecodeError::Msgpack("no event"))
    }
}

/// A record of `query`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct QueryRecord<'a> {
    /// [`ACK`](Self::ACK), [`RESPONSE`](Self::RESPONSE) or [`DONE`](Self::DONE).
    pub kind: &'a str,
    /// Which node; empty at the end.
    pub from: &'a str,
    /// Its answer.
    pub payload: &'a [u8],
}
record!(QueryRecord<'a> { Type => kind, From => from, Payload => payload as NilIfEmpty });

impl QueryRecord<'_> {
    /// The node received the query.
    pub const ACK: &'static str = "ack";
    /// The node's answer.
    pub const RESPONSE: &'static str = "response";
    /// No more will come.
    pub const DONE: &'static str = "done";
}

/// A record of `monitor`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LogRecord<'a> {
    /// One line, without its line break.
    pub log: &'a str,
}
record!(LogRecord<'a> { Log => log });

//! Requests: what each command takes, for both sides.

use crate::{Command, REQUEST_ELEMENTS_MAX, RequestHeader, write};
use alloc::vec::Vec;
use muster_wire::msgpack::{Decode, Dialect, Encode, Reader, Writer};
use muster_wire::{DecodeError, record};

/// Something to ask the cluster.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Query<'a> {
    /// Only nodes of these names; none means all.
    pub filter_nodes: Vec<&'a str>,
    /// Only nodes whose tags match these expressions.
    pub filter_tags: Vec<(&'a str, &'a str)>,
    /// Each node is to acknowledge it.
    pub request_ack: bool,
    /// Each answer is to come by so many other nodes as well.
    pub relay_factor: u8,
    /// How long answers count, in nanoseconds; 0 lets the agent choose.
    pub timeout_ns: i64,
    /// Its name.
    pub name: &'a str,
    /// Its payload.
    pub payload: &'a [u8],
}
record!(Query<'a> {
    FilterNodes => filter_nodes as NilIfEmpty,
    FilterTags => filter_tags as NilIfEmpty,
    RequestAck => request_ack,
    RelayFactor => relay_factor,
    Timeout => timeout_ns,
    Name => name,
    Payload => payload as NilIfEmpty,
});

/// A request without its header.
#[derive(Clone, PartialEq, Eq, Debug)]
#[allow(missing_docs, reason = "fields are Serf's own words; the variants say what there is to know")]
pub enum Request<'a> {
    /// First of all; the version is [`VERSION`](crate::VERSION).
    Handshake {
        version: i32,
    },
    /// The token, where one is wanted.
    Auth {
        auth_key: &'a str,
    },
    /// Tell the cluster.
    Event {
        name: &'a str,
        payload: &'a [u8],
        coalesce: bool,
    },
    /// A failed member is to count as left; with `prune` it is forgotten.
    ForceLeave {
        node: &'a str,
        prune: bool,
    },
    /// Join these addresses. Result: [`JoinResult`](crate::JoinResult).
    Join {
        existing: Vec<&'a str>,
        replay: bool,
    },
    /// Result: [`MembersResult`](crate::MembersResult).
    Members,
    /// Only those whose whole texts match the expressions; an empty one matches all. Result:
    /// [`MembersResult`](crate::MembersResult).
    MembersFiltered {
        tags: Vec<(&'a str, &'a str)>,
        status: &'a str,
        name: &'a str,
    },
    /// Change the agent's tags: first delete, then set.
    Tags {
        tags: Vec<(&'a str, &'a str)>,
        delete_tags: Vec<&'a str>,
    },
    /// Events from now on: [`EventRecord`](crate::EventRecord)s under this request's `Seq`. `kind` is a list of filters.
    Stream {
        kind: &'a str,
    },
    /// The agent's log: [`LogRecord`](crate::LogRecord)s under this request's `Seq`.
    Monitor {
        log_level: &'a str,
    },
    /// End the stream or the monitor of this `Seq`.
    Stop {
        stop: u64,
    },
    /// Leave the cluster; answered when that is done, then the agent ends.
    Leave,
    /// Ask the cluster: [`QueryRecord`](crate::QueryRecord)s under this request's `Seq`.
    Query(Query<'a>),
    /// Answer a query that a stream has shown.
    Respond {
        id: u64,
        payload: &'a [u8],
    },
    /// A key in base64. Result, as of the next three: [`KeysResult`](crate::KeysResult).
    InstallKey {
        key: &'a str,
    },
    UseKey {
        key: &'a str,
    },
    RemoveKey {
        key: &'a str,
    },
    ListKeys,
    /// Result: [`Sections`](crate::Sections).
    Stats,
    /// Result: [`CoordinateResult`](crate::CoordinateResult).
    GetCoordinate {
        node: &'a str,
    },
}

/// The bodies: for each command its keys, in Go's order of declaration, beside the fields of its variant.
macro_rules! bodies {
    ($($variant:ident { $($key:ident => $field:ident),+ })+; $($bare:ident)+) => {
        impl<'a> Request<'a> {
            /// Which command it is.
            pub fn command(&self) -> Command {
                match self {
                    $(Self::$variant { .. } => Command::$variant,)+
                    $(Self::$bare => Command::$bare,)+
                    Self::Query(_) => Command::Query,
                }
            }

            /// Reads the body that follows a header of `command`; of no bytes for a command without one.
            ///
            /// # Errors
            /// It is another one, or has too many elements.
            pub fn read(command: Command, body: &'a [u8]) -> Result<Self, DecodeError> {
                let mut reader = Reader::bounded(body, REQUEST_ELEMENTS_MAX);
                match command {
                    $(Command::$variant => {
                        $(let mut $field = None;)+
                        reader.record(&[$(stringify!($key)),+], |key, reader| {
                            match key {
                                $(stringify!($key) => $field = Some(reader.field(stringify!($key))?),)+
                                _ => _ = reader.skip()?,
                            }
                            Ok(())
                        })?;
                        Ok(Self::$variant { $($field: $field.map_or_else(Decode::absent, Ok)?),+ })
                    })+
                    $(Command::$bare => Ok(Self::$bare),)+
                    Command::Query => reader.value().map(Self::Query),
                }
            }

            fn write_body(&self, out: &mut Vec<u8>) {
                let mut writer = Writer::new(Dialect::Rpc, out);
                match self {
                    $(Self::$variant { $($field),+ } => {
                        writer.record(&mut [$((stringify!($key), $field as &dyn Encode)),+]);
                    })+
                    $(Self::$bare => {})+
                    Self::Query(query) => writer.value(query),
                }
            }
        }
    };
}
bodies! {
    Handshake { Version => version }
    Auth { AuthKey => auth_key }
    Event { Name => name, Payload => payload, Coalesce => coalesce }
    ForceLeave { Node => node, Prune => prune }
    Join { Existing => existing, Replay => replay }
    MembersFiltered { Tags => tags, Status => status, Name => name }
    Tags { Tags => tags, DeleteTags => delete_tags }
    Stream { Type => kind }
    Monitor { LogLevel => log_level }
    Stop { Stop => stop }
    Respond { ID => id, Payload => payload }
    InstallKey { Key => key }
    UseKey { Key => key }
    RemoveKey { Key => key }
    GetCoordinate { Node => node };
    Members Leave ListKeys Stats
}

/// Writes a request: header and body, to be sent together.
pub fn write_request(seq: u64, request: &Request<'_>, out: &mut Vec<u8>) {
    write(&RequestHeader { command: request.command().as_str(), seq }, out);
    request.write_body(out);
}

//! Payloads of Serf's internal queries (internal_query.go): who has this name, and keys.

use super::{body, kind, write};
use crate::msgpack::record;
use crate::{DecodeError, RawAddr};
use alloc::vec::Vec;

/// A member as the answering node knows it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Member<'a> {
    /// Node name.
    pub name: &'a str,
    /// Advertised address.
    pub addr: RawAddr,
    /// Advertised port.
    pub port: u16,
    /// Tags, in the sender's order; Go's is random.
    pub tags: Vec<(&'a str, &'a str)>,
    /// Serf's own numbers: 0 none, 1 alive, 2 leaving, 3 left, 4 failed.
    pub status: u8,
    /// Lowest memberlist version understood.
    pub protocol_min: u8,
    /// Highest memberlist version understood.
    pub protocol_max: u8,
    /// Memberlist version spoken.
    pub protocol_cur: u8,
    /// Lowest Serf version understood.
    pub delegate_min: u8,
    /// Highest Serf version understood.
    pub delegate_max: u8,
    /// Serf version spoken.
    pub delegate_cur: u8,
}
record!(Member<'a> {
    Name => name,
    Addr => addr,
    Port => port,
    Tags => tags,
    Status => status,
    ProtocolMin => protocol_min,
    ProtocolMax => protocol_max,
    ProtocolCur => protocol_cur,
    DelegateMin => delegate_min,
    DelegateMax => delegate_max,
    DelegateCur => delegate_cur,
});

/// An answer to `_serf_conflict`: whom the answering node knows by the name in question, if anybody.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ConflictResponse<'a> {
    /// `None` counts as an answer that does not match.
    pub member: Option<Member<'a>>,
}

impl<'a> ConflictResponse<'a> {
    /// Reads the payload of a response, type byte first.
    ///
    /// # Errors
    /// Unreadable.
    pub fn decode(payload: &'a [u8]) -> Result<Self, DecodeError> {
        Ok(Self { member: body(payload, kind::CONFLICT_RESPONSE)?.value()? })
    }

    /// The payload, type byte first.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        write(kind::CONFLICT_RESPONSE, &self.member, &mut out);
        out
    }
}

/// The payload of the queries that install, use, remove or list keys.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct KeyRequest<'a> {
    /// The key itself, not its base64 text; empty when keys are listed.
    pub key: &'a [u8],
}
record!(KeyRequest<'a> { Key => key });

impl<'a> KeyRequest<'a> {
    /// Reads the payload of a query, type byte first.
    ///
    /// # Errors
    /// Unreadable.
    pub fn decode(payload: &'a [u8]) -> Result<Self, DecodeError> {
        body(payload, kind::KEY_REQUEST)?.value()
    }

    /// The payload, type byte first.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        write(kind::KEY_REQUEST, self, &mut out);
        out
    }
}

/// The answer to a [`KeyRequest`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct KeyResponse<'a> {
    /// Whether it was done.
    pub result: bool,
    /// The peer's words, above all when it was not.
    pub message: &'a str,
    /// When keys are listed: each in base64.
    pub keys: Vec<&'a str>,
    /// When keys are listed: the one that encrypts, in base64.
    pub primary_key: &'a str,
}
record!(KeyResponse<'a> {
    Result => result,
    Message => message,
    Keys => keys as NilIfEmpty,
    PrimaryKey => primary_key,
});

impl<'a> KeyResponse<'a> {
    /// Reads the payload of a response, type byte first.
    ///
    /// # Errors
    /// Unreadable.
    pub fn decode(payload: &'a [u8]) -> Result<Self, DecodeError> {
        body(payload, kind::KEY_RESPONSE)?.value()
    }

    /// The payload, type byte first.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        write(kind::KEY_RESPONSE, self, &mut out);
        out
    }
}

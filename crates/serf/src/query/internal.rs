//! Queries that Serf asks itself: never shown to handlers, answered here or, about keys, by who holds them.
//!
//! Source: internal_query.go, keymanager.go.

use super::{QueryId, check_response};
use crate::{Limits, RespondError};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use muster_wire::serf::{KeyRequest, KeyResponse, Message, QueryResponse};

/// Names that begin so are Serf's own.
pub(crate) const PREFIX: &str = "_serf_";
/// "Do you hear me?" The ack is the answer.
pub(crate) const PING: &str = "_serf_ping";
/// "Who has this name?"
pub(crate) const CONFLICT: &str = "_serf_conflict";

/// What to do with the keys of the cluster.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum KeyOperation {
    /// Take this key in, so that what it seals can be read.
    Install(Vec<u8>),
    /// Seal with this key from now on.
    Use(Vec<u8>),
    /// Forget this key.
    Remove(Vec<u8>),
    /// Say which keys there are.
    List,
}

impl KeyOperation {
    /// The query that asks for it.
    pub(crate) fn query_name(&self) -> &'static str {
        match self {
            Self::Install(_) => "_serf_install-key",
            Self::Use(_) => "_serf_use-key",
            Self::Remove(_) => "_serf_remove-key",
            Self::List => "_serf_list-keys",
        }
    }

    /// The payload of that query.
    pub(crate) fn payload(&self) -> Vec<u8> {
        let key: &[u8] = match self {
            Self::Install(key) | Self::Use(key) | Self::Remove(key) => key,
            Self::List => &[],
        };
        KeyRequest { key }.encode()
    }
}

/// An internal query.
#[derive(PartialEq, Eq, Debug)]
pub(crate) enum Internal<'a> {
    Ping,
    /// The name asked about.
    Conflict(&'a str),
    Keys(KeyOperation),
    /// From a later version, or unreadable.
    Unknown,
}

impl<'a> Internal<'a> {
    /// The query as one of ours; `None` if it is for handlers.
    pub(crate) fn of(name: &str, payload: &'a [u8]) -> Option<Self> {
        name.strip_prefix(PREFIX)?;
        let key = |operation: fn(Vec<u8>) -> KeyOperation| match KeyRequest::decode(payload) {
            Ok(request) => Self::Keys(operation(request.key.into())),
            Err(_) => Self::Unknown,
        };
        Some(match name {
            PING => Self::Ping,
            CONFLICT => core::str::from_utf8(payload).map_or(Self::Unknown, Self::Conflict),
            "_serf_install-key" => key(KeyOperation::Install),
            "_serf_use-key" => key(KeyOperation::Use),
            "_serf_remove-key" => key(KeyOperation::Remove),
            "_serf_list-keys" => Self::Keys(KeyOperation::List),
            _ => Self::Unknown,
        })
    }
}

/// What came of a [`KeyOperation`].
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct KeyAnswer {
    /// Whether it was done.
    pub done: bool,
    /// Why not, for whoever asked.
    pub message: String,
    /// For a list: each key in base64.
    pub keys: Vec<String>,
    /// For a list: the one that seals, in base64.
    pub primary_key: String,
}

impl KeyAnswer {
    /// The message that answers query `id`. A list of keys that is too long is cut, and says so.
    pub(crate) fn encode(&self, limits: &Limits, id: QueryId, from: &str) -> Result<Vec<u8>, RespondError> {
        let all = self.keys.len();
        let mut shown = all;
        let mut message = self.message.clone();
        loop {
            let encoded = encode_response(id, from, &self.payload(shown, &message));
            match check_response(limits, &encoded) {
                Err(_) if shown > 0 => shown -= 1,
                checked => return checked.map(|()| encoded),
            }
            message = format!("truncated key list response, showing first {shown} of {all} keys");
        }
    }

    fn payload(&self, shown: usize, message: &str) -> Vec<u8> {
        KeyResponse {
            result: self.done,
            message,
            keys: self.keys.iter().take(shown).map(|key| &**key).collect(),
            primary_key: &self.primary_key,
        }
        .encode()
    }
}

/// A response with a payload, ready to send; an empty one is nil.
pub(crate) fn encode_response(id: QueryId, from: &str, payload: &[u8]) -> Vec<u8> {
    let payload = (!payload.is_empty()).then_some(payload);
    let mut bytes = Vec::new();
    Message::QueryResponse(QueryResponse { ltime: id.ltime, id: id.id, from, flags: 0, payload })
        .encode(&mut bytes);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: QueryId = QueryId { ltime: 7, id: 1003 };

    #[test]
    fn only_serfs_own_names_are_internal() {
        assert_eq!(Internal::of("uptime", b""), None);
        assert_eq!(Internal::of("_serf", b""), None);
        assert_eq!(Internal::of("_serf_ping", b""), Some(Internal::Ping));
        assert_eq!(Internal::of("_serf_conflict", b"web"), Some(Internal::Conflict("web")));
        assert_eq!(Internal::of("_serf_conflict", b"\xff"), Some(Internal::Unknown));
        assert_eq!(Internal::of("_serf_use-key", b"\x08\x80"), Some(Internal::Unknown));
        assert_eq!(Internal::of("_serf_", b""), Some(Internal::Unknown));
    }

    #[test]
    fn a_key_operation_is_read_as_it_is_asked() {
        for operation in [
            KeyOperation::Install(vec![1; 16]),
            KeyOperation::Use(vec![2; 24]),
            KeyOperation::Remove(vec![3; 32]),
            KeyOperation::List,
        ] {
            let payload = operation.payload();
            let read = Internal::of(operation.query_name(), &payload);
            assert_eq!(read, Some(Internal::Keys(operation)));
        }
    }

    #[test]
    fn an_agent_without_keys_answers_as_serf_does() {
        // Sent by serf 0.9.4.
        let serfs = "080585a5466c61677300a446726f6da5616c706861a24944cd03eba54c54696d6507a75061796c6f6164da0050\
            0884a44b657973c0a74d657373616765da00294b657972696e6720697320656d7074792028656e6372797074696f6e206e6f\
            7420656e61626c656429aa5072696d6172794b6579a0a6526573756c74c2";
        let answer =
            KeyAnswer { message: "Keyring is empty (encryption not enabled)".into(), ..KeyAnswer::default() };
        let encoded = answer.encode(&Limits::default(), ID, "alpha").unwrap();
        let hex: String = encoded.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(format!("08{hex}"), serfs);
    }

    #[test]
    fn a_list_of_keys_is_cut_to_what_fits_and_says_so() {
        let answer = KeyAnswer {
            done: true,
            keys: (0..60).map(|n| format!("{n:024}")).collect(),
            primary_key: "p".into(),
            ..KeyAnswer::default()
        };
        let encoded = answer.encode(&Limits::default(), ID, "me").unwrap();
        assert!((990..=1024).contains(&encoded.len()), "{}", encoded.len());
        let Ok(Message::QueryResponse(response)) = Message::decode(&encoded) else { panic!() };
        let read = KeyResponse::decode(response.payload.unwrap()).unwrap();
        let shown = read.keys.len();
        assert_eq!(read.message, format!("truncated key list response, showing first {shown} of 60 keys"));
        assert_eq!(read.keys[shown - 1], answer.keys[shown - 1]);
        let tight = Limits { query_response: 20, ..Limits::default() };
        assert_eq!(answer.encode(&tight, ID, "me"), Err(RespondError::TooLong { limit: 20 }));
    }
}

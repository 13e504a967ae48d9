//! One walk over the fields of a head, which finds all that decides: framing, keep-alive, host, upgrade.

use crate::field::{Kind, items};
use crate::framing::{Framing, Version};
use crate::refusal::Refusal;
use httparse::Header;

/// Fields that `Connection` may name. Honest senders name one or two; each is looked for among all fields.
pub const CONNECTION_NAMES_MAX: usize = 32;

/// What was found.
#[derive(Clone, Copy, Default, Debug)]
pub(crate) struct Survey<'b> {
    pub(crate) framing: Framing,
    pub(crate) host: Option<&'b [u8]>,
    pub(crate) has_many_hosts: bool,
    pub(crate) says_close: bool,
    pub(crate) says_keep_alive: bool,
    pub(crate) says_upgrade: bool,
    /// How many other fields `Connection` names.
    pub(crate) names: usize,
    /// The first `Upgrade`.
    pub(crate) upgrade: Option<&'b [u8]>,
    /// HTTP/2 without TLS is among the protocols asked for.
    pub(crate) has_h2c: bool,
    pub(crate) wants_trailers: bool,
    pub(crate) expects_continue: bool,
    pub(crate) kept_seconds: Option<u64>,
}

impl<'b> Survey<'b> {
    /// Looks at `fields` and notes the kind of each. `is_response` loosens what only a client could abuse.
    pub(crate) fn of(fields: &[Header<'b>], kinds: &mut [Kind], is_response: bool) -> Result<Self, Refusal> {
        let mut survey = Self::default();
        for (field, kind) in fields.iter().zip(kinds) {
            *kind = Kind::of(field.name);
            let value = field.value;
            match *kind {
                Kind::Host => {
                    survey.has_many_hosts |= survey.host.is_some();
                    survey.host = Some(value);
                }
                Kind::Connection => survey.connection(value)?,
                Kind::ContentLength => survey.framing.add_length(value, is_response),
                Kind::TransferEncoding => survey.framing.add_coding(value),
                Kind::Upgrade => {
                    survey.upgrade = survey.upgrade.or(Some(value));
                    survey.has_h2c |= items(value).any(|item| item.eq_ignore_ascii_case(b"h2c"));
                }
                // The one preference that survives a proxy that passes trailers on.
                Kind::Te => {
                    survey.wants_trailers |= items(value).any(|item| item.eq_ignore_ascii_case(b"trailers"));
                }
                Kind::Expect => survey.expects_continue |= value.eq_ignore_ascii_case(b"100-continue"),
                Kind::KeepAlive => survey.kept_seconds = survey.kept_seconds.or_else(|| kept_seconds(value)),
                Kind::ProxyConnection
                | Kind::ForwardedFor
                | Kind::Forwarded
                | Kind::LookAlike
                | Kind::Other => {}
            }
        }
        Ok(survey)
    }

    fn connection(&mut self, value: &[u8]) -> Result<(), Refusal> {
        for item in items(value) {
            match item.len() {
                5 if item.eq_ignore_ascii_case(b"close") => self.says_close = true,
                10 if item.eq_ignore_ascii_case(b"keep-alive") => self.says_keep_alive = true,
                7 if item.eq_ignore_ascii_case(b"upgrade") => self.says_upgrade = true,
                _ => self.names += 1,
            }
        }
        if self.names > CONNECTION_NAMES_MAX { Err(Refusal::ConnectionNames) } else { Ok(()) }
    }

    /// Whether the sender keeps its connection after this message (RFC 9112, 9.3).
    pub(crate) fn keeps(&self, version: Version) -> bool {
        !self.says_close && (version == Version::V11 || self.says_keep_alive)
    }
}

/// `timeout=5` of a `Keep-Alive` field.
fn kept_seconds(value: &[u8]) -> Option<u64> {
    str::from_utf8(value).ok()?.split(',').find_map(|item| {
        let (name, value) = item.split_once('=')?;
        let is_timeout = name.trim().eq_ignore_ascii_case("timeout");
        is_timeout.then(|| value.trim().parse().ok()).flatten()
    })
}

/// Whether `Connection` in `fields` names `name`.
pub(crate) fn is_named(fields: &[Header<'_>], kinds: &[Kind], name: &str) -> bool {
    let connections = fields.iter().zip(kinds).filter(|(_, kind)| **kind == Kind::Connection);
    let mut named = connections.flat_map(|(field, _)| items(field.value));
    named.any(|item| item.eq_ignore_ascii_case(name.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_backends_keep_alive_time_is_read() {
        assert_eq!(kept_seconds(b"timeout=5, max=100"), Some(5));
        assert_eq!(kept_seconds(b"max=100, Timeout = 7"), Some(7));
        assert_eq!(kept_seconds(b"max=100"), None);
        assert_eq!(kept_seconds(b"timeout=-1"), None);
    }
}

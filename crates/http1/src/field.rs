//! Which fields mean something to a proxy, found by their length first: most are none of them.

/// What a field is to us.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    /// Passed as it is.
    Other,
    Host,
    Connection,
    ContentLength,
    TransferEncoding,
    KeepAlive,
    ProxyConnection,
    Te,
    Upgrade,
    Expect,
    ForwardedFor,
    /// `X-Forwarded-Proto` or `-Port`, which are ours to say.
    Forwarded,
    /// One of ours written with underscores. CGI, WSGI and their like read `X_Forwarded_Proto` as `X-Forwarded-Proto` (RFC
    /// 3875, 4.1.18), so a client could put its word beside ours. nginx drops every field with an underscore; here only
    /// these go.
    LookAlike,
}

impl Kind {
    /// Of the field called `name`.
    pub(crate) fn of(name: &str) -> Self {
        let is = |known: &str| name.eq_ignore_ascii_case(known);
        match name.len() {
            2 if is("te") => Self::Te,
            4 if is("host") => Self::Host,
            6 if is("expect") => Self::Expect,
            7 if is("upgrade") => Self::Upgrade,
            10 if is("connection") => Self::Connection,
            10 if is("keep-alive") => Self::KeepAlive,
            14 if is("content-length") => Self::ContentLength,
            15 => forwarded(name, "x-forwarded-for", Self::ForwardedFor),
            16 if is("proxy-connection") => Self::ProxyConnection,
            16 => forwarded(name, "x-forwarded-port", Self::Forwarded),
            17 if is("transfer-encoding") => Self::TransferEncoding,
            17 => forwarded(name, "x-forwarded-proto", Self::Forwarded),
            _ => Self::Other,
        }
    }

    /// Whether it concerns one connection only and never passes as it is (RFC 9110, 7.6.1).
    pub(crate) fn is_hop_by_hop(self) -> bool {
        matches!(
            self,
            Self::Connection
                | Self::KeepAlive
                | Self::ProxyConnection
                | Self::Te
                | Self::TransferEncoding
                | Self::Upgrade
        )
    }

    /// Whether `Connection` cannot name it away: that would change what the message means, and no honest sender does.
    pub(crate) fn is_essential(self) -> bool {
        matches!(self, Self::Host | Self::ContentLength)
    }
}

fn forwarded(name: &str, ours: &str, kind: Kind) -> Kind {
    if name.eq_ignore_ascii_case(ours) {
        return kind;
    }
    let dashed = name.bytes().map(|byte| if byte == b'_' { b'-' } else { byte.to_ascii_lowercase() });
    if dashed.eq(ours.bytes()) { Kind::LookAlike } else { Kind::Other }
}

/// The items of a list field. As bytes: a field with one item that is no text still says what its other items say.
pub(crate) fn items(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value.split(|byte| *byte == b',').map(<[u8]>::trim_ascii).filter(|item| !item.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_known_in_any_case_and_nothing_else_is() {
        assert_eq!(Kind::of("CONTENT-length"), Kind::ContentLength);
        assert_eq!(Kind::of("Content_Length"), Kind::Other);
        assert_eq!(Kind::of("X-Forwarded-Port"), Kind::Forwarded);
        assert_eq!(Kind::of("X_Forwarded-Port"), Kind::LookAlike);
        assert_eq!(Kind::of("x-forwarded-host"), Kind::Other);
        assert_eq!(Kind::of("Transfer-Encodinf"), Kind::Other);
    }
}

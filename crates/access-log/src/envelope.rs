//! The head of a message, as HAProxy writes it (configuration manual, `log`, `format`).

use crate::time::{Timestamp, put};
use alloc::string::String;
use alloc::vec::Vec;

/// The kinds of heads, by HAProxy's names.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum EnvelopeKind {
    /// `local`: RFC 3164 without a host, as programs write to `/dev/log`.
    Local,
    /// `rfc3164`: with one.
    Rfc3164,
    /// `rfc5424`.
    Rfc5424,
    /// `priority`: facility and severity alone.
    Priority,
    /// `short`: the severity alone.
    Short,
    /// `timed`: severity and date.
    Timed,
    /// `iso`: the date alone.
    Iso,
    /// `raw`: nothing.
    Raw,
}

/// What goes before each line to one place, and how long it may be.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Envelope {
    /// The form of the head.
    pub kind: EnvelopeKind,
    /// 0 to 23 (RFC 5424, 6.2.1).
    pub facility: u8,
    /// Lines of a higher number, 7 at most, are not sent.
    pub severity_max: u8,
    /// Lines of a lower number are sent as this one.
    pub severity_min: u8,
    /// The name of the program.
    pub tag: String,
    /// Its process.
    pub pid: u32,
    /// Longest message with its head and its end of line, in bytes.
    pub bytes_max: usize,
}

impl Envelope {
    /// Lines without a head, to a file or an output; none is cut.
    pub fn raw() -> Self {
        Self {
            kind: EnvelopeKind::Raw,
            facility: 0,
            severity_max: 7,
            severity_min: 0,
            tag: String::new(),
            pid: 0,
            bytes_max: usize::MAX,
        }
    }

    /// Whether a line of this severity goes there.
    pub fn takes(&self, severity: u8) -> bool {
        severity <= self.severity_max
    }

    /// Writes the message of `line` behind `out`, with its end of line.
    pub fn write(&self, severity: u8, now: Timestamp, line: &[u8], out: &mut Vec<u8>) {
        let start = out.len();
        self.head(severity.max(self.severity_min), now, out);
        out.extend_from_slice(line);
        out.truncate(start.saturating_add(self.bytes_max.saturating_sub(1)));
        out.push(b'\n');
    }

    fn head(&self, severity: u8, now: Timestamp, out: &mut Vec<u8>) {
        use EnvelopeKind as Kind;
        match self.kind {
            Kind::Local | Kind::Rfc3164 | Kind::Rfc5424 | Kind::Priority => {
                put(out, format_args!("<{}>", u32::from(self.facility) * 8 + u32::from(severity)));
            }
            Kind::Short | Kind::Timed => put(out, format_args!("<{severity}>")),
            Kind::Iso | Kind::Raw => {}
        }
        let (tag, pid) = (&self.tag, self.pid);
        match self.kind {
            Kind::Local | Kind::Rfc3164 => {
                now.rfc3164(out);
                // HAProxy's word, unless it is told to tell its host.
                let host = if self.kind == Kind::Rfc3164 { " localhost" } else { "" };
                put(out, format_args!("{host} {tag}[{pid}]: "));
            }
            Kind::Rfc5424 => {
                out.extend_from_slice(b"1 ");
                now.rfc3339(true, out);
                put(out, format_args!(" - {tag} {pid} - - "));
            }
            Kind::Timed | Kind::Iso => {
                now.rfc3339(true, out);
                out.push(b' ');
            }
            Kind::Priority | Kind::Short | Kind::Raw => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As HAProxy 2.6 wrote them, with our time in place of its.
    #[test]
    fn a_message_is_as_haproxy_writes_it() {
        let now = Timestamp(1_795_787_082_067_250);
        for (kind, message) in [
            (EnvelopeKind::Local, "<134>Nov 27 13:44:42 haproxy[7]: line\n"),
            (EnvelopeKind::Rfc3164, "<134>Nov 27 13:44:42 localhost haproxy[7]: line\n"),
            (EnvelopeKind::Rfc5424, "<134>1 2026-11-27T13:44:42.067250+00:00 - haproxy 7 - - line\n"),
            (EnvelopeKind::Priority, "<134>line\n"),
            (EnvelopeKind::Short, "<6>line\n"),
            (EnvelopeKind::Timed, "<6>2026-11-27T13:44:42.067250+00:00 line\n"),
            (EnvelopeKind::Iso, "2026-11-27T13:44:42.067250+00:00 line\n"),
            (EnvelopeKind::Raw, "line\n"),
        ] {
            let envelope = Envelope { kind, facility: 16, tag: "haproxy".into(), pid: 7, ..Envelope::raw() };
            let mut out = b"before".to_vec();
            envelope.write(6, now, b"line", &mut out);
            assert_eq!(String::from_utf8(out).unwrap().strip_prefix("before"), Some(message));
        }
    }

    #[test]
    fn a_message_is_no_longer_and_no_graver_than_it_may_be() {
        let envelope =
            Envelope { kind: EnvelopeKind::Short, severity_min: 4, bytes_max: 8, ..Envelope::raw() };
        let mut out = Vec::new();
        envelope.write(3, Timestamp(0), b"much too long", &mut out);
        assert_eq!(out, b"<4>much\n");
        assert!(Envelope { severity_max: 5, ..envelope }.takes(5));
        assert!(!Envelope { severity_max: 5, ..Envelope::raw() }.takes(6));
    }
}

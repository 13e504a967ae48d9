//! A record as a collector reads it (RFC 5424).

use alloc::format;
use alloc::vec::Vec;

use crate::Record;
use crate::form::text;

/// The message, without framing. `host` is this host's name.
#[must_use]
pub fn rfc5424(record: &Record<'_>, host: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(record.text.len() + 96);
    out.extend_from_slice(format!("<{}>1 {} ", record.priority.number(), record.time).as_bytes());
    // Their longest lengths are in section 6.
    for (value, longest) in [(host, 255), (record.service, 48), (record.process.unwrap_or_default(), 128)] {
        field(value, longest, &mut out);
        out.push(b' ');
    }
    // Neither a kind of message nor structured data.
    out.extend_from_slice(b"- - ");
    text(record, &mut out);
    out
}

/// A field of the head: printable ASCII without spaces, at least a dash.
fn field(value: &str, longest: usize, out: &mut Vec<u8>) {
    if value.is_empty() {
        out.push(b'-');
    }
    out.extend(value.chars().take(longest).map(|c| match u8::try_from(c) {
        Ok(byte) if byte.is_ascii_graphic() => byte,
        _ => b'?',
    }));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Message, Part, Priority, Stream, Timestamp};
    use proptest::prelude::*;

    const RECORD: Record<'_> = Record {
        time: Timestamp(1_795_680_986_000_250),
        service: "web",
        process: None,
        stream: Stream::Stderr,
        priority: Priority::UNSAID,
        text: b"GET /",
        part: Part::Whole,
    };

    #[test]
    fn a_message_is_as_the_rfc_has_it() {
        assert_eq!(
            String::from_utf8(rfc5424(&RECORD, "h1")).unwrap(),
            "<13>1 2026-11-26T08:16:26.000250Z h1 web - - - GET /"
        );
        let hostile = Record { service: "a b\n[é", process: Some("1 2"), ..RECORD };
        assert_eq!(
            String::from_utf8(rfc5424(&hostile, "")).unwrap(),
            "<13>1 2026-11-26T08:16:26.000250Z - a?b?[? 1?2 - - GET /"
        );
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_as_the_same(
            service in "[!-Z^-~]{1,60}", process in "[0-9]{0,9}", text in "[ -~]{0,80}", number in 0..192_u8,
        ) {
            let record = Record {
                service: &service,
                process: Some(&process),
                text: text.as_bytes(),
                priority: Priority::of_number(number).unwrap(),
                ..RECORD
            };
            let written = rfc5424(&record, "h1");
            let message = Message::read(&written);
            prop_assert_eq!(message.priority, record.priority);
            prop_assert_eq!(message.service, &service[..service.len().min(48)]);
            prop_assert_eq!(message.process.unwrap_or_default(), process);
            prop_assert_eq!(&*message.text, text.as_bytes());
        }
    }
}

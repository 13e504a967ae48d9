//! A record as people and programs read it, on one line.

use alloc::format;
use alloc::vec::Vec;
use core::str::FromStr;

use crate::{Record, Stream};

/// Says in a text that the line goes on elsewhere.
const CUT: &[u8] = b"[...]";

/// How lines are written.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Form {
    /// `NAME | line`.
    #[default]
    Prefix,
    /// An object per line.
    Json,
    /// The line as it is.
    Plain,
}

impl FromStr for Form {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "prefix" => Ok(Self::Prefix),
            "json" => Ok(Self::Json),
            "plain" => Ok(Self::Plain),
            _ => Err("write prefix, json or plain"),
        }
    }
}

impl Form {
    /// Adds the record as a line to `out`. `timed`: a prefix begins with the time, since nobody else notes it.
    pub fn write(self, record: &Record<'_>, timed: bool, out: &mut Vec<u8>) {
        match self {
            Self::Prefix => {
                if timed {
                    out.extend_from_slice(format!("{} ", record.time).as_bytes());
                }
                name(record.service, out);
                out.extend_from_slice(b" | ");
                text(record, out);
            }
            Self::Plain => text(record, out),
            Self::Json => json(record, out),
        }
        out.push(b'\n');
    }
}

/// A name cannot forge the bar, nor begin a line of its own.
fn name(name: &str, out: &mut Vec<u8>) {
    for c in name.chars() {
        let c = if c.is_control() || c == '|' || c.is_whitespace() { '?' } else { c };
        out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
    }
}

pub(crate) fn text(record: &Record<'_>, out: &mut Vec<u8>) {
    if record.part.continues() {
        out.extend_from_slice(CUT);
        out.push(b' ');
    }
    out.extend_from_slice(record.text);
    if record.part.goes_on() {
        out.push(b' ');
        out.extend_from_slice(CUT);
    }
}

fn json(record: &Record<'_>, out: &mut Vec<u8>) {
    out.extend_from_slice(format!("{{\"time\":\"{}\",\"service\":", record.time).as_bytes());
    json_string(record.service.as_bytes(), out);
    let stream = record.stream.name();
    out.extend_from_slice(format!(",\"stream\":\"{stream}\"").as_bytes());
    if record.stream == Stream::Syslog {
        let (facility, severity) = (record.priority.facility.name(), record.priority.severity.name());
        out.extend_from_slice(format!(",\"facility\":\"{facility}\",\"severity\":\"{severity}\"").as_bytes());
    }
    if let Some(process) = record.process {
        out.extend_from_slice(b",\"process\":");
        json_string(process.as_bytes(), out);
    }
    if record.part.continues() {
        out.extend_from_slice(b",\"continues\":true");
    }
    if record.part.goes_on() {
        out.extend_from_slice(b",\"goes_on\":true");
    }
    out.extend_from_slice(b",\"text\":");
    json_string(record.text, out);
    out.push(b'}');
}

/// A string of JSON. What is no UTF-8 is replaced, since JSON has no other text.
pub fn json_string(bytes: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    for chunk in bytes.utf8_chunks() {
        for &byte in chunk.valid().as_bytes() {
            match byte {
                b'"' => out.extend_from_slice(b"\\\""),
                b'\\' => out.extend_from_slice(b"\\\\"),
                b'\t' => out.extend_from_slice(b"\\t"),
                b'\r' => out.extend_from_slice(b"\\r"),
                0..=0x1f | 0x7f => out.extend_from_slice(format!("\\u{byte:04x}").as_bytes()),
                _ => out.push(byte),
            }
        }
        if !chunk.invalid().is_empty() {
            out.extend_from_slice("\u{fffd}".as_bytes());
        }
    }
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Part, Priority, Timestamp};
    use proptest::prelude::*;

    const RECORD: Record<'_> = Record {
        time: Timestamp(1_795_680_986_000_250),
        service: "web",
        process: None,
        stream: Stream::Stdout,
        priority: Priority::UNSAID,
        text: b"GET /",
        part: Part::Whole,
    };

    fn written(form: Form, timed: bool, record: &Record<'_>) -> String {
        let mut out = Vec::new();
        form.write(record, timed, &mut out);
        String::from_utf8_lossy(&out).into_owned()
    }

    #[test]
    fn forms_are_as_documented() {
        assert_eq!(written(Form::Prefix, false, &RECORD), "web | GET /\n");
        assert_eq!(written(Form::Prefix, true, &RECORD), "2026-11-26T08:16:26.000250Z web | GET /\n");
        assert_eq!(written(Form::Plain, true, &RECORD), "GET /\n");
        assert_eq!(
            written(Form::Json, false, &RECORD),
            "{\"time\":\"2026-11-26T08:16:26.000250Z\",\"service\":\"web\",\"stream\":\"stdout\",\"text\":\"GET /\"}\n"
        );
        let message = Record {
            process: Some("7"),
            stream: Stream::Syslog,
            priority: Priority::of_number(141).unwrap(),
            ..RECORD
        };
        assert_eq!(
            written(Form::Json, false, &message),
            "{\"time\":\"2026-11-26T08:16:26.000250Z\",\"service\":\"web\",\"stream\":\"syslog\",\
             \"facility\":\"local1\",\"severity\":\"notice\",\"process\":\"7\",\"text\":\"GET /\"}\n"
        );
    }

    #[test]
    fn a_piece_of_a_line_says_so() {
        let middle = Record { part: Part::Middle, ..RECORD };
        assert_eq!(written(Form::Prefix, false, &middle), "web | [...] GET / [...]\n");
        assert!(
            written(Form::Json, false, &middle)
                .contains("\"continues\":true,\"goes_on\":true,\"text\":\"GET /\"")
        );
    }

    #[test]
    fn a_name_forges_no_line() {
        let record = Record { service: "a | b\nc", ..RECORD };
        assert_eq!(written(Form::Prefix, false, &record), "a???b?c | GET /\n");
    }

    proptest! {
        #[test]
        fn any_bytes_are_one_line_of_json(
            text in proptest::collection::vec(any::<u8>(), 0..200), service in ".{0,20}",
        ) {
            let mut out = Vec::new();
            Form::Json.write(&Record { text: &text, service: &service, ..RECORD }, false, &mut out);
            prop_assert_eq!(out.iter().filter(|byte| **byte == b'\n').count(), 1);
            let read: serde_json::Value = serde_json::from_slice(&out).unwrap();
            prop_assert_eq!(read["text"].as_str().unwrap(), String::from_utf8_lossy(&text));
            prop_assert_eq!(read["service"].as_str().unwrap(), service);
        }
    }
}

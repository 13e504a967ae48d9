//! One object of JSON. What is not known is left out, so that a number is a number wherever it is.

use crate::escape;
use crate::record::Record;
use crate::time::put;
use alloc::vec::Vec;
use core::time::Duration;

pub(super) fn write(record: &Record<'_>, out: &mut Vec<u8>) {
    out.extend_from_slice(b"{\"time\":\"");
    record.time.rfc3339(true, out);
    out.push(b'"');
    let mut object = Object(out);
    if let Some(client) = record.client {
        object.plain("client", format_args!("\"{}\"", client.ip().to_canonical()));
        object.plain("client_port", format_args!("{}", client.port()));
    }
    object.text("frontend", Some(record.frontend.as_bytes()));
    object.text("service", record.service.map(str::as_bytes));
    object.text("backend", record.backend.map(str::as_bytes));
    if let Some([method, target, version]) = record.parts() {
        object.text("method", Some(method));
        object.text("path", Some(target));
        object.text("version", Some(version));
    }
    object.text("host", record.host);
    if let Some(status) = record.status {
        object.plain("status", format_args!("{status}"));
    }
    object.plain("bytes_in", format_args!("{}", record.bytes_in));
    object.plain("bytes_out", format_args!("{}", record.bytes_out));
    let times = &record.times;
    object.millis("head_ms", times.head);
    object.millis("queue_ms", times.queue);
    object.millis("connect_ms", times.connect);
    object.millis("response_ms", times.response);
    object.millis("total_ms", Some(times.total));
    object.plain("retries", format_args!("{}", record.retries));
    object.text("termination", Some(&record.termination.letters()));
    object.text("user_agent", record.user_agent);
    object.text("referer", record.referer);
    object.text("trace_id", record.trace.and_then(trace_id));
    object.text("tls", record.tls.map(str::as_bytes));
    out.push(b'}');
}

struct Object<'o>(&'o mut Vec<u8>);

impl Object<'_> {
    fn plain(&mut self, name: &str, value: core::fmt::Arguments<'_>) {
        put(self.0, format_args!(",\"{name}\":{value}"));
    }

    fn text(&mut self, name: &str, value: Option<&[u8]>) {
        if let Some(value) = value {
            put(self.0, format_args!(",\"{name}\":"));
            escape::json(value, self.0);
        }
    }

    fn millis(&mut self, name: &str, value: Option<Duration>) {
        if let Some(value) = value {
            let micros = value.as_micros();
            self.plain(name, format_args!("{}.{:03}", micros / 1000, micros % 1000));
        }
    }
}

/// The second part of a `traceparent` (W3C Trace Context, 3.2.2), if it is one.
fn trace_id(field: &[u8]) -> Option<&[u8]> {
    let id = field.split(|byte| *byte == b'-').nth(1)?;
    (id.len() == 32 && id.iter().all(u8::is_ascii_hexdigit)).then_some(id)
}

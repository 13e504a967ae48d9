//! HAProxy's own forms (configuration manual, 8.2): `httplog`, `tcplog`, and that of a frontend without either.

use crate::escape;
use crate::record::Record;
use crate::time::put;
use alloc::vec::Vec;
use core::time::Duration;

/// `%ci:%cp [%tr] %ft %b/%s %TR/%Tw/%Tc/%Tr/%Ta %ST %B %CC %CS %tsc %ac/%fc/%bc/%sc/%rc %sq/%bq %hr %hs %{+Q}r`
pub(super) fn http(record: &Record<'_>, out: &mut Vec<u8>) {
    start(record, out);
    let times = &record.times;
    for time in [times.head, times.queue, times.connect, times.response] {
        millis(time, out);
        out.push(b'/');
    }
    millis(Some(times.total), out);
    match record.status {
        Some(status) => put(out, format_args!(" {status}")),
        None => out.extend_from_slice(b" -1"),
    }
    // No cookies are captured, and none is set.
    put(out, format_args!(" {} - - ", record.bytes_out));
    out.extend(record.termination.letters());
    out.extend_from_slice(b"-- ");
    load(record, out);
    out.extend_from_slice(b" \"");
    match record.line {
        Some(line) => escape::haproxy(line, out),
        None => out.extend_from_slice(b"<BADREQ>"),
    }
    out.push(b'"');
}

/// `%ci:%cp [%t] %ft %b/%s %Tw/%Tc/%Tt %B %ts %ac/%fc/%bc/%sc/%rc %sq/%bq`
pub(super) fn tcp(record: &Record<'_>, out: &mut Vec<u8>) {
    start(record, out);
    for time in [record.times.queue, record.times.connect] {
        millis(time, out);
        out.push(b'/');
    }
    millis(Some(record.times.total), out);
    put(out, format_args!(" {} ", record.bytes_out));
    out.extend(record.termination.letters());
    out.push(b' ');
    load(record, out);
}

/// `Connect from %ci:%cp to %fi:%fp (%ft/MODE)`
pub(super) fn connect(record: &Record<'_>, out: &mut Vec<u8>) {
    out.extend_from_slice(b"Connect from ");
    end(record.client, out);
    out.extend_from_slice(b" to ");
    end(record.local, out);
    let mode = if record.is_tcp { "TCP" } else { "HTTP" };
    put(out, format_args!(" ({}/{mode})", Printable(record.frontend)));
}

fn start(record: &Record<'_>, out: &mut Vec<u8>) {
    end(record.client, out);
    out.extend_from_slice(b" [");
    record.time.common(out);
    record.time.millis(out);
    let secure = if record.tls.is_some() { "~" } else { "" };
    // What never came to a backend of its own is told of the frontend.
    let service = Printable(record.service.unwrap_or(record.frontend));
    let backend = Printable(record.backend.unwrap_or("<NOSRV>"));
    put(out, format_args!("] {}{secure} {service}/{backend} ", Printable(record.frontend)));
}

/// An address as HAProxy writes it: without brackets. A client of a Unix socket has neither address nor port there.
fn end(addr: Option<core::net::SocketAddr>, out: &mut Vec<u8>) {
    match addr {
        Some(addr) => put(out, format_args!("{}:{}", addr.ip(), addr.port())),
        None => out.extend_from_slice(b"unix:0"),
    }
}

fn load(record: &Record<'_>, out: &mut Vec<u8>) {
    let load = &record.load;
    let again = if record.redispatched { "+" } else { "" };
    put(
        out,
        format_args!(
            "{}/{}/{}/{}/{again}{} {}/{}",
            load.process,
            load.frontend,
            load.service,
            load.backend,
            record.retries,
            load.backend_queue,
            load.service_queue
        ),
    );
}

fn millis(time: Option<Duration>, out: &mut Vec<u8>) {
    match time {
        Some(time) => put(out, format_args!("{}", time.as_millis())),
        None => out.extend_from_slice(b"-1"),
    }
}

/// A name of ours: the cluster's nodes may be called anything.
struct Printable<'n>(&'n str);

impl core::fmt::Display for Printable<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        for char in self.0.chars() {
            match char {
                ' ' | '/' | '"' | '\u{0}'..='\u{1f}' | '\u{7f}'..='\u{9f}' => f.write_str("_")?,
                char => core::fmt::Write::write_char(f, char)?,
            }
        }
        Ok(())
    }
}

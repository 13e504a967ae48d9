//! `combined` (Apache's manual, "Log Files"; nginx's `ngx_http_log_module`).

use crate::escape;
use crate::record::Record;
use crate::time::put;
use alloc::vec::Vec;

pub(super) fn write(record: &Record<'_>, out: &mut Vec<u8>) {
    match record.client {
        Some(client) => put(out, format_args!("{} - - [", client.ip().to_canonical())),
        None => out.extend_from_slice(b"- - - ["),
    }
    record.time.common(out);
    out.extend_from_slice(b" +0000] ");
    quoted(record.line, out);
    match record.status {
        Some(status) => put(out, format_args!(" {status}")),
        // nginx's word for a client that went away before.
        None => out.extend_from_slice(b" 499"),
    }
    put(out, format_args!(" {} ", record.bytes_out.saturating_sub(record.head_bytes_out)));
    quoted(record.referer, out);
    out.push(b' ');
    quoted(record.user_agent, out);
}

fn quoted(text: Option<&[u8]>, out: &mut Vec<u8>) {
    out.push(b'"');
    escape::combined(text.unwrap_or(b"-"), out);
    out.push(b'"');
}

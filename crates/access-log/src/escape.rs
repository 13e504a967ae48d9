//! Bytes that are no text, in each form's own way.

use alloc::string::String;
use alloc::vec::Vec;

const HEX: [u8; 16] = *b"0123456789ABCDEF";

fn hex(prefix: &[u8], byte: u8, out: &mut Vec<u8>) {
    out.extend_from_slice(prefix);
    out.extend([HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]);
}

/// As HAProxy writes requests: `#` and two digits for what cannot be printed, and for `"` and `#` (`url_encode_map` in its
/// `src/log.c`).
pub(crate) fn haproxy(bytes: &[u8], out: &mut Vec<u8>) {
    for &byte in bytes {
        match byte {
            b'"' | b'#' | 0..32 | 127.. => hex(b"#", byte, out),
            _ => out.push(byte),
        }
    }
}

/// As nginx does: `\x` and two digits for what cannot be printed, and for `"` and `\` (`ngx_http_log_escape`).
pub(crate) fn combined(bytes: &[u8], out: &mut Vec<u8>) {
    for &byte in bytes {
        match byte {
            b'"' | b'\\' | 0..32 | 127.. => hex(b"\\x", byte, out),
            _ => out.push(byte),
        }
    }
}

/// A string of JSON with its quotes (RFC 8259, 7). What is no UTF-8 becomes U+FFFD.
pub(crate) fn json(bytes: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    for char in String::from_utf8_lossy(bytes).chars() {
        match char {
            '"' => out.extend_from_slice(b"\\\""),
            '\\' => out.extend_from_slice(b"\\\\"),
            // Beyond what must be: a terminal that shows the line obeys these, too.
            '\u{0}'..='\u{1f}' | '\u{7f}'..='\u{9f}' => {
                let code = u8::try_from(u32::from(char)).unwrap_or_default();
                hex(b"\\u00", code, out);
            }
            _ => out.extend_from_slice(char.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    out.push(b'"');
}

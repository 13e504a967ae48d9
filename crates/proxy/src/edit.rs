//! What rules change in a head that is ready to be written.
//!
//! The head is one of ours: whole, with CRLF behind each line, no continued lines, nothing hop-by-hop that a rule could name. Most
//! requests have no such change and never come here.

use muster_routes::Change;

/// Changes the head that begins at `start` of `out`: another target for a request, and fields.
pub(crate) fn edit<'e>(
    out: &mut Vec<u8>,
    start: usize,
    target: Option<&[u8]>,
    changes: &(impl Iterator<Item = Change<'e>> + Clone),
) {
    let head = out.split_off(start);
    out.reserve(head.len() + 256);
    let mut lines = head.split_inclusive(|byte| *byte == b'\n');
    if let Some(first) = lines.next() {
        put_first(first, target, out);
    }
    for line in lines.filter(|line| **line != *b"\r\n") {
        let name = line.split(|byte| *byte == b':').next().unwrap_or_default();
        let is_replaced = changes.clone().any(|change| match change {
            Change::Set(field, _) | Change::Delete(field) => name.eq_ignore_ascii_case(field.as_bytes()),
            Change::Add(..) => false,
        });
        if !is_replaced {
            out.extend_from_slice(line);
        }
    }
    for (at, change) in changes.clone().enumerate() {
        let (Change::Set(name, value) | Change::Add(name, value)) = change else { continue };
        let is_replaced = changes.clone().skip(at + 1).any(|later| match later {
            Change::Set(field, _) | Change::Delete(field) => field.eq_ignore_ascii_case(name),
            Change::Add(..) => false,
        });
        if !is_replaced {
            out.extend_from_slice(name.as_bytes());
            out.extend_from_slice(b": ");
            out.extend_from_slice(value);
            out.extend_from_slice(b"\r\n");
        }
    }
    out.extend_from_slice(b"\r\n");
}

/// `METHOD TARGET VERSION`, with another target if there is one.
fn put_first(line: &[u8], target: Option<&[u8]>, out: &mut Vec<u8>) {
    let method = line.iter().position(|byte| *byte == b' ');
    let version = line.iter().rposition(|byte| *byte == b' ');
    match (target, method, version) {
        (Some(target), Some(method), Some(version)) if method < version => {
            out.extend_from_slice(&line[..=method]);
            out.extend_from_slice(target);
            out.extend_from_slice(&line[version..]);
        }
        _ => out.extend_from_slice(line),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edited(head: &str, target: Option<&str>, changes: &[Change<'_>]) -> String {
        let mut out = b"before".to_vec();
        out.extend_from_slice(head.as_bytes());
        edit(&mut out, 6, target.map(str::as_bytes), &changes.iter().copied());
        String::from_utf8(out).unwrap().strip_prefix("before").unwrap().to_owned()
    }

    const HEAD: &str = "GET /a?b HTTP/1.1\r\nHost: a\r\nX-A: 1\r\nx-a: 2\r\nX-B: 3\r\n\r\n";

    #[test]
    fn fields_are_set_added_and_taken_out_in_their_order() {
        let cases: [(&[Change<'_>], &str); 5] = [
            (&[], "Host: a\r\nX-A: 1\r\nx-a: 2\r\nX-B: 3\r\n"),
            (&[Change::Set("X-a", b"9")], "Host: a\r\nX-B: 3\r\nX-a: 9\r\n"),
            (&[Change::Add("X-A", b"9")], "Host: a\r\nX-A: 1\r\nx-a: 2\r\nX-B: 3\r\nX-A: 9\r\n"),
            (&[Change::Delete("x-A"), Change::Add("X-A", b"9")], "Host: a\r\nX-B: 3\r\nX-A: 9\r\n"),
            (
                &[
                    Change::Add("X-A", b"8"),
                    Change::Set("x-a", b"9"),
                    Change::Delete("x-b"),
                    Change::Set("Host", b"b"),
                ],
                "x-a: 9\r\nHost: b\r\n",
            ),
        ];
        for (changes, fields) in cases {
            assert_eq!(
                edited(HEAD, None, changes),
                format!("GET /a?b HTTP/1.1\r\n{fields}\r\n"),
                "{changes:?}"
            );
        }
    }

    #[test]
    fn another_target_takes_the_place_of_the_first() {
        assert!(edited(HEAD, Some("/c"), &[]).starts_with("GET /c HTTP/1.1\r\nHost: a\r\n"));
        assert_eq!(edited("HTTP/1.1 200 OK fine\r\n\r\n", None, &[]), "HTTP/1.1 200 OK fine\r\n\r\n");
    }
}

//! Odd responses, each with what becomes of it and why.
#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use muster_http1::Asked;

macro_rules! ok {
    ($lines:expr) => {
        concat!("HTTP/1.1 200 OK\r\n", $lines, "\r\n\r\n").as_bytes()
    };
}

type Row = (&'static [u8], &'static str, &'static str);

const TO_GET: &[Row] = &[
    (ok!("X: y"), "until close, closes", "neither field: until the connection ends (RFC 9112, 6.3, rule 8)"),
    (ok!("Content-Length: 5"), "5, keeps", "rule 6"),
    (ok!("Content-Length: 0"), "none, keeps", "no bytes are no body"),
    (ok!("Transfer-Encoding: chunked"), "chunked, keeps", "rule 4"),
    (ok!("Transfer-Encoding: CHUNKED"), "chunked, keeps", "in any case"),
    (
        ok!("Content-Length: 99\r\nTransfer-Encoding: chunked"),
        "chunked, closes",
        "chunks count, and the connection is not trusted again (rule 3)",
    ),
    (
        ok!("Content-Length: x\r\nTransfer-Encoding: chunked"),
        "chunked, closes",
        "the length does not count, however it looks",
    ),
    (ok!("Transfer-Encoding: gzip, chunked"), "UnknownCoding", "we would have to undo gzip"),
    (ok!("Transfer-Encoding: chunked, chunked"), "UnknownCoding", "must not be twice"),
    (ok!("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked"), "UnknownCoding", "the same"),
    (ok!("Transfer-Encoding: identity"), "UnknownCoding", "gone since RFC 7230"),
    (ok!("Transfer-Encoding:"), "UnknownCoding", "empty"),
    (
        ok!("Content-Length: 5\r\nContent-Length: 5"),
        "5, keeps",
        "one number said twice may be taken for one (RFC 9110, 8.6); backends are not attackers",
    ),
    (ok!("Content-Length: 5, 5"), "5, keeps", "the same, joined by somebody on the way"),
    (ok!("Content-Length: 5,5\r\nContent-Length: 5"), "5, keeps", "the same, both"),
    (ok!("Content-Length: 5\r\nContent-Length: 6"), "LengthTwice", "two numbers"),
    (ok!("Content-Length: 5, 6"), "LengthTwice", "two numbers"),
    (ok!("Content-Length: 5, "), "LengthTwice", "an empty one agrees with nothing"),
    (ok!("Content-Length: 5, x"), "LengthTwice", "nor does what is no number"),
    (ok!("Content-Length: +5"), "LengthNotNumber", "a sign"),
    (ok!("Content-Length: -1"), "LengthNotNumber", "what some servers write for unknown"),
    (ok!("Content-Length: 5\r\n\tX: y"), "Folded", "obs-fold (RFC 9112, 5.2)"),
    (ok!("Content-Length : 5"), "SpaceInName", "a proxy must not pass that on (RFC 9112, 5.1)"),
    (ok!("Content-Length: 9223372036854775808"), "LengthTooLarge", "2^63"),
    (ok!("Content-Length: 5\r\nConnection: close"), "5, closes", "said so"),
    (ok!("Content-Length: 5\r\nConnection: Keep-Alive"), "5, keeps", "nothing new"),
    (b"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\n", "5, closes", "HTTP/1.0 closes"),
    (
        b"HTTP/1.0 200 OK\r\nContent-Length: 5\r\nConnection: keep-alive\r\n\r\n",
        "5, keeps",
        "unless it says otherwise",
    ),
    (
        b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        "CodingInOld",
        "RFC 9112, 6.1: faulty framing",
    ),
    (b"HTTP/1.0 200 OK\r\n\r\n", "until close, closes", "as it was"),
    (b"HTTP/1.1 204 No Content\r\n\r\n", "none, keeps", "rule 1"),
    (b"HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n", "none, keeps", "rule 1, whatever it says"),
    (b"HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n", "none, keeps", "the same"),
    (
        b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n",
        "none, keeps",
        "the length is that of the body it stands for",
    ),
    (
        b"HTTP/1.1 205 Reset Content\r\nContent-Length: 0\r\n\r\n",
        "none, keeps",
        "205 has a body like others, of no bytes",
    ),
    (b"HTTP/1.1 100 Continue\r\n\r\n", "none, keeps", "interim"),
    (b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n", "none, keeps", "interim"),
    (b"HTTP/1.1 102 Processing\r\nContent-Length: 5\r\n\r\n", "none, keeps", "rule 1"),
    (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n", "Switched", "nobody asked"),
    (b"HTTP/1.1 200\r\nContent-Length: 5\r\n\r\n", "5, keeps", "without a reason, as some servers send it"),
    (b"HTTP/1.1 200 \r\nContent-Length: 5\r\n\r\n", "5, keeps", "an empty reason (RFC 9112, 4)"),
    (b"HTTP/1.1 200 \xc3\x9c\xff\r\nContent-Length: 5\r\n\r\n", "5, keeps", "a reason may have obs-text"),
    (b"HTTP/1.1 200 O\x00K\r\n\r\n", "StatusLine", "NUL in a reason"),
    (
        b"HTTP/1.1 999 Other\r\nContent-Length: 5\r\n\r\n",
        "5, keeps",
        "for the client to make sense of (RFC 9110, 15)",
    ),
    (b"HTTP/1.1 099 Low\r\n\r\n", "Status", "below 100"),
    (b"HTTP/1.1 000 None\r\n\r\n", "Status", "the same"),
    (b"HTTP/1.1 20 OK\r\n\r\n", "StatusLine", "two digits"),
    (b"HTTP/1.1 2000 OK\r\n\r\n", "StatusLine", "four"),
    (b"HTTP/1.1 +20 OK\r\n\r\n", "StatusLine", "a sign"),
    (b"HTTP/1.1  200 OK\r\n\r\n", "StatusLine", "two spaces"),
    (b"HTTP/1.1\r\n\r\n", "Version", "no status"),
    (b"HTTP/2 200\r\n\r\n", "Version", "not on this connection"),
    (b"HTTP/0.9 200 OK\r\n\r\n", "Version", "no such"),
    (b"ICY 200 OK\r\n\r\n", "StatusLine", "what some audio servers say"),
    (b"<html>", "StatusLine", "HTTP/0.9"),
    (b"SSH-2.0-OpenSSH_9.2\r\n", "StatusLine", "another protocol, told at once"),
    (b"\r\nHTTP/1.1 200 OK\r\n\r\n", "StatusLine", "bytes that nobody asked for"),
    (b"HTTP/1.1 200 OK\nContent-Length: 5\n\n", "BareLf", "some clients would read it in another way"),
    (b"HTTP/1.1 200 OK\r\nX: y\n\r\n", "BareLf", "behind a field"),
    (b"HTTP/1.1 200 OK\r\nX: y\rZ: z\r\n\r\n", "BareCr", "response splitting for who takes CR"),
    (b"HTTP/1.1 200 OK\r\nX: y\x00\r\n\r\n", "FieldValue", "NUL"),
    (b"HTTP/1.1 200 OK\r\nX y: z\r\n\r\n", "SpaceInName", "two words"),
    (b"HTTP/1.1 200 OK\r\nX\r\n\r\n", "FieldName", "no colon"),
    (b"HTTP/1.1 200 OK\r\nContent-Le", "more", "cut"),
    (b"HTTP/1.1 200 OK\r\nX: y\r\n", "more", "cut before the empty line"),
    (b"", "more", "nothing yet"),
];

const TO_HEAD: &[Row] = &[
    (ok!("Content-Length: 1000"), "none, keeps", "rule 1"),
    (ok!("Transfer-Encoding: chunked"), "none, keeps", "the same"),
    (ok!("X: y"), "none, keeps", "the same"),
    (ok!("Content-Length: x"), "LengthNotNumber", "confused about this one, and about the next"),
    (b"HTTP/1.1 404 Not Found\r\nContent-Length: 9\r\n\r\n", "none, keeps", "whatever the status"),
];

const TO_UPGRADE: &[Row] = &[
    (
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n",
        "tunnel, closes",
        "it was asked for",
    ),
    (
        b"HTTP/1.1 101 Switching Protocols\r\nContent-Length: 5\r\n\r\n",
        "tunnel, closes",
        "fields about a body mean nothing",
    ),
    (ok!("Content-Length: 5"), "5, keeps", "the backend declined"),
    (b"HTTP/1.1 426 Upgrade Required\r\nContent-Length: 0\r\n\r\n", "none, keeps", "the same"),
];

const TO_CONNECT: &[Row] = &[
    (ok!("Content-Length: 5"), "tunnel, closes", "rule 2: fields about a body mean nothing"),
    (b"HTTP/1.1 403 Forbidden\r\nContent-Length: 5\r\n\r\n", "5, keeps", "an ordinary answer"),
];

#[test]
fn each_odd_response_has_its_outcome() {
    let none = Asked::default();
    let tables = [
        (TO_GET, none),
        (TO_HEAD, Asked { head: true, ..none }),
        (TO_UPGRADE, Asked { upgrade: true, ..none }),
        (TO_CONNECT, Asked { connect: true, ..none }),
    ];
    let rows = tables.into_iter().flat_map(|(table, asked)| {
        table.iter().map(move |(input, wanted, why)| (*input, *wanted, *why, support::response(input, asked)))
    });
    let count = support::check(rows);
    assert!(count >= 75, "{count} rows");
}

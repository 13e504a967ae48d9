//! Bodies in chunks and otherwise, each with what passes, how it ended and why; then the same in any pieces.
#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use muster_http1::{Body, Transfer};
use support::moved;

type Row = (&'static [u8], &'static str, &'static str);

/// What a client may send: passed as it is.
const REQUESTS: &[Row] = &[
    (b"5\r\nhello\r\n0\r\n\r\n", "whole", "one chunk"),
    (b"0\r\n\r\n", "whole", "no data at all"),
    (b"1\r\na\r\nA\r\n0123456789\r\n0\r\n\r\n", "whole", "hexadecimal"),
    (b"000005\r\nhello\r\n00\r\n\r\n", "whole", "zeros in front are digits (RFC 9112, 7.1: 1*HEXDIG)"),
    (b"0000000000000005\r\nhello\r\n0\r\n\r\n", "whole", "16 digits"),
    (b"00000000000000005\r\nhello\r\n0\r\n\r\n", "ChunkTooLarge", "17 digits: nobody needs them"),
    (b"7fffffffffffffff\r\n", "cut short", "2^63 - 1"),
    (b"8000000000000000\r\n", "ChunkTooLarge", "2^63"),
    (b"ffffffffffffffff\r\n", "ChunkTooLarge", "-1 for a signed reader"),
    (b"10000000000000005\r\n", "ChunkTooLarge", "5 for a reader that wraps round"),
    (b"5", "cut short", "the size may go on"),
    (b"5\r\nhel", "cut short", "data are missing"),
    (b"5\r\nhello\r\n", "cut short", "the last chunk is missing"),
    (b"5\r\nhello\r\n0\r\n", "cut short", "the empty line is missing"),
    (b"\r\nhello", "ChunkSize", "an empty size is no 0"),
    (b" 5\r\nhello\r\n", "ChunkSize", "white space first"),
    (
        b"5 \r\nhello\r\n0\r\n\r\n",
        "ChunkSize",
        "white space behind, which some take for part of the data's line",
    ),
    (
        b"5\t;x\r\nhello\r\n0\r\n\r\n",
        "ChunkSize",
        "before an extension: BWS, which a sender must not generate",
    ),
    (b"0x5\r\nhello\r\n", "ChunkSize", "5 for strtol"),
    (b"+5\r\nhello\r\n", "ChunkSize", "a sign"),
    (b"-5\r\nhello\r\n", "ChunkSize", "a sign"),
    (b"5_0\r\nhello\r\n", "ChunkSize", "80 for int() of Python"),
    (b"g\r\n", "ChunkSize", "no digit"),
    (b"5,5\r\nhello\r\n", "ChunkSize", "a list"),
    (b"5\nhello\r\n0\r\n\r\n", "ChunkSize", "LF alone: where the data begins would differ"),
    (b"5\rhello", "BareCr", "CR alone"),
    (b"5\r\r\nhello", "BareCr", "CR twice"),
    (b"5\r\nhello\n0\r\n\r\n", "ChunkEnd", "LF alone behind the data"),
    (b"5\r\nhello\r0\r\n\r\n", "ChunkEnd", "CR alone behind the data"),
    (b"5\r\nhelloX\r\n0\r\n\r\n", "ChunkEnd", "more data than the size says"),
    (b"5\r\nhell\r\n0\r\n\r\n", "ChunkEnd", "less"),
    (b"5\r\nhello0\r\n\r\n", "ChunkEnd", "no line end behind the data"),
    (b"5\r\nhello\r\n\r\n", "ChunkSize", "an empty line instead of the last chunk"),
    (b"5;a=b;c\r\nhello\r\n0;d=\"e\"\r\n\r\n", "whole", "extensions pass (RFC 9112, 7.1.1)"),
    (b"5;\r\nhello\r\n0\r\n\r\n", "whole", "an empty one means nothing to anybody"),
    (b"5;a\nb\r\nhello\r\n0\r\n\r\n", "ChunkExtension", "LF in one: the line ends there for some"),
    (b"5;a\rb\r\nhello\r\n0\r\n\r\n", "BareCr", "CR in one"),
    (b"5;a\x00\r\nhello\r\n0\r\n\r\n", "ChunkExtension", "NUL in one"),
    (b"0\n\n", "ChunkSize", "an end in LFs"),
    (b"0\r\n\n", "BareLf", "an end in one"),
    (b"0\r\n\rX", "BareCr", "a CR"),
    (b"0\r\nX: y\n\r\n", "BareLf", "LF behind a trailer"),
    (b"0\r\nX: y\nZ: z\r\n\r\n", "BareLf", "between two"),
    (b"0\r\nX : y\r\n\r\n", "FieldName", "white space before the colon"),
    (b"0\r\n X: y\r\n\r\n", "FieldName", "white space before the name"),
    (b"0\r\nX: y\r\n z\r\n\r\n", "FieldName", "obs-fold"),
    (b"0\r\nX: \x00\r\n\r\n", "FieldValue", "NUL"),
    (b"0\r\nGET / HTTP/1.1\r\nHost: b\r\n\r\n", "FieldName", "a request in place of trailers"),
    (b"0\r\nX: y\r\nZ: z\r\n\r\n", "whole", "trailers pass"),
];

fn request(bytes: &[u8]) -> (Vec<u8>, String, Vec<u8>) {
    moved(Transfer::of_request(Body::Chunked), &[bytes])
}

#[test]
fn each_odd_chunked_body_has_its_outcome() {
    let rows = REQUESTS.iter().map(|(input, wanted, why)| {
        let (out, end, rest) = request(input);
        if end == "whole" {
            assert_eq!(
                out.escape_ascii().to_string(),
                input.escape_ascii().to_string(),
                "what is right passes unchanged"
            );
            assert!(rest.is_empty());
        } else {
            assert!(input.starts_with(&out), "and nothing else passes");
        }
        (*input, *wanted, *why, end)
    });
    assert!(support::check(rows) >= 45);
}

#[test]
fn a_backend_may_pad_its_sizes() {
    let padded = b"5   \r\nhello\r\n0 ;x\r\n\r\n";
    let (out, end, _) = moved(Transfer::of_response(Body::Chunked, Body::Chunked), &[padded]);
    assert_eq!((out.as_slice(), end.as_str()), (padded.as_slice(), "whole"));
}

#[test]
fn what_follows_a_body_is_left() {
    let (out, end, rest) = request(b"1\r\na\r\n0\r\n\r\nGET / HTTP/1.1");
    assert_eq!(
        (out.as_slice(), end.as_str(), rest.as_slice()),
        (&b"1\r\na\r\n0\r\n\r\n"[..], "whole", &b"GET / HTTP/1.1"[..])
    );
    let (out, end, rest) = moved(Transfer::of_request(Body::Length(3)), &[b"abcd"]);
    assert_eq!((out.as_slice(), end.as_str(), rest.as_slice()), (&b"abc"[..], "whole", &b"d"[..]));
    let (out, end, rest) = moved(Transfer::of_request(Body::None), &[b"d"]);
    assert_eq!((out.as_slice(), end.as_str(), rest.as_slice()), (&b""[..], "whole", &b"d"[..]));
}

#[test]
fn a_length_that_is_not_reached_is_no_whole_body() {
    let (out, end, _) = moved(Transfer::of_response(Body::Length(5), Body::Length(5)), &[b"abc"]);
    assert_eq!((out.as_slice(), end.as_str()), (&b"abc"[..], "cut short"));
}

#[test]
fn trailers_that_would_be_framing_or_our_word_are_dropped() {
    let body = b"0\r\nX-Sum: 7\r\nTransfer-Encoding: chunked\r\nContent-Length: 9\r\nHost: b\r\nX-Forwarded-For: 1.1.1.1\r\n\
        x_forwarded_proto: https\r\nConnection: x\r\nZ:z\r\n\r\n";
    let (out, end, _) = request(body);
    assert_eq!((out.as_slice(), end.as_str()), (&b"0\r\nX-Sum: 7\r\nZ: z\r\n\r\n"[..], "whole"));
}

#[test]
fn a_client_without_chunks_gets_the_data_alone() {
    let chunks = b"3;x\r\nabc\r\n2\r\nde\r\n0\r\nX: y\r\n\r\n";
    let (out, end, rest) = moved(Transfer::of_response(Body::Chunked, Body::UntilClose), &[chunks]);
    assert_eq!((out.as_slice(), end.as_str(), rest.as_slice()), (&b"abcde"[..], "whole", &b""[..]));
}

#[test]
fn a_body_until_the_end_is_put_into_chunks() {
    let to_chunks = || Transfer::of_response(Body::UntilClose, Body::Chunked);
    let (out, end, _) = moved(to_chunks(), &[b"hello world", b"!"]);
    assert_eq!((out.as_slice(), end.as_str()), (&b"b\r\nhello world\r\n1\r\n!\r\n0\r\n\r\n"[..], "ended"));
    assert_eq!(moved(to_chunks(), &[]).0, b"0\r\n\r\n");
    let (out, end, _) = moved(Transfer::of_response(Body::UntilClose, Body::UntilClose), &[b"hello"]);
    assert_eq!((out.as_slice(), end.as_str()), (&b"hello"[..], "ended"));
}

#[test]
fn lines_trailers_and_extensions_have_bounds() {
    let line = format!("5;{}\r\nhello\r\n0\r\n\r\n", "x".repeat(300));
    assert_eq!(request(line.as_bytes()).1, "ChunkLineTooLong");
    let line = format!("5;{}\r\nhello\r\n0\r\n\r\n", "x".repeat(253));
    assert_eq!(request(line.as_bytes()).1, "whole", "256 with size and CR, which counts");
    let trailers = format!("0\r\nX: {}\r\n\r\n", "x".repeat(9000));
    assert_eq!(request(trailers.as_bytes()).1, "TrailersTooLong");
    let trailers = format!("0\r\n{}\r\n", "X: y\r\n".repeat(101));
    assert_eq!(request(trailers.as_bytes()).1, "TooManyFields");
    let mostly_extensions = format!("1;{}\r\nx\r\n", "e".repeat(200)).repeat(100);
    assert_eq!(request(mostly_extensions.as_bytes()).1, "TooManyExtensions");
    let signed = format!("400;{}\r\n{}\r\n", "e".repeat(90), "x".repeat(1024)).repeat(1000) + "0\r\n\r\n";
    assert_eq!(request(signed.as_bytes()).1, "whole", "signatures of chunks may go on for ever");
}

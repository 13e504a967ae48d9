//! Odd requests, each with what becomes of it and why. `more` waits; a word is the reason for which it is refused; else the
//! body and what happens to the connection.
#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

/// A request line and Host, these lines, and an end.
macro_rules! with {
    ($lines:expr) => {
        concat!("POST /a HTTP/1.1\r\nHost: a\r\n", $lines, "\r\n\r\n").as_bytes()
    };
}

/// A target in a request with a Host.
macro_rules! target {
    ($method:expr, $target:expr) => {
        concat!($method, " ", $target, " HTTP/1.1\r\nHost: a\r\n\r\n").as_bytes()
    };
}

/// A Host in a request without another.
macro_rules! host {
    ($value:expr) => {
        concat!("GET / HTTP/1.1\r\n", $value, "\r\n\r\n").as_bytes()
    };
}

type Row = (&'static [u8], &'static str, &'static str);

const FRAMING: &[Row] = &[
    (with!("Accept: */*"), "none, keeps", "neither field: no body (RFC 9112, 6.3, rule 7)"),
    (with!("Content-Length: 0"), "none, keeps", "no bytes are no body"),
    (with!("Content-Length: 5"), "5, keeps", "rule 6"),
    (
        with!("content-length:5"),
        "5, keeps",
        "names are case-insensitive, and white space behind the colon is optional",
    ),
    (
        with!("Content-Length: \t 5 \t"),
        "5, keeps",
        "white space around a value is no part of it (RFC 9112, 5.1)",
    ),
    (with!("Content-Length: 005"), "5, keeps", "1*DIGIT; nobody reads it as octal"),
    (with!("Content-Length: 9223372036854775807"), "9223372036854775807, keeps", "2^63 - 1, the largest"),
    (
        with!("Content-Length: 9223372036854775808"),
        "LengthTooLarge",
        "negative for a reader with signed numbers",
    ),
    (with!("Content-Length: 18446744073709551616"), "LengthTooLarge", "0 for a reader that wraps round"),
    (with!("Content-Length: 99999999999999999999999999999999"), "LengthTooLarge", "overflow"),
    (with!("Content-Length:"), "LengthNotNumber", "empty is no number, and no 0"),
    (with!("Content-Length: +5"), "LengthNotNumber", "a sign: strtol reads 5, others refuse"),
    (with!("Content-Length: -5"), "LengthNotNumber", "a sign"),
    (with!("Content-Length: 0x5"), "LengthNotNumber", "0 or 5"),
    (with!("Content-Length: 5a"), "LengthNotNumber", "5 for atoi"),
    (with!("Content-Length: 5 5"), "LengthNotNumber", "5 or 55"),
    (with!("Content-Length: 5,"), "LengthNotNumber", "a list"),
    (
        with!("Content-Length: 5, 5"),
        "LengthNotNumber",
        "a list, even if it agrees: no honest client sends one",
    ),
    (with!("Content-Length: 5, 6"), "LengthNotNumber", "a list: readers take the first or the last"),
    (with!("Content-Length: 5.0"), "LengthNotNumber", "no digit"),
    (with!("Content-Length: 1_000"), "LengthNotNumber", "1000 for int() of Python"),
    (with!("Content-Length: \"5\""), "LengthNotNumber", "quoted"),
    (
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: \xd9\xa5\r\n\r\n",
        "LengthNotNumber",
        "an Arabic digit is none here",
    ),
    (
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\xa0\r\n\r\n",
        "LengthNotNumber",
        "a no-break space is trimmed by some",
    ),
    (with!("Content-Length: 5\r\nContent-Length: 5"), "LengthTwice", "even if they agree"),
    (with!("Content-Length: 5\r\nContent-Length: 6"), "LengthTwice", "first or last"),
    (with!("Content-Length: 5\r\nX: y\r\ncontent-LENGTH: 0"), "LengthTwice", "not side by side"),
    (with!("Content-Length: x\r\nContent-Length: 6"), "LengthNotNumber", "one of them is wrong in itself"),
    (
        with!("Content_Length: 5"),
        "none, keeps",
        "another name; CGI reads it as HTTP_CONTENT_LENGTH, which is not CONTENT_LENGTH",
    ),
    (with!("X-Content-Length: 5"), "none, keeps", "another name"),
    (with!("Transfer-Encoding: chunked"), "chunked, keeps", "rule 4"),
    (with!("transfer-encoding:CHUNKED"), "chunked, keeps", "codings are case-insensitive (RFC 9112, 7)"),
    (with!("Transfer-Encoding: \tchunked\t "), "chunked, keeps", "white space around"),
    (with!("Transfer-Encoding: chunked\r\nContent-Length: 5"), "LengthBesideCoding", "TE.CL: the classic"),
    (
        with!("Content-Length: 5\r\nTransfer-Encoding: chunked"),
        "LengthBesideCoding",
        "CL.TE: in the other order",
    ),
    (with!("Content-Length: 0\r\nTransfer-Encoding: chunked"), "LengthBesideCoding", "0 is a length too"),
    (
        with!("Content-Length: 5\r\nTransfer-Encoding: xchunked"),
        "LengthBesideCoding",
        "TE.TE: one of the readers ignores it",
    ),
    (with!("Transfer-Encoding: xchunked"), "UnknownCoding", "no coding we know"),
    (with!("Transfer-Encoding: chunkedx"), "UnknownCoding", "the same"),
    (with!("Transfer-Encoding: gzip, chunked"), "UnknownCoding", "it would have to be passed on as it is"),
    (with!("Transfer-Encoding: chunked, gzip"), "UnknownCoding", "chunked must be last (6.1)"),
    (with!("Transfer-Encoding: chunked, chunked"), "UnknownCoding", "must not be twice (7.1)"),
    (with!("Transfer-Encoding: chunked, identity"), "UnknownCoding", "identity is gone since RFC 7230"),
    (with!("Transfer-Encoding: identity"), "UnknownCoding", "no body, or a length: readers differ"),
    (
        with!("Transfer-Encoding: chunked,"),
        "UnknownCoding",
        "an empty item is allowed in lists, and exactly is exactly",
    ),
    (with!("Transfer-Encoding: ,chunked"), "UnknownCoding", "the same"),
    (with!("Transfer-Encoding: chunked;q=1"), "UnknownCoding", "chunked has no parameters"),
    (with!("Transfer-Encoding: \"chunked\""), "UnknownCoding", "quoted"),
    (with!("Transfer-Encoding:"), "UnknownCoding", "empty"),
    (
        with!("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked"),
        "UnknownCoding",
        "two fields are one list with two items",
    ),
    (
        with!("Transfer-Encoding: identity\r\nTransfer-Encoding: chunked"),
        "UnknownCoding",
        "readers of the first or the last field",
    ),
    (with!("Transfer-Encoding: chunked\r\nTransfer-Encoding: x"), "UnknownCoding", "the same"),
    (with!("Transfer-Encoding: ch\tunked"), "UnknownCoding", "a tab in a value is legal; the coding is not"),
    (with!("Transfer-Encoding: \x0bchunked"), "FieldValue", "a control character that some trim"),
    (
        with!("Transfer-Encoding : chunked"),
        "SpaceInName",
        "RFC 9112, 5.1 wants 400: some drop the space, some the field",
    ),
    (with!("Transfer-Encoding\t: chunked"), "SpaceInName", "the same"),
    (with!(" Transfer-Encoding: chunked"), "Folded", "continues Host for some"),
    (with!("X: y\r\n Transfer-Encoding: chunked"), "Folded", "continues X for some"),
    (with!("X: y\r\n\tTransfer-Encoding: chunked"), "Folded", "the same with a tab"),
    (with!("Transfer-Encoding:\r\n chunked"), "Folded", "a value on the next line"),
    (with!("Content-Length:\r\n 5"), "Folded", "the same of a length"),
    (with!("X: y\r\n \r\nContent-Length: 5"), "Folded", "a line of white space is no end"),
    (with!("X: y\nTransfer-Encoding: chunked"), "BareLf", "part of X for who wants CRLF"),
    (with!("X: y\rTransfer-Encoding: chunked"), "BareCr", "a line of its own for who takes CR"),
    (with!("X: y\r\r\nContent-Length: 5"), "BareCr", "CR before CRLF"),
    (with!("X: y\n\nGET / HTTP/1.1\r\nHost: b"), "BareLf", "an end for who takes LF: a second request"),
    (with!("X: y\r\n\nZ: z"), "BareLf", "the same with one of each"),
    (with!("X: y\x00z"), "FieldValue", "NUL ends a string in C"),
    (with!("X: \x7f"), "FieldValue", "DEL"),
    (with!("X: \x1b[2J"), "FieldValue", "ESC, which terminals obey"),
    (
        b"GET / HTTP/1.1\r\nHost: a\r\nX: caf\xc3\xa9 \xff\r\n\r\n",
        "none, keeps",
        "obs-text passes (RFC 9110, 5.5)",
    ),
    (with!("X:"), "none, keeps", "an empty value is one"),
    (with!(": x"), "FieldName", "no name"),
    (with!("X y: z"), "SpaceInName", "two words"),
    (with!("X\x00: z"), "FieldName", "NUL in a name"),
    (with!("X(y): z"), "FieldName", "no token"),
    (with!("X"), "FieldName", "a line without a colon"),
    (b"GET / HTTP/1.1\r\nHost: a\r\nX\xc3\xa9: z\r\n\r\n", "FieldName", "names are ASCII"),
    (with!("Expect: 100-continue\r\nContent-Length: 5"), "5, keeps", "it waits, but that is its body"),
];

const LINES: &[Row] = &[
    (b"", "more", "nothing yet"),
    (b"GET / HT", "more", "in the middle of the line"),
    (b"GET / HTTP/1.1\r\nHost: a\r\n", "more", "the empty line is missing"),
    (b"GET / HTTP/1.1\r\nHost: a\r\n\r", "more", "half of it is missing"),
    (
        b"\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
        "none, keeps",
        "empty lines before a request are skipped (RFC 9112, 2.2)",
    ),
    (b"\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", "BareLf", "but not these"),
    (b"\rGET / HTTP/1.1\r\nHost: a\r\n\r\n", "BareCr", "nor these"),
    (
        b"GET / HTTP/1.1\nHost: a\n\n",
        "BareLf",
        "no CR at all: RFC 9112, 2.2 allows to read it, and allows not to",
    ),
    (b"GET / HTTP/1.1\nHost: a\r\n\r\n", "BareLf", "in the first line"),
    (b"GET / HTTP/1.1\r\nHost: a\r\n\n", "BareLf", "in the last line"),
    (b"GET / HTTP/1.1\r\nHost: a\n\r\n", "BareLf", "behind a field"),
    (b"GET / HTTP/1.1\rHost: a\r\n\r\n", "BareCr", "a CR in the first line"),
    (b"GET  / HTTP/1.1\r\nHost: a\r\n\r\n", "RequestLine", "two spaces: an empty target for some"),
    (b"GET /  HTTP/1.1\r\nHost: a\r\n\r\n", "RequestLine", "two spaces: a target with a space for some"),
    (b"GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", "RequestLine", "a target with a space"),
    (b"GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n", "RequestLine", "a tab is no space here"),
    (b" GET / HTTP/1.1\r\nHost: a\r\n\r\n", "RequestLine", "a space first"),
    (b"GET / HTTP/1.1 \r\nHost: a\r\n\r\n", "RequestLine", "a space last"),
    (b"GET /\r\n\r\n", "RequestLine", "HTTP/0.9: its answer would have no head"),
    (b"GET / HTTP/0.9\r\n\r\n", "Version", "nor so"),
    (b"GET / HTTP/1.2\r\nHost: a\r\n\r\n", "Version", "nobody speaks it"),
    (b"GET / HTTP/2.0\r\nHost: a\r\n\r\n", "Version", "not on this connection"),
    (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "Version", "the preface of HTTP/2 (RFC 9113, 3.4)"),
    (b"GET / HTTP/1.10\r\nHost: a\r\n\r\n", "RequestLine", "one digit each (RFC 9112, 2.3)"),
    (b"GET / http/1.1\r\nHost: a\r\n\r\n", "RequestLine", "case counts"),
    (b"GET / HTTP/11\r\nHost: a\r\n\r\n", "Version", "a dot is missing"),
    (b"G\x00T / HTTP/1.1\r\nHost: a\r\n\r\n", "RequestLine", "NUL in a method"),
    (b"(GET) / HTTP/1.1\r\nHost: a\r\n\r\n", "RequestLine", "no token"),
    (b"BREW /pot HTTP/1.1\r\nHost: a\r\n\r\n", "none, keeps", "an unknown method is the backend's business"),
    (b"get / HTTP/1.1\r\nHost: a\r\n\r\n", "none, keeps", "a method of its own: not GET"),
    (b"\x16\x03\x01\x02\x00\x01\x00", "Tls", "a TLS hello, told at once instead of after a timeout"),
    (b"SSH-2.0-OpenSSH_9.2\r\n", "RequestLine", "another protocol"),
    (b"{\"a\": 1}\r\n\r\n", "RequestLine", "a body without a head, perhaps the rest of a smuggled one"),
    (b"0\r\n\r\n", "RequestLine", "the end of somebody's chunks"),
];

const TARGETS: &[Row] = &[
    (target!("GET", "/"), "none, keeps", "origin form"),
    (target!("GET", "/a%20b?c=d&e"), "none, keeps", "with a query"),
    (target!("GET", "/?a=http://b/"), "none, keeps", "an absolute URI in a query is a query"),
    (target!("GET", "//b/c"), "none, keeps", "a path with an empty segment; no authority in origin form"),
    (target!("GET", "/../../etc/passwd"), "none, keeps", "paths are the backend's; this proxy has no files"),
    (target!("GET", "/{a}|\"b\"<c>^`\\"), "none, keeps", "visible ASCII that browsers and scripts do send"),
    (
        "GET /caf\u{e9} HTTP/1.1\r\nHost: a\r\n\r\n".as_bytes(),
        "none, keeps",
        "UTF-8 that old clients do not escape",
    ),
    (b"GET /\xff HTTP/1.1\r\nHost: a\r\n\r\n", "RequestLine", "bytes that are no text"),
    (b"GET /\x00 HTTP/1.1\r\nHost: a\r\n\r\n", "RequestLine", "NUL"),
    (b"GET /\x7f HTTP/1.1\r\nHost: a\r\n\r\n", "RequestLine", "DEL"),
    (b"GET /\t HTTP/1.1\r\nHost: a\r\n\r\n", "RequestLine", "a tab"),
    (target!("GET", "/a#b"), "Fragment", "cut off by some, passed by others"),
    (target!("GET", "http://b/#c"), "Fragment", "the same"),
    (target!("GET", "http://b/c"), "none, keeps", "absolute form must be accepted (RFC 9112, 3.2.2)"),
    (target!("GET", "HTTPS://b:8443?x"), "none, keeps", "schemes are case-insensitive; a path may be empty"),
    (target!("GET", "http://u:p@b/"), "none, keeps", "a user is dropped with the authority"),
    (target!("GET", "http:///c"), "TargetHost", "no host (RFC 9110, 4.2.1)"),
    (target!("GET", "http://b c/"), "RequestLine", "a space"),
    (target!("GET", "http://b,c/"), "TargetHost", "a host that could be no field"),
    (target!("GET", "http://b:x/"), "TargetHost", "no port"),
    (
        target!("GET", "http://b\\@c/"),
        "none, keeps",
        "b\\ is the user for us; the host that we name is c and nobody reads the target again",
    ),
    (target!("GET", "ftp://b/c"), "Target", "not our scheme"),
    (target!("GET", "http:/b/c"), "Target", "no authority"),
    (target!("GET", "b/c"), "Target", "no form: a path must begin with a slash"),
    (target!("GET", "?a=b"), "Target", "the same"),
    (target!("GET", "b:80"), "Target", "authority form is for CONNECT"),
    (target!("GET", "javascript:alert(1)"), "Target", "no form"),
    (target!("OPTIONS", "*"), "none, keeps", "asterisk form"),
    (target!("GET", "*"), "Asterisk", "for OPTIONS only (RFC 9112, 3.2.4)"),
    (target!("OPTIONS", "**"), "Target", "no form"),
    (target!("CONNECT", "b:443"), "none, keeps", "read; what it wants is refused when it is to be passed on"),
    (target!("CONNECT", "/"), "TargetHost", "CONNECT has authority form only"),
];

const HOSTS: &[Row] = &[
    (host!("Host: a"), "none, keeps", "one"),
    (host!("Host:"), "none, keeps", "empty: for targets without authority (RFC 9112, 3.2)"),
    (host!("Host: a.example:8080"), "none, keeps", "with a port"),
    (host!("Host: [2001:db8::1]:80"), "none, keeps", "IPv6"),
    (host!("Accept: */*"), "NoHost", "RFC 9112, 3.2 wants 400"),
    (host!("Host: a\r\nHost: a"), "ManyHosts", "even if they agree"),
    (host!("Host: a\r\nX: y\r\nhost: b"), "ManyHosts", "readers of the first or the last"),
    (host!("Host: a, b"), "BadHost", "a list"),
    (host!("Host: a b"), "BadHost", "two words"),
    (host!("Host: a/b"), "BadHost", "a path, which may lead past a rule by host"),
    (host!("Host: u@a"), "BadHost", "a user: u or a"),
    (host!("Host: http://a"), "BadHost", "a URI"),
    (host!("Host: a:b"), "BadHost", "no port"),
    (host!("Host: a:80:80"), "BadHost", "two ports"),
    (host!("Host: [::1"), "BadHost", "an open bracket"),
    (host!("Host: a#b"), "BadHost", "a fragment"),
    (host!("Host : a"), "SpaceInName", "white space before the colon"),
    (host!(" Host: a"), "Folded", "white space before the name"),
    (host!("H\tost: a"), "SpaceInName", "white space in the name"),
    (host!("X-Host: a"), "NoHost", "another name"),
    (b"GET / HTTP/1.0\r\n\r\n", "none, closes", "HTTP/1.0 knows none"),
    (b"GET http://b/ HTTP/1.0\r\n\r\n", "none, closes", "nor needs one"),
    (b"GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n", "ManyHosts", "but not two"),
    (b"GET http://b/ HTTP/1.1\r\n\r\n", "NoHost", "also with an absolute target (RFC 9112, 3.2)"),
    (
        b"GET http://b/ HTTP/1.1\r\nHost: c\r\n\r\n",
        "none, keeps",
        "the field is ignored and replaced (RFC 9112, 3.2.2)",
    ),
];

const KEEPING: &[Row] = &[
    (with!("Connection: close"), "none, closes", "RFC 9112, 9.3"),
    (with!("connection: CLOSE"), "none, closes", "options are case-insensitive"),
    (with!("Connection: keep-alive, close"), "none, closes", "close wins"),
    (with!("Connection: x\r\nConnection: close"), "none, closes", "in the second field"),
    (with!("Connection: closed"), "none, keeps", "another name"),
    (with!("Connection: ,,"), "none, keeps", "empty items"),
    (with!("Proxy-Connection: close"), "none, keeps", "no standard, and not to us"),
    (b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", "none, keeps", "asked for"),
    (b"GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n", "none, closes", "close wins here too"),
    (b"POST / HTTP/1.0\r\nContent-Length: 5\r\n\r\n", "5, closes", "a length is known to HTTP/1.0"),
    (
        b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n",
        "CodingInOld",
        "RFC 9112, 6.1: faulty framing",
    ),
    (b"POST / HTTP/1.0\r\nTransfer-Encoding: x\r\nContent-Length: 5\r\n\r\n", "CodingInOld", "the same"),
];

#[test]
fn each_odd_request_has_its_outcome() {
    let tables = [FRAMING, LINES, TARGETS, HOSTS, KEEPING];
    let rows = tables
        .into_iter()
        .flatten()
        .map(|(input, wanted, why)| (*input, *wanted, *why, support::request(input)));
    let count = support::check(rows);
    assert!(count >= 170, "{count} rows");
}

#[test]
fn no_head_is_longer_or_has_more_fields_than_the_bounds() {
    let long = format!("GET / HTTP/1.1\r\nHost: a\r\nX: {}", "x".repeat(70_000));
    assert_eq!(support::request(long.as_bytes()), "HeadTooLong");
    assert_eq!(support::request(&long.as_bytes()[..65_535]), "more");
    assert_eq!(support::request(&long.as_bytes()[..65_536]), "HeadTooLong");
    let many = |count: usize| format!("GET / HTTP/1.1\r\nHost: a\r\n{}\r\n", "X: y\r\n".repeat(count - 1));
    assert_eq!(support::request(many(100).as_bytes()), "none, keeps");
    assert_eq!(support::request(many(101).as_bytes()), "TooManyFields");
    let names =
        |count: usize| format!("GET / HTTP/1.1\r\nHost: a\r\nConnection: {}\r\n\r\n", "x,".repeat(count));
    assert_eq!(support::request(names(32).as_bytes()), "none, keeps");
    assert_eq!(support::request(names(33).as_bytes()), "ConnectionNames");
    let empty = "\r\n".repeat(40_000);
    assert_eq!(support::request(empty.as_bytes()), "HeadTooLong", "not even empty lines for ever");
}

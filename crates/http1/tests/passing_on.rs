//! What a proxy changes in the heads that it passes on, and that it changes nothing else.
#![allow(clippy::unwrap_used, reason = "tests")]

use muster_http1::{
    Asked, Hop, Refusal, Request, Response, Slots, ToClient, Version, write_request, write_response,
};

fn hop_of(client: &str, local: &str, is_secure: bool) -> Hop {
    Hop::new(Some(client.parse().unwrap()), Some(local.parse().unwrap()), is_secure)
}

fn written(head: &[u8], hop: &Hop) -> String {
    let mut slots = Slots::new();
    let request = Request::parse(head, &mut slots).unwrap().expect("a whole head");
    let mut out = Vec::new();
    write_request(&request, hop, &mut out).unwrap();
    assert!(out.len() <= head.len() + 300);
    // What we write must be right for us too, and be the same request.
    let mut slots = Slots::new();
    let again = Request::parse(&out, &mut slots).unwrap().expect("a whole head");
    assert_eq!((again.length, again.body, again.method), (out.len(), request.body, request.method));
    out.escape_ascii().to_string().replace("\\r\\n", "\n")
}

/// The head that a backend gets for `POST /path` with `lines` beside a Host.
fn passed(lines: &str) -> String {
    let head = format!("POST /path?q=1 HTTP/1.1\r\nHost: a\r\n{lines}\r\n");
    written(head.as_bytes(), &hop_of("192.0.2.7", "127.0.0.1:8080", false))
}

/// The same with our own lines, which are always there.
fn expected(lines: &str) -> String {
    format!(
        "POST /path?q=1 HTTP/1.1\nHost: a\n{lines}X-Forwarded-For: 192.0.2.7\nX-Forwarded-Proto: http\nX-Forwarded-Port: 8080\n\n"
    )
}

#[test]
fn a_plain_request_passes_as_it_is_with_our_lines_behind() {
    assert_eq!(passed(""), expected(""));
    let lines = "accept:*/*\r\nX-Odd:   kept   \r\nCookie: a=b\r\ncookie: c=d\r\nContent-Length: 5\r\n";
    assert_eq!(
        passed(lines),
        expected(&lines.replace("\r\n", "\n")),
        "names, order and white space are the client's"
    );
}

#[test]
fn fields_of_one_connection_are_taken_out_with_those_that_connection_names() {
    let lines = "Connection: close, X-Secret\r\nAccept: */*\r\nconnection: x-other\r\nX-Secret: 1\r\nx-OTHER: 1\r\n\
        Keep-Alive: timeout=5\r\nProxy-Connection: keep-alive\r\nUpgrade: h2c\r\nTE: gzip\r\nX-Last: 1\r\n";
    assert_eq!(passed(lines), expected("Accept: */*\nX-Last: 1\n"));
    assert_eq!(passed("Connection: \u{fc}, x-own\r\nX-Own: 1\r\n"), expected(""), "beside what is no name");
}

#[test]
fn connection_cannot_name_host_or_length_away() {
    let passed = passed("Content-Length: 0\r\nConnection: host, content-length, transfer-encoding\r\n");
    assert_eq!(passed, expected("Content-Length: 0\n"));
}

#[test]
fn chunks_are_announced_once_and_in_our_words() {
    assert_eq!(
        passed("transfer-encoding: CHUNKED\r\nX: y\r\n"),
        expected("X: y\nTransfer-Encoding: chunked\n")
    );
}

#[test]
fn the_client_is_appended_to_forwarded_for_and_the_port_is_the_one_it_reached() {
    let told = passed(
        "X-Forwarded-For: 1.1.1.1, 2.2.2.2\r\nA: b\r\nx-forwarded-for: 3.3.3.3\r\nX-Forwarded-For:\r\n\
         X-Forwarded-Proto: https\r\nX-Forwarded-Port: 1\r\n",
    );
    let chain = "X-Forwarded-For: 1.1.1.1, 2.2.2.2, 3.3.3.3, 192.0.2.7";
    let wanted = expected("A: b\n").replace("X-Forwarded-For: 192.0.2.7", chain);
    assert_eq!(told, wanted, "in one line; and a client cannot claim TLS that it does not speak");
    assert_eq!(passed("X-Forwarded-For: 1.1.1.1\r\nConnection: x-forwarded-for\r\n"), expected(""));
}

#[test]
fn a_client_over_tls_is_told_as_such() {
    let head = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    let told = written(head, &hop_of("2001:db8::7", "[2001:db8::1]:443", true));
    assert!(
        told.ends_with("X-Forwarded-For: 2001:db8::7\nX-Forwarded-Proto: https\nX-Forwarded-Port: 443\n\n"),
        "{told}"
    );
}

#[test]
fn an_ipv4_client_of_a_dual_stack_listener_is_written_as_ipv4() {
    let told =
        written(b"GET / HTTP/1.0\r\n\r\n", &hop_of("::ffff:192.0.2.7", "[::ffff:127.0.0.1]:80", false));
    assert!(told.contains("\nHost: 127.0.0.1\n") && told.contains("X-Forwarded-For: 192.0.2.7\n"), "{told}");
}

#[test]
fn a_host_that_http_1_0_did_not_name_is_where_it_connected_to() {
    let hop = hop_of("192.0.2.7", "127.0.0.1:8080", false);
    assert!(
        written(b"GET / HTTP/1.0\r\nA: b\r\n\r\n", &hop)
            .starts_with("GET / HTTP/1.1\nHost: 127.0.0.1:8080\nA: b\n")
    );
    assert!(written(b"GET / HTTP/1.0\r\nhost: c\r\n\r\n", &hop).starts_with("GET / HTTP/1.1\nhost: c\nX-"));
    let six = hop_of("::1", "[::1]:8080", false);
    assert!(written(b"GET / HTTP/1.0\r\n\r\n", &six).contains("\nHost: [::1]:8080\n"));
}

#[test]
fn an_absolute_target_becomes_a_path_and_its_host_wins() {
    let hop = hop_of("192.0.2.7", "127.0.0.1:8080", false);
    let passed = |line: &str| {
        let head = format!("{line} HTTP/1.1\r\nA: b\r\nHost: wrong.example\r\nC: d\r\n\r\n");
        let written = written(head.as_bytes(), &hop);
        written.split_once("X-Forwarded").unwrap().0.to_owned()
    };
    let right = |line: &str| format!("{line} HTTP/1.1\nHost: right.example:81\nA: b\nC: d\n");
    assert_eq!(passed("GET http://user@right.example:81/a?b=c"), right("GET /a?b=c"));
    assert_eq!(passed("GET http://right.example:81?b=c"), right("GET /?b=c"));
    assert_eq!(passed("GET http://right.example:81"), right("GET /"));
    assert_eq!(passed("OPTIONS http://right.example:81"), right("OPTIONS *"), "RFC 9112, 3.2.4");
    assert!(passed("OPTIONS *").starts_with("OPTIONS * HTTP/1.1\nA: b\nHost: wrong.example\n"));
}

#[test]
fn our_fields_cannot_be_forged_with_underscores() {
    let lines = "x_forwarded_proto: https\r\nx-forwarded_port: 443\r\nX_Forwarded-For: 1.2.3.4\r\n\
        x_forwarded_host: b\r\nown_field: 1\r\n";
    assert_eq!(passed(lines), expected("x_forwarded_host: b\nown_field: 1\n"));
}

#[test]
fn a_wish_for_trailers_is_passed_on_and_an_expectation_is_not() {
    let passed_on = expected("TE: trailers\nConnection: te\n");
    assert_eq!(passed("TE: trailers, deflate;q=0.5\r\nConnection: te\r\n"), passed_on);
    assert_eq!(passed("Expect: 100-continue\r\n"), expected(""), "it is met here");
}

#[test]
fn an_upgrade_is_asked_for_unless_it_is_to_http_2() {
    let asked = passed("Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x\r\n");
    assert_eq!(asked, expected("Sec-WebSocket-Key: x\nConnection: upgrade\nUpgrade: websocket\n"));
    assert_eq!(passed("Upgrade: websocket\r\n"), expected(""), "Connection does not name it");
    let h2c = "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: websocket, h2c\r\nHTTP2-Settings: x\r\n";
    assert_eq!(passed(h2c), expected(""));
}

#[test]
fn connect_is_not_passed_on() {
    let mut slots = Slots::new();
    let request = Request::parse(b"CONNECT b:443 HTTP/1.1\r\nHost: b\r\n\r\n", &mut slots).unwrap().unwrap();
    let hop = hop_of("192.0.2.7", "127.0.0.1:8080", false);
    assert_eq!(write_request(&request, &hop, &mut Vec::new()), Err(Refusal::Connect));
    assert_eq!(Refusal::Connect.status(), 405);
}

/// What a client of `version` gets for a response with `start` and `lines`.
fn answered(start: &str, lines: &str, version: Version, keeps: bool, asked: Asked) -> String {
    let head = format!("{start}\r\n{lines}\r\n");
    let mut slots = Slots::new();
    let response = Response::parse(head.as_bytes(), asked, &mut slots).unwrap().expect("a whole head");
    let mut out = Vec::new();
    let to = ToClient::new(&response, version, keeps);
    write_response(&response, to, &mut out);
    assert!(out.len() <= head.len() + 300);
    let mut slots = Slots::new();
    let again = Response::parse(&out, asked, &mut slots).unwrap().expect("a whole head");
    assert_eq!((again.length, again.status), (out.len(), response.status));
    assert_eq!(again.body, to.body);
    String::from_utf8(out).unwrap().replace("\r\n", "\n")
}

fn to_new(start: &str, lines: &str) -> String {
    answered(start, lines, Version::V11, true, Asked::default())
}

#[test]
fn a_plain_response_passes_as_it_is() {
    let lines = "Server: x\r\nset-cookie: a\r\nSet-Cookie: b\r\nContent-Length:  5 \r\n";
    assert_eq!(
        to_new("HTTP/1.1 200 Very  OK", lines),
        format!("HTTP/1.1 200 Very  OK\n{}\n", lines.replace("\r\n", "\n"))
    );
    assert_eq!(to_new("HTTP/1.0 200 OK", "Content-Length: 5\r\n"), "HTTP/1.1 200 OK\nContent-Length: 5\n\n");
    assert_eq!(to_new("HTTP/1.1 304 Not Modified", ""), "HTTP/1.1 304 Not Modified\n\n", "without any field");
}

#[test]
fn fields_of_the_backends_connection_are_taken_out() {
    let lines = "A: b\r\nConnection: close, x-hop\r\nX-Hop: 1\r\nKeep-Alive: timeout=5\r\nUpgrade: h2c\r\nContent-Length: 5\r\n";
    assert_eq!(to_new("HTTP/1.1 200 OK", lines), "HTTP/1.1 200 OK\nA: b\nContent-Length: 5\n\n");
    let lines = "Connection: content-length\r\nContent-Length: 5\r\n";
    assert_eq!(to_new("HTTP/1.1 200 OK", lines), "HTTP/1.1 200 OK\nContent-Length: 5\n\n");
}

#[test]
fn a_length_passes_where_it_counts_and_once() {
    let chunks = "Content-Length: 99\r\nTransfer-Encoding: chunked\r\n";
    assert_eq!(to_new("HTTP/1.1 200 OK", chunks), "HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n");
    assert_eq!(to_new("HTTP/1.1 204 No Content", "Content-Length: 5\r\n"), "HTTP/1.1 204 No Content\n\n");
    assert_eq!(
        to_new("HTTP/1.1 103 Early", "Content-Length: 5\r\nLink: x\r\n"),
        "HTTP/1.1 103 Early\nLink: x\n\n"
    );
    assert_eq!(
        to_new("HTTP/1.1 304 Not", "Content-Length: 5\r\n"),
        "HTTP/1.1 304 Not\nContent-Length: 5\n\n"
    );
    let twice = "Content-Length: 5\r\nA: b\r\nContent-Length: 5\r\n";
    assert_eq!(to_new("HTTP/1.1 200 OK", twice), "HTTP/1.1 200 OK\nContent-Length: 5\nA: b\n\n");
    assert_eq!(
        to_new("HTTP/1.1 200 OK", "Content-Length: 5, 5\r\n"),
        "HTTP/1.1 200 OK\nContent-Length: 5\n\n"
    );
    let head = Asked { head: true, ..Asked::default() };
    let found = answered("HTTP/1.1 200 OK", "Content-Length: 1000\r\n", Version::V11, true, head);
    assert_eq!(found, "HTTP/1.1 200 OK\nContent-Length: 1000\n\n");
    let lines = "Content-Length: x\r\nTransfer-Encoding: chunked\r\n";
    let found = answered("HTTP/1.1 200 OK", lines, Version::V11, true, head);
    assert_eq!(found, "HTTP/1.1 200 OK\n\n", "beside chunks it counts nowhere");
}

#[test]
fn each_client_learns_what_becomes_of_its_connection() {
    let to = |version, keeps| {
        answered("HTTP/1.1 200 OK", "Content-Length: 5\r\n", version, keeps, Asked::default())
    };
    assert_eq!(to(Version::V11, true), "HTTP/1.1 200 OK\nContent-Length: 5\n\n");
    assert_eq!(to(Version::V11, false), "HTTP/1.1 200 OK\nContent-Length: 5\nConnection: close\n\n");
    assert_eq!(to(Version::Old, true), "HTTP/1.0 200 OK\nContent-Length: 5\nConnection: keep-alive\n\n");
    assert_eq!(to(Version::Old, false), "HTTP/1.0 200 OK\nContent-Length: 5\n\n");
}

#[test]
fn a_body_is_delimited_so_that_its_client_understands() {
    let to = |version, lines| answered("HTTP/1.1 200 OK", lines, version, true, Asked::default());
    let chunks = "Transfer-Encoding: chunked\r\n";
    assert_eq!(to(Version::V11, chunks), "HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n");
    assert_eq!(
        to(Version::V11, ""),
        "HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n",
        "its connection stays"
    );
    assert_eq!(to(Version::Old, chunks), "HTTP/1.0 200 OK\n\n", "HTTP/1.0 knows no chunks");
    assert_eq!(to(Version::Old, ""), "HTTP/1.0 200 OK\n\n");
}

#[test]
fn a_switch_of_protocols_is_passed_on() {
    let lines = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: y\r\n";
    let asked = Asked { upgrade: true, ..Asked::default() };
    let found = answered("HTTP/1.1 101 Switching Protocols", lines, Version::V11, true, asked);
    let wanted = "HTTP/1.1 101 Switching Protocols\nSec-WebSocket-Accept: y\nConnection: upgrade\nUpgrade: websocket\n\n";
    assert_eq!(found, wanted);
}

#[test]
fn a_client_without_an_address_is_in_front_of_others_and_what_it_says_of_them_stands() {
    let hop = Hop::new(None, None, false);
    let head = b"GET / HTTP/1.0\r\nX-Forwarded-For: 192.0.2.1\r\nX-Forwarded-For: 192.0.2.2\r\nX-Forwarded-Port: 9\r\n\r\n";
    let wanted =
        "GET / HTTP/1.1\nHost: localhost\nX-Forwarded-For: 192.0.2.1, 192.0.2.2\nX-Forwarded-Proto: http\n\n";
    assert_eq!(written(head, &hop), wanted);
    let wanted = "GET / HTTP/1.1\nHost: localhost\nX-Forwarded-Proto: http\n\n";
    assert_eq!(written(b"GET / HTTP/1.0\r\n\r\n", &hop), wanted);
}

#[test]
fn a_hop_that_says_nothing_lets_stand_what_came() {
    let head = "GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 1.2.3.4\r\nX_Forwarded_Proto: x\r\nX-Forwarded-Port: 1\r\n\
                Connection: x-forwarded-port\r\n\r\n";
    let hop = Hop::silent(Some("192.0.2.1:80".parse().unwrap()), false);
    let mut slots = Slots::new();
    let request = Request::parse(head.as_bytes(), &mut slots).unwrap().unwrap();
    let mut out = Vec::new();
    write_request(&request, &hop, &mut out).unwrap();
    let written = String::from_utf8(out).unwrap();
    assert_eq!(
        written,
        "GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 1.2.3.4\r\nX_Forwarded_Proto: x\r\n\r\n"
    );
}

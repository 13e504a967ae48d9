//! What a client of HTTP/2 may not do, frame by frame: nobody else notices, and it is told why.
#![allow(clippy::unwrap_used, reason = "tests, of which clippy knows only the functions marked so")]

mod support;

use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;
use support::*;
use tokio::io::AsyncWriteExt;

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const PRIORITY: u8 = 2;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
const CONTINUATION: u8 = 9;

const END_STREAM: u8 = 1;
const ACK: u8 = 1;
const END_HEADERS: u8 = 4;

// RFC 9113, 7.
const PROTOCOL_ERROR: u32 = 1;
const REFUSED_STREAM: u32 = 7;
const ENHANCE_YOUR_CALM: u32 = 11;

/// `GET http://h/` in HPACK: three of the static table and a literal that is not indexed.
const GET: &[u8] = &[0x82, 0x86, 0x84, 0x01, 1, b'h'];

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let mut frame = vec![length[1], length[2], length[3], kind, flags];
    frame.extend_from_slice(&stream.to_be_bytes());
    frame.extend_from_slice(payload);
    frame
}

async fn begin(addr: SocketAddr) -> Wire {
    let mut wire = Wire::connect(addr).await;
    wire.write("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await;
    wire.write(frame(SETTINGS, 0, 0, &[])).await;
    wire
}

/// The next frame: kind, flags, stream, payload.
async fn next(wire: &mut Wire) -> Option<(u8, u8, u32, Vec<u8>)> {
    let head = wire.bytes(9).await?;
    let length = u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize;
    let stream = u32::from_be_bytes(head[5..].try_into().unwrap());
    Some((head[3], head[4], stream, wire.bytes(length).await?))
}

/// The code with which it is sent away.
async fn told(wire: &mut Wire) -> Option<u32> {
    while let Some((kind, _, _, payload)) = next(wire).await {
        if kind == GOAWAY {
            return Some(u32::from_be_bytes(payload[4..8].try_into().unwrap()));
        }
    }
    None
}

/// Sends `flood` again and again, until it is told off; returns with which code, and how often it was sent.
async fn flood(addr: SocketAddr, mut flood: impl FnMut(u32) -> Vec<u8>) -> (Option<u32>, u32) {
    let Wire { stream, .. } = begin(addr).await;
    let (read, mut write) = stream.into_split();
    let mut wire = Wire::new(tokio::io::join(read, tokio::io::sink()));
    let sent = Rc::new(std::cell::Cell::new(0));
    let counted = Rc::clone(&sent);
    let sending = async move {
        while counted.get() < 100_000 && write.write_all(&flood(counted.get())).await.is_ok() {
            counted.set(counted.get() + 1);
        }
        // Nothing more, and the connection stays open until it is told.
        std::future::pending::<()>().await;
    };
    let telling = async {
        loop {
            let head = wire.bytes(9).await?;
            let length = u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize;
            let payload = wire.bytes(length).await?;
            if head[3] == GOAWAY {
                return Some(u32::from_be_bytes(payload[4..8].try_into().unwrap()));
            }
        }
    };
    tokio::select! {
        () = sending => unreachable!(),
        code = telling => (code, sent.get()),
    }
}

/// Others are served as if nothing were.
async fn is_well(addr: SocketAddr) {
    assert_eq!(get(addr).await.text(), "a");
}

#[test]
fn the_frames_of_these_tests_make_a_request() {
    local(async {
        let backend = Backend::named("a").await;
        let (_proxy, addr) = proxy(&[backend.addr]);
        let mut wire = begin(addr).await;
        wire.write(frame(HEADERS, END_STREAM | END_HEADERS, 1, GET)).await;
        loop {
            let (kind, flags, stream, payload) = next(&mut wire).await.unwrap();
            if kind == DATA && stream == 1 {
                assert_eq!(payload, b"a");
                assert_eq!(flags & END_STREAM, 0, "it ends with a frame of its own");
                break;
            }
        }
        assert_eq!(backend.seen.requests.borrow()[0].field("host"), Some("h"));
    });
}

#[test]
fn rapid_reset_ends_the_connection_and_costs_a_bounded_number_of_requests() {
    local(async {
        let backend = Backend::named("a").await;
        let (proxy, addr) = proxy(&[backend.addr]);
        let (code, sent) = flood(addr, |n| {
            let stream = 2 * n + 1;
            let mut both = frame(HEADERS, END_STREAM | END_HEADERS, stream, GET);
            both.extend(frame(RST_STREAM, 0, stream, &8u32.to_be_bytes()));
            both
        })
        .await;
        assert!(code.is_none_or(|code| code == ENHANCE_YOUR_CALM), "{code:?}");
        assert!(sent < 100_000, "it may go on for ever");
        until("nothing is left of it", || in_flight(&proxy.report()) == 0).await;
        assert!(backend.seen.accepted.get() <= 1000, "{}", backend.seen.accepted.get());
        is_well(addr).await;
    });
}

#[test]
fn requests_taken_back_once_they_are_with_a_backend_are_counted_too() {
    local(async {
        let backend = Backend::script(|mut wire, _, seen| async move {
            while let Some(request) = wire.message().await {
                seen.requests.borrow_mut().push(request);
                if seen.count() > 5000 {
                    wire.write(ok("a")).await;
                }
            }
        })
        .await;
        let (proxy, addr) = proxy(&[backend.addr]);
        let mut wire = begin(addr).await;
        let mut stream = 1;
        let mut seen = 0;
        // One after the other, each when its backend has it: so nothing but the count can tell.
        let code = loop {
            wire.write(frame(HEADERS, END_STREAM | END_HEADERS, stream, GET)).await;
            seen += 1;
            let reached = until("the backend has it", || backend.seen.count() == seen);
            tokio::select! {
                () = reached => {}
                code = told(&mut wire) => break code,
            }
            if wire.stream.write_all(&frame(RST_STREAM, 0, stream, &8u32.to_be_bytes())).await.is_err() {
                break told(&mut wire).await;
            }
            stream += 2;
            assert!(seen < 5000, "it may go on for ever");
        };
        assert_eq!(code, Some(ENHANCE_YOUR_CALM));
        until("nothing is left of it", || in_flight(&proxy.report()) == 0).await;
    });
}

#[test]
fn floods_of_frames_that_serve_nothing_end_the_connection() {
    local(async {
        let backend = Backend::named("a").await;
        let (_proxy, addr) = proxy(&[backend.addr]);
        for one in [
            frame(PING, 0, 0, &[0; 8]),
            frame(SETTINGS, 0, 0, &[]),
            frame(PRIORITY, 0, 1, &[0, 0, 0, 0, 7]),
            frame(77, 0, 0, b"what"),
        ] {
            let kind = one[3];
            let (code, sent) = flood(addr, |_| one.repeat(10)).await;
            assert!(code.is_none_or(|code| code == ENHANCE_YOUR_CALM), "{kind}: {code:?}");
            assert!(sent < 100_000, "{kind}");
            is_well(addr).await;
        }
    });
}

#[test]
fn a_head_without_end_is_cut_off_however_it_is_cut() {
    local(async {
        let backend = Backend::named("a").await;
        let (_proxy, addr) = proxy(&[backend.addr]);
        // A literal field of 100 bytes, again and again; then continuations of nothing.
        let mut field = vec![0, 1, b'x', 100];
        field.resize(104, b'y');
        for payload in [field.repeat(100), field.clone(), Vec::new()] {
            let (code, sent) = flood(addr, |n| match n {
                0 => frame(HEADERS, END_STREAM, 1, GET),
                _ => frame(CONTINUATION, 0, 1, &payload),
            })
            .await;
            let length = payload.len();
            assert!(
                code.is_none_or(|code| [ENHANCE_YOUR_CALM, PROTOCOL_ERROR].contains(&code)),
                "{length}: {code:?}"
            );
            assert!(sent < 100_000, "{length}");
            is_well(addr).await;
        }
        assert_eq!(backend.seen.count(), 3, "none of them was a request");
    });
}

#[test]
fn more_streams_than_agreed_are_refused_and_those_before_go_on() {
    local(async {
        let backend = Backend::script(|mut wire, _, seen| async move {
            while let Some(request) = wire.message().await {
                seen.requests.borrow_mut().push(request);
                seen.go.notified().await;
                wire.write(ok("a")).await;
            }
        })
        .await;
        let (_proxy, addr) = proxy(&[backend.addr]);
        let mut wire = begin(addr).await;
        for n in 0..101 {
            wire.write(frame(HEADERS, END_STREAM | END_HEADERS, 2 * n + 1, GET)).await;
        }
        let (mut refused, mut agreed) = (None, None);
        while refused.is_none() {
            let (kind, flags, stream, payload) = next(&mut wire).await.unwrap();
            match kind {
                RST_STREAM => refused = Some((stream, u32::from_be_bytes(payload.try_into().unwrap()))),
                SETTINGS if flags & ACK == 0 => {
                    let one = payload.chunks(6).find(|one| one[..2] == [0, 3]);
                    agreed = one.map(|one| u32::from_be_bytes(one[2..].try_into().unwrap()));
                }
                _ => {}
            }
        }
        assert_eq!((refused, agreed), (Some((201, REFUSED_STREAM)), Some(100)));
        until("the others are at their backend", || backend.seen.count() == 100).await;
    });
}

#[test]
fn a_client_that_never_begins_is_not_waited_for() {
    local(async {
        let mut config = config();
        config.handshake_timeout = Duration::from_millis(50);
        config.idle_timeout = Duration::from_millis(50);
        let (_proxy, addr) = proxy_with(config, &picture(1, &[]));
        // A part of the preface; all of it; half of a head.
        let mut half = frame(HEADERS, END_STREAM | END_HEADERS, 1, GET);
        half.truncate(11);
        for piece in [b"PRI * HTTP/2.0\r\n\r\nSM".to_vec(), Vec::new(), half] {
            let mut wire =
                if piece.starts_with(b"PRI") { Wire::connect(addr).await } else { begin(addr).await };
            wire.write(&piece).await;
            while next(&mut wire).await.is_some() {}
        }
    });
}

#[test]
fn lies_about_a_body_reset_the_stream() {
    local(async {
        let backend = Backend::named("a").await;
        let (_proxy, addr) = proxy(&[backend.addr]);
        // content-length: 5, of the static table; POST.
        let post = |length: &str| {
            let mut head = vec![0x83, 0x86, 0x84, 0x01, 1, b'h', 0x0f, 13, 1];
            head.extend_from_slice(length.as_bytes());
            head
        };
        for (length, body) in [("5", "123456"), ("5", "1234"), ("5", "")] {
            let mut wire = begin(addr).await;
            let flags = if body.is_empty() { END_STREAM | END_HEADERS } else { END_HEADERS };
            wire.write(frame(HEADERS, flags, 1, &post(length))).await;
            if !body.is_empty() {
                wire.write(frame(DATA, END_STREAM, 1, body.as_bytes())).await;
            }
            loop {
                let (kind, _, _, payload) = next(&mut wire).await.unwrap();
                assert_ne!(kind, HEADERS, "{length} {body:?} has an answer");
                if kind == RST_STREAM {
                    assert_eq!(payload, PROTOCOL_ERROR.to_be_bytes(), "{length} {body:?}");
                    break;
                }
            }
        }
        assert!(backend.seen.requests.borrow().is_empty(), "no backend had one of them whole");
    });
}

#[test]
fn fields_of_one_connection_only_are_refused() {
    local(async {
        let backend = Backend::named("a").await;
        let (_proxy, addr) = proxy(&[backend.addr]);
        for (name, value) in [
            ("connection", "close"),
            ("transfer-encoding", "chunked"),
            ("upgrade", "websocket"),
            ("keep-alive", "1"),
            ("proxy-connection", "x"),
            ("te", "gzip"),
            ("Upper", "case"),
        ] {
            let mut head = GET.to_vec();
            head.extend_from_slice(&[0, u8::try_from(name.len()).unwrap()]);
            head.extend_from_slice(name.as_bytes());
            head.push(u8::try_from(value.len()).unwrap());
            head.extend_from_slice(value.as_bytes());
            let mut wire = begin(addr).await;
            wire.write(frame(HEADERS, END_STREAM | END_HEADERS, 1, &head)).await;
            loop {
                let Some((kind, ..)) = next(&mut wire).await else { break };
                assert_ne!(kind, HEADERS, "{name}: {value} has an answer");
                if kind == RST_STREAM || kind == GOAWAY {
                    break;
                }
            }
        }
        assert_eq!(backend.seen.count(), 0);
    });
}

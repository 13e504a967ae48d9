//! What the tables say of a message, in a few words.
#![allow(dead_code, unreachable_pub, reason = "each test binary uses its part")]
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "tests")]

use muster_http1::{Asked, Body, CutShort, Request, Response, Slots, Transfer};

pub fn body(body: Body) -> String {
    match body {
        Body::None => "none".into(),
        Body::Length(length) => length.to_string(),
        Body::Chunked => "chunked".into(),
        Body::UntilClose => "until close".into(),
        Body::Tunnel => "tunnel".into(),
    }
}

/// How a request is read: its body, then whether the client's connection stays; or `more`; or why not.
pub fn request(bytes: &[u8]) -> String {
    let mut slots = Slots::new();
    match Request::parse(bytes, &mut slots) {
        Ok(Some(request)) => {
            assert!(request.length <= bytes.len());
            format!("{}, {}", body(request.body), if request.keeps() { "keeps" } else { "closes" })
        }
        Ok(None) => "more".into(),
        Err(refusal) => format!("{refusal:?}"),
    }
}

/// The same of a response.
pub fn response(bytes: &[u8], asked: Asked) -> String {
    let mut slots = Slots::new();
    match Response::parse(bytes, asked, &mut slots) {
        Ok(Some(response)) => {
            assert!(response.length <= bytes.len());
            format!("{}, {}", body(response.body), if response.keeps() { "keeps" } else { "closes" })
        }
        Ok(None) => "more".into(),
        Err(refusal) => format!("{refusal:?}"),
    }
}

/// What a body that came in `pieces`, after which its connection ended, is on the other side; how it ended; and what was left.
pub fn moved(mut transfer: Transfer, pieces: &[&[u8]]) -> (Vec<u8>, String, Vec<u8>) {
    let (mut held, mut out) = (Vec::new(), Vec::new());
    for piece in pieces {
        held.extend_from_slice(piece);
        loop {
            let before = out.len();
            let step = match transfer.advance(&held, &mut out) {
                Ok(step) => step,
                Err(refusal) => return (out, format!("{refusal:?}"), held),
            };
            out.extend_from_slice(&held[step.skip..step.skip + step.pass]);
            held.drain(..step.skip + step.pass);
            if step.skip + step.pass == 0 {
                assert_eq!(out.len(), before, "a move of nothing writes nothing");
                break;
            }
        }
    }
    let end = match transfer.is_done() {
        true => "whole".into(),
        false => match transfer.finish(&mut out) {
            Ok(()) => "ended".into(),
            Err(CutShort) => "cut short".into(),
        },
    };
    (out, end, held)
}

/// Goes through a table and tells of all rows that are otherwise, not only of the first.
pub fn check<'t>(rows: impl IntoIterator<Item = (&'t [u8], &'t str, &'t str, String)>) -> usize {
    let mut wrong = Vec::new();
    let mut count = 0;
    for (input, wanted, why, found) in rows {
        count += 1;
        if found != wanted {
            wrong.push(format!(
                "{:?}\n  wanted {wanted}: {why}\n  found {found}",
                input.escape_ascii().to_string()
            ));
        }
    }
    assert!(wrong.is_empty(), "{} rows of {count}:\n{}", wrong.len(), wrong.join("\n"));
    count
}

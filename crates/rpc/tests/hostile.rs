//! Whatever bytes come: no panic, the same whole or in pieces, and what was read can be written and read again.
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

use muster_rpc::{
    Command, EventRecord, KeysResult, MembersResult, QueryRecord, REQUEST_BYTES_MAX, ReplyHeader, Request,
    Session, Step, Values, read, write, write_request,
};
use proptest::prelude::*;
use proptest::sample::Index;

/// What a session does about these bytes, given in pieces; `broken` is the end of it.
fn steps<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> Vec<String> {
    let (mut values, mut session) = (Values::new(REQUEST_BYTES_MAX), Session::new("".into()));
    let mut done = Vec::new();
    for piece in pieces {
        values.push(piece);
        loop {
            let step = match values.next() {
                Ok(None) => break,
                Ok(Some(value)) => session.take(value),
                Err(error) => Err(error),
            };
            match step {
                Ok(Step::Serve { seq, request }) => {
                    again(seq, &request);
                    done.push(format!("{seq} {request:?}"));
                }
                Ok(step @ Step::Close { .. }) => {
                    done.push(format!("{step:?}"));
                    return done;
                }
                Ok(step) => done.push(format!("{step:?}")),
                Err(_) => {
                    done.push("broken".to_owned());
                    return done;
                }
            }
        }
    }
    done
}

/// Written, it is read as the same.
fn again(seq: u64, request: &Request<'_>) {
    let mut out = Vec::new();
    write_request(seq, request, &mut out);
    let mut values = Values::new(1 << 20);
    values.push(&out);
    values.next().unwrap().unwrap();
    let body = values.next().unwrap().unwrap_or_default();
    assert_eq!(&Request::read(request.command(), body).unwrap(), request);
}

/// Reads values of these kinds where there are any: written, they are read as the same.
macro_rules! reads_again {
    ($value:ident: $($kind:ident),+) => {$(
        if let Ok(once) = read::<$kind<'_>>($value) {
            let mut out = Vec::new();
            write(&once, &mut out);
            assert_eq!(read::<$kind<'_>>(&out).unwrap(), once);
        }
    )+};
}

/// A session of real requests.
fn recorded() -> Vec<u8> {
    let file: serde_json::Value = serde_json::from_str(include_str!("vectors/rpc-0.9.4.json")).unwrap();
    let mut out = Vec::new();
    write_request(0, &Request::Handshake { version: 1 }, &mut out);
    for vector in file["vectors"].as_array().unwrap() {
        let Some(hex) = vector.get("request_hex").and_then(|hex| hex.as_str()) else { continue };
        let is_last = vector["name"] == "rpc_unknown_cmd" || vector["name"] == "rpc_before-handshake_members";
        if !is_last {
            out.extend((0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()));
        }
    }
    out
}

proptest! {
    #[test]
    fn damaged_requests_come_to_the_same_however_they_are_cut(
        damage in prop::collection::vec((any::<Index>(), any::<u8>()), 0..6), end in any::<Index>(), cut in 1_usize..200,
    ) {
        let mut bytes = recorded();
        for (at, byte) in damage {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        bytes.truncate(end.index(bytes.len()) + 1);
        let whole = steps(std::iter::once(&bytes[..]));
        prop_assert_eq!(steps(bytes.chunks(cut)), whole);
    }

    #[test]
    fn noise_is_survived(bytes in prop::collection::vec(any::<u8>(), 0..300), cut in 1_usize..50) {
        steps(bytes.chunks(cut));
        for command in Command::ALL {
            if let Ok(request) = Request::read(*command, &bytes) {
                again(1, &request);
            }
        }
        let mut values = Values::new(1 << 10);
        values.push(&bytes);
        while let Ok(Some(value)) = values.next() {
            reads_again!(value: ReplyHeader, MembersResult, KeysResult, EventRecord, QueryRecord);
        }
    }
}

#[test]
fn the_recorded_session_is_served_to_its_end() {
    let bytes = recorded();
    let steps = steps(std::iter::once(&bytes[..]));
    assert!(!steps.contains(&"broken".to_owned()), "{steps:#?}");
    assert!(steps.len() > 30, "{steps:#?}");
}

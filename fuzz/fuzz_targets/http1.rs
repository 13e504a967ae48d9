//! Both directions of a proxied connection: one message after the other with their bodies, however they are cut.
//!
//! What is passed on is right for us too: its head says the same, its body ends where the first one's did, and nothing of
//! what follows got into it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use muster_http1::{Asked, Body, FIELDS_MAX, Hop, Request, Response, Slots, ToClient, Transfer, Version, write_request, write_response};
use std::net::{IpAddr, Ipv4Addr};

fuzz_target!(|data: &[u8]| {
    let Some((&mode, bytes)) = data.split_first() else { return };
    let cut = usize::from(mode >> 3) + 1;
    if mode & 1 == 0 {
        requests(bytes, cut);
    } else {
        let asked = Asked { head: mode & 2 != 0, connect: false, upgrade: mode & 4 != 0 };
        let version = if mode & 2 == 0 { Version::V11 } else { Version::Old };
        responses(bytes, cut, asked, version);
    }
});

fn requests(mut bytes: &[u8], cut: usize) {
    let localhost = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let hop = Hop::new(Some(localhost), Some((localhost, 80).into()), false);
    loop {
        let mut slots = Slots::new();
        let read = Request::parse(bytes, &mut slots);
        if let Some(half) = bytes.get(..bytes.len() / 2)
            && let Err(early) = Request::parse(half, &mut Slots::new())
        {
            assert_eq!(read.err(), Some(early), "what was refused stays so, for the same reason");
            return;
        }
        let Ok(Some(request)) = read else { return };
        let mut out = Vec::new();
        // Ours may be the fields that are too many for the next reader.
        if write_request(&request, &hop, &mut out).is_err() || request.fields().count() > FIELDS_MAX - 5 {
            return;
        }
        let mut slots = Slots::new();
        let again = Request::parse(&out, &mut slots).expect("right").expect("whole");
        assert_eq!((again.length, again.body, again.method), (out.len(), request.body, request.method));
        assert_eq!(again.version, Version::V11);
        assert!(again.host().is_some() && out.len() <= request.length + 300);
        let forwarded = again.fields().filter(|(name, _)| name.replace('_', "-").eq_ignore_ascii_case("x-forwarded-for"));
        assert_eq!(forwarded.count(), 1);
        let body = &bytes[request.length..];
        let transfer = || Transfer::of_request(request.body);
        let Some(used) = same_however_cut(transfer, body, cut, request.body, true) else { return };
        bytes = &body[used..];
    }
}

fn responses(mut bytes: &[u8], cut: usize, asked: Asked, version: Version) {
    loop {
        let mut slots = Slots::new();
        let Ok(Some(response)) = Response::parse(bytes, asked, &mut slots) else { return };
        let to = ToClient::new(&response, version, true);
        let mut out = Vec::new();
        write_response(&response, to, &mut out);
        assert!(out.len() <= response.length + 300);
        let mut slots = Slots::new();
        let again = Response::parse(&out, asked, &mut slots).expect("right").expect("whole");
        assert_eq!((again.length, again.body, again.status), (out.len(), to.body, response.status));
        let body = &bytes[response.length..];
        let transfer = || Transfer::of_response(response.body, to.body);
        let Some(used) = same_however_cut(transfer, body, cut, to.body, false) else { return };
        if !response.keeps() {
            return;
        }
        bytes = &body[used..];
    }
}

/// How much of `bytes` was the body; `None` when it is not whole. Written as `to`, it must end there and nowhere else.
fn same_however_cut(
    transfer: impl Fn() -> Transfer,
    bytes: &[u8],
    cut: usize,
    to: Body,
    is_strict: bool,
) -> Option<usize> {
    let whole = moved(transfer(), bytes, bytes.len().max(1));
    let pieces = moved(transfer(), bytes, cut);
    assert_eq!(whole.is_some(), pieces.is_some());
    let (whole, pieces) = (whole?, pieces?);
    assert_eq!(whole.1, pieces.1);
    if to != Body::None && to != Body::Tunnel && to != Body::UntilClose {
        let again = if is_strict { Transfer::of_request(to) } else { Transfer::of_response(to, to) };
        let (again, used) = moved(again, &whole.0, cut).expect("what was passed on is whole");
        assert_eq!((again.len(), used), (whole.0.len(), whole.0.len()));
    }
    Some(whole.1)
}

/// What comes out of `bytes`, given in pieces, and how much of them it was; `None` when it never ends.
fn moved(mut transfer: Transfer, bytes: &[u8], piece: usize) -> Option<(Vec<u8>, usize)> {
    let (mut out, mut used, mut come) = (Vec::new(), 0, 0);
    while !transfer.is_done() {
        let step = transfer.advance(&bytes[used..come], &mut out).ok()?;
        let (passes, ends) = (used + step.skip, used + step.skip + step.pass);
        out.extend_from_slice(&bytes[passes..ends]);
        if used == ends {
            if come == bytes.len() {
                transfer.finish(&mut out).ok()?;
                break;
            }
            come = (come + piece).min(bytes.len());
        }
        used = ends;
    }
    assert!(out.len() <= 8 * bytes.len() + 64);
    Some((out, used))
}

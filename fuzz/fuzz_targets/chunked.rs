//! Bodies in chunks: passed on as they are, as plain data, and put into chunks of ours, however they are cut.
//!
//! What a second reader makes of the bytes that were passed on is what the first one made of them, byte for byte.
#![no_main]

use libfuzzer_sys::fuzz_target;
use muster_http1::{Body, EXTENSION_BYTES_SPARE, TRAILER_BYTES_MAX, Transfer};

fuzz_target!(|data: &[u8]| {
    let Some((&mode, bytes)) = data.split_first() else { return };
    let (is_request, cut) = (mode & 1 == 0, usize::from(mode >> 1) + 1);
    let same = || match is_request {
        true => Transfer::of_request(Body::Chunked),
        false => Transfer::of_response(Body::Chunked, Body::Chunked),
    };
    let plain = || Transfer::of_response(Body::Chunked, Body::UntilClose);
    let whole = moved(same(), bytes, bytes.len().max(1));
    assert_eq!(whole, moved(same(), bytes, cut), "cut otherwise, it is another body");
    let Some((passed, used)) = whole else { return };
    // Rewritten trailers may be longer by the spaces behind their colons.
    assert!(used <= bytes.len() && passed.len() <= 2 * used + TRAILER_BYTES_MAX + EXTENSION_BYTES_SPARE as usize);
    let (text, _) = moved(plain(), bytes, cut).expect("what is read is read for this client too");
    assert_eq!(moved(same(), &passed, cut), Some((passed.clone(), passed.len())), "passing on twice changes nothing");
    assert_eq!(moved(plain(), &passed, cut).map(|(again, _)| again).as_ref(), Some(&text));
    let (ours, _) = moved(Transfer::of_response(Body::UntilClose, Body::Chunked), &text, cut).expect("any bytes are a body");
    assert_eq!(moved(plain(), &ours, cut).map(|(again, _)| again), Some(text));
});

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
    Some((out, used))
}

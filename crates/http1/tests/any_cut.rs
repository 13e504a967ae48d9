//! However the bytes were cut on the way, the outcome is the same; and no bytes panic.
#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use muster_http1::{Asked, Body, Transfer};
use proptest::prelude::*;
use support::moved;

/// Text that is nearly HTTP: good pieces and bad ones in any order.
fn nearly(pieces: &'static [&'static [u8]]) -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        12 => proptest::sample::select(pieces).prop_map(<[u8]>::to_vec),
        1 => proptest::collection::vec(any::<u8>(), 0..4),
    ];
    proptest::collection::vec(piece, 0..14).prop_map(|pieces| pieces.concat())
}

const HEAD: &[&[u8]] = &[
    b"GET / HTTP/1.1\r\n",
    b"POST http://b/c HTTP/1.1\r\n",
    b"OPTIONS * HTTP/1.0\r\n",
    b"HTTP/1.1 200 OK\r\n",
    b"HTTP/1.0 304 \r\n",
    b"HTTP/1.1 101 Switching\r\n",
    b"Host: a\r\n",
    b"Host: a\r\n",
    b"Content-Length: 5\r\n",
    b"Content-Length: 5, 5\r\n",
    b"Transfer-Encoding: chunked\r\n",
    b"Connection: close, x\r\n",
    b"Upgrade: x\r\n",
    b"X: y\r\n",
    b"X_Forwarded-For: y\r\n",
    b"X : y\r\n",
    b" z\r\n",
    b"\n",
    b"\r",
    b"\r\n",
    b"\r\n\r\n",
    b":",
    b" ",
    b"\x00",
    b"\xff",
    b"X",
    b"Expect: 100-continue\r\n",
];

const CHUNKS: &[&[u8]] = &[
    b"5\r\nhello\r\n",
    b"5;x=y\r\nhello\r\n",
    b"a\r\n0123456789\r\n",
    b"1\r\n\r\r\n",
    b"0\r\n",
    b"0\r\n\r\n",
    b"X: y\r\n",
    b"Host: y\r\n",
    b"\r\n",
    b"\n",
    b"\r",
    b"5 \r\n",
    b"fffffffffffffffff\r\n",
    b";",
    b"7",
    b"g",
];

fn cut(bytes: &[u8], cuts: &[usize]) -> Vec<Vec<u8>> {
    let mut ends: Vec<usize> =
        cuts.iter().map(|cut| cut % (bytes.len() + 1)).chain([0, bytes.len()]).collect();
    ends.sort_unstable();
    ends.windows(2).map(|pair| bytes[pair[0]..pair[1]].to_vec()).collect()
}

/// What a reader says that asks again whenever bytes come, until it knows.
fn in_pieces(bytes: &[u8], cuts: &[usize], read: impl Fn(&[u8]) -> String) -> String {
    let mut held = Vec::new();
    let mut said = read(&held);
    for piece in cut(bytes, cuts) {
        if said != "more" {
            break;
        }
        held.extend(piece);
        said = read(&held);
    }
    said
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn a_head_is_read_the_same_in_any_pieces(bytes in nearly(HEAD), cuts in proptest::collection::vec(any::<usize>(), 0..6)) {
        prop_assert_eq!(in_pieces(&bytes, &cuts, support::request), support::request(&bytes));
        for asked in [Asked::default(), Asked { head: true, upgrade: true, connect: false }] {
            let read = |bytes: &[u8]| support::response(bytes, asked);
            prop_assert_eq!(in_pieces(&bytes, &cuts, read), read(&bytes));
        }
    }

    #[test]
    fn a_body_arrives_the_same_in_any_pieces(
        bytes in nearly(CHUNKS),
        cuts in proptest::collection::vec(any::<usize>(), 0..6),
        length in 0_u64..60,
    ) {
        let pieces = cut(&bytes, &cuts);
        let pieces: Vec<&[u8]> = pieces.iter().map(Vec::as_slice).collect();
        let one = [bytes.as_slice()];
        let ways = [
            (Body::Chunked, Body::Chunked), (Body::Chunked, Body::UntilClose), (Body::UntilClose, Body::UntilClose),
            (Body::Length(length.max(1)), Body::Length(length.max(1))),
        ];
        for (from, to) in ways {
            let (cut_out, cut_end, _) = moved(Transfer::of_response(from, to), &pieces);
            let (out, end, _) = moved(Transfer::of_response(from, to), &one);
            prop_assert_eq!(&cut_end, &end);
            if end == "whole" || end == "ended" {
                prop_assert_eq!(&cut_out, &out);
            } else {
                // How much of what is wrong in the end has gone by then depends on the pieces.
                prop_assert!(cut_out.starts_with(&out) || out.starts_with(&cut_out));
            }
        }
        // Chunks of our own are of the pieces' sizes; what they hold is the same.
        let (chunks, end, _) = moved(Transfer::of_response(Body::UntilClose, Body::Chunked), &pieces);
        prop_assert_eq!(end, "ended");
        let (data, end, rest) = moved(Transfer::of_response(Body::Chunked, Body::UntilClose), &[&chunks]);
        prop_assert_eq!((data, end, rest), (bytes, "whole".to_owned(), Vec::new()));
    }
}

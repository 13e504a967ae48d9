//! Bytes from strangers: nothing panics, nothing grows beyond its bound, and where a message ends does not depend on how
//! its bytes were cut.
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod oracle;

use muster_wire::memberlist::Message;
use muster_wire::msgpack::Reader;
use muster_wire::packet::{self, PLAIN_BYTES_MAX};
use muster_wire::serf::{self, ConflictResponse, Coordinate, Filter, KeyRequest, KeyResponse, PushPullState};
use muster_wire::stream::{Inbound, Scanner};
use muster_wire::{DecodeError, Leg, tags};
use proptest::prelude::*;
use proptest::sample::Index;
use std::sync::LazyLock;

/// Hands `bytes` to every decoder there is, and to those behind it whatever it yields.
fn read_everything(bytes: &[u8]) {
    let mut leaf_bytes = 0;
    let _ = packet::unwrap(bytes, &mut |message| {
        if let Ok(Message::User(body)) = message {
            leaf_bytes += body.len();
        }
        let _ = message.map(read_message);
    });
    assert!(leaf_bytes <= bytes.len() + PLAIN_BYTES_MAX);

    let _ = Scanner::new().scan(bytes);
    let mut plain = Vec::new();
    match Inbound::decode(bytes, &mut plain) {
        Ok(Inbound::Message(message)) => read_message(message),
        Ok(Inbound::PushPull(state)) => {
            for node in state.nodes().flatten() {
                let _ = tags::decode(node.meta);
            }
            let _ = PushPullState::decode(state.user_state);
        }
        Err(_) => {}
    }

    read_serf(bytes);
    let _ = tags::decode(bytes);
    let _ = Reader::new(bytes).skip();
}

fn read_message(message: Message<'_>) {
    match message {
        Message::User(body) => read_serf(body),
        Message::Alive(alive) => _ = tags::decode(alive.meta),
        Message::Ack(ack) => _ = Coordinate::decode_ack(ack.payload),
        _ => {}
    }
}

fn read_serf(bytes: &[u8]) {
    if let Ok(serf::Message::Query(query)) = serf::Message::decode(bytes) {
        for filter in query.filters {
            let _ = Filter::decode(filter);
        }
    }
    let _ = PushPullState::decode(bytes);
    let _ = ConflictResponse::decode(bytes);
    let _ = KeyRequest::decode(bytes);
    let _ = KeyResponse::decode(bytes);
    let _ = Coordinate::decode_ack(bytes);
    let _ = Filter::decode(bytes);
}

/// The verdict on a stream whose bytes arrive in pieces that end at `cuts`.
fn scan_in_pieces(bytes: &[u8], cuts: &[usize]) -> Result<Option<usize>, DecodeError> {
    let mut scanner = Scanner::new();
    for &cut in cuts {
        match scanner.scan(&bytes[..cut]) {
            Ok(None) => {}
            verdict => return verdict,
        }
    }
    scanner.scan(bytes)
}

/// All recorded bytes, and for encrypted ones what is inside.
static SEEDS: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    oracle::vectors().into_iter().map(|vector| vector.plaintext.unwrap_or(vector.bytes)).collect()
});

/// What happens to a recorded message on the way.
#[derive(Clone, Debug)]
enum Damage {
    Set(Index, u8),
    Insert(Index, u8),
    Remove(Index),
    Cut(Index),
    Repeat(Index, Index),
}

impl Damage {
    fn apply(&self, bytes: &mut Vec<u8>) {
        if bytes.is_empty() {
            return;
        }
        match self {
            Self::Set(at, byte) => *at.get_mut(bytes) = *byte,
            Self::Insert(at, byte) => bytes.insert(at.index(bytes.len()), *byte),
            Self::Remove(at) => _ = bytes.remove(at.index(bytes.len())),
            Self::Cut(at) => bytes.truncate(at.index(bytes.len())),
            Self::Repeat(from, to) => {
                let (from, to) = (from.index(bytes.len()), to.index(bytes.len()));
                let piece = bytes[from.min(to)..from.max(to)].to_vec();
                bytes.splice(from..from, piece);
            }
        }
    }
}

fn damage() -> impl Strategy<Value = Damage> {
    // Bytes that mean something to msgpack or memberlist are worth more than others.
    let byte = prop_oneof![
        any::<u8>(),
        prop::sample::select(
            &[0xc0, 0xc1, 0xc6, 0xc9, 0xdb, 0xdd, 0xdf, 0x80, 0x8f, 0x9f, 0xbf, 6, 7, 8, 9, 12][..]
        ),
    ];
    prop_oneof![
        4 => (any::<Index>(), byte.clone()).prop_map(|(at, byte)| Damage::Set(at, byte)),
        1 => (any::<Index>(), byte).prop_map(|(at, byte)| Damage::Insert(at, byte)),
        1 => any::<Index>().prop_map(Damage::Remove),
        1 => any::<Index>().prop_map(Damage::Cut),
        1 => (any::<Index>(), any::<Index>()).prop_map(|(from, to)| Damage::Repeat(from, to)),
    ]
}

fn damaged() -> impl Strategy<Value = Vec<u8>> {
    let repaired = any::<bool>();
    (any::<Index>(), prop::collection::vec(damage(), 0..6), repaired).prop_map(|(seed, damages, repaired)| {
        let mut bytes = seed.get(&SEEDS).clone();
        damages.iter().for_each(|damage| damage.apply(&mut bytes));
        // Damage behind a checksum is only seen by those who pass it.
        if let (true, [12, crc @ ..]) = (repaired, &mut bytes[..])
            && let Some((crc, rest)) = crc.split_first_chunk_mut::<4>()
        {
            *crc = crc32fast::hash(rest).to_be_bytes();
        }
        bytes
    })
}

fn cuts(bytes: &[u8], cuts: &[Index]) -> Vec<usize> {
    let mut cuts: Vec<_> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
    cuts.sort_unstable();
    cuts
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn arbitrary_bytes_panic_no_decoder(
        first in prop_oneof![0..16_u8, any::<u8>()],
        rest in prop::collection::vec(any::<u8>(), 0..300),
    ) {
        read_everything(&[&[first][..], &rest].concat());
    }

    #[test]
    fn damaged_messages_panic_no_decoder(bytes in damaged()) {
        read_everything(&bytes);
    }

    #[test]
    fn a_stream_ends_in_one_place_however_it_is_cut(
        bytes in damaged(),
        chosen in prop::collection::vec(any::<Index>(), 0..8),
    ) {
        let whole = Scanner::new().scan(&bytes);
        prop_assert_eq!(scan_in_pieces(&bytes, &cuts(&bytes, &chosen)), whole);
        let every_byte: Vec<_> = (0..bytes.len()).collect();
        prop_assert_eq!(scan_in_pieces(&bytes, &every_byte), whole);
    }

    #[test]
    fn what_the_scanner_finds_whole_is_never_cut_short(bytes in damaged()) {
        if let Ok(Some(end)) = Scanner::new().scan(&bytes) {
            prop_assert!(end <= bytes.len());
            let mut plain = Vec::new();
            match Inbound::decode(&bytes[..end], &mut plain) {
                Ok(_) => {}
                // What is inside the envelope has an end of its own.
                Err(_) if bytes[0] == 9 => {}
                Err(error) => prop_assert_ne!(error, DecodeError::Truncated),
            }
        }
    }
}

#[test]
fn recorded_streams_end_in_one_place_however_they_are_cut() {
    for vector in oracle::layer("stream") {
        let whole = Ok(Some(vector.bytes.len()));
        for cut in 0..vector.bytes.len() {
            let mut scanner = vector.border().scanner(Leg::Request);
            assert_eq!(scanner.scan(&vector.bytes[..cut]), Ok(None), "{} at {cut}", vector.name);
            assert_eq!(scanner.scan(&vector.bytes), whole, "{} at {cut}", vector.name);
        }
    }
}

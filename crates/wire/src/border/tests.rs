use super::*;
use crate::crypt::Key;
use crate::memberlist::{Message, Ping};
use crate::stream::{MESSAGE_BYTES_MAX, encode_message};
use proptest::prelude::*;

const NONCE: Nonce = [5; 12];

fn border(label: &[u8], keys: &[&[u8]]) -> Border {
    let keys = keys.iter().map(|bytes| Key::from_bytes(bytes).unwrap());
    Border::new(Label::new(label).unwrap(), Keyring::of(keys))
}

/// Every kind there is: each with and without a label, without a key and with one of each size.
fn borders() -> Vec<Border> {
    let labels = [&b""[..], b"lab", &[0xf4; 255]];
    let keys = [vec![], vec![1; 16], vec![2; 24], vec![3; 32]];
    let both = |label: &'static [u8]| {
        keys.clone().map(|key| if key.is_empty() { border(label, &[]) } else { border(label, &[&key]) })
    };
    labels.map(both).concat()
}

fn ping() -> Vec<u8> {
    encode_message(&Message::Ping(Ping { seq_no: 7, node: "n", source: None }), false)
}

#[test]
fn what_one_border_lets_out_no_other_lets_in() {
    let (all, mut scratch) = (borders(), Vec::new());
    for (at, from) in all.iter().enumerate() {
        let packet = from.seal_packet(&NONCE, ping());
        assert_eq!(packet.len(), ping().len() + from.packet_overhead());
        let [request, reply] = [Leg::Request, Leg::Reply].map(|leg| from.seal_stream(leg, &NONCE, ping()));
        for (to_at, to) in all.iter().enumerate() {
            let readable =
                to.open_packet(&packet, &mut scratch).is_ok_and(|plain| Message::decode(plain).is_ok());
            assert_eq!(readable, at == to_at, "packet from {from:?} to {to:?}");
            assert_eq!(read(to, Leg::Request, &request), at == to_at, "request from {from:?} to {to:?}");
            // A reply without a key has nothing that tells clusters apart; it comes on our own connection.
            let alike = at == to_at || !from.is_sealed() && !to.is_sealed();
            assert_eq!(read(to, Leg::Reply, &reply), alike, "reply from {from:?} to {to:?}");
        }
    }
}

/// Whether a ping comes out of a stream.
fn read(border: &Border, leg: Leg, bytes: &[u8]) -> bool {
    border.scanner(leg).scan(bytes) == Ok(Some(bytes.len()))
        && border.open_stream(leg, bytes.to_vec()).is_ok_and(|plain| plain == ping())
}

#[test]
fn a_stream_is_refused_at_the_first_byte_that_tells() {
    let key = &[1; 16][..];
    let refused = |border: &Border, start: &[u8]| border.scanner(Leg::Request).scan(start).unwrap_err();
    assert_eq!(refused(&border(b"", &[]), &[kind::ENCRYPT]), DecodeError::Encrypted);
    assert_eq!(refused(&border(b"", &[key]), &[kind::PUSH_PULL]), DecodeError::NotEncrypted);
    assert_eq!(refused(&border(b"lab", &[]), &[kind::PING]), DecodeError::OtherLabel);
    assert_eq!(refused(&border(b"lab", &[key]), b"\xf4\x03lax"), DecodeError::OtherLabel);
    assert_eq!(refused(&border(b"lab", &[key]), b"\xf4\x03lab\x06"), DecodeError::NotEncrypted);
    assert_eq!(refused(&border(b"", &[key]), b"\xf4"), DecodeError::Labelled);

    let plaintext = border(b"", &[key]).open_stream(Leg::Request, ping()).unwrap_err();
    assert_eq!(plaintext, DecodeError::NotEncrypted);
}

#[test]
fn the_length_of_a_frame_is_checked_before_anything_is_waited_for() {
    let border = border(b"", &[&[1; 16]]);
    let scan = |length: u32| {
        let frame = [&[kind::ENCRYPT][..], &length.to_be_bytes()].concat();
        border.scanner(Leg::Request).scan(&frame)
    };
    for (length, expected) in [
        (0, Err(DecodeError::Encryption("too short"))),
        (28, Err(DecodeError::Encryption("too short"))),
        (29, Ok(None)),
        (8_388_603, Ok(None)),
        (8_388_604, Err(DecodeError::TooLarge { what: "message bytes", limit: MESSAGE_BYTES_MAX })),
        (u32::MAX, Err(DecodeError::TooLarge { what: "message bytes", limit: MESSAGE_BYTES_MAX })),
    ] {
        assert_eq!(scan(length), expected, "{length}");
    }
}

/// The length stands before the body in clear: moving it must not go unnoticed.
#[test]
fn a_frame_of_another_length_does_not_open() {
    let border = border(b"", &[&[1; 16]]);
    let mut frame = border.seal_stream(Leg::Request, &NONCE, ping());
    frame[4] -= 1;
    assert!(border.open_stream(Leg::Request, frame).is_err());
}

#[test]
fn without_a_border_bytes_pass_unchanged() {
    let open = Border::default();
    assert_eq!(open.seal_packet(&NONCE, b"bytes".to_vec()), b"bytes");
    assert_eq!(open.seal_stream(Leg::Request, &NONCE, b"bytes".to_vec()), b"bytes");
    assert_eq!(open.packet_overhead(), 0);
}

/// Bytes that mean something at a border.
const STARTS: &[&[u8]] =
    &[b"", b"\xf4\x03lab", b"\x0a\0\0\0\x1d", b"\xf4\x03lab\x0a\0\0\0\x20\x01", b"\0", b"\x01"];

proptest! {
    #[test]
    fn streams_end_in_one_place_however_they_are_cut(
        which in any::<prop::sample::Index>(),
        plain in prop::collection::vec(any::<u8>(), 0..200),
        cut in any::<prop::sample::Index>(),
        leg in prop::sample::select(&[Leg::Request, Leg::Reply][..]),
    ) {
        let all: Vec<_> = borders().into_iter().filter(Border::is_sealed).collect();
        let border = which.get(&all);
        let bytes = border.seal_stream(leg, &NONCE, plain.clone());
        let mut scanner = border.scanner(leg);
        prop_assert_eq!(scanner.scan(&bytes[..cut.index(bytes.len())]), Ok(None));
        let more = [&bytes[..], b"trailing"].concat();
        prop_assert_eq!(scanner.scan(&more), Ok(Some(bytes.len())));
        prop_assert_eq!(border.open_stream(leg, bytes), Ok(plain));
    }

    #[test]
    fn arbitrary_bytes_panic_nothing(
        which in any::<prop::sample::Index>(),
        start in prop::sample::select(STARTS),
        rest in prop::collection::vec(any::<u8>(), 0..100),
    ) {
        let bytes = [start, &rest].concat();
        let all = borders();
        let border = which.get(&all);
        let mut scratch = Vec::new();
        let opened = border.open_packet(&bytes, &mut scratch);
        prop_assert!(!border.is_sealed() || opened.is_err());
        for leg in [Leg::Request, Leg::Reply] {
            let _ = border.scanner(leg).scan(&bytes);
            let opened = border.open_stream(leg, bytes.clone());
            prop_assert!(!border.is_sealed() || opened.is_err());
        }
    }
}

use super::*;
use crate::memberlist::{Message, Nack};

fn nack(seq_no: u32) -> Vec<u8> {
    let mut out = Vec::new();
    Message::Nack(Nack { seq_no }).encode(&mut out);
    out
}

fn user(bytes: usize) -> Vec<u8> {
    let mut out = vec![0; bytes + 1];
    out[0] = kind::USER;
    out
}

const PLAIN: Wrap = Wrap { compress: false, crc: false };

/// Numbers of the nacks inside, errors in their places, and the verdict on the whole.
fn unwrapped(bytes: &[u8]) -> (Vec<Result<u32, DecodeError>>, Result<(), DecodeError>) {
    let mut seen = Vec::new();
    let verdict = unwrap(bytes, &mut |message| {
        seen.push(message.map(|message| match message {
            Message::Nack(nack) => nack.seq_no,
            other => panic!("{other:?}"),
        }));
    });
    (seen, verdict)
}

/// How many bytes of user messages come out, however it ends.
fn user_bytes(bytes: &[u8]) -> usize {
    let mut total = 0;
    let _ = unwrap(bytes, &mut |message| {
        if let Ok(Message::User(body)) = message {
            total += body.len() + 1;
        }
    });
    total
}

#[test]
fn every_wrapping_is_undone() {
    for (compress, crc) in [(false, false), (false, true), (true, false), (true, true)] {
        let wrap = Wrap { compress, crc };
        assert_eq!(unwrapped(&pack(&[nack(1)], wrap)), (vec![Ok(1)], Ok(())));
        let many: Vec<_> = (0..255).map(nack).collect();
        let packed = pack(&many, wrap);
        assert_eq!(packed[if crc { 5 } else { 0 }], if compress { kind::COMPRESS } else { kind::COMPOUND });
        assert_eq!(unwrapped(&packed), ((0..255).map(Ok).collect(), Ok(())));
    }
}

#[test]
fn compression_that_does_not_help_is_left_out() {
    let wrap = Wrap { compress: true, crc: false };
    assert_eq!(pack(&[nack(1)], wrap), nack(1));
}

#[test]
fn a_wrong_checksum_drops_the_datagram() {
    let mut packed = pack(&[nack(1)], Wrap { compress: false, crc: true });
    *packed.last_mut().unwrap() ^= 1;
    assert_eq!(unwrapped(&packed), (vec![], Err(DecodeError::Checksum)));
    assert_eq!(unwrapped(&[kind::HAS_CRC, 1, 2]), (vec![], Err(DecodeError::Truncated)));
}

#[test]
fn a_short_tail_costs_only_the_parts_it_cuts() {
    let packed = pack(&[nack(1), nack(2), nack(3), nack(4)], PLAIN);
    let cut = packed.len() - nack(4).len() - 1;
    assert_eq!(unwrapped(&packed[..cut]), (vec![Ok(1), Ok(2), Err(DecodeError::Truncated)], Ok(())));
    // Cut within the lengths there is no telling where parts begin.
    assert_eq!(unwrapped(&packed[..5]), (vec![], Err(DecodeError::Truncated)));
}

#[test]
fn an_unreadable_part_does_not_stop_the_others() {
    let packed = pack(&[nack(1), vec![99], vec![], nack(2)], PLAIN);
    let errors = [Err(DecodeError::UnknownType(99)), Err(DecodeError::Truncated)];
    assert_eq!(unwrapped(&packed), (vec![Ok(1), errors[0], errors[1], Ok(2)], Ok(())));
}

#[test]
fn compounds_nest_but_not_without_end() {
    let nested = |depth| (0..depth).fold(nack(1), |inner, _| pack(&[inner, nack(2)], PLAIN));
    assert_eq!(unwrapped(&nested(DEPTH_MAX)).0.iter().filter(|part| part.is_ok()).count(), DEPTH_MAX + 1);
    let (parts, _) = unwrapped(&nested(DEPTH_MAX + 1));
    assert_eq!(parts.first(), Some(&Err(DecodeError::TooLarge { what: "nesting", limit: DEPTH_MAX })));
}

#[test]
fn a_checksum_stands_outermost_or_not_at_all() {
    let with_crc = pack(&[nack(1)], Wrap { compress: false, crc: true });
    let (parts, _) = unwrapped(&pack(&[with_crc, nack(2)], PLAIN));
    assert_eq!(parts, [Err(DecodeError::UnknownType(kind::HAS_CRC)), Ok(2)]);
}

#[test]
fn a_compression_bomb_yields_nothing() {
    let bomb = compress::seal(&user(16 << 20));
    assert!(bomb.len() < 64 << 10);
    assert_eq!(user_bytes(&bomb), 0);
    assert_eq!(
        unwrap(&bomb, &mut |_| panic!("read")),
        Err(DecodeError::TooLarge { what: "decompressed bytes", limit: PLAIN_BYTES_MAX })
    );
}

#[test]
fn many_compressed_parts_share_one_budget() {
    let part = compress::seal(&user(20 << 10));
    assert!(part.len() < 300);
    let parts = vec![part; 200];
    assert_eq!(user_bytes(&pack(&parts, PLAIN)), 3 * (20 << 10) + 3);
}

#[test]
fn bombs_inside_bombs_share_it_too() {
    // Each layer holds the next one twice: without a shared budget the leaves would double with each.
    let layered = (0..3).fold(user(9 << 10), |inner, _| {
        let sealed = compress::seal(&inner);
        pack(&[sealed.clone(), sealed], PLAIN)
    });
    assert!(user_bytes(&layered) > 0);
    assert!(user_bytes(&layered) <= PLAIN_BYTES_MAX);
    let nested = (0..20).fold(user(60 << 10), |inner, _| compress::seal(&inner));
    assert_eq!(user_bytes(&nested), 0);
}

#[test]
fn parts_too_long_for_a_datagram_are_left_out() {
    let packed = pack(&[nack(1), user(70_000), nack(2)], PLAIN);
    assert_eq!(unwrapped(&packed), (vec![Ok(1), Ok(2)], Ok(())));
}

#[test]
fn an_empty_datagram_is_an_error() {
    assert_eq!(unwrapped(&[]), (vec![], Err(DecodeError::Truncated)));
}

//! Datagrams, one after the other, to an agent without a key and to one whose key the attacker has.
//!
//! Whatever can be read is written and read again as the same message, and survives sealing.
#![no_main]

use libfuzzer_sys::fuzz_target;
use muster_fuzz::{Node, pieces, sealed_border};
use muster_wire::memberlist::Message;
use muster_wire::packet::{self, PLAIN_BYTES_MAX, Wrap};
use std::time::Duration;

fuzz_target!(|data: &[u8]| {
    let border = sealed_border();
    let mut node = Node::default();
    let mut scratch = Vec::new();
    for bytes in pieces(data) {
        read_again(bytes);
        // Without the key nothing gets in.
        let _ = border.open_packet(bytes, &mut scratch);
        let sealed = border.seal_packet(&[9; 12], bytes.to_vec());
        let opened = border.open_packet(&sealed, &mut scratch).expect("what was sealed opens");
        assert_eq!(opened, bytes);
        node.packet(opened);
        node.wait(Duration::from_millis(700));
    }
    // Accusations and claims run out.
    node.wait(Duration::from_secs(60));
});

fn read_again(bytes: &[u8]) {
    let mut parts: Vec<Vec<u8>> = Vec::new();
    let mut leaf_bytes = 0;
    let _ = packet::unwrap(bytes, &mut |message| {
        let Ok(message) = message else { return };
        if let Message::User(body) = message {
            leaf_bytes += body.len();
        }
        let mut again = Vec::new();
        message.encode(&mut again);
        assert_eq!(Message::decode(&again).as_ref(), Ok(&message));
        parts.push(again);
    });
    assert!(leaf_bytes <= bytes.len() + PLAIN_BYTES_MAX);
    parts.truncate(packet::PARTS_MAX);
    parts.retain(|part| part.len() <= 1000);
    if parts.is_empty() || parts.iter().map(Vec::len).sum::<usize>() > PLAIN_BYTES_MAX / 2 {
        return;
    }
    for wrap in [Wrap { compress: true, crc: true }, Wrap { compress: false, crc: false }] {
        let packed = packet::pack(&parts, wrap);
        let mut unpacked = Vec::new();
        packet::unwrap(&packed, &mut |message| {
            let mut again = Vec::new();
            message.expect("what was packed is whole").encode(&mut again);
            unpacked.push(again);
        })
        .expect("what was packed unwraps");
        assert_eq!(unpacked, parts);
    }
}

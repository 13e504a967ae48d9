//! Every vector recorded from Serf 0.9.4, read, compared with what it is known to say, and written again.
//!
//! What we write is equal byte for byte, except:
//! - LZW output, which differs between encoders: what is inside is compared;
//! - the order of tags and status times, which is random in Go: we keep the order that was read;
//! - Serf's 512 slots of recent events: we write only those in use, or nil;
//! - the keys of one message of the hand-written peer, in an order that no agent uses ([`UNLIKE_SERF`]);
//! - the padding of encryption version 0, which is only read.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod oracle;

use muster_wire::memberlist::{Message, PushPullNode};
use muster_wire::msgpack::Reader;
use muster_wire::packet::{self, Wrap};
use muster_wire::serf::{self, ConflictResponse, Coordinate, Filter, KeyResponse, PushPullState};
use muster_wire::stream::{self, Inbound, Scanner};
use muster_wire::{DecodeError, Leg, tags};
use oracle::Vector;
use serde_json::{Value, json};
use weezl::BitOrder;

/// Keys out of order.
const UNLIKE_SERF: &str = "udp_indirect_ping_nack_wanted";

/// Vectors in `packet` form, and what is left of them inside their cluster's border.
fn packets() -> impl Iterator<Item = (Vector, Vec<u8>)> {
    oracle::layer("packet").map(|vector| {
        let mut scratch = Vec::new();
        let bytes = vector.border().open_packet(&vector.bytes, &mut scratch).unwrap().to_vec();
        (vector, bytes)
    })
}

/// The bytes inside a compression envelope, by way of the library alone.
fn decompressed(bytes: &[u8]) -> Option<Vec<u8>> {
    let (&9, envelope) = bytes.split_first()? else { return None };
    let mut buffer: &[u8] = &[];
    Reader::new(envelope)
        .record(&["Algo", "Buf"], |key, reader| {
            match key {
                "Buf" => buffer = reader.value()?,
                _ => _ = reader.skip()?,
            }
            Ok(())
        })
        .unwrap();
    Some(weezl::decode::Decoder::new(BitOrder::Lsb, 8).decode(buffer).unwrap())
}

#[test]
fn datagrams_say_what_the_reference_says_they_do() {
    let mut checked = 0;
    for (vector, bytes) in packets() {
        let mut expected = oracle::leaves(&vector.decoded).into_iter();
        packet::unwrap(&bytes, &mut |message| {
            let message = message.unwrap();
            let expected = expected.next().expect("no more messages than recorded");
            match message {
                Message::User(bytes) => {
                    let message = oracle::serf_message(&serf::Message::decode(bytes).unwrap());
                    assert_eq!(expected[0], "user", "{}", vector.name);
                    assert_eq!(
                        expected.as_array().unwrap()[1..],
                        message.as_array().unwrap()[..],
                        "{}",
                        vector.name
                    );
                }
                message => assert_eq!(&oracle::message(&message), expected, "{}", vector.name),
            }
            checked += 1;
        })
        .unwrap_or_else(|error| panic!("{}: {error}", vector.name));
        assert_eq!(expected.next(), None, "{}", vector.name);
    }
    assert_eq!(checked, 41);
}

#[test]
fn datagrams_are_written_byte_for_byte_as_the_reference_writes_them() {
    for (vector, bytes) in packets().filter(|(vector, _)| vector.name != UNLIKE_SERF) {
        let mut parts = Vec::new();
        packet::unwrap(&bytes, &mut |message| {
            let mut part = Vec::new();
            match message.unwrap() {
                Message::User(bytes) => Message::User(&rewritten(bytes)).encode(&mut part),
                message => message.encode(&mut part),
            }
            parts.push(part);
        })
        .unwrap();
        let wrap = Wrap { compress: false, crc: bytes[0] == 12 };
        // LZW output differs in bytes between encoders; what is inside must not.
        let expected = decompressed(&bytes).unwrap_or(bytes);
        assert_eq!(oracle::to_hex(&packet::pack(&parts, wrap)), oracle::to_hex(&expected), "{}", vector.name);
    }
}

/// A Serf message, read and written.
fn rewritten(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    serf::Message::decode(bytes).unwrap().encode(&mut out);
    out
}

#[test]
fn without_key_or_label_such_traffic_is_refused_by_name() {
    let mut checked = 0;
    for vector in oracle::layer("packet").filter(|vector| vector.name.contains("label")) {
        assert_eq!(packet::unwrap(&vector.bytes, &mut |_| panic!("read")), Err(DecodeError::Labelled));
        checked += 1;
    }
    for vector in oracle::layer("stream").filter(|vector| vector.key.is_some()) {
        assert_eq!(Scanner::new().scan(&vector.bytes), Err(DecodeError::Encrypted));
        checked += 1;
    }
    assert_eq!(checked, 4);
}

#[test]
fn encrypted_datagrams_are_opened_and_sealed_as_the_reference_does() {
    let mut checked = 0;
    for vector in oracle::layer("packet").filter(|vector| vector.key.is_some()) {
        let border = vector.border();
        let mut scratch = Vec::new();
        let plain = border.open_packet(&vector.bytes, &mut scratch).unwrap().to_vec();
        let recorded = vector.plaintext.as_ref().unwrap();
        checked += 1;
        if vector.name == "udp_encrypted_v0_ping" {
            assert_eq!([&plain[..], &[12; 12]].concat(), *recorded);
            continue;
        }
        assert_eq!(&plain, recorded, "{}", vector.name);
        let nonce_at = border.packet_overhead() - 16 - 12;
        let nonce = vector.bytes[nonce_at..][..12].try_into().unwrap();
        assert_eq!(border.seal_packet(nonce, plain), vector.bytes, "{}", vector.name);
    }
    assert_eq!(checked, 6);
}

#[test]
fn encrypted_streams_are_sealed_as_the_reference_does() {
    let mut checked = 0;
    for (vector, plain) in streams().filter(|(vector, _)| vector.key.is_some()) {
        let nonce = vector.bytes[6..18].try_into().unwrap();
        assert_eq!(vector.border().seal_stream(Leg::Request, nonce, plain), vector.bytes, "{}", vector.name);
        checked += 1;
    }
    assert_eq!(checked, 2);
}

/// Vectors in `stream` form, and what is left of them inside their cluster's border.
fn streams() -> impl Iterator<Item = (Vector, Vec<u8>)> {
    oracle::layer("stream").map(|vector| {
        let bytes = vector.border().open_stream(Leg::Request, vector.bytes.clone()).unwrap();
        (vector, bytes)
    })
}

#[test]
fn streams_end_where_the_reference_ends_them_and_say_what_it_says() {
    for (vector, bytes) in streams() {
        let end = vector.border().scanner(Leg::Request).scan(&vector.bytes);
        assert_eq!(end, Ok(Some(vector.bytes.len())), "{}", vector.name);
        assert_eq!(Scanner::new().scan(&bytes), Ok(Some(bytes.len())), "{}", vector.name);
        let mut expected = &vector.decoded;
        while expected[0] == "compress"
            || expected[0].as_str().is_some_and(|kind| kind.starts_with("encrypt "))
        {
            expected = &expected[1];
        }
        let mut plain = Vec::new();
        match Inbound::decode(&bytes, &mut plain).unwrap() {
            Inbound::Message(Message::User(bytes)) => {
                assert_eq!(expected[1]["UserMsgLen"], bytes.len(), "{}", vector.name);
                let message = oracle::serf_message(&serf::Message::decode(bytes).unwrap());
                assert_eq!(expected.as_array().unwrap()[2..], message.as_array().unwrap()[..]);
            }
            Inbound::Message(message) => assert_eq!(&oracle::message(&message), expected, "{}", vector.name),
            Inbound::PushPull(state) => {
                assert_eq!(expected[1]["Join"], state.join);
                assert_eq!(expected[1]["UserStateLen"], state.user_state.len());
                let nodes: Vec<_> = state.nodes().map(|node| oracle::node(&node.unwrap())).collect();
                assert_eq!(expected[1]["Nodes"], nodes.len());
                assert_eq!(expected[2], Value::Array(nodes), "{}", vector.name);
                let state = PushPullState::decode(state.user_state).unwrap();
                // The file leaves out the 512 empty slots of an idle agent, and we read none of them as an event.
                assert_eq!(state.events, []);
                assert_eq!(oracle::state(&state, &expected[3][1]["Events"]), expected[3], "{}", vector.name);
            }
        }
    }
}

#[test]
fn streams_are_written_byte_for_byte_as_the_reference_writes_them() {
    for (vector, bytes) in streams() {
        let mut plain = Vec::new();
        let again = match Inbound::decode(&bytes, &mut plain).unwrap() {
            Inbound::Message(message) => stream::encode_message(&message, false),
            Inbound::PushPull(state) => {
                let nodes: Vec<_> = state.nodes().map(Result::unwrap).collect();
                let user_state = PushPullState::decode(state.user_state).unwrap().encode();
                let expected = without_empty_slots(state.user_state);
                assert_eq!(oracle::to_hex(&user_state), oracle::to_hex(&expected), "{}", vector.name);
                stream::encode_push_pull(state.join, nodes.into_iter(), state.user_state, false)
            }
        };
        let expected = decompressed(&bytes).unwrap_or(bytes);
        assert_eq!(oracle::to_hex(&again), oracle::to_hex(&expected), "{}", vector.name);
    }
}

/// A user state as we write it: Serf writes all 512 slots of its ring of events, we write nil when they are empty.
fn without_empty_slots(user_state: &[u8]) -> Vec<u8> {
    let slots = [&[0xdc, 2, 0][..], &[0xc0; 512]].concat();
    match user_state.windows(slots.len()).position(|window| window == slots) {
        Some(at) => [&user_state[..at], &[0xc0], &user_state[at + slots.len()..]].concat(),
        None => user_state.to_vec(),
    }
}

#[test]
fn payloads_of_acks_and_answers_say_what_the_reference_says() {
    let mut checked = Vec::new();
    for vector in oracle::layer("packet") {
        let Ok(message) = Message::decode(&vector.bytes) else { continue };
        match message {
            Message::Ack(ack) if !ack.payload.is_empty() => {
                let coordinate = Coordinate::decode_ack(ack.payload).unwrap();
                assert_eq!(coordinate.vec.len(), 8);
                assert_eq!(coordinate.error.to_bits(), 0x3fd2_8435_17e6_4139);
                assert_eq!(coordinate.height.to_bits(), 0x3efe_8600_feb9_3c83);
                assert_eq!(coordinate.adjustment.to_bits(), 0x3eed_843d_3fe6_9913);
                let ours = coordinate.encode_ack();
                assert_eq!(ours.len() + 44, ack.payload.len(), "eleven numbers of half the size");
                let read = Coordinate::decode_ack(&ours).unwrap();
                for (short, long) in [(read.error, coordinate.error), (read.height, coordinate.height)] {
                    assert!((short - long).abs() < long * 1.0e-7, "{short} for {long}");
                }
            }
            Message::User(bytes) => {
                let Ok(serf::Message::QueryResponse(response)) = serf::Message::decode(bytes) else {
                    continue;
                };
                match response.payload {
                    Some(payload @ [serf::kind::CONFLICT_RESPONSE, ..]) => {
                        let answer = ConflictResponse::decode(payload).unwrap();
                        let member = answer.member.as_ref().map(oracle::member);
                        assert_eq!(member, vector.inner, "{}", vector.name);
                        assert_eq!(answer.encode(), payload);
                    }
                    Some(payload @ [serf::kind::KEY_RESPONSE, ..]) => {
                        let answer = KeyResponse::decode(payload).unwrap();
                        let inner = json!({
                            "Keys": if answer.keys.is_empty() { Value::Null } else { json!(answer.keys) },
                            "Message": answer.message, "PrimaryKey": answer.primary_key, "Result": answer.result,
                        });
                        assert_eq!(Some(inner), vector.inner);
                        assert_eq!(answer.encode(), payload);
                    }
                    _ => continue,
                }
            }
            _ => continue,
        }
        checked.push(vector.name);
    }
    let expected = [
        "udp_ack_with_coordinate",
        "udp_conflict_response",
        "udp_conflict_response_unknown_node",
        "udp_key_response_no_keyring",
    ];
    assert_eq!(checked, expected);
}

#[test]
fn filters_of_a_query_are_read_and_written() {
    let vector = oracle::vector("udp_crc_query_filters_ack_relay");
    let mut filters = 0;
    packet::unwrap(&vector.bytes, &mut |message| {
        let Ok(Message::User(bytes)) = message else { panic!("{message:?}") };
        let Ok(serf::Message::Query(query)) = serf::Message::decode(bytes) else { panic!() };
        let expected = [Filter::Nodes(vec!["alpha", "pyz"]), Filter::Tag { tag: "role", expr: "web" }];
        for (bytes, expected) in query.filters.iter().zip(expected) {
            assert_eq!(Filter::decode(bytes), Ok(expected.clone()));
            assert_eq!(&expected.encode(), bytes);
            filters += 1;
        }
    })
    .unwrap();
    assert_eq!(filters, 2);
}

#[test]
fn the_large_sample_with_resets_of_the_code_table_is_read_whole() {
    let (compressed, plain_bytes) = oracle::large();
    let mut envelope = b"\x09\x82\xa4Algo\x00\xa3Buf\xda".to_vec();
    envelope.extend_from_slice(&u16::try_from(compressed.len()).unwrap().to_be_bytes());
    envelope.extend_from_slice(&compressed);
    assert_eq!(Scanner::new().scan(&envelope), Ok(Some(envelope.len())));

    let mut plain = Vec::new();
    let Ok(Inbound::PushPull(state)) = Inbound::decode(&envelope, &mut plain) else { panic!() };
    let nodes: Vec<_> = state.nodes().map(Result::unwrap).collect();
    let again = stream::encode_push_pull(state.join, nodes.into_iter(), state.user_state, false);
    let serf = PushPullState::decode(state.user_state).unwrap();
    assert!(!serf.events.is_empty());
    assert_eq!(PushPullState::decode(&serf.encode()), Ok(serf));
    assert_eq!(again.len() as u64, plain_bytes);
    // The CRC-32 of the bytes whose SHA-256 stands in the file.
    assert_eq!(crc32fast::hash(&again), 0xf494_af08);
}

#[test]
fn a_node_announced_in_sixteen_bytes_keeps_them() {
    let vector = oracle::vector("node_state_default_bind_ipv4");
    let node: PushPullNode<'_> = Reader::new(&vector.bytes).value().unwrap();
    assert_eq!(node.addr.as_bytes().len(), 16);
    assert_eq!(node.addr.ip().to_string(), "10.9.8.7");
    let mut expected = vector.decoded.clone();
    expected["Addr"] = oracle::raw(node.addr.as_bytes());
    assert_eq!(oracle::node(&node), expected);
}

#[test]
fn meta_holds_the_recorded_tags() {
    let mut checked = 0;
    for vector in oracle::layer("meta") {
        let tags = tags::decode(&vector.bytes);
        assert_eq!(oracle::text_map(&tags), vector.decoded, "{}", vector.name);
        assert_eq!(tags::encode(&tags), vector.bytes, "{}", vector.name);
        checked += 1;
    }
    assert_eq!(checked, 2);
}

//! Every vector recorded from Serf 0.9.4, read, compared with what it is known to say, and written again.

mod oracle;

use muster_wire::memberlist::{Message, PushPullNode};
use muster_wire::msgpack::Reader;
use muster_wire::packet::{self, Wrap};
use muster_wire::stream::{self, Inbound, Scanner};
use muster_wire::{DecodeError, tags};
use oracle::Vector;
use serde_json::Value;
use weezl::BitOrder;

/// Vectors in `packet` form that this crate reads: encrypted ones by their plaintext; labelled ones are refused.
fn packets() -> impl Iterator<Item = (Vector, Vec<u8>)> {
    oracle::layer("packet").filter(|vector| !vector.name.contains("label")).map(|vector| {
        let bytes = vector.plaintext.clone().unwrap_or_else(|| vector.bytes.clone());
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
                Message::User(_) => assert_eq!(expected[0], "user", "{}", vector.name),
                message => assert_eq!(&oracle::message(&message), expected, "{}", vector.name),
            }
            checked += 1;
        })
        .unwrap_or_else(|error| panic!("{}: {error}", vector.name));
        assert_eq!(expected.next(), None, "{}", vector.name);
    }
    assert_eq!(checked, 39);
}

#[test]
fn datagrams_are_written_byte_for_byte_as_the_reference_writes_them() {
    for (vector, bytes) in packets().filter(|(vector, _)| vector.from_serf) {
        let mut parts = Vec::new();
        packet::unwrap(&bytes, &mut |message| {
            let mut part = Vec::new();
            message.unwrap().encode(&mut part);
            parts.push(part);
        })
        .unwrap();
        let wrap = Wrap { compress: false, crc: bytes[0] == 12 };
        // LZW output differs in bytes between encoders; what is inside must not.
        let expected = decompressed(&bytes).unwrap_or(bytes);
        assert_eq!(oracle::to_hex(&packet::pack(&parts, wrap)), oracle::to_hex(&expected), "{}", vector.name);
    }
}

#[test]
fn labelled_datagrams_and_encrypted_streams_are_refused_by_name() {
    for vector in oracle::layer("packet").filter(|vector| vector.name.contains("label")) {
        assert_eq!(packet::unwrap(&vector.bytes, &mut |_| panic!("read")), Err(DecodeError::Labelled));
    }
    for vector in oracle::layer("stream").filter(|vector| vector.name.contains("encrypted")) {
        assert_eq!(Scanner::new().scan(&vector.bytes), Err(DecodeError::Encrypted));
    }
}

fn streams() -> impl Iterator<Item = Vector> {
    oracle::layer("stream").filter(|vector| !vector.name.contains("encrypted"))
}

#[test]
fn streams_end_where_the_reference_ends_them_and_say_what_it_says() {
    for vector in streams() {
        assert_eq!(Scanner::new().scan(&vector.bytes), Ok(Some(vector.bytes.len())), "{}", vector.name);
        let expected = match &vector.decoded[0] {
            Value::String(kind) if kind == "compress" => &vector.decoded[1],
            _ => &vector.decoded,
        };
        let mut plain = Vec::new();
        match Inbound::decode(&vector.bytes, &mut plain).unwrap() {
            Inbound::Message(Message::User(bytes)) => {
                assert_eq!(expected[1]["UserMsgLen"], bytes.len(), "{}", vector.name);
            }
            Inbound::Message(message) => assert_eq!(&oracle::message(&message), expected, "{}", vector.name),
            Inbound::PushPull(state) => {
                assert_eq!(expected[1]["Join"], state.join);
                assert_eq!(expected[1]["UserStateLen"], state.user_state.len());
                let nodes: Vec<_> = state.nodes().map(|node| oracle::node(&node.unwrap())).collect();
                assert_eq!(expected[1]["Nodes"], nodes.len());
                assert_eq!(expected[2], Value::Array(nodes), "{}", vector.name);
            }
        }
    }
}

#[test]
fn streams_are_written_byte_for_byte_as_the_reference_writes_them() {
    for vector in streams() {
        let mut plain = Vec::new();
        let again = match Inbound::decode(&vector.bytes, &mut plain).unwrap() {
            Inbound::Message(message) => stream::encode_message(&message, false),
            Inbound::PushPull(state) => {
                let nodes: Vec<_> = state.nodes().map(Result::unwrap).collect();
                stream::encode_push_pull(state.join, nodes.into_iter(), state.user_state, false)
            }
        };
        let expected = decompressed(&vector.bytes).unwrap_or(vector.bytes);
        assert_eq!(oracle::to_hex(&again), oracle::to_hex(&expected), "{}", vector.name);
    }
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

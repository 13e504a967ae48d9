use super::*;
use crate::memberlist::{Message, NodeState, Ping, PushPullNode, kind};
use crate::msgpack::{Dialect, Writer};
use crate::{RawAddr, Versions, compress};

fn node(name: &str) -> PushPullNode<'_> {
    PushPullNode {
        name,
        addr: RawAddr::V4([10, 0, 0, 1]),
        port: 7946,
        meta: b"\xff\x80",
        incarnation: 3,
        state: NodeState::Suspect,
        versions: Some(Versions::OURS),
    }
}

fn push_pull_header(nodes: i64, user_state_len: i64) -> Vec<u8> {
    let mut out = vec![kind::PUSH_PULL];
    Writer::new(Dialect::Gossip, &mut out).value(&PushPullHeader { nodes, user_state_len, join: false });
    out
}

#[test]
fn one_unreadable_node_costs_no_other() {
    let nodes = ["a", "b", "c"].map(node);
    let bytes = encode_push_pull(true, nodes.into_iter(), b"\x02\x80", false);
    let at = bytes.windows(7).position(|window| window == b"\xa4Name\xa1b").unwrap();
    let mut hostile = bytes.clone();
    hostile[at + 6] = 0xff;
    for (bytes, readable) in [(&bytes, [true, true, true]), (&hostile, [true, false, true])] {
        let mut plain = Vec::new();
        assert_eq!(Scanner::new().scan(bytes), Ok(Some(bytes.len())));
        let Ok(Inbound::PushPull(state)) = Inbound::decode(bytes, &mut plain) else { panic!() };
        assert!(state.join);
        assert_eq!(state.user_state, b"\x02\x80");
        assert_eq!(state.nodes().map(|node| node.is_ok()).collect::<Vec<_>>(), readable);
        assert_eq!(state.nodes().last(), Some(Ok(nodes[2])));
    }
}

#[test]
fn hostile_counts_are_refused_with_the_header_alone() {
    let too_many_nodes = NODES_MAX as i64 + 1;
    let too_many_bytes = MESSAGE_BYTES_MAX as i64 + 1;
    for header in [
        push_pull_header(-1, 0),
        push_pull_header(0, -1),
        push_pull_header(i64::MIN, i64::MAX),
        push_pull_header(too_many_nodes, 0),
        push_pull_header(0, too_many_bytes),
        push_pull_header(0, MESSAGE_BYTES_MAX as i64),
    ] {
        assert!(Scanner::new().scan(&header).is_err());
        assert!(Inbound::decode(&header, &mut Vec::new()).is_err());
    }
    for count in [-1, too_many_bytes, i64::MAX] {
        let mut header = vec![kind::USER];
        Writer::new(Dialect::Gossip, &mut header).value(&UserHeader { user_msg_len: count });
        assert!(Scanner::new().scan(&header).is_err());
        assert!(Inbound::decode(&header, &mut Vec::new()).is_err());
    }
}

#[test]
fn a_count_of_nodes_that_never_come_waits_and_allocates_nothing() {
    let header = push_pull_header(NODES_MAX as i64, 0);
    assert_eq!(Scanner::new().scan(&header), Ok(None));
    assert_eq!(Inbound::decode(&header, &mut Vec::new()).unwrap_err(), DecodeError::Truncated);
}

#[test]
fn compression_holds_any_message_once() {
    let ping = Message::Ping(Ping { seq_no: 7, node: "n", source: None });
    for bytes in [encode_message(&ping, true), encode_message(&ping, false)] {
        let mut plain = Vec::new();
        assert!(matches!(Inbound::decode(&bytes, &mut plain), Ok(Inbound::Message(again)) if again == ping));
    }
    let user = encode_message(&Message::User(b"\x01hello"), true);
    let mut plain = Vec::new();
    let inbound = Inbound::decode(&user, &mut plain);
    assert!(matches!(inbound, Ok(Inbound::Message(Message::User(b"\x01hello")))));

    let twice = compress::seal(&encode_message(&ping, true));
    let refused = Inbound::decode(&twice, &mut Vec::new()).unwrap_err();
    assert_eq!(refused, DecodeError::UnknownType(kind::COMPRESS));
}

#[test]
fn a_compressed_stream_expands_to_the_limit_and_no_further() {
    let user_of = |bytes: usize| encode_user(&vec![0; bytes], true);
    let header_bytes = 1 + 1 + "_UserMsgLen".len() + 5;
    let mut plain = Vec::new();
    assert!(Inbound::decode(&user_of(MESSAGE_BYTES_MAX - header_bytes), &mut plain).is_ok());
    assert_eq!(plain.len(), MESSAGE_BYTES_MAX);

    let bomb = user_of(16 << 20);
    assert!(bomb.len() < 64 << 10, "16 MiB in {} bytes", bomb.len());
    let mut plain = Vec::new();
    let refused = Inbound::decode(&bomb, &mut plain).unwrap_err();
    assert_eq!(refused, DecodeError::TooLarge { what: "decompressed bytes", limit: MESSAGE_BYTES_MAX });
}

#[test]
fn what_may_not_begin_a_stream_is_refused_at_its_first_byte() {
    for (first, error) in [
        (kind::ENCRYPT, DecodeError::Encrypted),
        (kind::HAS_LABEL, DecodeError::Labelled),
        (kind::ALIVE, DecodeError::UnknownType(kind::ALIVE)),
        (kind::COMPOUND, DecodeError::UnknownType(kind::COMPOUND)),
        (b'G', DecodeError::UnknownType(b'G')),
    ] {
        assert_eq!(Scanner::new().scan(&[first]), Err(error));
        assert_eq!(Inbound::decode(&[first], &mut Vec::new()).unwrap_err(), error);
    }
}

#[test]
fn what_follows_the_first_message_is_not_part_of_it() {
    let ping = encode_message(&Message::Ping(Ping { seq_no: 7, node: "n", source: None }), false);
    let more = [&ping[..], b"trailing"].concat();
    assert_eq!(Scanner::new().scan(&more), Ok(Some(ping.len())));
}

#[test]
fn a_compressed_message_expands_in_steps_to_what_it_was() {
    let nodes: Vec<_> = (0..1000).map(|at| format!("node-{at}")).collect();
    let plain = encode_push_pull(true, nodes.iter().map(|name| node(name)), b"\x02\x80", false);
    let compressed = encode_push_pull(true, nodes.iter().map(|name| node(name)), b"\x02\x80", true);
    assert!(Expander::new(&plain).unwrap().is_none());
    let mut expander = Expander::new(&compressed).unwrap().unwrap();
    let mut expanded = Vec::new();
    loop {
        let before = expanded.len();
        let whole = expander.step(&mut expanded).unwrap();
        assert!(expanded.len() - before <= Expander::STEP_BYTES);
        if whole {
            break;
        }
    }
    assert_eq!(expanded, plain);
}

fn expand(message: &[u8]) -> Result<usize, DecodeError> {
    let mut expander = Expander::new(message)?.expect("compressed");
    let mut plain = Vec::new();
    while !expander.step(&mut plain)? {}
    Ok(plain.len())
}

#[test]
fn bombs_and_double_compression_expand_no_further_than_they_may() {
    let header_bytes = 1 + 1 + "_UserMsgLen".len() + 5;
    let largest = encode_user(&vec![0; MESSAGE_BYTES_MAX - header_bytes], true);
    assert_eq!(expand(&largest), Ok(MESSAGE_BYTES_MAX));
    let bomb = encode_user(&vec![0; 16 << 20], true);
    let refused = DecodeError::TooLarge { what: "decompressed bytes", limit: MESSAGE_BYTES_MAX };
    assert_eq!(expand(&bomb), Err(refused));
    assert_eq!(expand(&compress::seal(&largest)), Err(DecodeError::UnknownType(kind::COMPRESS)));
    assert_eq!(expand(&bomb[..bomb.len() / 2]), Err(DecodeError::Truncated));
}

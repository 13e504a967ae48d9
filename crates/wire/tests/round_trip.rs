//! What we write, we read: every message with any content.

use muster_wire::memberlist::{
    Ack, Alive, Dead, ErrReply, IndirectPing, Message, Nack, NodeState, Ping, PushPullNode, Source, Suspect,
};
use muster_wire::packet::{self, Wrap};
use muster_wire::serf::{
    self, ConflictResponse, Coordinate, Filter, JoinIntent, KeyRequest, KeyResponse, LeaveIntent, Member,
    PushPullState, Query, QueryResponse, RecentEvents, Relay, UserEvent,
};
use muster_wire::stream::{self, Inbound, Scanner};
use muster_wire::tags::{self, Tags};
use muster_wire::{RawAddr, Versions};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

#[expect(clippy::cast_possible_truncation, reason = "what is tested")]
fn shortened(value: f64) -> f32 {
    value as f32
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![4 => "\\PC{0,12}", 1 => "[a-z]{30,34}", 1 => "[a-z]{254,258}"]
}

fn blob() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![4 => vec(any::<u8>(), 0..40), 1 => vec(any::<u8>(), 250..300)]
}

fn addr() -> impl Strategy<Value = RawAddr> {
    prop_oneof![any::<[u8; 4]>().prop_map(RawAddr::V4), any::<[u8; 16]>().prop_map(RawAddr::V16)]
}

/// Owned content of any message, from which messages that borrow are made.
#[derive(Clone, Debug)]
struct Content {
    number: u32,
    long: u64,
    port: u16,
    flag: bool,
    addr: RawAddr,
    texts: [String; 3],
    blob: Vec<u8>,
    payload: Option<Vec<u8>>,
    versions: Option<[u8; 6]>,
    with_source: bool,
}

fn content() -> impl Strategy<Value = Content> {
    let numbers = (any::<u32>(), any::<u64>(), any::<u16>(), any::<bool>(), any::<bool>());
    let rest = (addr(), [text(), text(), text()], blob(), option::of(blob()), any::<Option<[u8; 6]>>());
    (numbers, rest).prop_map(|(numbers, rest)| {
        let (number, long, port, flag, with_source) = numbers;
        let (addr, texts, blob, payload, versions) = rest;
        Content { number, long, port, flag, addr, texts, blob, payload, versions, with_source }
    })
}

impl Content {
    fn source(&self) -> Option<Source<'_>> {
        let port = self.port.max(1);
        self.with_source.then_some(Source { addr: self.addr, port, node: &self.texts[1] })
    }

    fn messages(&self) -> Vec<Message<'_>> {
        let Self { number, port, flag, addr, ref texts, ref blob, .. } = *self;
        let [node, from, _] = texts.each_ref().map(String::as_str);
        let versions = self.versions.map(Versions);
        vec![
            Message::Ping(Ping { seq_no: number, node, source: self.source() }),
            Message::IndirectPing(IndirectPing {
                seq_no: number,
                target: addr,
                port,
                node,
                nack: flag,
                source: self.source(),
            }),
            Message::Ack(Ack { seq_no: number, payload: blob }),
            Message::Nack(Nack { seq_no: number }),
            Message::Err(ErrReply { error: node }),
            Message::Suspect(Suspect { incarnation: number, node, from }),
            Message::Alive(Alive { incarnation: number, node, addr, port, meta: blob, versions }),
            Message::Dead(Dead { incarnation: number, node, from }),
            Message::User(blob),
        ]
    }

    fn node(&self) -> PushPullNode<'_> {
        let state = [NodeState::Alive, NodeState::Suspect, NodeState::Dead, NodeState::Left];
        PushPullNode {
            name: &self.texts[0],
            addr: self.addr,
            port: self.port,
            meta: &self.blob,
            incarnation: self.number,
            state: state[self.number as usize % 4],
            versions: self.versions.map(Versions),
        }
    }

    fn serf_messages(&self) -> Vec<serf::Message<'_>> {
        let Self { number, long, port, flag, addr, ref texts, ref blob, .. } = *self;
        let [node, name, _] = texts.each_ref().map(String::as_str);
        let payload = self.payload.as_deref();
        vec![
            serf::Message::Leave(LeaveIntent { ltime: long, node, prune: flag }),
            serf::Message::Join(JoinIntent { ltime: long, node }),
            serf::Message::UserEvent(UserEvent { ltime: long, name, payload, coalesce: flag }),
            serf::Message::Query(Query {
                ltime: long,
                id: number,
                addr: flag.then_some(addr),
                port,
                source_node: node,
                filters: if flag { vec![blob, b""] } else { vec![] },
                flags: number,
                relay_factor: blob.first().copied().unwrap_or_default(),
                timeout_ns: long.cast_signed(),
                name,
                payload,
            }),
            serf::Message::QueryResponse(QueryResponse {
                ltime: long,
                id: number,
                from: node,
                flags: number,
                payload,
            }),
            serf::Message::Relay(Relay { addr, port, node, message: blob }),
        ]
    }
}

proptest! {
    #[test]
    fn memberlist_messages_in_datagrams_and_streams(content in content(), compress: bool, crc: bool) {
        let messages = content.messages();
        let parts: Vec<_> = messages
            .iter()
            .map(|message| {
                let mut part = Vec::new();
                message.encode(&mut part);
                part
            })
            .collect();
        let mut expected = messages.iter();
        packet::unwrap(&packet::pack(&parts, Wrap { compress, crc }), &mut |message| {
            assert_eq!(message.as_ref(), Ok(expected.next().expect("as many as were packed")));
        })
        .expect("own datagrams are readable");
        prop_assert_eq!(expected.next(), None);

        for message in &messages {
            if !matches!(message, Message::Ping(_) | Message::Ack(_) | Message::Err(_) | Message::User(_)) {
                continue;
            }
            let bytes = stream::encode_message(message, compress);
            prop_assert_eq!(Scanner::new().scan(&bytes), Ok(Some(bytes.len())));
            let mut plain = Vec::new();
            let again = Inbound::decode(&bytes, &mut plain);
            prop_assert!(matches!(again, Ok(Inbound::Message(again)) if again == *message));
        }
    }

    #[test]
    fn push_pulls(contents in vec(content(), 0..5), join: bool, state in blob(), compress: bool) {
        let nodes: Vec<_> = contents.iter().map(Content::node).collect();
        let bytes = stream::encode_push_pull(join, nodes.iter().copied(), &state, compress);
        prop_assert_eq!(Scanner::new().scan(&bytes), Ok(Some(bytes.len())));
        let mut plain = Vec::new();
        let Ok(Inbound::PushPull(again)) = Inbound::decode(&bytes, &mut plain) else { panic!("no push/pull") };
        prop_assert_eq!(again.join, join);
        prop_assert_eq!(again.user_state, &state);
        prop_assert_eq!(again.nodes().collect::<Result<Vec<_>, _>>(), Ok(nodes));
    }

    #[test]
    fn serf_messages(content in content()) {
        for message in content.serf_messages() {
            let mut bytes = Vec::new();
            message.encode(&mut bytes);
            prop_assert_eq!(serf::Message::decode(&bytes), Ok(message));
        }
    }

    #[test]
    fn serf_state(
        clocks: [u64; 3],
        names in vec(text(), 0..20),
        events in vec((any::<u64>(), vec((text(), option::of(blob())), 0..3)), 0..4),
    ) {
        let state = PushPullState {
            ltime: clocks[0],
            status_ltimes: names.iter().map(|name| (name.as_str(), clocks[0] / 2)).collect(),
            left_members: names.iter().skip(3).map(String::as_str).collect(),
            event_ltime: clocks[1],
            events: events
                .iter()
                .map(|(ltime, events)| RecentEvents {
                    ltime: *ltime,
                    events: events.iter().map(|(name, payload)| (name.as_str(), payload.as_deref())).collect(),
                })
                .collect(),
            query_ltime: clocks[2],
        };
        let bytes = state.encode();
        prop_assert_eq!(PushPullState::decode(&bytes), Ok(state));
    }

    #[test]
    fn payloads(content in content(), floats in vec(-1e9..1e9_f64, 3..12), pairs in vec((text(), text()), 0..4)) {
        let [first, second, third] = content.texts.each_ref().map(String::as_str);
        for filter in [Filter::Nodes(vec![first, second]), Filter::Tag { tag: first, expr: third }] {
            let bytes = filter.encode();
            prop_assert_eq!(Filter::decode(&bytes), Ok(filter));
        }
        let coordinate = Coordinate {
            error: floats[0],
            adjustment: floats[1],
            height: floats[2],
            vec: floats[3..].to_vec(),
        };
        // It is sent with fewer digits.
        let single = |value: f64| f64::from(shortened(value));
        let sent = Coordinate {
            error: single(coordinate.error),
            adjustment: single(coordinate.adjustment),
            height: single(coordinate.height),
            vec: coordinate.vec.iter().copied().map(single).collect(),
        };
        prop_assert_eq!(Coordinate::decode_ack(&coordinate.encode_ack()), Ok(sent));

        let request = KeyRequest { key: &content.blob };
        let bytes = request.encode();
        prop_assert_eq!(KeyRequest::decode(&bytes), Ok(request));
        let response = KeyResponse {
            result: content.flag,
            message: first,
            keys: pairs.iter().map(|(key, _)| key.as_str()).collect(),
            primary_key: second,
        };
        let bytes = response.encode();
        prop_assert_eq!(KeyResponse::decode(&bytes), Ok(response));

        let [protocol_min, protocol_max, protocol_cur, delegate_min, delegate_max, delegate_cur] =
            content.versions.unwrap_or_default();
        let member = content.flag.then(|| Member {
            name: first,
            addr: content.addr,
            port: content.port,
            tags: pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect(),
            status: 1,
            protocol_min,
            protocol_max,
            protocol_cur,
            delegate_min,
            delegate_max,
            delegate_cur,
        });
        let response = ConflictResponse { member };
        let bytes = response.encode();
        prop_assert_eq!(ConflictResponse::decode(&bytes), Ok(response));
    }

    #[test]
    fn tags_within_the_limit(tags in prop::collection::btree_map("\\PC{0,8}", "\\PC{0,12}", 0..8)) {
        let tags: Tags = tags;
        let meta = tags::encode(&tags);
        prop_assume!(meta.len() <= tags::META_BYTES_MAX);
        prop_assert_eq!(tags::decode(&meta), tags);
    }
}

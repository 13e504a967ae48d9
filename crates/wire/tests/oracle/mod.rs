//! The vector file, and our messages in the JSON form it uses: text where the bytes are printable ASCII, else `hex:...`.
#![allow(dead_code, reason = "each test binary uses its own part")]

use muster_wire::crypt::{Key, Keyring};
use muster_wire::memberlist::{Message, PushPullNode, Source};
use muster_wire::serf::{self, Coordinate, Member, PushPullState};
use muster_wire::{Border, Label, RawAddr, Versions};
use serde_json::{Map, Value, json};

/// One vector of `vectors/serf-0.9.4.json`.
pub(crate) struct Vector {
    pub(crate) name: String,
    pub(crate) layer: String,
    pub(crate) bytes: Vec<u8>,
    pub(crate) decoded: Value,
    /// What an encrypted vector holds, padding included.
    pub(crate) plaintext: Option<Vec<u8>>,
    pub(crate) key: Option<Vec<u8>>,
    pub(crate) request: Option<Vec<u8>>,
    /// What the payload of a query response holds.
    pub(crate) inner: Option<Value>,
}

/// All short vectors.
pub(crate) fn vectors() -> Vec<Vector> {
    let file: Value = serde_json::from_str(include_str!("../vectors/serf-0.9.4.json")).unwrap();
    let vectors: Vec<_> = file["vectors"].as_array().unwrap().iter().map(Vector::read).collect();
    assert_eq!(vectors.len(), 74, "the vector file changed: adjust what the tests claim to cover");
    vectors
}

/// The large LZW sample, compressed, and the length of what it stands for.
pub(crate) fn large() -> (Vec<u8>, u64) {
    let file: Value = serde_json::from_str(include_str!("../vectors/serf-0.9.4.json")).unwrap();
    let large = &file["large"][0];
    let compressed = from_base64(large["compressed_base64"].as_str().unwrap());
    assert_eq!(large["compressed_len"], compressed.len());
    (compressed, large["plain_len"].as_u64().unwrap())
}

fn from_base64(text: &str) -> Vec<u8> {
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let (mut bytes, mut bits, mut held) = (Vec::new(), 0_u32, 0);
    for byte in text.trim_end_matches('=').bytes() {
        let digit = alphabet.iter().position(|&known| known == byte).unwrap();
        bits = bits << 6 | u32::try_from(digit).unwrap();
        held += 6;
        if held >= 8 {
            held -= 8;
            bytes.push((bits >> held & 0xff).try_into().unwrap());
        }
    }
    bytes
}

/// The vectors of one layer.
pub(crate) fn layer(layer: &str) -> impl Iterator<Item = Vector> {
    vectors().into_iter().filter(move |vector| vector.layer == layer)
}

/// The vector of that name.
pub(crate) fn vector(name: &str) -> Vector {
    vectors().into_iter().find(|vector| vector.name == name).unwrap()
}

impl Vector {
    fn read(entry: &Value) -> Self {
        let text = |key: &str| entry[key].as_str().unwrap().to_owned();
        let bytes = |key: &str| entry.get(key).map(|hex| from_hex(hex.as_str().unwrap()));
        Self {
            name: text("name"),
            layer: text("layer"),
            bytes: bytes("hex").unwrap(),
            decoded: entry["decoded"].clone(),
            plaintext: bytes("plaintext_hex"),
            key: bytes("key_hex"),
            request: bytes("request_hex"),
            inner: entry.get("inner").cloned(),
        }
    }

    /// The border of the cluster it belongs to: its key, and the label `lab` where it is labelled.
    pub(crate) fn border(&self) -> Border {
        let label = if self.name.contains("label") { &b"lab"[..] } else { b"" };
        let keys = self.key.as_ref().map(|key| Keyring::new(Key::from_bytes(key).unwrap()));
        Border::new(Label::new(label).unwrap(), keys)
    }
}

pub(crate) fn from_hex(hex: &str) -> Vec<u8> {
    assert!(hex.len().is_multiple_of(2));
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}

pub(crate) fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Bytes as the file writes them.
pub(crate) fn raw(bytes: &[u8]) -> Value {
    match std::str::from_utf8(bytes) {
        Ok(text) if bytes.iter().all(|byte| (0x20..0x7f).contains(byte)) => json!(text),
        _ => json!(format!("hex:{}", to_hex(bytes))),
    }
}

pub(crate) fn raw_or_null(bytes: Option<&[u8]>) -> Value {
    bytes.map_or(Value::Null, raw)
}

/// The leaf messages of a nested `decoded`: what remains when all that wraps them is peeled off.
pub(crate) fn leaves(decoded: &Value) -> Vec<&Value> {
    let list = decoded.as_array().unwrap();
    match list[0].as_str().unwrap() {
        "compound" => list[2..].iter().flat_map(leaves).collect(),
        wrapper if ["crc ", "compress", "encrypt", "label "].iter().any(|kind| wrapper.starts_with(kind)) => {
            leaves(&list[1])
        }
        _ => vec![decoded],
    }
}

fn addr(addr: RawAddr) -> Value {
    raw(addr.as_bytes())
}

fn versions(versions: Option<Versions>) -> Value {
    versions.map_or(Value::Null, |versions| raw(&versions.0))
}

fn with_source(mut fields: Value, source: Option<Source<'_>>) -> Value {
    if let (Some(source), Value::Object(map)) = (source, &mut fields) {
        map.insert("SourceAddr".into(), addr(source.addr));
        map.insert("SourcePort".into(), json!(source.port));
        map.insert("SourceNode".into(), json!(source.node));
    }
    fields
}

/// A memberlist message as `[kind, fields]`.
pub(crate) fn message(message: &Message<'_>) -> Value {
    match *message {
        Message::Ping(ping) => {
            json!(["ping", with_source(json!({"Node": ping.node, "SeqNo": ping.seq_no}), ping.source)])
        }
        Message::IndirectPing(ping) => {
            let fields = json!({
                "SeqNo": ping.seq_no, "Target": addr(ping.target), "Port": ping.port, "Node": ping.node,
                "Nack": ping.nack,
            });
            json!(["indirectPing", with_source(fields, ping.source)])
        }
        Message::Ack(ack) => {
            let payload = Some(ack.payload).filter(|payload| !payload.is_empty());
            json!(["ack", {"Payload": raw_or_null(payload), "SeqNo": ack.seq_no}])
        }
        Message::Nack(nack) => json!(["nack", {"SeqNo": nack.seq_no}]),
        Message::Err(reply) => json!(["err", {"Error": reply.error}]),
        Message::Suspect(suspect) => json!(["suspect", {
            "From": suspect.from, "Incarnation": suspect.incarnation, "Node": suspect.node,
        }]),
        Message::Dead(dead) => json!(["dead", {
            "From": dead.from, "Incarnation": dead.incarnation, "Node": dead.node,
        }]),
        Message::Alive(alive) => json!(["alive", {
            "Addr": addr(alive.addr), "Incarnation": alive.incarnation, "Meta": raw(alive.meta),
            "Node": alive.node, "Port": alive.port, "Vsn": versions(alive.versions),
        }]),
        Message::User(message) => json!(["user", raw(message)]),
    }
}

/// A node of a push/pull.
pub(crate) fn node(node: &PushPullNode<'_>) -> Value {
    json!({
        "Addr": addr(node.addr), "Incarnation": node.incarnation, "Meta": raw(node.meta), "Name": node.name,
        "Port": node.port, "State": node.state as u8, "Vsn": versions(node.versions),
    })
}

/// A Serf message as `[kind, fields]`, a relay as `[kind, header, message]`.
pub(crate) fn serf_message(message: &serf::Message<'_>) -> Value {
    match message {
        serf::Message::Leave(leave) => json!(["leave", {
            "LTime": leave.ltime, "Node": leave.node, "Prune": leave.prune,
        }]),
        serf::Message::Join(join) => json!(["join", {"LTime": join.ltime, "Node": join.node}]),
        serf::Message::UserEvent(event) => json!(["userEvent", {
            "CC": event.coalesce, "LTime": event.ltime, "Name": event.name,
            "Payload": raw_or_null(event.payload),
        }]),
        serf::Message::Query(query) => {
            let filters: Vec<_> = query.filters.iter().map(|filter| raw(filter)).collect();
            json!(["query", {
                "Addr": query.addr.map_or(Value::Null, addr),
                "Filters": if filters.is_empty() { Value::Null } else { Value::Array(filters) },
                "Flags": query.flags, "ID": query.id, "LTime": query.ltime, "Name": query.name,
                "Payload": raw_or_null(query.payload), "Port": query.port, "RelayFactor": query.relay_factor,
                "SourceNode": query.source_node, "Timeout": query.timeout_ns,
            }])
        }
        serf::Message::QueryResponse(response) => json!(["queryResponse", {
            "Flags": response.flags, "From": response.from, "ID": response.id, "LTime": response.ltime,
            "Payload": raw_or_null(response.payload),
        }]),
        serf::Message::Relay(relay) => json!(["relay", {
            "DestAddr": {"IP": addr(relay.addr), "Port": relay.port, "Zone": ""}, "DestName": relay.node,
        }, serf_message(&serf::Message::decode(relay.message).unwrap())]),
    }
}

/// The user state of a push/pull; its events are left to the caller, since the file leaves out empty slots.
pub(crate) fn state(state: &PushPullState<'_>, events: &Value) -> Value {
    let ltimes: Map<_, _> =
        state.status_ltimes.iter().map(|&(name, ltime)| (name.to_owned(), json!(ltime))).collect();
    json!([2, {
        "EventLTime": state.event_ltime, "Events": events, "LTime": state.ltime,
        "LeftMembers": state.left_members, "QueryLTime": state.query_ltime, "StatusLTimes": ltimes,
    }])
}

/// A member in an answer to a query about its name.
pub(crate) fn member(member: &Member<'_>) -> Value {
    let tags: Map<_, _> = member.tags.iter().map(|&(name, value)| (name.to_owned(), json!(value))).collect();
    json!({
        "Addr": addr(member.addr), "DelegateCur": member.delegate_cur, "DelegateMax": member.delegate_max,
        "DelegateMin": member.delegate_min, "Name": member.name, "Port": member.port,
        "ProtocolCur": member.protocol_cur, "ProtocolMax": member.protocol_max,
        "ProtocolMin": member.protocol_min, "Status": member.status, "Tags": tags,
    })
}

/// A coordinate as RPC shows it.
pub(crate) fn coordinate(coordinate: &Coordinate) -> Value {
    json!({
        "Adjustment": coordinate.adjustment, "Error": coordinate.error, "Height": coordinate.height,
        "Vec": if coordinate.vec.is_empty() { Value::Null } else { json!(coordinate.vec) },
    })
}

/// A map of text to text.
pub(crate) fn text_map<'t>(pairs: impl IntoIterator<Item = (&'t String, &'t String)>) -> Value {
    Value::Object(pairs.into_iter().map(|(key, value)| (key.clone(), json!(value))).collect::<Map<_, _>>())
}

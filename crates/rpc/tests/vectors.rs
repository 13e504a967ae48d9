//! Every recorded request and reply of the reference: read as what it is, and written again byte for byte.
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

use muster_rpc::{
    Command, CoordinateResult, EventRecord, JoinResult, KeysResult, MembersResult, QueryRecord, ReplyHeader,
    Request, RequestHeader, Values, read, write, write_request,
};
use muster_wire::msgpack::{Decode, Encode};
use serde_json::Value;

struct Vector {
    name: String,
    bytes: Vec<u8>,
    request: Option<Vec<u8>>,
}

fn vectors() -> Vec<Vector> {
    let file: Value = serde_json::from_str(include_str!("vectors/rpc-0.9.4.json")).unwrap();
    let hex = |text: &Value| {
        let text = text.as_str().unwrap();
        (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
    };
    let read = |entry: &Value| Vector {
        name: entry["name"].as_str().unwrap().to_owned(),
        bytes: hex(&entry["hex"]),
        request: entry.get("request_hex").map(hex),
    };
    file["vectors"].as_array().unwrap().iter().map(read).collect()
}

fn values(bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut values = Values::new(1 << 20);
    values.push(bytes);
    let all = std::iter::from_fn(|| values.next().unwrap().map(<[u8]>::to_vec)).collect();
    assert!(values.is_empty());
    all
}

/// Reads a value and writes it again; what is the same is returned for a look.
fn same<'a, T: Decode<'a> + Encode>(bytes: &'a [u8]) -> T {
    let value: T = read(bytes).unwrap();
    let mut again = Vec::new();
    write(&value, &mut again);
    assert_eq!(again, bytes);
    value
}

/// What follows the headers of a vector's replies, in order; `-` is nothing.
fn following(name: &str) -> &'static [&'static str] {
    match name {
        "rpc_members-filtered" => &["members"],
        "rpc_join_fail" => &["join"],
        "rpc_get-coordinate" | "rpc_get-coordinate_none" => &["coordinate"],
        "rpc_event" => &["-", "event"],
        "rpc_query" => &["-", "event", "query", "query", "query"],
        "rpc_tags" => &["keys", "-", "-"],
        _ => &["-"],
    }
}

#[test]
fn every_reply_is_read_and_written_byte_for_byte() {
    let mut read_ones = 0;
    for vector in vectors().iter().filter(|vector| !vector.name.starts_with("rpc_cli_")) {
        let values = values(&vector.bytes);
        let mut values = values.iter();
        for follows in following(&vector.name) {
            let header: ReplyHeader<'_> = same(values.next().unwrap());
            let is_refused = !header.error.is_empty();
            let mut next = || values.next().unwrap();
            match *follows {
                "-" => {}
                "members" => {
                    let MembersResult { members } = same(next());
                    assert_eq!((members[0].status, members[0].delegate_cur), ("alive", 5));
                }
                "join" => assert_eq!((same::<JoinResult>(next()).num, is_refused), (0, true)),
                "coordinate" => {
                    let CoordinateResult { coord, ok } = same(next());
                    assert_eq!(coord.vec.len(), if ok { 8 } else { 0 });
                }
                "event" => _ = same::<EventRecord<'_>>(next()),
                "query" => _ = same::<QueryRecord<'_>>(next()),
                "keys" => {
                    let KeysResult { messages, keys, num_nodes, num_err, num_resp } = same(next());
                    assert_eq!(
                        (messages.len(), keys, num_nodes, num_err, num_resp),
                        (2, Some(vec![]), 3, 2, 2)
                    );
                }
                other => panic!("{other}"),
            }
            read_ones += 1;
        }
        assert_eq!(values.next(), None, "{}", vector.name);
    }
    assert_eq!(read_ones, 28);
}

#[test]
fn every_request_is_read_and_written_with_the_same_meaning() {
    let mut read_ones = 0;
    for vector in vectors() {
        let bytes = match &vector.request {
            Some(request) => request,
            None => &vector.bytes,
        };
        let values = values(bytes);
        let header: RequestHeader<'_> = same(&values[0]);
        let Some(command) = Command::parse(header.command) else {
            assert_eq!(vector.name, "rpc_unknown_cmd");
            continue;
        };
        let body = values.get(1).map(Vec::as_slice).unwrap_or_default();
        assert_eq!(command.has_body(), !body.is_empty(), "{}", vector.name);
        let request = Request::read(command, body).unwrap();
        let mut again = Vec::new();
        write_request(header.seq, &request, &mut again);
        // The recording client wrote keys in an order of its own and left some out; the reference's own client did not.
        if vector.name.starts_with("rpc_cli_") {
            assert_eq!(&again, bytes, "{}", vector.name);
        }
        let mut written = Values::new(1 << 20);
        written.push(&again);
        assert_eq!(written.next().unwrap(), Some(&values[0][..]));
        let body = written.next().unwrap().unwrap_or_default();
        assert_eq!(Request::read(command, body).unwrap(), request, "{}", vector.name);
        read_ones += 1;
    }
    assert_eq!(read_ones, 23);
}

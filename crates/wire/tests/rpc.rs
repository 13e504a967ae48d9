//! The RPC dialect: every recorded reply and request, value by value, against an independent reader of msgpack.
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod oracle;

use muster_wire::msgpack::{Dialect, Reader, Writer};
use muster_wire::serf::Coordinate;
use serde_json::{Map, json};

/// Reads with our reader the value that `expected` says is next.
fn check(reader: &mut Reader<'_>, expected: &rmpv::Value) {
    match expected {
        rmpv::Value::Nil => assert!(reader.take_nil()),
        rmpv::Value::Boolean(value) => assert_eq!(reader.value(), Ok(*value)),
        rmpv::Value::Integer(value) if value.is_u64() => {
            assert_eq!(reader.value(), Ok(value.as_u64().unwrap()));
        }
        rmpv::Value::Integer(value) => assert_eq!(reader.value(), Ok(value.as_i64().unwrap())),
        rmpv::Value::F64(value) => assert_eq!(reader.value(), Ok(*value)),
        rmpv::Value::String(value) => assert_eq!(reader.value(), Ok(value.as_str().unwrap())),
        rmpv::Value::Binary(value) => assert_eq!(reader.value(), Ok(value.as_slice())),
        rmpv::Value::Array(elements) => {
            assert_eq!(reader.array(), Ok(elements.len()));
            elements.iter().for_each(|element| check(reader, element));
        }
        rmpv::Value::Map(pairs) => {
            assert_eq!(reader.map(), Ok(pairs.len()));
            for (key, value) in pairs {
                check(reader, key);
                check(reader, value);
            }
        }
        other => panic!("not in any vector: {other}"),
    }
}

fn write(writer: &mut Writer<'_>, value: &rmpv::Value) {
    match value {
        rmpv::Value::Nil => writer.nil(),
        rmpv::Value::Boolean(value) => writer.value(value),
        rmpv::Value::Integer(value) if value.is_u64() => writer.uint(value.as_u64().unwrap()),
        rmpv::Value::Integer(value) => writer.int(value.as_i64().unwrap()),
        rmpv::Value::F64(value) => writer.value(value),
        rmpv::Value::String(value) => writer.str(value.as_str().unwrap()),
        rmpv::Value::Binary(value) => writer.bytes(value),
        rmpv::Value::Array(elements) => {
            writer.array(elements.len());
            elements.iter().for_each(|element| write(writer, element));
        }
        rmpv::Value::Map(pairs) => {
            writer.map(pairs.len());
            for (key, value) in pairs {
                write(writer, key);
                write(writer, value);
            }
        }
        other => panic!("not in any vector: {other}"),
    }
}

/// A value in the form of the vector file.
fn shown(value: &rmpv::Value) -> serde_json::Value {
    match value {
        rmpv::Value::Nil => serde_json::Value::Null,
        rmpv::Value::Boolean(value) => json!(value),
        rmpv::Value::Integer(value) => {
            value.as_u64().map_or_else(|| json!(value.as_i64()), |value| json!(value))
        }
        rmpv::Value::F64(value) => json!(value),
        rmpv::Value::String(value) => oracle::raw(value.as_bytes()),
        rmpv::Value::Binary(value) => oracle::raw(value),
        rmpv::Value::Array(elements) => elements.iter().map(shown).collect(),
        rmpv::Value::Map(pairs) => {
            let pairs = pairs.iter().map(|(key, value)| (key.as_str().unwrap().to_owned(), shown(value)));
            serde_json::Value::Object(pairs.collect::<Map<_, _>>())
        }
        other => panic!("not in any vector: {other}"),
    }
}

fn values(mut bytes: &[u8]) -> Vec<rmpv::Value> {
    let mut values = Vec::new();
    while !bytes.is_empty() {
        values.push(rmpv::decode::read_value(&mut bytes).unwrap());
    }
    values
}

#[test]
fn every_reply_and_request_is_read_and_written_byte_for_byte() {
    let mut checked = 0;
    for vector in oracle::layer("rpc") {
        let replies = values(&vector.bytes);
        let decoded: serde_json::Value = replies.iter().map(shown).collect();
        assert_eq!(decoded, vector.decoded, "{}", vector.name);

        for bytes in [Some(vector.bytes), vector.request].into_iter().flatten() {
            let values = values(&bytes);
            let mut reader = Reader::new(&bytes);
            let mut again = Vec::new();
            for value in &values {
                check(&mut reader, value);
                write(&mut Writer::new(Dialect::Rpc, &mut again), value);
            }
            assert!(reader.rest().is_empty());
            assert_eq!(oracle::to_hex(&again), oracle::to_hex(&bytes), "{}", vector.name);
            checked += 1;
        }
    }
    assert_eq!(checked, 45);
}

#[test]
fn coordinates_are_one_structure_in_gossip_and_rpc() {
    for name in ["rpc_get-coordinate", "rpc_get-coordinate_none"] {
        let vector = oracle::vector(name);
        let mut reader = Reader::new(&vector.bytes);
        reader.skip().unwrap();
        let mut found = None;
        reader
            .record(&[], |key, reader| {
                match key {
                    "Coord" => {
                        let bytes = reader.skip()?;
                        let coordinate: Coordinate = Reader::new(bytes).value()?;
                        let mut again = Vec::new();
                        Writer::new(Dialect::Rpc, &mut again).value(&coordinate);
                        assert_eq!(again, bytes);
                        found = Some(oracle::coordinate(&coordinate));
                    }
                    _ => _ = reader.skip()?,
                }
                Ok(())
            })
            .unwrap();
        assert_eq!(found.as_ref(), vector.decoded[1].get("Coord"), "{name}");
    }
}

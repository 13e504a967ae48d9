//! Events, queries, keys, distances, the log.

use super::*;
use crate::LogLevel;
use crate::gossip::{Question, UserEvent};
use muster_control::client::Lines;
use muster_control::routes::{
    KeyLine, KeysOperation, KeysRequest, LogQuery, LogRecord, QueryLine, ReachabilityLine, Rtt, RttQuery,
};
use muster_serf::{KeyOperation, QueryParams};
use serde::de::DeserializeOwned;

async fn all<T: DeserializeOwned>(mut lines: Lines<T>) -> Vec<T> {
    let mut read = Vec::new();
    while let Some(line) = lines.next().await.unwrap() {
        read.push(line);
    }
    read
}

#[tokio::test]
async fn an_event_reaches_gossip_as_text_or_bytes() {
    let mut server = serve();
    for (body, payload, coalesce) in [
        (json!({ "name": "deploy" }), &b""[..], true),
        (json!({ "name": "deploy", "payload": "v1\n", "coalesce": false }), b"v1\n", false),
        (json!({ "name": "deploy", "payload_base64": "/wA=" }), b"\xff\0", true),
    ] {
        let () = server.client.post(routes::EVENTS, &body).await.unwrap();
        let expected = UserEvent { name: "deploy".into(), payload: payload.into(), coalesce };
        assert_eq!(server.told.recv().await, Some(Told::UserEvent(expected)));
    }
    let both = json!({ "name": "x", "payload": "a", "payload_base64": "YQ==" });
    let refused = problem(server.client.post::<_, ()>(routes::EVENTS, &both).await.unwrap_err());
    assert_eq!((refused.status, &*refused.detail), (400, "give `payload` or `payload_base64`, not both"));
}

#[tokio::test]
async fn a_query_is_asked_as_told_and_its_answers_are_lines() {
    let mut server = serve();
    for name in ["web-1", "web-2"] {
        server.inbox.put(tagged(name, Status::Alive, &[("role", "web")]));
    }
    server.inbox.put(tagged("web-3", Status::Failed, &[("role", "web")]));
    server.inbox.put(member("db-1", Status::Alive));
    let body = json!({
        "name": "load", "payload": "cpu?", "tags": { "role": "^w" }, "relay_factor": 2, "timeout_ms": 1500,
    });
    let lines = server.client.post_lines::<_, QueryLine>(routes::QUERIES, &body).await.unwrap();
    let expected = [
        json!({ "type": "asked", "ltime": 7, "timeout_ms": 3200, "expected": 2 }),
        json!({ "type": "ack", "from": "web-1" }),
        json!({ "type": "response", "from": "web-1", "payload": "fine\n" }),
        json!({ "type": "done", "acks": 1, "responses": 1 }),
    ];
    let expected = expected.map(|line| serde_json::from_value::<QueryLine>(line).unwrap());
    assert_eq!(all(lines).await, expected);
    let params = QueryParams {
        tags: vec![("role".into(), "^w".into())],
        wants_acks: true,
        relay_factor: 2,
        timeout: Some(Duration::from_millis(1500)),
        ..QueryParams::default()
    };
    let asked = Question::Query { name: "load".into(), payload: b"cpu?".into(), params };
    assert_eq!(server.told.recv().await, Some(Told::Query(asked)));

    for (body, why) in [
        (json!({ "name": "x", "tags": { "role": "(" } }), "\"(\" is no regular expression: unclosed group"),
        (json!({ "name": "x", "timeout_ms": 4_000_000 }), "a query waits at most 3600s"),
    ] {
        let refused = server.client.post_lines::<_, QueryLine>(routes::QUERIES, &body).await.unwrap_err();
        assert_eq!(problem(refused).detail, why);
    }
}

#[tokio::test]
async fn reachability_names_who_is_silent_and_who_should_be() {
    let server = serve();
    server.inbox.put(member("web-2", Status::Alive));
    server.inbox.put(member("web-1", Status::Failed));
    let lines = server.client.lines::<ReachabilityLine>(routes::REACHABILITY).await.unwrap();
    let expected = [
        ReachabilityLine::Asked { timeout_ms: 3200, expected: 1 },
        ReachabilityLine::Ack { from: "web-1".into() },
        ReachabilityLine::Done { acks: 1, missing: vec!["web-2".into()], unexpected: vec!["web-1".into()] },
    ];
    assert_eq!(all(lines).await, expected);
}

#[tokio::test]
async fn a_round_trip_is_estimated_between_any_two() {
    let server = serve();
    server.inbox.put(member("new", Status::Alive));
    let query = RttQuery { from: "web-1".into(), to: None };
    let rtt: Rtt = server.client.get(&query.to_path()).await.unwrap();
    assert_eq!(rtt, Rtt { from: "web-1".into(), to: "me".into(), rtt_ms: 3.5 });
    for (from, why) in [
        ("new", "Could not find a coordinate for node \"new\": it has not been measured yet"),
        ("x y", "Could not find a coordinate for node \"x y\": no member is called so"),
    ] {
        let query = RttQuery { from: from.into(), to: Some("me".into()) };
        let refused = problem(server.client.get::<Rtt>(&query.to_path()).await.unwrap_err());
        assert_eq!((refused.status, &*refused.detail), (404, why));
    }
}

#[tokio::test]
async fn keys_are_asked_of_all_and_the_verdict_comes_last() {
    let mut server = serve();
    server.inbox.put(member("web-1", Status::Alive));
    server.inbox.put(member("web-2", Status::Alive));
    let key = "AQEBAQEBAQEBAQEBAQEBAQ==".to_owned();
    let request = KeysRequest { operation: KeysOperation::Use, key };
    let lines = all(server.client.post_lines::<_, KeyLine>(routes::KEYS, &request).await.unwrap()).await;
    assert_eq!(server.told.recv().await, Some(Told::Query(Question::Keys(KeyOperation::Use(vec![1; 16])))));
    let KeyLine::Answer { from, done, responses, nodes, .. } = &lines[0] else { panic!("{lines:?}") };
    assert_eq!((&**from, *done, *responses, *nodes), ("web-1", false, 1, 2));
    let KeyLine::Done(result) = &lines[1] else { panic!("{lines:?}") };
    assert_eq!(result.failure.as_deref(), Some("1/2 nodes reported failure"));
    assert_eq!(result.silent, ["web-2"]);

    let _ = server.client.lines::<KeyLine>(routes::KEYS).await.unwrap();
    assert_eq!(server.told.recv().await, Some(Told::Query(Question::Keys(KeyOperation::List))));
    let request = KeysRequest { operation: KeysOperation::Install, key: "AQ==".into() };
    let refused = server.client.post_lines::<_, KeyLine>(routes::KEYS, &request).await.unwrap_err();
    assert_eq!(problem(refused).detail, "key size must be 16, 24 or 32 bytes, but this one has 1");
}

#[tokio::test]
async fn the_log_is_told_from_its_last_lines_on() {
    let server = serve();
    server.log.put(LogLevel::Info, "old");
    server.log.put(LogLevel::Warn, "old warning");
    let query = LogQuery { level: Some("warn".into()) };
    let mut lines = server.client.lines::<LogRecord>(&query.to_path()).await.unwrap();
    let line = |level: &str, text: &str| LogRecord::Line { level: level.to_owned(), text: text.to_owned() };
    assert_eq!(lines.next().await.unwrap(), Some(line("WARN", "old warning")));
    server.log.put(LogLevel::Debug, "new");
    server.log.put(LogLevel::Err, "new error");
    assert_eq!(lines.next().await.unwrap(), Some(line("ERR", "new error")));
    server.stop.send_replace(true);
    assert_eq!(lines.next().await.unwrap(), None);
    let query = LogQuery { level: Some("loud".into()) };
    let server = serve();
    let refused = server.client.lines::<LogRecord>(&query.to_path()).await.unwrap_err();
    assert!(problem(refused).detail.starts_with("Unknown log level: loud;"));
}

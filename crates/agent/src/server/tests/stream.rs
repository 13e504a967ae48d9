//! The stream of events: what is told, filtered, resumed.

use super::*;
use muster_control::routes::{EVENTS_STREAM, StreamEvent, StreamQuery};
use muster_events::Notice;
use muster_serf::{Instant, MemberEvent, QueryId};

fn user(name: &str) -> Notice {
    Notice::User { ltime: 3, name: name.into(), payload: b"x".into(), coalesce: true }
}

fn named(event: Option<StreamEvent>) -> String {
    match event {
        Some(StreamEvent::User { name, .. }) => name,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn what_happens_is_told_in_its_form() {
    let server = serve();
    server.hub.tell(user("before"));
    let mut events = server.client.server_sent::<Value>(EVENTS_STREAM, None).await.unwrap();
    let web = tagged("web-1", Status::Alive, &[("role", "web")]);
    server.hub.tell(Notice::Members { event: MemberEvent::Join, members: vec![web] });
    server.hub.tell(user("deploy"));
    let (id, deadline) = (QueryId { ltime: 9, id: 1 }, Instant::default());
    let payload = vec![0xff];
    server.hub.tell(Notice::Query { id, name: "load".into(), payload, from: "web-1".into(), deadline });
    let joined = events.next().await.unwrap().unwrap();
    assert_eq!((&joined["event"], &joined["members"][0]["name"]), (&json!("member-join"), &json!("web-1")));
    assert_eq!(
        events.next().await.unwrap().unwrap(),
        json!({ "event": "user", "name": "deploy", "ltime": 3, "coalesce": true, "payload": "x" })
    );
    assert_eq!(
        events.next().await.unwrap().unwrap(),
        json!({ "event": "query", "name": "load", "ltime": 9, "from": "web-1", "payload_base64": "/w==" })
    );
    server.stop.send_replace(true);
    assert_eq!(events.next().await.unwrap(), None);
}

#[tokio::test]
async fn a_filter_has_serfs_words() {
    let server = serve();
    let query = StreamQuery { filter: Some("user:b,member-failed".into()) };
    let mut events = server.client.server_sent::<StreamEvent>(&query.to_path(), None).await.unwrap();
    server.hub.tell(user("a"));
    server.hub.tell(user("b"));
    assert_eq!(named(events.next().await.unwrap()), "b");
    let query = StreamQuery { filter: Some("member-foo".into()) };
    let refused =
        problem(server.client.server_sent::<StreamEvent>(&query.to_path(), None).await.unwrap_err());
    assert_eq!((refused.status, &*refused.title), (400, "Invalid event filter"));
    assert!(refused.detail.starts_with("no such event: \"member-foo\""), "{}", refused.detail);
    let query = StreamQuery { filter: Some(vec!["user"; 257].join(",")) };
    let refused =
        problem(server.client.server_sent::<StreamEvent>(&query.to_path(), None).await.unwrap_err());
    assert_eq!((refused.status, &*refused.detail), (400, "more than 256 words"));
}

#[tokio::test]
async fn who_was_away_gets_what_came_meanwhile() {
    let server = serve();
    // Cut off before the first event already.
    let mut events = server.client.server_sent::<StreamEvent>(EVENTS_STREAM, None).await.unwrap();
    server.hub.tell(user("1"));
    assert_eq!(named(events.next().await.unwrap()), "1");
    let place = events.last_id().unwrap().to_owned();
    drop(events);
    server.hub.tell(user("2"));
    server.hub.tell(user("3"));
    let mut again = server.client.server_sent::<StreamEvent>(EVENTS_STREAM, Some(&place)).await.unwrap();
    assert_eq!(named(again.next().await.unwrap()), "2");
    assert_eq!(named(again.next().await.unwrap()), "3");
    server.hub.tell(user("4"));
    assert_eq!(named(again.next().await.unwrap()), "4");
}

#[tokio::test]
async fn of_another_life_of_the_agent_something_is_missing() {
    let server = serve();
    let mut first = server.client.server_sent::<StreamEvent>(EVENTS_STREAM, None).await.unwrap();
    server.hub.tell(user("1"));
    first.next().await.unwrap();
    for place in ["6-1", "nonsense", "7-99"] {
        let mut events = server.client.server_sent::<StreamEvent>(EVENTS_STREAM, Some(place)).await.unwrap();
        assert_eq!(events.next().await.unwrap(), Some(StreamEvent::Missed { count: None }), "{place}");
        assert_eq!(named(events.next().await.unwrap()), "1");
    }
}

#[tokio::test]
async fn a_reader_that_stops_learns_what_it_missed_and_costs_no_other() {
    let server = serve();
    let mut slow = server.client.server_sent::<StreamEvent>(EVENTS_STREAM, None).await.unwrap();
    let mut quick = server.client.server_sent::<StreamEvent>(EVENTS_STREAM, None).await.unwrap();
    let payload = vec![b'x'; 512];
    let mut told = 0;
    // Until the socket's buffer is full and the history has gone on: some megabytes.
    for _ in 0..40 {
        for _ in 0..200 {
            told += 1;
            server.hub.tell(Notice::User {
                ltime: told,
                name: "n".into(),
                payload: payload.clone(),
                coalesce: false,
            });
        }
        for _ in 0..200 {
            assert!(matches!(quick.next().await.unwrap(), Some(StreamEvent::User { .. })));
        }
    }
    let (mut read, mut missed, mut last) = (0, 0, 0);
    while last < told {
        match slow.next().await.unwrap() {
            Some(StreamEvent::User { ltime, .. }) => {
                read += 1;
                last = ltime;
            }
            Some(StreamEvent::Missed { count: Some(count) }) => missed += count,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(read + missed, told);
    assert!(missed > 0);
}

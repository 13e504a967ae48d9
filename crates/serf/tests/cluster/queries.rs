//! Queries: who is asked, who answers, by which ways, and until when.

use crate::world::{World, secs};
use muster_serf::{
    Event, Instant, KeyAnswer, KeyOperation, Limits, QueryError, QueryId, QueryParams, RespondError, Serf,
};
use muster_wire::memberlist::{Message as Packet, kind};
use muster_wire::serf::{
    ConflictResponse, KeyResponse, Message, Query, QueryResponse, Relay, kind as serf_kind,
};
use std::time::Duration;

fn cluster(names: &[&str]) -> World {
    let mut world = World::new(1);
    world.start_whole(names);
    world
}

fn acked() -> QueryParams {
    QueryParams { wants_acks: true, ..QueryParams::default() }
}

fn ask(world: &mut World, who: &str, params: &QueryParams) -> QueryId {
    world.tell(who, |serf, now| serf.query(now, "uptime", b"now?", params)).unwrap()
}

fn respond(world: &mut World, who: &str, id: QueryId, payload: &[u8]) -> Result<(), RespondError> {
    world.tell(who, |serf, now| serf.respond(now, id, payload))
}

/// Whether `name` was asked this.
fn was_asked(world: &World, name: &str, id: QueryId) -> bool {
    world.count(name, |event| matches!(event, Event::Query { id: asked, .. } if *asked == id)) == 1
}

/// What came of our query, as words in order of arrival but sorted by kind and name.
fn answers(world: &World, asker: &str, wanted: QueryId) -> Vec<String> {
    let word = |event: &Event| match event {
        Event::QueryAck { id, from } if *id == wanted => Some(format!("ack {from}")),
        Event::QueryResponse { id, from, payload } if *id == wanted => {
            Some(format!("response {from} {}", String::from_utf8_lossy(payload)))
        }
        Event::QueryDone { id } if *id == wanted => Some("done".to_string()),
        _ => None,
    };
    let mut words: Vec<String> =
        world.host(asker).events.iter().filter_map(|(_, event)| word(event)).collect();
    words.sort_unstable();
    words
}

#[test]
fn everyone_is_asked_and_answers_once_and_the_asker_too() {
    let names = ["a", "b", "c"];
    let mut world = cluster(&names);
    let id = ask(&mut world, "a", &acked());
    world.run_until(|world| names.iter().all(|name| was_asked(world, name, id)));
    for name in names {
        let (_, event) = world
            .host(name)
            .events
            .iter()
            .find(|(_, event)| matches!(event, Event::Query { .. }))
            .cloned()
            .unwrap();
        let Event::Query { name: query, payload, from, .. } = event else { unreachable!() };
        assert_eq!((&*query, &*payload, &*from), ("uptime", &b"now?"[..], "a"));
        respond(&mut world, name, id, name.as_bytes()).unwrap();
        assert_eq!(respond(&mut world, name, id, b"again"), Err(RespondError::AlreadySent));
    }
    world.run(secs(60));
    let wanted = ["ack a", "ack b", "ack c", "done", "response a a", "response b b", "response c c"];
    assert_eq!(answers(&world, "a", id), wanted);
    assert_eq!(answers(&world, "b", id), [""; 0], "answers are the asker's");
}

#[test]
fn a_query_is_over_after_serfs_timeout_and_answers_come_too_late_then() {
    let mut world = cluster(&["a", "b"]);
    let id = ask(&mut world, "a", &acked());
    world.run_until(|world| was_asked(world, "b", id));
    let took = world.run_until(|world| answers(world, "a", id).contains(&"done".to_string()));
    assert!(took <= Duration::from_millis(3200), "{took:?}");
    world.run(secs(4));
    let done = world.host("a").events.iter().find(|(_, event)| matches!(event, Event::QueryDone { .. }));
    let asked = world.host("a").events.iter().find(|(_, event)| matches!(event, Event::Query { .. }));
    assert_eq!(done.unwrap().0 - asked.unwrap().0, Duration::from_millis(3200));
    assert_eq!(respond(&mut world, "b", id, b"late"), Err(RespondError::PastDeadline));
    // One that does not care is not heard either.
    let late = response(id, "b", 0);
    inject(&mut world, "a", &late);
    world.run(secs(1));
    assert_eq!(answers(&world, "a", id), ["ack a", "ack b", "done"]);
}

fn response(id: QueryId, from: &str, flags: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    let response = QueryResponse { ltime: id.ltime, id: id.id, from, flags, payload: Some(b"forged") };
    Message::QueryResponse(response).encode(&mut bytes);
    bytes
}

fn inject(world: &mut World, to: &str, serf: &[u8]) {
    world.inject(to, [&[kind::USER], serf].concat());
}

#[test]
fn made_up_names_and_repetitions_are_no_answers() {
    let mut world = cluster(&["a", "b"]);
    let id = ask(&mut world, "a", &QueryParams::default());
    world.run_until(|world| was_asked(world, "b", id));
    respond(&mut world, "b", id, b"mine").unwrap();
    world.run(Duration::from_millis(100));
    let other = QueryId { id: id.id ^ 1, ..id };
    let forged = [(id, "nobody", 0), (id, "b", 0), (id, "b", 1), (other, "b", 0)];
    for (id, from, flags) in forged {
        inject(&mut world, "a", &response(id, from, flags));
    }
    world.run(secs(10));
    assert_eq!(answers(&world, "a", id), ["done", "response b mine"]);
}

#[test]
fn only_those_who_pass_the_filters_are_asked_and_acknowledge() {
    let names = ["a", "b", "c", "d"];
    let mut world = cluster(&names);
    let nodes = QueryParams { nodes: vec!["b".into(), "d".into()], ..acked() };
    // Tags of the world: role is the name.
    let tags = QueryParams { tags: vec![("role".into(), "[cd]".into())], ..acked() };
    let both = QueryParams { tags: tags.tags.clone(), ..nodes.clone() };
    let bad = QueryParams { tags: vec![("role".into(), "(".into())], ..acked() };
    for (params, wanted) in [(nodes, &["b", "d"][..]), (tags, &["c", "d"]), (both, &["d"]), (bad, &[])] {
        let id = ask(&mut world, "a", &params);
        world.run(secs(20));
        let asked: Vec<&str> = names.into_iter().filter(|name| was_asked(&world, name, id)).collect();
        assert_eq!(asked, wanted, "{params:?}");
        let mut acks: Vec<String> = wanted.iter().map(|name| format!("ack {name}")).collect();
        acks.push("done".into());
        assert_eq!(answers(&world, "a", id), acks, "{params:?}");
    }
    // Whoever is not meant carries it on all the same: each of the others has it in its gossip.
    let carried = |world: &World, name: &str| {
        world.messages(name, |packet| match packet {
            Packet::User(serf) if serf.first() == Some(&serf_kind::QUERY) => Some(()),
            _ => None,
        })
    };
    assert!(names.iter().all(|name| !carried(&world, name).is_empty()));
}

#[test]
fn an_answer_that_cannot_come_straight_comes_through_others() {
    for relay_factor in [0, 3] {
        let names = ["a", "b", "c", "d", "e"];
        let mut world = cluster(&names);
        // What c says to a is lost; a's question still reaches c through others.
        world.cut("a", "c", true);
        let id = ask(&mut world, "a", &QueryParams { relay_factor, ..acked() });
        world.run_until(|world| was_asked(world, "c", id));
        respond(&mut world, "c", id, b"hello").unwrap();
        world.run(secs(2));
        let from_c: Vec<_> =
            answers(&world, "a", id).into_iter().filter(|word| word.contains(" c")).collect();
        let wanted: &[&str] = if relay_factor == 0 { &[] } else { &["ack c", "response c hello"] };
        assert_eq!(from_c, wanted, "{relay_factor} relays");
    }
}

#[test]
fn relays_are_other_members_and_as_many_as_wished() {
    let relays = |members: &[&str], relay_factor| {
        let mut world = cluster(members);
        let id = ask(&mut world, "a", &QueryParams { relay_factor, ..QueryParams::default() });
        world.run_until(|world| was_asked(world, "b", id));
        let before = world.sent.len();
        respond(&mut world, "b", id, b"hello").unwrap();
        let to: Vec<_> = world.sent[before..]
            .iter()
            .filter(|(_, from, bytes)| {
                let is_relay = bytes.starts_with(&[kind::USER, serf_kind::RELAY]);
                if is_relay {
                    let Ok(Message::Relay(relay)) = Message::decode(&bytes[1..]) else { panic!() };
                    let Relay { addr, port, node, message } = relay;
                    assert_eq!((addr.ip(), port, node), (world.host("a").addr.ip(), crate::world::PORT, "a"));
                    assert!(matches!(Message::decode(message), Ok(Message::QueryResponse(_))));
                }
                is_relay && *from == world.host("b").addr
            })
            .collect();
        to.len()
    };
    assert_eq!(relays(&["a", "b", "c", "d", "e"], 2), 2);
    assert_eq!(relays(&["a", "b", "c", "d", "e"], 4), 3, "neither the asker nor ourselves");
    assert_eq!(relays(&["a", "b", "c"], 3), 0, "too few members for that many");
    assert_eq!(relays(&["a", "b", "c"], 0), 0);
}

#[test]
fn only_members_are_relayed_to_each_at_its_own_address() {
    let mut world = cluster(&["a", "b"]);
    let (a, stranger) =
        (world.host("a").addr, std::net::SocketAddr::from(([10, 0, 0, 77], crate::world::PORT)));
    let before = world.sent.len();
    for (node, to) in [("a", a), ("a", stranger), ("nobody", stranger), ("", stranger)] {
        let std::net::IpAddr::V4(ip) = to.ip() else { panic!() };
        let (addr, message) = (muster_wire::RawAddr::V4(ip.octets()), b"relayed");
        let mut bytes = Vec::new();
        Message::Relay(Relay { addr, port: to.port(), node, message }).encode(&mut bytes);
        inject(&mut world, "b", &bytes);
    }
    world.run(secs(1));
    let relayed: Vec<_> =
        world.sent[before..].iter().filter(|(_, _, bytes)| bytes.ends_with(b"relayed")).collect();
    assert_eq!(relayed.len(), 1, "{relayed:?}");
}

#[test]
fn an_ack_travels_alone_and_straight() {
    let mut world = cluster(&["a", "b"]);
    world.run(secs(60));
    let before = world.sent.len();
    let id = ask(&mut world, "a", &acked());
    world.run(secs(1));
    let mut ack = vec![kind::USER];
    let message = QueryResponse { ltime: id.ltime, id: id.id, from: "b", flags: 1, payload: None };
    Message::QueryResponse(message).encode(&mut ack);
    let b = world.host("b").addr;
    let alone = world.sent[before..].iter().filter(|(_, from, bytes)| *from == b && *bytes == ack);
    assert_eq!(alone.count(), 1);
}

#[test]
fn what_may_not_be_asked_or_answered_is_refused_in_serfs_words() {
    let ask = |world: &mut World, name: &str, payload: &[u8]| {
        let params = QueryParams::default();
        let refused = world.tell("a", |serf, now| serf.query(now, name, payload, &params));
        refused.map(drop).map_err(|error| error.to_string())
    };
    let mut world = World::new(1);
    world.start("a");
    let reserved = Err("Queries cannot contain the '_serf_' prefix".to_string());
    assert_eq!(ask(&mut world, "_serf_conflict", b"a"), reserved);
    assert_eq!(ask(&mut world, "_serf_ping", b"x"), reserved);
    assert_eq!(ask(&mut world, "_serf_ping", b""), Ok(()));
    assert_eq!(ask(&mut world, "x", &[0; 1024]), Err("query exceeds limit of 1024 bytes".into()));
    assert_eq!(ask(&mut world, "x", &[0; 800]), Ok(()));
    let (id, _) = asked(&world, "a");
    let too_long = respond(&mut world, "a", id, &[0; 1024]).unwrap_err().to_string();
    assert_eq!(too_long, "response exceeds limit of 1024 bytes");
    assert_eq!(respond(&mut world, "a", id, &[0; 900]), Ok(()), "one that was too long did not count");
    let again = respond(&mut world, "a", id, b"").unwrap_err().to_string();
    assert_eq!(again, "response already sent");
    world.run(secs(10));
    let late = respond(&mut world, "a", QueryId { id: 1, ..id }, b"").unwrap_err().to_string();
    assert_eq!(late, "response is past the deadline");

    let old = muster_serf::Config { protocol: 3, ..World::config("a", [10, 0, 0, 1], 1) };
    let mut old = Serf::new(old, Instant::default()).unwrap();
    let refused = old.query(Instant::default(), "x", b"", &QueryParams::default());
    assert_eq!(refused.unwrap_err().to_string(), "Feature not supported");
}

/// The last query that `name` was asked.
fn asked(world: &World, name: &str) -> (QueryId, String) {
    let query = |event: &Event| match event {
        Event::Query { id, name, .. } => Some((*id, name.clone())),
        _ => None,
    };
    world.host(name).events.iter().rev().find_map(|(_, event)| query(event)).unwrap()
}

#[test]
fn open_queries_are_bounded_and_end() {
    let mut world = World::new(1);
    world.start("a");
    let params = QueryParams { timeout: Some(secs(10)), ..QueryParams::default() };
    let mut opened = 0;
    let refused = loop {
        match world.tell("a", |serf, now| serf.query(now, "x", b"", &params)) {
            Ok(_) => opened += 1,
            Err(error) => break error,
        }
    };
    assert_eq!(refused, QueryError::TooMany { open: opened });
    // One that nobody waits for makes room, and is not told of again.
    let (unheard, _) = asked(&world, "a");
    world.tell("a", |serf, _| serf.abandon_query(unheard));
    ask(&mut world, "a", &params);
    world.run(secs(11));
    assert_eq!(world.count("a", |event| matches!(event, Event::QueryDone { .. })), opened);
    ask(&mut world, "a", &params);
    // Longer than the wire can say, and than the clock can count.
    ask(&mut world, "a", &QueryParams { timeout: Some(Duration::MAX), ..params });
}

#[test]
fn longer_limits_are_kept_too() {
    let mut world = World::new(1);
    world.limits = Limits { query: 3000, query_response: 3000, ..Limits::default() };
    world.start("a");
    let long = world.tell("a", |serf, now| serf.query(now, "x", &[0; 2500], &QueryParams::default()));
    respond(&mut world, "a", long.unwrap(), &[0; 2500]).unwrap();
}

/// A query of a stranger, so that all fields can be chosen.
fn foreign(world: &mut World, to: &str, name: &str, payload: &[u8], timeout_ns: i64) -> QueryId {
    let id = QueryId { ltime: 9, id: world.sent.len().try_into().unwrap() };
    let query = Query {
        ltime: id.ltime,
        id: id.id,
        addr: Some(muster_wire::RawAddr::V4([10, 0, 0, 99])),
        port: 7,
        source_node: "stranger",
        filters: vec![],
        flags: 2,
        relay_factor: 0,
        timeout_ns,
        name,
        payload: Some(payload),
    };
    let mut bytes = Vec::new();
    Message::Query(query).encode(&mut bytes);
    inject(world, to, &bytes);
    world.run(Duration::from_millis(10));
    id
}

/// The payloads of the responses that `name` sent.
fn responses(world: &World, name: &str) -> Vec<Vec<u8>> {
    let payload = |packet: &Packet<'_>| match packet {
        Packet::User(serf) => match Message::decode(serf) {
            Ok(Message::QueryResponse(response)) => Some(response.payload.unwrap_or_default().to_vec()),
            _ => None,
        },
        _ => None,
    };
    world.messages(name, payload).into_iter().map(|(_, payload)| payload).collect()
}

#[test]
fn whoever_asks_for_a_name_is_told_who_has_it_but_not_by_itself() {
    let mut world = cluster(&["a", "b"]);
    foreign(&mut world, "a", "_serf_conflict", b"b", 1);
    foreign(&mut world, "a", "_serf_conflict", b"nobody", 1);
    foreign(&mut world, "a", "_serf_conflict", b"a", 1);
    let sent = responses(&world, "a");
    assert_eq!(sent.len(), 2);
    let ConflictResponse { member } = ConflictResponse::decode(&sent[0]).unwrap();
    let member = member.unwrap();
    assert_eq!((member.name, member.addr.ip(), member.port), ("b", world.host("b").addr.ip(), 7946));
    assert_eq!((member.status, &*member.tags), (1, &[("role", "b")][..]));
    assert_eq!(sent[1], b"\x06\xc0");
    assert_eq!(world.count("a", |event| matches!(event, Event::Query { .. })), 0, "not for handlers");
}

#[test]
fn key_queries_are_told_apart_and_their_answer_reaches_the_asker() {
    let mut world = cluster(&["a", "b"]);
    let id = world.tell("a", |serf, now| serf.query_keys(now, &KeyOperation::Install(vec![7; 16]))).unwrap();
    let told = |event: &Event| {
        matches!(event, Event::KeyQuery { id: asked, operation: KeyOperation::Install(key), from }
            if *asked == id && *key == [7; 16] && from == "a")
    };
    world.run_until(|world| world.count("b", told) == 1);
    let answer = KeyAnswer { done: true, ..KeyAnswer::default() };
    world.tell("b", |serf, now| serf.respond_keys(now, id, &answer)).unwrap();
    world.run(secs(1));
    let response = |event: &Event| match event {
        Event::QueryResponse { from, payload, .. } if from == "b" => {
            Some(KeyResponse::decode(payload).unwrap().result)
        }
        _ => None,
    };
    let heard: Vec<bool> = world.host("a").events.iter().filter_map(|(_, event)| response(event)).collect();
    assert_eq!(heard, [true]);
    assert_eq!(world.count("b", |event| matches!(event, Event::Query { .. })), 0, "not for handlers");
}

#[test]
fn a_deadline_that_is_past_or_endless_harms_nobody() {
    let mut world = cluster(&["a", "b"]);
    world.run(secs(1));
    for (timeout, wanted) in [
        (-1, Err(RespondError::PastDeadline)),
        (i64::MIN, Err(RespondError::PastDeadline)),
        (i64::MAX, Ok(())),
    ] {
        let id = foreign(&mut world, "a", "x", b"", timeout);
        world.run(secs(1));
        assert_eq!(respond(&mut world, "a", id, b"answer"), wanted, "{timeout}");
    }
}

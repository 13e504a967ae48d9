//! Peers that say anything.
#![expect(clippy::unwrap_used, reason = "the helpers of a test may panic as the test itself may")]

use muster_serf::{Event, Input, Instant, Limits, Output, Profile, Serf, Status, StreamId};
use muster_wire::memberlist::kind::USER;
use muster_wire::serf::{
    Filter, JoinIntent, LeaveIntent, Message, PushPullState, Query, QueryResponse, RecentEvents, Relay,
    UserEvent,
};
use muster_wire::{RawAddr, stream};
use proptest::prelude::*;
use std::net::SocketAddr;
use std::time::Duration;

fn serf() -> Serf {
    let config = muster_serf::Config {
        name: "me".into(),
        addr: RawAddr::V4([10, 0, 0, 1]),
        port: 7946,
        bind_port: 7946,
        tags: [("role".into(), "web".into())].into(),
        protocol: 5,
        compress: false,
        packet_overhead: 0,
        extensions: muster_serf::Extensions::ALL,
        profile: Profile::LAN,
        broadcast_timeout: Duration::from_secs(5),
        leave_propagate_delay: Duration::from_secs(1),
        limits: Limits::default(),
        memory: muster_serf::Memory::default(),
        resolves_names: true,
        seed: 1,
        intern: None,
    };
    Serf::new(config, Instant::default()).unwrap()
}

fn peer() -> SocketAddr {
    SocketAddr::from(([10, 0, 0, 2], 7946))
}

fn hear(serf: &mut Serf, now: Instant, message: &[u8]) {
    let bytes = [&[USER], message].concat();
    serf.handle(now, Input::Packet { from: peer(), bytes: &bytes });
}

/// What a push/pull with this state is answered with.
fn exchange(serf: &mut Serf, now: Instant, join: bool, state: &[u8]) -> Vec<u8> {
    while serf.poll_output().is_some() {}
    let bytes = stream::encode_push_pull(join, [].into_iter(), state, false);
    serf.handle(now, Input::Stream { stream: StreamId::Inbound(1), from: peer(), bytes: &bytes });
    let answer = std::iter::from_fn(|| serf.poll_output()).find_map(|output| match output {
        Output::Answer { bytes, .. } => Some(bytes),
        _ => None,
    });
    answer.expect("every push/pull is answered")
}

fn names() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("me".to_string()),
        Just(String::new()),
        Just("x".repeat(2000)),
        (b'a'..b'e').prop_map(|letter| char::from(letter).to_string()),
        prop::collection::vec(any::<char>(), 0..8).prop_map(String::from_iter),
    ]
}

fn ltimes() -> impl Strategy<Value = u64> {
    prop_oneof![0..2000_u64, Just(u64::MAX), Just(u64::MAX - 1), any::<u64>()]
}

fn blobs() -> impl Strategy<Value = Option<Vec<u8>>> {
    prop::option::of(prop::collection::vec(any::<u8>(), 0..40))
}

fn encoded(message: &Message<'_>) -> Vec<u8> {
    let mut bytes = Vec::new();
    message.encode(&mut bytes);
    bytes
}

/// Names of queries: Serf's own, those of handlers, and others.
fn query_names() -> impl Strategy<Value = String> {
    let own = ["ping", "conflict", "install-key", "use-key", "remove-key", "list-keys", "", "later"];
    prop_oneof![prop::sample::select(own.to_vec()).prop_map(|name| format!("_serf_{name}")), names(),]
}

fn filters() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        (names(), "[a-z(){}*+?|.0-9-]{0,12}")
            .prop_map(|(tag, expr)| Filter::Tag { tag: &tag, expr: &expr }.encode()),
        names().prop_map(|name| Filter::Nodes(vec![&name, "me"]).encode()),
        prop::collection::vec(any::<u8>(), 0..20),
    ]
}

/// Queries for us and for others, from anywhere, our own address and places where nothing can be sent among them.
fn queries() -> impl Strategy<Value = Vec<u8>> {
    let addr = prop_oneof![
        any::<[u8; 4]>().prop_map(RawAddr::V4),
        any::<[u8; 16]>().prop_map(RawAddr::V16),
        Just(RawAddr::V4([10, 0, 0, 1])),
        Just(RawAddr::V4([0, 0, 0, 0])),
    ];
    let port = prop_oneof![Just(0), Just(7946), any::<u16>()];
    let timeout = prop_oneof![Just(i64::MIN), Just(-1), Just(i64::MAX), any::<i64>()];
    let rest = (any::<u32>(), any::<u8>(), timeout, prop::collection::vec(filters(), 0..3), blobs());
    (ltimes(), query_names(), names(), any::<u32>(), addr, port, rest).prop_map(
        |(ltime, name, source, id, addr, port, (flags, relay_factor, timeout_ns, filters, payload))| {
            encoded(&Message::Query(Query {
                ltime,
                id,
                addr: Some(addr),
                port,
                source_node: &source,
                filters: filters.iter().map(|filter| &**filter).collect(),
                flags,
                relay_factor,
                timeout_ns,
                name: &name,
                payload: payload.as_deref(),
            }))
        },
    )
}

/// Well-formed messages with any contents, and anything at all.
fn messages() -> impl Strategy<Value = Vec<u8>> {
    let addr = any::<[u8; 4]>().prop_map(RawAddr::V4);
    prop_oneof![
        (ltimes(), names(), any::<bool>()).prop_map(|(ltime, node, prune)| {
            encoded(&Message::Leave(LeaveIntent { ltime, node: &node, prune }))
        }),
        (ltimes(), names())
            .prop_map(|(ltime, node)| encoded(&Message::Join(JoinIntent { ltime, node: &node }))),
        (ltimes(), names(), blobs()).prop_map(|(ltime, name, payload)| {
            let payload = payload.as_deref();
            encoded(&Message::UserEvent(UserEvent { ltime, name: &name, payload, coalesce: true }))
        }),
        queries(),
        (ltimes(), names(), blobs()).prop_map(|(ltime, from, payload)| {
            let payload = payload.as_deref();
            encoded(&Message::QueryResponse(QueryResponse { ltime, id: 1, from: &from, flags: 1, payload }))
        }),
        (addr, names(), blobs()).prop_map(|(addr, node, message)| {
            let message = message.unwrap_or_default();
            encoded(&Message::Relay(Relay { addr, port: 7946, node: &node, message: &message }))
        }),
        prop::collection::vec(any::<u8>(), 0..200),
        (0..11_u8, prop::collection::vec(any::<u8>(), 0..200))
            .prop_map(|(kind, rest)| [vec![kind], rest].concat()),
    ]
}

fn states() -> impl Strategy<Value = Vec<u8>> {
    let times = prop::collection::vec((names(), ltimes()), 0..10);
    let left = prop::collection::vec(names(), 0..10);
    let events = prop::collection::vec((ltimes(), prop::collection::vec((names(), blobs()), 0..4)), 0..10);
    let whole = (ltimes(), times, left, ltimes(), events, ltimes()).prop_map(
        |(ltime, times, left, event_ltime, events, query_ltime)| {
            PushPullState {
                ltime,
                status_ltimes: times.iter().map(|(name, ltime)| (&**name, *ltime)).collect(),
                left_members: left.iter().map(|name| &**name).collect(),
                event_ltime,
                events: events
                    .iter()
                    .map(|(ltime, events)| RecentEvents {
                        ltime: *ltime,
                        events: events.iter().map(|(name, blob)| (&**name, blob.as_deref())).collect(),
                    })
                    .collect(),
                query_ltime,
            }
            .encode()
        },
    );
    prop_oneof![4 => whole, 1 => prop::collection::vec(any::<u8>(), 0..200)]
}

#[derive(Clone, Debug)]
enum Said {
    Message(Vec<u8>),
    State(bool, Vec<u8>),
    Time(u64),
}

fn anything() -> impl Strategy<Value = Said> {
    prop_oneof![
        6 => messages().prop_map(Said::Message),
        3 => (any::<bool>(), states()).prop_map(|(join, state)| Said::State(join, state)),
        1 => (1..100_000_u64).prop_map(Said::Time),
    ]
}

proptest! {
    #[test]
    fn whatever_peers_say_we_stay_alive_alone_and_answer(said in prop::collection::vec(anything(), 1..30)) {
        let mut serf = serf();
        let mut now = Instant::default();
        for said in said {
            match said {
                Said::Message(message) => hear(&mut serf, now, &message),
                Said::State(join, state) => drop(exchange(&mut serf, now, join, &state)),
                Said::Time(millis) => {
                    now = now + Duration::from_millis(millis);
                    serf.handle(now, Input::Timeout);
                }
            }
            while serf.poll_output().is_some() {}
            let members: Vec<_> = serf.members().map(|member| (&*member.name, member.status)).collect();
            prop_assert_eq!(members, [("me", Status::Alive)]);
        }
        let answer = exchange(&mut serf, now, false, &PushPullState::default().encode());
        prop_assert!(stream::Scanner::new().scan(&answer).unwrap() == Some(answer.len()));
    }
}

#[test]
fn a_flood_of_events_does_not_grow_our_state_beyond_what_a_stream_carries() {
    let mut serf = serf();
    let now = Instant::default();
    let payload = [7; 9000];
    for n in 0..2000_u64 {
        // Many of one time, and many times.
        let ltime = if n % 2 == 0 { 1000 } else { n };
        let name = format!("event {n}");
        let event = UserEvent { ltime, name: &name, payload: Some(&payload), coalesce: false };
        hear(&mut serf, now, &encoded(&Message::UserEvent(event)));
        while serf.poll_output().is_some() {}
    }
    let answer = exchange(&mut serf, now, false, &PushPullState::default().encode());
    assert!(answer.len() > 1 << 20, "recent ones are kept");
    assert!(answer.len() < 3 << 20, "{} bytes", answer.len());
}

#[test]
fn a_flood_of_queries_is_answered_once_each_and_kept_within_bounds() {
    let mut serf = serf();
    let now = Instant::default();
    let (mut sent, mut told) = (0, Vec::new());
    for id in 0..20_000 {
        let query = Query {
            ltime: 1000,
            id,
            addr: Some(RawAddr::V4([10, 0, 0, 2])),
            port: 7946,
            source_node: "peer",
            filters: vec![],
            flags: 1,
            relay_factor: 255,
            timeout_ns: i64::MAX,
            name: "uptime",
            payload: None,
        };
        for _ in 0..2 {
            hear(&mut serf, now, &encoded(&Message::Query(query.clone())));
        }
        while let Some(output) = serf.poll_output() {
            match output {
                Output::Send { .. } => sent += 1,
                Output::Event(Event::Query { id, .. }) => told.push(id),
                _ => {}
            }
        }
    }
    assert_eq!((sent, told.len()), (20_000, 20_000), "an ack each, and no relays: there is nobody else");
    assert!(serf.stats().query_queue <= 4096);
    let may_be_answered = told.iter().filter(|id| serf.respond(now, **id, b"x").is_ok()).count();
    assert_eq!(may_be_answered, 1024, "the latest");
}

#[test]
fn the_dearest_filters_that_a_datagram_carries_do_not_hold_us_up() {
    let mut serf = serf();
    // Large when compiled, and all must be tried, as each matches.
    let filter = Filter::Tag { tag: "role", expr: r"\w{0,5}" }.encode();
    let query = |ltime, filters| Query {
        ltime,
        id: 1,
        addr: Some(RawAddr::V4([10, 0, 0, 2])),
        port: 7946,
        source_node: "peer",
        filters: vec![&filter; filters],
        flags: 0,
        relay_factor: 0,
        timeout_ns: 1,
        name: "uptime",
        payload: None,
    };
    for (ltime, filters) in [(1, 1), (2, 1000), (3, 1000), (4, 1000)] {
        hear(&mut serf, Instant::default(), &encoded(&Message::Query(query(ltime, filters))));
    }
    let told = std::iter::from_fn(|| serf.poll_output())
        .filter(|output| matches!(output, Output::Event(Event::Query { .. })));
    assert_eq!(told.count(), 1, "the others have more expressions than we try");
}

#[test]
fn a_flood_of_intents_does_not_grow_the_queue_without_bound() {
    let mut serf = serf();
    let now = Instant::default();
    for n in 0..20_000_u64 {
        let node = format!("nobody {n}");
        hear(&mut serf, now, &encoded(&Message::Join(JoinIntent { ltime: n, node: &node })));
        hear(
            &mut serf,
            now,
            &encoded(&Message::Leave(LeaveIntent { ltime: n + 1, node: "me", prune: true })),
        );
    }
    assert!(serf.stats().intent_queue <= 4096);
    assert_eq!(serf.stats().members, 1);
}

/// Everything with a Lamport time, at this one.
fn all_of_time(ltime: u64) -> [Vec<u8>; 4] {
    let intent = LeaveIntent { ltime, node: "me", prune: false };
    let event = UserEvent { ltime, name: "deploy", payload: None, coalesce: false };
    let query = Query {
        ltime,
        id: 1,
        addr: Some(RawAddr::V4([10, 0, 0, 2])),
        port: 7946,
        source_node: "peer",
        filters: vec![],
        flags: 0,
        relay_factor: 0,
        timeout_ns: 1,
        name: "uptime",
        payload: None,
    };
    [
        encoded(&Message::Join(JoinIntent { ltime, node: "me" })),
        encoded(&Message::Leave(intent)),
        encoded(&Message::UserEvent(event)),
        encoded(&Message::Query(query)),
    ]
}

/// A state of a peer with this time everywhere.
fn state_of_time(ltime: u64) -> Vec<u8> {
    let events = vec![RecentEvents { ltime, events: vec![("restart", None)] }];
    PushPullState {
        ltime,
        status_ltimes: vec![("me", ltime), ("nobody", ltime)],
        left_members: vec!["nobody"],
        event_ltime: ltime,
        events,
        query_ltime: ltime,
    }
    .encode()
}

/// Answers our join with this state.
fn join_with(serf: &mut Serf, now: Instant, state: &[u8]) {
    let stream = serf.join(now, peer(), false);
    while serf.poll_output().is_some() {}
    let bytes = stream::encode_push_pull(false, [].into_iter(), state, false);
    serf.handle(now, Input::Stream { stream, from: peer(), bytes: &bytes });
}

fn times(serf: &Serf) -> [u64; 3] {
    let stats = serf.stats();
    [stats.member_time, stats.event_time, stats.query_time]
}

/// How many events and queries came out.
fn told(serf: &mut Serf) -> usize {
    let outputs = std::iter::from_fn(|| serf.poll_output());
    outputs.filter(|output| matches!(output, Output::Event(Event::User { .. } | Event::Query { .. }))).count()
}

#[test]
fn a_forged_time_beyond_belief_stops_no_clock_and_nothing_that_is_said_later() {
    let now = Instant::default();
    for forged in [u64::MAX, u64::MAX - 1, 7 << 61] {
        let mut serf = serf();
        join_with(&mut serf, now, &state_of_time(forged));
        exchange(&mut serf, now, true, &state_of_time(forged));
        for message in all_of_time(forged) {
            hear(&mut serf, now, &message);
        }
        assert_eq!(told(&mut serf), 0, "{forged:#x}");
        let before = times(&serf);
        assert!(before.iter().all(|time| *time < 10), "{forged:#x}: {before:?}");
        for message in all_of_time(20) {
            hear(&mut serf, now, &message);
        }
        assert_eq!(told(&mut serf), 2, "{forged:#x}: an event and a query");
        let [member, event, query] = times(&serf);
        assert_eq!((event, query), (21, 21));
        assert!(member > 20, "and what was said of us is refuted: {member}");
        let us = serf.member("me").unwrap();
        assert!(us.status == Status::Alive && us.status_ltime > 20, "{us:?}");
    }
}

#[test]
fn a_leap_of_the_clocks_makes_whatever_is_said_next_news() {
    let now = Instant::default();
    // An old cluster; one led to the upper half; a forger that leads as far as it can at once; and one that leaps too far.
    for (forged, heard) in
        [(1 << 40, 2), (1 << 63, 2), ((1 << 63) + (1 << 20), 2), ((1 << 63) + (1 << 21), 0)]
    {
        let mut serf = serf();
        for message in all_of_time(forged) {
            hear(&mut serf, now, &message);
        }
        assert_eq!(told(&mut serf), heard, "{forged:#x}");
        let led = times(&serf);
        assert!(led.iter().all(|time| *time >= forged.min((1 << 63) + (1 << 20))), "{forged:#x}: {led:?}");
        serf.user_event(now, "ours", b"", false).unwrap();
        assert_eq!(told(&mut serf), 1);
        for message in all_of_time(led[1] + 5) {
            hear(&mut serf, now, &message);
        }
        assert_eq!(told(&mut serf), 2, "{forged:#x}");
    }
}

#[test]
fn a_newcomer_finds_a_cluster_wherever_its_clocks_were_led() {
    let now = Instant::default();
    let far = (1 << 63) + (1 << 61);
    let mut newcomer = serf();
    join_with(&mut newcomer, now, &state_of_time(far));
    assert!(times(&newcomer).iter().all(|time| *time >= far));
    told(&mut newcomer);
    for message in all_of_time(far + 3) {
        hear(&mut newcomer, now, &message);
    }
    assert_eq!(told(&mut newcomer), 2);
    // Whoever runs for a while is led by steps only.
    let mut member = serf();
    join_with(&mut member, now, &state_of_time(10));
    join_with(&mut member, now, &state_of_time(far));
    assert!(times(&member).iter().all(|time| *time < (1 << 63) + (1 << 24)), "{:?}", times(&member));
}

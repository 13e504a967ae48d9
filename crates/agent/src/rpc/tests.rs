//! The server, through real sockets and with a gossip thread that only plays one: what each command does and answers, in
//! which order, and what a client can make us hold.

use super::*;
use crate::advertise::Advertised;
use crate::gossip::testing::{Told, fake};
use crate::gossip::{Question, UserEvent};
use crate::join::Joiner;
use crate::own_tags::OwnTags;
use crate::readiness::Layer;
use crate::reports::Reports;
use crate::resolve::{Families, Resolver};
use crate::roster::Inbox;
use crate::roster::tests::{member, roster, tagged};
use crate::{Ended, LogBook, LogLevel, ProfileName};
use muster_events::Notice;
use muster_fleet::{Phase, Picture, Terms};
use muster_rpc::{
    CoordinateResult, EventRecord, JoinResult, KeysResult, LogRecord, MembersResult, Query, QueryRecord,
    ReplyHeader, Request, Sections, Values, read, write_request,
};
use muster_serf::{Instant, KeyOperation, MemberEvent, QueryId, Status};
use muster_wire::msgpack::Decode;
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc::{self, UnboundedReceiver};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

struct Server {
    addr: SocketAddr,
    told: UnboundedReceiver<Told>,
    inbox: Arc<Inbox>,
    hub: crate::hub::Hub,
    log: LogBook,
    leave_asked: mpsc::Receiver<oneshot::Sender<Ended>>,
    stop: watch::Sender<bool>,
    serving: JoinHandle<()>,
}

fn serve(token: &str) -> Server {
    let (gossip, told) = fake(|to| match to.port() {
        1 => Err(format!("dial tcp {to}: connect: connection refused")),
        _ => Ok(()),
    });
    let bound: SocketAddr = "127.9.9.9:7946".parse().unwrap();
    let (inbox, roster) = roster();
    let picture = Picture {
        epoch: 7,
        version: 1,
        phase: Phase::Live,
        services: [].into(),
        terms: Terms::default(),
        refusals: Vec::new(),
    };
    let (leave, leave_asked) = mpsc::channel(1);
    let stop = watch::Sender::new(false);
    let (hub, log) = (crate::hub::Hub::default(), LogBook::default());
    let resolver = Resolver::system(Families { v4: true, v6: false });
    let roster = Arc::new(roster);
    let handlers = crate::handlers::Handlers::new(crate::handlers::Parts {
        hub: hub.clone(),
        gossip: gossip.clone(),
        roster: Arc::clone(&roster),
        resolver: resolver.clone(),
        clock: crate::clock::Clock::start(),
        life: 1,
        node: "me".to_owned(),
        withheld: Vec::new(),
    });
    let shared = Shared {
        hub: hub.clone(),
        handlers,
        log: log.clone(),
        joiner: Joiner {
            gossip: gossip.clone(),
            resolver,
            bound,
            advertised: bound,
            advertise_chosen: false,
            room: None,
        },
        roster,
        pictures: watch::Sender::new(Arc::new(picture)).subscribe(),
        reports: Reports::default().into(),
        history: muster_history::Keeper::start(muster_history::Settings {
            path: None,
            keep: Duration::from_secs(60),
            max_size: 1 << 20,
        })
        .unwrap(),
        templates: crate::templates::Board::default(),
        tags: OwnTags::new(
            [("role".to_owned(), "web".to_owned())].into(),
            Layer::default(),
            3000,
            None,
            gossip.clone(),
        ),
        gossip,
        profile: ProfileName::Lan,
        protocol: 5,
        leave,
        stop: stop.subscribe(),
        node: "me".to_owned(),
        encrypted: true,
        advertised: Advertised { addr: bound, reason: "because".to_owned(), doubtful: false },
        bound,
        socket: "/nowhere".into(),
    };
    let config = RpcConfig { addr: "127.0.0.1:0".parse().unwrap(), asked: true, auth: token.to_owned() };
    let listener = Listener::bind(Some(&config)).unwrap().unwrap();
    let addr = listener.addr;
    let serving = tokio::spawn(listener.serve(Arc::new(shared), stop.subscribe()));
    Server { addr, told, inbox, hub, log, leave_asked, stop, serving }
}

impl Server {
    /// A client that has made its handshake.
    async fn client(&self) -> Client {
        let mut client = Client::connect(self.addr).await;
        client.ask(0, &Request::Handshake { version: 1 }).await;
        client.answers(0, "").await;
        client
    }

    async fn told(&mut self) -> Told {
        self.told.recv().await.unwrap()
    }
}

struct Client {
    stream: TcpStream,
    values: Values,
}

impl Client {
    async fn connect(addr: SocketAddr) -> Self {
        let stream = TcpStream::connect(addr).await.unwrap();
        Self { stream, values: Values::new(muster_rpc::REPLY_BYTES_MAX) }
    }

    async fn ask(&mut self, seq: u64, request: &Request<'_>) {
        let mut out = Vec::new();
        write_request(seq, request, &mut out);
        self.stream.write_all(&out).await.unwrap();
    }

    /// The next value; `None` when the connection is closed.
    async fn value(&mut self) -> Option<Vec<u8>> {
        loop {
            if let Some(value) = self.values.next().unwrap() {
                return Some(value.to_vec());
            }
            let mut chunk = [0; 4096];
            match self.stream.read(&mut chunk).await {
                Ok(read @ 1..) => self.values.push(&chunk[..read]),
                _ => return None,
            }
        }
    }

    async fn answers(&mut self, seq: u64, error: &str) {
        let value = self.value().await.expect("an answer");
        assert_eq!(read(&value), Ok(ReplyHeader { seq, error }));
    }

    /// The result or record that comes next, seen by `look`.
    async fn next<T>(&mut self, look: impl FnOnce(&[u8]) -> T) -> T {
        look(&self.value().await.expect("a result"))
    }

    async fn is_closed(&mut self) {
        assert_eq!(self.value().await, None);
    }
}

fn sees<'a, T: Decode<'a> + PartialEq + std::fmt::Debug>(value: &'a [u8], wanted: T) {
    assert_eq!(read::<T>(value), Ok(wanted));
}

fn user(name: &str, coalesce: bool) -> Notice {
    Notice::User { ltime: 41, name: name.into(), payload: b"pay".to_vec(), coalesce }
}

#[tokio::test]
async fn what_changes_the_cluster_is_handed_to_gossip() {
    let mut server = serve("");
    let mut client = server.client().await;
    client.ask(1, &Request::Event { name: "deploy", payload: b"\xff", coalesce: true }).await;
    client.answers(1, "").await;
    let event = UserEvent { name: "deploy".into(), payload: vec![0xff], coalesce: true };
    assert_eq!(server.told().await, Told::UserEvent(event));

    client.ask(2, &Request::ForceLeave { node: "db", prune: true }).await;
    client.answers(2, "").await;
    assert_eq!(server.told().await, Told::ForceLeave { node: "db".into(), prune: true });

    client.ask(3, &Request::Tags { tags: vec![("role", "db"), ("a", "b")], delete_tags: vec!["role"] }).await;
    client.answers(3, "").await;
    let tags = [("role", "db"), ("a", "b")].map(|(tag, value)| (tag.to_owned(), value.to_owned()));
    assert_eq!(server.told().await, Told::SetTags(tags.into()));
    let long = "x".repeat(513);
    client.ask(4, &Request::Tags { tags: vec![("a", &long)], delete_tags: vec![] }).await;
    client.answers(4, "Encoded length of tags exceeds limit of 512 bytes").await;
}

#[tokio::test]
async fn a_join_answers_how_many_and_only_a_useless_one_fails() {
    let server = serve("");
    let mut client = server.client().await;
    client.ask(1, &Request::Join { existing: vec!["127.0.2.1:1", "127.0.2.2"], replay: false }).await;
    client.answers(1, "").await;
    client.next(|value| sees(value, JoinResult { num: 1 })).await;
    client.ask(2, &Request::Join { existing: vec!["127.0.2.1:1"], replay: false }).await;
    let error = "1 error occurred:\n\t* Failed to join 127.0.2.1: dial tcp 127.0.2.1:1: connect: connection refused\n\n";
    client.answers(2, error).await;
    client.next(|value| sees(value, JoinResult { num: 0 })).await;
}

#[tokio::test]
async fn members_are_raw_addresses_and_filtered_by_whole_texts() {
    let server = serve("");
    server.inbox.put(tagged("web-1", Status::Alive, &[("role", "web")]));
    server.inbox.put(member("db-1", Status::Failed));
    let mut client = server.client().await;
    client.ask(1, &Request::Members).await;
    client.answers(1, "").await;
    client
        .next(|value| {
            let MembersResult { members } = read(value).unwrap();
            let seen: Vec<_> =
                members.iter().map(|m| (m.name, m.status, m.addr.as_bytes(), m.port)).collect();
            let addr = &[127, 0, 0, 1][..];
            assert_eq!(seen, [("db-1", "failed", addr, 7946), ("web-1", "alive", addr, 7946)]);
            assert_eq!((members[1].tags.as_slice(), members[1].delegate_cur), (&[("role", "web")][..], 5));
        })
        .await;
    client.ask(2, &Request::MembersFiltered { tags: vec![("role", "we.")], status: "", name: "" }).await;
    client.answers(2, "").await;
    client.next(|value| assert_eq!(read::<MembersResult<'_>>(value).unwrap().members[0].name, "web-1")).await;
    // As in Serf: not a word.
    client.ask(3, &Request::MembersFiltered { tags: vec![], status: "(", name: "" }).await;
    client.is_closed().await;
}

#[tokio::test]
async fn the_members_of_a_large_cluster_come_whole() {
    let server = serve("");
    let names: Vec<String> = (0..5000).map(|number| format!("node-{number:05}")).collect();
    names.iter().for_each(|name| server.inbox.put(tagged(name, Status::Alive, &[("role", "web")])));
    let mut client = server.client().await;
    client.ask(1, &Request::Members).await;
    client.ask(2, &Request::Stop { stop: 0 }).await;
    client.answers(1, "").await;
    client
        .next(|value| {
            let MembersResult { members } = read(value).unwrap();
            assert_eq!(members.iter().map(|member| member.name).collect::<Vec<_>>(), names);
        })
        .await;
    client.answers(2, "").await;
}

#[tokio::test]
async fn facts_stand_in_serfs_sections() {
    let server = serve("");
    server.inbox.put(tagged("me", Status::Alive, &[("role", "web")]));
    let mut client = server.client().await;
    client.ask(1, &Request::Stats).await;
    client.answers(1, "").await;
    client
        .next(|value| {
            let sections: Sections<'_> = read(value).unwrap();
            let names: Vec<_> = sections.iter().map(|(name, _)| *name).collect();
            assert_eq!(names, ["agent", "event_handlers", "runtime", "serf", "tags"]);
            let keys = |at: usize| sections[at].1.iter().map(|(key, _)| *key).collect::<Vec<_>>();
            assert_eq!(keys(2), ["arch", "cpu_count", "goroutines", "max_procs", "os", "version"]);
            let serf = [
                "coordinate_resets",
                "encrypted",
                "event_queue",
                "event_time",
                "failed",
                "health_score",
                "intent_queue",
                "left",
                "member_time",
                "members",
                "query_queue",
                "query_time",
            ];
            assert_eq!(keys(3), serf);
            assert_eq!((&sections[0].1, &sections[4].1), (&vec![("name", "me")], &vec![("role", "web")]));
        })
        .await;
    client.ask(2, &Request::GetCoordinate { node: "nobody" }).await;
    client.answers(2, "").await;
    client.next(|value| assert!(!read::<CoordinateResult>(value).unwrap().ok)).await;
}

#[tokio::test]
async fn a_key_operation_answers_with_its_counts_even_when_it_failed() {
    let mut server = serve("");
    let mut client = server.client().await;
    client.ask(1, &Request::InstallKey { key: "no!" }).await;
    client.answers(1, "illegal base64 data at input byte 2").await;
    let nothing = KeysResult { messages: vec![], keys: None, num_nodes: 0, num_err: 0, num_resp: 0 };
    client.next(|value| sees(value, nothing.clone())).await;
    client.ask(2, &Request::UseKey { key: "AQID" }).await;
    // The gossip that is played has no members, so nobody was to answer.
    client.answers(2, "").await;
    client.next(|value| sees(value, nothing)).await;
    assert_eq!(server.told().await, Told::Query(Question::Keys(KeyOperation::Use(vec![1, 2, 3]))));
    client.ask(3, &Request::ListKeys).await;
    client.answers(3, "").await;
    client.next(|value| assert_eq!(read::<KeysResult<'_>>(value).unwrap().keys, Some(vec![]))).await;
}

#[tokio::test]
async fn a_query_streams_its_answers_and_says_when_it_is_done() {
    let mut server = serve("");
    let mut client = server.client().await;
    let query = Query {
        filter_nodes: vec!["web-1"],
        filter_tags: vec![("role", "w")],
        request_ack: true,
        relay_factor: 2,
        timeout_ns: 1_000_000_000,
        name: "load",
        payload: b"cpu?",
    };
    client.ask(9, &Request::Query(query)).await;
    client.answers(9, "").await;
    let records = [("ack", "web-1", &b""[..]), ("response", "web-1", b"fine\n"), ("done", "", b"")];
    for (kind, from, payload) in records {
        client.answers(9, "").await;
        client.next(|value| sees(value, QueryRecord { kind, from, payload })).await;
    }
    let Told::Query(Question::Query { name, payload, params }) = server.told().await else {
        panic!("another command")
    };
    assert_eq!((name.as_str(), payload.as_slice()), ("load", &b"cpu?"[..]));
    assert_eq!(
        (params.timeout, params.relay_factor, params.wants_acks),
        (Some(Duration::from_secs(1)), 2, true)
    );
    assert_eq!((params.nodes, params.tags), (vec!["web-1".into()], vec![("role".into(), "w".into())]));
}

#[tokio::test]
async fn a_stream_shows_what_its_filter_wants_and_queries_can_be_answered() {
    let mut server = serve("");
    let mut client = server.client().await;
    client.ask(50, &Request::Stream { kind: "user:foo,query,member-join" }).await;
    client.answers(50, "").await;
    client.ask(50, &Request::Stream { kind: "*" }).await;
    client.answers(50, "Stream with given sequence exists").await;
    client.ask(51, &Request::Stream { kind: "nope" }).await;
    client.answers(51, "Invalid event filter").await;
    client.ask(51, &Request::Stream { kind: &vec!["*"; 257].join(",") }).await;
    client.answers(51, "Invalid event filter").await;

    server.hub.tell(user("bar", false));
    server.hub.tell(user("foo", false));
    client.answers(50, "").await;
    let wanted = EventRecord::User { ltime: 41, name: "foo", payload: b"pay", coalesce: false };
    client.next(|value| sees(value, wanted)).await;

    let id = QueryId { ltime: 9, id: 77 };
    let (name, deadline) = ("q1".to_owned(), Instant::default());
    server.hub.tell(Notice::Query { id, name, payload: b"hi".to_vec(), from: "a".into(), deadline });
    client.answers(50, "").await;
    let wanted = EventRecord::Query { id: 1, ltime: 9, name: "q1", payload: b"hi" };
    client.next(|value| sees(value, wanted)).await;
    client.ask(2, &Request::Respond { id: 1, payload: b"yes" }).await;
    client.answers(2, "").await;
    assert_eq!(server.told().await, Told::Respond(id, b"yes".to_vec()));
    client.ask(3, &Request::Respond { id: 2, payload: b"yes" }).await;
    client.answers(3, "No pending queries matching ID").await;

    // Gathered for a second, as Serf's agent does it.
    let members = |name: &str| vec![member(name, Status::Alive)];
    server.hub.tell(Notice::Members { event: MemberEvent::Join, members: members("a") });
    server.hub.tell(Notice::Members { event: MemberEvent::Join, members: members("b") });
    client.answers(50, "").await;
    client
        .next(|value| {
            let EventRecord::Members { event: "member-join", members } = read(value).unwrap() else {
                panic!("another event")
            };
            assert_eq!(members.iter().map(|member| member.name).collect::<Vec<_>>(), ["a", "b"]);
        })
        .await;

    client.ask(4, &Request::Stop { stop: 50 }).await;
    client.answers(4, "").await;
    server.hub.tell(user("foo", false));
    client.ask(5, &Request::Stop { stop: 50 }).await;
    client.answers(5, "").await;
}

#[tokio::test]
async fn a_monitor_shows_old_lines_first_and_there_is_one() {
    let server = serve("");
    server.log.put(LogLevel::Debug, "too little");
    server.log.put(LogLevel::Warn, "old");
    let mut client = server.client().await;
    client.ask(61, &Request::Monitor { log_level: "loud" }).await;
    client.answers(61, "Unknown log level: LOUD").await;
    client.ask(62, &Request::Monitor { log_level: "info" }).await;
    client.answers(62, "").await;
    client.answers(62, "").await;
    client.next(|value| sees(value, LogRecord { log: "old" })).await;
    client.ask(63, &Request::Monitor { log_level: "info" }).await;
    client.answers(63, "Monitor already exists").await;
    server.log.put(LogLevel::Info, "new");
    client.answers(62, "").await;
    client.next(|value| sees(value, LogRecord { log: "new" })).await;
    client.ask(64, &Request::Stop { stop: 62 }).await;
    client.answers(64, "").await;
    client.ask(65, &Request::Monitor { log_level: "ERR" }).await;
    client.answers(65, "").await;
}

#[tokio::test]
async fn a_leave_is_answered_when_it_is_over_although_the_agent_ends() {
    let mut server = serve("");
    let mut client = server.client().await;
    client.ask(1, &Request::Leave).await;
    let asked = server.leave_asked.recv().await.unwrap();
    server.stop.send_replace(true);
    asked.send(Ended::Left).unwrap();
    client.answers(1, "").await;
    client.is_closed().await;
    server.serving.await.unwrap();
}

/// Serf's client may take an answer with the connection's end behind it for no answer.
#[tokio::test(start_paused = true)]
async fn who_asked_for_a_leave_hangs_up_first() {
    let mut server = serve("");
    let mut client = server.client().await;
    client.ask(1, &Request::Leave).await;
    let asked = server.leave_asked.recv().await.unwrap();
    asked.send(Ended::Left).unwrap();
    server.stop.send_replace(true);
    client.answers(1, "").await;
    tokio::task::yield_now().await;
    let open = client.stream.try_read(&mut [0; 64]);
    assert!(open.is_err_and(|cause| cause.kind() == std::io::ErrorKind::WouldBlock), "hung up on the client");
    let gone_at = tokio::time::Instant::now();
    drop(client);
    server.serving.await.unwrap();
    assert_eq!(gone_at.elapsed(), Duration::ZERO, "waited on for who is gone");
}

#[tokio::test]
async fn nothing_is_done_for_who_has_not_the_token() {
    let mut server = serve("secret");
    let mut client = server.client().await;
    client.ask(1, &Request::ForceLeave { node: "db", prune: false }).await;
    for _ in 0..2 {
        client.answers(1, "Authentication required").await;
    }
    client.ask(2, &Request::Auth { auth_key: "guess" }).await;
    client.answers(2, "Invalid authentication token").await;
    client.ask(3, &Request::Auth { auth_key: "secret" }).await;
    client.answers(3, "").await;
    client.ask(4, &Request::ForceLeave { node: "web", prune: false }).await;
    client.answers(4, "").await;
    assert_eq!(server.told().await, Told::ForceLeave { node: "web".into(), prune: false });
}

#[tokio::test]
async fn requests_are_answered_in_their_order_however_slow_one_is() {
    let mut server = serve("");
    let mut client = server.client().await;
    client.ask(1, &Request::Leave).await;
    client.ask(2, &Request::Stop { stop: 0 }).await;
    let asked = server.leave_asked.recv().await.unwrap();
    let mut chunk = [0; 64];
    assert!(client.stream.try_read(&mut chunk).is_err(), "the second waits for the first");
    asked.send(Ended::Left).unwrap();
    client.answers(1, "").await;
    client.answers(2, "").await;
}

#[tokio::test(start_paused = true)]
async fn who_does_not_shake_hands_in_time_is_sent_away() {
    let server = serve("secret");
    let mut silent = Client::connect(server.addr).await;
    let mut halfway = server.client().await;
    silent.is_closed().await;
    halfway.is_closed().await;
}

#[tokio::test]
async fn a_thousand_idle_clients_keep_nobody_out() {
    let server = serve("");
    let mut idle = Vec::new();
    for _ in 0..1000 {
        idle.push(TcpStream::connect(server.addr).await.unwrap());
    }
    let mut client = server.client().await;
    client.ask(1, &Request::Members).await;
    client.answers(1, "").await;
}

#[tokio::test]
async fn listeners_leave_room_for_those_who_ask_and_go() {
    let server = serve("");
    let mut listeners = Vec::new();
    for _ in 0..LISTENING_MAX {
        let mut client = server.client().await;
        client.ask(1, &Request::Stream { kind: "*" }).await;
        client.answers(1, "").await;
        listeners.push(client);
    }
    let mut client = server.client().await;
    client.ask(1, &Request::Monitor { log_level: "info" }).await;
    client.answers(1, "Too many connections listen already; close one first").await;
    drop(listeners.pop());
    // Its place is free as soon as the server has seen that it is gone.
    for seq in 2.. {
        client.ask(seq, &Request::Stream { kind: "*" }).await;
        let value = client.value().await.unwrap();
        if read::<ReplyHeader<'_>>(&value).unwrap().error.is_empty() {
            break;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn who_takes_nothing_is_sent_away_and_others_are_served_meanwhile() {
    let server = serve("");
    let names: Vec<String> = (0..5000).map(|number| format!("node-{number:05}")).collect();
    names.iter().for_each(|name| server.inbox.put(member(name, Status::Alive)));
    let mut slow = server.client().await;
    // Some 40 MB of answers: more than the system holds for anybody.
    for seq in 1..=50 {
        slow.ask(seq, &Request::Members).await;
    }
    let mut other = server.client().await;
    other.ask(1, &Request::Members).await;
    other.answers(1, "").await;
    other.next(|value| assert!(value.len() > 500_000)).await;
    sleep(2 * outlet::STALL).await;
    let mut answers = 0;
    while slow.value().await.is_some() {
        answers += 1;
    }
    assert!(answers < 100, "{answers}");
}

#[tokio::test]
async fn what_is_no_request_ends_the_connection_and_nothing_else() {
    let server = serve("");
    let mut other = server.client().await;
    for bytes in [&b"\xc1"[..], b"\x05", b"\xc6\xff\xff\xff\xff", b"\x81\xa3Seq\xff", &[0x91; 70_000]] {
        let mut client = Client::connect(server.addr).await;
        // It may be closed before all is sent.
        let _ = client.stream.write_all(bytes).await;
        client.is_closed().await;
    }
    other.ask(1, &Request::Members).await;
    other.answers(1, "").await;
}

#[tokio::test]
async fn a_usual_address_that_is_taken_costs_rpc_and_an_asked_one_the_start() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = taken.local_addr().unwrap();
    let config = |asked| RpcConfig { addr, asked, auth: String::new() };
    assert!(Listener::bind(Some(&config(false))).unwrap().is_none());
    let error = Listener::bind(Some(&config(true))).unwrap_err().to_string();
    assert!(error.contains(&addr.to_string()) && error.contains("rpc_addr = \"off\""), "{error}");
    assert!(!format!("{:?}", RpcConfig { auth: "hunter2".into(), ..config(true) }).contains("hunter2"));
}

//! The routes, through a real socket and the real client, with a gossip thread that only plays one.

use super::*;
use crate::advertise::Advertised;
use crate::gossip::testing::{Told, fake};
use crate::handlers::Handlers;
use crate::hub::Hub;
use crate::join::Joiner;
use crate::own_tags::OwnTags;
use crate::readiness::Layer;
use crate::reports::Reports;
use crate::reports::tests::report;
use crate::resolve::{Families, Resolver};
use crate::roster::tests::{member, roster, tagged};
use crate::{Ended, LogBook, ProfileName};
use muster_control::client::{Client, Error as ClientError};
use muster_control::routes::{
    ForceLeaveRequest, Info, JoinRequest, JoinResponse, Members, MembersQuery, Problem, TagsRequest,
    TagsResponse, WhyQuery,
};
use muster_fleet::{Backend, Phase, Picture, Report, Service, Standing, Terms, Update};
use muster_serf::Status;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::SocketAddr;
use std::time::Duration;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;

mod document;
mod hostile;
mod stream;
mod talk;

struct Server {
    client: Client,
    told: UnboundedReceiver<Told>,
    inbox: Arc<crate::roster::Inbox>,
    hub: Hub,
    log: LogBook,
    pictures: watch::Sender<Arc<Picture>>,
    leave_asked: mpsc::Receiver<oneshot::Sender<Ended>>,
    stop: watch::Sender<bool>,
    serving: JoinHandle<()>,
    _dir: tempfile::TempDir,
}

fn picture(version: u64, nodes: &[&str]) -> Arc<Picture> {
    let addr = "127.0.0.1:3000".parse().unwrap();
    let backends =
        nodes.iter().map(|node| ((*node).to_owned(), Backend { addr, weight: 1, standing: Standing::Ready }));
    let services = [("web".to_owned(), Service { backends: backends.collect() })].into();
    Arc::new(Picture {
        epoch: 7,
        version,
        phase: Phase::Live,
        services,
        terms: Terms::default(),
        refusals: Vec::new(),
    })
}

fn serve() -> Server {
    let dir = tempfile::tempdir().unwrap();
    let socket = dir.path().join("control.sock");
    let (gossip, told) = fake(|to| match to.port() {
        1 => Err(format!("cannot connect to {to}: refused\n")),
        _ => Ok(()),
    });
    let bound: SocketAddr = "127.9.9.9:7946".parse().unwrap();
    let resolver = Resolver::system(Families { v4: true, v6: false });
    let (inbox, roster) = roster();
    let pictures = watch::Sender::new(picture(1, &["a"]));
    let (leave, leave_asked) = mpsc::channel(1);
    let stop = watch::Sender::new(false);
    let own_gossip = gossip.clone();
    let roster = Arc::new(roster);
    let (hub, log) = (Hub::default(), LogBook::default());
    let handlers = Handlers::new(crate::handlers::Parts {
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
        gossip,
        roster,
        pictures: pictures.subscribe(),
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
            own_gossip,
        ),
        profile: ProfileName::Lan,
        protocol: 5,
        leave,
        stop: stop.subscribe(),
        node: "me".to_owned(),
        encrypted: true,
        advertised: Advertised { addr: bound, reason: "because".to_owned(), doubtful: false },
        bound,
        socket: socket.clone(),
    };
    let listener = Listener::bind(&socket).unwrap();
    let serving = tokio::spawn(listener.serve(router(Arc::new(shared)), stop.subscribe()));
    Server {
        client: Client::new(socket),
        told,
        inbox,
        hub,
        log,
        pictures,
        leave_asked,
        stop,
        serving,
        _dir: dir,
    }
}

fn problem(error: ClientError) -> Problem {
    match error {
        ClientError::Refused(problem) => problem,
        other => panic!("not refused: {other}"),
    }
}

#[tokio::test]
async fn members_are_listed_in_serfs_form_and_filtered() {
    let server = serve();
    server.inbox.put(tagged("web-1", Status::Alive, &[("role", "web")]));
    server.inbox.put(member("db-1", Status::Failed));
    let all: Value = server.client.get(routes::MEMBERS).await.unwrap();
    assert_eq!(
        all,
        json!({ "members": [
            { "name": "db-1", "addr": "127.0.0.1:7946", "port": 7946, "tags": {}, "status": "failed",
              "protocol": { "max": 5, "min": 2, "version": 5 } },
            { "name": "web-1", "addr": "127.0.0.1:7946", "port": 7946, "tags": { "role": "web" }, "status": "alive",
              "protocol": { "max": 5, "min": 2, "version": 5 } },
        ] })
    );
    let query = MembersQuery { tags: Some("role=w.b".into()), ..MembersQuery::default() };
    let filtered: Members = server.client.get(&query.to_path()).await.unwrap();
    assert_eq!(filtered.members.iter().map(|row| row.name.as_str()).collect::<Vec<_>>(), ["web-1"]);
    let bad = MembersQuery { name: Some("(".into()), ..MembersQuery::default() };
    let refused = problem(server.client.get::<Members>(&bad.to_path()).await.unwrap_err());
    assert_eq!(refused.status, 400);
}

#[tokio::test]
async fn a_join_tells_successes_and_failures() {
    let mut server = serve();
    let request = JoinRequest { addresses: vec!["127.0.0.2".into(), "127.0.0.3:1".into()], replay: false };
    let response: JoinResponse = server.client.post(routes::JOIN, &request).await.unwrap();
    assert_eq!(response.joined, 1);
    assert_eq!(response.errors, ["127.0.0.3:1: cannot connect to 127.0.0.3:1: refused\\n"]);
    assert_eq!(server.told.recv().await, Some(Told::Join("127.0.0.2:7946".parse().unwrap())));

    let request = JoinRequest { addresses: vec!["127.0.0.3:1".into()], replay: false };
    let refused = problem(server.client.post::<_, JoinResponse>(routes::JOIN, &request).await.unwrap_err());
    assert_eq!(refused.status, 502);
    let request = JoinRequest { addresses: vec!["no such/thing:x".into()], replay: false };
    let refused = problem(server.client.post::<_, JoinResponse>(routes::JOIN, &request).await.unwrap_err());
    assert_eq!(refused.status, 400);
}

#[tokio::test]
async fn a_leave_is_answered_when_it_is_done() {
    let mut server = serve();
    let client = server.client.clone();
    let leaving = tokio::spawn(async move { client.post::<_, ()>(routes::LEAVE, &()).await });
    let asked = server.leave_asked.recv().await.unwrap();
    assert!(!leaving.is_finished());
    asked.send(Ended::Left).unwrap();
    leaving.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_force_leave_reaches_gossip() {
    let mut server = serve();
    let request = ForceLeaveRequest { node: "gone".into(), prune: true };
    let () = server.client.post(routes::FORCE_LEAVE, &request).await.unwrap();
    assert_eq!(server.told.recv().await, Some(Told::ForceLeave { node: "gone".into(), prune: true }));
}

#[tokio::test]
async fn info_has_serfs_sections_and_ours() {
    let server = serve();
    server.inbox.put(tagged("me", Status::Alive, &[("role", "web")]));
    let Info(sections) = server.client.get(routes::INFO).await.unwrap();
    let names: Vec<_> = sections.keys().map(String::as_str).collect();
    assert_eq!(names, ["agent", "event_handlers", "muster", "runtime", "serf", "tags"]);
    assert_eq!(sections["agent"]["name"], "me");
    assert_eq!((sections["serf"]["members"].as_str(), sections["serf"]["failed"].as_str()), ("3", "1"));
    assert_eq!(sections["serf"]["encrypted"], "true");
    assert_eq!(sections["tags"], BTreeMap::from([("role".to_owned(), "web".to_owned())]));
    assert_eq!(sections["muster"]["advertise_reason"], "because");
    assert_eq!(sections["muster"]["fleet_phase"], "live");
    assert_eq!(sections["muster"]["cpu_throttled"], "4.0 s of the last 10.0 s");
}

#[tokio::test]
async fn the_fleet_is_shown_and_followed() {
    let server = serve();
    let shown: Picture = server.client.get(routes::FLEET).await.unwrap();
    assert_eq!(shown, *picture(1, &["a"]));

    let mut lines = server.client.lines::<Update>(routes::FLEET_FOLLOW).await.unwrap();
    let Some(Update::Full(full)) = lines.next().await.unwrap() else { panic!("first comes the whole") };
    server.pictures.send_replace(picture(2, &["a", "b"]));
    let Some(Update::Delta(delta)) = lines.next().await.unwrap() else { panic!("then what changed") };
    assert_eq!(full.with(&delta).unwrap(), *picture(2, &["a", "b"]));
    assert_eq!(lines.next().await.unwrap(), Some(Update::Same { epoch: 7, version: 2 }));
}

#[tokio::test]
async fn followers_are_let_go_when_the_agent_ends() {
    let server = serve();
    let mut lines = server.client.lines::<Update>(routes::FLEET_FOLLOW).await.unwrap();
    lines.next().await.unwrap();
    server.stop.send_replace(true);
    while lines.next().await.unwrap().is_some() {}
    server.serving.await.unwrap();
    let error = server.client.get::<Info>(routes::INFO).await.unwrap_err();
    assert!(matches!(error, ClientError::Unreachable { .. }), "{error}");
}

#[tokio::test]
async fn the_last_report_of_a_sink_is_kept() {
    let server = serve();
    for requests in [1, 2] {
        let () = server.client.post(routes::FLEET_REPORT, &report("proxy", requests)).await.unwrap();
    }
    let kept: Vec<Report> = server.client.get(routes::FLEET_REPORTS).await.unwrap();
    assert_eq!(kept, [report("proxy", 2)]);
    let refused = server.client.post::<_, ()>(routes::FLEET_REPORT, &report("", 1)).await.unwrap_err();
    assert_eq!(problem(refused).status, 400);
}

#[tokio::test]
async fn unknown_routes_wrong_methods_and_long_bodies_are_problems() {
    let server = serve();
    assert_eq!(problem(server.client.get::<Value>("/nothing").await.unwrap_err()).status, 404);
    assert_eq!(problem(server.client.get::<Value>(routes::LEAVE).await.unwrap_err()).status, 405);
    let long = json!({ "node": "x".repeat(65 << 10) });
    let refused = problem(server.client.post::<_, ()>(routes::FORCE_LEAVE, &long).await.unwrap_err());
    assert_eq!(refused.status, 413);
    let odd =
        problem(server.client.post::<_, ()>(routes::FORCE_LEAVE, &json!({ "x": 1 })).await.unwrap_err());
    assert_eq!(odd.status, 400);
    assert!(odd.detail.contains("node"), "{}", odd.detail);
}

#[tokio::test]
async fn a_client_that_says_nothing_keeps_nobody_waiting() {
    let server = serve();
    let socket = server.client.socket().to_owned();
    let silent = std::os::unix::net::UnixStream::connect(&socket).unwrap();
    let mut halfway = std::os::unix::net::UnixStream::connect(&socket).unwrap();
    halfway.write_all(b"POST /api/v1/force-leave HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\n{").unwrap();
    let _: Info = server.client.get(routes::INFO).await.unwrap();

    // The answer to the half request is a problem, in time.
    let answer = tokio::task::spawn_blocking(move || {
        halfway.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        let mut answer = [0; 12];
        halfway.read_exact(&mut answer).unwrap();
        String::from_utf8(answer.to_vec()).unwrap()
    });
    assert_eq!(answer.await.unwrap(), "HTTP/1.1 408");
    drop(silent);
}

#[tokio::test]
async fn tags_are_removed_then_set_and_told_whole() {
    let mut server = serve();
    let set = [("zone".to_owned(), "a".to_owned()), ("both".to_owned(), "1".to_owned())];
    let request = TagsRequest { set: set.into(), delete: vec!["role".into(), "both".into(), "none".into()] };
    let response: TagsResponse = server.client.post(routes::TAGS, &request).await.unwrap();
    let expected: BTreeMap<String, String> = request.set.clone();
    assert_eq!((&response.tags, response.note), (&expected, None));
    assert_eq!(server.told.recv().await, Some(Told::SetTags(expected)));
}

#[tokio::test]
async fn tags_that_do_not_fit_are_refused_and_long_ones_noted() {
    let mut server = serve();
    let change = |key: &str, bytes: usize| TagsRequest {
        set: [(key.to_owned(), "x".repeat(bytes))].into(),
        delete: vec![],
    };
    let too_long =
        problem(server.client.post::<_, TagsResponse>(routes::TAGS, &change("a", 600)).await.unwrap_err());
    assert_eq!(too_long.status, 400);
    assert!(too_long.detail.contains("the limit is 512; shorten or remove tags"), "{}", too_long.detail);
    let nameless =
        problem(server.client.post::<_, TagsResponse>(routes::TAGS, &change("", 1)).await.unwrap_err());
    assert_eq!(nameless.detail, "a tag needs a name");
    let response: TagsResponse = server.client.post(routes::TAGS, &change("a", 300)).await.unwrap();
    assert!(response.note.unwrap().starts_with("the tags take 31"));
    let Some(Told::SetTags(tags)) = server.told.recv().await else { panic!("no tags") };
    assert_eq!(tags.keys().collect::<Vec<_>>(), ["a", "role"]);
}

#[tokio::test]
async fn why_tells_times_before_now_and_knows_no_strangers() {
    let server = serve();
    let why: Value = server.client.get(&WhyQuery { node: "web-1".into() }.to_path()).await.unwrap();
    assert_eq!(
        why,
        json!({
            "node": "web-1", "observer": "me", "failed_in_ms": 2000, "round_trips_us": [250], "health_score": 2,
            "member": { "status": "failed", "since_ms": 10000, "addr": "127.0.0.1:7946" },
            "findings": [{
                "ago_ms": 3000, "verdict": "suspected", "by": "me", "incarnation": 1, "health_score": 0,
                "way": { "kind": "probe", "relays": ["a"], "nacks": 1, "tcp": "refused" },
            }],
        })
    );
    let stranger = WhyQuery { node: "web 2".into() };
    let refused = problem(server.client.get::<Value>(&stranger.to_path()).await.unwrap_err());
    assert_eq!((refused.status, refused.detail.as_str()), (404, "no member is or was called \"web 2\""));
}

#[tokio::test]
async fn handlers_are_added_listed_and_removed() {
    let server = serve();
    let add = |name: &str, on: &[&str]| muster_control::handlers::AddHandler {
        name: name.to_owned(),
        on: on.iter().map(|word| (*word).to_owned()).collect(),
        command: Some(vec!["/bin/true".to_owned(), "a b".to_owned()]),
        ..Default::default()
    };
    server.client.post::<_, ()>(routes::HANDLERS_ADD, &add("a", &["user:x", "query"])).await.unwrap();
    let listed: Value = server.client.get(routes::HANDLERS).await.unwrap();
    assert_eq!(
        listed,
        json!({ "handlers": [{
            "name": "a", "on": ["user:x", "query"], "command": ["/bin/true", "a b"], "is_serf": false, "coalesce": true,
            "timeout_ms": 600_000, "concurrency": 1, "queue": 4096, "is_configured": false,
            "queued": 0, "running": 0, "runs": 0, "failures": 0, "dropped": 0,
        }] })
    );
    let info: Info = server.client.get(routes::INFO).await.unwrap();
    assert_eq!(info.0["event_handlers"]["user:x"], "[\"/bin/true\", \"a b\"]");

    let mut both = add("b", &[]);
    both.shell = Some("x".to_owned());
    for (request, status, words) in [
        (add("a", &[]), 409, "remove it first"),
        (add("b", &["member-foo"]), 400, "no such event: \"member-foo\""),
        (add("", &[]), 400, "name"),
        (both, 400, "one of `shell`, `command` and `webhook`"),
    ] {
        let refused = problem(server.client.post::<_, ()>(routes::HANDLERS_ADD, &request).await.unwrap_err());
        assert_eq!(refused.status, status, "{refused}");
        assert!(refused.detail.contains(words), "{refused}");
    }
    let name = muster_control::handlers::RemoveHandler { name: "a".to_owned() };
    server.client.post::<_, ()>(routes::HANDLERS_REMOVE, &name).await.unwrap();
    let refused = problem(server.client.post::<_, ()>(routes::HANDLERS_REMOVE, &name).await.unwrap_err());
    assert_eq!(refused.status, 404);
}

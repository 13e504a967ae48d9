//! Two or three agents of ours: joining in any order, the fleet they draw, how they end.
#![expect(clippy::unwrap_used, reason = "a failed step fails its test")]

mod common;

use common::{Net, Node, config, until};
use muster_agent::{Ended, Error, Reload, run};
use muster_control::client::Error as ClientError;
use muster_control::routes::{
    self, ForceLeaveRequest, Info, JoinRequest, JoinResponse, Payload, QueryLine, QueryRequest,
};
use muster_fleet::{Follower, Phase, Picture, Standing, Update};
use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

#[tokio::test]
async fn a_seed_that_starts_last_is_found() {
    let net = Net::random();
    let early = Node::start(config("early", net.ip(1), &[net.ip(2)])).await;
    early.sees(&[("early", "alive")]).await;
    let late = Node::start(config("late", net.ip(2), &[])).await;
    let both = [("early", "alive"), ("late", "alive")];
    early.sees(&both).await;
    late.sees(&both).await;
}

#[tokio::test]
async fn a_seed_that_is_there_is_joined_at_once() {
    let net = Net::random();
    let first = Node::start(config("first", net.ip(1), &[])).await;
    let second = Node::start(config("second", net.ip(2), &[net.ip(1)])).await;
    let both = [("first", "alive"), ("second", "alive")];
    second.sees(&both).await;
    first.sees(&both).await;
}

#[tokio::test]
async fn a_join_can_be_asked_for_on_the_control_socket() {
    let net = Net::random();
    let first = Node::start(config("first", net.ip(1), &[])).await;
    let second = Node::start(config("second", net.ip(2), &[])).await;
    let addresses = vec![net.ip(1).to_string(), net.ip(99).to_string()];
    let request = JoinRequest { addresses, replay: false };
    let response: JoinResponse = second.client.post(routes::JOIN, &request).await.unwrap();
    assert_eq!((response.joined, response.errors.len()), (1, 1));
    assert!(response.errors[0].contains("refused"), "{}", response.errors[0]);
    first.sees(&[("first", "alive"), ("second", "alive")]).await;
}

/// Follows the first node's fleet until `wanted` holds of a picture; returns it.
async fn picture(node: &Node, follower: &mut Follower, wanted: impl Fn(&Picture) -> bool) -> Picture {
    let mut lines = node.client.lines::<Update>(routes::FLEET_FOLLOW).await.unwrap();
    loop {
        let update = lines.next().await.unwrap().expect("the agent runs");
        if let Some(picture) = follower.take(update).unwrap()
            && wanted(picture)
        {
            return picture.clone();
        }
    }
}

#[tokio::test]
async fn a_follower_sees_a_backend_come_and_go() {
    let net = Net::random();
    let mut balancer = config("balancer", net.ip(1), &[]);
    balancer.tags = [("balances".to_owned(), "1".to_owned())].into();
    let balancer = Node::start(balancer).await;
    let mut follower = Follower::new();
    let empty = picture(&balancer, &mut follower, |_| true).await;
    assert_eq!((empty.phase, empty.services.len()), (Phase::Warming, 0));

    let backend = Node::start(config("b1", net.ip(2), &[net.ip(1)])).await;
    let there = picture(&balancer, &mut follower, |picture| picture.backend("web", "b1").is_some()).await;
    let b1 = there.backend("web", "b1").unwrap();
    assert_eq!((b1.addr, b1.standing), ((net.ip(2), 3000).into(), Standing::Ready));

    // Both while it leaves and when it has left, nobody sends there.
    let leaving = tokio::spawn(backend.leave());
    picture(&balancer, &mut follower, |picture| {
        picture.backend("web", "b1").is_none_or(|b1| b1.standing == Standing::Withdrawn)
    })
    .await;
    assert_eq!(leaving.await.unwrap().unwrap(), Ended::Left);
    picture(&balancer, &mut follower, |picture| picture.backend("web", "b1").is_none()).await;
    balancer.sees(&[("b1", "left"), ("balancer", "alive")]).await;
}

#[tokio::test]
async fn a_node_that_left_comes_back_under_its_name() {
    let net = Net::random();
    let first = Node::start(config("first", net.ip(1), &[])).await;
    for _ in 0..2 {
        let second = Node::start(config("second", net.ip(2), &[net.ip(1)])).await;
        first.sees(&[("first", "alive"), ("second", "alive")]).await;
        assert_eq!(second.leave().await.unwrap(), Ended::Left);
        first.sees(&[("first", "alive"), ("second", "left")]).await;
    }
}

#[tokio::test]
async fn a_seed_without_seeds_that_left_comes_back_to_its_cluster() {
    let net = Net::random();
    let seed = Node::start(config("seed", net.ip(1), &[])).await;
    let a = Node::start(config("a", net.ip(2), &[net.ip(1)])).await;
    let _b = Node::start(config("b", net.ip(3), &[net.ip(1)])).await;
    let all = [("a", "alive"), ("b", "alive"), ("seed", "alive")];
    a.sees(&all).await;
    assert_eq!(seed.leave().await.unwrap(), Ended::Left);
    a.sees(&[("a", "alive"), ("b", "alive"), ("seed", "left")]).await;
    let seed = Node::start(config("seed", net.ip(1), &[])).await;
    seed.sees(&all).await;
    a.sees(&all).await;
}

#[tokio::test]
async fn a_left_member_can_be_pruned() {
    let net = Net::random();
    let first = Node::start(config("first", net.ip(1), &[])).await;
    let second = Node::start(config("second", net.ip(2), &[net.ip(1)])).await;
    first.sees(&[("first", "alive"), ("second", "alive")]).await;
    second.leave().await.unwrap();
    let request = ForceLeaveRequest { node: "second".to_owned(), prune: true };
    let () = first.client.post(routes::FORCE_LEAVE, &request).await.unwrap();
    first.sees(&[("first", "alive")]).await;
}

#[tokio::test]
async fn a_lone_node_is_a_healthy_cluster_of_one_and_leaves_at_once() {
    let net = Net::random();
    let alone = Node::start(config("alone", net.ip(1), &[])).await;
    let Info(info) = alone.client.get(routes::INFO).await.unwrap();
    assert_eq!(info["serf"]["members"], "1");
    assert_eq!(info["muster"]["advertise"], format!("{}:7946", net.ip(1)));
    let client = alone.client.clone();
    assert_eq!(alone.leave().await.unwrap(), Ended::Left);
    let gone = client.get::<Info>(routes::INFO).await.unwrap_err();
    assert!(matches!(gone, ClientError::Unreachable { .. }), "{gone}");
}

#[tokio::test]
async fn a_leave_that_is_asked_for_has_the_time_of_its_parts() {
    let net = Net::random();
    let stays = Node::start(config("stays", net.ip(1), &[])).await;
    let mut hasty = config("hasty", net.ip(2), &[net.ip(1)]);
    // For signals only: the leave takes a second for its spreading alone.
    hasty.leave_timeout = Duration::from_millis(1);
    let hasty = Node::start(hasty).await;
    stays.sees(&[("hasty", "alive"), ("stays", "alive")]).await;
    assert_eq!(hasty.leave().await.unwrap(), Ended::Left);
    stays.sees(&[("hasty", "left"), ("stays", "alive")]).await;
}

#[tokio::test]
async fn a_configuration_that_is_read_for_ever_holds_up_no_leave() {
    let (begun, began) = std::sync::mpsc::channel();
    let (release, released) = std::sync::mpsc::channel::<()>();
    let (begun, released) = (Mutex::new(begun), Mutex::new(released));
    let mut config = config("a", Net::random().ip(1), &[]);
    config.reload = Reload::by(move || {
        begun.lock().unwrap().send(()).unwrap();
        // Until the test ends.
        let _ = released.lock().unwrap().recv();
        Err("the disk is gone".to_owned())
    });
    let node = Node::start(config).await;
    // The other agents of this process cannot reload, and say so.
    let kill = std::process::Command::new("kill").args(["-HUP", &std::process::id().to_string()]).status();
    assert!(kill.unwrap().success());
    tokio::task::spawn_blocking(move || began.recv().unwrap()).await.unwrap();
    assert_eq!(node.leave().await.unwrap(), Ended::Left);
    drop(release);
}

#[tokio::test]
async fn queries_whose_askers_went_away_make_room() {
    let node = Node::start(config("a", Net::random().ip(1), &[])).await;
    let (payload, nodes, tags) = (Payload::default(), Vec::new(), BTreeMap::new());
    let (name, hour) = ("x".to_owned(), Some(3_600_000));
    let query = QueryRequest { name, payload, nodes, tags, acks: false, relay_factor: 0, timeout_ms: hour };
    // More than can be open.
    for nth in 0..300 {
        until(&format!("query {nth} is asked"), async || {
            let mut lines = node.client.post_lines::<_, QueryLine>(routes::QUERIES, &query).await.ok()?;
            lines.next().await.unwrap()
        })
        .await;
    }
}

#[tokio::test]
async fn an_agent_with_silent_seeds_is_warming() {
    let net = Net::random();
    let node = Node::start(config("node", net.ip(1), &[net.ip(2)])).await;
    let Info(info) = node.client.get(routes::INFO).await.unwrap();
    assert_eq!(info["muster"]["fleet_phase"], "warming");
    let _seed = Node::start(config("seed", net.ip(2), &[])).await;
    until("the agent is live", async || {
        let picture: Picture = node.client.get(routes::FLEET).await.unwrap();
        (picture.phase == Phase::Live).then_some(())
    })
    .await;
}

/// Where the node's gossip listens, and what it tells others.
async fn addresses(node: &Node) -> (String, String) {
    let Info(info) = node.client.get(routes::INFO).await.unwrap();
    (info["muster"]["bind"].clone(), info["muster"]["advertise"].clone())
}

/// `true` when this host has no IPv6: Docker's containers have none by default, not even on loopback.
#[expect(clippy::print_stderr, reason = "whoever reads the run must know what was not tested")]
fn skipped_without_ipv6() -> bool {
    let missing = std::net::UdpSocket::bind("[::1]:0").is_err();
    assert!(!missing || std::env::var_os("CI").is_none(), "CI must have IPv6 on loopback");
    if missing {
        eprintln!("skipped: there is no IPv6 on loopback here");
    }
    missing
}

#[tokio::test]
async fn nodes_gossip_over_ipv6() {
    if skipped_without_ipv6() {
        return;
    }
    let net = Net::random();
    let on_v6 = |node: &str, join: Option<String>| {
        let mut config = config(node, net.ip(1), &[]);
        config.bind = "[::1]:0".parse().unwrap();
        config.join.extend(join);
        config
    };
    let first = Node::start(on_v6("first", None)).await;
    let (bound, told) = addresses(&first).await;
    assert_eq!(bound, told);
    let second = Node::start(on_v6("second", Some(bound))).await;
    let both = [("first", "alive"), ("second", "alive")];
    first.sees(&both).await;
    second.sees(&both).await;
    assert_eq!(second.leave().await.unwrap(), Ended::Left);
    first.sees(&[("first", "alive"), ("second", "left")]).await;
}

#[tokio::test]
async fn a_node_bound_to_all_addresses_tells_the_one_towards_its_seed() {
    let net = Net::random();
    let seed = Node::start(config("seed", net.ip(1), &[])).await;
    for bind in ["0.0.0.0:0", "[::]:0"] {
        let mut everywhere = config("everywhere", net.ip(2), &[net.ip(1)]);
        everywhere.bind = bind.parse().unwrap();
        let everywhere = Node::start(everywhere).await;
        seed.sees(&[("everywhere", "alive"), ("seed", "alive")]).await;
        let (_, told) = addresses(&everywhere).await;
        assert!(told.starts_with("127."), "{told}");
        // Leaving takes answers by UDP to the address told, in both directions.
        assert_eq!(everywhere.leave().await.unwrap(), Ended::Left);
        seed.sees(&[("everywhere", "left"), ("seed", "alive")]).await;
    }
}

/// `run` on a thread of its own, for agents that do not start.
async fn fails(config: muster_agent::Config) -> Error {
    tokio::task::spawn_blocking(|| run(config)).await.unwrap().unwrap_err()
}

#[tokio::test]
async fn strict_joining_fails_when_no_seed_answers() {
    let net = Net::random();
    let dir = tempfile::tempdir().unwrap();
    let mut strict = config("strict", net.ip(1), &[net.ip(2), net.ip(3)]);
    strict.join_strict = true;
    strict.socket = dir.path().join("control.sock");
    let socket = strict.socket.clone();
    let error = fails(strict).await;
    assert!(matches!(error, Error::JoinFailed(_)), "{error}");
    let text = error.to_string();
    assert!(text.contains(&net.ip(2).to_string()) && text.contains(&net.ip(3).to_string()), "{text}");
    assert!(!socket.exists(), "the control socket is removed");
}

#[tokio::test]
async fn what_is_wrong_with_the_configuration_is_said() {
    let net = Net::random();
    let running = Node::start(config("running", net.ip(1), &[])).await;
    let dir = tempfile::tempdir().unwrap();
    let good = || {
        let mut config = config("second", net.ip(2), &[]);
        config.socket = dir.path().join("control.sock");
        config
    };

    let mut same_address = good();
    same_address.bind = (net.ip(1), 7946).into();
    assert!(matches!(fails(same_address).await, Error::Bind { .. }));

    let mut same_socket = good();
    same_socket.socket = running.client.socket().to_owned();
    assert!(matches!(fails(same_socket).await, Error::SocketInUse { .. }));

    let mut long_tags = good();
    long_tags.tags.insert("x".to_owned(), "y".repeat(600));
    let error = fails(long_tags).await;
    assert!(matches!(error, Error::Tags(_)), "{error}");

    let mut odd_seed = good();
    odd_seed.join = vec!["no seed:x".to_owned()];
    assert!(matches!(fails(odd_seed).await, Error::Seed { .. }));

    let mut no_name = good();
    no_name.node = String::new();
    assert!(matches!(fails(no_name).await, Error::Name { .. }));
}

#[tokio::test]
async fn an_agent_that_gives_up_says_so() {
    let net = Net::random();
    let dir = tempfile::tempdir().unwrap();
    let mut impatient = config("impatient", net.ip(1), &[net.ip(2)]);
    impatient.retry_max = 2;
    impatient.retry_interval = Duration::from_millis(10);
    impatient.socket = dir.path().join("control.sock");
    let error = fails(impatient).await.to_string();
    assert!(error.contains("gave up after 2 rounds"), "{error}");
}

//! Agents with gossip keys: those who share one meet, everybody else is kept out.
#![expect(clippy::unwrap_used, reason = "a failed step fails its test")]

mod common;

use common::{Net, Node, PATIENCE, config};
use muster_agent::{Ended, Error, KeySource, run};
use muster_control::routes::{self, Info, JoinRequest, JoinResponse};
use muster_wire::crypt::{Key, Keyring};
use muster_wire::memberlist::{Message, Ping};
use muster_wire::{Border, Label};
use std::net::{Ipv4Addr, UdpSocket};
use std::path::Path;

const OLD: &str = "cg8StVXbQJ0gPvMd9o7yrg==";
const NEW: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

fn with_key(node: &str, ip: Ipv4Addr, join: &[Ipv4Addr], key: &str) -> muster_agent::Config {
    muster_agent::Config { keys: Some(KeySource::Key(key.to_owned())), ..config(node, ip, join) }
}

#[tokio::test]
async fn a_key_is_exchanged_by_files_while_all_stay_members() {
    let dir = tempfile::tempdir().unwrap();
    let ring = |name: &str, keys: &[&str]| {
        let path = dir.path().join(name);
        std::fs::write(&path, serde_json::to_vec(keys).unwrap()).unwrap();
        Some(KeySource::Keyring(path))
    };
    let net = Net::random();
    let first = Node::start(with_key("first", net.ip(1), &[], OLD)).await;
    let mut second = config("second", net.ip(2), &[net.ip(1)]);
    second.keys = ring("second", &[OLD, NEW]);
    let second = Node::start(second).await;
    let both = [("first", "alive"), ("second", "alive")];
    first.sees(&both).await;
    second.sees(&both).await;

    // Seals with the new key, which the first does not know; the second reads both.
    let mut third = config("third", net.ip(3), &[net.ip(2)]);
    third.keys = ring("third", &[NEW, OLD]);
    let third = Node::start(third).await;
    second.sees(&[("first", "alive"), ("second", "alive"), ("third", "alive")]).await;
    third.sees(&[("first", "alive"), ("second", "alive"), ("third", "alive")]).await;

    let Info(info) = third.client.get(routes::INFO).await.unwrap();
    assert_eq!(info["serf"]["encrypted"], "true");
    assert_eq!(third.leave().await.unwrap(), Ended::Left);
    second.sees(&[("first", "alive"), ("second", "alive"), ("third", "left")]).await;
}

#[tokio::test]
async fn a_stranger_is_told_why_it_cannot_join_and_the_cluster_stays_as_it_is() {
    let net = Net::random();
    let inside = Node::start(with_key("inside", net.ip(1), &[], OLD)).await;
    let wrong = Node::start(with_key("wrong", net.ip(2), &[], NEW)).await;
    let plain = Node::start(config("plain", net.ip(3), &[])).await;
    for (from, to, reason) in [
        (&wrong, net.ip(1), "encryption: no key that is installed here opens it"),
        (&plain, net.ip(1), "encrypted, but no key is configured here"),
        (&wrong, net.ip(3), "not encrypted, but a key is configured here"),
    ] {
        let request = JoinRequest { addresses: vec![to.to_string()], replay: false };
        let refused = from.client.post::<_, JoinResponse>(routes::JOIN, &request).await.unwrap_err();
        assert!(refused.to_string().contains(reason), "{refused}");
    }
    for (node, name) in [(&inside, "inside"), (&wrong, "wrong"), (&plain, "plain")] {
        assert_eq!(node.members().await, [(name.to_owned(), "alive".to_owned())]);
    }
}

/// A border with this key.
fn border(key: &str) -> Border {
    Border::new(Label::default(), Some(Keyring::new(Key::from_base64(key).unwrap())))
}

#[tokio::test]
async fn only_a_datagram_sealed_with_the_key_is_answered() {
    let net = Net::random();
    let _node = Node::start(with_key("node", net.ip(1), &[], OLD)).await;
    let socket = UdpSocket::bind((net.ip(2), 0)).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let ping = |seq_no| {
        let mut bytes = Vec::new();
        Message::Ping(Ping { seq_no, node: "node", source: None }).encode(&mut bytes);
        bytes
    };
    let ours = border(OLD);
    let mut damaged = ours.seal_packet(&[3; 12], ping(3));
    *damaged.last_mut().unwrap() ^= 1;
    // Read in this order, so an answer to an earlier one would come first.
    for datagram in [
        ping(1),
        border(NEW).seal_packet(&[2; 12], ping(2)),
        damaged,
        Vec::new(),
        vec![1; 28],
        vec![0; 65_000],
        ours.seal_packet(&[7; 12], ping(7)),
    ] {
        socket.send_to(&datagram, (net.ip(1), 7946)).unwrap();
    }
    let mut buffer = [0; 2000];
    let length = socket.recv(&mut buffer).unwrap();
    let mut plain = Vec::new();
    let answer = ours.open_packet(&buffer[..length], &mut plain).unwrap();
    let mut acked = None;
    muster_wire::packet::unwrap(answer, &mut |message| {
        if let Ok(Message::Ack(ack)) = message {
            acked = Some(ack.seq_no);
        }
    })
    .unwrap();
    assert_eq!(acked, Some(7));
}

#[tokio::test]
async fn an_agent_whose_keys_cannot_be_read_does_not_start_without_them() {
    let mut config = config("node", Net::random().ip(1), &[]);
    config.keys = Some(KeySource::File(Path::new("/nowhere/gossip.key").into()));
    let refused = tokio::task::spawn_blocking(move || run(config)).await.unwrap().unwrap_err();
    assert!(matches!(refused, Error::Keys(_)), "{refused}");
}

//! Strangers who send anything, with and without the cluster's key: the agent stays alive in the eyes of Muster and real Serf,
//! which probe it all the while, is a member of its own cluster afterwards, and never holds more than 32 MiB.

#![allow(clippy::print_stdout, reason = "what was measured is for whoever reads the log")]

use muster_e2e::{Agent, AgentOptions, Hosts, reference, says};
use muster_wire::crypt::{Key, Keyring};
use muster_wire::memberlist::{Ack, Alive, Dead, Message, Suspect};
use muster_wire::packet::unwrap;
use muster_wire::serf::{LeaveIntent, Message as SerfMessage};
use muster_wire::stream::{encode_message, encode_user};
use muster_wire::{Border, Label, Leg, RawAddr, Versions};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::time::{Duration, Instant};

/// Peak resident memory allowed to an agent of a small cluster.
const PEAK_KIB_MAX: u64 = 32 << 10;
/// How long a patient attacker waits for an answer.
const PATIENCE: Duration = Duration::from_millis(500);
/// Datagrams of the flood, and how many of them in a millisecond.
const FLOOD: (u32, u32) = (30_000, 10);
const KEY: &str = "cg8StVXbQJ0gPvMd9o7yrg==";

/// What real Serf sent once: the seeds of what is sent here.
fn recorded() -> Vec<Vec<u8>> {
    let file = include_str!("../../../crates/wire/tests/vectors/serf-0.9.4.json");
    let file: serde_json::Value = serde_json::from_str(file).expect("the vectors are JSON");
    let hex = |text: &str| -> Vec<u8> {
        let digit = |at: usize| u8::from_str_radix(&text[at..at + 2], 16).expect("hex");
        (0..text.len()).step_by(2).map(digit).collect()
    };
    let vectors = file["vectors"].as_array().expect("a list");
    vectors.iter().filter_map(|vector| vector["hex"].as_str()).map(hex).collect()
}

/// An attacker, with the cluster's key or without.
struct Attacker {
    random: fastrand::Rng,
    border: Border,
    udp: UdpSocket,
    target: SocketAddr,
    recorded: Vec<Vec<u8>>,
}

impl Attacker {
    fn new(hosts: &Hosts, target: &str, key: Option<&str>) -> Self {
        let keys = key.map(|key| Keyring::new(Key::from_base64(key).expect("a key")));
        Self {
            random: fastrand::Rng::with_seed(7),
            border: Border::new(Label::default(), keys),
            udp: UdpSocket::bind((hosts.ip(66), 0)).expect("a free port"),
            target: target.parse().expect("an address"),
            recorded: recorded(),
        }
    }

    fn packet(&mut self, bytes: Vec<u8>) {
        let nonce = std::array::from_fn(|_| self.random.u8(..));
        // A full buffer loses it; there are more.
        let _ = self.udp.send_to(&self.border.seal_packet(&nonce, bytes), self.target);
    }

    fn message(&mut self, message: &Message<'_>) {
        let mut bytes = Vec::new();
        message.encode(&mut bytes);
        self.packet(bytes);
    }

    /// Sends it all, as far as it is taken, and waits for the end if `patient`.
    fn stream(&mut self, bytes: Vec<u8>, patient: bool) {
        let nonce = std::array::from_fn(|_| self.random.u8(..));
        let sealed = self.border.seal_stream(Leg::Request, &nonce, bytes);
        self.raw_stream(&sealed, patient);
    }

    fn raw_stream(&self, bytes: &[u8], patient: bool) {
        let Ok(mut connection) = TcpStream::connect(self.target) else { return };
        let _ = connection.set_write_timeout(Some(PATIENCE));
        let _ = connection.set_read_timeout(Some(PATIENCE));
        // It may be closed at any byte.
        let _ = connection.write_all(bytes);
        if patient {
            let _ = connection.read(&mut [0; 1024]);
        }
    }

    /// A recorded message, damaged in a few places or cut.
    fn damaged(&mut self) -> Vec<u8> {
        let at = self.random.usize(..self.recorded.len());
        let mut bytes = self.recorded[at].clone();
        for _ in 0..self.random.usize(..5) {
            let at = self.random.usize(..bytes.len());
            bytes[at] = self.random.u8(..);
        }
        if self.random.bool() {
            bytes.truncate(self.random.usize(..=bytes.len()));
        }
        bytes
    }

    fn noise(&mut self) -> Vec<u8> {
        let length = self.random.usize(..2000);
        (0..length).map(|_| self.random.u8(..)).collect()
    }

    fn attack(&mut self) {
        for _ in 0..3000 {
            let (damaged, noise) = (self.damaged(), self.noise());
            self.packet(damaged);
            self.packet(noise);
        }
        for round in 0..300 {
            let bytes = if round % 3 == 0 { self.noise() } else { self.damaged() };
            self.stream(bytes, false);
        }
        self.absurd_lengths();
        self.forgeries();
        self.flood();
    }

    /// Garbage, 10,000 datagrams a second if the machine keeps up.
    fn flood(&mut self) {
        let (count, at_once) = FLOOD;
        let started = Instant::now();
        for sent in 0..count {
            let bytes = if sent % 2 == 0 { self.damaged() } else { self.noise() };
            self.packet(bytes);
            let due = started + Duration::from_millis((sent / at_once).into());
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
        }
        println!("flood: {:.0} datagrams/s", f64::from(count) / started.elapsed().as_secs_f64());
    }

    /// Answers every ping, whoever is meant, until nothing has come for a while.
    fn answer_pings(&mut self) {
        let mut buffer = [0; 2048];
        self.udp.set_read_timeout(Some(Duration::from_secs(30))).expect("not zero");
        while let Ok(length) = self.udp.recv(&mut buffer) {
            let mut pings = Vec::new();
            let datagram = unwrap(&buffer[..length], &mut |message| {
                if let Ok(Message::Ping(ping)) = message {
                    pings.push(ping.seq_no);
                }
            });
            assert!(datagram.is_ok(), "the agent sends what can be read");
            for seq_no in pings {
                self.message(&Message::Ack(Ack { seq_no, payload: b"" }));
            }
        }
    }

    fn absurd_lengths(&mut self) {
        let header = b"\x06\x83\xa4Join\xc2\xa5Nodes";
        for count in [-1_i64, (1 << 31) - 1, 1 << 40, i64::MIN] {
            let mut number = vec![0xd3];
            number.extend(count.to_be_bytes());
            self.stream([header, &number[..], b"\xacUserStateLen\x00"].concat(), true);
            self.stream([header, &b"\x00\xacUserStateLen"[..], &number].concat(), true);
            self.stream([&b"\x08\x81\xaaUserMsgLen"[..], &number].concat(), true);
        }
        // A frame of 4 GiB, a string of 4 GiB, arrays in arrays, and lists of a million nothings.
        self.raw_stream(b"\x0a\xff\xff\xff\xff\x01", true);
        self.stream(b"\x02\x82\xa7Payload\xdb\xff\xff\xff\xff".to_vec(), true);
        self.packet([&b"\x04"[..], &[0x91; 60_000]].concat());
        self.stream([&b"\x06"[..], &[0x91; 1_000_000]].concat(), true);
        let nothings = [&b"\x02\x81\xabLeftMembers\xdd\x00\x10\x00\x00"[..], &[0xa0; 1 << 20]].concat();
        let length = u32::try_from(nothings.len()).expect("a megabyte").to_be_bytes();
        let state = [header, &b"\x00\xacUserStateLen\xce"[..], &length, &nothings].concat();
        self.stream(state, true);
        // A bomb: 16 MiB of zeros in some 40 KiB.
        for _ in 0..5 {
            self.stream(encode_user(&vec![0; 16 << 20], true), true);
            self.stream(encode_user(&vec![0; 8 << 20], true), true);
        }
    }

    /// Forged, stale and repeated: about the agent, about its peer, about nobody.
    fn forgeries(&mut self) {
        for node in ["muster", "peer", "nobody"] {
            for incarnation in [0, 1, 2, u32::MAX] {
                for from in [node, "peer", "stranger"] {
                    self.message(&Message::Suspect(Suspect { incarnation, node, from }));
                    self.message(&Message::Dead(Dead { incarnation, node, from }));
                }
                let addr = RawAddr::V4([10, 66, 6, 6]);
                let versions = Some(Versions::OURS);
                self.message(&Message::Alive(Alive {
                    incarnation,
                    node,
                    addr,
                    port: 1,
                    meta: b"",
                    versions,
                }));
            }
            // Not u64::MAX: no clock goes beyond it, so that nobody can refute what is said at that time, as in real Serf.
            for ltime in [0, 1, 1 << 40] {
                let mut intent = Vec::new();
                SerfMessage::Leave(LeaveIntent { ltime, node, prune: true }).encode(&mut intent);
                self.message(&Message::User(&intent));
                self.stream(encode_message(&Message::User(&intent), true), false);
            }
        }
    }
}

async fn attacked(flags: &[&str], key: Option<&str>) {
    let hosts = Hosts::claim();
    let options = flags.iter().fold(AgentOptions::default(), |options, flag| options.flag(flag));
    let mut agent = Agent::start(&hosts, 1, "muster", options.clone());
    let peer = Agent::start(&hosts, 2, "peer", options.join(&agent.address));
    agent.sees("peer", "alive").await;
    let watcher = reference(&hosts, 4, "serf", &[flags, &["-join", &agent.address]].concat()).await;
    if watcher.is_some() {
        agent.sees("serf", "alive").await;
    }
    let mut attacker = Attacker::new(&hosts, &agent.address, key);
    let held: Vec<_> = (0..500)
        .filter_map(|number| {
            let mut connection = TcpStream::connect(attacker.target).ok()?;
            if number % 2 == 0 {
                let _ = connection.write_all(b"\x06\x83\xa4Join");
            }
            Some(connection)
        })
        .collect();
    let attack = tokio::task::spawn_blocking(move || {
        attacker.attack();
        attacker
    });
    attack.await.expect("the attacker does not panic");
    // The agent still answers, and so do its streams: a newcomer joins through it.
    agent.sees("muster", "alive").await;
    agent.sees("peer", "alive").await;
    peer.sees("muster", "alive").await;
    let options = flags.iter().fold(AgentOptions::default(), |options, flag| options.flag(flag));
    let late = Agent::start(&hosts, 3, "late", options.join(&agent.address));
    late.sees("muster", "alive").await;
    drop(held);
    if let Some(serf) = watcher {
        serf.sees("muster", "alive").await;
        let said = serf.process.said();
        assert!(!said.contains("EventMemberFailed: muster"), "{said}");
    }
    let said = peer.process.said();
    assert!(
        !said.lines().any(|line| line.contains("member-failed") && line.contains("\"muster\"")),
        "{said}"
    );
    assert!(!agent.process.said().contains("panicked"), "{}", agent.process.said());
    let peak = agent.process.peak_kib();
    println!("peak resident memory under attack, {flags:?}: {peak} KiB");
    assert!(peak <= PEAK_KIB_MAX, "{peak} KiB");
    assert!(agent.process.stop().await.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_without_a_key_at_an_open_agent() {
    attacked(&[], None).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_without_the_key_at_an_encrypted_agent() {
    attacked(&["-encrypt", KEY], None).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_attacker_with_the_key() {
    attacked(&["-encrypt", KEY], Some(KEY)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_forged_packet_shuts_a_lone_agent_down() {
    let hosts = Hosts::claim();
    let mut agent = Agent::start(&hosts, 1, "muster", AgentOptions::default());
    agent.sees("muster", "alive").await;
    let mut attacker = Attacker::new(&hosts, &agent.address, None);
    attacker.forgeries();
    // The last of them is about nobody.
    says("it has heard them all", "node=\"nobody\"", || agent.process.said()).await;
    agent.sees("muster", "alive").await;
    assert!(agent.process.stop().await.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_that_answers_to_the_name_of_a_lone_agent_does_not_shut_it_down() {
    let hosts = Hosts::claim();
    let mut agent = Agent::start(&hosts, 1, "muster", AgentOptions::default());
    agent.sees("muster", "alive").await;
    let mut attacker = Attacker::new(&hosts, &agent.address, None);
    attacker.message(&Message::Alive(Alive {
        incarnation: 9,
        node: "muster",
        addr: RawAddr::V4(hosts.ip(66).octets()),
        port: attacker.udp.local_addr().expect("it is bound").port(),
        meta: b"",
        versions: Some(Versions::OURS),
    }));
    std::thread::spawn(move || attacker.answer_pings());
    says("the vote is over", "nobody answered whose our name is", || agent.process.said()).await;
    agent.sees("muster", "alive").await;
    assert!(agent.process.stop().await.success());
}

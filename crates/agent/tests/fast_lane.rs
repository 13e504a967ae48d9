//! What the fast lane puts on the wire, read by the real Serf: a core of ours with sockets, and without datagrams. Needs
//! Debian's `serf`; says so when it is not there.
#![expect(clippy::unwrap_used, reason = "a failed step fails its test")]

#[allow(dead_code, reason = "no agent of ours runs here")]
mod common;

use common::{Net, until};
use muster_control::routes::{MemberRow, Members};
use muster_serf::{Config, Extensions, Input, Instant, Limits, Output, Profile, Serf};
use muster_wire::memberlist::Message;
use muster_wire::stream::Scanner;
use std::fs::File;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream, UdpSocket};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use tempfile::NamedTempFile;

const HOUR: Duration = Duration::from_secs(3600);
const SERF: &str = "/usr/bin/serf";
const OURS: &str = "ours";

/// The real Serf, with what it said.
struct Reference {
    child: Child,
    rpc: String,
    gossip: SocketAddr,
    log: NamedTempFile,
}

impl Reference {
    /// `None`, and a word why, where it is not installed.
    #[expect(clippy::print_stderr, reason = "whoever reads the run must know what was not tested")]
    async fn start(ip: Ipv4Addr) -> Option<Self> {
        if !Path::new(SERF).exists() {
            assert!(std::env::var_os("CI").is_none(), "CI must have {SERF}");
            eprintln!("skipped: {SERF} is not installed");
            return None;
        }
        let (rpc, log) = (format!("{ip}:7373"), NamedTempFile::new().unwrap());
        let output = || Stdio::from(File::options().append(true).open(log.path()).unwrap());
        let mut command = Command::new(SERF);
        command.args(["agent", "-node", "theirs", "-tag", "balances=1", "-log-level", "debug"]);
        command.args(["-bind", &ip.to_string(), "-rpc-addr", &rpc]).stdout(output()).stderr(output());
        let child = command.spawn().unwrap();
        let serf = Self { child, rpc, gossip: SocketAddr::new(ip.into(), 7946), log };
        until("serf answers", async || serf.members()).await;
        Some(serf)
    }

    fn members(&self) -> Option<Vec<MemberRow>> {
        let mut command = Command::new(SERF);
        command.args(["members", "-format", "json", "-rpc-addr", &self.rpc]);
        let members: Members = serde_json::from_slice(&command.output().unwrap().stdout).ok()?;
        Some(members.members)
    }

    async fn sees(&self, what: &str, fits: impl Fn(&MemberRow) -> bool) {
        until(&format!("serf sees us {what}"), async || {
            self.members()?.iter().any(|row| row.name == OURS && fits(row)).then_some(())
        })
        .await;
    }

    /// Nothing went wrong there but its probes of us, which nobody answers here.
    fn is_content(&self) {
        let said = std::fs::read_to_string(self.log.path()).unwrap();
        let complains = |line: &&str| line.contains("[ERR]") || line.contains("EventMemberFailed");
        let complaints: Vec<_> =
            said.lines().filter(complains).filter(|line| !line.contains("ping")).collect();
        assert!(complaints.is_empty(), "{complaints:#?}\n{said}");
    }
}

impl Drop for Reference {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A core of ours whose time passes when it is told to.
struct Core {
    serf: Serf,
    now: Instant,
    udp: Option<UdpSocket>,
    /// The number of the last ping that stood behind news.
    awaited: u32,
    /// For each stream opened, whether a reply was awaited.
    opened: Vec<bool>,
}

impl Core {
    fn start(ip: Ipv4Addr, with_datagrams: bool) -> Self {
        let now = Instant(Duration::ZERO);
        let config = Config {
            name: OURS.into(),
            addr: core::net::IpAddr::V4(ip).into(),
            port: 7946,
            bind_port: 7946,
            tags: [("role".into(), "web".into())].into(),
            protocol: 5,
            compress: true,
            packet_overhead: 0,
            limits: Limits::default(),
            memory: muster_serf::Memory::default(),
            resolves_names: true,
            extensions: Extensions::default(),
            intern: None,
            // No probe and no exchange of its own accord: every stream is the fast lane's.
            profile: Profile { probe_interval: HOUR, push_pull_interval: HOUR, ..Profile::LAN },
            broadcast_timeout: Duration::from_secs(5),
            leave_propagate_delay: Duration::from_secs(1),
            seed: 1,
        };
        let udp = with_datagrams.then(|| UdpSocket::bind((ip, 7946)).unwrap());
        if let Some(udp) = &udp {
            udp.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        }
        Self { serf: Serf::new(config, now).unwrap(), now, udp, awaited: 0, opened: Vec::new() }
    }

    fn tell(&mut self, command: impl FnOnce(&mut Serf, Instant)) {
        command(&mut self.serf, self.now);
        self.carry_out();
    }

    fn join(&mut self, through: SocketAddr) {
        self.tell(|serf, now| {
            serf.join(now, through, false);
        });
    }

    fn pass(&mut self, time: Duration) {
        self.now = self.now + time;
        self.tell(|serf, now| serf.handle(now, Input::Timeout));
    }

    /// Takes datagrams until the news are acked.
    fn hear_receipt(&mut self) {
        let (mut buffer, mut acked) = ([0; 65_536], false);
        while !acked {
            let (length, from) = self.udp.as_ref().unwrap().recv_from(&mut buffer).expect("an answer in 5 s");
            let bytes = &buffer[..length];
            muster_wire::packet::unwrap(bytes, &mut |message| {
                acked |= matches!(message, Ok(Message::Ack(ack)) if ack.seq_no == self.awaited);
            })
            .unwrap();
            self.tell(|serf, now| serf.handle(now, Input::Packet { from, bytes }));
        }
    }

    fn note_news(&mut self, bytes: &[u8]) {
        let mut parts = 0;
        muster_wire::packet::unwrap(bytes, &mut |message| {
            parts += 1;
            if let (2, Ok(Message::Ping(ping))) = (parts, message) {
                self.awaited = ping.seq_no;
            }
        })
        .unwrap();
    }

    fn carry_out(&mut self) {
        while let Some(output) = self.serf.poll_output() {
            match output {
                Output::Send { to, bytes } => {
                    self.note_news(&bytes);
                    if let Some(udp) = &self.udp {
                        udp.send_to(&bytes, to).unwrap();
                    }
                }
                Output::Open { stream, to, bytes, reply, .. } => {
                    self.opened.push(reply);
                    let mut connection = TcpStream::connect(to).unwrap();
                    connection.write_all(&bytes).unwrap();
                    if reply {
                        let message = read_message(&mut connection);
                        let input = Input::Stream { stream, from: to, bytes: &message };
                        self.serf.handle(self.now, input);
                    }
                }
                Output::Answer { .. } | Output::Close { .. } | Output::Event(_) => {}
            }
        }
    }
}

fn read_message(connection: &mut TcpStream) -> Vec<u8> {
    let (mut bytes, mut scanner) = (Vec::new(), Scanner::new());
    loop {
        let mut more = [0; 4096];
        let length = connection.read(&mut more).unwrap();
        assert!(length > 0, "closed before a whole message");
        bytes.extend_from_slice(&more[..length]);
        if let Some(length) = scanner.scan(&bytes).unwrap() {
            bytes.truncate(length);
            return bytes;
        }
    }
}

fn withdraw(serf: &mut Serf, now: Instant) {
    let tags = [("role".into(), "web".into()), ("notready".into(), "*".into())];
    serf.set_tags(now, tags.into()).unwrap();
}

fn is_withdrawn(row: &MemberRow) -> bool {
    row.tags.get("notready").is_some_and(|names| names == "*")
}

#[tokio::test]
async fn serf_reads_a_withdrawal_and_a_leave_that_come_by_stream_alone() {
    let net = Net::random();
    let Some(serf) = Reference::start(net.ip(1)).await else { return };
    let mut core = Core::start(net.ip(2), false);
    core.join(serf.gossip);
    serf.sees("alive", |row| row.status == "alive").await;

    core.opened.clear();
    core.tell(withdraw);
    assert!(core.opened.is_empty(), "not before the datagram had its time");
    core.pass(Duration::from_millis(250));
    assert_eq!(core.opened, [true], "a push/pull");
    serf.sees("withdrawn", is_withdrawn).await;

    core.opened.clear();
    core.tell(Serf::leave);
    core.pass(Duration::from_millis(250));
    assert_eq!(core.opened, [false], "a user message");
    serf.sees("leaving", |row| row.status == "leaving").await;
    for _ in 0..40 {
        core.pass(Duration::from_millis(50));
    }
    serf.sees("left", |row| row.status == "left").await;
    serf.is_content();
}

#[tokio::test]
async fn serfs_ack_of_the_ping_behind_the_news_is_a_receipt() {
    let net = Net::random();
    let Some(serf) = Reference::start(net.ip(1)).await else { return };
    let mut core = Core::start(net.ip(2), true);
    core.join(serf.gossip);
    serf.sees("alive", |row| row.status == "alive").await;

    core.opened.clear();
    core.tell(withdraw);
    core.hear_receipt();
    core.pass(Duration::from_millis(250));
    assert!(core.opened.is_empty(), "nothing is missing");
    serf.sees("withdrawn", is_withdrawn).await;

    core.tell(Serf::leave);
    core.hear_receipt();
    serf.sees("leaving", |row| row.status == "leaving").await;
    core.pass(Duration::from_millis(250));
    assert!(core.opened.is_empty());
    serf.is_content();
}

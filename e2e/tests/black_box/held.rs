//! What PID 1 holds for the proxy and the agent outlives them: under `muster run`, nobody is refused while the proxy is killed again
//! and again, nor while there is no agent beside it; and nobody who gossips is refused while the agent is.

use muster_e2e::{Agent, AgentOptions, Backend, Hosts, binary, wait_for};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const KILLS: usize = 6;
const CLIENTS: usize = 4;

/// `muster run` with an agent and a proxy, until dropped.
struct Node {
    dir: tempfile::TempDir,
    child: Child,
}

impl Node {
    fn start(hosts: &Hosts) -> Self {
        let dir = tempfile::tempdir().expect("a place for tests");
        let config = format!(
            "socket = \"{}\"\n[agent]\nnode = \"lb\"\nbind = \"{}\"\nrpc_addr = \"off\"\n[proxy]\nlisten = [\"{}\"]\n",
            dir.path().join("m.sock").display(),
            hosts.at(1, 7946),
            hosts.at(1, 8080),
        );
        std::fs::write(dir.path().join("muster.toml"), config).expect("files can be written");
        let child = Command::new(binary())
            .arg("run")
            .arg("--config")
            .arg(dir.path())
            .arg("--control")
            .arg(dir.path().join("run"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("muster runs");
        Self { dir, child }
    }

    fn muster(&self, args: &[&str]) -> String {
        let output = Command::new(binary())
            .args(args)
            .arg("--control")
            .arg(self.dir.path().join("run"))
            .output()
            .expect("muster runs");
        String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
    }

    /// The process that is a role now, once one is.
    async fn pid_of(&self, role: &str) -> String {
        wait_for("the role runs", || async {
            let status = self.muster(&["status", role, "--format", "json"]);
            let read = serde_json::from_str::<serde_json::Value>(&status).unwrap_or_default();
            match read.pointer("/services/0/pid") {
                Some(number) if number.is_u64() => Ok(number.to_string()),
                _ => Err(status),
            }
        })
        .await
    }

    fn kill(&self, role: &str) {
        assert_eq!(self.muster(&["signal", role, "KILL"]), "");
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let _ = Command::new("kill").arg(self.child.id().to_string()).status();
        let _ = self.child.wait();
    }
}

/// What came of requests, each on a connection of its own.
#[derive(Debug, Default)]
struct Counts {
    refused: AtomicUsize,
    served: AtomicUsize,
    failed: AtomicUsize,
    cut: AtomicUsize,
}

impl Counts {
    async fn ask(&self, address: &str) {
        let Ok(mut stream) = TcpStream::connect(address).await else {
            self.refused.fetch_add(1, Ordering::Relaxed);
            return;
        };
        let request = b"GET / HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n";
        let mut answer = Vec::new();
        let read = match stream.write_all(request).await {
            Ok(()) => stream.read_to_end(&mut answer).await.map(drop),
            Err(error) => Err(error),
        };
        let count = match read {
            Ok(()) if answer.starts_with(b"HTTP/1.1 200 ") => &self.served,
            Ok(()) if !answer.is_empty() => &self.failed,
            _ => &self.cut,
        };
        count.fetch_add(1, Ordering::Relaxed);
    }

    async fn more_are_served(&self, more: usize) {
        let target = self.served.load(Ordering::Relaxed) + more;
        wait_for("clients are served", || async {
            let served = self.served.load(Ordering::Relaxed);
            if served >= target { Ok(()) } else { Err(format!("{served} of {target}, {self:?}")) }
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_that_is_killed_again_and_again_refuses_nobody() {
    let hosts = Hosts::claim();
    let node = Node::start(&hosts);
    let _app = Backend::start(&hosts, 10, "app").await;
    let options = AgentOptions::default().join(hosts.at(1, 7946)).tag("role=backend").tag("port=3000");
    let _agent = Agent::start(&hosts, 10, "app", options);
    let address = hosts.at(1, 8080);
    wait_for("the first request is served", || async {
        let counts = Counts::default();
        counts.ask(&address).await;
        if counts.served.into_inner() == 1 { Ok(()) } else { Err(node.muster(&["status"])) }
    })
    .await;

    let (counts, over) = (Arc::new(Counts::default()), Arc::new(AtomicBool::new(false)));
    let clients: Vec<_> = (0..CLIENTS)
        .map(|_| {
            let (counts, over, address) = (Arc::clone(&counts), Arc::clone(&over), address.clone());
            tokio::spawn(async move {
                while !over.load(Ordering::Relaxed) {
                    counts.ask(&address).await;
                }
            })
        })
        .collect();
    for _ in 0..KILLS {
        counts.more_are_served(50).await;
        node.kill("proxy");
    }
    counts.more_are_served(50).await;
    // The agent is gone for a moment, in which the next proxy has nothing but the picture that is held for it.
    node.kill("agent");
    node.kill("proxy");
    counts.more_are_served(50).await;
    over.store(true, Ordering::Relaxed);
    for client in clients {
        client.await.expect("no client panics");
    }
    let [refused, failed, cut] =
        [&counts.refused, &counts.failed, &counts.cut].map(|count| count.load(Ordering::Relaxed));
    assert_eq!((refused, failed), (0, 0), "{counts:?}");
    assert!(cut <= (KILLS + 1) * CLIENTS, "more were cut than a kill can: {counts:?}");
}

/// A stream to a socket that nobody holds is refused at once, and so is a datagram: the sender reads ECONNREFUSED next.
#[tokio::test(flavor = "multi_thread")]
async fn an_agent_that_is_killed_again_and_again_refuses_no_gossip() {
    let hosts = Hosts::claim();
    let node = Node::start(&hosts);
    let address = hosts.at(1, 7946);
    wait_for("gossip is heard", || async {
        TcpStream::connect(&address).await.map(drop).map_err(|error| error.to_string())
    })
    .await;
    let over = Arc::new(AtomicBool::new(false));
    let knocking = {
        let (over, address) = (Arc::clone(&over), address.clone());
        tokio::spawn(async move {
            let datagrams = tokio::net::UdpSocket::bind("127.0.0.1:0").await.expect("a socket");
            datagrams.connect(&address).await.expect("an address");
            let (mut knocks, mut refused) = (0, Vec::new());
            while !over.load(Ordering::Relaxed) {
                knocks += 1;
                let streams = TcpStream::connect(&address).await.map(drop);
                // No message of the protocol: what is sent is dropped where it is read.
                let sent = datagrams.send(b"?").await.map(drop);
                refused.extend([streams.err(), sent.err()].into_iter().flatten());
                tokio::time::sleep(std::time::Duration::from_millis(1)).await;
            }
            (knocks, refused)
        })
    };
    for _ in 0..KILLS {
        let before = node.pid_of("agent").await;
        node.kill("agent");
        wait_for("another agent runs", || async {
            let now = node.pid_of("agent").await;
            if now == before { Err(node.muster(&["status"])) } else { Ok(()) }
        })
        .await;
    }
    over.store(true, Ordering::Relaxed);
    let (knocks, refused) = knocking.await.expect("it ends");
    assert!(refused.is_empty(), "{} of {knocks} knocks: {:?}", refused.len(), refused.first());
}

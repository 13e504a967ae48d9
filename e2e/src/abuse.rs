//! Clients that mean no good, in numbers, against a proxy that serves others meanwhile.

use crate::{Agent, AgentOptions, Hosts, PATIENCE, Proxy, wait_for};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

/// Requests of others while clients abuse the proxy.
const OTHERS: usize = 50;
/// How many connect at once, so that none of the listen queues is what is tested.
const AT_ONCE: usize = 100;

/// What the abusers do on their connections.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Abuse {
    /// Nothing at all.
    Idle,
    /// A head that never ends, one byte at a time.
    SlowHead,
    /// A body that stops.
    SlowBody,
    /// An answer of 64 MiB of which nothing is read.
    SlowReader,
    /// A head of 60 KiB without its end.
    LargeHead,
    /// Lines of a head without end.
    HeadFlood,
}

/// What was seen.
#[derive(Clone, Debug)]
pub struct Seen {
    /// Connections that were made.
    pub connections: usize,
    /// Memory of the proxy before, in KiB.
    pub before_kib: u64,
    /// The most it had while they lasted.
    pub during_kib: u64,
    /// Once they were ended.
    pub after_kib: u64,
    /// The slowest answer to others.
    pub slowest: Duration,
    /// From the last connection's beginning until all were ended by the proxy; none of what it did not end.
    pub ended_within: Option<Duration>,
    /// Statuses that abusers were told, without those who were told nothing.
    pub told: Vec<String>,
}

/// A proxy with a backend.
#[derive(Debug)]
pub struct Siege {
    proxy: Proxy,
    backend: JoinHandle<()>,
    _agents: [Agent; 2],
    _hosts: Hosts,
}

impl Siege {
    /// Started, with these flags of the proxy.
    ///
    /// # Panics
    /// When it does not come up.
    pub async fn start(flags: &[&str]) -> Self {
        let hosts = Hosts::claim();
        let listener = TcpListener::bind(hosts.at(10, 3000)).await.expect("the address is the test's own");
        let backend = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(answer(stream));
            }
        });
        let lb = Agent::start(&hosts, 1, "lb", AgentOptions::default().tag("balances=1"));
        let options = AgentOptions::default().join(hosts.at(1, 7946)).tag("role=backend");
        let agent = Agent::start(&hosts, 10, "s10", options);
        let proxy = Proxy::start_with(&hosts, 1, &lb, flags);
        wait_for("the backend is up", || async {
            let report = lb.report().await?;
            let is_up = report.backends.iter().any(|backend| backend.state == "up");
            if is_up { Ok(()) } else { Err(format!("{report:?}")) }
        })
        .await;
        Self { proxy, backend, _agents: [lb, agent], _hosts: hosts }
    }

    /// `count` clients abuse the proxy; others ask meanwhile. Whether the proxy ends them is waited for if `ends`.
    ///
    /// # Panics
    /// When one of the others is not served.
    pub async fn suffer(&self, abuse: Abuse, count: usize, ends: bool) -> Seen {
        self.serves_others(OTHERS).await;
        let before_kib = self.proxy.process.resident_kib();
        let mut abusers = JoinSet::new();
        let (held, mut all_hold) = tokio::sync::mpsc::channel(count.max(1));
        for n in 0..count {
            let (address, held) = (self.proxy.address.clone(), held.clone());
            abusers.spawn(async move { harass(&address, abuse, held, ends).await });
            if n % AT_ONCE == AT_ONCE - 1 {
                for _ in 0..AT_ONCE {
                    all_hold.recv().await;
                }
            }
        }
        for _ in 0..count % AT_ONCE {
            all_hold.recv().await;
        }
        let began = Instant::now();
        let slowest = self.serves_others(OTHERS).await;
        let mut during_kib = self.proxy.process.resident_kib();
        let (mut told, mut ended_within) = (Vec::new(), None);
        if ends {
            while let Some(ended) = abusers.join_next().await {
                told.extend(ended.expect("an abuser does not panic"));
                assert!(began.elapsed() < PATIENCE, "connections are not ended");
                during_kib = during_kib.max(self.proxy.process.resident_kib());
            }
            ended_within = Some(began.elapsed());
        } else {
            abusers.shutdown().await;
        }
        self.serves_others(OTHERS).await;
        let after_kib = self.proxy.process.resident_kib();
        Seen { connections: count, before_kib, during_kib, after_kib, slowest, ended_within, told }
    }

    async fn serves_others(&self, count: usize) -> Duration {
        let mut slowest = Duration::ZERO;
        for _ in 0..count {
            let began = Instant::now();
            let asked = async {
                let mut stream = TcpStream::connect(&self.proxy.address).await?;
                stream.write_all(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await?;
                let mut answer = String::new();
                stream.read_to_string(&mut answer).await?;
                Ok::<_, std::io::Error>(answer)
            };
            let answer = tokio::time::timeout(PATIENCE, asked).await.expect("others are answered");
            let answer = answer.expect("others are answered");
            assert!(answer.starts_with("HTTP/1.1 200 ") && answer.ends_with("ok"), "{answer}");
            slowest = slowest.max(began.elapsed());
        }
        slowest
    }
}

impl Drop for Siege {
    fn drop(&mut self) {
        self.backend.abort();
    }
}

/// One abuser; the status it was told, if any. `held` is told when it has done its worst.
async fn harass(
    address: &str,
    abuse: Abuse,
    held: tokio::sync::mpsc::Sender<()>,
    ends: bool,
) -> Option<String> {
    let mut stream = TcpStream::connect(address).await.expect("the proxy listens");
    let begin: &[u8] = match abuse {
        Abuse::Idle => b"",
        Abuse::SlowHead => b"GET / HTTP/1.1\r\nHost: a\r\nX: ",
        Abuse::SlowBody => b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nx",
        Abuse::SlowReader => b"GET /big HTTP/1.1\r\nHost: a\r\n\r\n",
        Abuse::LargeHead => &[b"GET / HTTP/1.1\r\nHost: a\r\nX: ".as_slice(), &[b'y'; 60 << 10]].concat(),
        Abuse::HeadFlood => b"GET / HTTP/1.1\r\nHost: a\r\n",
    };
    let _ = stream.write_all(begin).await;
    if abuse == Abuse::HeadFlood {
        // Until it is told that this is enough.
        for _ in 0..10_000 {
            if stream.write_all(b"X: yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy\r\n").await.is_err() {
                break;
            }
        }
    }
    let _ = held.send(()).await;
    let mut answer = Vec::new();
    let mut block = [0; 1024];
    loop {
        if !ends {
            std::future::pending::<()>().await;
        }
        if abuse == Abuse::SlowReader {
            // Only whether it was ended: reading would be no abuse. The kernel ends it without a word, and answers with a reset
            // whatever comes afterwards.
            tokio::time::sleep(Duration::from_millis(500)).await;
            if stream.write_all(b"x").await.is_err() {
                return None;
            }
            continue;
        }
        tokio::select! {
            read = stream.read(&mut block) => match read {
                Ok(count @ 1..) => answer.extend_from_slice(&block[..count]),
                Ok(0) | Err(_) => break,
            },
            () = tokio::time::sleep(Duration::from_millis(200)) => {
                if abuse == Abuse::SlowHead {
                    let _ = stream.write_all(b"y").await;
                }
            }
        }
    }
    answer.get(9..12).map(|status| String::from_utf8_lossy(status).into_owned())
}

/// A backend that answers when it has the whole request.
async fn answer(mut stream: TcpStream) {
    let mut held = Vec::new();
    loop {
        let head = match held.windows(4).position(|four| four == b"\r\n\r\n") {
            Some(end) => String::from_utf8_lossy(&held[..end + 4]).into_owned(),
            None => match stream.read_buf(&mut held).await {
                Ok(1..) => continue,
                Ok(0) | Err(_) => return,
            },
        };
        let length = head.lines().find_map(|line| line.strip_prefix("Content-Length: "));
        let whole = head.len() + length.and_then(|length| length.parse().ok()).unwrap_or(0);
        while held.len() < whole {
            if !matches!(stream.read_buf(&mut held).await, Ok(1..)) {
                return;
            }
        }
        held.drain(..whole);
        let written = if head.starts_with("GET /big ") {
            let size = 64 << 20;
            let _ = stream
                .write_all(format!("HTTP/1.1 200 OK\r\nContent-Length: {size}\r\n\r\n").as_bytes())
                .await;
            let block = vec![b'x'; 64 << 10];
            let mut written = Ok(());
            for _ in 0..size / block.len() {
                written = stream.write_all(&block).await;
                if written.is_err() {
                    break;
                }
            }
            written
        } else {
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await
        };
        if written.is_err() {
            return;
        }
    }
}

//! One case through one proxy.

use super::backend::{Recorder, Script, find};
use super::cases::{Case, Kind};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};

/// Nothing comes any more when nothing came for so long; for proxies of which nothing is expected.
const QUIET: Duration = Duration::from_millis(250);
/// What is expected comes within this time.
const PATIENCE: Duration = Duration::from_secs(20);
/// Behind a case whose connection is kept: if it is answered, the proxy knows where the case ended.
const LAST: &[u8] = b"GET /last HTTP/1.1\r\nHost: last\r\nConnection: close\r\n\r\n";

/// What became of a case.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Outcome {
    /// Statuses that the client got, or `nothing`; then `kept` or `closed`.
    pub answer: String,
    /// What the other side got: of a request the backend, of a response the client.
    pub passed: Vec<u8>,
    /// What the client got in the end.
    pub seen: Vec<u8>,
    /// For a response: the next client's request got its own answer.
    pub next_is_right: bool,
}

impl Outcome {
    /// Whether that is what ours must do.
    pub fn is_expected(&self, case: &Case) -> bool {
        let is_passed = case.passed.as_ref().is_none_or(|passed| *passed == self.passed);
        self.answer == case.ours && is_passed && self.next_is_right
    }
}

/// Sends `case` to the proxy at `address`, whose only backend is `backend`. `is_ours`: what is expected of ours is waited for, for as
/// long as it may take.
pub async fn run(case: &Case, address: &str, backend: &Recorder, is_ours: bool) -> Outcome {
    match case.kind {
        Kind::Request => request(case, address, backend, is_ours).await,
        Kind::Response => response(case, address, backend, is_ours).await,
    }
}

async fn request(case: &Case, address: &str, backend: &Recorder, is_ours: bool) -> Outcome {
    backend.begin(None);
    let mut client = Client::connect(address).await;
    for (n, piece) in case.send.iter().enumerate() {
        if n > 0 {
            client.settle(backend, |_, _, _| false, QUIET).await;
        }
        client.write(piece).await;
    }
    if case.ends {
        client.end().await;
    }
    let passed = |backend: &Recorder| replace(&backend.brought(), address);
    let expected = |client: &Client, backend: &Recorder| {
        let is_there = case.passed.as_ref().is_none_or(|wanted| *wanted == passed(backend));
        is_there
            && client.statuses() == case.statuses()
            && (client.has_ended || !case.ours.ends_with("closed"))
    };
    let patience = if is_ours { PATIENCE } else { QUIET };
    client.settle(backend, |client, backend, _| is_ours && expected(client, backend), patience).await;
    let (statuses, mut was_kept) = (client.statuses(), !client.has_ended);
    if was_kept && !statuses.is_empty() && !case.ends {
        // Whoever keeps the connection answers another request on it.
        client.write(LAST).await;
        let wanted = statuses.len() + 1;
        let patience = if is_ours { PATIENCE } else { 2 * QUIET };
        client
            .settle(backend, |client, _, _| client.has_ended && client.statuses().len() >= wanted, patience)
            .await;
        was_kept =
            client.statuses().len() == wanted && client.statuses().last().is_some_and(|last| last == "200");
    } else if was_kept {
        client.end().await;
        client.settle(backend, |client, _, _| client.has_ended, if is_ours { PATIENCE } else { QUIET }).await;
    }
    let statuses = if was_kept && !statuses.is_empty() { statuses } else { client.statuses() };
    let mut passed = passed(backend);
    if let Some(at) = find(&passed, b"GET /last ") {
        passed.truncate(at);
    }
    if case.passed.is_none() {
        // What the backend has of a request that was refused midway is read before the next case begins.
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Outcome {
        answer: words(&statuses, &client.received, was_kept),
        passed,
        seen: client.received,
        next_is_right: true,
    }
}

async fn response(case: &Case, address: &str, backend: &Recorder, is_ours: bool) -> Outcome {
    backend.begin(Some(Script { send: case.send.clone(), ends: case.ends }));
    let mut client = Client::connect(address).await;
    client.write(&case.request).await;
    let patience = if is_ours { PATIENCE } else { QUIET };
    let expected = |client: &Client| {
        let is_there = case.passed.as_ref().is_none_or(|wanted| *wanted == client.received);
        is_there
            && client.statuses() == case.statuses()
            && (client.has_ended || !case.ours.ends_with("closed"))
    };
    client.settle(backend, |client, _, _| is_ours && expected(client), patience).await;
    let was_kept = !client.has_ended;
    let answer = words(&client.statuses(), &client.received, was_kept);
    // If the odd answer was not asked for at all, it is not the next one's.
    backend.expect_next().await;
    let mut next = Client::connect(address).await;
    next.write(b"GET /next HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await;
    next.settle(backend, |next, _, _| next.has_ended, if is_ours { PATIENCE } else { 2 * QUIET }).await;
    let next_is_right = next.statuses() == ["200"] && next.received.ends_with(b"\r\n\r\nnext");
    Outcome { answer, passed: client.received.clone(), seen: client.received, next_is_right }
}

impl Case {
    fn statuses(&self) -> Vec<String> {
        self.ours.split(' ').filter(|word| word.parse::<u16>().is_ok()).map(str::to_owned).collect()
    }
}

fn words(statuses: &[String], received: &[u8], was_kept: bool) -> String {
    let said = match (statuses.is_empty(), received.is_empty()) {
        (true, true) => "nothing".into(),
        (true, false) => "0.9".into(),
        (false, _) => statuses.join(" "),
    };
    format!("{said} {}", if was_kept { "kept" } else { "closed" })
}

/// The address differs from run to run.
fn replace(bytes: &[u8], address: &str) -> Vec<u8> {
    let mut out = bytes.to_vec();
    while let Some(at) = find(&out, address.as_bytes()) {
        out.splice(at..at + address.len(), *b"proxy:8080");
    }
    out
}

struct Client {
    stream: TcpStream,
    received: Vec<u8>,
    has_ended: bool,
}

impl Client {
    async fn connect(address: &str) -> Self {
        let stream = TcpStream::connect(address).await.expect("the proxy listens");
        let _ = stream.set_nodelay(true);
        Self { stream, received: Vec::new(), has_ended: false }
    }

    /// As much as the other side takes: it may have refused and closed.
    async fn write(&mut self, bytes: &[u8]) {
        let _ = timeout(Duration::from_secs(2), self.stream.write_all(bytes)).await;
    }

    async fn end(&mut self) {
        let _ = self.stream.shutdown().await;
    }

    /// Reads until it is `enough`, or nothing new came for `quiet`.
    async fn settle(
        &mut self,
        backend: &Recorder,
        enough: impl Fn(&Self, &Recorder, ()) -> bool,
        quiet: Duration,
    ) {
        let mut block = vec![0; 64 << 10];
        let mut last = Instant::now();
        while !enough(self, backend, ()) && last.elapsed() < quiet {
            if self.has_ended && quiet < PATIENCE {
                // What the backend got is there already.
                tokio::time::sleep(Duration::from_millis(20)).await;
                return;
            }
            tokio::select! {
                read = self.stream.read(&mut block), if !self.has_ended => {
                    last = Instant::now();
                    match read {
                        Ok(count @ 1..) => self.received.extend_from_slice(&block[..count]),
                        Ok(0) | Err(_) => self.has_ended = true,
                    }
                }
                () = backend.more() => last = Instant::now(),
                () = tokio::time::sleep(Duration::from_millis(10)) => {}
            }
        }
    }

    /// Statuses in what came, interim ones too.
    fn statuses(&self) -> Vec<String> {
        let mut found = Vec::new();
        for at in 0..self.received.len().saturating_sub(12) {
            let seen = &self.received[at..];
            let is_line =
                seen.starts_with(b"HTTP/1.") && seen[8] == b' ' && seen[9..12].iter().all(u8::is_ascii_digit);
            if is_line && matches!(seen[12], b' ' | b'\r') {
                found.push(String::from_utf8_lossy(&seen[9..12]).into_owned());
            }
        }
        found
    }
}

//! Real backends and clients on loopback, small enough to see through.
#![allow(dead_code, unreachable_pub, reason = "each test binary uses its part")]
#![allow(clippy::unwrap_used, reason = "tests, of which clippy knows only the functions marked so")]

use muster_fleet::{Backend as FleetBackend, Gossip, Phase, Picture, Report, Service, Standing, Terms};
use muster_proxy::{Config, Proxy};
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::future::Future;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, watch};
use tokio::task::LocalSet;

/// A test that takes this long hangs.
const HANGS: Duration = Duration::from_secs(60);

/// Runs `test` as the proxy runs: one thread, one local set.
pub fn local(test: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    LocalSet::new().block_on(&runtime, async {
        tokio::time::timeout(HANGS, test).await.expect("the test hangs");
    });
}

/// Waits until `fact` holds.
pub async fn until(what: &str, mut fact: impl FnMut() -> bool) {
    for _ in 0..20_000 {
        if fact() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    panic!("never came true: {what}");
}

pub fn config() -> Config {
    Config {
        listen: vec!["127.0.0.1:0".parse().unwrap()],
        proxy_protocol_from: Vec::new(),
        send_proxy_protocol: None,
        tls: muster_proxy::Tls::default(),
        handshake_timeout: Duration::from_secs(30),
        policy: muster_proxy::Policy::default(),
        service: "web".into(),
        routing: None,
        socket: "/nonexistent/muster.sock".into(),
        upstream_protocol: muster_proxy::Protocol::Http1,
        connect_timeout: Duration::from_secs(5),
        response_timeout: Duration::from_secs(30),
        stall_timeout: Duration::from_secs(30),
        idle_timeout: Duration::from_secs(60),
        tcp_idle_timeout: Duration::from_secs(3600),
        idle_max: 16,
        drain_timeout: Duration::from_secs(10),
        access_logs: Vec::new(),
        plaintext: false,
        rules: muster_fleet::Rules::new(),
        stats: None,
    }
}

/// A proxy that has this picture, and the address clients use.
pub fn proxy_with(config: Config, picture: &Picture) -> (Proxy, SocketAddr) {
    let proxy = Proxy::start(config).unwrap();
    proxy.apply(picture);
    let addr = proxy.addrs()[0];
    (proxy, addr)
}

pub fn proxy(backends: &[SocketAddr]) -> (Proxy, SocketAddr) {
    proxy_with(config(), &picture(1, backends))
}

/// A live picture with a service `web` of these backends, all ready, on nodes `n0`, `n1`...
pub fn picture(version: u64, backends: &[SocketAddr]) -> Picture {
    let ready: Vec<_> = backends.iter().map(|addr| (*addr, Standing::Ready)).collect();
    picture_of(version, &ready)
}

pub fn picture_of(version: u64, backends: &[(SocketAddr, Standing)]) -> Picture {
    let backends = backends
        .iter()
        .enumerate()
        .map(|(n, &(addr, standing))| (format!("n{n}"), FleetBackend { addr, weight: 1, standing }));
    let service = Service { backends: backends.collect() };
    let services = BTreeMap::from([("web".into(), service)]);
    let terms = Terms { gossip: Gossip::Sealed, ..Terms::default() };
    Picture { epoch: 1, version, phase: Phase::Live, services, terms, refusals: Vec::new() }
}

/// Requests in flight, over all backends.
pub fn in_flight(report: &Report) -> u32 {
    report.backends.iter().map(|backend| backend.in_flight).sum()
}

/// An address of this host where nobody listens: bound but never listened on, so that nobody else gets it.
pub struct Nobody {
    pub addr: SocketAddr,
    _socket: socket2::Socket,
}

impl Nobody {
    pub fn new() -> Self {
        let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
        socket.bind(&"127.0.0.1:0".parse::<SocketAddr>().unwrap().into()).unwrap();
        let addr = socket.local_addr().unwrap().as_socket().unwrap();
        Self { addr, _socket: socket }
    }
}

/// A message as it came: start line, fields in lower case, body with chunks joined.
#[derive(Clone, Debug, Default)]
pub struct Message {
    pub start: String,
    pub fields: Vec<(String, String)>,
    pub body: Vec<u8>,
    pub trailers: Vec<(String, String)>,
}

impl Message {
    pub fn field(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(field, _)| field == name).map(|(_, value)| value.as_str())
    }
    pub fn status(&self) -> u16 {
        self.start.split(' ').nth(1).unwrap().parse().unwrap()
    }
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// Reads and writes messages on one connection.
pub struct Wire<S = TcpStream> {
    pub stream: S,
    read: Vec<u8>,
}

impl Wire {
    pub async fn connect(addr: SocketAddr) -> Self {
        Self::new(TcpStream::connect(addr).await.unwrap())
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Wire<S> {
    pub fn new(stream: S) -> Self {
        Self { stream, read: Vec::new() }
    }
    pub async fn write(&mut self, text: impl AsRef<[u8]>) {
        self.stream.write_all(text.as_ref()).await.unwrap();
    }

    async fn more(&mut self) -> bool {
        matches!(self.stream.read_buf(&mut self.read).await, Ok(n) if n > 0)
    }

    async fn line(&mut self) -> Option<String> {
        loop {
            if let Some(end) = self.read.windows(2).position(|two| two == b"\r\n") {
                let line: Vec<u8> = self.read.drain(..end + 2).collect();
                return Some(String::from_utf8_lossy(&line[..end]).into_owned());
            }
            if !self.more().await {
                return None;
            }
        }
    }

    async fn fields(&mut self) -> Option<Vec<(String, String)>> {
        let mut fields = Vec::new();
        loop {
            let line = self.line().await?;
            let Some((name, value)) = line.split_once(':') else { return Some(fields) };
            fields.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
    }

    pub async fn bytes(&mut self, count: usize) -> Option<Vec<u8>> {
        while self.read.len() < count {
            if !self.more().await {
                return None;
            }
        }
        Some(self.read.drain(..count).collect())
    }

    /// The next head; `None` when the peer closed before it was whole.
    pub async fn head(&mut self) -> Option<Message> {
        let start = self.line().await?;
        Some(Message { start, fields: self.fields().await?, ..Message::default() })
    }

    /// The next request, or response to `GET`; `None` when the peer closed before it was whole.
    pub async fn message(&mut self) -> Option<Message> {
        let mut message = self.head().await?;
        if message.field("transfer-encoding") == Some("chunked") {
            loop {
                let length = usize::from_str_radix(&self.line().await?, 16).unwrap();
                if length == 0 {
                    message.trailers = self.fields().await?;
                    break;
                }
                message.body.extend(self.bytes(length).await?);
                self.line().await?;
            }
        } else if let Some(length) = message.field("content-length") {
            message.body = self.bytes(length.parse().unwrap()).await?;
        } else if message.start.starts_with("HTTP/") && !matches!(message.status(), 204 | 304 | 101) {
            while self.more().await {}
            message.body = std::mem::take(&mut self.read);
        }
        Some(message)
    }

    /// Whether the peer closes without another byte.
    pub async fn closes(&mut self) -> bool {
        self.read.is_empty() && !self.more().await
    }
}

/// Sends one request on a connection of its own and reads the response.
pub async fn ask(addr: SocketAddr, request: impl AsRef<[u8]>) -> Message {
    let mut wire = Wire::connect(addr).await;
    wire.write(request).await;
    wire.message().await.expect("a whole response")
}

pub async fn get(addr: SocketAddr) -> Message {
    ask(addr, "GET / HTTP/1.1\r\nHost: test\r\n\r\n").await
}

pub async fn post(addr: SocketAddr, body: &str) -> Message {
    ask(addr, format!("POST / HTTP/1.1\r\nHost: test\r\nContent-Length: {}\r\n\r\n{body}", body.len())).await
}

/// A backend: accepts for ever and runs a script for each connection.
pub struct Backend {
    pub addr: SocketAddr,
    pub seen: Rc<Seen>,
    task: tokio::task::AbortHandle,
    killed: watch::Sender<bool>,
}

/// What a backend saw.
#[derive(Default)]
pub struct Seen {
    pub accepted: Cell<usize>,
    pub open: Cell<usize>,
    pub requests: RefCell<Vec<Message>>,
    /// Scripts may wait for it; tests notify.
    pub go: Notify,
}

impl Seen {
    pub fn count(&self) -> usize {
        self.requests.borrow().len()
    }
}

impl Backend {
    /// `script` gets each connection, its number from 0, and the place for what it saw.
    pub async fn script<F, S>(script: S) -> Self
    where
        F: Future<Output = ()> + 'static,
        S: Fn(Wire, usize, Rc<Seen>) -> F + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let seen = Rc::new(Seen::default());
        let shared = Rc::clone(&seen);
        let killed = watch::Sender::new(false);
        let kill = killed.clone();
        let task = tokio::task::spawn_local(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let mut killed = kill.subscribe();
                let number = shared.accepted.replace(shared.accepted.get() + 1);
                shared.open.set(shared.open.get() + 1);
                let connection = script(Wire::new(stream), number, Rc::clone(&shared));
                let shared = Rc::clone(&shared);
                tokio::task::spawn_local(async move {
                    tokio::select! {
                        () = connection => {}
                        _ = killed.wait_for(|killed| *killed) => {}
                    }
                    shared.open.set(shared.open.get() - 1);
                });
            }
        });
        Self { addr, seen, task: task.abort_handle(), killed }
    }

    /// Answers each request on each connection with `answer`.
    pub async fn answering(answer: impl Fn(&Message) -> Vec<u8> + 'static) -> Self {
        let answer = Rc::new(answer);
        Self::script(move |mut wire, _, seen| {
            let answer = Rc::clone(&answer);
            async move {
                while let Some(request) = wire.message().await {
                    let response = answer(&request);
                    seen.requests.borrow_mut().push(request);
                    if wire.stream.write_all(&response).await.is_err() {
                        return;
                    }
                }
            }
        })
        .await
    }

    /// Answers `name` to everything.
    pub async fn named(name: &str) -> Self {
        let response = ok(name);
        Self::answering(move |_| response.clone()).await
    }
    /// Ends as a killed process does: listener and connections are closed, whatever goes on in them.
    pub fn kill(&self) {
        self.task.abort();
        self.killed.send_replace(true);
    }

    /// Waits until the proxy has connected ahead of any request.
    pub async fn is_connected_to(&self) {
        until("a new backend is connected to", || self.seen.accepted.get() == 1).await;
    }
}

impl Drop for Backend {
    fn drop(&mut self) {
        self.kill();
    }
}

pub fn ok(body: &str) -> Vec<u8> {
    format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

//! Connections to backends that speak HTTP/2: few, each for many requests at once.
//!
//! A request goes to the connection with fewest in flight. When all have as many as they take, another is made, up to a bound; when
//! that is reached too, requests wait in the connection. One that its backend has told to end takes no further request.

use super::h2c::{self, Open, Translated};
use super::{ConnectError, Link, Upstream, dial};
use crate::bounds;
use crate::buffer::Buffer;
use bytes::Bytes;
use h2::client::SendRequest;
use muster_balance::Key;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::sync::Mutex;
use tokio::time::Instant;

/// All of them.
#[derive(Debug, Default)]
pub(crate) struct Shared {
    backends: RefCell<BTreeMap<Key, Backend>>,
}

#[derive(Debug, Default)]
struct Backend {
    connections: Vec<Connection>,
    /// One is made at a time: those who wait may find that it serves them, too.
    dialing: Rc<Mutex<()>>,
}

#[derive(Debug)]
struct Connection {
    sender: SendRequest<Bytes>,
    open: Rc<Cell<usize>>,
    used: Instant,
}

impl Connection {
    fn new(sender: SendRequest<Bytes>) -> Self {
        Self { sender, open: Rc::default(), used: Instant::now() }
    }

    /// Neither ended nor told to end.
    fn is_usable(&mut self) -> bool {
        let polled = self.sender.poll_ready(&mut Context::from_waker(Waker::noop()));
        !matches!(polled, Poll::Ready(Err(_)))
    }

    fn has_room(&self) -> bool {
        self.open.get() < self.sender.current_max_send_streams().min(bounds::STREAMS_PER_BACKEND)
    }

    fn begin(&mut self) -> Upstream {
        self.used = Instant::now();
        let stream = Translated::new(self.sender.clone(), Open::new(&self.open));
        Upstream { stream: Link::Shared(Box::new(stream)), held: Buffer::default(), kept_for: None }
    }
}

impl Shared {
    /// A stream to the backend `key` at `addr`. Behind `preface`, which is somebody's name, it has a connection of its own. Tells whether
    /// the connection is new.
    pub(crate) async fn connect(
        &self,
        key: Key,
        addr: SocketAddr,
        timeout: Duration,
        preface: &[u8],
    ) -> Result<(Upstream, bool), ConnectError> {
        if !preface.is_empty() {
            let sender = shake(dial(addr, timeout, preface).await?).await?;
            return Ok((Connection::new(sender).begin(), true));
        }
        if let Some(upstream) = self.begin(key) {
            return Ok((upstream, false));
        }
        let dialing = Rc::clone(&self.backends.borrow_mut().entry(key).or_default().dialing);
        let Ok(_turn) = tokio::time::timeout(timeout, dialing.lock()).await else {
            return Err(ConnectError::Late(timeout));
        };
        if let Some(upstream) = self.begin(key) {
            return Ok((upstream, false));
        }
        let mut connection = Connection::new(shake(dial(addr, timeout, preface).await?).await?);
        let upstream = connection.begin();
        // If it was closed meanwhile, this is for those on their way only, and swept.
        self.backends.borrow_mut().entry(key).or_default().connections.push(connection);
        Ok((upstream, true))
    }

    /// On a connection that is there, unless another should be made.
    fn begin(&self, key: Key) -> Option<Upstream> {
        let mut backends = self.backends.borrow_mut();
        let connections = &mut backends.get_mut(&key)?.connections;
        connections.retain_mut(Connection::is_usable);
        let is_full = connections.len() >= bounds::CONNECTIONS_PER_BACKEND;
        let least = connections.iter_mut().min_by_key(|connection| connection.open.get())?;
        (is_full || least.has_room()).then(|| least.begin())
    }

    /// No further requests to `key`: its connections end when those in flight do.
    pub(crate) fn close(&self, key: Key) {
        self.backends.borrow_mut().remove(&key);
    }

    /// Closes what nobody has used for `timeout`, and forgets what has ended.
    pub(crate) fn sweep(&self, now: Instant, timeout: Duration) {
        self.backends.borrow_mut().retain(|_, backend| {
            backend.connections.retain_mut(|connection| {
                let is_idle =
                    connection.open.get() == 0 && now.saturating_duration_since(connection.used) >= timeout;
                !is_idle && connection.is_usable()
            });
            !backend.connections.is_empty() || Rc::strong_count(&backend.dialing) > 1
        });
    }
}

/// Begins HTTP/2 by prior knowledge. That a backend does not speak it shows with the first request.
async fn shake(stream: TcpStream) -> Result<SendRequest<Bytes>, ConnectError> {
    let refused = |cause: h2::Error| ConnectError::Refused(io::Error::other(cause));
    let (sender, connection) = h2c::builder().handshake(stream).await.map_err(refused)?;
    tokio::task::spawn_local(async move {
        // Each of its requests is told by itself.
        if let Err(cause) = connection.await {
            tracing::debug!(%cause, "a backend's connection ended");
        }
    });
    Ok(sender)
}

//! Gossip's TCP connections: one request and at most one reply each.
//!
//! Every connection is a small task that reads a whole message within a deadline and hands it to the gossip loop. Neither
//! side of memberlist half-closes, so a message ends where its own bytes say so, never at the end of the stream. What
//! strangers can make us hold is bounded three times: connections, bytes of one message, bytes of all.

use crate::sealer::Sealer;
use muster_serf::StreamId;
use muster_wire::stream::MESSAGE_BYTES_MAX;
use muster_wire::{DecodeError, Leg};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tokio::time::{sleep, timeout};

/// memberlist closes the 128th concurrent push/pull (`maxPushPullRequests`).
const INBOUND_MAX: usize = 127;
/// What all connections together may hold; some forty times a push/pull of a thousand members.
const BUFFERED_KIB_MAX: usize = 64 << 10;
/// First growth of a buffer; it doubles from there.
const BUFFER_BYTES_MIN: usize = 16 << 10;

/// A connection has come to its point.
#[derive(Debug)]
pub(crate) struct Arrival {
    pub stream: StreamId,
    /// The other end.
    pub from: SocketAddr,
    /// A whole message, opened, or why there is none.
    pub message: Result<Vec<u8>, Failure>,
    /// On inbound streams: takes the reply. Dropped, the connection closes.
    pub answer: Option<oneshot::Sender<Vec<u8>>>,
    _memory: Memory,
}

/// Why a connection brought no message. In words, for the log and the caller of join.
#[derive(PartialEq, Eq, Debug)]
pub(crate) enum Failure {
    /// What it brought is no message, or none for us. Who asked so can still be told.
    Unreadable(String),
    /// Nothing whole came.
    Lost(String),
}

impl From<DecodeError> for Failure {
    fn from(error: DecodeError) -> Self {
        Self::Unreadable(error.to_string())
    }
}

/// What the connections' tasks share.
#[derive(Clone, Debug)]
pub(crate) struct Streams {
    sealer: Arc<Sealer>,
    arrivals: mpsc::Sender<Arrival>,
    memory: Arc<Semaphore>,
    /// For the whole life of an inbound connection (memberlist: TCPTimeout).
    inbound_timeout: Duration,
}

/// What an outbound connection is for; see `muster_serf::Output::Open`.
#[derive(Debug)]
pub(crate) struct Outbound {
    pub stream: StreamId,
    pub to: SocketAddr,
    pub bytes: Vec<u8>,
    pub reply: bool,
    pub time_left: Duration,
}

impl Streams {
    pub(crate) fn new(
        sealer: Arc<Sealer>,
        arrivals: mpsc::Sender<Arrival>,
        inbound_timeout: Duration,
    ) -> Self {
        Self { sealer, arrivals, memory: Arc::new(Semaphore::new(BUFFERED_KIB_MAX)), inbound_timeout }
    }

    /// Accepts for ever.
    pub(crate) async fn accept(self, listener: TcpListener) {
        let slots = Arc::new(Semaphore::new(INBOUND_MAX));
        let mut number = 0;
        loop {
            match listener.accept().await {
                Ok((connection, from)) => {
                    let Ok(slot) = Arc::clone(&slots).try_acquire_owned() else {
                        tracing::warn!(%from, "too many gossip connections at once; closed this one");
                        continue;
                    };
                    number += 1;
                    tokio::spawn(self.clone().inbound(StreamId::Inbound(number), connection, from, slot));
                }
                Err(cause) => {
                    // Out of descriptors or memory: connections wait in the backlog meanwhile.
                    tracing::warn!(%cause, "cannot accept gossip connections");
                    sleep(Duration::from_millis(100)).await;
                }
            }
        }
    }

    async fn inbound(
        self,
        stream: StreamId,
        mut connection: TcpStream,
        from: SocketAddr,
        _slot: OwnedSemaphorePermit,
    ) {
        let _ = timeout(self.inbound_timeout, async {
            let mut memory = Memory::none(&self.memory);
            let message = self.read_in_time(&mut connection, &mut memory).await;
            let (answer, answered) = oneshot::channel();
            let arrival = Arrival { stream, from, message, answer: Some(answer), _memory: memory };
            if self.arrivals.send(arrival).await.is_ok()
                && let Ok(reply) = answered.await
                && let Ok(reply) = self.sealer.seal_stream(Leg::Reply, reply)
            {
                // The peer's loss; it will try again.
                let _ = connection.write_all(&reply).await;
            }
        })
        .await;
    }

    /// As `read`, a moment shorter than the connection lives, so that the core hears of the failure.
    async fn read_in_time(
        &self,
        connection: &mut TcpStream,
        memory: &mut Memory,
    ) -> Result<Vec<u8>, Failure> {
        match timeout(self.inbound_timeout * 9 / 10, self.read(connection, Leg::Request, memory)).await {
            Ok(result) => result,
            Err(_) => Err(Failure::Lost("no whole message came in time".to_owned())),
        }
    }

    /// Carries out one exchange and tells its end: a reply where one is awaited, every failure.
    pub(crate) async fn outbound(self, open: Outbound) {
        let Outbound { stream, to, bytes, reply, time_left } = open;
        let mut memory = Memory::none(&self.memory);
        let cannot = |what: &'static str| move |cause| Failure::Lost(format!("cannot {what} {to}: {cause}"));
        let exchange = async {
            let bytes = self.sealer.seal_stream(Leg::Request, bytes).map_err(cannot("seal a message to"))?;
            let mut connection = connect(to).await.map_err(cannot("connect to"))?;
            connection.write_all(&bytes).await.map_err(cannot("write to"))?;
            match reply {
                true => self.read(&mut connection, Leg::Reply, &mut memory).await.map(Some),
                false => Ok(None),
            }
        };
        let message = match timeout(time_left, exchange).await {
            Ok(Ok(None)) => return,
            Ok(Ok(Some(message))) => Ok(message),
            Ok(Err(reason)) => Err(reason),
            Err(_) => Err(Failure::Lost(format!("{to} did not answer in time"))),
        };
        // The loop that would hear it ends only with the agent.
        let _ =
            self.arrivals.send(Arrival { stream, from: to, message, answer: None, _memory: memory }).await;
    }

    /// Reads exactly one message and opens it.
    async fn read(
        &self,
        connection: &mut TcpStream,
        leg: Leg,
        memory: &mut Memory,
    ) -> Result<Vec<u8>, Failure> {
        let mut buffer = Vec::new();
        let mut scanner = self.sealer.scanner(leg);
        loop {
            if buffer.len() == buffer.capacity() {
                grow(&mut buffer, memory).map_err(Failure::Lost)?;
            }
            match connection.read_buf(&mut buffer).await {
                Ok(0) => return Err(Failure::Lost("closed before a whole message".to_owned())),
                Ok(_) => {}
                Err(cause) => return Err(Failure::Lost(cause.to_string())),
            }
            if let Some(length) = scanner.scan(&buffer)? {
                buffer.truncate(length);
                // A sealed message is held twice while it is opened: one at a time, since this thread does nothing else.
                return Ok(self.sealer.open_stream(leg, buffer)?);
            }
        }
    }
}

async fn connect(to: SocketAddr) -> io::Result<TcpStream> {
    let connection = TcpStream::connect(to).await?;
    connection.set_nodelay(true)?;
    Ok(connection)
}

/// Doubles the buffer, within the bounds of one message and of all connections.
fn grow(buffer: &mut Vec<u8>, memory: &mut Memory) -> Result<(), String> {
    // One byte more than the longest message is never needed to know that it is too long: the scanner says so.
    let wanted = (buffer.len() * 2).clamp(BUFFER_BYTES_MIN, MESSAGE_BYTES_MAX);
    if wanted <= buffer.len() {
        return Err(format!("longer than {MESSAGE_BYTES_MAX} bytes"));
    }
    let additional = wanted - buffer.len();
    memory.take(additional)?;
    buffer.reserve_exact(additional);
    Ok(())
}

/// A share of the bytes all connections may hold; given back when dropped.
#[derive(Debug)]
struct Memory {
    all: Arc<Semaphore>,
    taken: Option<OwnedSemaphorePermit>,
}

impl Memory {
    fn none(all: &Arc<Semaphore>) -> Self {
        Self { all: Arc::clone(all), taken: None }
    }

    fn take(&mut self, bytes: usize) -> Result<(), String> {
        let kib = u32::try_from(bytes.div_ceil(1024)).unwrap_or(u32::MAX);
        let more = Arc::clone(&self.all)
            .try_acquire_many_owned(kib)
            .map_err(|_| "too many large gossip messages at once".to_owned())?;
        match &mut self.taken {
            Some(taken) => taken.merge(more),
            None => self.taken = Some(more),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;

//! Gossip's TCP connections: one request and at most one reply each.
//!
//! Every connection is a small task that reads a whole message within a deadline, takes encryption and compression off and
//! hands it to the gossip loop. Neither side of memberlist half-closes, so a message ends where its own bytes say so, never
//! at the end of the stream. What strangers can make us hold is told in `limits.rs` and kept by [`room`].

mod room;

use crate::limits::MESSAGE_BYTES_MAX;
use crate::sealer::Sealer;
use muster_serf::StreamId;
use muster_wire::memberlist::kind;
use muster_wire::stream::Expander;
use muster_wire::{DecodeError, Leg};
use room::{Guest, Memory, Room};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot};
use tokio::task::yield_now;
use tokio::time::{sleep, timeout};

/// First growth of a buffer; it doubles from there.
const GROWTH_BYTES_MIN: usize = 4 << 10;
/// And no more than this at a time: a large message shall not hold twice what it needs.
const GROWTH_BYTES_MAX: usize = 256 << 10;

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
    room: Room,
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
        Self { sealer, arrivals, room: Room::new(), inbound_timeout }
    }

    /// Accepts for ever.
    pub(crate) async fn accept(self, listener: TcpListener) {
        let mut number = 0;
        loop {
            match listener.accept().await {
                Ok((connection, from)) => {
                    let Some(guest) = self.room.enter() else { continue };
                    number += 1;
                    tokio::spawn(self.clone().inbound(StreamId::Inbound(number), connection, from, guest));
                }
                Err(cause) => {
                    // Out of descriptors or memory: connections wait in the backlog meanwhile.
                    tracing::warn!(%cause, "cannot accept gossip connections");
                    self.room.show_out_one();
                    sleep(Duration::from_millis(100)).await;
                }
            }
        }
    }

    async fn inbound(self, stream: StreamId, connection: TcpStream, from: SocketAddr, guest: Guest) {
        let out = guest.out();
        tokio::select! {
            biased;
            () = out => {}
            // Before the deadline: when both are due, the core shall still hear why there is no message.
            () = self.serve(stream, connection, from, guest) => {}
            () = sleep(self.inbound_timeout) => {}
        }
    }

    async fn serve(&self, stream: StreamId, mut connection: TcpStream, from: SocketAddr, mut guest: Guest) {
        let mut memory = self.room.memory();
        let message = self.read_in_time(&mut connection, &mut guest, &mut memory).await;
        guest.our_move();
        let is_exchange = message.as_ref().is_ok_and(|message| message.first() == Some(&kind::PUSH_PULL));
        let mut exchange = if is_exchange { Some(self.room.exchange().await) } else { None };
        let (answer, answered) = oneshot::channel();
        let arrival = Arrival { stream, from, message, answer: Some(answer), _memory: memory };
        if self.arrivals.send(arrival).await.is_ok()
            && let Ok(reply) = answered.await
            && let Ok(reply) = self.sealer.seal_stream(Leg::Reply, reply)
        {
            if let Some(exchange) = &mut exchange {
                exchange.answered(reply.len()).await;
            }
            guest.its_move();
            let mut rest = &reply[..];
            // An error is the peer's loss; it will try again.
            while let Ok(bytes @ 1..) = connection.write(rest).await {
                guest.moved(bytes);
                rest = &rest[bytes..];
            }
        }
    }

    /// As `read`, a moment shorter than the connection lives, so that the core hears of the failure.
    async fn read_in_time(
        &self,
        connection: &mut TcpStream,
        guest: &mut Guest,
        memory: &mut Memory,
    ) -> Result<Vec<u8>, Failure> {
        let read = self.read(connection, Leg::Request, Some(guest), memory);
        match timeout(self.inbound_timeout * 9 / 10, read).await {
            Ok(result) => result,
            Err(_) => Err(Failure::Lost("no whole message came in time".to_owned())),
        }
    }

    /// Carries out one exchange and tells its end: a reply where one is awaited, every failure.
    pub(crate) async fn outbound(self, open: Outbound) {
        let Outbound { stream, to, bytes, reply, time_left } = open;
        let mut memory = self.room.memory();
        let cannot =
            |what: &'static str| move |cause| Failure::Lost(format!("cannot {what} {to}: {}", words(&cause)));
        let exchange = async {
            let bytes = self.sealer.seal_stream(Leg::Request, bytes).map_err(cannot("seal a message to"))?;
            let mut connection = connect(to).await.map_err(cannot("connect to"))?;
            connection.write_all(&bytes).await.map_err(cannot("write to"))?;
            match reply {
                true => self.read(&mut connection, Leg::Reply, None, &mut memory).await.map(Some),
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

    /// Reads exactly one message, opens and expands it.
    async fn read(
        &self,
        connection: &mut TcpStream,
        leg: Leg,
        mut guest: Option<&mut Guest>,
        memory: &mut Memory,
    ) -> Result<Vec<u8>, Failure> {
        let lost = |cause: io::Error| Failure::Lost(cause.to_string());
        let mut buffer = Vec::new();
        let mut scanner = self.sealer.scanner(leg);
        // Who has sent nothing costs no buffer.
        connection.readable().await.map_err(lost)?;
        loop {
            if buffer.len() == buffer.capacity() {
                grow(&mut buffer, MESSAGE_BYTES_MAX, memory, guest.as_deref_mut()).await?;
            }
            let bytes = connection.read_buf(&mut buffer).await.map_err(lost)?;
            if bytes == 0 {
                return Err(Failure::Lost("closed before a whole message".to_owned()));
            }
            if let Some(guest) = &mut guest {
                guest.moved(bytes);
            }
            if let Some(length) = scanner.scan(&buffer)? {
                buffer.truncate(length);
                let message = self.sealer.open_stream(leg, buffer)?;
                return expand(message, memory, guest).await;
            }
        }
    }
}

/// Takes the compression off, and lets others work in between: megabytes take tens of milliseconds.
async fn expand(
    message: Vec<u8>,
    memory: &mut Memory,
    mut guest: Option<&mut Guest>,
) -> Result<Vec<u8>, Failure> {
    let Some(mut expander) = Expander::new(&message)? else {
        memory.keep(message.capacity());
        return Ok(message);
    };
    let mut plain = Vec::new();
    let mut whole = false;
    while !whole {
        if plain.capacity() - plain.len() < Expander::STEP_BYTES {
            let limit = MESSAGE_BYTES_MAX + Expander::STEP_BYTES;
            grow(&mut plain, limit, memory, guest.as_deref_mut()).await?;
            yield_now().await;
        }
        whole = expander.step(&mut plain)?;
    }
    drop(message);
    memory.keep(plain.capacity());
    Ok(plain)
}

/// The system's words for an error without its number, within a sentence: "connection refused".
fn words(cause: &io::Error) -> String {
    let text = cause.to_string();
    let text = text.split_once(" (os error").map_or(&*text, |(words, _number)| words);
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
}

async fn connect(to: SocketAddr) -> io::Result<TcpStream> {
    let connection = TcpStream::connect(to).await?;
    connection.set_nodelay(true)?;
    Ok(connection)
}

/// Makes the buffer larger, up to `limit`, once there is room.
async fn grow(
    buffer: &mut Vec<u8>,
    limit: usize,
    memory: &mut Memory,
    guest: Option<&mut Guest>,
) -> Result<(), Failure> {
    let held = buffer.capacity();
    let wanted = (held + held.clamp(GROWTH_BYTES_MIN, GROWTH_BYTES_MAX)).min(limit);
    if wanted <= held {
        return Err(Failure::Lost(format!("longer than {limit} bytes")));
    }
    memory.take(wanted - held, guest).await.map_err(Failure::Lost)?;
    buffer.reserve_exact(wanted - buffer.len());
    Ok(())
}

#[cfg(test)]
mod tests;

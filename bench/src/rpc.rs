//! One client for both products: Serf's RPC, which either agent speaks. So both are told, asked and watched in the same way.

use muster_rpc::{
    EventRecord, QueryRecord, REPLY_BYTES_MAX, ReplyHeader, Request, VERSION, Values, read, write_request,
};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};

/// A session with an agent.
#[derive(Debug)]
pub(crate) struct Rpc {
    from: Incoming,
    to: OwnedWriteHalf,
    seq: u64,
}

/// What the agent sends, value by value.
#[derive(Debug)]
pub(crate) struct Incoming {
    from: OwnedReadHalf,
    values: Values,
    /// The value handed out last.
    last: Vec<u8>,
}

/// Something a stream showed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct UserEvent {
    pub(crate) name: String,
    pub(crate) payload: Vec<u8>,
}

impl Rpc {
    /// Connects and shakes hands.
    pub(crate) async fn connect(address: &str) -> Result<Self, String> {
        let stream = TcpStream::connect(address).await.map_err(|error| format!("{address}: {error}"))?;
        let (from, to) = stream.into_split();
        let from = Incoming { from, values: Values::new(REPLY_BYTES_MAX), last: Vec::new() };
        let mut rpc = Self { from, to, seq: 0 };
        rpc.ask(&Request::Handshake { version: VERSION }).await?;
        Ok(rpc)
    }

    /// A request that has no result; whether it was taken.
    pub(crate) async fn ask(&mut self, request: &Request<'_>) -> Result<(), String> {
        self.write(&[request]).await?;
        self.from.reply().await
    }

    /// Sends requests without waiting for what comes of them.
    async fn write(&mut self, requests: &[&Request<'_>]) -> Result<(), String> {
        let mut bytes = Vec::new();
        for request in requests {
            self.seq += 1;
            write_request(self.seq, request, &mut bytes);
        }
        self.to.write_all(&bytes).await.map_err(|error| error.to_string())
    }

    /// Tells the cluster `count` numbered events, at most `per_second`; returns how many were refused.
    pub(crate) async fn flood(self, name: &str, count: u64, per_second: Option<u32>) -> Result<u64, String> {
        let Self { mut from, mut to, mut seq } = self;
        let replies = tokio::spawn(async move {
            let mut refused = 0;
            for _ in 0..count {
                refused += u64::from(from.reply().await.is_err());
            }
            refused
        });
        let begun = Instant::now();
        for number in 0..count {
            if let Some(per_second) = per_second {
                let due = begun + Duration::from_secs_f64(number as f64 / f64::from(per_second));
                tokio::time::sleep_until(due.into()).await;
            }
            let mut bytes = Vec::new();
            seq += 1;
            write_request(seq, &numbered(name, &number.to_be_bytes()), &mut bytes);
            to.write_all(&bytes).await.map_err(|error| error.to_string())?;
        }
        replies.await.map_err(|error| error.to_string())
    }

    /// Asks for these events, and hands over what comes.
    pub(crate) async fn listen(mut self, filter: &str) -> Result<Incoming, String> {
        self.ask(&Request::Stream { kind: filter }).await?;
        // The writing half must live as long: its end is the session's.
        let Self { from, to, .. } = self;
        to.forget();
        Ok(from)
    }

    /// Asks everyone, and waits for the end; returns how long after the question each ack came.
    pub(crate) async fn acks(&mut self, name: &str) -> Result<Vec<Duration>, String> {
        let begun = Instant::now();
        let query = muster_rpc::Query {
            filter_nodes: Vec::new(),
            filter_tags: Vec::new(),
            request_ack: true,
            relay_factor: 0,
            timeout_ns: 0,
            name,
            payload: b"",
        };
        self.ask(&Request::Query(query)).await?;
        let mut acks = Vec::new();
        loop {
            self.from.reply().await?;
            let record: QueryRecord<'_> =
                read(self.from.value().await?).map_err(|error| error.to_string())?;
            match record.kind {
                QueryRecord::ACK => acks.push(begun.elapsed()),
                QueryRecord::DONE => return Ok(acks),
                _ => {}
            }
        }
    }
}

/// A user event that is told by its payload, and not to be gathered with others.
pub(crate) fn numbered<'a>(name: &'a str, number: &'a [u8]) -> Request<'a> {
    Request::Event { name, payload: number, coalesce: false }
}

impl Incoming {
    /// The next user event of a stream.
    pub(crate) async fn event(&mut self) -> Result<UserEvent, String> {
        loop {
            self.reply().await?;
            let record = read(self.value().await?).map_err(|error| error.to_string())?;
            if let EventRecord::User { name, payload, .. } = record {
                return Ok(UserEvent { name: name.to_owned(), payload: payload.to_vec() });
            }
        }
    }

    /// The header of a reply or a record; `Err` when it tells of an error.
    async fn reply(&mut self) -> Result<(), String> {
        let header: ReplyHeader<'_> = read(self.value().await?).map_err(|error| error.to_string())?;
        if header.error.is_empty() { Ok(()) } else { Err(header.error.to_owned()) }
    }

    async fn value(&mut self) -> Result<&[u8], String> {
        let mut buffer = [0; 16 << 10];
        loop {
            if let Some(value) = self.values.next().map_err(|error| error.to_string())? {
                self.last.clear();
                self.last.extend_from_slice(value);
                return Ok(&self.last);
            }
            match self.from.read(&mut buffer).await {
                Ok(0) => return Err("the agent closed the connection".to_owned()),
                Ok(count) => self.values.push(&buffer[..count]),
                Err(error) => return Err(error.to_string()),
            }
        }
    }
}

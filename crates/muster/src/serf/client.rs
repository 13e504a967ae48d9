//! The client side of Serf's RPC: one connection, one question after the other, and streams.
//!
//! Failures are told in the words of Serf's client, which are Go's.

mod dial;

use muster_rpc::{REPLY_BYTES_MAX, ReplyHeader, Request, VERSION, Values, read, refusal, write_request};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// What `connect` and each request may take to be sent (client/rpc_client.go, `DefaultTimeout`). Answers may take longer:
/// a leave or a query lasts as long as it lasts.
const TIMEOUT: Duration = Duration::from_secs(10);
/// What is read at once.
const CHUNK_BYTES: usize = 16 << 10;

/// The connection was ended by the agent, or carries nothing that can be understood.
const CLOSED: &str = "client closed";

/// A session with an agent.
#[derive(Debug)]
pub(super) struct Client {
    stream: TcpStream,
    values: Values,
    seq: u64,
}

impl Client {
    /// Connects, shakes hands, and shows the token if there is one.
    pub(super) fn connect(address: &str, token: &str) -> Result<Self, String> {
        let stream = dial::dial(address, TIMEOUT)?;
        stream.set_write_timeout(Some(TIMEOUT)).map_err(|error| error.to_string())?;
        // A request is one write, and its answer is waited for.
        stream.set_nodelay(true).map_err(|error| error.to_string())?;
        let mut client = Self { stream, values: Values::new(REPLY_BYTES_MAX), seq: 0 };
        client.ask(&Request::Handshake { version: VERSION })?;
        if !token.is_empty() {
            client.ask(&Request::Auth { auth_key: token })?;
        }
        Ok(client)
    }

    /// Asks for something without a result.
    pub(super) fn ask(&mut self, request: &Request<'_>) -> Result<(), String> {
        self.send(request)?;
        self.header().and_then(|(_, error)| said(error))
    }

    /// Asks for something with a result, which `take` makes its own. It comes even with an error.
    pub(super) fn ask_for<T>(
        &mut self,
        request: &Request<'_>,
        take: impl FnOnce(&[u8]) -> Option<T>,
    ) -> Result<T, Refused<T>> {
        let closed = |why| Refused { why, result: None };
        self.send(request).map_err(closed)?;
        let (_, error) = self.header().map_err(closed)?;
        if error == refusal::AUTHENTICATION_REQUIRED {
            return Err(closed(error));
        }
        let result = self.value().map_err(closed)?;
        match (take(&result), error.is_empty()) {
            (Some(result), true) => Ok(result),
            (result, false) => Err(Refused { why: error, result }),
            (None, true) => Err(closed(CLOSED.to_owned())),
        }
    }

    /// Begins a stream; its number.
    pub(super) fn begin(&mut self, request: &Request<'_>) -> Result<u64, String> {
        self.send(request)?;
        let seq = self.seq;
        loop {
            // Records of an earlier stream may come first, and there is nobody yet to look at them.
            let (of, error) = self.header()?;
            if of == seq {
                return said(error).map(|()| seq);
            }
            self.value()?;
        }
    }

    /// The next record of any stream, with its number. Waits for it.
    pub(super) fn record(&mut self) -> Result<(u64, Vec<u8>), String> {
        let (seq, _) = self.header()?;
        Ok((seq, self.value()?))
    }

    fn send(&mut self, request: &Request<'_>) -> Result<(), String> {
        self.seq += 1;
        let mut out = Vec::new();
        write_request(self.seq, request, &mut out);
        self.stream.write_all(&out).map_err(|_| CLOSED.to_owned())
    }

    /// Whose answer comes, and what went wrong.
    fn header(&mut self) -> Result<(u64, String), String> {
        let value = self.value()?;
        let header: ReplyHeader<'_> = read(&value).map_err(|_| CLOSED.to_owned())?;
        Ok((header.seq, header.error.to_owned()))
    }

    fn value(&mut self) -> Result<Vec<u8>, String> {
        loop {
            match self.values.next() {
                Ok(Some(value)) => return Ok(value.to_vec()),
                Ok(None) => {}
                Err(_) => return Err(CLOSED.to_owned()),
            }
            let mut chunk = [0; CHUNK_BYTES];
            match self.stream.read(&mut chunk) {
                Ok(0) => return Err(CLOSED.to_owned()),
                Ok(length) => self.values.push(&chunk[..length]),
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(_) => return Err(CLOSED.to_owned()),
            }
        }
    }
}

/// Why there is no answer; perhaps with a result all the same.
#[derive(Debug)]
pub(super) struct Refused<T> {
    pub(super) why: String,
    pub(super) result: Option<T>,
}

fn said(error: String) -> Result<(), String> {
    if error.is_empty() { Ok(()) } else { Err(error) }
}

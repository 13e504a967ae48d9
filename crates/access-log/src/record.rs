//! What is known of a request at its end.

use crate::termination::Termination;
use crate::time::Timestamp;
use core::net::SocketAddr;
use core::time::Duration;

/// One request, or one connection in TCP mode. Texts of clients are as they came.
#[derive(Clone, Debug, Default)]
pub struct Record<'a> {
    /// When its first byte came, or its connection in TCP mode.
    pub time: Timestamp,
    /// Who asked; nobody knows of one that came over a Unix socket.
    pub client: Option<SocketAddr>,
    /// Where it came to, likewise.
    pub local: Option<SocketAddr>,
    /// The name of the frontend.
    pub frontend: &'a str,
    /// It is a connection in TCP mode.
    pub is_tcp: bool,
    /// The version of TLS that it came by, such as `TLSv1.3`.
    pub tls: Option<&'a str>,
    /// Who was to answer it, if it came so far.
    pub service: Option<&'a str>,
    /// The backend that it was sent to last.
    pub backend: Option<&'a str>,
    /// Its first line: `GET /path HTTP/1.1`. `None`: what came was no request.
    pub line: Option<&'a [u8]>,
    /// Its `Host`.
    pub host: Option<&'a [u8]>,
    /// Its `User-Agent`.
    pub user_agent: Option<&'a [u8]>,
    /// Its `Referer`.
    pub referer: Option<&'a [u8]>,
    /// Its `traceparent` (W3C Trace Context).
    pub trace: Option<&'a [u8]>,
    /// What the client was given, if it was.
    pub status: Option<u16>,
    /// From the client, its head included.
    pub bytes_in: u64,
    /// To the client, heads included.
    pub bytes_out: u64,
    /// Of those, the heads.
    pub head_bytes_out: u64,
    /// How long each part took.
    pub times: Times,
    /// Attempts after the first.
    pub retries: u32,
    /// The last of them was made at another backend.
    pub redispatched: bool,
    /// How it ended.
    pub termination: Termination,
    /// What else was going on.
    pub load: Load,
}

/// The parts of a request's life; `None`: it never came so far.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Times {
    /// From its first byte to the end of its head.
    pub head: Option<Duration>,
    /// Waiting for a place on a backend.
    pub queue: Option<Duration>,
    /// Connecting to it.
    pub connect: Option<Duration>,
    /// From the connection to the response's head.
    pub response: Option<Duration>,
    /// From its first byte to its end.
    pub total: Duration,
}

/// Sessions that went on when it ended: itself counts on the process and the frontend, and no longer behind them.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Load {
    /// Clients of the whole process.
    pub process: u32,
    /// Of its frontend.
    pub frontend: u32,
    /// Requests of its service.
    pub service: u32,
    /// Of its backend.
    pub backend: u32,
    /// Those that wait for this backend.
    pub backend_queue: u32,
    /// Those that wait for the service.
    pub service_queue: u32,
}

impl<'a> Record<'a> {
    /// Method, target and version of the first line; empty where it has none.
    pub(crate) fn parts(&self) -> Option<[&'a [u8]; 3]> {
        let mut parts = self.line?.splitn(3, |byte| *byte == b' ');
        Some(core::array::from_fn(|_| parts.next().unwrap_or_default()))
    }
}

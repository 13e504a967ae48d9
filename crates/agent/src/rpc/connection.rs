//! One client: bytes in, one request after the other, until somebody has enough.

use super::ADMISSION_TIMEOUT;
use super::command::Client;
use super::crowd::{Doing, Place};
use super::gathered::Gathered;
use super::outlet::{Broken, Outlet};
use crate::server::told;
use crate::shared::Shared;
use muster_rpc::{REQUEST_BYTES_MAX, Request, Session, Step, Values};
use muster_wire::DecodeError;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::net::tcp::OwnedReadHalf;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until, timeout};

/// Bytes read at once; a request is some hundred.
const READ_BYTES: usize = 4 << 10;
/// How long who asked for a leave may take to hang up. Serf's own client, when it finds the answer and the end of the
/// connection together, draws lots which of them to believe, and may report a leave that went well as failed.
const PARTING: Duration = Duration::from_millis(500);

/// Why a connection ended.
#[derive(Debug, thiserror::Error)]
pub(super) enum End {
    #[error("the client closed it")]
    Closed,
    #[error("the client took nothing for too long, or is gone")]
    Broken,
    #[error("no handshake in time, or no token")]
    NotAdmitted,
    #[error("refused: {0}")]
    Refused(String),
    #[error("what came is no request: {0}")]
    Malformed(#[from] DecodeError),
    #[error("the agent is ending")]
    Stopped,
}

impl From<Broken> for End {
    fn from(_: Broken) -> Self {
        Self::Broken
    }
}

/// A connection as accepted.
#[derive(Debug)]
pub(super) struct Connection {
    reader: OwnedReadHalf,
    values: Values,
    client: Client,
    admit_until: Instant,
    asked_to_leave: bool,
}

impl Connection {
    pub(super) fn new(
        stream: TcpStream,
        peer: SocketAddr,
        place: Place,
        token: Arc<str>,
        shared: Arc<Shared>,
        events: Gathered,
    ) -> Self {
        // An answer is small and whole; nothing is gained by holding it back.
        let _ = stream.set_nodelay(true);
        let (reader, writer) = stream.into_split();
        let place = Arc::new(place);
        let outlet = Arc::new(Outlet::new(writer, Arc::clone(&place)));
        Self {
            reader,
            values: Values::new(REQUEST_BYTES_MAX),
            client: Client::new(Session::new(token), outlet, peer, place, shared, events),
            admit_until: Instant::now() + ADMISSION_TIMEOUT,
            asked_to_leave: false,
        }
    }

    /// Serves the client to its end.
    pub(super) async fn serve(mut self, stop: watch::Receiver<bool>) {
        let peer = self.client.peer;
        match self.run(stop).await {
            End::Closed | End::Stopped => tracing::debug!(%peer, "an RPC client is gone"),
            end => tracing::debug!(%peer, "closed the connection of an RPC client: {end}"),
        }
    }

    async fn run(&mut self, mut stop: watch::Receiver<bool>) -> End {
        let outlet = Arc::clone(&self.client.outlet);
        let mut chunk = [0; READ_BYTES];
        loop {
            if let Err(end) = self.serve_requests().await {
                return end;
            }
            let is_admitted = self.client.session.is_admitted();
            tokio::select! {
                read = self.reader.read(&mut chunk) => match read {
                    Ok(read @ 1..) => self.values.push(&chunk[..read]),
                    _ => return End::Closed,
                },
                () = self.client.query_done() => {}
                () = outlet.broken() => return End::Broken,
                () = told(&mut stop) => {
                    if self.asked_to_leave {
                        let _ = timeout(PARTING, self.hung_up()).await;
                    }
                    return End::Stopped;
                }
                () = sleep_until(self.admit_until), if !is_admitted => return End::NotAdmitted,
            }
        }
    }

    /// Waits until the client closes; what it still says is not served.
    async fn hung_up(&mut self) {
        let mut chunk = [0; READ_BYTES];
        while let Ok(1..) = self.reader.read(&mut chunk).await {}
    }

    /// All that are whole.
    async fn serve_requests(&mut self) -> Result<(), End> {
        let Self { values, client, asked_to_leave, .. } = self;
        while let Some(value) = values.next()? {
            match client.session.take(value)? {
                Step::Body => {}
                Step::Answer { seq, error } => {
                    client.note(error);
                    client.outlet.answer(seq, error).await?;
                }
                Step::Close { seq, error } => {
                    client.outlet.answer(seq, error).await?;
                    return Err(End::Refused(error.to_owned()));
                }
                Step::Serve { seq, request } => {
                    client.does(Doing::Asking);
                    *asked_to_leave |= matches!(request, Request::Leave);
                    client.obey(seq, request).await?;
                }
            }
        }
        if client.session.is_admitted() {
            client.does(Doing::Idle);
        }
        Ok(())
    }
}

//! Serf's RPC: TCP, for Serf's own command line and the client libraries there are. What is said stands in `muster_rpc`; this
//! is its shell.
//!
//! ```text
//!  listener -- connection --- bytes -> Values -> Session -> command -> answer --.
//!                  |                                                            outlet -> client
//!                  '--------- tasks: event streams, monitor, answers to queries --'
//! ```
//!
//! Requests of one connection are served strictly in order; only what its streams carry comes between the answers, and a
//! header is never parted from what belongs to it. Everything here runs on the control thread and reads copies; what is to be
//! done is asked of the gossip thread, which waits for no client.
//!
//! What a client can make us hold:
//!
//! | what | at most | beyond it |
//! |---|---|---|
//! | connections | 128 ([`CONNECTIONS_MAX`]) | one that is idle or takes nothing makes way ([`crowd`]); until there is one, the new one waits |
//! | of them with a stream, a monitor or a running query | 96 ([`LISTENING_MAX`]) | a further one is refused |
//! | time until handshake and token are there | 10 s ([`ADMISSION_TIMEOUT`]) | closed |
//! | a request | 64 KiB, 4096 list elements (`muster_rpc`) | closed |
//! | requests that wait | one, and one read (4 KiB) | not read before the last is answered |
//! | event streams of one connection | 32 (`muster_rpc`) | a further one is refused |
//! | events that wait for a stream | 512, 1 MiB, shared by all streams ([`WAITING`]) | not delivered there, and counted |
//! | lines that wait for a monitor | 512 (`LogBook`) | the same |
//! | an answer | written in pieces of 64 KiB | - |
//! | time in which a client takes nothing | 30 s ([`outlet::STALL`]) | closed |

mod command;
mod connection;
mod crowd;
mod gathered;
mod join;
mod keys;
mod outlet;
mod pending;
mod records;
mod streams;

use crate::Error;
use crate::config::RpcConfig;
use crate::hub::Bounds;
use crate::server::told;
use crate::shared::Shared;
use crate::sockets;
use connection::Connection;
use crowd::Crowd;
use gathered::Gathered;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::sleep;

/// Connections at once. A command of Serf's holds one for milliseconds; a handful of programs hold one for ever.
const CONNECTIONS_MAX: usize = 128;
/// Of them so many may listen. The rest stays for those who ask and go: whoever looks after the agent gets in, however many
/// streams there are.
const LISTENING_MAX: usize = 96;
/// For the handshake, and for the token where one is wanted.
const ADMISSION_TIMEOUT: Duration = Duration::from_secs(10);
/// As many as Serf's.
const WAITING: Bounds = Bounds { notices: 512, bytes: 1 << 20 };

/// A listening socket and what its clients must know.
#[derive(Debug)]
pub(crate) struct Listener {
    listener: std::net::TcpListener,
    addr: SocketAddr,
    token: Arc<str>,
}

impl Listener {
    /// Listens as configured. The usual address that nobody asked for may be taken, by Serf or another agent on this host:
    /// then there is a warning, and no RPC.
    pub(crate) fn bind(config: Option<&RpcConfig>) -> Result<Option<Self>, Error> {
        let Some(RpcConfig { addr, asked, auth }) = config else { return Ok(None) };
        let refuse = |cause| Error::Rpc { addr: *addr, cause };
        let listener = match sockets::tcp(*addr) {
            Ok(listener) => listener,
            Err(cause) if !asked => {
                tracing::warn!("{}; going on without RPC", refuse(cause));
                return Ok(None);
            }
            Err(cause) => return Err(refuse(cause)),
        };
        let addr = listener.local_addr().map_err(refuse)?;
        if auth.is_empty() && !addr.ip().is_loopback() {
            tracing::warn!(
                "RPC on {addr} asks for no token: whoever reaches it can make this node leave, and change tags and keys; \
                 set `rpc_auth`, or listen on 127.0.0.1"
            );
        }
        Ok(Some(Self { listener, addr, token: auth.as_str().into() }))
    }

    /// Serves until `stop` becomes true, then lets answers in progress finish.
    pub(crate) async fn serve(self, shared: Arc<Shared>, mut stop: watch::Receiver<bool>) {
        let listener = match TcpListener::from_std(self.listener) {
            Ok(listener) => listener,
            Err(cause) => return tracing::error!(%cause, "cannot watch the RPC socket"),
        };
        tracing::info!(addr = %self.addr, "serving Serf's RPC");
        let crowd = Crowd::new(CONNECTIONS_MAX, LISTENING_MAX);
        let events = Gathered::new(shared.hub.clone());
        let mut connections = JoinSet::new();
        loop {
            // Who waits for a place has been accepted; those behind it wait in the system.
            let newcomer = async { (listener.accept().await, crowd.enter().await) };
            tokio::select! {
                (accepted, place) = newcomer => match accepted {
                    Ok((stream, peer)) => {
                        let seat = place.seat();
                        let token = Arc::clone(&self.token);
                        let connection =
                            Connection::new(stream, peer, place, token, Arc::clone(&shared), events.clone());
                        let task = connections.spawn(connection.serve(stop.clone()));
                        seat.evicted_by(move || task.abort());
                    }
                    Err(cause) => {
                        tracing::warn!(%cause, "cannot accept RPC clients");
                        sleep(Duration::from_millis(100)).await;
                    }
                },
                () = told(&mut stop) => break,
            }
            while connections.try_join_next().is_some() {}
        }
        while connections.join_next().await.is_some() {}
    }
}

#[cfg(test)]
mod tests;

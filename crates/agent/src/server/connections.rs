//! Connections of the control socket and its like: how many, how patient, how they end.
//!
//! One request each: whoever asks again connects again, which costs a local socket nothing, and so a connection is either
//! silent, or being served.

use super::listener::Listener;
use super::patient::Patient;
use super::silent::Silent;
use super::slots::RESERVED_FROM_STREAMS;
use axum::Router;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio::sync::{Semaphore, oneshot, watch};
use tokio::task::JoinSet;
use tokio::time::sleep;

/// Clients at once: a handful of followers and commands in practice. The rest waits in the backlog.
const CONNECTIONS_MAX: usize = 128;
/// For a request's head.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// Of a request's head.
const HEAD_BYTES_MAX: usize = 64 << 10;

// Some are left for commands.
const _: () = assert!(RESERVED_FROM_STREAMS <= CONNECTIONS_MAX - 32);

impl Listener {
    /// Serves until `stop` becomes true, then lets answers in progress finish.
    pub(crate) async fn serve(self, router: Router, stop: watch::Receiver<bool>) {
        let listener = match self.listener.try_clone().and_then(UnixListener::from_std) {
            Ok(listener) => listener,
            Err(cause) => return tracing::error!(%cause, "cannot watch the control socket"),
        };
        serve(listener, "the control socket", router, stop).await;
    }
}

/// Where connections come from.
pub(super) trait Accept: Send + Sync {
    /// One of them.
    type Connection: AsyncRead + AsyncWrite + Unpin + Send + 'static;
    /// Waits for the next one.
    fn accept(&self) -> impl Future<Output = io::Result<Self::Connection>> + Send;
}

impl Accept for UnixListener {
    type Connection = UnixStream;
    async fn accept(&self) -> io::Result<UnixStream> {
        Ok(Self::accept(self).await?.0)
    }
}

impl Accept for TcpListener {
    type Connection = TcpStream;
    async fn accept(&self) -> io::Result<TcpStream> {
        Ok(Self::accept(self).await?.0)
    }
}

/// Serves whoever is accepted until `stop` becomes true, then lets answers in progress finish. `place`: where, in words.
pub(super) async fn serve(
    listener: impl Accept,
    place: &'static str,
    router: Router,
    mut stop: watch::Receiver<bool>,
) {
    let slots = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let silent = Silent::default();
    let mut connections = JoinSet::new();
    loop {
        let next = async {
            // Only when somebody is there, so that nobody is sent away for the sake of no one.
            let accepted = listener.accept().await;
            let slot = loop {
                // Never closed, so this only waits.
                tokio::select! {
                    biased;
                    slot = Arc::clone(&slots).acquire_owned() => break slot,
                    () = silent.dismiss_one() => {}
                }
            };
            (accepted, slot)
        };
        tokio::select! {
            (accepted, slot) = next => match accepted {
                Ok(connection) => {
                    let serving = serve_one(connection, router.clone(), silent.enter(), stop.clone());
                    connections.spawn(async move {
                        let _slot = slot;
                        serving.await;
                    });
                }
                Err(cause) => {
                    tracing::warn!(%cause, "cannot accept on {place}");
                    sleep(Duration::from_millis(100)).await;
                }
            },
            () = told(&mut stop) => break,
        }
        while connections.try_join_next().is_some() {}
    }
    while connections.join_next().await.is_some() {}
}

async fn serve_one<C: AsyncRead + AsyncWrite + Unpin>(
    connection: C,
    router: Router,
    give_way: oneshot::Receiver<()>,
    mut stop: watch::Receiver<bool>,
) {
    let (silent, spoken) = oneshot::channel::<()>();
    let silent = Mutex::new(Some(silent));
    let router = TowerToHyperService::new(router);
    let service = service_fn(move |request: Request<Incoming>| {
        drop(silent.lock().unwrap_or_else(PoisonError::into_inner).take());
        router.call(request)
    });
    let mut connection = std::pin::pin!(
        http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD_TIMEOUT)
            .max_buf_size(HEAD_BYTES_MAX)
            .keep_alive(false)
            .serve_connection(TokioIo::new(Patient::new(connection)), service)
    );
    let mut served = tokio::select! {
        // What is here already is heard before its sender is sent away.
        biased;
        served = connection.as_mut() => Some(served),
        _ = spoken => None,
        _ = give_way => return,
        () = told(&mut stop) => None,
    };
    if served.is_none() {
        served = tokio::select! {
            served = connection.as_mut() => Some(served),
            () = told(&mut stop) => {
                connection.as_mut().graceful_shutdown();
                Some(connection.await)
            }
        };
    }
    if let Some(Err(error)) = served {
        tracing::debug!(%error, "a client went away");
    }
}

/// Returns when `stop` becomes true, or nobody is left to say so.
pub(crate) async fn told(stop: &mut watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await;
}

//! Connections of the control socket: how many, how patient, how they end.

use super::listener::Listener;
use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::sleep;

/// Clients at once: a handful of followers and commands in practice. The rest waits in the backlog.
const CONNECTIONS_MAX: usize = 128;
/// For a request's head, and between two requests.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);

impl Listener {
    /// Serves until `stop` becomes true, then lets answers in progress finish.
    pub(crate) async fn serve(self, router: Router, mut stop: watch::Receiver<bool>) {
        let listener = match self.listener.try_clone().and_then(UnixListener::from_std) {
            Ok(listener) => listener,
            Err(cause) => return tracing::error!(%cause, "cannot watch the control socket"),
        };
        let slots = Arc::new(Semaphore::new(CONNECTIONS_MAX));
        let mut connections = JoinSet::new();
        loop {
            let next = async {
                // Never closed, so this only waits.
                let slot = Arc::clone(&slots).acquire_owned().await;
                (listener.accept().await, slot)
            };
            tokio::select! {
                (accepted, slot) = next => match accepted {
                    Ok((connection, _)) => {
                        let serving = serve_one(connection, router.clone(), stop.clone());
                        connections.spawn(async move {
                            let _slot = slot;
                            serving.await;
                        });
                    }
                    Err(cause) => {
                        tracing::warn!(%cause, "cannot accept on the control socket");
                        sleep(Duration::from_millis(100)).await;
                    }
                },
                Some(_) = connections.join_next() => {}
                () = told(&mut stop) => break,
            }
        }
        while connections.join_next().await.is_some() {}
    }
}

async fn serve_one(connection: UnixStream, router: Router, mut stop: watch::Receiver<bool>) {
    let mut connection = std::pin::pin!(
        http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD_TIMEOUT)
            .serve_connection(TokioIo::new(connection), TowerToHyperService::new(router))
    );
    let served = tokio::select! {
        served = connection.as_mut() => served,
        () = told(&mut stop) => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = served {
        tracing::debug!(%error, "a client of the control socket went away");
    }
}

/// Returns when `stop` becomes true, or nobody is left to say so.
pub(crate) async fn told(stop: &mut watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await;
}

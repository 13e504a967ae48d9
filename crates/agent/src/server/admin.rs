//! Metrics and health checks over TCP, for programs that cannot open a Unix socket.
//!
//! Only what changes nothing and is no secret is served here; [`muster_admin::admits`] keeps web pages out.

use super::connections::serve;
use super::pages;
use super::refusal::Refusal;
use crate::Error;
use crate::shared::Shared;
use crate::sockets;
use axum::Router;
use axum::extract::Request;
use axum::http::header;
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::sync::watch;

/// A listening socket.
#[derive(Debug)]
pub(crate) struct Admin {
    listener: std::net::TcpListener,
    addr: SocketAddr,
}

impl Admin {
    /// Listens as configured.
    pub(crate) fn bind(addr: Option<SocketAddr>) -> Result<Option<Self>, Error> {
        let Some(addr) = addr else { return Ok(None) };
        let refuse = |cause| Error::Admin { addr, cause };
        let listener = sockets::tcp(addr).map_err(refuse)?;
        let addr = listener.local_addr().map_err(refuse)?;
        Ok(Some(Self { listener, addr }))
    }

    /// Serves until `stop` becomes true, then lets answers in progress finish.
    pub(crate) async fn serve(self, shared: Arc<Shared>, stop: watch::Receiver<bool>) {
        let listener = match TcpListener::from_std(self.listener) {
            Ok(listener) => listener,
            Err(cause) => return tracing::error!(%cause, "cannot watch the admin socket"),
        };
        tracing::info!(addr = %self.addr, "serving metrics and health");
        serve(listener, "the admin address", router(shared), stop).await;
    }
}

fn router(shared: Arc<Shared>) -> Router {
    pages()
        .into_iter()
        .fold(Router::new(), |router, (path, methods)| router.route(path, methods))
        .fallback(async || Refusal::new(404, "no such page", "there are /metrics, /livez, /readyz, /healthz"))
        .with_state(shared)
        .layer(from_fn(admit))
}

async fn admit(request: Request, next: Next) -> Response {
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
    match muster_admin::admits(request.method().as_str(), host) {
        Ok(()) => next.run(request).await,
        Err(refused) => Refusal::new(403, "not served here", refused.to_string()).into_response(),
    }
}

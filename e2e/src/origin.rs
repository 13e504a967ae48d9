//! A small web server inside the test: it answers with its name, and holds what it is asked to hold.

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

/// A running one; dropped, it and all its connections are gone at once.
#[derive(Debug)]
pub struct Origin {
    /// `ip:port`.
    pub address: String,
    task: JoinHandle<()>,
    holds: watch::Sender<bool>,
    requests: Arc<AtomicUsize>,
}

impl Origin {
    /// Listens, and answers as `name`. A request for `/hold` is answered after [`release`](Self::release).
    pub async fn start(address: &str, name: &str) -> Self {
        let listener = TcpListener::bind(address).await.expect("the address is the test's own");
        let (holds, released) = watch::channel(true);
        let requests = Arc::new(AtomicUsize::new(0));
        let task = tokio::spawn(serve(listener, name.to_owned(), released, Arc::clone(&requests)));
        Self { address: address.to_owned(), task, holds, requests }
    }

    /// Requests that have arrived.
    pub fn requests(&self) -> usize {
        self.requests.load(Ordering::Relaxed)
    }

    /// Answers what is held.
    pub fn release(&self) {
        self.holds.send_replace(false);
    }
}

impl Drop for Origin {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(
    listener: TcpListener,
    name: String,
    released: watch::Receiver<bool>,
    requests: Arc<AtomicUsize>,
) {
    // Dropped with this task.
    let mut connections = JoinSet::new();
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        let (name, released, requests) = (name.clone(), released.clone(), Arc::clone(&requests));
        connections.spawn(async move {
            let service = service_fn(|request| answer(request, &name, released.clone(), &requests));
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
        while connections.try_join_next().is_some() {}
    }
}

async fn answer(
    request: Request<Incoming>,
    name: &str,
    mut released: watch::Receiver<bool>,
    requests: &AtomicUsize,
) -> Result<Response<Full<Bytes>>, Infallible> {
    requests.fetch_add(1, Ordering::Relaxed);
    let is_held = request.uri().path() == "/hold";
    let _ = request.into_body().collect().await;
    if is_held {
        let _ = released.wait_for(|holds| !holds).await;
    }
    Ok(Response::new(Full::new(Bytes::from(format!("{{\"host\":\"{name}\"}}")))))
}

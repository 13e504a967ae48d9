//! hyper as a proxy of a few lines, to see what its reader lets pass and how its writer says it again. It is no proxy by itself: a
//! request's fields that concern one connection pass as they came.

use bytes::Bytes;
use http_body_util::{BodyExt, combinators::BoxBody};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode, client, server};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// A running one.
#[derive(Debug)]
pub struct TinyProxy {
    task: JoinHandle<()>,
}

impl TinyProxy {
    /// Listens at `address` in front of `backend`.
    ///
    /// # Panics
    /// When somebody else does.
    pub async fn start(address: &str, backend: &str) -> Self {
        let listener = TcpListener::bind(address).await.expect("the address is the test's own");
        let backend = backend.to_owned();
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let backend = backend.clone();
                tokio::spawn(async move {
                    let service = service_fn(move |request| pass(request, backend.clone()));
                    let _ = server::conn::http1::Builder::new()
                        .serve_connection(TokioIo::new(stream), service)
                        .await;
                });
            }
        });
        Self { task }
    }
}

impl Drop for TinyProxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

type Answer = Response<BoxBody<Bytes, hyper::Error>>;

async fn pass(mut request: Request<Incoming>, backend: String) -> Result<Answer, std::io::Error> {
    let other = |cause: hyper::Error| std::io::Error::other(cause);
    if let Some(path) = request.uri().path_and_query() {
        *request.uri_mut() = path.as_str().parse().map_err(std::io::Error::other)?;
    }
    let stream = TcpStream::connect(backend).await?;
    let (mut sender, connection) =
        client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(other)?;
    tokio::spawn(connection);
    match sender.send_request(request).await {
        Ok(mut answer) => {
            // That the backend closes is its own matter.
            answer.headers_mut().remove("connection");
            Ok(answer.map(BodyExt::boxed))
        }
        Err(_) => {
            let empty = http_body_util::Empty::new().map_err(|never| match never {});
            let mut answer = Response::new(empty.boxed());
            *answer.status_mut() = StatusCode::BAD_GATEWAY;
            Ok(answer)
        }
    }
}

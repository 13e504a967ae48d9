//! A client of the control socket: one short HTTP/1.1 exchange per call, and one long one to follow the fleet.

use crate::connection::Connection;
pub use crate::error::Error;
pub use crate::lines::Lines;
use crate::lines::RawLines;
use crate::routes::Problem;
pub use crate::server_sent::ServerSent;
use bytes::Bytes;
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper::header::{ACCEPT, CONTENT_TYPE, HOST};
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use serde::{Serialize, de::DeserializeOwned};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::net::UnixStream;

/// Most bytes of one answer: several times what 10 000 members take.
const ANSWER_BYTES_MAX: usize = 32 << 20;
/// A GET is answered from memory; an agent that takes this long is stuck.
const GET_TIMEOUT: Duration = Duration::from_secs(10);
/// A join waits for every address, a leave for its broadcasts. The agent bounds both well below this.
const POST_TIMEOUT: Duration = Duration::from_secs(60);

/// Talks to one node's agent.
#[derive(Clone, Debug)]
pub struct Client {
    socket: PathBuf,
}

impl Client {
    /// A client of the agent behind `socket`.
    pub fn new(socket: impl Into<PathBuf>) -> Self {
        Self { socket: socket.into() }
    }

    /// The socket's path.
    pub fn socket(&self) -> &Path {
        &self.socket
    }

    /// GET `path_and_query`. Fails when the agent takes longer than 10 s.
    pub async fn get<T: DeserializeOwned>(&self, path_and_query: &str) -> Result<T, Error> {
        let exchange = async {
            let (response, _connection) = self.send(Method::GET, path_and_query, Bytes::new()).await?;
            self.answer(response).await
        };
        self.within(GET_TIMEOUT, exchange).await
    }

    /// POST `body` (or nothing, with `()`); `T` is `()` for 204. Fails when the agent takes longer than 60 s.
    pub async fn post<B: Serialize, T: DeserializeOwned>(&self, path: &str, body: &B) -> Result<T, Error> {
        let body = serde_json::to_vec(body).map_err(|error| self.protocol(&error))?;
        // `()` is JSON's null, and no route takes a null.
        let body = if body == b"null" { Bytes::new() } else { body.into() };
        let exchange = async {
            let (response, _connection) = self.send(Method::POST, path, body).await?;
            self.answer(response).await
        };
        self.within(POST_TIMEOUT, exchange).await
    }

    /// GET a route that answers with JSON lines; each call of [`Lines::next`] yields one. Only the first answer has a time
    /// limit: how long silence may last is the route's business.
    pub async fn lines<T: DeserializeOwned>(&self, path: &str) -> Result<Lines<T>, Error> {
        self.raw_lines(Method::GET, path, Bytes::new(), None).await.map(Lines::new)
    }

    /// POST `body` to a route that answers with JSON lines; see [`lines`](Self::lines).
    pub async fn post_lines<B: Serialize, T: DeserializeOwned>(
        &self,
        path: &str,
        body: &B,
    ) -> Result<Lines<T>, Error> {
        let body = serde_json::to_vec(body).map_err(|error| self.protocol(&error))?;
        self.raw_lines(Method::POST, path, body.into(), None).await.map(Lines::new)
    }

    /// GET a stream of server-sent events, going on behind the event with `last_id`, or with what happens next.
    pub async fn server_sent<T: DeserializeOwned>(
        &self,
        path: &str,
        last_id: Option<&str>,
    ) -> Result<ServerSent<T>, Error> {
        let lines = self.raw_lines(Method::GET, path, Bytes::new(), last_id).await?;
        Ok(ServerSent::new(lines, last_id.map(str::to_owned)))
    }

    async fn raw_lines(
        &self,
        method: Method,
        path: &str,
        body: Bytes,
        last_event_id: Option<&str>,
    ) -> Result<RawLines, Error> {
        let exchange = async {
            let (response, connection) = self.send_resuming(method, path, body, last_event_id).await?;
            if !response.status().is_success() {
                return Err(self.refusal(response).await);
            }
            Ok(RawLines::new(response.into_body(), connection, self.socket.clone()))
        };
        self.within(GET_TIMEOUT, exchange).await
    }

    /// One request on a connection of its own, which lives as long as the returned guard.
    async fn send(
        &self,
        method: Method,
        path_and_query: &str,
        body: Bytes,
    ) -> Result<(Response<Incoming>, Connection), Error> {
        self.send_resuming(method, path_and_query, body, None).await
    }

    async fn send_resuming(
        &self,
        method: Method,
        path_and_query: &str,
        body: Bytes,
        last_event_id: Option<&str>,
    ) -> Result<(Response<Incoming>, Connection), Error> {
        let stream = UnixStream::connect(&self.socket)
            .await
            .map_err(|cause| Error::Unreachable { socket: self.socket.clone(), cause })?;
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
            .await
            .map_err(|error| self.protocol(&error))?;
        let connection = Connection(tokio::spawn(async move {
            // What breaks here also breaks the exchange, which tells it.
            let _ = connection.await;
        }));
        let mut request = Request::builder().method(method).uri(path_and_query);
        if let Some(id) = last_event_id {
            request = request.header("last-event-id", id);
        }
        let request = request
            .header(HOST, "muster")
            .header(ACCEPT, "application/json")
            .header(CONTENT_TYPE, "application/json")
            .body(Full::new(body))
            .map_err(|error| self.protocol(&error))?;
        let response = sender.send_request(request).await.map_err(|error| self.protocol(&error))?;
        Ok((response, connection))
    }

    async fn answer<T: DeserializeOwned>(&self, response: Response<Incoming>) -> Result<T, Error> {
        if !response.status().is_success() {
            return Err(self.refusal(response).await);
        }
        let bytes = self.body(response).await?;
        let json: &[u8] = if bytes.is_empty() { b"null" } else { &bytes };
        serde_json::from_slice(json).map_err(|error| self.protocol(&error))
    }

    /// The problem in an error answer; one made from the status line when the body is something else.
    async fn refusal(&self, response: Response<Incoming>) -> Error {
        let status = response.status();
        let bytes = match self.body(response).await {
            Ok(bytes) => bytes,
            Err(error) => return error,
        };
        Error::Refused(serde_json::from_slice(&bytes).unwrap_or_else(|_| Problem {
            title: status.canonical_reason().unwrap_or("refused").to_owned(),
            status: status.as_u16(),
            detail: String::new(),
        }))
    }

    async fn body(&self, response: Response<Incoming>) -> Result<Bytes, Error> {
        match Limited::new(response.into_body(), ANSWER_BYTES_MAX).collect().await {
            Ok(body) => Ok(body.to_bytes()),
            Err(error) if error.is::<LengthLimitError>() => {
                Err(self.protocol(&format_args!("it is longer than {ANSWER_BYTES_MAX} bytes")))
            }
            Err(error) => Err(self.protocol(&error)),
        }
    }

    async fn within<T>(
        &self,
        limit: Duration,
        exchange: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        tokio::time::timeout(limit, exchange).await.unwrap_or_else(|_| {
            Err(self.protocol(&format_args!("none came within {limit:?}; the agent is stuck")))
        })
    }

    fn protocol(&self, what: &dyn std::fmt::Display) -> Error {
        Error::Protocol(format!("{what} (socket {})", self.socket.display()))
    }
}

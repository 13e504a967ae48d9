//! A client of the control socket: one short HTTP/1.1 exchange per call, and one long one to follow the fleet.

use crate::routes::Problem;
use serde::{Serialize, de::DeserializeOwned};
use std::path::{Path, PathBuf};

/// Talks to one node's agent.
#[derive(Clone, Debug)]
pub struct Client {
    socket: PathBuf,
}

/// Why a call failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Nobody listens there.
    #[error("no agent answers on {}: {cause}", socket.display())]
    Unreachable {
        /// The path tried.
        socket: PathBuf,
        /// The system's words.
        cause: std::io::Error,
    },
    /// The agent refused.
    #[error("{}", .0.detail)]
    Refused(Problem),
    /// The connection broke or the answer was not what the route promises.
    #[error("the agent's answer could not be read: {0}")]
    Protocol(String),
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
    /// GET `path_and_query`.
    pub async fn get<T: DeserializeOwned>(&self, path_and_query: &str) -> Result<T, Error> {
        let _ = path_and_query;
        todo!()
    }
    /// POST `body` (or nothing, with `()`); `T` is `()` for 204.
    pub async fn post<B: Serialize, T: DeserializeOwned>(&self, path: &str, body: &B) -> Result<T, Error> {
        let _ = (path, body);
        todo!()
    }
    /// GET a route that answers with JSON lines for ever; each call of [`Lines::next`] yields one.
    pub async fn lines<T: DeserializeOwned>(&self, path: &str) -> Result<Lines<T>, Error> {
        let _ = path;
        todo!()
    }
}

/// JSON lines as they come; at most 8 MiB each.
#[derive(Debug)]
pub struct Lines<T> {
    _item: std::marker::PhantomData<T>,
}

impl<T: DeserializeOwned> Lines<T> {
    /// The next line; `None` when the agent closed the stream.
    #[allow(clippy::should_implement_trait, reason = "async")]
    pub async fn next(&mut self) -> Result<Option<T>, Error> {
        todo!()
    }
}

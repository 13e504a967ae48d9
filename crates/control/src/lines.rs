//! Lines as they come: the answer of a route that takes its time, or never ends.

use crate::connection::Connection;
use crate::error::Error;
use bytes::BytesMut;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use serde::de::DeserializeOwned;
use std::marker::PhantomData;
use std::path::PathBuf;

/// Longest line: a full picture of some ten thousand backends.
const LINE_BYTES_MAX: usize = 8 << 20;

/// Lines of any kind as they come; at most 8 MiB each. Dropping it ends the connection.
#[derive(Debug)]
pub(crate) struct RawLines {
    body: Incoming,
    /// Received and not yet handed out.
    buffer: BytesMut,
    /// How much of `buffer` is known to hold no line end, so that a long line is not searched again for each frame.
    searched: usize,
    socket: PathBuf,
    _connection: Connection,
}

impl RawLines {
    pub(crate) fn new(body: Incoming, connection: Connection, socket: PathBuf) -> Self {
        Self { body, buffer: BytesMut::new(), searched: 0, socket, _connection: connection }
    }

    /// The next line with its end; `None` when the agent closed the stream. Cancel safe: what was received is kept.
    pub(crate) async fn next(&mut self) -> Result<Option<BytesMut>, Error> {
        loop {
            if let Some(end) = self.buffer[self.searched..].iter().position(|byte| *byte == b'\n') {
                let line = self.buffer.split_to(self.searched + end + 1);
                self.searched = 0;
                return Ok(Some(line));
            }
            self.searched = self.buffer.len();
            if self.searched > LINE_BYTES_MAX {
                return Err(self.protocol(&format_args!("a line is longer than {LINE_BYTES_MAX} bytes")));
            }
            match self.body.frame().await {
                Some(Ok(frame)) => self.buffer.extend_from_slice(frame.data_ref().map_or(&[], |data| data)),
                Some(Err(error)) => return Err(self.protocol(&error)),
                None if self.buffer.is_empty() => return Ok(None),
                None => return Err(self.protocol(&"the stream ended in the middle of a line")),
            }
        }
    }

    pub(crate) fn protocol(&self, what: &dyn std::fmt::Display) -> Error {
        Error::Protocol(format!("{what} (socket {})", self.socket.display()))
    }
}

/// JSON lines as they come; at most 8 MiB each. Dropping it ends the connection.
#[derive(Debug)]
pub struct Lines<T> {
    lines: RawLines,
    _item: PhantomData<fn() -> T>,
}

impl<T: DeserializeOwned> Lines<T> {
    pub(crate) fn new(lines: RawLines) -> Self {
        Self { lines, _item: PhantomData }
    }

    /// The next line; `None` when the agent closed the stream. Cancel safe: what was received is kept.
    #[allow(clippy::should_implement_trait, reason = "async")]
    pub async fn next(&mut self) -> Result<Option<T>, Error> {
        let Some(line) = self.lines.next().await? else { return Ok(None) };
        serde_json::from_slice(&line).map(Some).map_err(|error| self.lines.protocol(&error))
    }
}

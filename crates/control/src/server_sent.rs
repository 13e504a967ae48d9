//! Server-sent events as they come (HTML Living Standard, 9.2.6), as far as our own agent writes them.

use crate::error::Error;
use crate::lines::RawLines;
use serde::de::DeserializeOwned;
use std::marker::PhantomData;

/// Events as they come. Dropping it ends the connection.
#[derive(Debug)]
pub struct ServerSent<T> {
    lines: RawLines,
    /// Data of the event being received.
    data: Vec<u8>,
    last_id: Option<String>,
    _item: PhantomData<fn() -> T>,
}

impl<T: DeserializeOwned> ServerSent<T> {
    pub(crate) fn new(lines: RawLines, last_id: Option<String>) -> Self {
        Self { lines, data: Vec::new(), last_id, _item: PhantomData }
    }

    /// The id to go on behind, after what [`next`](Self::next) returned.
    pub fn last_id(&self) -> Option<&str> {
        self.last_id.as_deref()
    }

    /// The data of the next event; `None` when the agent closed the stream. Cancel safe.
    #[allow(clippy::should_implement_trait, reason = "async")]
    pub async fn next(&mut self) -> Result<Option<T>, Error> {
        while let Some(line) = self.lines.next().await? {
            let line = line.strip_suffix(b"\n").unwrap_or(&line);
            if line.is_empty() && !self.data.is_empty() {
                let data = std::mem::take(&mut self.data);
                return serde_json::from_slice(&data).map(Some).map_err(|error| self.lines.protocol(&error));
            }
            if let Some(id) = line.strip_prefix(b"id: ") {
                self.last_id = Some(String::from_utf8_lossy(id).into_owned());
            } else if let Some(data) = line.strip_prefix(b"data: ") {
                // JSON has no line break of its own, so there is one such line in an event.
                self.data = data.to_vec();
            }
            // Comments, `event` and `retry` say nothing that we need.
        }
        Ok(None)
    }
}

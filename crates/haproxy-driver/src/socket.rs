//! One question to one of HAProxy's sockets, one answer, in time.

use std::io::{Error, ErrorKind, Result};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::time::timeout;

/// HAProxy answers within milliseconds; 10,000 servers within some hundred.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);
/// 10,000 servers take some 5 MB.
const ANSWER_BYTES_MAX: u64 = 64 << 20;

/// Where to ask.
#[derive(Clone, Debug)]
pub(crate) struct Socket(pub(crate) PathBuf);

impl Socket {
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// Asks, and reads until HAProxy closes.
    pub(crate) async fn ask(&self, command: &str) -> Result<String> {
        self.ask_within(command, ANSWER_WITHIN).await
    }

    /// As [`ask`](Self::ask), of what takes its time.
    pub(crate) async fn ask_within(&self, command: &str, limit: Duration) -> Result<String> {
        let no_answer = || Error::new(ErrorKind::TimedOut, format!("no answer within {limit:?}"));
        timeout(limit, self.exchange(command)).await.unwrap_or_else(|_| Err(no_answer()))
    }

    async fn exchange(&self, command: &str) -> Result<String> {
        let mut stream = UnixStream::connect(&self.0).await?;
        stream.write_all(format!("{command}\n").as_bytes()).await?;
        // Without it the master waits for another command.
        stream.shutdown().await?;
        let mut bytes = Vec::new();
        stream.take(ANSWER_BYTES_MAX).read_to_end(&mut bytes).await?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }
}

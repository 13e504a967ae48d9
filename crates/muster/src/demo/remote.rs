//! Orders from a second terminal, over a Unix socket in the demo's run directory: one JSON line there, one back.
//!
//! Only the same user can open the socket: the directory is closed to all others.

use serde::{Deserialize, Serialize};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixListener;
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

/// Name of the socket in the run directory.
pub(crate) const SOCKET: &str = "demo.sock";
/// Longest order.
const ORDER_BYTES_MAX: u64 = 1_024;
/// Longest answer: a table of a hundred nodes is 10 KB.
const ANSWER_BYTES_MAX: u64 = 1 << 20;
/// For either side to say its line.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Orders waiting to be heard.
const QUEUE: usize = 8;

/// What can be asked of a running demo.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Order {
    /// Start a backend, or a stopped one again.
    Add { name: Option<String> },
    /// Stop one in order.
    Stop { name: String, force: bool },
    /// `kill -9` one.
    Kill { name: String, force: bool },
    /// Say how things stand.
    Status,
}

/// What the demo did, or why not, in words.
pub(crate) type Answer = Result<String, String>;

/// An order and where its answer goes.
pub(crate) type Asked = (Order, oneshot::Sender<Answer>);

/// Takes orders on `listener`.
pub(crate) fn listen(path: &Path) -> io::Result<mpsc::Receiver<Asked>> {
    let listener = UnixListener::bind(path)?;
    let (sender, receiver) = mpsc::channel(QUEUE);
    tokio::spawn(async move {
        // One after the other: each is short and has its time limit.
        while !sender.is_closed() {
            match listener.accept().await {
                Ok((stream, _)) => {
                    let _ = timeout(TIMEOUT, hear(stream, &sender)).await;
                }
                Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
            }
        }
    });
    Ok(receiver)
}

async fn hear(stream: tokio::net::UnixStream, orders: &mpsc::Sender<Asked>) -> io::Result<()> {
    let (reader, mut writer) = stream.into_split();
    let mut line = String::new();
    tokio::io::BufReader::new(reader.take(ORDER_BYTES_MAX)).read_line(&mut line).await?;
    let answer = match serde_json::from_str(&line) {
        Ok(order) => {
            let (sender, answer) = oneshot::channel();
            let gone = || Err("the demo is ending".to_owned());
            match orders.send((order, sender)).await {
                Ok(()) => answer.await.unwrap_or_else(|_| gone()),
                Err(_) => gone(),
            }
        }
        Err(error) => Err(format!("not an order: {error}")),
    };
    let mut text = serde_json::to_vec(&answer)?;
    text.push(b'\n');
    writer.write_all(&text).await
}

/// Gives an order to the demo behind `socket` and waits for its answer.
///
/// # Errors
/// Nobody takes orders there.
pub(crate) fn ask(socket: &Path, order: &Order) -> io::Result<Answer> {
    let mut stream = UnixStream::connect(socket)?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream.set_write_timeout(Some(TIMEOUT))?;
    let mut text = serde_json::to_vec(order)?;
    text.push(b'\n');
    stream.write_all(&text)?;
    let mut line = String::new();
    BufReader::new(stream.take(ANSWER_BYTES_MAX)).read_line(&mut line)?;
    Ok(serde_json::from_str(&line)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A demo that answers every order with what it understood.
    fn echo(dir: &Path) -> std::path::PathBuf {
        let path = dir.join(SOCKET);
        let (ready, wait) = std::sync::mpsc::channel();
        let socket = path.clone();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let mut orders = listen(&socket).unwrap();
                ready.send(()).unwrap();
                while let Some((order, answer)) = orders.recv().await {
                    let _ = answer.send(match order {
                        Order::Status => Err("no".to_owned()),
                        order => Ok(format!("{order:?}")),
                    });
                }
            });
        });
        wait.recv().unwrap();
        path
    }

    #[test]
    fn an_order_gets_its_answer() {
        let dir = tempfile::tempdir().unwrap();
        let socket = echo(dir.path());
        let order = Order::Stop { name: "s1".to_owned(), force: false };
        assert_eq!(ask(&socket, &order).unwrap(), Ok(format!("{order:?}")));
        assert_eq!(ask(&socket, &Order::Status).unwrap(), Err("no".to_owned()));
    }

    #[test]
    fn what_is_no_order_is_refused_with_words() {
        let dir = tempfile::tempdir().unwrap();
        let socket = echo(dir.path());
        for text in ["{\"shutdown\":{}}\n".to_owned(), "\n".to_owned(), "x".repeat(5_000)] {
            let mut stream = UnixStream::connect(&socket).unwrap();
            stream.set_read_timeout(Some(TIMEOUT)).unwrap();
            // The demo may answer, and close, before it was sent all.
            let _ = stream.write_all(text.as_bytes());
            let mut line = String::new();
            BufReader::new(stream).read_line(&mut line).unwrap();
            assert!(line.contains("not an order"), "{line:?}");
        }
    }

    #[test]
    fn nobody_listening_is_an_error() {
        let dir = tempfile::tempdir().unwrap();
        assert!(ask(&dir.path().join(SOCKET), &Order::Status).is_err());
    }
}

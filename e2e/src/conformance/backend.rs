//! A backend that keeps every byte it gets, and answers with the bytes it is told to.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::JoinHandle;

/// To all requests, unless a script says otherwise: a connection of its own for each, so that no case hears of another.
const OK: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok";
/// To the request behind a scripted answer.
const NEXT: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nnext";

/// What is answered to the next request.
#[derive(Clone, Debug)]
pub(super) struct Script {
    pub(super) send: Vec<Vec<u8>>,
    pub(super) ends: bool,
}

#[derive(Debug, Default)]
struct State {
    /// What each connection brought, in the order in which they were accepted.
    brought: Vec<Vec<u8>>,
    script: Option<Script>,
    is_scripted: bool,
    /// Somebody is being answered by a script.
    is_speaking: bool,
}

/// A running one.
#[derive(Debug)]
pub struct Recorder {
    state: Arc<Mutex<State>>,
    news: Arc<Notify>,
    task: JoinHandle<()>,
}

impl Recorder {
    /// Listens at `address`.
    ///
    /// # Panics
    /// When somebody else does.
    pub async fn start(address: &str) -> Self {
        let listener = TcpListener::bind(address).await.expect("the address is the test's own");
        let (state, news) = (Arc::<Mutex<State>>::default(), Arc::new(Notify::new()));
        let (shared, told) = (Arc::clone(&state), Arc::clone(&news));
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (state, news) = (Arc::clone(&shared), Arc::clone(&told));
                tokio::spawn(async move { serve(stream, &state, &news).await });
            }
        });
        Self { state, news, task }
    }

    /// Forgets what came; the next request gets `script`.
    pub(super) fn begin(&self, script: Option<Script>) {
        let mut state = lock(&self.state);
        state.brought.iter_mut().for_each(Vec::clear);
        state.is_scripted = script.is_some();
        state.script = script;
    }

    /// Waits until all of an answer that has begun is written; whatever is asked then is another request.
    pub(super) async fn expect_next(&self) {
        while lock(&self.state).is_speaking {
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        }
        lock(&self.state).script = None;
    }

    /// All that came.
    pub(super) fn brought(&self) -> Vec<u8> {
        lock(&self.state).brought.concat()
    }

    /// Waits until more came.
    pub(super) async fn more(&self) {
        self.news.notified().await;
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn serve(mut stream: TcpStream, state: &Mutex<State>, news: &Notify) {
    // Without it the kernel keeps a second piece until the first one is acknowledged, 40 ms later.
    let _ = stream.set_nodelay(true);
    let number = {
        let mut state = lock(state);
        state.brought.push(Vec::new());
        state.brought.len() - 1
    };
    let mut held = Vec::new();
    let mut is_open = true;
    let mut block = vec![0; 64 << 10];
    loop {
        let Ok(count @ 1..) = stream.read(&mut block).await else { return };
        held.extend_from_slice(&block[..count]);
        lock(state).brought[number].extend_from_slice(&block[..count]);
        while is_open {
            let (scripted, script) = {
                let mut state = lock(state);
                // An answer that is told may come before the request's body.
                let has_head = find(&held, b"\r\n\r\n").is_some();
                let script = if has_head { state.script.take() } else { None };
                state.is_speaking |= script.is_some();
                (state.is_scripted, script)
            };
            let Some(length) = request_length(&held).or_else(|| script.as_ref().map(|_| held.len())) else {
                break;
            };
            let request: Vec<u8> = held.drain(..length).collect();
            match script {
                Some(script) => {
                    for piece in script.send {
                        let _ = stream.write_all(&piece).await;
                        // What follows comes by itself.
                        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
                    }
                    is_open = !script.ends;
                    if !is_open {
                        let _ = stream.shutdown().await;
                    }
                    lock(state).is_speaking = false;
                }
                None => {
                    let answer = if scripted { NEXT } else { OK };
                    let is_head = request.starts_with(b"HEAD ");
                    let end = find(answer, b"\r\n\r\n").map_or(answer.len(), |at| at + 4);
                    let _ = stream.write_all(if is_head { &answer[..end] } else { answer }).await;
                    is_open = scripted;
                }
            }
            if !is_open {
                let _ = stream.shutdown().await;
            }
        }
        news.notify_one();
    }
}

/// How long the request at the front of `bytes` is; `None` when it is not whole.
fn request_length(bytes: &[u8]) -> Option<usize> {
    let end = find(bytes, b"\r\n\r\n")? + 4;
    let head = String::from_utf8_lossy(&bytes[..end]).to_ascii_lowercase();
    let value = |name: &str| head.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
    if value("transfer-encoding:").is_some() {
        return chunks_length(&bytes[end..]).map(|length| end + length);
    }
    let length: usize = value("content-length:").and_then(|value| value.parse().ok()).unwrap_or(0);
    (bytes.len() >= end + length).then_some(end + length)
}

fn chunks_length(bytes: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        let line_end = at + find(bytes.get(at..)?, b"\r\n")?;
        let digits = bytes[at..line_end].split(|byte| *byte == b';').next().unwrap_or_default();
        let size = usize::from_str_radix(String::from_utf8_lossy(digits).trim(), 16).ok()?;
        at = line_end + 2;
        if size == 0 {
            loop {
                let line = find(bytes.get(at..)?, b"\r\n")?;
                at += line + 2;
                if line == 0 {
                    return Some(at);
                }
            }
        }
        at = at.checked_add(size)?.checked_add(2)?;
    }
}

pub(super) fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|seen| seen == wanted)
}

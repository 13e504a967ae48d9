//! A thread that writes lines to one place, and the queue before it.
//!
//! Lines wait as bytes in one piece of memory: the thread takes all of them at once and gives an empty piece in exchange, so that many
//! lines cost one call and no line costs memory of its own. The lock is held for as long as a line is copied.

use super::place::{Place, Sink};
use std::mem;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// Bytes that may wait, and as many that are being written: some five thousand lines, which a disk that is busy for a moment needs.
const WAITING_BYTES_MAX: usize = 1 << 20;

/// A thread and its queue. It ends when this is dropped, and what it has not written by then is lost.
#[derive(Debug)]
pub(super) struct Writer {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    waiting: Mutex<Waiting>,
    /// The thread has something to do.
    wanted: Condvar,
    /// It has done it.
    done: Condvar,
    lost: AtomicU64,
}

#[derive(Debug, Default)]
struct Waiting {
    bytes: Vec<u8>,
    /// Where each line ends.
    ends: Vec<usize>,
    is_writing: bool,
    reopen: bool,
    stop: bool,
}

impl Shared {
    /// Nothing panics while it holds the lock, and if it did, the lines would still be lines.
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Writer {
    /// Starts it.
    pub(super) fn start(place: Place, sink: Sink) -> Self {
        let shared = Arc::new(Shared::default());
        let thread = Arc::clone(&shared);
        let started = std::thread::Builder::new()
            .name("access-log".to_owned())
            .spawn(move || write_all(&thread, &place, sink));
        if let Err(cause) = started {
            tracing::error!(%cause, "the access log has no thread: its lines are lost");
        }
        Self { shared }
    }

    /// Hands a line over, which `write` puts behind the others. Never waits.
    pub(super) fn put(&self, write: impl FnOnce(&mut Vec<u8>)) {
        let mut waiting = self.shared.lock();
        if waiting.bytes.len() >= WAITING_BYTES_MAX {
            drop(waiting);
            self.shared.lost.fetch_add(1, Ordering::Relaxed);
            return;
        }
        write(&mut waiting.bytes);
        let end = waiting.bytes.len();
        waiting.ends.push(end);
        // Whoever writes looks again before it sleeps.
        if waiting.ends.len() == 1 && !waiting.is_writing {
            self.shared.wanted.notify_one();
        }
    }

    /// Opens the place again before the next line.
    pub(super) fn reopen(&self) {
        self.shared.lock().reopen = true;
        self.shared.wanted.notify_one();
    }

    /// Lines that nobody took.
    pub(super) fn lost(&self) -> u64 {
        self.shared.lost.load(Ordering::Relaxed)
    }

    /// Waits until what was put before is written, or until then.
    pub(super) fn flush(&self, until: Instant) {
        let mut waiting = self.shared.lock();
        while waiting.is_writing || !waiting.ends.is_empty() || waiting.reopen {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            let waited = self.shared.done.wait_timeout(waiting, left);
            waiting = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.shared.lock().stop = true;
        self.shared.wanted.notify_one();
    }
}

fn write_all(shared: &Shared, place: &Place, mut sink: Sink) {
    let (mut bytes, mut ends) = (Vec::new(), Vec::new());
    let (mut is_failing, mut told) = (false, 0);
    loop {
        let reopen = {
            let mut waiting = shared.lock();
            waiting.is_writing = false;
            shared.done.notify_all();
            while waiting.ends.is_empty() && !waiting.reopen {
                if waiting.stop {
                    return;
                }
                waiting = shared.wanted.wait(waiting).unwrap_or_else(PoisonError::into_inner);
            }
            mem::swap(&mut waiting.bytes, &mut bytes);
            mem::swap(&mut waiting.ends, &mut ends);
            waiting.is_writing = true;
            mem::take(&mut waiting.reopen)
        };
        if reopen && place.is_file() {
            match place.open() {
                Ok(opened) => sink = opened,
                Err(cause) => {
                    tracing::error!(%place, %cause, "the access log cannot be opened again: it stays where it was");
                }
            }
        }
        match sink.write(&bytes, &ends) {
            Ok(()) => {
                is_failing = false;
                let lost = shared.lost.load(Ordering::Relaxed);
                if lost > told {
                    tracing::warn!(%place, lines = lost - told, "lines of the access log were lost: nobody took them");
                    told = lost;
                }
            }
            Err((lost, cause)) => {
                shared.lost.fetch_add(lost, Ordering::Relaxed);
                if !mem::replace(&mut is_failing, true) {
                    tracing::error!(%place, %cause, "the access log cannot be written: lines are lost until it can");
                }
            }
        }
        bytes.clear();
        ends.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io;
    use std::sync::mpsc::{Receiver, Sender, channel};
    use std::time::Duration;

    /// Writes nothing until it may; tells each piece.
    struct Gate(Receiver<()>, Sender<Vec<u8>>);

    impl io::Write for Gate {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            // Closed until the test lets it go, and open for ever then.
            let _ = self.0.recv();
            let _ = self.1.send(bytes.to_vec());
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn soon() -> Instant {
        Instant::now() + Duration::from_secs(60)
    }

    #[test]
    fn who_writes_nothing_is_not_waited_for_and_what_is_lost_is_counted() {
        let (open, gate) = channel();
        let (written, read) = channel();
        let writer = Writer::start(Place::Stdout, Sink::Stream(Box::new(Gate(gate, written))));
        let line = [b'x'; 1023];
        for _ in 0..4096 {
            writer.put(|out| {
                out.extend_from_slice(&line);
                out.push(b'\n');
            });
        }
        assert!(writer.lost() >= 2048, "{}", writer.lost());
        drop(open);
        writer.flush(soon());
        let bytes: usize = read.try_iter().map(|piece| piece.len()).sum();
        assert_eq!(bytes as u64, 1024 * (4096 - writer.lost()), "whole lines, and none twice");
    }

    #[test]
    fn a_file_that_was_moved_away_is_made_anew_when_it_is_opened_again() {
        let dir = tempfile::tempdir().unwrap();
        let (path, old) = (dir.path().join("log"), dir.path().join("log.1"));
        let place = Place::File(path.clone());
        let writer = Writer::start(place.clone(), place.open().unwrap());
        let put = |text: &str| writer.put(|out| out.extend_from_slice(text.as_bytes()));
        put("1\n");
        writer.flush(soon());
        std::fs::rename(&path, &old).unwrap();
        put("2\n");
        writer.flush(soon());
        writer.reopen();
        writer.flush(soon());
        put("3\n");
        writer.flush(soon());
        assert_eq!(std::fs::read_to_string(old).unwrap(), "1\n2\n");
        assert_eq!(std::fs::read_to_string(path).unwrap(), "3\n");
    }

    #[test]
    fn each_line_is_a_datagram_and_who_is_not_there_is_tried_again() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        let place = Place::Unix(path.clone());
        let writer = Writer::start(place.clone(), place.open().unwrap());
        let put = |text: &str| writer.put(|out| out.extend_from_slice(text.as_bytes()));
        put("lost\n");
        writer.flush(soon());
        assert_eq!(writer.lost(), 1);
        let collector = std::os::unix::net::UnixDatagram::bind(&path).unwrap();
        put("1\n");
        put("2\n");
        let mut heard = [0; 16];
        for line in ["1\n", "2\n"] {
            let count = collector.recv(&mut heard).unwrap();
            assert_eq!(&heard[..count], line.as_bytes());
        }
    }
}

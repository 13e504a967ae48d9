//! Lines on their way out, written by a thread of their own.
//!
//! Who reads our log may stop (a terminal with ^S, a collector that hangs), and a pipe holds some hundred lines. Nobody here
//! waits for that: gossip would fall silent, and the cluster would see a node fail that only had something to say. What does not
//! fit into the queue is lost, and how much is said when lines flow again.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::time::{Duration, Instant};

/// Lines that wait. A line is some hundred bytes, so all of them are a few hundred kilobytes.
const WAITING_MAX: usize = 1024;

enum Item {
    Line(Vec<u8>),
    /// Everything before it has been written when the sender is gone.
    Mark(#[expect(dead_code, reason = "dropping it is the answer")] SyncSender<()>),
}

/// See the module's page.
#[derive(Clone, Debug)]
pub(crate) struct Queue {
    items: SyncSender<Item>,
    lost: Arc<AtomicU64>,
}

impl Queue {
    /// Starts the thread, which hands each line to `write`.
    pub(crate) fn start(write: impl FnMut(&[u8]) + Send + 'static) -> Self {
        let (items, waiting) = sync_channel(WAITING_MAX);
        let lost = Arc::new(AtomicU64::new(0));
        let queue = Self { items, lost: Arc::clone(&lost) };
        let started = std::thread::Builder::new()
            .name("log".to_owned())
            .spawn(move || write_all(&waiting, &lost, write));
        // Without a thread, all lines are lost; a process that cannot have one has other troubles, and tells them elsewhere.
        drop(started);
        queue
    }

    /// Never waits.
    pub(crate) fn put(&self, line: Vec<u8>) {
        if self.items.try_send(Item::Line(line)).is_err() {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Waits until what was put before is written, or so long.
    pub(crate) fn flush(&self, limit: Duration) {
        let until = Instant::now() + limit;
        let (mark, written) = sync_channel(0);
        let mut item = Item::Mark(mark);
        while let Err(TrySendError::Full(back)) = self.items.try_send(item) {
            if Instant::now() >= until {
                return;
            }
            item = back;
            std::thread::sleep(Duration::from_millis(5));
        }
        // Answered by the end of the other side, or not in time: both are well.
        let _ = written.recv_timeout(until.saturating_duration_since(Instant::now()));
    }
}

fn write_all(waiting: &Receiver<Item>, lost: &AtomicU64, mut write: impl FnMut(&[u8])) {
    for item in waiting {
        match item {
            Item::Line(line) => write(&line),
            Item::Mark(_) => {}
        }
        let lost = lost.swap(0, Ordering::Relaxed);
        if lost > 0 {
            write(format!("{lost} lines of the log were lost here: nobody took them\n").as_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::channel;

    #[test]
    fn who_does_not_read_is_not_waited_for_and_told_what_was_lost() {
        let (open, gate) = channel::<()>();
        let (written, read) = channel::<String>();
        let queue = Queue::start(move |line| {
            // Closed until the test lets it go, and open for ever then.
            let _ = gate.recv();
            let _ = written.send(String::from_utf8_lossy(line).into_owned());
        });
        for nth in 0..WAITING_MAX + 100 {
            queue.put(format!("{nth}\n").into_bytes());
        }
        drop(open);
        queue.flush(Duration::from_secs(60));
        let lines: Vec<String> = read.try_iter().collect();
        assert_eq!(lines.first().map(String::as_str), Some("0\n"));
        let told: usize = lines.iter().filter(|line| line.contains("were lost")).count();
        assert_eq!(told, 1, "{:?}", lines.last());
        let lost: usize = lines.iter().find_map(|line| line.split_once(" lines of")?.0.parse().ok()).unwrap();
        // One may have been on its way already when the queue was full.
        assert!((99..=100).contains(&lost) && lines.len() - told + lost == WAITING_MAX + 100, "{lost}");
    }
}

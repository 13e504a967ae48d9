//! Standard output: lines for `docker logs` or a terminal.

use std::fs::File;
use std::io;

use muster_logs::{Instant, Queue};
use rustix::event::PollFd;

use crate::complaints::Complaints;
use crate::nonblocking::{NonBlocking, ends_within_a_line};
use crate::sinks::{PATIENCE, WAITING_BYTES_MAX, gather};

/// See the module's page.
#[derive(Debug)]
pub(crate) struct Stdout {
    stream: NonBlocking,
    queue: Queue,
    chunk: Vec<u8>,
    /// The last write failed for good. Then `poll` has nothing new to tell, for ever.
    is_broken: bool,
}

const NAME: &str = "standard output";

impl Stdout {
    pub(crate) fn open() -> io::Result<Self> {
        let stream = NonBlocking::of(1, io::stdout())?;
        let mut queue = Queue::new(WAITING_BYTES_MAX);
        // A file may end within a line of the life before; of a pipe nobody can tell.
        let torn = File::open("/proc/self/fd/1").and_then(|mut file| match file.metadata()?.is_file() {
            true => ends_within_a_line(&mut file),
            false => Ok(false),
        });
        if torn.unwrap_or(false) {
            queue.put(b"\n".to_vec(), Instant::default(), |_| Vec::new());
        }
        Ok(Self { stream, queue, chunk: Vec::new(), is_broken: false })
    }

    pub(crate) fn put(
        &mut self,
        line: Vec<u8>,
        now: Instant,
        complaints: &mut Complaints,
        notice: impl FnOnce(u64) -> Vec<u8>,
    ) {
        if !self.queue.put(line, now, notice) {
            complaints.lost(NAME, "nobody takes them", 1);
        }
    }

    /// Writes as much as is taken now.
    pub(crate) fn push(
        &mut self,
        now: Instant,
        complaints: &mut Complaints,
        notice: impl Fn(u64) -> Vec<u8>,
    ) {
        loop {
            self.queue.tell_dropped(now, &notice);
            if self.queue.is_empty() {
                return;
            }
            gather(&self.queue, self.stream.at_once, &mut self.chunk);
            match self.stream.write(&self.chunk) {
                Ok(count) => {
                    self.queue.take(count, now);
                    self.is_broken = false;
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(error) => {
                    // Whoever read is gone, or a file has no room: neither is better in a moment.
                    let lost = self.queue.give_up();
                    self.is_broken = true;
                    return complaints.lost(NAME, &error.to_string(), lost);
                }
            }
        }
    }

    pub(crate) fn left(&self) -> u64 {
        self.queue.len() as u64
    }

    pub(crate) fn waits_until(&mut self, now: Instant) -> Option<Instant> {
        if self.is_broken { None } else { self.queue.waits_until(now, PATIENCE) }
    }

    pub(crate) fn poll_fd(&self) -> Option<PollFd<'_>> {
        (!self.queue.is_empty() && !self.is_broken).then(|| self.stream.poll_fd())
    }
}

//! One pipe: looking at what is in it without taking it out.
//!
//! `tee(2)` copies from pipe to pipe, so each has a second one, its mirror, with as much room: when the mirror is full after a look,
//! so is the pipe. That matters when it holds no whole line: whoever writes then waits for us, and a piece has to be taken.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use muster_logs::{Cutter, Instant, PipeSpec, Rest, Stream};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::pipe::{PipeFlags, SpliceFlags, fcntl_getpipe_size, fcntl_setpipe_size, pipe_with, tee};

/// Most bytes that one look sees. A pipe has 64 KiB unless somebody changed that.
pub(crate) const LOOK_BYTES_MAX: usize = 64 * 1024;

/// See the module's page.
#[derive(Debug)]
pub(crate) struct Tap {
    pub(crate) service: String,
    pub(crate) stream: Stream,
    /// Which lines were told so far ends here.
    pub(crate) cutter: Cutter,
    /// Something may be in it that was not looked at.
    pub(crate) is_ready: bool,
    /// All who could write are gone, and all is told.
    pub(crate) has_ended: bool,
    /// Since when a line stands in it whose end has not come.
    pub(crate) unfinished_since: Option<Instant>,
    pipe: OwnedFd,
    mirror_out: OwnedFd,
    mirror_in: OwnedFd,
}

/// What a look saw.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Look {
    /// Nothing is there now.
    Nothing,
    /// Nothing is there, and nothing will be.
    Ended,
    /// So many bytes, and what to think of a last line without an end.
    Seen { bytes: usize, rest: Rest },
}

impl Tap {
    pub(crate) fn new(pipe: OwnedFd, spec: &PipeSpec) -> io::Result<Self> {
        let (mirror_out, mirror_in) = pipe_with(PipeFlags::CLOEXEC)?;
        // It fails on what is no pipe.
        let room = fcntl_getpipe_size(&pipe)?;
        // Refused to somebody who has many pipes: then a piece is taken sooner than it need be, and that is all.
        let _ = fcntl_setpipe_size(&mirror_in, room);
        Ok(Self {
            service: spec.service.clone(),
            stream: spec.stream,
            cutter: Cutter::default(),
            is_ready: true,
            has_ended: false,
            unfinished_since: None,
            pipe,
            mirror_out,
            mirror_in,
        })
    }

    /// Nothing more comes of it.
    pub(crate) fn end(&mut self) {
        self.has_ended = true;
        self.is_ready = false;
        self.unfinished_since = None;
    }

    /// To be told when something is written.
    pub(crate) fn fd(&self) -> BorrowedFd<'_> {
        self.pipe.as_fd()
    }

    /// Copies what is in the pipe to the beginning of `buffer`, which has [`LOOK_BYTES_MAX`] bytes.
    pub(crate) fn look(&mut self, buffer: &mut [u8]) -> io::Result<Look> {
        // Asked before: what is there afterwards is then all there will ever be.
        let is_closed = has(self.pipe.as_fd(), PollFlags::IN, PollFlags::HUP)?;
        let bytes = match tee(&self.pipe, &self.mirror_in, buffer.len(), SpliceFlags::NONBLOCK) {
            Ok(0) => return Ok(Look::Ended),
            Ok(bytes) => bytes,
            Err(Errno::AGAIN | Errno::INTR) => return Ok(Look::Nothing),
            Err(error) => return Err(error.into()),
        };
        let is_full = !has(self.mirror_in.as_fd(), PollFlags::OUT, PollFlags::OUT)?;
        read_exactly(&self.mirror_out, &mut buffer[..bytes])?;
        let is_all = !is_full && bytes < buffer.len();
        let rest = match (is_full, is_closed && is_all) {
            (_, true) => Rest::Ended,
            (true, _) => Rest::Full,
            _ => Rest::Waits,
        };
        Ok(Look::Seen { bytes, rest })
    }

    /// Takes so many bytes out of the pipe that a look has seen. `buffer` is for what is thrown away.
    pub(crate) fn take(&mut self, mut bytes: usize, buffer: &mut [u8]) -> io::Result<()> {
        while bytes > 0 {
            let next = bytes.min(buffer.len());
            // They are there, so this does not wait.
            read_exactly(&self.pipe, &mut buffer[..next])?;
            bytes -= next;
        }
        Ok(())
    }
}

fn read_exactly(pipe: &OwnedFd, mut buffer: &mut [u8]) -> io::Result<()> {
    while !buffer.is_empty() {
        match rustix::io::read(pipe, &mut *buffer) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(count) => buffer = &mut buffer[count..],
            Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// Is this so now? `HUP` is told without being asked for.
fn has(fd: BorrowedFd<'_>, asked: PollFlags, told: PollFlags) -> io::Result<bool> {
    let mut fds = [PollFd::from_borrowed_fd(fd, asked)];
    poll(&mut fds, Some(&Timespec { tv_sec: 0, tv_nsec: 0 }))?;
    Ok(fds[0].revents().intersects(told))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{PipeWriter, Write};

    fn tap() -> (Tap, PipeWriter) {
        let (read, write) = io::pipe().unwrap();
        let spec = PipeSpec { fd: 0, service: "a".to_owned(), stream: Stream::Stdout };
        (Tap::new(read.into(), &spec).unwrap(), write)
    }

    fn look(tap: &mut Tap) -> (Look, Vec<u8>) {
        let mut buffer = vec![0; LOOK_BYTES_MAX];
        let look = tap.look(&mut buffer).unwrap();
        let bytes = if let Look::Seen { bytes, .. } = look { bytes } else { 0 };
        buffer.truncate(bytes);
        (look, buffer)
    }

    #[test]
    fn a_look_leaves_everything_where_it_is() {
        let (mut tap, mut write) = tap();
        assert_eq!(look(&mut tap).0, Look::Nothing);
        write.write_all(b"one\ntw").unwrap();
        let seen = Look::Seen { bytes: 6, rest: Rest::Waits };
        assert_eq!(look(&mut tap), (seen, b"one\ntw".to_vec()));
        assert_eq!(look(&mut tap), (seen, b"one\ntw".to_vec()));
        tap.take(4, &mut [0; 3]).unwrap();
        write.write_all(b"o\n").unwrap();
        assert_eq!(look(&mut tap).1, b"two\n");
        drop(write);
        assert_eq!(look(&mut tap), (Look::Seen { bytes: 4, rest: Rest::Ended }, b"two\n".to_vec()));
        tap.take(4, &mut [0; 3]).unwrap();
        assert_eq!(look(&mut tap).0, Look::Ended);
    }

    #[test]
    fn a_pipe_that_is_full_of_a_line_without_an_end_says_so() {
        let (mut tap, mut write) = tap();
        fcntl_setpipe_size(&tap.pipe, 4096).unwrap();
        fcntl_setpipe_size(&tap.mirror_in, 4096).unwrap();
        write.write_all(&[b'x'; 4095]).unwrap();
        assert_eq!(look(&mut tap).0, Look::Seen { bytes: 4095, rest: Rest::Full });
        drop(write);
        // There may be more behind it, for all we know.
        assert_eq!(look(&mut tap).0, Look::Seen { bytes: 4095, rest: Rest::Full });
    }
}

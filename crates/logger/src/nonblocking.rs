//! Standard output and error without ever waiting for them.
//!
//! Whether a write waits is a property of what was opened, not of our number for it, and others who share it would be surprised; so
//! it is opened again. Files are not: they never make us wait as a pipe does, and a second opening would have a place of its own.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};

use nix::fcntl::OFlag;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

/// What a pipe takes at once or not at all (pipe(7)).
pub(crate) const PIPE_BUF: usize = 4096;

/// A standard stream.
#[derive(Debug)]
pub(crate) struct NonBlocking {
    fd: OwnedFd,
    /// Writes are asked for by `poll`, since the stream could not be opened again.
    is_asked: bool,
    /// Most bytes to be written at once.
    pub(crate) at_once: usize,
}

impl NonBlocking {
    /// Standard output (1) or error (2).
    pub(crate) fn of(number: u8, stream: impl AsFd) -> io::Result<Self> {
        let fd = stream.as_fd().try_clone_to_owned()?;
        let kind = File::from(fd.try_clone()?).metadata()?.file_type();
        if kind.is_file() {
            return Ok(Self { fd, is_asked: false, at_once: 16 * PIPE_BUF });
        }
        let again = File::options()
            .write(true)
            .custom_flags((OFlag::O_NONBLOCK | OFlag::O_NOCTTY).bits())
            .open(format!("/proc/self/fd/{number}"));
        match again {
            Ok(again) if kind.is_fifo() || kind.is_char_device() => {
                Ok(Self { fd: again.into(), is_asked: false, at_once: PIPE_BUF })
            }
            // Sockets cannot be opened again, nor anything where there is no /proc. What `poll` finds room for is then written
            // without a wait, unless somebody else is faster.
            _ => Ok(Self { fd, is_asked: true, at_once: PIPE_BUF }),
        }
    }

    /// Writes as much as is taken now.
    pub(crate) fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        if self.is_asked {
            let mut fds = [PollFd::new(&self.fd, PollFlags::OUT)];
            poll(&mut fds, Some(&Timespec { tv_sec: 0, tv_nsec: 0 }))?;
            if fds[0].revents().is_empty() {
                return Err(io::ErrorKind::WouldBlock.into());
            }
        }
        loop {
            match rustix::io::write(&self.fd, bytes) {
                Err(Errno::INTR) => {}
                done => return Ok(done?),
            }
        }
    }

    /// To be told when something is taken again.
    pub(crate) fn poll_fd(&self) -> PollFd<'_> {
        PollFd::new(&self.fd, PollFlags::OUT)
    }
}

/// Does a file end within a line, because somebody died while writing it?
pub(crate) fn ends_within_a_line(file: &mut File) -> io::Result<bool> {
    if file.metadata()?.len() == 0 {
        return Ok(false);
    }
    let mut last = [0];
    file.seek(SeekFrom::End(-1))?;
    file.read_exact(&mut last)?;
    Ok(last != *b"\n")
}

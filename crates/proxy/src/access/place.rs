//! Where lines go.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;

/// Who may read a new file: its owner, and its group.
const FILE_MODE: u32 = 0o640;

/// A place that lines go to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Place {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
    /// A file, which is opened again on HUP.
    File(PathBuf),
    /// A socket in the file system, a datagram for each line.
    Unix(PathBuf),
    /// An address, a datagram for each line.
    Udp(SocketAddr),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stdout => f.write_str("standard output"),
            Self::Stderr => f.write_str("standard error"),
            Self::File(path) | Self::Unix(path) => path.display().fmt(f),
            Self::Udp(addr) => addr.fmt(f),
        }
    }
}

impl Place {
    /// Opens it.
    ///
    /// # Errors
    /// The system's. That nobody listens on a socket is none.
    pub(super) fn open(&self) -> io::Result<Sink> {
        Ok(match self {
            Self::Stdout => Sink::Stream(Box::new(io::stdout())),
            Self::Stderr => Sink::Stream(Box::new(io::stderr())),
            Self::File(path) => {
                let mut options = OpenOptions::new();
                let file: File = options.append(true).create(true).mode(FILE_MODE).open(path)?;
                Sink::Stream(Box::new(file))
            }
            Self::Unix(path) => Sink::Unix(UnixDatagram::unbound()?, path.clone()),
            Self::Udp(addr) => {
                let any = match addr {
                    SocketAddr::V4(_) => SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)),
                    SocketAddr::V6(_) => SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0)),
                };
                Sink::Udp(UdpSocket::bind(any)?, *addr)
            }
        })
    }

    /// Whether it may be moved away and is then made anew.
    pub(super) fn is_file(&self) -> bool {
        matches!(self, Self::File(_))
    }
}

/// A place, open.
pub(super) enum Sink {
    Stream(Box<dyn Write + Send>),
    Unix(UnixDatagram, PathBuf),
    Udp(UdpSocket, SocketAddr),
}

impl Sink {
    /// Writes lines, of which each ends where `ends` says. Tells how many could not be written, and why.
    pub(super) fn write(&mut self, bytes: &[u8], ends: &[usize]) -> Result<(), (u64, io::Error)> {
        let count = |ends: &[usize]| u64::try_from(ends.len()).unwrap_or(u64::MAX);
        if let Self::Stream(stream) = self {
            return stream
                .write_all(bytes)
                .and_then(|()| stream.flush())
                .map_err(|cause| (count(ends), cause));
        }
        let (mut start, mut lost, mut last) = (0, 0, None);
        for end in ends {
            let line = &bytes[start..*end];
            start = *end;
            let sent = match self {
                Self::Unix(socket, path) => socket.send_to(line, path),
                Self::Udp(socket, addr) => socket.send_to(line, *addr),
                Self::Stream(_) => continue,
            };
            if let Err(cause) = sent {
                lost += 1;
                last = Some(cause);
            }
        }
        last.map_or(Ok(()), |cause| Err((lost, cause)))
    }
}

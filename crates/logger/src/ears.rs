//! Sockets to which programs send syslog messages. What strangers can make us hold is bounded: so many connections, of each less than
//! a message and a read.

use std::fs;
use std::io::{self, ErrorKind, Read};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};

use muster_logs::{Frames, LINE_BYTES_MAX, Listen};
use rustix::event::{PollFd, PollFlags};

use crate::Error;

/// Connections at a time.
const STREAMS_MAX: usize = 64;
/// Messages taken from one socket before the others have their turn.
const TURN: usize = 64;
/// Longer ones are cut by the system, and then by us.
const DATAGRAM_BYTES_MAX: usize = 2 * LINE_BYTES_MAX;

#[derive(Debug)]
enum Datagrams {
    /// With the path to be removed at the end.
    Unix(UnixDatagram, PathBuf),
    Udp(UdpSocket),
}

#[derive(Debug)]
struct Conversation {
    stream: TcpStream,
    frames: Frames,
    /// A turn was over before all of its messages were taken.
    has_more: bool,
    has_ended: bool,
}

/// See the module's page.
#[derive(Debug, Default)]
pub(crate) struct Ears {
    datagrams: Vec<Datagrams>,
    listeners: Vec<TcpListener>,
    conversations: Vec<Conversation>,
    /// Connections that were refused since this was last asked for.
    refused: u64,
}

impl Ears {
    pub(crate) fn open(listen: &[Listen]) -> Result<Self, Error> {
        let mut ears = Self::default();
        for on in listen {
            ears.add(on).map_err(|source| Error::Listen { on: on.clone(), source })?;
        }
        Ok(ears)
    }

    fn add(&mut self, on: &Listen) -> io::Result<()> {
        match on {
            Listen::Unix(path) => {
                let path = Path::new(path);
                let socket = bind(path)?;
                socket.set_nonblocking(true)?;
                self.datagrams.push(Datagrams::Unix(socket, path.to_owned()));
            }
            Listen::Udp(at) => {
                let socket = UdpSocket::bind(at)?;
                socket.set_nonblocking(true)?;
                self.datagrams.push(Datagrams::Udp(socket));
            }
            Listen::Tcp(at) => {
                let listener = TcpListener::bind(at)?;
                listener.set_nonblocking(true)?;
                self.listeners.push(listener);
            }
        }
        Ok(())
    }

    pub(crate) fn are_none(&self) -> bool {
        self.datagrams.is_empty() && self.listeners.is_empty()
    }

    /// There is something to be heard already.
    pub(crate) fn have_more(&self) -> bool {
        self.conversations.iter().any(|conversation| conversation.has_more)
    }

    pub(crate) fn poll_fds(&self) -> impl Iterator<Item = PollFd<'_>> {
        let datagrams = self.datagrams.iter().map(|socket| match socket {
            Datagrams::Unix(socket, _) => PollFd::new(socket, PollFlags::IN),
            Datagrams::Udp(socket) => PollFd::new(socket, PollFlags::IN),
        });
        let listeners = self.listeners.iter().map(|socket| PollFd::new(socket, PollFlags::IN));
        let conversations = self.conversations.iter().map(|one| PollFd::new(&one.stream, PollFlags::IN));
        datagrams.chain(listeners).chain(conversations)
    }

    /// Hands on what came; `take` says whether there may be more now. Returns whether there was anything.
    pub(crate) fn hear(&mut self, buffer: &mut [u8], mut take: impl FnMut(&[u8]) -> bool) -> bool {
        let mut heard = false;
        // Each is first once, so that one that floods takes no other's turn for ever.
        if !self.datagrams.is_empty() {
            self.datagrams.rotate_left(1);
        }
        if !self.conversations.is_empty() {
            self.conversations.rotate_left(1);
        }
        let buffer_of_datagram = buffer.len().min(DATAGRAM_BYTES_MAX);
        for socket in &self.datagrams {
            for _ in 0..TURN {
                let received = match socket {
                    Datagrams::Unix(socket, _) => socket.recv(&mut buffer[..buffer_of_datagram]),
                    Datagrams::Udp(socket) => socket.recv(&mut buffer[..buffer_of_datagram]),
                };
                // An error of a socket of datagrams is about one of them.
                let Ok(bytes) = received else { break };
                heard = true;
                if !take(&buffer[..bytes]) {
                    return true;
                }
            }
        }
        self.accept();
        for conversation in &mut self.conversations {
            let (spoke, goes_on) = conversation.hear(buffer, &mut take);
            heard |= spoke;
            if !goes_on {
                break;
            }
        }
        self.conversations.retain(|conversation| !conversation.has_ended || conversation.has_more);
        heard
    }

    fn accept(&mut self) {
        for listener in &self.listeners {
            for _ in 0..TURN {
                let stream = match listener.accept() {
                    Ok((stream, _)) => stream,
                    Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                    Err(_) => {
                        // Out of descriptors, as a rule: without one that is given back, this would be told again and again.
                        self.refused += u64::from(self.conversations.pop().is_some());
                        break;
                    }
                };
                if self.conversations.len() >= STREAMS_MAX || stream.set_nonblocking(true).is_err() {
                    self.refused += 1;
                    continue;
                }
                self.conversations.push(Conversation {
                    stream,
                    frames: Frames::default(),
                    has_more: false,
                    has_ended: false,
                });
            }
        }
    }

    /// How many connections were refused since this was last asked.
    pub(crate) fn take_refused(&mut self) -> u64 {
        std::mem::take(&mut self.refused)
    }
}

impl Conversation {
    /// Whether it said something, and whether others may.
    fn hear(&mut self, buffer: &mut [u8], take: &mut impl FnMut(&[u8]) -> bool) -> (bool, bool) {
        let mut spoke = false;
        if !self.has_more && !self.has_ended {
            match self.stream.read(buffer) {
                Ok(0) => self.has_ended = true,
                Ok(bytes) => self.frames.push(&buffer[..bytes]),
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {}
                Err(_) => self.has_ended = true,
            }
        }
        self.has_more = false;
        while let Some(message) = self.frames.take() {
            spoke = true;
            if !message.is_empty() && !take(message) {
                self.has_more = true;
                return (true, false);
            }
        }
        if self.has_ended
            && let Some(message) = self.frames.last()
        {
            spoke = true;
            take(message);
        }
        (spoke, true)
    }
}

impl Drop for Ears {
    fn drop(&mut self) {
        for socket in &self.datagrams {
            if let Datagrams::Unix(_, path) = socket {
                // Somebody else may have taken the name meanwhile; then it is gone for him, which a syslog notices by itself.
                let _ = fs::remove_file(path);
            }
        }
    }
}

/// A socket at this path, for everybody to write to. One that a former life left there is replaced, and nothing else.
fn bind(path: &Path) -> io::Result<UnixDatagram> {
    let is_socket = fs::symlink_metadata(path).is_ok_and(|about| about.file_type().is_socket());
    if is_socket {
        match UnixDatagram::unbound()?.connect(path) {
            Err(error) if error.kind() == ErrorKind::ConnectionRefused => fs::remove_file(path)?,
            _ => return Err(ErrorKind::AddrInUse.into()),
        }
    }
    let socket = UnixDatagram::bind(path)?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o666))?;
    Ok(socket)
}

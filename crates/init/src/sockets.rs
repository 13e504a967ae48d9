//! What PID 1 holds for a process so that it outlives it: listening sockets, where the last picture is kept, and the socket by which
//! it says that it is ready.

use std::io::{self, PipeReader, PipeWriter};
use std::net::SocketAddr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use rustix::fs::{MemfdFlags, memfd_create};
use rustix::io::{Errno, fcntl_dupfd_cloexec};
use rustix::net::{
    AddressFamily, RecvFlags, SocketAddrUnix, SocketFlags, SocketType, bind, listen, recv, socket_with,
    sockopt,
};

/// Where the numbers of what is held begin: above those that processes ask for.
const NUMBERS_FROM: i32 = 512;
/// Connections that wait while nobody accepts: a restart at some thousand a second. (The system's own limit may be lower.)
const BACKLOG: i32 = 4096;
/// A notification is a few lines; longer ones are cut.
const NOTIFICATION_BYTES_MAX: usize = 4096;

/// The same with a number that no process asks for, so that giving one its numbers never covers what is still to be given.
pub(crate) fn raised(fd: OwnedFd) -> io::Result<OwnedFd> {
    match fcntl_dupfd_cloexec(&fd, NUMBERS_FROM) {
        Ok(raised) => Ok(raised),
        // So few are allowed here that there is no room above.
        Err(Errno::INVAL | Errno::MFILE) => Ok(fd),
        Err(error) => Err(error.into()),
    }
}

/// A pipe with such numbers.
pub(crate) fn raised_pipe() -> io::Result<(PipeReader, PipeWriter)> {
    let (read, write) = io::pipe()?;
    Ok((raised(read.into())?.into(), raised(write.into())?.into()))
}

/// A socket that listens, for whoever accepts.
pub(crate) fn listener(address: SocketAddr) -> io::Result<OwnedFd> {
    let socket = socket(address, SocketType::STREAM)?;
    if address.is_ipv6() {
        // As the proxy itself binds: one socket for one kind.
        sockopt::set_ipv6_v6only(&socket, true)?;
    }
    listening(socket, address)
}

/// A socket that listens for gossip. As the agent itself binds: one of IPv6 is for both kinds, where the system has it so.
pub(crate) fn gossip_stream(address: SocketAddr) -> io::Result<OwnedFd> {
    listening(socket(address, SocketType::STREAM)?, address)
}

/// A socket for datagrams of gossip; those that come while nobody reads wait, as many as fit.
pub(crate) fn gossip_datagrams(address: SocketAddr) -> io::Result<OwnedFd> {
    let socket = socket(address, SocketType::DGRAM)?;
    bind(&socket, &address)?;
    raised(socket)
}

fn socket(address: SocketAddr, kind: SocketType) -> io::Result<OwnedFd> {
    let family = if address.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
    Ok(socket_with(family, kind, SocketFlags::CLOEXEC | SocketFlags::NONBLOCK, None)?)
}

fn listening(socket: OwnedFd, address: SocketAddr) -> io::Result<OwnedFd> {
    sockopt::set_socket_reuseaddr(&socket, true)?;
    bind(&socket, &address)?;
    listen(&socket, BACKLOG)?;
    raised(socket)
}

/// A file in memory.
pub(crate) fn picture() -> io::Result<OwnedFd> {
    raised(memfd_create("muster-picture", MemfdFlags::CLOEXEC)?)
}

/// Where one service says that it is ready, as sd_notify(3) has it.
#[derive(Debug)]
pub(crate) struct Notifications {
    socket: OwnedFd,
    /// What `NOTIFY_SOCKET` says.
    pub(crate) name: String,
}

/// What was said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Said {
    Ready,
    NotReady,
}

impl Notifications {
    /// In `folder`, or where that cannot be, without a place in the file system. `uid`: who is to reach it beside us.
    pub(crate) fn new(folder: Option<&Path>, uid: Option<u32>, unique: usize) -> io::Result<Self> {
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let socket = raised(socket_with(AddressFamily::UNIX, SocketType::DGRAM, flags, None)?)?;
        if let Some(path) = folder.and_then(|folder| bind_at(&socket, &folder.join("notify"), uid).ok()) {
            return Ok(Self { socket, name: path.to_string_lossy().into_owned() });
        }
        // A fresh one: the first may be bound already. Such names belong to the whole network namespace, in which every container's
        // first process may be number 1.
        let socket = raised(socket_with(AddressFamily::UNIX, SocketType::DGRAM, flags, None)?)?;
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        let name = format!("muster/{}/{unique}/{}", std::process::id(), since.as_nanos());
        bind(&socket, &SocketAddrUnix::new_abstract_name(name.as_bytes())?)?;
        Ok(Self { socket, name: format!("@{name}") })
    }

    /// What to wait on.
    pub(crate) fn socket(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }

    /// The next thing said that means something here.
    pub(crate) fn said(&self) -> Option<Said> {
        let mut buffer = [0_u8; NOTIFICATION_BYTES_MAX];
        loop {
            let (count, _) = recv(&self.socket, &mut buffer[..], RecvFlags::DONTWAIT).ok()?;
            let lines = buffer.get(..count).unwrap_or_default().split(|byte| *byte == b'\n');
            let mut said = lines.filter_map(|line| match line {
                b"READY=1" => Some(Said::Ready),
                b"STOPPING=1" => Some(Said::NotReady),
                _ => None,
            });
            if let Some(said) = said.next() {
                return Some(said);
            }
        }
    }
}

/// Binds to a path, of which only `uid` and we can make use.
fn bind_at(socket: &OwnedFd, path: &Path, uid: Option<u32>) -> io::Result<PathBuf> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    bind(socket, &SocketAddrUnix::new(path)?)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
    if uid.is_some() {
        std::os::unix::fs::chown(path, uid, None)?;
    }
    Ok(path.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use std::net::{TcpListener, TcpStream};
    use std::os::unix::net::UnixDatagram;

    #[test]
    fn whoever_connects_while_nobody_accepts_waits() {
        let held = listener("127.0.0.1:0".parse().expect("an address")).expect("it listens");
        let one_who_accepts = TcpListener::from(held.try_clone().expect("a second"));
        let address = one_who_accepts.local_addr().expect("bound");
        drop(one_who_accepts);
        let mut client = TcpStream::connect(address).expect("not refused");
        client.write_all(b"x").expect("taken");
        let (mut accepted, _) = TcpListener::from(held).accept().expect("it waited");
        let mut byte = [0];
        accepted.read_exact(&mut byte).expect("what was written meanwhile");
        assert_eq!(&byte, b"x");
    }

    #[test]
    fn an_address_in_use_is_told_as_such() {
        let taken = TcpListener::bind("127.0.0.1:0").expect("bound");
        let error = listener(taken.local_addr().expect("bound")).expect_err("it is taken");
        assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
    }

    #[test]
    fn what_systemd_would_understand_is_and_the_rest_passed_over() {
        let folder = tempfile::tempdir().expect("a folder");
        let notifications = Notifications::new(Some(folder.path()), None, 1).expect("bound");
        let sender = UnixDatagram::unbound().expect("a socket");
        for message in [&b"STATUS=wait"[..], &[0xff; 5_000], b"MAINPID=1\nREADY=1\n", b"STOPPING=1"] {
            sender.send_to(message, &notifications.name).expect("sent");
        }
        assert_eq!(notifications.said(), Some(Said::Ready));
        assert_eq!(notifications.said(), Some(Said::NotReady));
        assert_eq!(notifications.said(), None);
    }

    #[test]
    fn without_a_folder_it_has_a_name_of_its_own() {
        let nowhere = Path::new("/proc/nowhere");
        let names: Vec<String> =
            (0..2).map(|id| Notifications::new(Some(nowhere), None, id).expect("bound").name).collect();
        assert!(names.iter().all(|name| name.starts_with("@muster/")) && names[0] != names[1]);
    }
}

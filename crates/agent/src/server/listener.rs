//! The socket file: made, guarded against a second agent, removed.

use crate::Error;
use rustix::fs::{FlockOperation, Mode, OFlags, flock, open};
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, socket_with};
use std::fs::{DirBuilder, Permissions};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// `sockaddr_un` has 108 bytes, the last of them a zero.
const PATH_BYTES_MAX: usize = 107;
/// Owner and group may command the agent.
const SOCKET_MODE: u32 = 0o660;
/// Others may look into the directory; the socket's own mode protects it.
const DIR_MODE: u32 = 0o755;

/// How often the directory's lock is asked for, and how long between.
const LOCK_TRIES: u32 = 20;
const LOCK_PAUSE: Duration = Duration::from_millis(25);

/// A listening control socket. Dropped, its file is removed, unless another agent has put its own there since.
#[derive(Debug)]
pub(crate) struct Listener {
    pub(super) listener: UnixListener,
    path: PathBuf,
    inode: (u64, u64),
}

impl Listener {
    /// Listens on `path`. A leftover of an agent that died is replaced; a socket that answers is an error.
    pub(crate) fn bind(path: &Path) -> Result<Self, Error> {
        let refuse = |reason: String| Error::Socket { socket: path.to_owned(), reason };
        let failed = |cause: io::Error| refuse(explain(&cause));
        let length = path.as_os_str().len();
        if length > PATH_BYTES_MAX {
            return Err(refuse(format!(
                "the path has {length} bytes, and the system takes at most {PATH_BYTES_MAX}; choose a shorter one"
            )));
        }
        let dir = match path.parent() {
            Some(dir) if !dir.as_os_str().is_empty() => dir,
            Some(_) => Path::new("."),
            None => return Err(refuse("this is no path of a file".to_owned())),
        };
        DirBuilder::new().recursive(true).mode(DIR_MODE).create(dir).map_err(failed)?;

        // Two agents starting at once must not both find a leftover and replace each other's socket.
        let dir = open(dir, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())
            .map_err(|cause| failed(cause.into()))?;
        if !lock(&dir).map_err(failed)? {
            tracing::warn!(
                socket = %path.display(),
                "another process keeps its directory locked, which no agent does; going on without the lock"
            );
        }
        match connect(path) {
            Ok(()) => return Err(Error::SocketInUse { socket: path.to_owned() }),
            // Somebody listens, who does not take connections: stopped, or overrun.
            Err(cause) if cause.kind() == io::ErrorKind::WouldBlock => {
                return Err(Error::SocketInUse { socket: path.to_owned() });
            }
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => {}
            Err(cause) if cause.kind() == io::ErrorKind::ConnectionRefused => {
                remove_leftover(path).map_err(failed)?;
            }
            Err(cause) => return Err(failed(cause)),
        }
        let listener = UnixListener::bind(path).map_err(failed)?;
        std::fs::set_permissions(path, Permissions::from_mode(SOCKET_MODE)).map_err(failed)?;
        listener.set_nonblocking(true).map_err(failed)?;
        let inode = inode(path).map_err(failed)?;
        Ok(Self { listener, path: path.to_owned(), inode })
    }
}

/// Whether the lock was got. Another agent that starts has it for a moment. But whoever may read the directory, any user of
/// the host, can have it too, and would hold up our start for as long as he likes.
fn lock(dir: &OwnedFd) -> io::Result<bool> {
    for _ in 0..LOCK_TRIES {
        match flock(dir, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => return Ok(true),
            Err(Errno::WOULDBLOCK) => std::thread::sleep(LOCK_PAUSE),
            Err(cause) => return Err(cause.into()),
        }
    }
    Ok(false)
}

/// Whether somebody listens there; it does not wait until there is room for one more.
fn connect(path: &Path) -> io::Result<()> {
    let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
    let socket = socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
    Ok(rustix::net::connect(&socket, &SocketAddrUnix::new(path)?)?)
}

/// A regular file refuses connections too, and is not ours to remove.
fn remove_leftover(path: &Path) -> io::Result<()> {
    if !std::fs::symlink_metadata(path)?.file_type().is_socket() {
        return Err(io::Error::new(
            io::ErrorKind::AlreadyExists,
            "a file that is no socket is in the way; remove it",
        ));
    }
    tracing::info!(path = %path.display(), "replacing the control socket of an agent that died");
    std::fs::remove_file(path)
}

fn inode(path: &Path) -> io::Result<(u64, u64)> {
    let metadata = std::fs::symlink_metadata(path)?;
    Ok((metadata.dev(), metadata.ino()))
}

fn explain(cause: &io::Error) -> String {
    match cause.kind() {
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            format!("{cause}; choose a path this user may write to, such as one below $XDG_RUNTIME_DIR")
        }
        _ => cause.to_string(),
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        if inode(&self.path).is_ok_and(|inode| inode == self.inode) {
            // Nothing can be done about a file that stays; the next agent replaces it.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::net::UnixStream;
    use std::sync::mpsc;

    /// What [`Listener::bind`] says, unless it waits for ever.
    fn bound(path: &Path) -> Result<Listener, Error> {
        let (path, (done, said)) = (path.to_owned(), mpsc::channel());
        std::thread::spawn(move || done.send(Listener::bind(&path)));
        said.recv_timeout(Duration::from_secs(60)).expect("it does not wait for others")
    }

    #[test]
    fn whoever_locks_the_directory_holds_up_nobody() {
        let dir = tempfile::tempdir().unwrap();
        let held = std::fs::File::open(dir.path()).unwrap();
        flock(&held, FlockOperation::LockExclusive).unwrap();
        let path = dir.path().join("control.sock");
        let _listener = bound(&path).unwrap();
        assert!(matches!(bound(&path), Err(Error::SocketInUse { .. })));
    }

    #[test]
    fn an_agent_that_takes_no_connections_is_there_all_the_same() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("control.sock");
        let _first = Listener::bind(&path).unwrap();
        // Until its queue is full, in which those who went away stay.
        while connect(&path).is_ok() {}
        assert!(matches!(bound(&path), Err(Error::SocketInUse { .. })));
    }

    #[test]
    fn the_socket_and_its_directory_are_made_and_removed() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("new/control.sock");
        let listener = Listener::bind(&path).unwrap();
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o660);
        UnixStream::connect(&path).unwrap();
        drop(listener);
        assert!(!path.exists());
    }

    #[test]
    fn a_live_agent_is_not_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("control.sock");
        let _first = Listener::bind(&path).unwrap();
        let error = Listener::bind(&path).unwrap_err();
        assert!(matches!(error, Error::SocketInUse { .. }), "{error}");
        UnixStream::connect(&path).unwrap();
    }

    #[test]
    fn the_leftover_of_a_dead_agent_is_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("control.sock");
        drop(UnixListener::bind(&path).unwrap());
        assert!(path.exists());
        let _listener = Listener::bind(&path).unwrap();
        UnixStream::connect(&path).unwrap();
    }

    #[test]
    fn a_file_that_is_no_socket_stays() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("precious");
        std::fs::write(&path, "data").unwrap();
        let error = Listener::bind(&path).unwrap_err().to_string();
        assert!(error.contains("no socket is in the way"), "{error}");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "data");
    }

    #[test]
    fn a_path_too_long_for_the_system_is_explained() {
        let error = Listener::bind(Path::new(&format!("/tmp/{}", "x".repeat(200)))).unwrap_err().to_string();
        assert!(error.contains("at most 107"), "{error}");
    }

    #[test]
    fn a_socket_put_there_by_a_later_agent_is_not_removed() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("control.sock");
        let first = Listener::bind(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        let _second = Listener::bind(&path).unwrap();
        drop(first);
        assert!(path.exists());
    }
}

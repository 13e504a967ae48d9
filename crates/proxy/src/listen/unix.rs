//! Listening on a place in the file system.
//!
//! A socket's file outlives its process. One that nobody answers at is a leftover, and makes room; one that somebody listens
//! at stays.

use crate::bounds;
use rustix::fs::{Mode, fchmod};
use socket2::{Domain, SockAddr, Socket, Type};
use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use tokio::net::UnixListener;

/// The file of a socket that we bound. It goes with us, unless another one has taken its place.
#[derive(Debug)]
pub(super) struct File {
    path: PathBuf,
    /// Device and inode.
    id: Option<(u64, u64)>,
}

impl Drop for File {
    fn drop(&mut self) {
        if self.id.is_some() && self.id == id(&self.path) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn id(path: &Path) -> Option<(u64, u64)> {
    fs::symlink_metadata(path).ok().map(|file| (file.dev(), file.ino()))
}

/// Listens at `path`, with the permissions `mode` if they are given.
pub(super) fn bind(path: &Path, mode: Option<u32>) -> io::Result<(UnixListener, File)> {
    remove_leftover(path)?;
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    if let Some(mode) = mode {
        // Before it has a name, so that nobody slips in while it has too many permissions (Linux takes the file's from here).
        fchmod(&socket, Mode::from_raw_mode(mode)).map_err(io::Error::from)?;
    }
    socket.bind(&SockAddr::unix(path)?)?;
    let file = File { path: path.to_owned(), id: id(path) };
    if let Some(mode) = mode {
        // What the umask took away.
        fs::set_permissions(path, Permissions::from_mode(mode))?;
    }
    socket.set_nonblocking(true)?;
    socket.listen(bounds::BACKLOG)?;
    Ok((UnixListener::from_std(socket.into())?, file))
}

fn remove_leftover(path: &Path) -> io::Result<()> {
    if !fs::symlink_metadata(path).is_ok_and(|file| file.file_type().is_socket()) {
        return Ok(());
    }
    let probe = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    // A full queue must not make us wait: whoever has one is there.
    probe.set_nonblocking(true)?;
    match probe.connect(&SockAddr::unix(path)?) {
        Err(cause) if cause.kind() == io::ErrorKind::ConnectionRefused => fs::remove_file(path),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_leftover_makes_room_and_a_living_socket_does_not() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.sock");
        drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
        let (_listener, _file) = bind(&path, None).unwrap();
        assert_eq!(bind(&path, None).unwrap_err().kind(), io::ErrorKind::AddrInUse);
        let text = dir.path().join("text");
        fs::write(&text, "no socket").unwrap();
        assert_eq!(bind(&text, None).unwrap_err().kind(), io::ErrorKind::AddrInUse);
        assert_eq!(fs::read(&text).unwrap(), b"no socket");
    }

    #[tokio::test]
    async fn the_file_has_the_mode_that_was_asked_for_and_goes_with_its_socket() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.sock");
        let (_listener, file) = bind(&path, Some(0o666)).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o666);
        fs::remove_file(&path).unwrap();
        let _other = std::os::unix::net::UnixListener::bind(&path).unwrap();
        drop(file);
        assert!(path.exists(), "another one's file stays");
    }
}

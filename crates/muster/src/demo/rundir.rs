//! The demo's run directory: its lock, and the configurations, sockets, logs and control places of its nodes.
//!
//! `$XDG_RUNTIME_DIR/muster-demo`, else `/tmp/muster-demo-UID`; mode 0700 and ours, since whoever can write there can
//! command the demo. The lock (flock) dies with the process that holds it, so a killed demo leaves only files, which the next
//! one clears.

use rustix::fs::{FlockOperation, flock};
use rustix::process::geteuid;
use serde::{Deserialize, Serialize};
use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// Longest path a Unix socket can have (unix(7)), less its closing zero.
const SOCKET_PATH_MAX: usize = 107;
/// Room for the longest socket name in the directory, such as `/balancer.sock`.
const SOCKET_NAME_MAX: usize = 20;
/// The lock's file, which also says whose it is.
const LOCK: &str = "lock";
/// Longest text read from a lock file.
const LOCK_BYTES_MAX: u64 = 4_096;

/// The demo that holds the lock.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct Owner {
    /// Its process id.
    pub(crate) pid: u32,
    /// Where its balancer answers.
    pub(crate) url: String,
}

/// Why there is no run directory.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// Another demo holds the lock.
    #[error(
        "a demo is running already (process {}, {}): use it with `muster demo add`, `stop NAME`, `kill NAME` or `status`, or end it \
         with q in its terminal or `kill {}`",
        .0.pid, .0.url, .0.pid
    )]
    Running(Owner),
    /// Another demo holds the lock and has not yet written who it is.
    #[error("another demo is starting or stopping just now: try again")]
    Busy,
    /// Somebody else's, or no directory at all.
    #[error("{} is not a directory of yours: remove it, or set XDG_RUNTIME_DIR to a directory that is", .0.display())]
    Foreign(PathBuf),
    /// Sockets in it could not be named.
    #[error("{} is too long a path for sockets: set XDG_RUNTIME_DIR to a shorter one", .0.display())]
    TooLong(PathBuf),
    /// The system refused.
    #[error("cannot use {}: {cause}", path.display())]
    System { path: PathBuf, cause: io::Error },
}

/// The directory while its lock is held; removed with everything in it on drop.
#[derive(Debug)]
pub(crate) struct RunDir {
    path: PathBuf,
    lock: File,
}

/// Where run directories may be: the first is used by a new demo, a second terminal looks in all of them, since the two
/// may have another environment.
pub(crate) fn candidates(xdg_runtime_dir: Option<&Path>) -> Vec<PathBuf> {
    let xdg = xdg_runtime_dir.filter(|dir| dir.is_absolute() && dir.is_dir());
    let tmp = PathBuf::from(format!("/tmp/muster-demo-{}", geteuid().as_raw()));
    xdg.map(|dir| dir.join("muster-demo")).into_iter().chain([tmp]).collect()
}

impl RunDir {
    /// Makes `path` ours and takes its lock; clears what a killed demo left.
    ///
    /// # Errors
    /// [`Error`]; nothing of somebody else was touched.
    pub(crate) fn claim(path: &Path) -> Result<Self, Error> {
        if path.as_os_str().len() + SOCKET_NAME_MAX > SOCKET_PATH_MAX {
            return Err(Error::TooLong(path.to_owned()));
        }
        // A demo that just ends removes the file we locked: then the lock means nothing, and we begin again.
        for _ in 0..5 {
            make_ours(path)?;
            let Some(lock) = open_lock(path)? else { continue };
            match flock(&lock, FlockOperation::NonBlockingLockExclusive) {
                Err(rustix::io::Errno::WOULDBLOCK) => {
                    return Err(owner_in(&lock).map_or(Error::Busy, Error::Running));
                }
                result => result.map_err(|errno| system(path, errno.into()))?,
            }
            if is_current(path, &lock) {
                let claimed = Self { path: path.to_owned(), lock };
                claimed.clear().map_err(|cause| system(path, cause))?;
                return Ok(claimed);
            }
        }
        Err(Error::Busy)
    }

    /// Writes whose the lock is, for those who find it held.
    pub(crate) fn describe(&mut self, owner: &Owner) -> io::Result<()> {
        self.lock.set_len(0)?;
        self.lock.rewind()?;
        serde_json::to_writer(&mut self.lock, owner)?;
        self.lock.flush()
    }

    /// A file of this name in the directory.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Removes everything but the lock. Links are removed, not followed.
    fn clear(&self) -> io::Result<()> {
        for entry in fs::read_dir(&self.path)? {
            let entry = entry?;
            if entry.file_name() == LOCK {
                continue;
            }
            // Control places of a node.
            if entry.file_type()?.is_dir() {
                fs::remove_dir_all(entry.path())?;
            } else {
                fs::remove_file(entry.path())?;
            }
        }
        Ok(())
    }
}

impl Drop for RunDir {
    fn drop(&mut self) {
        // What cannot be removed is cleared by the next demo.
        let _ = self.clear();
        let _ = fs::remove_file(self.path.join(LOCK));
        let _ = fs::remove_dir(&self.path);
    }
}

/// The demo running in the directory `path`, if any.
pub(crate) fn owner(path: &Path) -> Option<Owner> {
    let metadata = fs::symlink_metadata(path).ok()?;
    if !metadata.is_dir() || metadata.uid() != geteuid().as_raw() {
        return None;
    }
    let lock = open_lock(path).ok().flatten()?;
    match flock(&lock, FlockOperation::NonBlockingLockShared) {
        Err(rustix::io::Errno::WOULDBLOCK) => owner_in(&lock),
        _ => None,
    }
}

fn make_ours(path: &Path) -> Result<(), Error> {
    match DirBuilder::new().mode(0o700).create(path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(system(path, error)),
        _ => {}
    }
    // Not followed: in /tmp anybody may have put a link there.
    let metadata = fs::symlink_metadata(path).map_err(|cause| system(path, cause))?;
    if !metadata.is_dir() || metadata.uid() != geteuid().as_raw() {
        return Err(Error::Foreign(path.to_owned()));
    }
    if metadata.mode() & 0o077 != 0 {
        fs::set_permissions(path, Permissions::from_mode(0o700)).map_err(|cause| system(path, cause))?;
    }
    Ok(())
}

/// The lock's file; `None` when the directory was removed meanwhile.
fn open_lock(path: &Path) -> Result<Option<File>, Error> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false).mode(0o600);
    match options.open(path.join(LOCK)) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(cause) => Err(system(path, cause)),
    }
}

fn is_current(path: &Path, lock: &File) -> bool {
    let (Ok(held), Ok(named)) = (lock.metadata(), fs::metadata(path.join(LOCK))) else { return false };
    (held.dev(), held.ino()) == (named.dev(), named.ino())
}

fn owner_in(lock: &File) -> Option<Owner> {
    let mut text = Vec::new();
    lock.take(LOCK_BYTES_MAX).read_to_end(&mut text).ok()?;
    serde_json::from_slice(&text).ok()
}

fn system(path: &Path, cause: io::Error) -> Error {
    Error::System { path: path.to_owned(), cause }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().mode() & 0o777
    }

    #[test]
    fn a_claimed_directory_is_private_and_gone_afterwards() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("muster-demo");
        let claimed = RunDir::claim(&path).unwrap();
        assert_eq!(mode(&path), 0o700);
        File::create(claimed.file("s1.log")).unwrap();
        drop(claimed);
        assert!(!path.exists());
    }

    #[test]
    fn a_second_demo_learns_who_is_running() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("muster-demo");
        let mut first = RunDir::claim(&path).unwrap();
        assert!(matches!(RunDir::claim(&path), Err(Error::Busy)));
        let me = Owner { pid: 7, url: "http://127.0.0.1:8080/".to_owned() };
        first.describe(&me).unwrap();
        assert!(matches!(RunDir::claim(&path), Err(Error::Running(owner)) if owner == me));
        assert_eq!(owner(&path), Some(me));
        drop(first);
        assert_eq!(owner(&path), None);
        RunDir::claim(&path).unwrap();
    }

    #[test]
    fn leftovers_of_a_killed_demo_are_cleared() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("muster-demo");
        fs::create_dir(&path).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o755)).unwrap();
        fs::write(path.join(LOCK), "{\"pid\":1,\"url\":\"x\"}").unwrap();
        fs::write(path.join("s1.sock"), "").unwrap();
        assert_eq!(owner(&path), None, "a lock that nobody holds says nothing");
        let claimed = RunDir::claim(&path).unwrap();
        assert_eq!(mode(&path), 0o700);
        assert!(!claimed.file("s1.sock").exists());
    }

    #[test]
    fn what_is_not_our_directory_is_refused() {
        let parent = tempfile::tempdir().unwrap();
        let elsewhere = parent.path().join("elsewhere");
        fs::create_dir(&elsewhere).unwrap();
        let link = parent.path().join("link");
        std::os::unix::fs::symlink(&elsewhere, &link).unwrap();
        assert!(matches!(RunDir::claim(&link), Err(Error::Foreign(_))));
        let file = parent.path().join("file");
        File::create(&file).unwrap();
        assert!(matches!(RunDir::claim(&file), Err(Error::Foreign(_))));
        if !geteuid().is_root() {
            assert!(matches!(RunDir::claim(Path::new("/")), Err(Error::Foreign(_))));
        }
    }

    #[test]
    fn a_path_too_long_for_sockets_is_refused_at_once() {
        let path = PathBuf::from(format!("/tmp/{}", "x".repeat(100)));
        assert!(matches!(RunDir::claim(&path), Err(Error::TooLong(_))));
    }

    #[test]
    fn the_runtime_directory_of_the_session_comes_first() {
        let dir = tempfile::tempdir().unwrap();
        let tmp = PathBuf::from(format!("/tmp/muster-demo-{}", geteuid().as_raw()));
        assert_eq!(candidates(Some(dir.path())), [dir.path().join("muster-demo"), tmp.clone()]);
        assert_eq!(candidates(Some(&dir.path().join("gone"))), std::slice::from_ref(&tmp));
        assert_eq!(candidates(None), [tmp]);
    }
}

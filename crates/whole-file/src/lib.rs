//! Replaces a small file whole or not at all, and reads one ([`read`]) no longer than it may be.
//!
//! The new one is made beside the old one, brought to the disk ([`New`]), and put in its place: neither a crash nor a full
//! disk takes what was there. Blocks on the disk, so it is never called where gossip or clients wait.

pub mod read;

use rustix::fs::OFlags;
use std::fs::{self, File, Permissions};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, fchown};
use std::path::{Path, PathBuf};

/// The mode of a file that only its owner may read.
pub const PRIVATE: u32 = 0o600;

/// How often another writer's or somebody's file may stand where ours is to be made.
const ATTEMPTS_MAX: usize = 100;

/// A file that is on the disk beside the one whose place it is to take. Dropped, it is gone.
#[derive(Debug)]
pub struct New {
    path: PathBuf,
    target: PathBuf,
    /// Held open: it is ours as long as it is.
    _file: File,
    is_in_place: bool,
    is_lasting: bool,
}

impl New {
    /// Makes it. Through a symbolic link its target will be replaced, not the link. Of several writers one comes after the
    /// other: this waits until nobody else makes a new one for the same place.
    ///
    /// # Errors
    /// Nothing has changed.
    pub fn beside(path: &Path, bytes: &[u8], mode: u32) -> io::Result<Self> {
        Self::made(path, bytes, mode, true)
    }

    fn made(path: &Path, bytes: &[u8], mode: u32, is_lasting: bool) -> io::Result<Self> {
        let target = real(path);
        if target.file_name().is_none() {
            return Err(io::Error::other("this is no path of a file"));
        }
        // Also of what no path leads to, such as a pipe behind /dev/stdout.
        match fs::metadata(&target) {
            // Whoever reads from a pipe or a device, it would be taken away from them.
            Ok(there) => read::must_be_file(there.file_type())?,
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        let new = companion(&target, "new");
        let mut file = claim(&new)?;
        let written = write_new(&mut file, bytes, mode, &target)
            .and_then(|()| if is_lasting { file.sync_all() } else { Ok(()) });
        let made = Self { path: new, target, _file: file, is_in_place: false, is_lasting };
        written.map(|()| made)
    }

    /// Where it is until then.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Puts it in its place.
    ///
    /// # Errors
    /// The old one is where it was.
    pub fn put(mut self) -> io::Result<()> {
        fs::rename(&self.path, &self.target).map_err(cannot_rename)?;
        self.is_in_place = true;
        if !self.is_lasting {
            return Ok(());
        }
        // The file is in place; whether its directory survives a power cut is beyond what can be undone.
        if let Err(cause) = File::open(directory(&self.target)).and_then(|directory| directory.sync_all()) {
            tracing::debug!(%cause, "cannot sync the directory of {}", self.target.display());
        }
        Ok(())
    }
}

impl Drop for New {
    fn drop(&mut self) {
        if !self.is_in_place {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Where a link leads: that is replaced, not the link.
pub fn real(path: &Path) -> PathBuf {
    fs::canonicalize(path).unwrap_or_else(|_| path.to_owned())
}

/// A hidden file beside `path`, or beside what it leads to: `.NAME.WORD`. `new` is taken.
pub fn companion(path: &Path, word: &str) -> PathBuf {
    let target = real(path);
    let name = target.file_name().unwrap_or_default().to_string_lossy();
    target.with_file_name(format!(".{name}.{word}"))
}

fn directory(of: &Path) -> &Path {
    of.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Makes a new one and puts it in its place.
///
/// # Errors
/// The file is as it was.
pub fn replace(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    New::beside(path, bytes, mode)?.put()
}

/// As [`replace`], but a file that has these bytes already is not touched, and one that is there keeps its mode and, as far
/// as we may, its owner. Whether it was another one.
///
/// # Errors
/// The file is as it was.
pub fn update(path: &Path, bytes: &[u8], mode_if_new: u32) -> io::Result<bool> {
    match differing(path, bytes, mode_if_new)? {
        Some(mode) => replace(path, bytes, mode).map(|()| true),
        None => Ok(false),
    }
}

/// As [`update`], of what is worth nothing after a power cut, such as a note on a running process: it is whole for whoever reads it,
/// and does not wait for the disk.
///
/// # Errors
/// The file is as it was.
pub fn note(path: &Path, bytes: &[u8], mode_if_new: u32) -> io::Result<bool> {
    match differing(path, bytes, mode_if_new)? {
        Some(mode) => New::made(path, bytes, mode, false)?.put().map(|()| true),
        None => Ok(false),
    }
}

/// The mode that a file gets which is to have these bytes: its own, or `mode_if_new` where none is. `None` if it has them.
///
/// # Errors
/// It cannot be read, or is no file.
pub fn differing(path: &Path, bytes: &[u8], mode_if_new: u32) -> io::Result<Option<u32>> {
    let (file, metadata) = match read::open(path) {
        Ok(opened) => opened,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Some(mode_if_new)),
        Err(error) => return Err(error),
    };
    let mut old = Vec::new();
    let most = u64::try_from(bytes.len()).unwrap_or(u64::MAX).saturating_add(1);
    file.take(most).read_to_end(&mut old)?;
    Ok((old != bytes).then(|| metadata.mode() & 0o7777))
}

/// The file in which the new one is made, empty and ours alone while it is open. What a crash left there is used again. What
/// somebody else put there is never written through: a link, a pipe, or a file that has another owner or name too.
fn claim(path: &Path) -> io::Result<File> {
    let no_follow = i32::try_from(OFlags::NOFOLLOW.bits()).unwrap_or(0);
    let is = |error: &io::Error, errno: rustix::io::Errno| error.raw_os_error() == Some(errno.raw_os_error());
    for _ in 0..ATTEMPTS_MAX {
        let opened = File::options()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(PRIVATE)
            .custom_flags(no_follow | read::NO_WAIT)
            .open(path);
        let file = match opened {
            Ok(file) => file,
            // A link; or a pipe that nobody reads from, or a socket.
            Err(error) if is(&error, rustix::io::Errno::LOOP) || is(&error, rustix::io::Errno::NXIO) => {
                fs::remove_file(path)?;
                continue;
            }
            Err(error) => return Err(error),
        };
        file.lock()?;
        let held = file.metadata()?;
        let ours = held.is_file() && held.nlink() == 1 && held.uid() == rustix::process::geteuid().as_raw();
        match fs::symlink_metadata(path) {
            Ok(named) if (named.dev(), named.ino()) == (held.dev(), held.ino()) => {
                if ours {
                    file.set_len(0)?;
                    return Ok(file);
                }
                fs::remove_file(path)?;
            }
            // Who held it before has put it in its place.
            _ => {}
        }
    }
    Err(io::Error::other(format!("{} is taken again and again", path.display())))
}

fn write_new(file: &mut File, bytes: &[u8], mode: u32, old: &Path) -> io::Result<()> {
    file.write_all(bytes)?;
    if let Ok(old) = fs::metadata(old) {
        // Only root may give files away.
        let _ = fchown(&*file, Some(old.uid()), Some(old.gid()));
    }
    file.set_permissions(Permissions::from_mode(mode))
}

/// What containers are often given is one file, as a mount of its own.
fn cannot_rename(cause: io::Error) -> io::Error {
    match cause.kind() {
        ErrorKind::ResourceBusy => {
            io::Error::other(format!("{cause}: the file is a mount of its own; mount its directory instead"))
        }
        _ => cause,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_crash_left_beside_the_file_is_swept_away() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("tags.json");
        replace(&path, b"1", PRIVATE).unwrap();
        let elsewhere = directory.path().join("elsewhere");
        fs::write(&elsewhere, "untouched").unwrap();
        std::os::unix::fs::symlink(&elsewhere, directory.path().join(".tags.json.new")).unwrap();
        replace(&path, b"2", PRIVATE).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"2");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_to_string(&elsewhere).unwrap(), "untouched");
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 2);
    }

    #[test]
    fn a_link_stays_a_link() {
        let directory = tempfile::tempdir().unwrap();
        let (target, link) = (directory.path().join("target"), directory.path().join("link"));
        fs::write(&target, "{}").unwrap();
        std::os::unix::fs::symlink(&target, &link).unwrap();
        replace(&link, b"new", 0o644).unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read(&target).unwrap(), b"new");
    }

    #[test]
    fn what_is_not_ours_is_never_written_through() {
        let directory = tempfile::tempdir().unwrap();
        let (path, other) = (directory.path().join("f"), directory.path().join("other"));
        fs::write(&other, "untouched").unwrap();
        fs::hard_link(&other, directory.path().join(".f.new")).unwrap();
        replace(&path, b"1", 0o644).unwrap();
        assert_eq!(fs::read_to_string(&other).unwrap(), "untouched");
        assert_eq!(fs::read(&path).unwrap(), b"1");
    }

    #[test]
    fn what_is_no_file_is_refused_and_waited_for_by_nobody() {
        let directory = tempfile::tempdir().unwrap();
        let pipe = |name: &str| {
            let path = directory.path().join(name);
            rustix::fs::mkfifoat(rustix::fs::CWD, &path, rustix::fs::Mode::from_raw_mode(0o600)).unwrap();
            path
        };
        let path = pipe("f");
        let told = "it is a pipe, and no file";
        assert_eq!(differing(&path, b"1", 0o644).unwrap_err().to_string(), told);
        assert_eq!(update(&path, b"1", 0o644).unwrap_err().to_string(), told);
        assert_eq!(replace(&path, b"1", 0o644).unwrap_err().to_string(), told);
        let told = "it is a device, and no file";
        assert_eq!(update(Path::new("/dev/null"), b"1", 0o644).unwrap_err().to_string(), told);
        let link = directory.path().join("link");
        std::os::unix::fs::symlink("/dev/full", &link).unwrap();
        assert_eq!(replace(&link, b"1", 0o644).unwrap_err().to_string(), told);
        // Where the new one is to be made: it is in the way, whether somebody reads from it or not.
        for is_read in [false, true] {
            let (path, new) = (directory.path().join("g"), pipe(".g.new"));
            let no_wait = i32::try_from(OFlags::NONBLOCK.bits()).unwrap();
            let reader =
                is_read.then(|| File::options().read(true).custom_flags(no_wait).open(&new).unwrap());
            replace(&path, b"1", 0o644).unwrap();
            assert_eq!(fs::read(&path).unwrap(), b"1");
            drop(reader);
        }
    }

    #[test]
    fn an_update_keeps_the_mode_and_touches_nothing_when_nothing_changed() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("f");
        assert!(update(&path, b"1", 0o640).unwrap());
        fs::set_permissions(&path, Permissions::from_mode(0o604)).unwrap();
        let inode = fs::metadata(&path).unwrap().ino();
        assert!(!update(&path, b"1", 0o640).unwrap());
        assert_eq!(fs::metadata(&path).unwrap().ino(), inode);
        assert!(update(&path, b"12", 0o640).unwrap());
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o604);
        // The beginning of what is there is not what is there.
        assert!(update(&path, b"1", 0o640).unwrap());
        assert_eq!(fs::read(&path).unwrap(), b"1");
    }

    #[test]
    fn a_note_is_whole_too_and_nothing_is_left_beside_it() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("f");
        assert!(note(&path, b"1", PRIVATE).unwrap() && note(&path, b"2", PRIVATE).unwrap());
        assert!(!note(&path, b"2", PRIVATE).unwrap());
        assert_eq!(fs::read(&path).unwrap(), b"2");
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_new_file_that_is_not_put_is_gone_and_the_old_one_is_there() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("f");
        replace(&path, b"old", 0o644).unwrap();
        let new = New::beside(&path, b"new", 0o640).unwrap();
        assert_eq!(fs::read(new.path()).unwrap(), b"new");
        assert_eq!(fs::read(&path).unwrap(), b"old");
        drop(new);
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
        New::beside(&path, b"new", 0o640).unwrap().put().unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
    }

    #[test]
    fn of_many_writers_each_leaves_a_whole_file() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("f");
        let whole = |letter: u8| vec![letter; 100_000];
        replace(&path, &whole(b'a'), 0o644).unwrap();
        std::thread::scope(|scope| {
            for letter in b'a'..=b'd' {
                let path = &path;
                scope.spawn(move || {
                    for _ in 0..20 {
                        replace(path, &whole(letter), 0o644).unwrap();
                        let read = fs::read(path).unwrap();
                        assert!(read.len() == 100_000 && read.iter().all(|byte| *byte == read[0]));
                    }
                });
            }
        });
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    }
}

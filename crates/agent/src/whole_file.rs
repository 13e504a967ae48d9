//! Replaces a small file whole or not at all.
//!
//! The new one is made beside the old one, brought to the disk, and put in its place: neither a crash nor a full disk takes
//! what was there. Blocks on the disk, so it is never called where gossip or clients wait.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// The mode of a file that only its owner may read.
pub(crate) const PRIVATE: u32 = 0o600;

/// Through a symbolic link its target is replaced, not the link.
pub(crate) fn replace(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let directory = target.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let name = target.file_name().ok_or_else(|| io::Error::other("this is no path of a file"))?;
    let new = directory.join(format!(".{}.new", name.to_string_lossy()));
    // Left over from a crash, and never to be written through.
    let _ = fs::remove_file(&new);
    let written =
        write_new(&new, bytes, mode).and_then(|()| fs::rename(&new, &target).map_err(cannot_rename));
    if written.is_err() {
        let _ = fs::remove_file(&new);
    }
    written?;
    // The file is in place; whether its directory survives a power cut is beyond what can be undone.
    if let Err(cause) = File::open(directory).and_then(|directory| directory.sync_all()) {
        tracing::debug!(%cause, "cannot sync {}", directory.display());
    }
    Ok(())
}

fn write_new(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    let mut file = File::options().write(true).create_new(true).mode(mode).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
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
    use std::os::unix::fs::PermissionsExt;

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
}

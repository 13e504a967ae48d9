//! Telling a service something: letters of s6-supervise, written to its control pipe.

use super::places::{Place, Trouble};
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use std::fs::File;
use std::io::{ErrorKind, Write};
use std::os::unix::fs::FileTypeExt;

/// Tells `place` these letters.
pub(super) fn tell(place: &Place, letters: &[u8]) -> Result<(), Trouble> {
    let mut control = open(place)?;
    control.write_all(letters).map_err(|cause| match cause.kind() {
        ErrorKind::WouldBlock => Trouble::Deaf(place.name.clone()),
        ErrorKind::BrokenPipe => Trouble::Unsupervised(place.name.clone()),
        _ => Trouble::of(&place.file("control"), cause),
    })
}

/// Whether somebody supervises it: then the pipe has a reader, and only then (`s6-svok`).
pub(super) fn is_supervised(place: &Place) -> Result<bool, Trouble> {
    match open(place) {
        Ok(_) => Ok(true),
        Err(Trouble::Unsupervised(_)) => Ok(false),
        Err(trouble) => Err(trouble),
    }
}

fn open(place: &Place) -> Result<File, Trouble> {
    let path = place.file("control");
    // Without O_NONBLOCK, opening waits for a reader.
    let flags = OFlags::WRONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = match rustix::fs::open(&path, flags, Mode::empty()) {
        Ok(file) => File::from(file),
        Err(Errno::NXIO | Errno::NOENT) => return Err(Trouble::Unsupervised(place.name.clone())),
        Err(cause) => return Err(Trouble::of(&path, cause.into())),
    };
    match file.metadata() {
        Ok(metadata) if metadata.file_type().is_fifo() => Ok(file),
        _ => Err(Trouble::Foreign { path, what: "the control pipe" }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    fn place() -> (tempfile::TempDir, Place) {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("supervise")).unwrap();
        let folder = dir.path().to_owned();
        (dir, Place { name: "web".into(), folder })
    }

    fn pipe(place: &Place) {
        let kind = rustix::fs::FileType::Fifo;
        rustix::fs::mknodat(rustix::fs::CWD, place.file("control"), kind, Mode::RWXU, 0).unwrap();
    }

    #[test]
    fn a_pipe_without_a_reader_is_told_at_once() {
        let (_dir, place) = place();
        assert!(matches!(tell(&place, b"u"), Err(Trouble::Unsupervised(_))), "there is none");
        pipe(&place);
        assert!(matches!(tell(&place, b"u"), Err(Trouble::Unsupervised(_))));
        assert!(!is_supervised(&place).unwrap());
    }

    #[test]
    fn letters_come_to_the_reader_and_one_that_does_not_read_is_named() {
        let (_dir, place) = place();
        pipe(&place);
        let flags = OFlags::RDONLY | OFlags::NONBLOCK;
        let mut reader = File::from(rustix::fs::open(place.file("control"), flags, Mode::empty()).unwrap());
        assert!(is_supervised(&place).unwrap());
        tell(&place, b"u").unwrap();
        let mut letters = [0; 8];
        assert_eq!(reader.read(&mut letters).unwrap(), 1);
        assert_eq!(letters[0], b'u');
        let filled = (0..1 << 20).find_map(|_| tell(&place, &[b'h'; 512]).err());
        assert!(matches!(filled, Some(Trouble::Deaf(_))), "{filled:?}");
    }

    #[test]
    fn a_file_in_place_of_the_pipe_is_not_written_to() {
        let (_dir, place) = place();
        std::fs::write(place.file("control"), "mine").unwrap();
        assert!(matches!(tell(&place, b"d"), Err(Trouble::Foreign { .. })));
        assert_eq!(std::fs::read(place.file("control")).unwrap(), b"mine");
    }
}

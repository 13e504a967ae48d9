//! `supervise/death_tally`: when and how a service ended, as s6-supervise keeps it and `s6-svdt`, `s6-svdt-clear` and `s6-permafailon` read
//! it (`s6_dtally_pack` of s6 2.11): 14 bytes for each end, oldest first.
//!
//! ```text
//! 12  when        TAI64N
//!  1  exit code
//!  1  signal
//! ```
//!
//! The file is the memory, as in s6: who clears it has cleared it.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::time::SystemTime;

use muster_supervise::Exit;

use crate::status::tai64n;

/// Its name.
pub(crate) const FILE: &str = "death_tally";
/// How long one end is.
const SIZE: usize = 14;
/// Ends that are kept when nobody says how many (s6-supervise's default).
pub(crate) const KEPT: usize = 100;
/// Most that are kept, whatever somebody says (`S6_MAX_DEATH_TALLY`).
pub(crate) const KEPT_MAX: usize = 4096;

/// What the file says with one more end in it, of which the last `kept` stay.
pub(crate) fn with(path: &Path, at: SystemTime, exit: Exit, kept: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    match File::open(path) {
        Ok(file) => file.take((KEPT_MAX * SIZE) as u64).read_to_end(&mut bytes)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => 0,
        Err(error) => return Err(error),
    };
    // Torn by somebody, it begins anew.
    if !bytes.len().is_multiple_of(SIZE) {
        bytes.clear();
    }
    let (code, signal) = match exit {
        Exit::Code(code) => (code, 0),
        Exit::Signal(signal) => (0, signal),
    };
    bytes.extend_from_slice(&tai64n(at));
    bytes.extend_from_slice(&[code, signal]);
    bytes.drain(..bytes.len().saturating_sub(kept.min(KEPT_MAX) * SIZE));
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, UNIX_EPOCH};

    /// The first end that Debian's s6-supervise 2.11 wrote for a service that ended with 7, read back from its file.
    #[test]
    fn an_end_stands_as_s6_writes_it() {
        let at = UNIX_EPOCH + Duration::new(0x6b09_93bd - 37, 0x1c62_526c);
        let bytes = with(Path::new("/nonexistent/tally"), at, Exit::Code(7), 3).unwrap();
        assert_eq!(bytes, *b"\x40\0\0\0\x6b\x09\x93\xbd\x1c\x62\x52\x6c\x07\0");
    }

    #[test]
    fn so_many_are_kept_and_what_was_cleared_or_torn_is_gone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("death_tally");
        let end = |signal, kept| {
            let bytes = with(&path, UNIX_EPOCH, Exit::Signal(signal), kept).unwrap();
            std::fs::write(&path, &bytes).unwrap();
            bytes.chunks(SIZE).map(|end| end[13]).collect::<Vec<_>>()
        };
        assert_eq!([end(1, 2), end(2, 2), end(3, 2)], [vec![1], vec![1, 2], vec![2, 3]]);
        assert_eq!(end(4, 0), []);
        std::fs::write(&path, "torn").unwrap();
        assert_eq!(end(5, 9), [5]);
    }
}

//! The snapshot file itself: read line by line at the start, appended to, and written anew now and then.
//!
//! Everything here blocks on the disk. A crash costs at most the line it tore: lines are appended, and the file is replaced
//! whole. After a write that failed nobody knows what stands at its end, so the next one writes it anew.

use muster_serf::snapshot::{Journal, Snapshot};
use muster_whole_file as whole_file;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// A line is never longer: a name has at most 255 bytes where it matters. Longer ones are skipped.
const LINE_BYTES_MAX: u64 = 4 << 10;
/// Serf's. There is nothing secret in it.
const MODE: u32 = 0o644;

/// A snapshot file that is kept up to date.
#[derive(Debug)]
pub(super) struct SnapshotFile {
    path: PathBuf,
    /// None while a write failed.
    file: Option<File>,
}

/// What a file held.
#[derive(Debug)]
pub(super) struct Opened {
    pub file: SnapshotFile,
    pub snapshot: Snapshot,
    pub bytes: usize,
    /// Lines that were none.
    pub skipped: usize,
}

impl SnapshotFile {
    /// Reads what is there, which may be nothing yet, and makes ready to append to it.
    pub(super) fn open(path: &Path, rejoin_after_leave: bool) -> io::Result<Opened> {
        let (mut snapshot, mut skipped, mut bytes, mut torn) = (Snapshot::default(), 0, 0, false);
        match fs::metadata(path) {
            // A pipe would never end.
            Ok(metadata) if !metadata.is_file() => return Err(io::Error::other("it is no ordinary file")),
            Ok(_) => {
                let mut lines = BufReader::new(File::open(path)?);
                let mut line = Vec::new();
                loop {
                    line.clear();
                    let length = (&mut lines).take(LINE_BYTES_MAX).read_until(b'\n', &mut line)?;
                    if length == 0 {
                        break;
                    }
                    bytes += length;
                    torn = line.last() != Some(&b'\n');
                    // Of one that is too long the rest is read as the next, and is most likely none either.
                    skipped += usize::from(snapshot.take_line(&line, rejoin_after_leave).is_err());
                }
            }
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => {}
            Err(cause) => return Err(cause),
        }
        let mut file = append_to(path)?;
        if torn {
            // What is appended shall be a line of its own. If it cannot be written, nothing can, and that will be told.
            let _ = file.write_all(b"\n");
        }
        let file = Self { path: path.to_owned(), file: Some(file) };
        Ok(Opened { file, snapshot, bytes, skipped })
    }

    /// Appends `lines`, or writes the whole file anew where that is due; with `sync` it is on the disk afterwards.
    pub(super) fn write(&mut self, journal: &mut Journal, lines: &str, sync: bool) -> io::Result<()> {
        // Taken, so that it stays away after an error.
        match self.file.take() {
            Some(mut file) if !journal.is_long() => {
                file.write_all(lines.as_bytes())?;
                if sync {
                    file.sync_all()?;
                }
                self.file = Some(file);
            }
            _ => {
                whole_file::replace(&self.path, journal.rewrite().as_bytes(), MODE)?;
                self.file = Some(append_to(&self.path)?);
            }
        }
        Ok(())
    }

    /// Whether the last write failed.
    pub(super) fn is_broken(&self) -> bool {
        self.file.is_none()
    }
}

fn append_to(path: &Path) -> io::Result<File> {
    File::options().append(true).create(true).mode(MODE).open(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use muster_serf::Stats;

    fn clocks(member_time: u64) -> Stats {
        Stats { member_time, ..Stats::default() }
    }

    /// Opens the file, and writes that the member clock shows `time`.
    fn tick(path: &Path, time: u64) -> io::Result<(Opened, Journal)> {
        let mut read = SnapshotFile::open(path, false)?;
        let mut journal = Journal::new(read.snapshot.clone(), read.bytes, false);
        let lines = journal.catch_up([].into_iter(), &clocks(time));
        read.file.write(&mut journal, &lines, true)?;
        Ok((read, journal))
    }

    #[test]
    fn a_torn_line_costs_itself_only() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("snapshot");
        tick(&path, 5).unwrap();
        fs::write(&path, "clock: 4\nalive: web 10.0.0.1:79").unwrap();
        let (read, _) = tick(&path, 8).unwrap();
        assert_eq!((read.snapshot.clock, read.snapshot.alive.len(), read.skipped), (4, 0, 1));
        assert_eq!(fs::read_to_string(&path).unwrap(), "clock: 4\nalive: web 10.0.0.1:79\nclock: 7\n");
    }

    #[test]
    fn lines_of_any_length_cost_no_memory_and_no_neighbour() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("snapshot");
        let endless =
            [b"clock: 1\nalive: ", &vec![b'x'; 1 << 20][..], b" 10.0.0.1:1\nevent-clock: 2\n"].concat();
        fs::write(&path, endless).unwrap();
        let read = SnapshotFile::open(&path, false).unwrap();
        assert_eq!((read.snapshot.clock, read.snapshot.event_clock, read.snapshot.alive.len()), (1, 2, 0));
    }

    #[test]
    fn after_a_failure_the_file_is_written_whole() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("snapshot");
        let (mut read, mut journal) = tick(&path, 5).unwrap();
        // A disk that is full.
        read.file.file = Some(File::options().write(true).open("/dev/full").unwrap());
        let lines = journal.catch_up([].into_iter(), &clocks(6));
        assert!(read.file.write(&mut journal, &lines, false).is_err());
        assert!(read.file.is_broken());
        // Somebody made room.
        read.file.write(&mut journal, "", false).unwrap();
        assert!(!read.file.is_broken());
        assert_eq!(fs::read_to_string(&path).unwrap(), "clock: 5\nevent-clock: 0\nquery-clock: 0\n");
        let lines = journal.catch_up([].into_iter(), &clocks(9));
        read.file.write(&mut journal, &lines, false).unwrap();
        assert!(fs::read_to_string(&path).unwrap().ends_with("query-clock: 0\nclock: 8\n"));
    }

    #[test]
    fn what_is_no_file_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        assert!(SnapshotFile::open(directory.path(), false).is_err());
        assert!(SnapshotFile::open(Path::new("/dev/zero"), false).is_err());
        assert!(SnapshotFile::open(&directory.path().join("no/such/snapshot"), false).is_err());
    }
}

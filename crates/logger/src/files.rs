//! A file for each service, and for each name in a rule; full ones get a number.
//!
//! Lines are gathered within a round and written at its end. A file that could not take all of them is cut back to what it was, so that
//! it never ends within a line that is not repeated; what it could not take is dropped and counted, in the file too when there is room
//! again.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use muster_logs::{Instant, Limits, file_name, moves, name_of_old};
use nix::fcntl::OFlag;

use crate::complaints::Complaints;
use crate::nonblocking::ends_within_a_line;

/// How long a file that could not get a number goes on as it is.
const AGAIN_AFTER: Duration = Duration::from_secs(10);

/// See the module's page.
#[derive(Debug)]
pub(crate) struct Files {
    folder: PathBuf,
    limits: Limits,
    /// By the name that was asked for. As many as there are services and rules.
    by_name: BTreeMap<String, LogFile>,
}

#[derive(Debug)]
struct LogFile {
    /// Its own name, which is safe.
    name: String,
    open: Option<Open>,
    /// What is to be written at the end of the round.
    gathered: Vec<u8>,
    lines: u64,
    dropped: u64,
    /// Not before this time it is tried again to give it a number.
    rotates_from: Instant,
}

#[derive(Debug)]
struct Open {
    file: File,
    size: u64,
    born: SystemTime,
}

impl Files {
    pub(crate) fn new(folder: PathBuf, limits: Limits) -> Self {
        Self { folder, limits, by_name: BTreeMap::new() }
    }

    /// Adds a line to the file of this name.
    pub(crate) fn put(
        &mut self,
        name: &str,
        line: &[u8],
        now: Instant,
        complaints: &mut Complaints,
        notice: impl FnOnce(u64) -> Vec<u8>,
    ) {
        if !self.by_name.contains_key(name) {
            self.by_name.insert(name.to_owned(), LogFile::new(name));
        }
        let Some(file) = self.by_name.get_mut(name) else { return };
        let place = Place { folder: &self.folder, limits: &self.limits };
        file.rotate_if_due(&place, line.len() as u64, now, complaints);
        if file.dropped > 0 && file.gathered.is_empty() {
            file.gathered.extend_from_slice(&notice(file.dropped));
        }
        file.gathered.extend_from_slice(line);
        file.lines += 1;
    }

    /// Writes what was gathered.
    pub(crate) fn push(&mut self, complaints: &mut Complaints) {
        for file in self.by_name.values_mut() {
            file.write(&self.folder, complaints);
        }
    }

    /// Files are opened again: somebody may have moved them away.
    pub(crate) fn reopen(&mut self) {
        self.by_name.values_mut().for_each(|file| file.open = None);
    }
}

struct Place<'a> {
    folder: &'a Path,
    limits: &'a Limits,
}

impl LogFile {
    fn new(name: &str) -> Self {
        Self {
            name: file_name(name),
            open: None,
            gathered: Vec::new(),
            lines: 0,
            dropped: 0,
            rotates_from: Instant::default(),
        }
    }

    fn rotate_if_due(&mut self, place: &Place<'_>, more: u64, now: Instant, complaints: &mut Complaints) {
        if now < self.rotates_from {
            return;
        }
        if self.open.is_none() {
            // What cannot be opened is complained of when it is written.
            let _ = self.open(place.folder);
        }
        let Some(open) = &self.open else { return };
        let age = SystemTime::now().duration_since(open.born).unwrap_or_default();
        if !place.limits.is_due(open.size + self.gathered.len() as u64, age, more) {
            return;
        }
        self.write(place.folder, complaints);
        if self.open.as_ref().is_none_or(|open| open.size == 0) {
            return;
        }
        match rotate(place, &self.name) {
            Ok(()) => self.open = None,
            Err(error) => {
                self.rotates_from = now + AGAIN_AFTER;
                complaints
                    .note(&self.name, &format!("it is full and cannot get a number, so it grows: {error}"));
            }
        }
    }

    fn write(&mut self, folder: &Path, complaints: &mut Complaints) {
        if self.gathered.is_empty() {
            return;
        }
        let lines = std::mem::take(&mut self.lines);
        match self.try_write(folder) {
            Ok(()) => self.dropped = 0,
            Err(error) => {
                self.dropped += lines;
                complaints.lost(&self.name, &error.to_string(), lines);
            }
        }
        self.gathered.clear();
    }

    fn try_write(&mut self, folder: &Path) -> io::Result<()> {
        // Somebody may have removed it or cut it short.
        let is_there = |open: &mut Open| match open.file.metadata() {
            Ok(now) if now.nlink() > 0 => {
                open.size = now.len();
                true
            }
            _ => false,
        };
        if !self.open.as_mut().is_some_and(is_there) {
            self.open(folder)?;
        }
        let Some(open) = &mut self.open else { return Ok(()) };
        match open.file.write_all(&self.gathered) {
            Ok(()) => {
                open.size += self.gathered.len() as u64;
                Ok(())
            }
            Err(error) => {
                // Back to what it was; that needs no room.
                let _ = open.file.set_len(open.size);
                Err(error)
            }
        }
    }

    fn open(&mut self, folder: &Path) -> io::Result<()> {
        self.open = None;
        let path = folder.join(&self.name);
        let mut options = File::options();
        // Neither through a link that somebody laid, nor waiting at a pipe.
        let flags = OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK;
        options.read(true).append(true).create(true).mode(0o640).custom_flags(flags.bits());
        let opened = options.open(&path).or_else(|error| match error.kind() {
            io::ErrorKind::NotFound => fs::create_dir_all(folder).and_then(|()| options.open(&path)),
            _ => Err(error),
        });
        let mut file = opened?;
        let about = file.metadata()?;
        if !about.is_file() {
            return Err(io::Error::other("it is no file"));
        }
        if ends_within_a_line(&mut file)? {
            file.write_all(b"\n")?;
        }
        let born = about.created().or_else(|_| about.modified()).unwrap_or_else(|_| SystemTime::now());
        self.open = Some(Open { size: file.metadata()?.len(), file, born });
        Ok(())
    }
}

/// Gives a full file the number 1, and makes room for that.
fn rotate(place: &Place<'_>, name: &str) -> io::Result<()> {
    let path = |number| place.folder.join(name_of_old(name, number));
    let exists = |number| fs::symlink_metadata(path(number)).is_ok();
    for one in moves(place.limits.keep, exists) {
        fs::rename(path(one.from), path(one.to))?;
    }
    Ok(())
}

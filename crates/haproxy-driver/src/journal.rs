//! Servers between two states, on the disk: whoever drives this HAProxy next finishes what was begun, and takes nothing of it for an
//! operator's wish. A newcomer is in maintenance until it answers, and HAProxy does not say who put it there.
//!
//! One line that names the process, then one for each server. Written before the first command of a change, so that no moment
//! is left in which a kill would lose it.

use crate::guests::Guests;
use crate::stamp::Stamp;
use muster_haproxy::{Leaving, New};
use muster_whole_file as whole_file;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// Longest that is read: ten thousand servers take some 1 MB.
const BYTES_MAX: u64 = 16 << 20;

const CHANGING: &str = "changing";
const ENTERING: &str = "entering ";
const LEAVING: &str = "leaving ";

/// What was begun.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Begun {
    pub(crate) guests: Guests,
    /// Some commands of a change were sent, nobody knows how many.
    pub(crate) is_changing: bool,
}

fn path_of(file: &Path) -> PathBuf {
    whole_file::companion(file, "guests")
}

/// Keeps it.
pub(crate) fn write(file: &Path, process: &Stamp, begun: &Begun) {
    if let Err(error) = whole_file::note(&path_of(file), text(process, begun).as_bytes(), whole_file::PRIVATE)
    {
        tracing::warn!(
            "cannot keep which servers of HAProxy enter and leave, so if this ends now they may stay in maintenance: {error}"
        );
    }
}

/// What was begun with `process`; nothing if it is another one.
pub(crate) fn read(file: &Path, process: &Stamp) -> Begun {
    let mut text = String::new();
    let read = File::open(path_of(file)).and_then(|file| file.take(BYTES_MAX).read_to_string(&mut text));
    match read {
        Ok(_) => parse(&text, process),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Begun::default(),
        Err(error) => {
            tracing::warn!("cannot read which servers of HAProxy enter and leave: {error}");
            Begun::default()
        }
    }
}

fn text(process: &Stamp, begun: &Begun) -> String {
    let mut text = process.line();
    text.push('\n');
    if begun.is_changing {
        text.push_str(CHANGING);
        text.push('\n');
    }
    for (name, new) in &begun.guests.entering {
        text.push_str(&format!("{ENTERING}{}\n", new.line(name)));
    }
    for (name, leaving) in &begun.guests.leaving {
        text.push_str(&format!("{LEAVING}{}\n", leaving.line(name)));
    }
    text
}

fn parse(text: &str, process: &Stamp) -> Begun {
    let mut lines = text.lines();
    let is_its = lines.next().and_then(Stamp::read).is_some_and(|noted| noted.is_same(process));
    let mut begun = Begun::default();
    for line in lines.filter(|_| is_its) {
        if line == CHANGING {
            begun.is_changing = true;
        } else if let Some((name, new)) = line.strip_prefix(ENTERING).and_then(New::read) {
            begun.guests.entering.insert(name, new);
        } else if let Some((name, leaving)) = line.strip_prefix(LEAVING).and_then(Leaving::read) {
            begun.guests.leaving.insert(name, leaving);
        }
    }
    begun
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn what_was_begun_is_known_again_for_the_same_process_only() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("haproxy.cfg");
        let process = Stamp::new(7, Duration::from_secs(100));
        assert_eq!(read(&file, &process), Begun::default());
        let mut begun = Begun { is_changing: true, ..Begun::default() };
        let (name, new) = New::read("b/s1 10.0.0.1:80 check inter 2s").unwrap();
        begun.guests.entering.insert(name, new);
        let (name, leaving) = Leaving::read("b/s2 10.0.0.2:80").unwrap();
        begun.guests.leaving.insert(name, leaving);
        write(&file, &process, &begun);
        assert_eq!(read(&file, &process), begun);
        assert_eq!(read(&file, &Stamp::new(8, Duration::from_secs(100))), Begun::default());
        std::fs::write(path_of(&file), "7\nentering\n\u{0}leaving x\nentering b/s\n").unwrap();
        assert_eq!(read(&file, &process), Begun::default(), "nonsense is nothing");
    }
}

//! `s6-svwait`: waits until services are up, ready or down. It watches their status files and never polls.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::inotify;

use super::{SYSTEM_FAILED, WRONG_USAGE, fail};
use crate::status::Status;

const NAME: &str = "s6-svwait";
const USAGE: &str = "usage: s6-svwait [-U|-u|-D|-d|-r|-R] [-a|-o] [-t MILLISECONDS] SERVICEDIR...";
const TIMED_OUT: u8 = 99;

/// What is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wanted {
    Up,
    Ready,
    Down,
    ReallyDown,
    /// Up again, as another process.
    Restarted,
    /// That, and ready.
    RestartedReady,
}

impl Wanted {
    pub(super) fn of_letter(letter: &str) -> Option<Self> {
        Some(match letter {
            "u" => Self::Up,
            "U" => Self::Ready,
            "d" => Self::Down,
            "D" => Self::ReallyDown,
            "r" => Self::Restarted,
            "R" => Self::RestartedReady,
            _ => return None,
        })
    }

    fn is_met(self, status: &Status, before: Option<&Status>) -> bool {
        let up = status.pid.is_some() && !status.finishing;
        let another = before.is_none_or(|before| before.pid != status.pid || before.since != status.since);
        match self {
            Self::Up => up,
            Self::Ready => up && status.ready,
            Self::Down => !up,
            Self::ReallyDown => !up && status.ready,
            Self::Restarted => up && another,
            Self::RestartedReady => up && another && status.ready,
        }
    }
}

pub(super) fn run(words: &[OsString]) -> u8 {
    let (mut wanted, mut any, mut limit, mut folders) = (Wanted::Up, false, None, Vec::<PathBuf>::new());
    let mut parser = lexopt::Parser::from_args(words.iter().cloned());
    loop {
        let argument = match parser.next() {
            Ok(Some(argument)) => argument,
            Ok(None) => break,
            Err(error) => return fail(NAME, format_args!("{error}\n{USAGE}"), WRONG_USAGE),
        };
        match argument {
            lexopt::Arg::Short('a') => any = false,
            lexopt::Arg::Short('o') => any = true,
            lexopt::Arg::Short('t') => {
                match parser.value().ok().and_then(|limit| limit.to_str()?.parse().ok()) {
                    Some(milliseconds) => {
                        limit = Some(Duration::from_millis(milliseconds)).filter(|limit| !limit.is_zero());
                    }
                    None => return fail(NAME, format_args!("-t wants milliseconds\n{USAGE}"), WRONG_USAGE),
                }
            }
            lexopt::Arg::Value(folder) => folders.push(folder.into()),
            lexopt::Arg::Short(letter) => match Wanted::of_letter(letter.encode_utf8(&mut [0; 4])) {
                Some(found) => wanted = found,
                None => return fail(NAME, USAGE, WRONG_USAGE),
            },
            lexopt::Arg::Long(_) => return fail(NAME, USAGE, WRONG_USAGE),
        }
    }
    let before: Vec<_> = folders.iter().map(|folder| status_of(folder).ok()).collect();
    wait_for(NAME, &folders, wanted, any, limit, &before)
}

/// Where a service stands.
pub(super) fn status_of(folder: &Path) -> io::Result<Status> {
    let bytes = std::fs::read(folder.join("supervise/status"))?;
    Status::from_bytes(&bytes).ok_or_else(|| io::Error::other("its supervise/status is not one"))
}

/// Waits until all are as wanted; `before`: where they stood when somebody asked for it.
pub(super) fn wait_for_all(
    name: &str,
    folders: &[PathBuf],
    wanted: Wanted,
    limit: Option<Duration>,
    before: &[Option<Status>],
) -> u8 {
    wait_for(name, folders, wanted, false, limit, before)
}

fn wait_for(
    name: &str,
    folders: &[PathBuf],
    wanted: Wanted,
    any: bool,
    limit: Option<Duration>,
    before: &[Option<Status>],
) -> u8 {
    if folders.is_empty() {
        return 0;
    }
    let started = Instant::now();
    match watch(folders, wanted, any, limit.map(|limit| started + limit), before) {
        Ok(true) => 0,
        Ok(false) => fail(name, "timed out", if name == NAME { TIMED_OUT } else { 1 }),
        Err((folder, error)) => fail(name, format_args!("{}: {error}", folder.display()), SYSTEM_FAILED),
    }
}

/// Whether it came to what is wanted in time.
fn watch(
    folders: &[PathBuf],
    wanted: Wanted,
    any: bool,
    until: Option<Instant>,
    before: &[Option<Status>],
) -> Result<bool, (PathBuf, io::Error)> {
    let first = || folders.first().cloned().unwrap_or_default();
    let inotify = inotify::init(inotify::CreateFlags::CLOEXEC | inotify::CreateFlags::NONBLOCK)
        .map_err(|error| (first(), error.into()))?;
    for folder in folders {
        // A status is renamed into its place.
        inotify::add_watch(&inotify, folder.join("supervise"), inotify::WatchFlags::MOVED_TO)
            .map_err(|error| (folder.clone(), error.into()))?;
    }
    loop {
        let mut met = 0;
        for (folder, before) in folders.iter().zip(before) {
            let status = status_of(folder).map_err(|error| (folder.clone(), error))?;
            met += usize::from(wanted.is_met(&status, before.as_ref()));
        }
        if met == folders.len() || any && met > 0 {
            return Ok(true);
        }
        let left = until.map(|until| until.saturating_duration_since(Instant::now()));
        if left.is_some_and(|left| left.is_zero()) {
            return Ok(false);
        }
        let timeout = left.and_then(|left| Timespec::try_from(left).ok());
        let _ = poll(&mut [PollFd::new(&inotify, PollFlags::IN)], timeout.as_ref());
        let _ = rustix::io::read(&inotify, &mut [0_u8; 4096]);
    }
}

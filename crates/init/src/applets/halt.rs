//! `halt`: ends the container, as s6-overlay's `/run/s6/basedir/bin/halt` does. An exit code written to
//! `/run/s6-linux-init-container-results/exitcode` before is the container's.

use std::ffi::OsString;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::{SYSTEM_FAILED, WRONG_USAGE, fail};

/// `s6-svscanctl -t /var/run/s6/services`, the way of s6-overlay 2 to end the container. Its other options have no meaning here.
pub(super) fn svscanctl(words: &[OsString]) -> u8 {
    let ends = words.iter().any(|word| {
        word.to_str().is_some_and(|word| word.starts_with('-') && word.contains(['t', 'q', '9']))
    });
    match ends {
        true => run(&[]),
        false => 0,
    }
}

pub(super) fn run(words: &[OsString]) -> u8 {
    if !words.is_empty() {
        return fail("halt", "usage: halt (it takes no arguments, and ends this container)", WRONG_USAGE);
    }
    match kill(Pid::from_raw(1), Signal::SIGTERM) {
        Ok(()) => 0,
        Err(error) => fail("halt", format_args!("PID 1 cannot be asked: {error}"), SYSTEM_FAILED),
    }
}

//! The letters of s6-supervise: each byte in a service's control pipe is a command, each byte told to those who wait a milestone.

use muster_supervise::{Command, Life, Milestone, Want};
use nix::sys::signal::Signal;

/// What a letter asks for; `None`: it is none of s6's, or has no meaning here (`x` ends a supervisor of one service).
pub(crate) fn command(letter: u8, life: &Life, stop_signal: i32) -> Option<Command> {
    let signal = |signal: Signal| Command::Signal(signal as i32);
    Some(match letter {
        b'u' | b'U' => Command::Up,
        b'd' | b'D' => Command::Down,
        b'o' => Command::Once,
        // At most once: what runs may end by itself, what does not is not started.
        b'O' | b'Q' if life.pid.is_some() => Command::Once,
        b'O' | b'Q' => Command::Down,
        b'r' if life.want == Want::Up => Command::Restart,
        b'r' => Command::Signal(stop_signal),
        b'a' => signal(Signal::SIGALRM),
        b'b' => signal(Signal::SIGABRT),
        b'q' => signal(Signal::SIGQUIT),
        b'h' | b'l' => signal(Signal::SIGHUP),
        b'k' => signal(Signal::SIGKILL),
        b't' => signal(Signal::SIGTERM),
        b'i' => signal(Signal::SIGINT),
        b'1' => signal(Signal::SIGUSR1),
        b'2' => signal(Signal::SIGUSR2),
        b'y' => signal(Signal::SIGWINCH),
        b'p' => signal(Signal::SIGSTOP),
        b'c' => signal(Signal::SIGCONT),
        _ => return None,
    })
}

/// Whether a letter stops a process for the time being, or lets it go on.
pub(crate) const fn pauses(letter: u8) -> Option<bool> {
    match letter {
        b'p' => Some(true),
        b'c' => Some(false),
        _ => None,
    }
}

/// What those who wait are told.
pub(crate) const fn of_milestone(milestone: Milestone) -> u8 {
    match milestone {
        Milestone::Up => b'u',
        Milestone::Ready => b'U',
        Milestone::Down => b'd',
        Milestone::ForGood => b'O',
        Milestone::Clear => b'D',
    }
}

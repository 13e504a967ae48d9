//! `muster signal NAME SIGNAL`.

use super::control::{is_supervised, tell};
use super::places::{Place, Places, Trouble, is_up};
use crate::cli::SignalArgs;
use crate::config::suggest;
use crate::{exit, out};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use std::process::ExitCode;

/// All signals but those of real time, and the letters that s6 has for some.
const SIGNALS: [(&str, Signal, Option<u8>); 31] = [
    ("HUP", Signal::HUP, Some(b'h')),
    ("INT", Signal::INT, Some(b'i')),
    ("QUIT", Signal::QUIT, Some(b'q')),
    ("ILL", Signal::ILL, None),
    ("TRAP", Signal::TRAP, None),
    ("ABRT", Signal::ABORT, Some(b'b')),
    ("BUS", Signal::BUS, None),
    ("FPE", Signal::FPE, None),
    ("KILL", Signal::KILL, Some(b'k')),
    ("USR1", Signal::USR1, Some(b'1')),
    ("SEGV", Signal::SEGV, None),
    ("USR2", Signal::USR2, Some(b'2')),
    ("PIPE", Signal::PIPE, None),
    ("ALRM", Signal::ALARM, Some(b'a')),
    ("TERM", Signal::TERM, Some(b't')),
    ("STKFLT", Signal::STKFLT, None),
    ("CHLD", Signal::CHILD, None),
    ("CONT", Signal::CONT, Some(b'c')),
    ("STOP", Signal::STOP, Some(b'p')),
    ("TSTP", Signal::TSTP, None),
    ("TTIN", Signal::TTIN, None),
    ("TTOU", Signal::TTOU, None),
    ("URG", Signal::URG, None),
    ("XCPU", Signal::XCPU, None),
    ("XFSZ", Signal::XFSZ, None),
    ("VTALRM", Signal::VTALARM, None),
    ("PROF", Signal::PROF, None),
    ("WINCH", Signal::WINCH, Some(b'y')),
    ("IO", Signal::IO, None),
    ("PWR", Signal::POWER, None),
    ("SYS", Signal::SYS, None),
];

/// What a signal is called; its number if it has no name.
pub(super) fn name(number: i32) -> String {
    let known = SIGNALS.iter().find(|(_, signal, _)| signal.as_raw() == number);
    known.map_or_else(|| number.to_string(), |(name, ..)| (*name).to_owned())
}

/// `HUP`, `SIGHUP`, `hup` or `1`, as the command line has it.
pub(crate) fn parse(text: &str) -> Result<ToSend, String> {
    let upper = text.to_ascii_uppercase();
    let plain = upper.strip_prefix("SIG").unwrap_or(&upper);
    let number = text.parse::<i32>().ok();
    let known = SIGNALS.iter().find(|(name, signal, _)| *name == plain || Some(signal.as_raw()) == number);
    match known {
        Some((name, signal, letter)) => Ok(ToSend { name, signal: *signal, letter: *letter }),
        None => {
            let hint = suggest::hint(plain, SIGNALS.iter().map(|(name, ..)| *name));
            Err(format!("there is no such signal{hint}"))
        }
    }
}

/// A signal to send.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct ToSend {
    name: &'static str,
    signal: Signal,
    letter: Option<u8>,
}

pub(crate) fn run(args: SignalArgs) -> ExitCode {
    let SignalArgs { name, signal, controlled } = args;
    let places = Places::look(controlled.dir()).and_then(|places| places.named(&[name]));
    let sent = places.and_then(|places| {
        places
            .iter()
            .map(|place| Ok((place.name.clone(), send(place, signal)?)))
            .collect::<Result<Vec<_>, _>>()
    });
    match sent {
        Ok(sent) => match sent.into_iter().find(|(_, runs)| !runs) {
            Some((name, _)) => {
                out::fail(&format_args!("`{name}` does not run: {} went to nobody", signal.name))
            }
            None => exit::CLEAN,
        },
        Err(trouble) => out::fail(&trouble),
    }
}

/// Sends it, if the service runs.
fn send(place: &Place, ToSend { signal, letter, .. }: ToSend) -> Result<bool, Trouble> {
    let status = place.status()?;
    if !is_supervised(place)? {
        return Err(Trouble::Unsupervised(place.name.clone()));
    }
    let Some(pid) = status.pid.filter(|_| is_up(&status)) else { return Ok(false) };
    if let Some(letter) = letter {
        // Its supervisor sends it, and knows what that means: one that is stopped is shown as paused, for one.
        tell(place, &[letter])?;
        return Ok(true);
    }
    // s6 has no letter for it, so that the supervisor cannot be asked. The number is the supervisor's word, and it may have reaped
    // that process meanwhile: so hold whoever has it now, and see that the word still holds before it gets anything.
    let Some(process) = i32::try_from(pid).ok().and_then(Pid::from_raw) else { return Ok(false) };
    let system = |cause: rustix::io::Errno| Trouble::of(&place.folder, cause.into());
    let held = match pidfd_open(process, PidfdFlags::empty()) {
        Err(rustix::io::Errno::SRCH) => return Ok(false),
        held => held.map_err(system)?,
    };
    if place.status()?.pid != Some(pid) {
        return Ok(false);
    }
    match pidfd_send_signal(&held, signal) {
        Err(rustix::io::Errno::SRCH) => Ok(false),
        sent => sent.map(|()| true).map_err(system),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signal_is_named_as_people_do() {
        for text in ["HUP", "SIGHUP", "hup", "sighup", "1"] {
            assert_eq!(parse(text).map(|signal| signal.letter), Ok(Some(b'h')), "{text}");
        }
        assert_eq!(parse("SEGV").map(|signal| signal.letter), Ok(None));
        assert_eq!(parse("hub"), Err("there is no such signal; did you mean `HUP`?".to_owned()));
        for text in ["0", "-1", "64", "", "SIG", "x y"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn all_that_s6_has_letters_for_is_sent_by_them() {
        let letters: Vec<u8> = SIGNALS.iter().filter_map(|(.., letter)| *letter).collect();
        let mut sorted = letters.clone();
        sorted.sort_unstable();
        assert_eq!(String::from_utf8(sorted).unwrap(), "12abchikpqty");
        assert_eq!(name(9), "KILL");
        assert_eq!(name(99), "99");
    }
}

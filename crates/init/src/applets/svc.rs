//! `s6-svc`: sends commands to a service. They are bytes in its `supervise/control`, each option is one.

use std::ffi::OsString;
use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::svwait::{self, Wanted};
use super::{SYSTEM_FAILED, WRONG_USAGE, fail};
use crate::folders::parse_signal;

const NAME: &str = "s6-svc";
const USAGE: &str = "usage: s6-svc [-wu|-wU|-wd|-wD|-wr|-wR] [-T MILLISECONDS] [-s SIGNAL | -abqhkti12pcyr] [-oduDUxO] SERVICEDIR...";
/// Options that are a command each.
const COMMANDS: &str = "abqhkti12pcyrloduDUxOQ";

#[derive(Debug, Default)]
struct Options {
    commands: Vec<u8>,
    wait: Option<Wanted>,
    limit: Option<Duration>,
    folders: Vec<PathBuf>,
}

pub(super) fn run(words: &[OsString]) -> u8 {
    let options = match parse(words) {
        Ok(options) => options,
        Err(error) => return fail(NAME, format_args!("{error}\n{USAGE}"), WRONG_USAGE),
    };
    // Who waits for a change must know what was before it.
    let before = options.folders.iter().map(|folder| svwait::status_of(folder).ok()).collect::<Vec<_>>();
    let mut code = 0;
    for folder in &options.folders {
        if let Err((error, its_code)) = send(folder, &options.commands) {
            code = fail(NAME, format_args!("{}: {error}", folder.display()), its_code);
        }
    }
    match options.wait {
        Some(wanted) if code == 0 => {
            svwait::wait_for_all(NAME, &options.folders, wanted, options.limit, &before)
        }
        _ => code,
    }
}

fn parse(words: &[OsString]) -> Result<Options, String> {
    let mut options = Options::default();
    let mut parser = lexopt::Parser::from_args(words.iter().cloned());
    let text = |error: lexopt::Error| error.to_string();
    while let Some(argument) = parser.next().map_err(text)? {
        match argument {
            lexopt::Arg::Short('w') => {
                let wanted = parser.value().map_err(text)?;
                options.wait =
                    Some(wanted.to_str().and_then(Wanted::of_letter).ok_or("-w wants one of u U d D r R")?);
            }
            lexopt::Arg::Short('T') => {
                let limit = parser.value().map_err(text)?;
                let limit =
                    limit.to_str().and_then(|limit| limit.parse().ok()).ok_or("-T wants milliseconds")?;
                options.limit = Some(Duration::from_millis(limit)).filter(|limit| !limit.is_zero());
            }
            lexopt::Arg::Short('s') => {
                let signal = parser.value().map_err(text)?;
                let number = signal
                    .to_str()
                    .and_then(parse_signal)
                    .ok_or_else(|| format!("there is no signal {signal:?}"))?;
                options.commands.push(
                    letter_of(number).ok_or_else(|| format!("the signal {signal:?} cannot be sent so"))?,
                );
            }
            lexopt::Arg::Short(letter) if COMMANDS.contains(letter) => {
                options.commands.push(u8::try_from(letter).map_err(|error| error.to_string())?);
            }
            lexopt::Arg::Value(folder) => options.folders.push(folder.into()),
            other => return Err(other.unexpected().to_string()),
        }
    }
    if options.folders.is_empty() {
        return Err("no service was named".to_owned());
    }
    Ok(options)
}

fn letter_of(signal: i32) -> Option<u8> {
    use nix::libc;
    Some(match signal {
        libc::SIGALRM => b'a',
        libc::SIGABRT => b'b',
        libc::SIGQUIT => b'q',
        libc::SIGHUP => b'h',
        libc::SIGKILL => b'k',
        libc::SIGTERM => b't',
        libc::SIGINT => b'i',
        libc::SIGUSR1 => b'1',
        libc::SIGUSR2 => b'2',
        libc::SIGSTOP => b'p',
        libc::SIGCONT => b'c',
        libc::SIGWINCH => b'y',
        _ => return None,
    })
}

fn send(folder: &Path, commands: &[u8]) -> Result<(), (String, u8)> {
    if commands.is_empty() {
        return Ok(());
    }
    let path = folder.join("supervise/control");
    // Without a reader, opening must not wait for one.
    let mut control =
        OpenOptions::new().write(true).custom_flags(nix::libc::O_NONBLOCK).open(&path).map_err(|error| {
            match error.raw_os_error() {
                Some(nix::libc::ENOENT | nix::libc::ENOTDIR) => {
                    ("no such service, or nobody supervises it".to_owned(), WRONG_USAGE)
                }
                Some(nix::libc::ENXIO) => ("nobody supervises it".to_owned(), WRONG_USAGE),
                _ => (format!("{}: {error}", path.display()), SYSTEM_FAILED),
            }
        })?;
    control.write_all(commands).map_err(|error| (format!("{}: {error}", path.display()), SYSTEM_FAILED))
}

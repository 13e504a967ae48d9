//! `s6-svstat`: where a service stands, for people or, by `-o`, for scripts.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use muster_supervise::Exit;
use nix::sys::signal::Signal;

use super::svwait::status_of;
use super::{SYSTEM_FAILED, WRONG_USAGE, fail};
use crate::status::Status;

const NAME: &str = "s6-svstat";
const USAGE: &str = "usage: s6-svstat [-uwNrpest | -o up,wantedup,normallyup,ready,paused,pid,exitcode,signal,signum,updownsince,readysince,updownfor,readyfor] [-n] SERVICEDIR";

pub(super) fn run(words: &[OsString]) -> u8 {
    let (mut fields, mut numeric, mut folder) = (Vec::<String>::new(), false, None::<PathBuf>);
    let mut parser = lexopt::Parser::from_args(words.iter().cloned());
    loop {
        match parser.next() {
            Ok(None) => break,
            Ok(Some(lexopt::Arg::Short('n'))) => numeric = true,
            Ok(Some(lexopt::Arg::Short('o'))) => {
                match parser.value().ok().and_then(|list| list.into_string().ok()) {
                    Some(list) => fields.extend(list.split(',').map(str::to_owned)),
                    None => return fail(NAME, USAGE, WRONG_USAGE),
                }
            }
            Ok(Some(lexopt::Arg::Short(letter))) => match field_of_letter(letter) {
                Some(field) => fields.push(field.to_owned()),
                None => return fail(NAME, USAGE, WRONG_USAGE),
            },
            Ok(Some(lexopt::Arg::Value(value))) if folder.is_none() => folder = Some(value.into()),
            _ => return fail(NAME, USAGE, WRONG_USAGE),
        }
    }
    let Some(folder) = folder else { return fail(NAME, USAGE, WRONG_USAGE) };
    let status = match status_of(&folder) {
        Ok(status) => status,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return fail(
                NAME,
                format_args!("{}: no such service, or nobody supervises it", folder.display()),
                1,
            );
        }
        Err(error) => return fail(NAME, format_args!("{}: {error}", folder.display()), SYSTEM_FAILED),
    };
    let normally_up = !folder.join("down").exists();
    let text = match fields.is_empty() {
        true => for_people(&status, normally_up, numeric),
        false => match for_scripts(&status, normally_up, &fields) {
            Ok(text) => text,
            Err(field) => {
                return fail(NAME, format_args!("there is no field {field:?}\n{USAGE}"), WRONG_USAGE);
            }
        },
    };
    match std::io::stdout().write_all(format!("{text}\n").as_bytes()) {
        Ok(()) => 0,
        Err(_) => SYSTEM_FAILED,
    }
}

fn field_of_letter(letter: char) -> Option<&'static str> {
    Some(match letter {
        'u' => "up",
        'w' => "wantedup",
        'N' => "normallyup",
        'r' => "ready",
        'p' => "pid",
        'e' => "exitcode",
        's' => "signal",
        't' => "updownfor",
        _ => return None,
    })
}

fn is_up(status: &Status) -> bool {
    status.pid.is_some() && !status.finishing
}

fn seconds_since(time: SystemTime) -> u64 {
    SystemTime::now().duration_since(time).map_or(0, |since| since.as_secs())
}

fn for_people(status: &Status, normally_up: bool, numeric: bool) -> String {
    let mut text = String::new();
    let up = is_up(status);
    let _ = match (up, status.exit) {
        (true, _) => write!(text, "up (pid {})", status.pid.unwrap_or(0)),
        (false, Exit::Code(code)) => write!(text, "down (exitcode {code})"),
        (false, Exit::Signal(signal)) if numeric => write!(text, "down (signal {signal})"),
        (false, Exit::Signal(signal)) => write!(text, "down (signal {})", signal_name(signal)),
    };
    let _ = write!(text, " {} seconds", seconds_since(status.since));
    if up != normally_up {
        text.push_str(if normally_up { ", normally up" } else { ", normally down" });
    }
    if status.paused {
        text.push_str(", paused");
    }
    if up != status.wanted_up {
        text.push_str(if status.wanted_up { ", want up" } else { ", want down" });
    }
    if status.ready {
        let _ = write!(text, ", ready {} seconds", seconds_since(status.ready_since));
    }
    text
}

fn for_scripts(status: &Status, normally_up: bool, fields: &[String]) -> Result<String, String> {
    let up = is_up(status);
    let ended = |code: String, none: &str| if up { none.to_owned() } else { code };
    let since =
        |time: SystemTime| time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()).to_string();
    let values: Result<Vec<String>, String> = fields
        .iter()
        .map(|field| {
            Ok(match (field.as_str(), status.exit) {
                ("up", _) => up.to_string(),
                ("wantedup", _) => status.wanted_up.to_string(),
                ("normallyup", _) => normally_up.to_string(),
                ("ready", _) => (status.ready && status.pid.is_some()).to_string(),
                ("paused", _) => (status.paused && status.pid.is_some()).to_string(),
                ("pid", _) => if up { status.pid.map_or(-1, i64::from) } else { -1 }.to_string(),
                ("exitcode", Exit::Code(code)) => ended(code.to_string(), "-1"),
                ("exitcode" | "signum", _) if up => "-1".to_owned(),
                ("exitcode", Exit::Signal(_)) | ("signum", Exit::Code(_)) => "-1".to_owned(),
                ("signum", Exit::Signal(signal)) => signal.to_string(),
                ("signal", Exit::Signal(signal)) => ended(signal_name(signal), "NA"),
                ("signal", Exit::Code(_)) => "NA".to_owned(),
                ("updownsince", _) => since(status.since),
                ("readysince", _) => since(status.ready_since),
                ("updownfor", _) => seconds_since(status.since).to_string(),
                ("readyfor", _) => seconds_since(status.ready_since).to_string(),
                (other, _) => return Err(other.to_owned()),
            })
        })
        .collect();
    Ok(values?.join(" "))
}

fn signal_name(signal: u8) -> String {
    Signal::try_from(i32::from(signal))
        .map_or_else(|_| signal.to_string(), |signal| signal.as_str().to_owned())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn status() -> Status {
        let since = SystemTime::now() - Duration::from_secs(5);
        Status {
            since,
            ready_since: since,
            pid: None,
            exit: Exit::Signal(15),
            paused: false,
            finishing: false,
            wanted_up: true,
            ready: true,
        }
    }

    #[test]
    fn people_read_what_s6_shows_them() {
        assert_eq!(
            for_people(&status(), true, false),
            "down (signal SIGTERM) 5 seconds, normally up, want up, ready 5 seconds"
        );
        let up = Status { pid: Some(7), ready: false, ..status() };
        assert_eq!(for_people(&up, true, false), "up (pid 7) 5 seconds");
    }

    #[test]
    fn scripts_read_fields() {
        let fields: Vec<String> =
            "up,pid,exitcode,signal,signum,updownfor".split(',').map(str::to_owned).collect();
        assert_eq!(for_scripts(&status(), true, &fields).as_deref(), Ok("false -1 -1 SIGTERM 15 5"));
        assert_eq!(for_scripts(&status(), true, &["x".to_owned()]), Err("x".to_owned()));
    }
}

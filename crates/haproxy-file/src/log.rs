//! `log`: where lines about requests go, and in which form.

use crate::address::{Target, target};
use crate::args::Args;
use alloc::format;
use alloc::string::String;
use muster_haproxy::Env;

/// The port of syslog (RFC 5426, 3.3).
const SYSLOG_PORT: u16 = 514;

/// A `log` line of a proxy.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum LogTo {
    /// Wherever `global` says.
    Global,
    /// Here.
    Here(Log),
}

/// One place that lines go to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Log {
    /// Where.
    pub to: LogWhere,
    /// The form: `local`, `priority`, `rfc3164`, `rfc5424`, `raw`, `short`, `timed` or `iso`.
    pub format: String,
    /// Longest line, in bytes.
    pub bytes_max: usize,
    /// Syslog's facility, 0 to 23 (RFC 5424, 6.2.1).
    pub facility: u8,
    /// Lines beyond this severity (7: debug) are left out.
    pub severity_max: u8,
    /// Lines below this severity (0: emergency) are sent as this one.
    pub severity_min: u8,
}

/// A place that lines go to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum LogWhere {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
    /// A server of syslog, or a socket of one.
    Syslog(Target),
}

/// What is logged of each request or connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum LogFormat {
    /// Its ends and the frontend.
    #[default]
    Short,
    /// HAProxy's `httplog`.
    Http,
    /// HAProxy's `tcplog`.
    Tcp,
}

const FACILITIES: [&str; 24] = [
    "kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "auth2", "ftp", "ntp",
    "audit", "alert", "cron2", "local0", "local1", "local2", "local3", "local4", "local5", "local6",
    "local7",
];
const SEVERITIES: [&str; 8] = ["emerg", "alert", "crit", "err", "warning", "notice", "info", "debug"];
const FORMATS: [&str; 8] = ["local", "priority", "rfc3164", "rfc5424", "raw", "short", "timed", "iso"];

/// Reads what stands behind `log`, which is not `global`.
pub(crate) fn log(mut args: Args<'_>, env: Env<'_>) -> Result<Log, String> {
    let to = match args.value("log")? {
        "stdout" | "fd@1" => LogWhere::Stdout,
        "stderr" | "fd@2" => LogWhere::Stderr,
        text => LogWhere::Syslog(target(text, Some(SYSLOG_PORT), env)?),
    };
    let mut log =
        Log { to, format: "local".into(), bytes_max: 1024, facility: 0, severity_max: 7, severity_min: 0 };
    loop {
        match args.peek() {
            Some("len") => {
                args.next();
                log.bytes_max = args.number("len", 80..=65_535)?;
            }
            Some("format") => {
                args.next();
                let format = args.value("format")?;
                let known = FORMATS.contains(&format).then(|| format.into());
                log.format =
                    known.ok_or_else(|| format!("`format {format}`: there is {}", FORMATS.join(", ")))?;
            }
            Some("sample") => {
                return Err("`sample` is not done by Muster; log all, or less by a level".into());
            }
            _ => break,
        }
    }
    log.facility = of(args.value("log ... FACILITY")?, &FACILITIES, "facility")?;
    if let Some(level) = args.next() {
        log.severity_max = of(level, &SEVERITIES, "level")?;
    }
    if let Some(level) = args.next() {
        log.severity_min = of(level, &SEVERITIES, "level")?;
    }
    args.end()?;
    Ok(log)
}

fn of(word: &str, known: &[&str], what: &str) -> Result<u8, String> {
    let at = known.iter().position(|known| *known == word).and_then(|at| u8::try_from(at).ok());
    at.ok_or_else(|| format!("`{word}` is no {what}; there is {}", known.join(", ")))
}

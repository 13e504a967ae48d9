//! The system's log: one datagram per line to `/dev/log`, in the old form that every syslog on a host takes (RFC 3164).

use super::Queue;
use muster_agent::LogLevel;
use std::os::unix::net::UnixDatagram;
use std::time::SystemTime;

/// Where the C library sends it.
const SOCKET: &str = "/dev/log";

/// Names of facilities, in the order of their numbers (RFC 3164, 4.1.1).
const FACILITIES: [&str; 24] = [
    "KERN", "USER", "MAIL", "DAEMON", "AUTH", "SYSLOG", "LPR", "NEWS", "UUCP", "CRON", "AUTHPRIV", "FTP",
    "NTP", "AUDIT", "ALERT", "CLOCK", "LOCAL0", "LOCAL1", "LOCAL2", "LOCAL3", "LOCAL4", "LOCAL5", "LOCAL6",
    "LOCAL7",
];

/// The number of a facility.
pub(crate) fn facility(name: &str) -> Option<u8> {
    let name = name.to_ascii_uppercase();
    FACILITIES.iter().position(|known| *known == name).and_then(|at| u8::try_from(at).ok())
}

/// The system's log, open.
#[derive(Clone, Debug)]
pub(crate) struct Syslog {
    queue: Queue,
    facility: u8,
    least: LogLevel,
    program: &'static str,
}

impl Syslog {
    /// Opens it; lines below `least` are not sent.
    ///
    /// # Errors
    /// In Serf's words, when nobody listens there.
    pub(crate) fn open(program: &'static str, facility: u8, least: LogLevel) -> Result<Self, String> {
        let socket = UnixDatagram::unbound().and_then(|socket| socket.connect(SOCKET).map(|()| socket));
        let socket = socket.map_err(|error| {
            format!("Syslog setup failed: {SOCKET}: {error}; start a syslog that listens there, or do not set `enable_syslog`")
        })?;
        let queue = Queue::start(move |line| {
            // A syslog that is restarted has another socket of this name.
            if socket.send(line).is_err() && socket.connect(SOCKET).is_ok() {
                let _ = socket.send(line);
            }
        });
        Ok(Self { queue, facility, least, program })
    }

    /// Sends a line; it is not waited for.
    pub(crate) fn put(&self, level: LogLevel, line: &str) {
        if level >= self.least {
            let pid = std::process::id();
            self.queue
                .put(datagram(self.facility, level, self.program, pid, line, SystemTime::now()).into_bytes());
        }
    }
}

/// `<133>Nov 26 08:16:26 muster[7]: line`; the day has a space, not a zero.
fn datagram(facility: u8, level: LogLevel, program: &str, pid: u32, line: &str, now: SystemTime) -> String {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    // As Serf has them (its `SyslogWrapper`): what it calls INFO is a notice.
    let severity = match level {
        LogLevel::Err => 3,
        LogLevel::Warn => 4,
        LogLevel::Info => 5,
        LogLevel::Debug => 6,
        LogLevel::Trace => 7,
    };
    // Time and level are the datagram's own.
    let line = line.split_once("] ").map_or(line, |(_, text)| text);
    // `2026-11-22T00:17:46Z`
    let text = humantime::format_rfc3339_seconds(now).to_string();
    let part = |from: usize, to: usize| text.get(from..to).unwrap_or_default();
    let month =
        part(5, 7).parse().ok().and_then(|month: usize| MONTHS.get(month.checked_sub(1)?)).unwrap_or(&"Jan");
    let day = part(8, 10).trim_start_matches('0');
    format!(
        "<{}>{month} {day:>2} {} {program}[{pid}]: {line}",
        u32::from(facility) * 8 + severity,
        part(11, 19)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_line_is_as_syslogs_read_it() {
        let at = |seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        assert_eq!(
            datagram(
                16,
                LogLevel::Info,
                "serf",
                7,
                "2026/11/26 08:16:26 [INFO] serf: hello",
                at(1_795_680_986)
            ),
            "<133>Nov 26 08:16:26 serf[7]: serf: hello"
        );
        assert_eq!(
            datagram(3, LogLevel::Err, "muster", 1, "x", at(951_782_400 + 86_400)),
            "<27>Mar  1 00:00:00 muster[1]: x"
        );
    }

    #[test]
    fn facilities_are_known_by_name() {
        assert_eq!(
            (facility("LOCAL0"), facility("local7"), facility("daemon")),
            (Some(16), Some(23), Some(3))
        );
        assert_eq!(facility("LOCAL8"), None);
    }
}

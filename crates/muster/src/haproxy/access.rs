//! Where a file's frontends log, as our access log.

use super::translate::{Names, address_of};
use muster_haproxy_file::{File, Front, Log, LogFormat, LogWhere, Target};
use muster_proxy::{AccessLog, Envelope, EnvelopeKind, LogForm, LogPlace};

/// What lines are tagged with when nobody says otherwise; collectors are set up for this word.
const TAG: &str = "haproxy";

/// The collectors that a frontend logs to, which may have names.
pub(super) fn targets(front: &Front) -> impl Iterator<Item = &Target> {
    front.logs.iter().filter_map(|log| match &log.to {
        LogWhere::Syslog(target) => Some(target),
        LogWhere::Stdout | LogWhere::Stderr => None,
    })
}

/// The log of each frontend that has one.
pub(super) fn logs(file: &File, names: &Names) -> Vec<AccessLog> {
    let fronts = file.fronts.iter().enumerate();
    let logs = fronts.map(|(number, front)| {
        let tag = front.log_tag.as_ref().or(file.global.log_tag.as_ref());
        let tag = tag.map_or(TAG, String::as_str);
        let to = front.logs.iter().filter_map(|log| Some((place(&log.to, names)?, envelope(log, tag))));
        AccessLog {
            frontend: Some(number),
            form: match front.log_format {
                LogFormat::Short => LogForm::Connect,
                LogFormat::Http => LogForm::HttpLog,
                LogFormat::Tcp => LogForm::TcpLog,
            },
            to: to.collect(),
            skips_silent: front.skips_silent,
            skips_normal: front.skips_normal,
            separates_errors: front.separates_errors,
        }
    });
    logs.filter(|log| !log.to.is_empty()).collect()
}

fn place(to: &LogWhere, names: &Names) -> Option<LogPlace> {
    Some(match to {
        LogWhere::Stdout => LogPlace::Stdout,
        LogWhere::Stderr => LogPlace::Stderr,
        LogWhere::Syslog(Target::Unix(path)) => LogPlace::Unix(path.into()),
        LogWhere::Syslog(target) => LogPlace::Udp(address_of(target, names)?),
    })
}

fn envelope(log: &Log, tag: &str) -> Envelope {
    Envelope {
        kind: match log.format.as_str() {
            "rfc3164" => EnvelopeKind::Rfc3164,
            "rfc5424" => EnvelopeKind::Rfc5424,
            "priority" => EnvelopeKind::Priority,
            "short" => EnvelopeKind::Short,
            "timed" => EnvelopeKind::Timed,
            "iso" => EnvelopeKind::Iso,
            "raw" => EnvelopeKind::Raw,
            _ => EnvelopeKind::Local,
        },
        facility: log.facility,
        severity_max: log.severity_max,
        severity_min: log.severity_min,
        tag: tag.to_owned(),
        pid: std::process::id(),
        bytes_max: log.bytes_max,
    }
}

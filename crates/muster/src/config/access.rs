//! The access log of `[proxy]`.

use super::{keys, settings::Settings};
use muster_proxy::{AccessLog, Envelope, EnvelopeKind, LogForm, LogPlace};

/// The facility local0 (RFC 5424, 6.2.1), which HAProxy's examples have.
const FACILITY: u8 = 16;

/// Longest message of syslog: what fits a datagram on every network, with room for long requests.
const MESSAGE_BYTES_MAX: usize = 8192;

/// Where lines go.
///
/// # Errors
/// What is written there is no such place.
pub(super) fn place(settings: &Settings) -> Result<LogPlace, String> {
    let text = settings.text(&keys::proxy::ACCESS_LOG_TO);
    let wrong = || format!("{text:?} is none of stdout, stderr, /PATH, syslog:/PATH and udp:ADDRESS:PORT");
    match text {
        "stdout" => return Ok(LogPlace::Stdout),
        "stderr" => return Ok(LogPlace::Stderr),
        _ => {}
    }
    if let Some(path) = text.strip_prefix("syslog:").filter(|path| path.starts_with('/')) {
        return Ok(LogPlace::Unix(path.into()));
    }
    if let Some(addr) = text.strip_prefix("udp:") {
        return addr.parse().map(LogPlace::Udp).map_err(|_| wrong());
    }
    if text.starts_with('/') { Ok(LogPlace::File(text.into())) } else { Err(wrong()) }
}

/// The log, if there is to be one.
pub(super) fn logs(settings: &Settings) -> Vec<AccessLog> {
    let form = match settings.text(&keys::proxy::ACCESS_LOG) {
        "combined" => LogForm::Combined,
        "json" => LogForm::Json,
        "httplog" => LogForm::HttpLog,
        _ => return Vec::new(),
    };
    // One that is none was refused before.
    let Ok(place) = place(settings) else { return Vec::new() };
    let envelope = match &place {
        LogPlace::Stdout | LogPlace::Stderr | LogPlace::File(_) => Envelope::raw(),
        LogPlace::Unix(_) | LogPlace::Udp(_) => Envelope {
            kind: EnvelopeKind::Local,
            facility: FACILITY,
            tag: "muster".to_owned(),
            pid: std::process::id(),
            bytes_max: MESSAGE_BYTES_MAX,
            ..Envelope::raw()
        },
    };
    vec![AccessLog {
        frontend: None,
        form,
        to: vec![(place, envelope)],
        // A program that connects to see whether we are there would fill it.
        skips_silent: true,
        skips_normal: false,
        separates_errors: false,
    }]
}

//! How the proxy asks backends whether they are well: `check` of `[services.NAME]`.

use crate::config::keys::service as keys;
use crate::config::named::Named;
use crate::config::origin::Problem;
use muster_proxy::{Check, CheckExpect, CheckHost, CheckQuestion, Checks, HttpCheck, Protocol};
use std::ops::RangeInclusive;
use std::time::Duration;

/// What a section says; `None`: its backends are not asked.
pub(super) fn of(named: &Named<'_>, protocol: Protocol, problems: &mut Vec<Problem>) -> Option<Check> {
    let text = named.text(&keys::CHECK)?;
    let every = named.duration(&keys::CHECK_EVERY).unwrap_or_default();
    let timeout = named.duration(&keys::CHECK_TIMEOUT).unwrap_or(every).min(every);
    let mut say = |key, why: String| problems.push(Problem::at(named.origin(key), why));
    let host = match named.text(&keys::CHECK_HOST) {
        None => CheckHost::Address,
        Some(name) if is_visible(name) => CheckHost::Named(name.to_owned()),
        Some(name) => {
            say(&keys::CHECK_HOST, format!("check_host: {name:?} is no name of a host"));
            return None;
        }
    };
    let statuses = named.texts(&keys::CHECK_STATUS).iter().map(|text| range(text));
    let statuses: Vec<RangeInclusive<u16>> = match statuses.collect() {
        Ok(statuses) => statuses,
        Err(why) => {
            say(&keys::CHECK_STATUS, why);
            return None;
        }
    };
    let statuses = if statuses.is_empty() { vec![200..=399] } else { statuses };
    let expect = CheckExpect::Status { negated: false, statuses };
    match question(text, host, expect) {
        Ok(CheckQuestion::Http(_)) if protocol == Protocol::H2c => {
            say(
                &keys::CHECK,
                "check: it asks by HTTP/1.1, and these backends speak h2c; write `tcp`".to_owned(),
            );
            None
        }
        Ok(question) => Some(Check { question, timeout }),
        Err(why) => {
            say(&keys::CHECK, why);
            None
        }
    }
}

/// How often they are asked, and how many answers decide.
pub(super) fn pace(named: &Named<'_>) -> Checks {
    let interval = named.duration(&keys::CHECK_EVERY).unwrap_or_default();
    let in_row = |key| named.count(key).unwrap_or(1);
    Checks {
        interval,
        fast_interval: (interval / 4).max(Duration::from_millis(10)),
        rise: in_row(&keys::CHECK_RISE),
        fall: in_row(&keys::CHECK_FALL),
        ..Checks::default()
    }
}

fn question(text: &str, host: CheckHost, expect: CheckExpect) -> Result<CheckQuestion, String> {
    let words: Vec<&str> = text.split(' ').filter(|word| !word.is_empty()).collect();
    let (method, target) = match words[..] {
        ["tcp"] => return Ok(CheckQuestion::Connect),
        ["http", target] => ("GET", target),
        ["http", method, target] => (method, target),
        _ => return Err(format!("check: {text:?} is not `tcp`, `http PATH` or `http METHOD PATH`")),
    };
    if !target.starts_with('/') && target != "*" || !is_visible(target) {
        return Err(format!("check: {target:?} is no path, which begins with `/`"));
    }
    if !method.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'-') {
        return Err(format!("check: {method:?} is no method, such as GET or HEAD"));
    }
    Ok(CheckQuestion::Http(HttpCheck {
        method: method.to_owned(),
        target: target.to_owned(),
        is_11: true,
        host,
        fields: Vec::new(),
        body: String::new(),
        expect,
    }))
}

/// What may stand in a line of a request.
fn is_visible(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic())
}

fn range(text: &str) -> Result<RangeInclusive<u16>, String> {
    let (low, high) = text.split_once('-').unwrap_or((text, text));
    let status = |text: &str| text.trim().parse::<u16>().ok().filter(|status| (100..=599).contains(status));
    match (status(low), status(high)) {
        (Some(low), Some(high)) if low <= high => Ok(low..=high),
        _ => Err(format!("check_status: {text:?} is no status or range, such as 200 or 200-399")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<CheckQuestion, String> {
        let expect = CheckExpect::Status { negated: false, statuses: vec![200..=399] };
        question(text, CheckHost::Address, expect)
    }

    #[test]
    fn a_check_is_a_connection_or_a_request() {
        assert_eq!(parsed("tcp"), Ok(CheckQuestion::Connect));
        for (text, wanted) in [
            ("http /health", ("GET", "/health")),
            ("http  HEAD  /?a=b", ("HEAD", "/?a=b")),
            ("http OPTIONS *", ("OPTIONS", "*")),
        ] {
            let Ok(CheckQuestion::Http(check)) = parsed(text) else { panic!("{text}") };
            assert_eq!((&*check.method, &*check.target), wanted);
        }
    }

    #[test]
    fn nothing_gets_into_the_request_that_would_be_a_second_line() {
        for text in [
            "",
            "udp",
            "http",
            "http health",
            "http get /",
            "http GET / HTTP/1.1",
            "http /a\r\nX:y",
            "http /ä",
        ] {
            assert!(parsed(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn statuses_are_numbers_and_ranges() {
        assert_eq!(range("204"), Ok(204..=204));
        assert_eq!(range("200-299"), Ok(200..=299));
        for text in ["", "2xx", "299-200", "99", "600", "200-"] {
            assert!(range(text).is_err(), "{text:?}");
        }
    }
}

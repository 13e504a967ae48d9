//! A time as people type it: how long ago, or when.

use std::time::{Duration, UNIX_EPOCH};

/// Milliseconds since 1970: `1h`, `2days 3h`, `2026-11-27T03:12:00Z`, `2026-11-27 03:12:00` (UTC).
pub(super) fn parse(text: &str, now: Duration) -> Result<u64, String> {
    let millis = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    if let Ok(ago) = humantime::parse_duration(text) {
        return Ok(millis(now.saturating_sub(ago)));
    }
    let time = humantime::parse_rfc3339_weak(text)
        .map_err(|_| format!("{text:?} is no time; write 1h, for an hour ago, or 2026-11-27T03:12:00Z"))?;
    Ok(millis(time.duration_since(UNIX_EPOCH).unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ago_and_when() {
        let now = Duration::from_secs(10_000);
        assert_eq!(parse("1h", now), Ok(6_400_000));
        assert_eq!(parse("1970-01-01T00:01:00Z", now), Ok(60_000));
        assert_eq!(parse("1970-01-01 00:01:00", now), Ok(60_000));
        assert!(parse("yesterday", now).unwrap_err().contains("yesterday"));
    }
}

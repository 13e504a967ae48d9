//! Times as HAProxy writes them (configuration manual, 2.5): milliseconds unless a unit follows.

use alloc::format;
use alloc::string::String;
use core::time::Duration;

/// HAProxy's own limit, some 24.8 days.
const MS_MAX: u64 = i32::MAX as u64;

/// Reads `text`.
pub(crate) fn time(text: &str, of: &str) -> Result<Duration, String> {
    let end = text.find(|char: char| !char.is_ascii_digit()).unwrap_or(text.len());
    let (digits, unit) = text.split_at(end);
    let micros = match unit {
        "us" => 1,
        "" | "ms" => 1_000,
        "s" => 1_000_000,
        "m" => 60_000_000,
        "h" => 3_600_000_000,
        "d" => 86_400_000_000,
        _ => 0,
    };
    let no_time = || {
        format!(
            "`{of} {text}`: `{text}` is no time; write a whole number and us, ms, s, m, h or d, such as 5s"
        )
    };
    if digits.is_empty() || micros == 0 {
        return Err(no_time());
    }
    let time = digits.parse::<u64>().ok().and_then(|number| number.checked_mul(micros));
    match time {
        Some(micros) if micros / 1_000 <= MS_MAX => Ok(Duration::from_micros(micros)),
        _ => Err(format!("`{of} {text}`: HAProxy takes at most {MS_MAX} ms, some 24.8 days")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_in_milliseconds_unless_it_says_otherwise() {
        for (text, ms) in [
            ("0", 0),
            ("50", 50),
            ("50ms", 50),
            ("5s", 5_000),
            ("2m", 120_000),
            ("1h", 3_600_000),
            ("24d", 2_073_600_000),
        ] {
            assert_eq!(time(text, "timeout client"), Ok(Duration::from_millis(ms)), "{text}");
        }
        assert_eq!(time("100us", "x"), Ok(Duration::from_micros(100)));
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in ["", "s", "1.5s", "-1", "5 s", "5S", "1w"] {
            assert!(time(text, "timeout client").unwrap_err().contains("is no time"), "{text}");
        }
        for text in ["25d", "99999999999999999999s"] {
            assert!(time(text, "timeout client").unwrap_err().contains("24.8 days"), "{text}");
        }
    }
}

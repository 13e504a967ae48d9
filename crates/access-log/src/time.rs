//! The date in each form. All of them are UTC, whatever the host's time zone.

use alloc::vec::Vec;

/// Microseconds since 1970, UTC.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub struct Timestamp(pub u64);

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// A timestamp's parts.
struct Parts {
    year: u64,
    /// From 1.
    month: u64,
    day: u64,
    hour: u64,
    minute: u64,
    second: u64,
    micros: u64,
}

impl Timestamp {
    fn parts(self) -> Parts {
        let (seconds, micros) = (self.0 / 1_000_000, self.0 % 1_000_000);
        // `civil_from_days` of Howard Hinnant's "chrono-Compatible Low-Level Date Algorithms", for days that are not negative.
        let days = seconds / 86_400 + 719_468;
        let (era, of_era) = (days / 146_097, days % 146_097);
        let of_years = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * of_years + of_years / 4 - of_years / 100);
        let shifted = (5 * of_year + 2) / 153;
        let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
        Parts {
            year: of_years + era * 400 + u64::from(month <= 2),
            month,
            day: of_year - (153 * shifted + 2) / 5 + 1,
            hour: seconds / 3600 % 24,
            minute: seconds / 60 % 60,
            second: seconds % 60,
            micros,
        }
    }

    /// `27/Nov/2026:13:44:42`.
    pub(crate) fn common(self, out: &mut Vec<u8>) {
        let Parts { year, month, day, hour, minute, second, .. } = self.parts();
        put(out, format_args!("{day:02}/{}/{year:04}:{hour:02}:{minute:02}:{second:02}", name(month)));
    }

    /// `.067`.
    pub(crate) fn millis(self, out: &mut Vec<u8>) {
        put(out, format_args!(".{:03}", self.0 / 1000 % 1000));
    }

    /// `Nov  7 13:44:42`, as RFC 3164 has it.
    pub(crate) fn rfc3164(self, out: &mut Vec<u8>) {
        let Parts { month, day, hour, minute, second, .. } = self.parts();
        put(out, format_args!("{} {day:2} {hour:02}:{minute:02}:{second:02}", name(month)));
    }

    /// `2026-11-27T13:44:42+00:00`, with microseconds if they are wanted.
    pub(crate) fn rfc3339(self, micros_too: bool, out: &mut Vec<u8>) {
        let Parts { year, month, day, hour, minute, second, micros } = self.parts();
        put(out, format_args!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}"));
        if micros_too {
            put(out, format_args!(".{micros:06}"));
        }
        out.extend_from_slice(b"+00:00");
    }
}

fn name(month: u64) -> &'static str {
    usize::try_from(month).ok().and_then(|month| MONTHS.get(month.checked_sub(1)?)).unwrap_or(&"Jan")
}

/// Writes text.
pub(crate) fn put(out: &mut Vec<u8>, text: core::fmt::Arguments<'_>) {
    struct Bytes<'o>(&'o mut Vec<u8>);
    impl core::fmt::Write for Bytes<'_> {
        fn write_str(&mut self, text: &str) -> core::fmt::Result {
            self.0.extend_from_slice(text.as_bytes());
            Ok(())
        }
    }
    // Writing to memory does not fail.
    let _ = core::fmt::Write::write_fmt(&mut Bytes(out), text);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_written_as_each_form_has_it() {
        let written = |micros, write: fn(Timestamp, &mut Vec<u8>)| {
            let mut out = Vec::new();
            write(Timestamp(micros), &mut out);
            String::from_utf8(out).unwrap()
        };
        // `date -u -d @1795787082` and so on.
        let at = 1_795_787_082_067_250;
        assert_eq!(written(at, Timestamp::common), "27/Nov/2026:13:44:42");
        assert_eq!(written(at, Timestamp::millis), ".067");
        assert_eq!(written(at, |time, out| time.rfc3339(true, out)), "2026-11-27T13:44:42.067250+00:00");
        assert_eq!(written(951_868_800_000_000, Timestamp::rfc3164), "Mar  1 00:00:00");
        assert_eq!(written(951_782_400_000_000, Timestamp::rfc3164), "Feb 29 00:00:00");
        assert_eq!(written(0, |time, out| time.rfc3339(false, out)), "1970-01-01T00:00:00+00:00");
        assert!(!written(u64::MAX, Timestamp::common).is_empty());
    }
}

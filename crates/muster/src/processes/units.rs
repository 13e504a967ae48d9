//! Amounts for people. Pure.

use std::time::Duration;

/// The two largest units: `7s`, `3m12s`, `2h05m`, `3d04h`.
pub(super) fn age(age: Duration) -> String {
    let seconds = age.as_secs();
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    match () {
        () if days > 0 => format!("{days}d{:02}h", hours % 24),
        () if hours > 0 => format!("{hours}h{:02}m", minutes % 60),
        () if minutes > 0 => format!("{minutes}m{:02}s", seconds % 60),
        () => format!("{seconds}s"),
    }
}

/// Processor time, of which a hundredth of a second is the least that the kernel tells.
pub(super) fn cpu(time: Duration) -> String {
    if time < Duration::from_secs(60) { format!("{:.2}s", time.as_secs_f64()) } else { age(time) }
}

/// `512 KiB`, `4.1 MiB`.
pub(super) fn memory(bytes: u64) -> String {
    const STEPS: [(u64, &str); 3] = [(1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")];
    let (step, unit) = STEPS.into_iter().find(|(step, _)| bytes >= *step).unwrap_or((1, "B"));
    let tenths = bytes.saturating_mul(10) / step;
    match tenths {
        _ if step <= 1 << 10 || tenths >= 1000 => format!("{} {unit}", bytes / step),
        _ => format!("{}.{} {unit}", tenths / 10, tenths % 10),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_two_largest_units() {
        let ages = [0, 59, 60, 192, 3600, 7500, 86_399, 86_400, 273_600];
        let texts = ages.map(|seconds| age(Duration::from_secs(seconds)));
        assert_eq!(texts, ["0s", "59s", "1m00s", "3m12s", "1h00m", "2h05m", "23h59m", "1d00h", "3d04h"]);
    }

    #[test]
    fn processor_time_is_fine_below_a_minute() {
        assert_eq!(cpu(Duration::from_millis(1250)), "1.25s");
        assert_eq!(cpu(Duration::from_secs(61)), "1m01s");
    }

    #[test]
    fn memory_has_one_decimal_where_it_matters() {
        let texts = [0, 1023, 1024, 600 << 10, 1 << 20, 4_300_000, 150 << 20, 5 << 30].map(memory);
        assert_eq!(texts, ["0 B", "1023 B", "1 KiB", "600 KiB", "1.0 MiB", "4.1 MiB", "150 MiB", "5.0 GiB"]);
        assert!(memory(u64::MAX).ends_with(" GiB"));
    }
}

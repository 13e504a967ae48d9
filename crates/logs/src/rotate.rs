//! When a file is full, and the names of full ones: `web.log` becomes `web.log.1`, that one `web.log.2`, and so on.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::time::Duration;

/// Longest name of a file's service, in bytes; the system takes 255, and an end follows.
const NAME_BYTES_MAX: usize = 200;

/// When to begin a new file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// Most bytes of a file; one line may be longer.
    pub size: u64,
    /// Longest time a file is written to; `None` for ever.
    pub age: Option<Duration>,
    /// Full files kept, at least one.
    pub keep: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self { size: 10 << 20, age: None, keep: 5 }
    }
}

impl Limits {
    /// Is a file of this size and age to be followed by a new one before so many bytes more are written?
    #[must_use]
    pub fn is_due(&self, size: u64, age: Duration, more: u64) -> bool {
        let is_old = self.age.is_some_and(|longest| age >= longest);
        // An empty file is never moved: a line longer than a file would fill the folder with nothing.
        size > 0 && (is_old || size.saturating_add(more) > self.size)
    }
}

/// A file gets another number; 0 is the one that is written to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Move {
    /// From this number.
    pub from: u32,
    /// To this one, over what was there.
    pub to: u32,
}

/// The moves that make room for a new file, in order. Each leaves every line in some file, so they may be cut short at any point and
/// begun again: what is missing in the middle is filled first, and only the oldest of `keep` files is ever lost.
#[must_use]
pub fn moves(keep: u32, exists: impl Fn(u32) -> bool) -> Vec<Move> {
    let keep = keep.max(1);
    let last = (1..keep).find(|number| !exists(*number)).unwrap_or(keep);
    (0..last).rev().map(|from| Move { from, to: from + 1 }).collect()
}

/// The name of the file of a service, without a folder. Different services have different files, and no name leads elsewhere.
#[must_use]
pub fn file_name(service: &str) -> String {
    let mut name = String::new();
    for (at, byte) in service.bytes().enumerate() {
        // Not `.` at the beginning, nor `%`, which is the escape itself.
        let is_safe = byte.is_ascii_alphanumeric() || b"-_@+".contains(&byte) || byte == b'.' && at > 0;
        match is_safe {
            true => name.push(char::from(byte)),
            false => name.push_str(&format!("%{byte:02X}")),
        }
    }
    if name.len() > NAME_BYTES_MAX || name.is_empty() {
        // All of them are ASCII.
        name.truncate(NAME_BYTES_MAX);
        name.push_str(&format!("%{:016X}", fnv(service.as_bytes())));
    }
    name + ".log"
}

/// The name of a file with this number; 0 is the one that is written to.
#[must_use]
pub fn name_of_old(file: &str, number: u32) -> String {
    match number {
        0 => file.to_string(),
        _ => format!("{file}.{number}"),
    }
}

/// FNV-1a: only to keep long names apart.
fn fnv(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    #[test]
    fn a_file_is_full_by_size_or_by_age() {
        let limits = Limits { size: 100, age: Some(Duration::from_secs(60)), keep: 3 };
        let (young, old) = (Duration::from_secs(1), Duration::from_secs(60));
        assert!(!limits.is_due(60, young, 40) && limits.is_due(60, young, 41));
        assert!(limits.is_due(1, old, 1) && !limits.is_due(0, old, 1000));
        assert!(!Limits { age: None, ..limits }.is_due(1, Duration::MAX, 1));
    }

    #[test]
    fn names_stay_in_the_folder_and_apart() {
        assert_eq!(file_name("web-1.a"), "web-1.a.log");
        assert_eq!(file_name("../etc/passwd"), "%2E.%2Fetc%2Fpasswd.log");
        assert_eq!(file_name("a b\n%"), "a%20b%0A%25.log");
        assert_ne!(file_name(""), file_name("."));
        assert!(file_name(&"é".repeat(300)).len() <= 255 - 11);
        assert_ne!(file_name(&"x".repeat(300)), file_name(&"x".repeat(301)));
        assert_eq!(name_of_old("web.log", 0), "web.log");
        assert_eq!(name_of_old("web.log", 3), "web.log.3");
    }

    proptest! {
        /// A crash may come between any two moves; then the next attempt begins anew.
        #[test]
        fn moves_that_are_cut_short_lose_only_the_oldest(keep in 1..6_u32, cuts in proptest::collection::vec(0..8_usize, 0..30)) {
            let (mut files, mut next) = (BTreeMap::from([(0, 0)]), 1);
            for cut in cuts {
                let planned = moves(keep, |number| files.contains_key(&number));
                for one in planned.iter().take(cut) {
                    let content = files.remove(&one.from).unwrap();
                    files.insert(one.to, content);
                }
                if cut >= planned.len() {
                    files.insert(0, next);
                    next += 1;
                }
                // Newest first, and as many of the newest as there may be.
                let held: Vec<i32> = files.values().copied().collect();
                prop_assert!(held.is_sorted_by(|a, b| a > b), "{:?}", files);
                prop_assert_eq!(held[0] - held[held.len() - 1], i32::try_from(held.len()).unwrap() - 1);
                prop_assert!(held.len() >= usize::try_from(next.min(i32::try_from(keep).unwrap())).unwrap(), "{:?}", files);
                prop_assert!(files.keys().all(|number| *number <= keep));
            }
        }
    }
}

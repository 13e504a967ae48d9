//! The processes that there are. One may end while it is looked at; then it is not among them.

use super::proc_stat::{self, Stat};
use std::fs::{self, File};
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::Duration;

/// Longest line of the kernel about a process; the name has 15 bytes, the rest are some fifty numbers.
const STAT_BYTES_MAX: u64 = 2048;
/// As much is shown of a command line; it may be a hundred times as long.
const COMMAND_BYTES_MAX: u64 = 4096;

/// All processes that can be seen, but for this one.
pub(super) fn all() -> Vec<Stat> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    pids.filter(|pid| *pid != std::process::id()).filter_map(one).collect()
}

/// One process.
pub(super) fn one(pid: u32) -> Option<Stat> {
    proc_stat::parse(&String::from_utf8_lossy(&read(pid, "stat", STAT_BYTES_MAX)?))
}

/// Its command line, words parted by blanks; its name in brackets if it has none, as one that is over.
pub(super) fn command(stat: &Stat) -> String {
    let bytes = read(stat.pid, "cmdline", COMMAND_BYTES_MAX).unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    let text = text.trim_end_matches('\0').replace('\0', " ");
    if text.is_empty() { format!("[{}]", stat.name) } else { text }
}

/// Whose it is.
pub(super) fn user(pid: u32) -> Option<u32> {
    fs::metadata(Path::new("/proc").join(pid.to_string())).ok().map(|metadata| metadata.uid())
}

/// Its memory, resident. What it shares with others counts for each of them.
pub(super) fn memory(stat: &Stat) -> u64 {
    stat.pages.saturating_mul(rustix::param::page_size() as u64)
}

/// That many clock ticks.
pub(super) fn ticks(ticks: u64) -> Duration {
    let a_second = rustix::param::clock_ticks_per_second().max(1);
    Duration::from_secs(ticks / a_second) + Duration::from_secs(ticks % a_second).div_f64(a_second as f64)
}

fn read(pid: u32, file: &str, most: u64) -> Option<Vec<u8>> {
    let path = Path::new("/proc").join(pid.to_string()).join(file);
    let mut bytes = Vec::new();
    File::open(path).ok()?.take(most).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_parent_is_among_them_and_has_a_command_and_a_user() {
        let parent = one(std::process::id()).unwrap().parent;
        let stat = all().into_iter().find(|stat| stat.pid == parent).unwrap();
        assert!(memory(&stat) > 0 && !command(&stat).is_empty() && user(parent).is_some());
    }

    #[test]
    fn one_that_is_over_is_none_or_has_its_name() {
        assert!(one(u32::MAX).is_none());
        let gone = Stat { pid: u32::MAX, name: "x".into(), ..one(std::process::id()).unwrap() };
        assert_eq!(command(&gone), "[x]");
    }
}

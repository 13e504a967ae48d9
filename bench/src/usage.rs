//! What the kernel says that a process used.

use std::fs::{read_dir, read_to_string};
use std::io;

/// Since the process began.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Usage {
    /// Exact, from the scheduler; `/proc/PID/stat` counts ticks of 10 ms.
    pub(crate) cpu_ns: u64,
    /// Voluntary context switches: each is a sleep that ended.
    pub(crate) wakeups: u64,
    pub(crate) threads: usize,
}

impl Usage {
    pub(crate) fn of(pid: u32) -> io::Result<Self> {
        let mut usage = Self { cpu_ns: 0, wakeups: 0, threads: 0 };
        for task in read_dir(format!("/proc/{pid}/task"))? {
            let task = task?.path();
            let read = |file| read_to_string(task.join(file));
            // A thread may end while we look.
            let (Ok(schedule), Ok(status)) = (read("schedstat"), read("status")) else { continue };
            usage.cpu_ns += schedule.split(' ').next().and_then(|ns| ns.parse().ok()).unwrap_or(0);
            usage.wakeups += field(&status, "voluntary_ctxt_switches:");
            usage.threads += 1;
        }
        Ok(usage)
    }

    pub(crate) fn since(&self, before: &Self) -> Self {
        Self {
            cpu_ns: self.cpu_ns.saturating_sub(before.cpu_ns),
            wakeups: self.wakeups.saturating_sub(before.wakeups),
            threads: self.threads,
        }
    }
}

/// Memory of a process, in the three ways of counting it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Memory {
    /// Every page it has mapped, those of its binary that all processes share included (`ps` shows this).
    pub(crate) resident_kib: u64,
    /// Shared pages divided among those who share them.
    pub(crate) proportional_kib: u64,
    /// What would be freed if it alone ended: what one more agent costs a host.
    pub(crate) private_kib: u64,
}

impl Memory {
    pub(crate) fn of(pid: u32) -> io::Result<Self> {
        let sums = read_to_string(format!("/proc/{pid}/smaps_rollup"))?;
        Ok(Self {
            resident_kib: field(&sums, "Rss:"),
            proportional_kib: field(&sums, "Pss:"),
            private_kib: field(&sums, "Private_Clean:") + field(&sums, "Private_Dirty:"),
        })
    }
}

/// The number behind `name` at the beginning of a line.
fn field(text: &str, name: &str) -> u64 {
    let rest = text.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
    rest.split_whitespace().next().and_then(|number| number.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_working_process_is_seen_working() {
        let before = Usage::of(std::process::id()).unwrap();
        let mut sum = 0_u64;
        while Usage::of(std::process::id()).unwrap().since(&before).cpu_ns < 1_000_000 {
            sum = std::hint::black_box(sum + 1);
        }
        assert!(before.threads >= 1);
    }

    #[test]
    fn private_memory_is_part_of_proportional_and_that_of_resident() {
        let memory = Memory::of(std::process::id()).unwrap();
        assert!(0 < memory.private_kib && memory.private_kib <= memory.proportional_kib);
        assert!(memory.proportional_kib <= memory.resident_kib);
    }

    #[test]
    fn a_field_is_found_by_its_whole_name() {
        let text =
            "nonvoluntary_ctxt_switches:\t7\nvoluntary_ctxt_switches:\t42\nPss:                4056 kB\n";
        assert_eq!((field(text, "voluntary_ctxt_switches:"), field(text, "Pss:")), (42, 4056));
    }
}

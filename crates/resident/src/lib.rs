//! Gives back the memory that only the start needed: pages of program text, and what was freed since.
//!
//! Starting reads a configuration, builds a command line, perhaps a TLS provider; each page of code that ran stays in the
//! process's page table, with the fifteen around it that the kernel maps along (`fault_around_bytes`), and so counts as resident
//! for ever, for an agent and a PID 1 that sleep nearly always. What is dropped here stays in the page cache: whoever needs a page
//! again finds it there, without reading the disk.
//!
//! Of the heap, only what is free is given back (`malloc_trim`). Other memory of our own is never touched: only mappings of the
//! program's file that hold nothing but the file ([`Mapping::holds_only_the_file`]).
#![expect(unsafe_code, reason = "madvise; see the argument below")]

mod smaps;

use smaps::Mapping;
use std::ffi::c_void;

/// Drops the pages of this program's text and constants from its page table, and those of its heap that hold nothing. To be
/// called once things have settled. Where `/proc` cannot be read, the text stays.
pub fn give_back_start() {
    // SAFETY: it takes the allocator's own locks, and touches free memory only.
    let _ = unsafe { libc::malloc_trim(0) };
    let Ok(program) = std::fs::read_link("/proc/self/exe") else { return };
    let (Some(program), Ok(smaps)) = (program.to_str(), std::fs::read_to_string("/proc/self/smaps")) else {
        return;
    };
    for mapping in smaps::mappings(&smaps).filter(|mapping| mapping.path == program) {
        if mapping.holds_only_the_file() {
            drop_pages(&mapping);
        }
    }
}

fn drop_pages(mapping: &Mapping<'_>) {
    let start = std::ptr::with_exposed_provenance_mut::<c_void>(mapping.start);
    // SAFETY: the kernel has just said that this range is a private mapping of the program's file which cannot be written and of
    // which no page was ever written, neither in memory nor in swap: each is the page cache's own, which is what the next access
    // finds again, by whatever thread. Nothing unmaps or remaps the program's own text between that word and this call.
    let dropped = unsafe { rustix::mm::madvise(start, mapping.length, rustix::mm::Advice::LinuxDontNeed) };
    // It is a saving, no duty: locked memory, for one, refuses.
    let _ = dropped;
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_program_runs_on_with_less_resident() {
        let resident = || {
            let status = std::fs::read_to_string("/proc/self/status").unwrap();
            let line = status.lines().find(|line| line.starts_with("RssFile:")).unwrap();
            line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap()
        };
        let before = resident();
        super::give_back_start();
        let after = resident();
        assert!(after < before, "{before} KiB, then {after} KiB");
    }
}

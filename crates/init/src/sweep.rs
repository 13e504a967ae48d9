//! Everybody else in the container, at its end.
//!
//! PID 1 of a namespace reaches all of it with one call. Anywhere else (a host, a shell, `docker run --pid=host`) that call would
//! reach the whole machine, so there only our own descendants are looked for; being their subreaper, we are the ancestor of all.

use std::collections::HashMap;
use std::fs;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// Sends everybody but us a signal.
pub(crate) fn signal_all(signal: Signal) {
    if Pid::this().as_raw() == 1 {
        // Fails when nobody is there: that is what was wanted.
        let _ = kill(Pid::from_raw(-1), signal);
        return;
    }
    for pid in descendants_of(Pid::this().as_raw()) {
        let _ = kill(Pid::from_raw(pid), signal);
    }
}

/// All processes below this one. One that forks meanwhile may hide its child; its parent's end makes it ours, and the last
/// signal of a sweep comes a second later.
fn descendants_of(ancestor: i32) -> Vec<i32> {
    let parents: HashMap<i32, i32> = fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter_map(|pid| Some((pid, parent_of(pid)?)))
        .collect();
    let is_below = |mut pid: i32| {
        // No chain of parents is longer than there are processes.
        for _ in 0..parents.len() {
            match parents.get(&pid) {
                Some(parent) if *parent == ancestor => return true,
                Some(parent) => pid = *parent,
                None => return false,
            }
        }
        false
    };
    parents.keys().copied().filter(|pid| is_below(*pid)).collect()
}

fn parent_of(pid: i32) -> Option<i32> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // pid (name) state parent ...; the name may hold anything, parentheses too.
    stat.rsplit_once(") ")?.1.split(' ').nth(1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn children_and_theirs_are_found_and_nobody_else() {
        let mut child = Command::new("sh").args(["-c", "sleep 60 & wait"]).spawn().expect("sh runs");
        let child_pid = i32::try_from(child.id()).expect("pids are small");
        let me = Pid::this().as_raw();
        while descendants_of(child_pid).len() != 1 {
            std::thread::yield_now();
        }
        let found = descendants_of(me);
        assert!(found.contains(&child_pid) && found.contains(&descendants_of(child_pid)[0]));
        assert!(!found.contains(&me) && !found.contains(&1));
        for pid in descendants_of(child_pid) {
            kill(Pid::from_raw(pid), Signal::SIGKILL).expect("the sleeper is there");
        }
        child.wait().expect("and its parent ends");
    }
}

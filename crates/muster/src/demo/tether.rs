//! A node of the demo dies with the demo, and what runs on a node dies with the node, whatever kills it.
//!
//! A demo or a node ended by `kill -9` cannot tell its children to stop. So each child asks the kernel for SIGKILL at the death
//! of its parent (prctl(2), `PR_SET_PDEATHSIG`). The kernel means the *thread* that made the child: the demo spawns from its main
//! thread only, which lives as long as the process, and `muster run` has no other.

use rustix::process::{Pid, Signal, getppid, set_parent_process_death_signal};
use std::io::Write;

/// Set in the environment of every process of a demo: the process id of the demo.
pub(crate) const VARIABLE: &str = "MUSTER_DEMO_TETHER";

/// Ties this process to its parent, if a demo is above it; does nothing in any other. Called first in `main`.
///
/// Ends the process when its parent is gone already: it may have died between fork and prctl, and then no signal would come.
pub(crate) fn hold() {
    let Some(value) = std::env::var_os(VARIABLE) else { return };
    let demo = value.to_str().and_then(|text| text.parse().ok()).and_then(Pid::from_raw);
    let Some(demo) = demo else {
        end(&format!("{VARIABLE} is not a process id: it is set by `muster demo` for its children, unset it"))
    };
    if let Err(error) = set_parent_process_death_signal(Some(Signal::KILL)) {
        end(&format!("cannot be tied to the demo that started it: {error}"));
    }
    let parent = getppid();
    if parent != Some(demo) && parent.and_then(parent_of) != Some(demo) {
        end("the demo that started it is gone");
    }
}

/// The parent of another process; `None` when that is gone.
fn parent_of(pid: Pid) -> Option<Pid> {
    let status = std::fs::read_to_string(format!("/proc/{}/status", pid.as_raw_nonzero())).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("PPid:"))?;
    Pid::from_raw(line.trim().parse().ok()?)
}

fn end(why: &str) -> ! {
    let _ = writeln!(std::io::stderr(), "muster: {why}");
    std::process::exit(1)
}

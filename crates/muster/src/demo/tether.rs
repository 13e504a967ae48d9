//! A child of the demo dies with the demo, whatever kills it.
//!
//! The demo's children are agents, a proxy and web applications; a demo ended by `kill -9` cannot tell them to stop. So each
//! child asks the kernel for SIGKILL at the death of its parent (prctl(2), `PR_SET_PDEATHSIG`). The kernel means the
//! *thread* that made the child: the demo spawns from its main thread only, which lives as long as the process.

use rustix::process::{Pid, Signal, getppid, set_parent_process_death_signal};
use std::io::Write;

/// Set in the environment of every child: the process id of the demo.
pub(crate) const VARIABLE: &str = "MUSTER_DEMO_TETHER";

/// Ties this process to the demo that spawned it; does nothing in a process that no demo spawned. Called first in `main`.
///
/// Ends the process when the demo is gone already: it may have died between fork and prctl, and then no signal would come.
pub(crate) fn hold() {
    let Some(value) = std::env::var_os(VARIABLE) else { return };
    let demo = value.to_str().and_then(|text| text.parse().ok()).and_then(Pid::from_raw);
    let Some(demo) = demo else {
        end(&format!("{VARIABLE} is not a process id: it is set by `muster demo` for its children, unset it"))
    };
    if let Err(error) = set_parent_process_death_signal(Some(Signal::KILL)) {
        end(&format!("cannot be tied to the demo that started it: {error}"));
    }
    if getppid() != Some(demo) {
        end("the demo that started it is gone");
    }
}

fn end(why: &str) -> ! {
    let _ = writeln!(std::io::stderr(), "muster: {why}");
    std::process::exit(1)
}

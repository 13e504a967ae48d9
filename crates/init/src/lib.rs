//! PID 1 of a container: spawns, reaps, signals and ends what `muster-supervise` says.
//!
//! It must not die, block or grow, so it does little. It parses nothing a person wrote: a short-lived fork of it reads the service
//! folders ([`folders`]) and hands a flat [`Plan`] through a pipe. It has one thread, one `poll`, one reaper, no async runtime,
//! and when nothing happens it does not wake up.
//!
//! | file | idea |
//! |---|---|
//! | [`plan`] | everything there is to know of the services, as data |
//! | [`folders`] | s6-overlay's folders, read into a plan |
//! | `reader` | the fork that reads, so that PID 1 does not |
//! | `init` | the loop: what happened (`init/happened`) goes to the supervisor, what it says is done (`init/done`) |
//! | `cluster` | what PID 1 and the agent tell each other |
//! | `sockets` | what is held for processes and outlives them: listening sockets, the last picture, sockets for notifications |
//! | `held`, `letters`, `notices` | what is held for one service; commands and milestones as bytes; what people are told |
//! | `spawn`, `explain` | one process; why it could not be started, in words |
//! | `place`, [`status`] | a service's control place on disk, in s6's own format |
//! | `sweep` | everybody else in the container |
//! | [`applets`] | `s6-svc`, `s6-svstat`, `s6-svwait`, `s6-setuidgid`, `with-contenv` and others, one file each |
//!
//! The control places are those of s6-supervise, byte for byte, so that its own tools work with ours and ours with it.

pub mod accounts;
pub mod applets;
mod cluster;
mod environment;
mod execline;
mod explain;
pub mod folders;
mod held;
mod init;
mod letters;
mod notices;
mod place;
pub mod plan;
mod reader;
mod say;
mod sockets;
mod spawn;
pub mod status;
mod sweep;
mod tally;
pub mod tini;

pub use init::run;
pub use plan::Plan;

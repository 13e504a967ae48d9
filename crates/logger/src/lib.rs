//! `muster log`: a process that reads what services and syslog clients write, and writes it to standard output, files and a
//! collector.
//!
//! `muster init` makes the pipes and keeps both their ends, so that a service never notices when this process dies: the next one is
//! given the same pipes. What was in them when it died is still there, because of the order of a *round*:
//!
//! 1. **Look**: `tee(2)` copies what is in a pipe and leaves it there ([`tap`]).
//! 2. **Write**: its lines are written out, to whoever takes them.
//! 3. **Take**: what was written out is read from the pipe, and thereby gone.
//!
//! A death between 2 and 3 repeats lines; none loses any. [`sinks`] says who is waited for in 2: whoever takes something now and
//! then. Who takes nothing for a second (nobody reads, the disk is full, the collector is away) is not, since services must not
//! stand still for it: then lines wait in memory, and are dropped and counted when that is full.
//!
//! | file | idea |
//! |---|---|
//! | `run` | the loop |
//! | `tap` | one pipe: looking without taking |
//! | `inherited` | the pipes we were born with |
//! | `ears` | sockets to which programs send syslog messages |
//! | `sinks` | who gets which line, and who is waited for |
//! | `stdout`, `files`, `forward` | one sink each |
//! | `readers` | who reads the last lines: `muster logs` |
//! | `complaints` | what went wrong, told once in a while |

mod complaints;
mod config;
mod ears;
mod error;
mod files;
mod forward;
mod inherited;
mod nonblocking;
mod readers;
mod run;
mod sinks;
mod stdout;
mod tap;

pub use config::Config;
pub use error::Error;
pub use run::run;

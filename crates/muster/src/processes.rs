//! Commands for the services of this container or host, by the control places that their supervisor makes in s6's form:
//! `muster init`, or a real s6. They need neither an agent nor a configuration.
//!
//! | file | idea |
//! |---|---|
//! | `places`, `control` | where the services are and stand; telling one a letter |
//! | `wait` | until they stand as wanted, without polling |
//! | `change`, `signal` | `start`, `stop`, `restart`; `signal` |
//! | `procfs`, `proc_stat`, `users` | the processes that there are; one of them as the kernel tells it; names of users |
//! | `family` | which process belongs to which service |
//! | `status`, `history` | `status`; how often a service was started and how it ended |
//! | `tree` | `tree` |
//! | `logs` | `logs`, as `muster log` keeps them |
//! | `table`, `units` | answers for people |
//!
//! Nothing here waits for a supervisor that does not answer: its pipe is never opened without `O_NONBLOCK`.

pub(crate) mod change;
mod control;
mod family;
mod history;
pub(crate) mod logs;
mod places;
mod proc_stat;
mod procfs;
pub(crate) mod signal;
pub(crate) mod status;
mod table;
pub(crate) mod tree;
mod units;
mod users;
mod wait;

//! Exit codes, in one place.
//!
//! | code | means |
//! |---|---|
//! | 0 | done, or a role stopped in order |
//! | 1 | it failed: no agent answered, a seed could not be joined, a listener could not be opened |
//! | 2 | the command line or the configuration is invalid; nothing was started |
//! | 128 + n | ended by signal n, as shells report it (141: the reader of a pipe went away) |

use std::process::ExitCode;

/// Done, or stopped in order.
pub(crate) const CLEAN: ExitCode = ExitCode::SUCCESS;
/// What was asked for did not work.
pub(crate) const FAILED: ExitCode = ExitCode::FAILURE;
/// Usage or configuration; clap uses the same number.
pub(crate) const INVALID: u8 = 2;

/// [`INVALID`] as `main` returns it.
pub(crate) fn invalid() -> ExitCode {
    ExitCode::from(INVALID)
}

//! Exit codes, in one place; `muster --help` tells the same.
//!
//! | code | means |
//! |---|---|
//! | 0 | done, or a role stopped in order |
//! | 1 | it failed: no agent answered, a seed could not be joined, a listener could not be opened |
//! | 2 | the command line or the configuration is invalid, and nothing was started; or the proxy must not follow its agent |
//! | 3 | `muster status NAME`: shown, and it is not up |
//! | 128 + n | ended by signal n, as shells report it |

use rustix::process::Signal;
use std::process::ExitCode;

/// Done, or stopped in order.
pub(crate) const CLEAN: ExitCode = ExitCode::SUCCESS;
/// What was asked for did not work.
pub(crate) const FAILED: ExitCode = ExitCode::FAILURE;

/// The number of [`invalid`]; clap uses the same.
pub(crate) const INVALID: u8 = 2;

/// Usage or configuration.
pub(crate) fn invalid() -> ExitCode {
    ExitCode::from(INVALID)
}

/// As a shell reports a process that a signal ended.
pub(crate) fn by_signal(signal: Signal) -> ExitCode {
    ExitCode::from(128 + u8::try_from(signal.as_raw()).unwrap_or(0))
}

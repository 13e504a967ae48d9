//! The descriptor that PID 1 hands this process.
#![expect(unsafe_code, reason = "a number of a descriptor made an owned one; see the argument below")]

use std::os::fd::{FromRawFd, OwnedFd, RawFd};
use std::sync::Arc;

/// Names the descriptor's number.
pub const VARIABLE: &str = "MUSTER_INIT_FD";
/// Standard input, output and error are nobody's gift.
const NUMBER_MIN: RawFd = 3;

/// The socket to PID 1, if one was handed down. To be called once, before anything else opens a descriptor.
///
/// # Errors
/// In words: the variable names none.
pub fn supervisor() -> Result<Option<Arc<OwnedFd>>, String> {
    let Some(text) = std::env::var_os(VARIABLE) else { return Ok(None) };
    let number = text.to_str().and_then(|text| text.parse().ok()).filter(|number| *number >= NUMBER_MIN);
    let number: RawFd = number.ok_or_else(|| format!("{VARIABLE}: {text:?} is no descriptor"))?;
    // Open, and a socket: else the variable is a leftover, and the number perhaps somebody else's.
    let is_socket = std::fs::read_link(format!("/proc/self/fd/{number}"))
        .is_ok_and(|target| target.to_string_lossy().starts_with("socket:"));
    if !is_socket {
        return Err(format!("{VARIABLE}: descriptor {number} is no socket; it was not handed down"));
    }
    // SAFETY: the number is open, and whoever set the variable handed it to this process; nothing here owns it yet, since this is
    // called once, at the start, before any other descriptor is opened.
    let socket = unsafe { OwnedFd::from_raw_fd(number) };
    // Ours alone: no handler is to speak to PID 1.
    rustix::io::fcntl_setfd(&socket, rustix::io::FdFlags::CLOEXEC)
        .map_err(|error| format!("{VARIABLE}: descriptor {number}: {error}"))?;
    Ok(Some(Arc::new(socket)))
}

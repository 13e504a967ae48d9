//! The pipes we were born with.
#![expect(
    unsafe_code,
    reason = "a descriptor that is only a number becomes ours in no other way; see the argument below"
)]

use std::io;
use std::os::fd::{FromRawFd, OwnedFd};

use nix::fcntl::{FcntlArg, FdFlag, fcntl};

/// Makes the descriptor of this number ours; what we start does not get it.
///
/// Each number may be asked for once, before this process opens anything.
pub(crate) fn adopt(fd: i32) -> io::Result<OwnedFd> {
    // SAFETY: nobody else in this process owns it: the numbers come from our parent, are different from each other
    // (`muster_logs::pipes` refuses a number that is there twice), and are adopted before anything else is opened, so that a
    // number without a descriptor is still without one, which the next call finds out. Standard streams are refused.
    let fd = match fd {
        0..=2 => return Err(io::Error::other("it is a standard stream")),
        fd => unsafe { OwnedFd::from_raw_fd(fd) },
    };
    match fcntl(&fd, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC)) {
        Ok(_) => Ok(fd),
        Err(error) => {
            // It is not open, so it must not be closed.
            std::mem::forget(fd);
            Err(error.into())
        }
    }
}

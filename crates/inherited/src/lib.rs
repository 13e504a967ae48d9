//! Descriptors that whoever started us hands down: PID 1, or any service manager that activates by sockets.
//!
//! | variable | means |
//! |---|---|
//! | `LISTEN_FDS=N` | descriptors 3 to 2+N are sockets for us (sd_listen_fds(3)): they listen, or are bound and take datagrams |
//! | `LISTEN_PID` | whom they are for; we, if it is absent: who starts us may not know our number yet |
//! | another one, by the reader's choice | one descriptor ([`descriptor`]) |
//!
//! A socket that others hold too outlives us: clients wait in its queue until the next of us accepts them.
//!
//! Each is taken once, and is closed for whatever we start ourselves.
#![expect(unsafe_code, reason = "descriptors come as numbers in variables; see the arguments below")]

use rustix::io::{FdFlags, fcntl_getfd, fcntl_setfd};
use rustix::net::SocketAddrAny;
use std::ops::Range;
use std::os::fd::{BorrowedFd, FromRawFd, OwnedFd, RawFd};

/// Where those of `LISTEN_FDS` begin.
const FIRST: RawFd = 3;

const LISTEN_FDS: &str = "LISTEN_FDS";
const LISTEN_PID: &str = "LISTEN_PID";
const LISTEN_FDNAMES: &str = "LISTEN_FDNAMES";

/// Takes the sockets that `LISTEN_FDS` names, with the numbers they came as, and the variables out of the environment.
///
/// # Errors
/// What is wrong, as the end of a sentence about `LISTEN_FDS`: it names what is no descriptor of ours.
pub fn sockets() -> Result<Vec<(RawFd, OwnedFd)>, String> {
    let take = |number| match owned(number) {
        Ok(socket) => Ok((number, socket)),
        Err(why) => Err(format!("names descriptor {number}, which {why}")),
    };
    // The first that is not there ends it, so a huge number costs nothing.
    let sockets = numbers()?.map(take).collect();
    [LISTEN_FDS, LISTEN_PID, LISTEN_FDNAMES].into_iter().for_each(forget);
    sockets
}

/// Where the sockets of `LISTEN_FDS` are bound that were not taken yet. Nobody else can bind such an address, which is right.
pub fn addresses() -> impl Iterator<Item = SocketAddrAny> {
    let address = |number| rustix::net::getsockname(handed(number).ok()?.0).ok();
    numbers().unwrap_or(FIRST..FIRST).map_while(address)
}

/// Takes the descriptor whose number stands in a variable, and the variable out of the environment; `None` if nothing does.
///
/// # Errors
/// What is wrong, as the end of a sentence about the variable.
pub fn descriptor(name: &str) -> Result<Option<OwnedFd>, String> {
    let Some(text) = variable(name) else { return Ok(None) };
    let number = text.trim().parse().map_err(|_| "is no number".to_owned());
    forget(name);
    let number = number?;
    owned(number).map(Some).map_err(|why| format!("names descriptor {number}, which {why}"))
}

/// The numbers of the sockets, as the variables have it.
fn numbers() -> Result<Range<RawFd>, String> {
    let Some(count) = variable(LISTEN_FDS) else { return Ok(FIRST..FIRST) };
    if !is_ours(variable(LISTEN_PID).as_deref(), std::process::id()) {
        return Ok(FIRST..FIRST);
    }
    let count = count.trim().parse::<RawFd>().ok().filter(|count| *count >= 0);
    let count = count.ok_or("is no number")?;
    Ok(FIRST..FIRST.saturating_add(count))
}

fn variable(name: &str) -> Option<String> {
    std::env::var_os(name).map(|text| text.into_string().unwrap_or_default())
}

/// What is taken is not there for those whom we start.
fn forget(name: &str) {
    // SAFETY: the standard library locks the environment against itself. Whoever else would read it is C code in other threads;
    // this is called at the start of a role, when there is one thread beside this one at most, the log's, which is all Rust and
    // reads no variable.
    unsafe { std::env::remove_var(name) };
}

/// As sd_listen_fds(3) has it, but that nobody need be named.
fn is_ours(pid: Option<&str>, own: u32) -> bool {
    pid.is_none_or(|pid| pid.trim().parse() == Ok(own))
}

/// A descriptor that we were started with, and that was not taken yet.
fn handed<'a>(number: RawFd) -> Result<(BorrowedFd<'a>, FdFlags), &'static str> {
    if number < FIRST {
        return Err("is standard input or output");
    }
    // SAFETY: the number is not -1. When nothing is open there, all that happens is that the next call fails with EBADF. Else it
    // is borrowed until the caller returns, who alone could close it: see `owned`.
    let borrowed = unsafe { BorrowedFd::borrow_raw(number) };
    match fcntl_getfd(borrowed) {
        Err(_) => Err("is not open"),
        Ok(flags) if flags.contains(FdFlags::CLOEXEC) => Err("was not handed over"),
        Ok(flags) => Ok((borrowed, flags)),
    }
}

/// Makes such a descriptor our own. Each can be taken once.
fn owned(number: RawFd) -> Result<OwnedFd, &'static str> {
    let (borrowed, flags) = handed(number)?;
    fcntl_setfd(borrowed, flags | FdFlags::CLOEXEC).map_err(|_| "is not open")?;
    // SAFETY: nobody else owns it. Whatever this process opens itself it opens with CLOEXEC, as the standard library, rustix, mio
    // and socket2 do; this one was without, so it came through exec, and we are the only ones who take such. From here on it
    // has CLOEXEC, so that a second call refuses it.
    Ok(unsafe { OwnedFd::from_raw_fd(number) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::fd::{AsRawFd, IntoRawFd};

    #[test]
    fn what_is_for_another_process_is_left_alone() {
        assert!(is_ours(None, 7) && is_ours(Some("7"), 7));
        assert!(!is_ours(Some("8"), 7) && !is_ours(Some(""), 7) && !is_ours(Some("x"), 7));
    }

    #[test]
    fn only_what_came_through_exec_is_taken_and_only_once() {
        let own = std::fs::File::open("/dev/null").unwrap();
        assert_eq!(owned(own.as_raw_fd()).unwrap_err(), "was not handed over");
        fcntl_setfd(&own, FdFlags::empty()).unwrap();
        let number = own.into_raw_fd();
        let taken = owned(number).unwrap();
        assert_eq!(taken.as_raw_fd(), number);
        assert_eq!(owned(number).unwrap_err(), "was not handed over");
    }

    #[test]
    fn numbers_that_are_nobodys_are_refused() {
        assert_eq!(owned(0).unwrap_err(), "is standard input or output");
        assert_eq!(owned(-1).unwrap_err(), "is standard input or output");
        assert_eq!(owned(RawFd::MAX).unwrap_err(), "is not open");
    }

    #[test]
    fn a_variable_that_is_not_set_names_nothing() {
        assert!(descriptor("MUSTER_NO_SUCH_VARIABLE").unwrap().is_none());
    }
}

//! Descriptors that whoever started us holds for us: PID 1, or any service manager that activates by sockets.
//!
//! | variable | means |
//! |---|---|
//! | `LISTEN_FDS=N` | descriptors 3 to 2+N are listening sockets (sd_listen_fds(3)) |
//! | `LISTEN_PID` | whom they are for; we, if it is absent: who starts us may not know our number yet |
//! | `MUSTER_PICTURE_FD=N` | descriptor N is a file that outlives us, for the last picture ([`crate::last_picture`]) |
//!
//! A socket that others hold too outlives us: clients wait in its queue until the next of us accepts them.
#![expect(unsafe_code, reason = "descriptors come as numbers in variables; see the arguments below")]

use crate::bind::At;
use crate::error::Error;
use crate::listen::is_for;
use rustix::io::{FdFlags, fcntl_getfd, fcntl_setfd};
use std::ffi::OsString;
use std::net::SocketAddr;
use std::ops::Range;
use std::os::fd::{BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::ffi::OsStringExt;

/// Where those of `LISTEN_FDS` begin.
const FIRST: RawFd = 3;

const LISTEN_FDS: &str = "LISTEN_FDS";
const LISTEN_PID: &str = "LISTEN_PID";
const LISTEN_FDNAMES: &str = "LISTEN_FDNAMES";
const PICTURE_FD: &str = "MUSTER_PICTURE_FD";

/// What we were given.
#[derive(Debug, Default)]
pub(crate) struct Inherited {
    /// Sockets, with the numbers they came as.
    pub(crate) sockets: Vec<(RawFd, OwnedFd)>,
    /// The file for the last picture.
    pub(crate) picture: Option<OwnedFd>,
}

impl Inherited {
    /// Takes what the environment names, and the variables out of it. To be called before the process has threads that read
    /// the environment otherwise than by the standard library.
    ///
    /// # Errors
    /// When `LISTEN_FDS` names what is no descriptor of ours. A bad `MUSTER_PICTURE_FD` costs the picture only.
    pub(crate) fn take() -> Result<Self, Error> {
        // The first that is not there ends it, so a huge number costs nothing.
        let sockets =
            numbers()?.map(|number| Ok((number, listening(number)?))).collect::<Result<_, Error>>()?;
        let picture = variable(PICTURE_FD).and_then(|text| match picture(&text) {
            Ok(file) => Some(file),
            Err(why) => {
                tracing::warn!("{PICTURE_FD} {why}: the last picture is not kept for the next start");
                None
            }
        });
        for name in [LISTEN_FDS, LISTEN_PID, LISTEN_FDNAMES, PICTURE_FD] {
            // SAFETY: the standard library locks the environment against itself. Whoever else would read it is C code in other
            // threads; there is one thread beside this one, the log's, which is all Rust and reads no variable.
            unsafe { std::env::remove_var(name) };
        }
        Ok(Self { sockets, picture })
    }
}

/// Whether a socket was handed over that listens on `wanted` (port 0: on any), and is not taken yet. Nobody else can bind such
/// an address, which is right.
pub fn is_handed_over(wanted: &At) -> bool {
    let address = |number| {
        let (socket, _) = handed(number).ok()?;
        let name = rustix::net::getsockname(socket).ok()?;
        if let Ok(addr) = SocketAddr::try_from(name.clone()) {
            return Some(At::Tcp(addr));
        }
        let path = rustix::net::SocketAddrUnix::try_from(name).ok()?.path_bytes()?.to_vec();
        Some(At::Unix { path: OsString::from_vec(path).into(), mode: None })
    };
    numbers().is_ok_and(|numbers| numbers.map_while(address).any(|at| is_for(wanted, &at)))
}

/// The numbers of the sockets, as the variables have it.
fn numbers() -> Result<Range<RawFd>, Error> {
    let Some(count) = variable(LISTEN_FDS) else { return Ok(FIRST..FIRST) };
    if !is_ours(variable(LISTEN_PID).as_deref(), std::process::id()) {
        return Ok(FIRST..FIRST);
    }
    let count = count.trim().parse::<RawFd>().ok().filter(|count| *count >= 0);
    let count = count.ok_or(Error::Handed { what: "is no number".to_owned() })?;
    Ok(FIRST..FIRST.saturating_add(count))
}

fn variable(name: &str) -> Option<String> {
    std::env::var_os(name).map(|text| text.into_string().unwrap_or_default())
}

/// As sd_listen_fds(3) has it, but that nobody need be named.
fn is_ours(pid: Option<&str>, own: u32) -> bool {
    pid.is_none_or(|pid| pid.trim().parse() == Ok(own))
}

fn listening(number: RawFd) -> Result<OwnedFd, Error> {
    owned(number).map_err(|why| Error::Handed { what: format!("names descriptor {number}, which {why}") })
}

fn picture(text: &str) -> Result<OwnedFd, String> {
    let number = text.trim().parse().map_err(|_| "is no number".to_owned())?;
    owned(number).map_err(|why| format!("names descriptor {number}, which {why}"))
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
        assert_eq!(picture("three").unwrap_err(), "is no number");
    }
}

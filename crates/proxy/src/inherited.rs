//! What whoever started us holds for us: sockets that listen, and a file that outlives us, for the last picture
//! ([`crate::last_picture`]), whose number stands in `MUSTER_PICTURE_FD`.

use crate::bind::At;
use crate::error::Error;
use crate::listen::is_for;
use std::ffi::OsString;
use std::net::SocketAddr;
use std::os::fd::{OwnedFd, RawFd};
use std::os::unix::ffi::OsStringExt;

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
    /// Takes what the environment names, and the variables out of it. To be called at the start: see `muster_inherited`.
    ///
    /// # Errors
    /// When `LISTEN_FDS` names what is no descriptor of ours. A bad `MUSTER_PICTURE_FD` costs the picture only.
    pub(crate) fn take() -> Result<Self, Error> {
        let sockets = muster_inherited::sockets().map_err(|what| Error::Handed { what })?;
        let picture = muster_inherited::descriptor(PICTURE_FD).unwrap_or_else(|why| {
            tracing::warn!("{PICTURE_FD} {why}: the last picture is not kept for the next start");
            None
        });
        Ok(Self { sockets, picture })
    }
}

/// Whether a socket was handed over that listens on `wanted` (port 0: on any), and is not taken yet.
pub fn is_handed_over(wanted: &At) -> bool {
    let mut addresses = muster_inherited::addresses().filter_map(|name| {
        if let Ok(addr) = SocketAddr::try_from(name.clone()) {
            return Some(At::Tcp(addr));
        }
        let path = rustix::net::SocketAddrUnix::try_from(name).ok()?.path_bytes()?.to_vec();
        Some(At::Unix { path: OsString::from_vec(path).into(), mode: None })
    });
    addresses.any(|at| is_for(wanted, &at))
}

//! What PID 1 hands this process: the socket by which the two talk, and those of gossip, which it holds so that they outlive us.

use crate::sockets::Sockets;
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::os::fd::OwnedFd;
use std::sync::Arc;

/// Names the descriptor of the socket to PID 1.
pub const VARIABLE: &str = "MUSTER_INIT_FD";

/// What we were given.
#[derive(Clone, Debug, Default)]
pub struct Inherited {
    /// The socket to PID 1.
    pub(crate) supervisor: Option<Arc<OwnedFd>>,
    /// Sockets of gossip: bound, and not yet known of which kind.
    sockets: Vec<Arc<OwnedFd>>,
}

impl Inherited {
    /// Takes what the environment names. To be called once, at the start: see `muster_inherited`.
    ///
    /// # Errors
    /// In words: a variable names what is no descriptor of ours.
    pub fn take() -> Result<Self, String> {
        let supervisor = muster_inherited::descriptor(VARIABLE).map_err(|why| format!("{VARIABLE} {why}"))?;
        // Else the variable is a leftover, and the number perhaps somebody else's.
        if supervisor.as_ref().is_some_and(|fd| rustix::net::sockopt::socket_type(fd).is_err()) {
            return Err(format!("{VARIABLE}: that descriptor is no socket; it was not handed down"));
        }
        let sockets = muster_inherited::sockets().map_err(|why| format!("LISTEN_FDS {why}"))?;
        Ok(Self {
            supervisor: supervisor.map(Arc::new),
            sockets: sockets.into_iter().map(|(_, socket)| Arc::new(socket)).collect(),
        })
    }

    /// Those of gossip on `addr`, non-blocking, if both were handed over.
    pub(crate) fn gossip(&self, addr: SocketAddr) -> std::io::Result<Option<Sockets>> {
        let (mut udp, mut tcp) = (None, None);
        for socket in &self.sockets {
            let bound = rustix::net::getsockname(socket)?;
            if SocketAddr::try_from(bound) != Ok(addr) {
                continue;
            }
            let own = socket.try_clone()?;
            match rustix::net::sockopt::socket_type(socket)? {
                rustix::net::SocketType::DGRAM => udp = Some(UdpSocket::from(own)),
                _ => tcp = Some(TcpListener::from(own)),
            }
        }
        let (Some(udp), Some(tcp)) = (udp, tcp) else { return Ok(None) };
        udp.set_nonblocking(true)?;
        tcp.set_nonblocking(true)?;
        Ok(Some(Sockets { udp, tcp, addr }))
    }
}

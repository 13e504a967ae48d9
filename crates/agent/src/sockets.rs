//! Listening sockets: those of gossip, one UDP and one TCP on the same port, and plain TCP ones.

use crate::Error;
use crate::inherited::Inherited;
use socket2::{Domain, Protocol, Socket, Type};
use std::io;
use std::net::{SocketAddr, TcpListener, UdpSocket};

/// What memberlist asks for, so that a burst is not dropped; halved until the system agrees.
const RECEIVE_BUFFER_BYTES: usize = 2 << 20;
/// Pending TCP connections the kernel keeps for us.
const BACKLOG: i32 = 256;
/// A free TCP port may be taken on UDP; then another is tried.
const FREE_PORT_TRIES: usize = 10;

/// Bound, not yet read. Both are non-blocking.
#[derive(Debug)]
pub(crate) struct Sockets {
    pub udp: UdpSocket,
    pub tcp: TcpListener,
    /// With the port the system chose where 0 was asked for.
    pub addr: SocketAddr,
}

/// Those that PID 1 holds for us on `addr`, else new ones.
pub(crate) fn held_or_bound(inherited: &Inherited, addr: SocketAddr) -> Result<Sockets, Error> {
    match inherited.gossip(addr).map_err(Error::System)? {
        Some(sockets) => {
            widen(&socket2::SockRef::from(&sockets.udp));
            Ok(sockets)
        }
        None => bind(addr),
    }
}

/// Binds both sockets to `addr`.
pub(crate) fn bind(addr: SocketAddr) -> Result<Sockets, Error> {
    let tries = if addr.port() == 0 { FREE_PORT_TRIES } else { 1 };
    let mut result = bind_once(addr);
    for _ in 1..tries {
        if result.is_ok() {
            break;
        }
        result = bind_once(addr);
    }
    result
}

fn bind_once(addr: SocketAddr) -> Result<Sockets, Error> {
    let tcp = tcp(addr).map_err(|cause| Error::Bind { transport: "TCP", addr, cause })?;
    let addr = tcp.local_addr().map_err(|cause| Error::Bind { transport: "TCP", addr, cause })?;
    let udp = udp(addr).map_err(|cause| Error::Bind { transport: "UDP", addr, cause })?;
    Ok(Sockets { udp, tcp, addr })
}

/// A listening socket, non-blocking.
pub(crate) fn tcp(addr: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(addr), Type::STREAM, Some(Protocol::TCP))?;
    // A restarted agent must not wait for its old connections to fade (TIME_WAIT).
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&addr.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

fn udp(addr: SocketAddr) -> io::Result<UdpSocket> {
    let socket = Socket::new(Domain::for_address(addr), Type::DGRAM, Some(Protocol::UDP))?;
    socket.set_nonblocking(true)?;
    widen(&socket);
    socket.bind(&addr.into())?;
    Ok(socket.into())
}

fn widen(socket: &Socket) {
    let mut bytes = RECEIVE_BUFFER_BYTES;
    while socket.set_recv_buffer_size(bytes).is_err() && bytes > 1 {
        bytes /= 2;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_sockets_share_the_port_the_system_chose() {
        let sockets = bind("127.0.0.1:0".parse().unwrap()).unwrap();
        assert_ne!(sockets.addr.port(), 0);
        assert_eq!(sockets.udp.local_addr().unwrap(), sockets.tcp.local_addr().unwrap());
    }

    #[test]
    fn an_address_in_use_is_named_with_what_to_do() {
        let sockets = bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let error = bind(sockets.addr).unwrap_err().to_string();
        assert!(error.contains(&sockets.addr.to_string()) && error.contains("stop that one"), "{error}");
    }

    #[test]
    fn a_foreign_address_is_told_so() {
        let error = bind("192.0.2.1:0".parse().unwrap()).unwrap_err().to_string();
        assert!(error.contains("no interface"), "{error}");
    }
}

//! Listening sockets.

use crate::bounds;
use crate::client::Client;
use crate::error::Error;
use crate::plane::Plane;
use crate::serve::serve;
use socket2::{Domain, Protocol, Socket, Type};
use std::io;
use std::net::SocketAddr;
use std::os::fd::{OwnedFd, RawFd};
use std::rc::Rc;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};

/// A socket that is listened on, and its address with the real port.
pub(crate) type Listener = (SocketAddr, TcpListener);

/// Binds `addr`.
///
/// # Errors
/// [`Error::Listen`], with what to do about it.
fn bind(addr: SocketAddr) -> Result<Listener, Error> {
    let bound = listener(addr).and_then(|listener| Ok((listener.local_addr()?, listener)));
    bound.map_err(|cause| Error::Listen { addr, cause })
}

fn listener(addr: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(addr), Type::STREAM, Some(Protocol::TCP))?;
    // Connections of an earlier life in TIME_WAIT must not keep the port; another listener still does.
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&addr.into())?;
    socket.listen(bounds::BACKLOG)?;
    TcpListener::from_std(socket.into())
}

/// Takes over a socket on which somebody else listens for us, and its address.
///
/// Others may hold the same one: PID 1, or the proxy that we take the place of. A client that comes then wakes all of them and
/// goes to one; the others look in vain, once. (EPOLLEXCLUSIVE would wake one only; mio does not offer it.) While one
/// holds it, clients that nobody accepts wait; so with a stop of ours, no client is reset.
///
/// # Errors
/// [`Error::Handed`] when it is no such socket.
pub(crate) fn adopt(number: RawFd, socket: OwnedFd) -> Result<Listener, Error> {
    let socket = Socket::from(socket);
    let adopted = (|| {
        let addr = socket.local_addr()?.as_socket();
        match (addr, socket.r#type()?, socket.is_listener()?) {
            (Some(addr), Type::STREAM, true) => {
                socket.set_nonblocking(true)?;
                Ok((addr, TcpListener::from_std(socket.into())?))
            }
            _ => Err(io::Error::other("it is no listening TCP socket")),
        }
    })();
    adopted.map_err(|cause| Error::Handed {
        what: format!("names descriptor {number}, which cannot be listened on: {cause}"),
    })
}

/// Listeners for all `wanted`, in that order: those of `held` that are there, and what is missing is bound.
///
/// # Errors
/// When one cannot be bound, or when one of `held` is none of `wanted`. Then none stays bound.
pub(crate) fn listeners(wanted: &[SocketAddr], mut held: Vec<Listener>) -> Result<Vec<Listener>, Error> {
    if let Some((addr, _)) = held.iter().find(|(addr, _)| !wanted.iter().any(|wanted| is_for(*wanted, *addr)))
    {
        return Err(Error::HandedElsewhere { addr: *addr, configured: wanted.to_vec() });
    }
    let listeners =
        wanted.iter().map(|wanted| match held.iter().position(|(addr, _)| is_for(*wanted, *addr)) {
            Some(at) => Ok(held.swap_remove(at)),
            None => bind(*wanted),
        });
    let mut listeners = listeners.collect::<Result<Vec<_>, _>>()?;
    // Several for one address share its clients (SO_REUSEPORT): who waits in one of them is not to wait for ever.
    listeners.append(&mut held);
    Ok(listeners)
}

/// Whether a socket on `addr` is what was asked for; port 0 asks for any.
pub(crate) fn is_for(wanted: SocketAddr, addr: SocketAddr) -> bool {
    wanted == addr || wanted.port() == 0 && wanted.ip() == addr.ip()
}

/// Accepts clients until `stop` becomes true, then closes the socket. No error is fatal: a client may be gone before
/// it is accepted, and descriptors may run out for a while.
pub(crate) async fn accept(
    plane: Rc<Plane>,
    listener: TcpListener,
    places: Arc<Semaphore>,
    stop: watch::Receiver<bool>,
) {
    let mut stopped = stop.clone();
    tokio::select! {
        _ = stopped.wait_for(|stop| *stop) => {}
        () = accept_all(plane, &listener, places, stop) => {}
    }
}

async fn accept_all(
    plane: Rc<Plane>,
    listener: &TcpListener,
    places: Arc<Semaphore>,
    stop: watch::Receiver<bool>,
) {
    let mut failing = false;
    loop {
        // With all places taken, clients wait in the kernel's queue.
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        let accepted = listener.accept().await;
        let accepted = accepted.and_then(|(stream, peer)| Ok((stream.local_addr()?, stream, peer)));
        match accepted {
            Ok((local, stream, peer)) => {
                failing = false;
                let client = Rc::new(Client::new(peer, local, place));
                tokio::task::spawn_local(serve(Rc::clone(&plane), stream, client, stop.clone()));
            }
            Err(cause) if is_clients(&cause) => {
                tracing::debug!(%cause, "a client was gone before it was accepted");
            }
            Err(cause) => {
                if !std::mem::replace(&mut failing, true) {
                    tracing::error!(%cause, "cannot accept clients: they wait until this passes");
                }
                tokio::time::sleep(bounds::ACCEPT_PAUSE).await;
            }
        }
    }
}

/// Whether `accept` failed for one client only: the network's errors on a new connection (accept(2), "Error handling").
fn is_clients(cause: &io::Error) -> bool {
    use io::ErrorKind as Kind;
    matches!(
        cause.kind(),
        Kind::ConnectionAborted
            | Kind::ConnectionReset
            | Kind::Interrupted
            | Kind::NotConnected
            | Kind::HostUnreachable
            | Kind::NetworkUnreachable
            | Kind::NetworkDown
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn in_runtime(test: impl Future<Output = ()>) {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(test);
    }

    fn adopted(socket: impl Into<OwnedFd>) -> Result<Listener, Error> {
        adopt(3, socket.into())
    }

    #[test]
    fn what_was_handed_over_is_used_and_the_rest_is_bound() {
        in_runtime(async {
            let held = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
            let addr = held.local_addr().unwrap();
            let free: SocketAddr = "127.0.0.1:0".parse().unwrap();
            let all = listeners(&[addr, free], vec![adopted(held.try_clone().unwrap()).unwrap()]).unwrap();
            assert!(all[0].0 == addr && all[1].0 != addr && all.len() == 2, "{all:?}");
            assert!(listeners(&[addr], Vec::new()).is_err(), "without it, the address is taken");
            let both = [held.try_clone().unwrap(), held].map(|held| adopted(held).unwrap());
            assert_eq!(listeners(&[addr], both.into()).unwrap().len(), 2, "both have clients");
        });
    }

    #[test]
    fn a_socket_that_listens_elsewhere_is_refused_with_both_addresses() {
        in_runtime(async {
            let held = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
            let addr = held.local_addr().unwrap();
            let other: SocketAddr = "127.0.0.1:1".parse().unwrap();
            let refused = listeners(&[other], vec![adopted(held).unwrap()]).unwrap_err().to_string();
            assert!(refused.contains(&addr.to_string()) && refused.contains("127.0.0.1:1"), "{refused}");
        });
    }

    #[test]
    fn what_is_no_listening_tcp_socket_is_refused() {
        in_runtime(async {
            let datagrams = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
            let (local, _other) = std::os::unix::net::UnixStream::pair().unwrap();
            let bound = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
            bound.bind(&"127.0.0.1:0".parse::<SocketAddr>().unwrap().into()).unwrap();
            let file = std::fs::File::open("/dev/null").unwrap();
            for handed in [OwnedFd::from(datagrams), local.into(), bound.into(), file.into()] {
                let refused = adopted(handed).unwrap_err().to_string();
                assert!(refused.starts_with("LISTEN_FDS names descriptor 3, which"), "{refused}");
            }
        });
    }
}

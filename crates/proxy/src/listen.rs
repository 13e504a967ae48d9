//! Listening sockets.

use crate::bounds;
use crate::client::Client;
use crate::error::Error;
use crate::plane::Plane;
use crate::serve::serve;
use socket2::{Domain, Protocol, Socket, Type};
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};

/// Binds `addr`.
///
/// # Errors
/// [`Error::Listen`], with what to do about it.
pub(crate) fn bind(addr: SocketAddr) -> Result<TcpListener, Error> {
    listener(addr).map_err(|cause| Error::Listen { addr, cause })
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

//! Listening sockets.

mod unix;

use crate::bind::{At, Listen};
use crate::bounds;
use crate::client::Client;
use crate::door;
use crate::error::Error;
use crate::plane::Plane;
use crate::routes::Entry;
use crate::stream::Socket;
use crate::upstream;
use socket2::{Domain, Protocol, Type};
use std::io;
use std::net::SocketAddr;
use std::os::fd::{OwnedFd, RawFd};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout_at};

/// A socket that is listened on.
#[derive(Debug)]
pub(crate) struct Listener {
    /// What was asked for, with the real port.
    pub(crate) spec: Listen,
    socket: Listening,
}

#[derive(Debug)]
enum Listening {
    Tcp(TcpListener),
    /// And its file, if that is ours to remove.
    Unix(UnixListener, #[expect(dead_code, reason = "it is held for its end")] Option<unix::File>),
}

/// A listening socket of somebody else, before it is known what it is for.
#[derive(Debug)]
pub(crate) struct Held {
    at: At,
    socket: Listening,
}

/// Binds `spec`.
///
/// # Errors
/// [`Error::Listen`], with what to do about it.
pub(crate) fn bind(spec: &Listen) -> Result<Listener, Error> {
    let bound = match &spec.at {
        At::Tcp(addr) => {
            listener(*addr).and_then(|socket| Ok((At::Tcp(socket.local_addr()?), Listening::Tcp(socket))))
        }
        At::Unix { path, mode } => unix::bind(path, *mode)
            .map(|(socket, file)| (spec.at.clone(), Listening::Unix(socket, Some(file)))),
    };
    match bound {
        Ok((at, socket)) => Ok(Listener { spec: spec.clone().moved(at), socket }),
        Err(cause) => Err(Error::Listen { at: spec.at.clone(), cause }),
    }
}

fn listener(addr: SocketAddr) -> io::Result<TcpListener> {
    let socket = socket2::Socket::new(Domain::for_address(addr), Type::STREAM, Some(Protocol::TCP))?;
    // Connections of an earlier life in TIME_WAIT must not keep the port; another listener still does.
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&addr.into())?;
    socket.listen(bounds::BACKLOG)?;
    TcpListener::from_std(socket.into())
}

/// Takes over a socket on which somebody else listens for us.
///
/// Others may hold the same one: PID 1, or the proxy that we take the place of. A client that comes then wakes all of them and
/// goes to one; the others look in vain, once. (EPOLLEXCLUSIVE would wake one only; mio does not offer it.) While one
/// holds it, clients that nobody accepts wait; so with a stop of ours, no client is reset.
///
/// # Errors
/// [`Error::Handed`] when it is no such socket.
pub(crate) fn adopt(number: RawFd, socket: OwnedFd) -> Result<Held, Error> {
    let socket = socket2::Socket::from(socket);
    let adopted = (|| {
        let refused = || io::Error::other("it is no listening TCP or Unix socket");
        let addr = socket.local_addr()?;
        if (socket.r#type()?, socket.is_listener()?) != (Type::STREAM, true) {
            return Err(refused());
        }
        socket.set_nonblocking(true)?;
        let (tcp, path) = (addr.as_socket(), addr.as_pathname().map(Into::into));
        match (tcp, path) {
            (Some(addr), _) => {
                Ok(Held { at: At::Tcp(addr), socket: Listening::Tcp(TcpListener::from_std(socket.into())?) })
            }
            (None, Some(path)) => {
                let at = At::Unix { path, mode: None };
                // The file is whoever's who made it.
                Ok(Held { at, socket: Listening::Unix(UnixListener::from_std(socket.into())?, None) })
            }
            (None, None) => Err(refused()),
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
pub(crate) fn listeners(wanted: &[Listen], held: Vec<Held>) -> Result<Vec<Listener>, Error> {
    let mut adopted = Vec::new();
    for Held { at, socket } in held {
        let Some(nth) = wanted.iter().position(|wanted| is_for(&wanted.at, &at)) else {
            let configured = wanted.iter().map(|wanted| wanted.at.clone()).collect();
            return Err(Error::HandedElsewhere { at, configured });
        };
        adopted.push((nth, Listener { spec: wanted[nth].clone().moved(at), socket }));
    }
    let listeners =
        wanted.iter().enumerate().map(|(nth, wanted)| match adopted.iter().position(|(at, _)| *at == nth) {
            Some(at) => Ok(adopted.swap_remove(at).1),
            None => bind(wanted),
        });
    let mut listeners = listeners.collect::<Result<Vec<_>, _>>()?;
    // Several for one address share its clients (SO_REUSEPORT): who waits in one of them is not to wait for ever.
    listeners.extend(adopted.into_iter().map(|(_, listener)| listener));
    Ok(listeners)
}

/// Whether a socket at `at` is what was asked for; port 0 asks for any.
pub(crate) fn is_for(wanted: &At, at: &At) -> bool {
    match (wanted, at) {
        (At::Tcp(wanted), At::Tcp(addr)) => wanted == addr || wanted.port() == 0 && wanted.ip() == addr.ip(),
        (At::Unix { path: wanted, .. }, At::Unix { path, .. }) => wanted == path,
        (At::Tcp(_), At::Unix { .. }) | (At::Unix { .. }, At::Tcp(_)) => false,
    }
}

impl Listener {
    /// The next client, with its address and ours.
    pub(crate) async fn accept(&self) -> io::Result<(Socket, Option<SocketAddr>, Option<SocketAddr>)> {
        self.socket.accept().await
    }

    /// What each connection inherits (tcp(7), socket(7)), which saves six system calls for each. A client that takes nothing of what
    /// was written to it for `stuck` is cut by the kernel, which has no such clock for Unix sockets.
    pub(crate) fn tune(&self, stuck: Duration) {
        if let Listening::Tcp(listener) = &self.socket {
            upstream::tune(listener);
            upstream::cut_when_stuck(listener, stuck);
        }
    }
}

impl Listening {
    /// The next client, with its address and ours.
    async fn accept(&self) -> io::Result<(Socket, Option<SocketAddr>, Option<SocketAddr>)> {
        match self {
            Self::Tcp(listener) => {
                let (stream, peer) = listener.accept().await?;
                let local = stream.local_addr()?;
                Ok((Socket::Tcp(stream), Some(peer), Some(local)))
            }
            Self::Unix(listener, _) => Ok((Socket::Unix(listener.accept().await?.0), None, None)),
        }
    }
}

/// Accepts clients until `entry` stops, then closes the socket. No error is fatal: a client may be gone before
/// it is accepted, and descriptors may run out for a while.
pub(crate) async fn accept(plane: Rc<Plane>, listener: Listener, entry: Rc<Entry>, places: Arc<Semaphore>) {
    let mut stopped = entry.stopping();
    let socket = listener.socket;
    tokio::select! {
        _ = stopped.wait_for(|stop| *stop) => {}
        () = accept_all(&plane, &socket, &entry, &places) => {}
    }
    // Closing the socket resets whom the kernel has let in.
    let deadline = Instant::now() + bounds::LAST_CLIENTS_WAIT;
    let next = async || {
        let place = Arc::clone(&places).acquire_owned().await.ok()?;
        Some((socket.accept().await.ok()?, place))
    };
    while entry.leaves() {
        let Ok(Some((accepted, place))) = timeout_at(deadline, next()).await else { break };
        let_in(&plane, &entry, accepted, place);
    }
    drop(socket);
    entry.close();
}

fn let_in(
    plane: &Rc<Plane>,
    entry: &Rc<Entry>,
    (socket, peer, local): (Socket, Option<SocketAddr>, Option<SocketAddr>),
    place: OwnedSemaphorePermit,
) {
    let client = Client::new(peer, local, Rc::clone(entry), place);
    tokio::task::spawn_local(door::enter(Rc::clone(plane), socket, client));
}

async fn accept_all(plane: &Rc<Plane>, socket: &Listening, entry: &Rc<Entry>, places: &Arc<Semaphore>) {
    let mut failing = false;
    // Tools may tell a frontend to take nobody for a while.
    let mut paused = plane.desk.paused();
    let can_pause = plane.config.stats.is_some();
    loop {
        // The sender is the plane's, and we hold the plane.
        let _ = paused.wait_for(|paused| !paused.contains(&entry.spec().frontend)).await;
        // With all places taken, clients wait in the kernel's queue.
        let Ok(place) = Arc::clone(places).acquire_owned().await else { return };
        let accepted = tokio::select! {
            accepted = socket.accept() => accepted,
            _ = paused.changed(), if can_pause => continue,
        };
        match accepted {
            Ok(accepted) => {
                failing = false;
                let_in(plane, entry, accepted, place);
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

    fn adopted(socket: impl Into<OwnedFd>) -> Result<Held, Error> {
        adopt(3, socket.into())
    }

    #[test]
    fn what_was_handed_over_is_used_and_the_rest_is_bound() {
        in_runtime(async {
            let held = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
            let addr = Listen::from(held.local_addr().unwrap());
            let free: Listen = "127.0.0.1:0".parse().unwrap();
            let wanted = [addr.clone(), free];
            let all = listeners(&wanted, vec![adopted(held.try_clone().unwrap()).unwrap()]).unwrap();
            assert!(all[0].spec == addr && all[1].spec != addr && all.len() == 2, "{all:?}");
            let addr = [addr];
            assert!(listeners(&addr, Vec::new()).is_err(), "without it, the address is taken");
            let both = [held.try_clone().unwrap(), held].map(|held| adopted(held).unwrap());
            assert_eq!(listeners(&addr, both.into()).unwrap().len(), 2, "both have clients");
        });
    }

    #[test]
    fn a_socket_that_listens_elsewhere_is_refused_with_both_addresses() {
        in_runtime(async {
            let held = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
            let addr = held.local_addr().unwrap();
            let other: Listen = "127.0.0.1:1".parse().unwrap();
            let refused = listeners(&[other], vec![adopted(held).unwrap()]).unwrap_err().to_string();
            assert!(refused.contains(&addr.to_string()) && refused.contains("127.0.0.1:1"), "{refused}");
        });
    }

    #[test]
    fn a_unix_socket_that_was_handed_over_keeps_its_file() {
        in_runtime(async {
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join("a.sock");
            let held = std::os::unix::net::UnixListener::bind(&path).unwrap();
            let wanted: Listen = format!("unix:{}", path.display()).parse().unwrap();
            drop(listeners(std::slice::from_ref(&wanted), vec![adopted(held).unwrap()]).unwrap());
            assert!(path.exists());
            // Nobody listens there any more: one of our own takes the place of its file.
            let own = listeners(&[wanted], Vec::new()).unwrap();
            assert!(path.exists());
            drop(own);
            assert!(!path.exists());
        });
    }

    #[test]
    fn what_is_no_listening_socket_is_refused() {
        in_runtime(async {
            let datagrams = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
            let (local, _other) = std::os::unix::net::UnixStream::pair().unwrap();
            let bound = socket2::Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
            bound.bind(&"127.0.0.1:0".parse::<SocketAddr>().unwrap().into()).unwrap();
            let file = std::fs::File::open("/dev/null").unwrap();
            for handed in [OwnedFd::from(datagrams), local.into(), bound.into(), file.into()] {
                let refused = adopted(handed).unwrap_err().to_string();
                assert!(refused.starts_with("LISTEN_FDS names descriptor 3, which"), "{refused}");
            }
        });
    }
}

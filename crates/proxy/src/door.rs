//! From an accepted connection to a client that is served: who it is from, before its first request.

use crate::access;
use crate::bind::Listen;
use crate::bounds;
use crate::buffer::Buffer;
use crate::client::Client;
use crate::front::http2;
use crate::plane::Plane;
use crate::preface;
use crate::serve::serve;
use crate::stream::{Socket, Stream};
use crate::tcp;
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use tokio::sync::watch;

/// Lets a client in and serves it, until either side closes.
pub(crate) async fn enter(plane: Rc<Plane>, socket: Socket, mut client: Client) {
    let (listen, mut stop) = (client.entry.spec(), client.entry.stopping());
    let limit = plane.config.handshake_timeout;
    let from = client.peer;
    let entered = tokio::select! {
        entered = tokio::time::timeout(limit, welcome(&plane, &listen, socket, &mut client)) => entered,
        // As a new connection gets a moment for its first request after a stop.
        () = stopped(&mut stop) => return,
    };
    match entered {
        Ok(Ok(stream)) => {
            let _entered = client.gate().map(|gate| gate.enter(plane.elapsed()));
            let is_h2 = client.tls.as_ref().is_some_and(|tls| tls.is_h2);
            if plane.access.is_wanted(listen.frontend) {
                client.since = access::timestamp();
            }
            let client = Rc::new(client);
            match (listen.tcp, is_h2) {
                (true, _) => tcp::relay(plane, stream, client).await,
                (false, true) => Box::pin(http2::serve(plane, Buffer::default(), stream, client, stop)).await,
                (false, false) => serve(plane, stream, client, stop).await,
            }
        }
        Ok(Err(Refused::Preface(preface::Failed::Closed))) => {
            tracing::debug!(?from, "a client went before it said anything");
        }
        // Whoever scans for servers causes these all day long.
        Ok(Err(cause @ Refused::Tls(_))) => {
            tracing::debug!(?from, listen = %listen, %cause, "a client was not let in");
        }
        Ok(Err(cause)) => tracing::info!(?from, listen = %listen, %cause, "a client was not let in"),
        Err(_late) => tracing::info!(?from, listen = %listen, ?limit, "a client was too slow to be let in"),
    }
}

/// Why a client is not let in.
#[derive(Debug, thiserror::Error)]
enum Refused {
    #[error(transparent)]
    Preface(#[from] preface::Failed),
    #[error("no TLS with it: {0}")]
    Tls(#[from] io::Error),
}

/// What a connection begins with.
async fn welcome(
    plane: &Plane,
    listen: &Listen,
    socket: Socket,
    client: &mut Client,
) -> Result<Stream, Refused> {
    if listen.proxy_protocol && is_trusted(plane, client.peer) {
        client.introduce(preface::read(&socket).await?);
    }
    // Nothing listens with `tls` without a server for it.
    let Some(tls) = plane.tls().filter(|_| listen.tls) else { return Ok(Stream::Plain(socket)) };
    let (stream, secured) = tls.accept(socket, listen.tcp).await?;
    tracing::debug!(peer = ?client.peer, name = ?secured.name, "TLS");
    client.tls = Some(secured);
    Ok(Stream::Tls(stream))
}

/// Whether a header from there is believed. Who may connect to a Unix socket is a matter of its file's permissions.
fn is_trusted(plane: &Plane, peer: Option<SocketAddr>) -> bool {
    let from = &plane.config.proxy_protocol_from;
    peer.is_none_or(|peer| from.is_empty() || from.iter().any(|network| network.contains(peer.ip())))
}

async fn stopped(stop: &mut watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await;
    tokio::time::sleep(bounds::FIRST_REQUEST_WAIT).await;
}

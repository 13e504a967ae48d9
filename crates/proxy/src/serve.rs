//! One client's connection.

use crate::bounds;
use crate::client::Client;
use crate::forward::forward;
use crate::plane::Plane;
use crate::upstream;
use hyper::server::conn::http1::Builder;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::pin::pin;
use std::rc::Rc;
use tokio::net::TcpStream;
use tokio::sync::watch;

/// Serves requests until either side closes. When `stop` becomes true, a request in flight is answered with
/// `Connection: close` and an idle connection is closed.
pub(crate) async fn serve(
    plane: Rc<Plane>,
    stream: TcpStream,
    client: Rc<Client>,
    mut stop: watch::Receiver<bool>,
) {
    let peer = client.peer;
    let idle_timeout = plane.config.idle_timeout;
    upstream::tune(&stream);
    upstream::cut_when_stuck(&stream, idle_timeout.max(bounds::STUCK_MIN));
    let service = service_fn(move |request| {
        let (plane, client) = (Rc::clone(&plane), Rc::clone(&client));
        async move { Ok::<_, Infallible>(forward(&plane, &client, request).await) }
    });
    let connection = Builder::new()
        .timer(TokioTimer::new())
        // hyper's clock for a head starts when the last response was sent, so this is the idle timeout as well.
        .header_read_timeout(idle_timeout)
        .max_buf_size(bounds::HEAD_BYTES_MAX)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    let mut connection = pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        _ = stop.wait_for(|stop| *stop) => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(cause) = ended {
        tracing::debug!(%peer, %cause, "a client's connection ended");
    }
}

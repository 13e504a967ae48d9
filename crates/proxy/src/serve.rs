//! One client's connection.

use crate::bounds;
use crate::client::Client;
use crate::forward::forward;
use crate::plane::Plane;
use crate::stream::Stream;
use hyper::server::conn::http1::Builder;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::cell::Cell;
use std::convert::Infallible;
use std::pin::pin;
use std::rc::Rc;
use tokio::sync::{Notify, watch};

/// Whether a connection had a request.
#[derive(Debug, Default)]
struct Begun {
    is: Cell<bool>,
    told: Notify,
}

impl Begun {
    fn tell(&self) {
        self.is.set(true);
        self.told.notify_one();
    }

    async fn wait(&self) {
        if !self.is.get() {
            self.told.notified().await;
        }
    }
}

/// Serves requests until either side closes. When `stop` becomes true, a request in flight is answered with
/// `Connection: close` and an idle connection is closed. One that is new gets a moment for its first request, which may be on its
/// way: clients send it again after the end of a connection that they had used, and fail when they had not.
pub(crate) async fn serve(
    plane: Rc<Plane>,
    stream: Stream,
    client: Rc<Client>,
    mut stop: watch::Receiver<bool>,
) {
    let peer = client.peer;
    let idle_timeout = plane.config.idle_timeout;
    let begun = Rc::new(Begun::default());
    let first = Rc::clone(&begun);
    let service = service_fn(move |request| {
        first.tell();
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
            let early = tokio::select! {
                ended = connection.as_mut() => Some(ended),
                _ = tokio::time::timeout(bounds::FIRST_REQUEST_WAIT, begun.wait()) => None,
            };
            match early {
                Some(ended) => ended,
                None => {
                    connection.as_mut().graceful_shutdown();
                    connection.await
                }
            }
        }
    };
    if let Err(cause) = ended {
        tracing::debug!(?peer, %cause, "a client's connection ended");
    }
}

//! Upgrades such as WebSocket: after the backend's 101, bytes pass both ways until either side closes.
//!
//! A tunnel is a request in flight on its backend for as long as it lives: a withdrawn backend is not drained before its
//! tunnels are closed.

use crate::client::Client;
use crate::headers;
use crate::lease::Lease;
use crate::relay::Outgoing;
use bytes::Bytes;
use hyper::body::Incoming;
use hyper::header::{self, HeaderMap, HeaderValue};
use hyper::upgrade::OnUpgrade;
use hyper::{Request, Response, StatusCode, Version};
use hyper_util::rt::TokioIo;
use muster_balance::Ended;
use std::rc::Rc;

/// A client's wish to speak something else on its connection.
#[derive(Debug)]
pub(crate) struct Upgrade {
    protocol: HeaderValue,
    client: OnUpgrade,
}

/// The upgrade that `request` asks for, if it is one we pass on. HTTP/2 without TLS (`h2c`) is not: behind a tunnel, the
/// client would choose its requests unseen.
pub(crate) fn wanted(request: &mut Request<Incoming>) -> Option<Upgrade> {
    let headers = request.headers();
    let protocol = headers.get(header::UPGRADE)?;
    let asked = request.version() == Version::HTTP_11
        && headers::has_token(headers, header::CONNECTION, "upgrade")
        && !headers::has_token(headers, header::UPGRADE, "h2c");
    let protocol = asked.then(|| protocol.clone())?;
    Some(Upgrade { protocol, client: hyper::upgrade::on(request) })
}

impl Upgrade {
    /// Asks the backend for it.
    pub(crate) fn ask(&self, headers: &mut HeaderMap) {
        switch(headers, self.protocol.clone());
    }

    /// Passes the backend's 101 on and starts the tunnel.
    pub(crate) fn open(
        self,
        mut response: Response<Incoming>,
        mut lease: Lease,
        client: Rc<Client>,
    ) -> Response<Outgoing> {
        let protocol = response.headers().get(header::UPGRADE).unwrap_or(&self.protocol).clone();
        let backend = hyper::upgrade::on(&mut response);
        headers::prepare_response(&mut response);
        switch(response.headers_mut(), protocol);
        tokio::task::spawn_local(async move {
            // Held to the end, so that the client counts as connected.
            let _client = client;
            match tokio::try_join!(self.client, backend) {
                Ok((client, backend)) => {
                    let (mut client, mut backend) = (TokioIo::new(client), TokioIo::new(backend));
                    match tokio::io::copy_bidirectional(&mut client, &mut backend).await {
                        Ok(_) => lease.end(Ended::Well),
                        // Which side broke off cannot be told from here; streams often end so.
                        Err(cause) => tracing::debug!(%cause, "a tunnel broke"),
                    }
                }
                Err(cause) => tracing::debug!(%cause, "an upgrade was not completed"),
            }
        });
        let mut answer = response.map(|_| Outgoing::page(Bytes::new()));
        *answer.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
        answer
    }
}

fn switch(headers: &mut HeaderMap, protocol: HeaderValue) {
    headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(header::UPGRADE, protocol);
}

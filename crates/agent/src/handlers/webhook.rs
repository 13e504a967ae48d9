//! Delivery of a notice to a webhook: an HTTP POST with a JSON body, repeated while the receiver's trouble may pass.
//!
//! Every attempt has a connection of its own: notices are rare, and a kept connection would be another thing that can be
//! half dead. A repeated notice has the same `Muster-Delivery`, by which a receiver can tell that it has it already.

use super::config::WebhookUrl;
use crate::process::outcome::{End, Outcome};
use crate::resolve::Resolver;
use crate::server::shown;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::header::{CONTENT_TYPE, HOST, USER_AGENT};
use hyper::{Method, Request};
use hyper_util::rt::TokioIo;
use muster_events::retry::{may_change, pause};
use muster_events::{Notice, Tail};
use serde_json::json;
use std::net::IpAddr;
use std::time::{Duration, Instant};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

/// Of an answer; more is not read.
const ANSWER_BYTES_MAX: u64 = 64 << 10;

/// What is delivered, once and for all attempts.
pub(super) struct Delivery<'a> {
    pub(super) url: &'a WebhookUrl,
    pub(super) id: String,
    pub(super) body: Bytes,
    /// For one attempt.
    pub(super) limit: Option<Duration>,
}

/// The JSON of a notice: that of the event stream, and which node tells it.
pub(super) fn body(notice: &Notice, node: &str) -> Bytes {
    let mut json = json!(shown(notice));
    json["node"] = json!(node);
    json.to_string().into()
}

impl Delivery<'_> {
    /// Delivers it or gives up.
    pub(super) async fn run(&self, resolver: &Resolver) -> Outcome {
        let started = Instant::now();
        let mut attempts = 0;
        loop {
            attempts += 1;
            let attempt = self.attempt(resolver);
            let answer = match self.limit {
                Some(limit) => timeout(limit, attempt)
                    .await
                    .unwrap_or_else(|_| Err(format!("no answer within {limit:?}"))),
                None => attempt.await,
            };
            let repeat = answer.as_ref().map_or(true, |(status, _)| may_change(*status));
            match pause(attempts, fastrand::f64()).filter(|_| repeat) {
                Some(pause) => {
                    let why = answer.map_or_else(|why| why, |(status, _)| format!("HTTP status {status}"));
                    tracing::debug!(webhook = %self.url, ?pause, "attempt {attempts} failed: {why}");
                    sleep(pause).await;
                }
                None => {
                    let (end, output) = match answer {
                        Ok((status, output)) => (End::Answered { status, attempts }, output),
                        Err(why) => (End::NotDelivered { why, attempts }, Tail::default()),
                    };
                    return Outcome { end, output, took: started.elapsed() };
                }
            }
        }
    }

    async fn attempt(&self, resolver: &Resolver) -> Result<(u16, Tail), String> {
        let stream = self.connect(resolver).await?;
        let words = |error: hyper::Error| error.to_string();
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(words)?;
        let request = Request::builder()
            .method(Method::POST)
            .uri(&self.url.path_and_query)
            .header(HOST, &self.url.authority)
            .header(USER_AGENT, concat!("muster/", env!("CARGO_PKG_VERSION")))
            .header(CONTENT_TYPE, "application/json")
            .header("muster-delivery", &self.id)
            .body(Full::new(self.body.clone()))
            .map_err(|error| error.to_string())?;
        let exchange = async {
            let mut response = sender.send_request(request).await.map_err(words)?;
            let mut output = Tail::default();
            while let Some(frame) = response.body_mut().frame().await {
                if let Ok(data) = frame.map_err(words)?.into_data() {
                    output.push(&data);
                }
                if output.total() > ANSWER_BYTES_MAX {
                    break;
                }
            }
            Ok((response.status().as_u16(), output))
        };
        tokio::select! {
            answer = exchange => answer,
            // It ends first only when it breaks, and then the exchange knows.
            Err(error) = connection => Err(error.to_string()),
        }
    }

    async fn connect(&self, resolver: &Resolver) -> Result<TcpStream, String> {
        let (host, port) = (&*self.url.host, self.url.port);
        let addresses = match host.parse::<IpAddr>() {
            Ok(address) => vec![address],
            Err(_) => resolver.resolve(host).await?,
        };
        let mut why = String::new();
        for address in addresses {
            match TcpStream::connect((address, port)).await {
                Ok(stream) => return Ok(stream),
                Err(cause) => why = format!("cannot connect to {address} port {port}: {cause}"),
            }
        }
        Err(why)
    }
}

//! An open-loop load: requests leave at their scheduled times whatever happens to earlier ones, and every failure is kept
//! with its time and reason.

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::{Method, Request};
use hyper_util::rt::TokioIo;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::net::TcpStream;

/// What to send.
#[derive(Clone, Debug)]
pub struct Plan {
    /// `ip:port` of the balancer.
    pub address: String,
    /// Requests per second.
    pub per_second: u32,
    /// Every how many requests one is a POST; 0: never.
    pub post_every: u64,
    /// Keep-alive connections; more are opened while all are busy.
    pub connections: usize,
    /// Each request has a connection of its own.
    pub closes: bool,
}

/// One finished request.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// When it was due, since the load began.
    pub due: Duration,
    /// When it ended, since the load began.
    pub ended: Duration,
    /// Its method.
    pub method: Method,
    /// Node that answered (the application's own word), or why it failed.
    pub result: Result<String, String>,
}

/// A running load.
#[derive(Debug)]
pub struct Load {
    stop: Arc<AtomicBool>,
    outcomes: Arc<Mutex<Vec<Outcome>>>,
    workers: Vec<tokio::task::JoinHandle<()>>,
    /// When it began.
    pub began: Instant,
}

impl Load {
    /// Begins.
    pub fn start(plan: &Plan) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let outcomes = Arc::new(Mutex::new(Vec::new()));
        let next = Arc::new(AtomicU64::new(0));
        let began = Instant::now();
        let workers = (0..plan.connections)
            .map(|_| {
                let worker = Worker {
                    plan: plan.clone(),
                    began,
                    next: Arc::clone(&next),
                    stop: Arc::clone(&stop),
                    outcomes: Arc::clone(&outcomes),
                };
                tokio::spawn(worker.run())
            })
            .collect();
        Self { stop, outcomes, workers, began }
    }

    /// Requests finished so far.
    pub fn finished(&self) -> usize {
        self.outcomes.lock().expect("no worker panics with the lock held").len()
    }

    /// Waits until `count` more requests are finished: time, measured in work.
    pub async fn passes(&self, count: usize) {
        let target = self.finished() + count;
        crate::wait_for(&format!("{count} requests finish"), || async {
            let now = self.finished();
            if now >= target { Ok(()) } else { Err(format!("{now} of {target}")) }
        })
        .await;
    }

    /// Ends it; all outcomes by due time.
    pub async fn stop(self) -> Vec<Outcome> {
        self.stop.store(true, Ordering::Relaxed);
        for worker in self.workers {
            worker.await.expect("a load worker does not panic");
        }
        let mut outcomes = std::mem::take(&mut *self.outcomes.lock().expect("workers are done"));
        outcomes.sort_by_key(|outcome| outcome.due);
        outcomes
    }
}

/// Two loads on one balancer: one keeps its connections, each request of the other has its own. Every fifth request is a POST.
#[derive(Debug)]
pub struct Loads {
    /// On connections that are kept.
    pub keeping: Load,
    /// On a new one each.
    pub closing: Load,
}

impl Loads {
    /// Begins both, each with so many requests a second.
    pub fn start(address: &str, per_second: u32) -> Self {
        let plan = |closes| Plan {
            address: address.to_owned(),
            per_second,
            post_every: 5,
            connections: (per_second / 10) as usize,
            closes,
        };
        Self { keeping: Load::start(&plan(false)), closing: Load::start(&plan(true)) }
    }

    /// Waits until `count` more requests of each are finished.
    pub async fn pass(&self, count: usize) {
        self.keeping.passes(count).await;
        self.closing.passes(count).await;
    }

    /// Ends both: how many requests there were, and which failed, in words.
    pub async fn stop(self) -> (usize, Vec<String>) {
        let (keeping, closing) = (self.keeping.stop().await, self.closing.stop().await);
        let failed = [failures(&keeping), failures(&closing)].concat();
        (keeping.len() + closing.len(), failed)
    }
}

/// The failed ones, in words.
pub fn failures(outcomes: &[Outcome]) -> Vec<String> {
    outcomes
        .iter()
        .filter_map(|outcome| {
            let why = outcome.result.as_ref().err()?;
            Some(format!("{} due at {:.3} s: {why}", outcome.method, outcome.due.as_secs_f64()))
        })
        .collect()
}

struct Worker {
    plan: Plan,
    began: Instant,
    next: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
    outcomes: Arc<Mutex<Vec<Outcome>>>,
}

impl Worker {
    async fn run(self) {
        let mut connection = None;
        loop {
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            let due = Duration::from_secs_f64(number as f64 / f64::from(self.plan.per_second));
            tokio::time::sleep_until((self.began + due).into()).await;
            if self.stop.load(Ordering::Relaxed) {
                return;
            }
            let post = self.plan.post_every > 0 && number.is_multiple_of(self.plan.post_every);
            let method = if post { Method::POST } else { Method::GET };
            let result = self.exchange(&mut connection, method.clone()).await;
            if result.is_err() || self.plan.closes {
                connection = None;
            }
            let outcome = Outcome { due, ended: self.began.elapsed(), method, result };
            self.outcomes.lock().expect("no worker panics with the lock held").push(outcome);
        }
    }

    async fn exchange(
        &self,
        connection: &mut Option<SendRequest<Full<Bytes>>>,
        method: Method,
    ) -> Result<String, String> {
        if connection.as_ref().is_none_or(SendRequest::is_closed) {
            *connection = Some(self.connect().await?);
        }
        let sender = connection.as_mut().ok_or("just connected")?;
        sender.ready().await.map_err(|error| format!("connection: {error}"))?;
        // A POST to /delay with 0 ms changes nothing and is answered by the application itself.
        let post = method == Method::POST;
        let (path, body) = if post { ("/delay", r#"{"delay":0}"#) } else { ("/", "") };
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", &self.plan.address)
            .header("content-type", "application/json")
            .header("connection", if self.plan.closes { "close" } else { "keep-alive" })
            .body(Full::new(Bytes::from_static(body.as_bytes())))
            .map_err(|error| error.to_string())?;
        let answer = tokio::time::timeout(Duration::from_secs(30), sender.send_request(request));
        let answer = answer
            .await
            .map_err(|_| "no answer in 30 s".to_owned())?
            .map_err(|error| format!("{error:?}"))?;
        let status = answer.status();
        let body =
            answer.into_body().collect().await.map_err(|error| format!("body cut: {error:?}"))?.to_bytes();
        if !status.is_success() {
            return Err(format!("{status}: {}", String::from_utf8_lossy(&body).trim()));
        }
        let host = serde_json::from_slice::<serde_json::Value>(&body).ok();
        Ok(host.and_then(|json| json["host"].as_str().map(str::to_owned)).unwrap_or_default())
    }

    async fn connect(&self) -> Result<SendRequest<Full<Bytes>>, String> {
        let stream =
            TcpStream::connect(&self.plan.address).await.map_err(|error| format!("connect: {error}"))?;
        stream.set_nodelay(true).map_err(|error| error.to_string())?;
        let (sender, connection) =
            handshake(TokioIo::new(stream)).await.map_err(|error| error.to_string())?;
        tokio::spawn(connection);
        Ok(sender)
    }
}

//! The demo's own requests: a steady rate of GETs through the balancer, every failure counted with its reason.
//!
//! Open loop: a request begins when its time has come, whether or not the ones before were answered, as visitors do.
//! Connections are kept and used again. As browsers do, a request is sent once more, on a new connection, only when the
//! old one closed before any of it was written (RFC 9112, 9.3.1); every other failure counts.

use super::view::{Latency, TrafficState, TrafficView};
use bytes::Bytes;
use http_body_util::{BodyExt, Empty};
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::HOST;
use hyper::{Request, Response, StatusCode, body::Incoming};
use hyper_util::rt::TokioIo;
use std::collections::{BTreeMap, VecDeque};
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::task::AbortHandle;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};

/// Requests in flight at most; one more is counted as failed, since nobody would wait behind so many.
const IN_FLIGHT_MAX: usize = 200;
/// What a patient visitor waits.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);
/// Latencies older than this are forgotten.
const LATENCY_WINDOW: Duration = Duration::from_secs(10);
/// Longest answer read; the demo's application sends about 150 bytes.
const ANSWER_BYTES_MAX: usize = 1 << 20;
/// Backends whose first answer is remembered.
const BACKENDS_MAX: usize = 256;
/// Distinct reasons kept apart.
const REASONS_MAX: usize = 8;

/// The generator; ends when dropped.
#[derive(Debug)]
pub(crate) struct Traffic {
    per_second: u32,
    state: watch::Sender<TrafficState>,
    shared: Arc<Shared>,
    pacer: AbortHandle,
}

/// What the requests' tasks share.
#[derive(Debug)]
struct Shared {
    target: SocketAddr,
    tally: Mutex<Tally>,
    idle: Mutex<Vec<Connection>>,
}

type Connection = SendRequest<Empty<Bytes>>;

#[derive(Debug, Default)]
struct Tally {
    in_flight: usize,
    answered: u64,
    failed: u64,
    reasons: BTreeMap<String, u64>,
    latencies: VecDeque<(Instant, Duration)>,
    /// When each backend first answered, by its own word (`x-backend-ip`), since [`Traffic::forget`].
    first_answers: BTreeMap<IpAddr, Instant>,
}

impl Traffic {
    /// Requests to `target`, `per_second` of them, beginning when [`Self::set`] to [`TrafficState::On`].
    pub(crate) fn new(target: SocketAddr, per_second: u32) -> Self {
        let (state, follow) = watch::channel(TrafficState::Waiting);
        let shared = Arc::new(Shared { target, tally: Mutex::default(), idle: Mutex::default() });
        let pacer = tokio::spawn(pace(Arc::clone(&shared), per_second, follow)).abort_handle();
        Self { per_second, state, shared, pacer }
    }

    /// Whether requests are made.
    pub(crate) fn state(&self) -> TrafficState {
        *self.state.borrow()
    }

    /// Begins or ends making requests; those in flight go on.
    pub(crate) fn set(&self, state: TrafficState) {
        self.state.send_replace(state);
    }

    /// Counts the next answer of the backend with this address as its first.
    pub(crate) fn forget(&self, ip: IpAddr) {
        self.shared.tally().first_answers.remove(&ip);
    }

    /// When the backend with this address first answered.
    pub(crate) fn first_answer(&self, ip: IpAddr) -> Option<Instant> {
        self.shared.tally().first_answers.get(&ip).copied()
    }

    /// How it went so far.
    pub(crate) fn view(&self) -> TrafficView {
        let tally = self.shared.tally();
        let since = Instant::now().checked_sub(LATENCY_WINDOW);
        let mut recent: Vec<Duration> = tally
            .latencies
            .iter()
            .filter(|(at, _)| since.is_none_or(|since| *at >= since))
            .map(|(_, latency)| *latency)
            .collect();
        recent.sort_unstable();
        let latency =
            recent.last().map(|slowest| Latency { median: recent[recent.len() / 2], slowest: *slowest });
        TrafficView {
            state: self.state(),
            per_second: self.per_second,
            answered: tally.answered,
            failed: tally.failed,
            reasons: tally.reasons.clone(),
            latency,
        }
    }
}

impl Drop for Traffic {
    fn drop(&mut self) {
        self.pacer.abort();
    }
}

async fn pace(shared: Arc<Shared>, per_second: u32, mut state: watch::Receiver<TrafficState>) {
    let mut ticks = interval(Duration::from_secs(1) / per_second.max(1));
    // When this process was stopped for a while, nobody wants all the missed requests at once.
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        ticks.tick().await;
        if *state.borrow() == TrafficState::On {
            tokio::spawn(visit(Arc::clone(&shared)));
            continue;
        }
        if state.wait_for(|state| *state == TrafficState::On).await.is_err() {
            return;
        }
        // The pause may have outlasted what the balancer keeps an idle connection for.
        shared.idle().clear();
    }
}

/// One request, counted.
async fn visit(shared: Arc<Shared>) {
    {
        let mut tally = shared.tally();
        if tally.in_flight >= IN_FLIGHT_MAX {
            return tally.fail(format!("{IN_FLIGHT_MAX} others still waiting"));
        }
        tally.in_flight += 1;
    }
    let begun = Instant::now();
    let outcome = timeout(ANSWER_TIMEOUT, exchange(&shared)).await;
    let mut tally = shared.tally();
    tally.in_flight -= 1;
    match outcome {
        Ok(Ok(by)) => tally.answer(begun, by),
        Ok(Err(reason)) => tally.fail(reason),
        Err(_) => tally.fail(format!("no answer in {} s", ANSWER_TIMEOUT.as_secs())),
    }
}

impl Tally {
    fn answer(&mut self, begun: Instant, by: Option<IpAddr>) {
        let now = Instant::now();
        self.answered += 1;
        if let Some(by) = by
            && (self.first_answers.len() < BACKENDS_MAX || self.first_answers.contains_key(&by))
        {
            self.first_answers.entry(by).or_insert(now);
        }
        self.latencies.push_back((now, now - begun));
        while self.latencies.front().is_some_and(|(at, _)| now - *at > LATENCY_WINDOW) {
            self.latencies.pop_front();
        }
    }

    fn fail(&mut self, reason: String) {
        self.failed += 1;
        let is_new = !self.reasons.contains_key(&reason);
        let reason = if is_new && self.reasons.len() >= REASONS_MAX { "other".to_owned() } else { reason };
        *self.reasons.entry(reason).or_default() += 1;
    }
}

impl Shared {
    fn tally(&self) -> MutexGuard<'_, Tally> {
        self.tally.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Connection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A kept connection that is still open, the one used last first.
    fn kept(&self) -> Option<Connection> {
        let mut idle = self.idle();
        while let Some(connection) = idle.pop() {
            if !connection.is_closed() {
                return Some(connection);
            }
        }
        None
    }
}

/// A GET and its whole answer: by whom it is, if it says so; `Err` is the reason why it failed.
async fn exchange(shared: &Shared) -> Result<Option<IpAddr>, String> {
    let mut request = Request::new(Empty::new());
    let host = shared.target.to_string().try_into().map_err(|_| "no host header".to_owned())?;
    request.headers_mut().insert(HOST, host);
    let unsent = match shared.kept() {
        Some(mut connection) => match connection.try_send_request(request).await {
            Ok(response) => return finish(shared, connection, response).await,
            Err(mut error) => match error.take_message() {
                Some(unsent) => unsent,
                None => return Err(words(&error.into_error())),
            },
        },
        None => request,
    };
    let mut connection = connect(shared.target).await?;
    let response = connection.send_request(unsent).await.map_err(|error| words(&error))?;
    finish(shared, connection, response).await
}

async fn connect(target: SocketAddr) -> Result<Connection, String> {
    let stream = TcpStream::connect(target).await.map_err(|error| error.kind().to_string())?;
    let _ = stream.set_nodelay(true);
    let (sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(|error| words(&error))?;
    // Ends with the connection, at the latest when the sender is dropped; its error reaches the request as well.
    tokio::spawn(connection);
    Ok(sender)
}

async fn finish(
    shared: &Shared,
    mut connection: Connection,
    response: Response<Incoming>,
) -> Result<Option<IpAddr>, String> {
    let status = response.status();
    let by = response.headers().get("x-backend-ip").and_then(|ip| ip.to_str().ok()?.parse().ok());
    let mut body = http_body_util::Limited::new(response.into_body(), ANSWER_BYTES_MAX);
    while let Some(frame) = body.frame().await {
        frame.map_err(|_| "answer cut".to_owned())?;
    }
    if connection.ready().await.is_ok() {
        shared.idle().push(connection);
    }
    match status {
        StatusCode::OK => Ok(by),
        status => Err(status.to_string()),
    }
}

fn words(error: &hyper::Error) -> String {
    if error.is_incomplete_message() || error.is_canceled() || error.is_closed() {
        return "connection cut".to_owned();
    }
    error.to_string()
}

#[cfg(test)]
mod tests;

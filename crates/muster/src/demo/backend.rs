//! `muster demo backend`: a small web application that says who answered.
//!
//! | request | answer |
//! |---|---|
//! | `GET /`, `HEAD /` | JSON `hello, ip, host, tag, sessionViews, id`, header `x-backend-ip`, cookie `NODESESSID` |
//! | `POST /delay` | `delay` (ms, JSON or form) slows every later answer but those of `/delay` itself, so that it can be undone |
//!
//! On TERM or INT it stops accepting, finishes the requests in flight and exits 0.

use super::sessions::{Sessions, Visit};
use bytes::Bytes;
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::{Body, Incoming};
use hyper::header::{ALLOW, CONTENT_TYPE, COOKIE, HeaderMap, HeaderValue, SET_COOKIE};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use serde::Serialize;
use std::convert::Infallible;
use std::io::Write;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// Connections served at once; further ones wait in the kernel.
const CONNECTIONS_MAX: usize = 1_024;
/// Longest body of `POST /delay`.
const BODY_BYTES_MAX: usize = 4_096;
/// Longest delay that can be asked for: ten minutes.
const DELAY_MS_MAX: u64 = 600_000;
/// Name of the session cookie.
const COOKIE_NAME: &str = "NODESESSID";

/// A small web application that says who answered.
///
/// GET / answers JSON with SERVER_IP, SERVER_NAME, SERVER_TAG and the visitor's session; POST /delay with `delay=MS`
/// slows every later answer.
#[derive(clap::Args, Clone, Debug)]
pub(crate) struct Args {
    /// Address to listen on; port 0 takes a free one, which is printed.
    #[arg(long, value_name = "ADDR:PORT", default_value = "0.0.0.0:3000")]
    listen: SocketAddr,
}

/// Why the application could not run.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The address could not be bound.
    #[error("cannot listen on {addr}: {cause}; choose another address with --listen")]
    Listen { addr: SocketAddr, cause: std::io::Error },
    /// `SERVER_IP` would become the header `x-backend-ip`.
    #[error("SERVER_IP is {0:?}, which is not an IP address: correct or unset it")]
    ServerIp(String),
    /// Anything the system refused.
    #[error("the system refused: {0}")]
    System(#[from] std::io::Error),
}

/// Who answers, as told by the environment.
#[derive(Clone, Debug)]
struct Identity {
    /// `SERVER_IP`; the address the request came in on when absent.
    ip: Option<IpAddr>,
    /// `SERVER_NAME`, else the host's name.
    host: String,
    /// `SERVER_TAG`, else empty.
    tag: String,
}

impl Identity {
    fn of(variable: impl Fn(&str) -> Option<String>) -> Result<Self, Error> {
        let ip = match variable("SERVER_IP").filter(|text| !text.is_empty()) {
            Some(text) => Some(text.parse().map_err(|_| Error::ServerIp(text))?),
            None => None,
        };
        let host = variable("SERVER_NAME")
            .unwrap_or_else(|| rustix::system::uname().nodename().to_string_lossy().into_owned());
        Ok(Self { ip, host, tag: variable("SERVER_TAG").unwrap_or_default() })
    }
}

#[derive(Debug)]
struct App {
    identity: Identity,
    sessions: Mutex<Sessions>,
    delay_ms: AtomicU64,
}

/// The answer of `GET /`: exactly these fields, in this order.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Hello<'a> {
    hello: &'static str,
    ip: IpAddr,
    host: &'a str,
    tag: &'a str,
    session_views: u64,
    id: &'a str,
}

/// Runs the application until TERM or INT. Blocks the calling thread.
///
/// # Errors
/// The address cannot be bound, or the environment makes no sense.
pub(crate) fn run(args: &Args) -> Result<(), Error> {
    let identity = Identity::of(|name| std::env::var_os(name).map(|v| v.to_string_lossy().into_owned()))?;
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(serve(args.listen, identity))
}

async fn serve(listen: SocketAddr, identity: Identity) -> Result<(), Error> {
    let (mut term, mut int) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let listener = TcpListener::bind(listen).await.map_err(|cause| Error::Listen { addr: listen, cause })?;
    let _ = writeln!(std::io::stdout(), "listening on http://{}/", listener.local_addr()?);

    let app = Arc::new(App { identity, sessions: Mutex::default(), delay_ms: AtomicU64::new(0) });
    let (stop, stopping) = watch::channel(false);
    let mut connections = JoinSet::new();
    loop {
        while connections.try_join_next().is_some() {}
        tokio::select! {
            accepted = listener.accept(), if connections.len() < CONNECTIONS_MAX => match accepted {
                Ok((stream, _)) => { connections.spawn(connection(stream, Arc::clone(&app), stopping.clone())); }
                // Out of descriptors, or the client is gone already: neither ends the application.
                Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
            },
            Some(_) = connections.join_next(), if connections.len() >= CONNECTIONS_MAX => {}
            _ = term.recv() => break,
            _ = int.recv() => break,
        }
    }
    drop(listener);
    let _ = stop.send(true);
    while connections.join_next().await.is_some() {}
    Ok(())
}

/// Serves one connection; when told to stop, it ends after the request in flight.
async fn connection(stream: TcpStream, app: Arc<App>, mut stopping: watch::Receiver<bool>) {
    let Ok(local) = stream.local_addr() else { return };
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request| {
        let app = Arc::clone(&app);
        async move { Ok::<_, Infallible>(app.answer(request, local.ip()).await) }
    });
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = std::pin::pin!(connection);
    tokio::select! {
        _ = connection.as_mut() => {}
        () = async { drop(stopping.wait_for(|stop| *stop).await) } => {
            connection.as_mut().graceful_shutdown();
            let _ = connection.await;
        }
    }
}

impl App {
    async fn answer(&self, request: Request<Incoming>, local: IpAddr) -> Response<Full<Bytes>> {
        if request.uri().path() == "/delay" {
            return match *request.method() {
                Method::POST => self.set_delay(request).await,
                _ => not_allowed("POST"),
            };
        }
        tokio::time::sleep(Duration::from_millis(self.delay_ms.load(Ordering::Relaxed))).await;
        match (request.uri().path(), request.method()) {
            ("/", &Method::GET | &Method::HEAD) => self.hello(request.headers(), local),
            ("/", _) => not_allowed("GET, HEAD"),
            _ => words(StatusCode::NOT_FOUND, "There is only / and /delay here.\n"),
        }
    }

    fn hello(&self, headers: &HeaderMap, local: IpAddr) -> Response<Full<Bytes>> {
        let visit =
            self.sessions.lock().unwrap_or_else(PoisonError::into_inner).visit(session_cookie(headers));
        let Ok(Visit { id, views, is_new }) = visit else {
            return words(
                StatusCode::INTERNAL_SERVER_ERROR,
                "The system has no random bytes for a session.\n",
            );
        };
        let ip = self.identity.ip.unwrap_or(local);
        let Identity { host, tag, .. } = &self.identity;
        let hello = Hello { hello: "world", ip, host, tag, session_views: views, id: &id };
        let Ok(body) = serde_json::to_vec(&hello) else {
            return words(StatusCode::INTERNAL_SERVER_ERROR, "The answer could not be written as JSON.\n");
        };
        let mut response = Response::new(Full::from(body));
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        header(headers, "x-backend-ip", &ip.to_string());
        if is_new {
            header(headers, SET_COOKIE.as_str(), &format!("{COOKIE_NAME}={id}; Path=/; HttpOnly"));
        }
        response
    }

    async fn set_delay(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let is_json = request
            .headers()
            .get(CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .is_some_and(|value| value.to_ascii_lowercase().contains("json"));
        let body = match limited(request.into_body()).await {
            Ok(body) => body,
            Err(response) => return response,
        };
        match if is_json { delay_of_json(&body) } else { delay_of_form(&body) } {
            Ok(ms) => {
                self.delay_ms.store(ms, Ordering::Relaxed);
                words(StatusCode::OK, &format!("Every later answer waits {ms} ms.\n"))
            }
            Err(why) => words(StatusCode::INTERNAL_SERVER_ERROR, &format!("{why}\n")),
        }
    }
}

async fn limited<B: Body<Data = Bytes>>(body: B) -> Result<Bytes, Response<Full<Bytes>>>
where
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    match Limited::new(body, BODY_BYTES_MAX).collect().await {
        Ok(body) => Ok(body.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => {
            Err(words(StatusCode::PAYLOAD_TOO_LARGE, "The body is longer than 4096 bytes.\n"))
        }
        Err(_) => Err(words(StatusCode::BAD_REQUEST, "The body broke off.\n")),
    }
}

/// Why a delay was not accepted, for whoever sent it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
enum NoDelay {
    #[error("The body is not JSON. Send {{\"delay\": 100}} or, as a form, delay=100.")]
    NotJson,
    #[error(
        "There is no `delay`. Send {{\"delay\": 100}} or, as a form, delay=100: a number of milliseconds."
    )]
    Missing,
    #[error("`delay` must be a whole number of milliseconds between 0 and {DELAY_MS_MAX}.")]
    NotANumber,
}

fn delay_of_json(body: &[u8]) -> Result<u64, NoDelay> {
    let value: serde_json::Value = serde_json::from_slice(body).map_err(|_| NoDelay::NotJson)?;
    match value.get("delay") {
        None | Some(serde_json::Value::Null) => Err(NoDelay::Missing),
        // Forms and shells send numbers as text, so JSON may too.
        Some(serde_json::Value::String(text)) => delay_of_text(text),
        Some(value) => value.as_u64().filter(|ms| *ms <= DELAY_MS_MAX).ok_or(NoDelay::NotANumber),
    }
}

/// `application/x-www-form-urlencoded`; digits need no percent-encoding, so none is undone.
fn delay_of_form(body: &[u8]) -> Result<u64, NoDelay> {
    let text = std::str::from_utf8(body).map_err(|_| NoDelay::Missing)?;
    let value = text.trim().split('&').find_map(|pair| pair.strip_prefix("delay="));
    delay_of_text(value.ok_or(NoDelay::Missing)?)
}

fn delay_of_text(text: &str) -> Result<u64, NoDelay> {
    match text.trim() {
        "" => Err(NoDelay::Missing),
        text => text.parse().ok().filter(|ms| *ms <= DELAY_MS_MAX).ok_or(NoDelay::NotANumber),
    }
}

fn session_cookie(headers: &HeaderMap) -> Option<&str> {
    headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .find_map(|pair| pair.trim().strip_prefix(COOKIE_NAME)?.strip_prefix('='))
}

fn words(status: StatusCode, text: &str) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from(text.to_owned()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}

fn not_allowed(allow: &'static str) -> Response<Full<Bytes>> {
    let mut response = words(StatusCode::METHOD_NOT_ALLOWED, &format!("This path takes {allow}.\n"));
    response.headers_mut().insert(ALLOW, HeaderValue::from_static(allow));
    response
}

fn header(headers: &mut HeaderMap, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delay_is_read_from_json_and_from_a_form() {
        assert_eq!(delay_of_json(br#"{"delay": 250}"#), Ok(250));
        assert_eq!(delay_of_json(br#"{"delay": "250"}"#), Ok(250));
        assert_eq!(delay_of_form(b"delay=250"), Ok(250));
        assert_eq!(delay_of_form(b"a=b&delay=0&delay=7\n"), Ok(0));
    }

    #[test]
    fn a_delay_that_is_no_number_is_refused_with_its_reason() {
        for body in [&br"{}"[..], b"{\"delay\": null}", b"[1]", b"7"] {
            assert_eq!(delay_of_json(body), Err(NoDelay::Missing), "{}", String::from_utf8_lossy(body));
        }
        for body in [&b"{\"delay\": -1}"[..], b"{\"delay\": 1.5}", b"{\"delay\": []}", b"{\"delay\": 600001}"]
        {
            assert_eq!(delay_of_json(body), Err(NoDelay::NotANumber), "{}", String::from_utf8_lossy(body));
        }
        assert_eq!(delay_of_json(b"delay=1"), Err(NoDelay::NotJson));
        assert_eq!(delay_of_form(b"delay="), Err(NoDelay::Missing));
        assert_eq!(delay_of_form(b"late=1"), Err(NoDelay::Missing));
        assert_eq!(delay_of_form(b"delay=1s"), Err(NoDelay::NotANumber));
        assert_eq!(delay_of_form(&[0xff]), Err(NoDelay::Missing));
    }

    #[test]
    fn the_session_cookie_is_found_among_others() {
        let mut headers = HeaderMap::new();
        headers.append(COOKIE, HeaderValue::from_static("NODESESSIDX=no; other=1"));
        headers.append(COOKIE, HeaderValue::from_static("a=b; NODESESSID=abc"));
        assert_eq!(session_cookie(&headers), Some("abc"));
    }

    #[test]
    fn an_environment_that_makes_no_sense_is_refused() {
        let environment = |name: &str| (name == "SERVER_IP").then(|| "10.0.0.1\r\nx: y".to_owned());
        assert!(matches!(Identity::of(environment), Err(Error::ServerIp(_))));
        let identity = Identity::of(|_| None).unwrap();
        assert!(!identity.host.is_empty());
        assert_eq!((identity.ip, identity.tag.as_str()), (None, ""));
    }
}

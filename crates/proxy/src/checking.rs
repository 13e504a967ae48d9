//! Asks backends whether they are well, when the balancer wants it: each time on a connection of its own, beside all traffic.

use crate::check::{ANSWER_BYTES_MAX, Check, Found, HttpCheck, Kind, Question};
use crate::plane::{Due, Plane};
use crate::preface;
use crate::upstream::{self, ConnectError};
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, timeout_at};

/// Makes the checks that are due, at the same time; of too many, some are not made, and due again later.
pub(crate) fn start(plane: &Rc<Plane>) {
    for due in plane.due_checks() {
        let Ok(place) = Arc::clone(&plane.check_places).try_acquire_owned() else {
            tracing::debug!(addr = %due.addr, "not checked now: too many others are");
            continue;
        };
        tokio::task::spawn_local(check(Rc::clone(plane), due, place));
    }
}

async fn check(plane: Rc<Plane>, Due { key, addr, service }: Due, _place: OwnedSemaphorePermit) {
    let Some(check) = &service.check else { return };
    let preface = plane.config.send_proxy_protocol.map(preface::of_nobody).unwrap_or_default();
    let start = Instant::now();
    match ask(check, addr, service.connect_timeout, &preface).await {
        Ok(found) => plane.checked(key, &found, start.elapsed()),
        // It says nothing of the backend, which is due again all the same.
        Err(cause) => tracing::warn!(%addr, %cause, "a backend could not be checked"),
    }
}

/// One check.
///
/// # Errors
/// It was our own fault.
async fn ask(
    check: &Check,
    addr: SocketAddr,
    connect_timeout: Duration,
    preface: &[u8],
) -> Result<Found, ConnectError> {
    let deadline = Instant::now() + check.timeout;
    let mut stream = match upstream::dial(addr, connect_timeout.min(check.timeout), preface).await {
        Ok(stream) => stream,
        Err(cause @ ConnectError::Ours(_)) => return Err(cause),
        Err(cause @ ConnectError::Late(_)) => {
            return Ok(Found::bad(Kind::ConnectLate, None, cause.to_string()));
        }
        Err(cause) => return Ok(Found::bad(Kind::NotConnected, None, cause.to_string())),
    };
    let http = match &check.question {
        Question::Connect => return Ok(Found::good(Kind::Connected, None)),
        Question::Http(http) => http,
    };
    let answered = timeout_at(deadline, exchange(&mut stream, http, addr)).await;
    Ok(answered.unwrap_or_else(|_| {
        Found::bad(Kind::AnswerLate, None, format!("no answer within {:?}", check.timeout))
    }))
}

async fn exchange(stream: &mut TcpStream, http: &HttpCheck, addr: SocketAddr) -> Found {
    if let Err(error) = stream.write_all(&http.request(addr)).await {
        return Found::bad(Kind::BadAnswer, None, format!("it took no request: {error}"));
    }
    // Most answers are short, and one that never comes should cost little.
    let mut answer = vec![0; 1 << 10];
    let mut length = 0;
    loop {
        if length == answer.len() {
            answer.resize(ANSWER_BYTES_MAX, 0);
        }
        let (is_all, broken) = match stream.read(&mut answer[length..]).await {
            Ok(0) => (true, None),
            Ok(more) => {
                length += more;
                (length == ANSWER_BYTES_MAX, None)
            }
            Err(error) => (true, Some(error)),
        };
        match (http.judge(&answer[..length], is_all), broken) {
            (Some(found), None) => return found,
            (_, Some(error)) => {
                return Found::bad(Kind::BadAnswer, None, format!("its answer broke off: {error}"));
            }
            (None, None) if is_all => {
                return Found::bad(Kind::BadAnswer, None, "its answer is too long".to_owned());
            }
            (None, None) => {}
        }
    }
}

#[cfg(test)]
mod tests;

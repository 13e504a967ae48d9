//! Answers of our own, when a backend's cannot be given: plain text, one sentence of what happened and one of what to do.
//! They never name a backend's address.

use crate::relay::Outgoing;
use bytes::Bytes;
use hyper::header::{self, HeaderValue};
use hyper::{Response, StatusCode};

/// An answer of our own.
#[derive(Debug)]
pub(crate) struct Page {
    status: StatusCode,
    text: String,
    allow: Option<&'static str>,
}

impl Page {
    fn new(status: StatusCode, text: impl Into<String>) -> Self {
        Self { status, text: text.into(), allow: None }
    }

    /// 400, and why.
    pub(crate) fn bad_request(why: &str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, format!("The request cannot be passed on: {why}."))
    }

    /// 405: this proxy balances requests and opens no tunnels to elsewhere.
    pub(crate) fn connect_not_allowed() -> Self {
        let text = "This is a reverse proxy: CONNECT is not allowed.";
        let allow = Some("GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS, TRACE");
        Self { allow, ..Self::new(StatusCode::METHOD_NOT_ALLOWED, text) }
    }

    /// 408: the body stopped coming.
    pub(crate) fn client_stalled() -> Self {
        Self::new(StatusCode::REQUEST_TIMEOUT, "The request's body stopped coming. Send it again.")
    }

    /// 501: a transfer coding we cannot pass on.
    pub(crate) fn unknown_coding() -> Self {
        Self::new(StatusCode::NOT_IMPLEMENTED, "The only Transfer-Encoding understood is: chunked.")
    }

    /// 502: a backend was reached, and then failed.
    pub(crate) fn broken(repeated: bool) -> Self {
        let tail = if repeated {
            "so did every other one that was tried. Try again in a moment."
        } else {
            "the request may have been acted on, so it was not repeated. Check before sending it again."
        };
        Self::new(StatusCode::BAD_GATEWAY, format!("The backend failed before it answered; {tail}"))
    }

    /// 503: nobody to send to.
    pub(crate) fn nobody_ready(service: &str) -> Self {
        let text = format!(
            "No backend of service {} is ready; when one joins, requests find it by themselves. Try again in a moment.",
            service.escape_default()
        );
        Self::new(StatusCode::SERVICE_UNAVAILABLE, text)
    }

    /// 503: all were tried, none could be connected to. Nothing was sent.
    pub(crate) fn nobody_reached(service: &str) -> Self {
        let text = format!(
            "No backend of service {} could be reached; nothing was sent. Try again in a moment.",
            service.escape_default()
        );
        Self::new(StatusCode::SERVICE_UNAVAILABLE, text)
    }

    /// 504: a backend took the request and did not answer in time.
    pub(crate) fn silent(repeated: bool) -> Self {
        let tail = if repeated {
            "Try again in a moment."
        } else {
            "The request may still be acted on. Check before sending it again."
        };
        Self::new(StatusCode::GATEWAY_TIMEOUT, format!("The backend did not answer in time. {tail}"))
    }

    #[cfg(test)]
    pub(crate) fn status(&self) -> StatusCode {
        self.status
    }

    /// The page as an answer.
    pub(crate) fn into_response(self) -> Response<Outgoing> {
        let text = format!("{}\n{}\n", self.status, self.text);
        let mut response = Response::new(Outgoing::page(Bytes::from(text)));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if self.status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        if let Some(allow) = self.allow {
            headers.insert(header::ALLOW, HeaderValue::from_static(allow));
        }
        response
    }
}

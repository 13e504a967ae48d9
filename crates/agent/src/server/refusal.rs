//! Error answers (RFC 9457).

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use muster_control::routes::Problem;

/// A [`Problem`] as an answer.
#[derive(Debug)]
pub(super) struct Refusal(Problem);

impl Refusal {
    pub(super) fn new(status: u16, title: &str, detail: impl Into<String>) -> Self {
        Self(Problem { title: title.to_owned(), status, detail: detail.into() })
    }

    /// The client's fault.
    pub(super) fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(400, "bad request", detail)
    }
}

impl From<crate::gossip::Gone> for Refusal {
    fn from(gone: crate::gossip::Gone) -> Self {
        Self::new(503, "agent ending", gone.to_string())
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.0.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, Json(self.0)).into_response();
        let problem = HeaderValue::from_static("application/problem+json");
        response.headers_mut().insert(header::CONTENT_TYPE, problem);
        response
    }
}

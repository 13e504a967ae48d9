//! Request bodies: JSON within a bound, in time.

use super::refusal::Refusal;
use axum::extract::{FromRequest, Request};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde::de::DeserializeOwned;
use std::time::Duration;
use tokio::time::timeout;

/// A body is one small write on a local socket.
const BODY_TIMEOUT: Duration = Duration::from_secs(3);
/// Commands name a few nodes.
pub(super) const COMMAND_BYTES_MAX: usize = 64 << 10;
/// A report names every backend: room for some ten thousand.
pub(super) const REPORT_BYTES_MAX: usize = 4 << 20;

/// A JSON body of at most `MAX` bytes. The content type is not asked for, so that a plain `curl -d` works; no browser
/// reaches a Unix socket.
pub(super) struct Body<T, const MAX: usize = COMMAND_BYTES_MAX>(pub T);

impl<S: Sync, T: DeserializeOwned, const MAX: usize> FromRequest<S> for Body<T, MAX> {
    type Rejection = Refusal;

    async fn from_request(request: Request, _: &S) -> Result<Self, Refusal> {
        let body = Limited::new(request.into_body(), MAX);
        let bytes = match timeout(BODY_TIMEOUT, body.collect()).await {
            Ok(Ok(body)) => body.to_bytes(),
            Ok(Err(error)) if error.is::<LengthLimitError>() => {
                return Err(Refusal::new(413, "body too long", format!("at most {MAX} bytes are read here")));
            }
            Ok(Err(error)) => {
                return Err(Refusal::bad_request(format!("the body could not be read: {error}")));
            }
            Err(_) => {
                return Err(Refusal::new(
                    408,
                    "body too slow",
                    format!("it took longer than {BODY_TIMEOUT:?}"),
                ));
            }
        };
        match serde_json::from_slice(&bytes) {
            Ok(value) => Ok(Self(value)),
            Err(error) => {
                Err(Refusal::bad_request(format!("the body is not what this route takes: {error}")))
            }
        }
    }
}

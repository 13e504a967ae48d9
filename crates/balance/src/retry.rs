//! When a failed attempt may be made again elsewhere.

/// What is known of a failed attempt.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Attempt {
    /// The method is safe to repeat: GET, HEAD, OPTIONS, TRACE (RFC 9110, 9.2.1).
    pub safe: bool,
    /// The request was never written to the backend, so it cannot have acted on it.
    pub unsent: bool,
    /// The request body is still whole (empty or never read from the client).
    pub body_intact: bool,
    /// Part of the response has reached the client.
    pub answered: bool,
    /// Attempts made so far, this one included.
    pub attempts: u32,
}

/// Whether to try another backend.
pub fn may_retry(attempt: Attempt) -> bool {
    let _ = attempt;
    todo!()
}

//! The border between one request and the client it came from.
//!
//! `forward` and what is behind it know this and nothing of the client's protocol. On this side of it bodies are HTTP/1.1's, since
//! that is what backends speak: a front whose client speaks something else frames the request's body as the head it wrote says,
//! and reads the response's as its head says.
//!
//! All calls of one request come from one task. None of them blocks: what cannot be written at once is kept until the next poll.

pub(crate) mod http1;

use crate::buffer::Buffer;
use crate::pages::Page;
use crate::service::Service;
use crate::story::Story;
use muster_balance::Hint;
use muster_http1::{Asked, Refusal, Response};
use std::io;
use std::rc::Rc;
use std::task::{Context, Poll};

/// A request as backends get it.
#[derive(Debug, Default)]
pub(crate) struct Ask {
    /// The head, ready to be written; the same for every backend.
    pub(crate) head: Vec<u8>,
    /// What its response is read by.
    pub(crate) asked: Asked,
    /// The method changes nothing, so that sending it twice does no harm (RFC 9110, 9.2.1).
    pub(crate) safe: bool,
    /// Who gets it.
    pub(crate) service: Rc<Service>,
    /// What of the client its backend may depend on.
    pub(crate) hint: Hint,
    /// What a new connection to a backend begins with, before the head.
    pub(crate) preface: Vec<u8>,
    /// There is a body.
    pub(crate) has_body: bool,
    /// What is remembered of it; one of [`Story::new`], or nothing is.
    pub(crate) story: Story,
}

/// Why a client's part of an exchange is over too early.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ClientError {
    /// It closed, or the network did.
    #[error("the client broke off: {0}")]
    Gone(io::Error),
    /// It takes nothing of its answer.
    #[error("the client takes nothing of its answer")]
    Stuck,
    /// What it sends is no body.
    #[error("the client's body is none: {0}")]
    Refused(Refusal),
}

/// How a look at a response's body ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Passed {
    /// All that came was passed on; there is more to come.
    All,
    /// The body is over. What the client does not have of it yet is in the front.
    Whole,
}

/// Why a response's body cannot go on.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PassError {
    /// By the client.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The backend's bytes are no body.
    #[error("the body cannot be read: {0}")]
    Garbled(Refusal),
    /// The backend's connection ended before it.
    #[error("it was cut short")]
    CutShort,
}

/// The client of one request.
pub(crate) trait Front {
    /// Bytes of the request's body that a backend may have now.
    fn ready(&self) -> &[u8];

    /// A backend took the first `count` of them.
    fn taken(&mut self, count: usize);

    /// Whether the backend has taken the whole body.
    fn is_uploaded(&self) -> bool;

    /// Waits until there are bytes [`ready`](Self::ready), or the body is over. The first call means that a backend was reached
    /// and has the head: a client that waits for a 100 is told to continue.
    ///
    /// # Errors
    /// [`ClientError`]; the request is over.
    fn poll_more(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), ClientError>>;

    /// Ready when a client that has sent its whole request is gone, or stuck.
    fn poll_gone(&mut self, cx: &mut Context<'_>) -> Poll<ClientError>;

    /// An interim response (1xx) goes to the client, if it can be told.
    fn interim(&mut self, response: &Response<'_, '_>);

    /// The response's head goes to the client; its body follows by [`poll_pass`](Self::poll_pass).
    fn head(&mut self, response: &Response<'_, '_>);

    /// Moves what came of the response's body to the client. `ended`: nothing comes behind it, the backend's connection has ended.
    ///
    /// # Errors
    /// [`PassError`]; the client must not take its response for whole.
    fn poll_pass(
        &mut self,
        cx: &mut Context<'_>,
        from: &mut Buffer,
        ended: bool,
    ) -> Poll<Result<Passed, PassError>>;

    /// An answer of our own, in place of a backend's.
    fn page(&mut self, page: &Page);
}

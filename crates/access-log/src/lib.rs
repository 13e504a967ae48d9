//! One finished request, or connection in TCP mode, as a line that programs read.
//!
//! Facts in ([`Record`]), bytes out ([`Form::write`]): a line never has a control character, whatever a client sent, so that nobody
//! writes lines of another's. [`Envelope`] is what syslog wants before a line.
//!
//! | file | idea |
//! |---|---|
//! | `record` | what is known of a request at its end |
//! | `termination` | HAProxy's two letters of how it ended |
//! | `form` | which line is made of it |
//! | `form::haproxy` | `httplog`, `tcplog` and the short form of HAProxy (configuration manual, 8.2) |
//! | `form::combined` | Apache's and nginx's `combined` |
//! | `form::json` | one object |
//! | `escape` | bytes that are no text, in each form's own way |
//! | `envelope` | the head of a message of syslog, as HAProxy writes it |
//! | `time` | the date in each form |
#![cfg_attr(not(test), no_std)]
extern crate alloc;

mod envelope;
mod escape;
mod form;
mod record;
mod termination;
mod time;

pub use envelope::{Envelope, EnvelopeKind};
pub use form::Form;
pub use record::{Load, Record, Times};
pub use termination::{Cause, Stage, Termination};
pub use time::Timestamp;

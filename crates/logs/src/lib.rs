//! The decisions of `muster log`: what a line is, how it is written, where it goes, when a file is full. Touches nothing.
//!
//! | file | idea |
//! |---|---|
//! | `cut` | bytes of a stream into lines of bounded length |
//! | `record` | one line with all that is known of it |
//! | `form` | a record as people and programs read it |
//! | `rfc5424` | a record as a collector reads it |
//! | `message` | what programs send to syslog, read: RFC 3164 as it is really sent, and RFC 5424 |
//! | `framing` | messages within a TCP stream (RFC 6587) |
//! | `rule` | which messages go where, by facility and severity |
//! | `rotate` | when a file is full, and the names of full ones |
//! | `queue` | what waits for somebody slow: bounded, and counted when it was too much |
//! | `tail` | the last lines of each service, kept for whoever asks |
//! | `asking` | what such a reader says first |
//! | `place` | where messages come from and where they are sent, as people write it |
//!
//! Time is passed in: an [`Instant`] to judge by, a [`Timestamp`] to print.
#![cfg_attr(not(test), no_std)]
extern crate alloc;

mod asking;
mod cut;
mod form;
mod framing;
mod message;
mod place;
mod priority;
mod queue;
mod record;
mod rfc5424;
mod rotate;
mod rule;
mod tail;
mod time;

pub use asking::{ASKING_BYTES_MAX, Asking};
pub use cut::{Cutter, LINE_BYTES_MAX, Piece, Rest};
pub use form::{Form, json_string};
pub use framing::{Frames, octet_counted};
pub use message::Message;
pub use place::{Collector, Listen, PipeSpec, pipes};
pub use priority::{Facility, Priority, Severity};
pub use queue::Queue;
pub use record::{Part, Record, Stream};
pub use rfc5424::rfc5424;
pub use rotate::{Limits, Move, file_name, moves, name_of_old};
pub use rule::{Rule, Target, Targets};
pub use tail::{Next, Place, Tail, Wanted};
pub use time::{Instant, Timestamp};

//! TCP: one request and at most one reply per connection.
//!
//! Neither side half-closes and a plain stream has no length prefix, so the end of a message is found by reading it:
//! [`Scanner`] watches a growing buffer and says when it holds a whole message. [`Inbound::decode`] then reads it; where a
//! compressed one shall be expanded in steps, [`Expander`] comes before that.
//!
//! | first byte | what follows |
//! |---|---|
//! | 0 ping, 2 ack, 13 err | one map |
//! | 6 push/pull | a header map, as many node maps as it says, as many bytes of Serf's state as it says |
//! | 8 user | a header map, as many bytes as it says |
//! | 9 compress | one map, around any of the above |
//! | 10 encrypt | a length of four bytes, then a [sealed body](crate::crypt), around any of the above |

mod expander;
mod inbound;
mod outbound;
mod scanner;

pub use expander::Expander;
pub use inbound::{Inbound, PushPull};
pub use outbound::{encode_message, encode_push_pull, encode_user};
pub use scanner::Scanner;

use crate::DecodeError;
use crate::msgpack::record;

/// Most bytes one inbound stream may occupy, compressed or not.
pub const MESSAGE_BYTES_MAX: usize = 8 << 20;
/// Most nodes in one push/pull (new memberlist's own bound).
pub const NODES_MAX: usize = 1 << 20;

/// memberlist net.go, `pushPullHeader`. Counts are signed there, and a peer may send any.
struct PushPullHeader {
    nodes: i64,
    user_state_len: i64,
    join: bool,
}
record!(PushPullHeader { Nodes => nodes, UserStateLen => user_state_len, Join => join });

/// memberlist net.go, `userMsgHeader`.
struct UserHeader {
    user_msg_len: i64,
}
record!(UserHeader { UserMsgLen => user_msg_len });

/// A peer's count as a size within `limit`.
fn checked_count(count: i64, what: &'static str, limit: usize) -> Result<usize, DecodeError> {
    let count = usize::try_from(count)
        .map_err(|_| DecodeError::Field { field: what, problem: "a count that is negative or absurd" })?;
    if count > limit { Err(DecodeError::TooLarge { what, limit }) } else { Ok(count) }
}

impl PushPullHeader {
    fn nodes(&self) -> Result<usize, DecodeError> {
        checked_count(self.nodes, "Nodes", NODES_MAX)
    }
    fn user_state_bytes(&self) -> Result<usize, DecodeError> {
        checked_count(self.user_state_len, "UserStateLen", MESSAGE_BYTES_MAX)
    }
}

impl UserHeader {
    fn message_bytes(&self) -> Result<usize, DecodeError> {
        checked_count(self.user_msg_len, "UserMsgLen", MESSAGE_BYTES_MAX)
    }
}

#[cfg(test)]
mod tests;

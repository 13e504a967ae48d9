//! Writing whole messages.

use super::{PushPullHeader, UserHeader};
use crate::compress;
use crate::memberlist::{Message, PushPullNode, kind};
use crate::msgpack::{Dialect, Writer};
use alloc::vec::Vec;

/// What a node with a short name and few tags takes, keys and all: room to begin with.
const NODE_BYTES: usize = 112;

/// A single message (ping, ack, err, or user with its header) for a stream; streams compress unconditionally when
/// compression is on.
pub fn encode_message(message: &Message<'_>, compress: bool) -> Vec<u8> {
    if let Message::User(bytes) = message {
        return encode_user(bytes, compress);
    }
    let mut out = Vec::new();
    message.encode(&mut out);
    finish(out, compress)
}

/// A push/pull for a stream.
pub fn encode_push_pull<'a>(
    join: bool,
    nodes: impl ExactSizeIterator<Item = PushPullNode<'a>>,
    user_state: &[u8],
    compress: bool,
) -> Vec<u8> {
    let mut out = Vec::with_capacity(user_state.len() + (nodes.len() + 1) * NODE_BYTES);
    out.push(kind::PUSH_PULL);
    let mut writer = Writer::new(Dialect::Gossip, &mut out);
    writer.value(&PushPullHeader {
        nodes: count(nodes.len()),
        user_state_len: count(user_state.len()),
        join,
    });
    for node in nodes {
        writer.value(&node);
    }
    out.extend_from_slice(user_state);
    finish(out, compress)
}

/// A Serf message sent over TCP (user header, then the bytes).
pub fn encode_user(message: &[u8], compress: bool) -> Vec<u8> {
    let mut out = Vec::new();
    out.push(kind::USER);
    Writer::new(Dialect::Gossip, &mut out).value(&UserHeader { user_msg_len: count(message.len()) });
    out.extend_from_slice(message);
    finish(out, compress)
}

fn finish(message: Vec<u8>, compress: bool) -> Vec<u8> {
    if compress { compress::seal(&message) } else { message }
}

fn count(length: usize) -> i64 {
    i64::try_from(length).expect("the length of something in memory fits 63 bits")
}

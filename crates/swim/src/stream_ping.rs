//! Pings over TCP: the second way to ask whether a member lives.
//!
//! A firewall or a full buffer that swallows datagrams says nothing about the member behind it. Source: memberlist's
//! state.go (`probeNode`, the fallback) and net.go (`sendPingAndWaitForAck`).

use crate::{Instant, Output, StreamId, Swim};
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::net::SocketAddr;
use muster_wire::memberlist::{Message, Ping};
use muster_wire::stream::{self, Inbound};

/// Pings on streams that are under way, by their sequence number.
///
/// Bounded by what begins them: one probe at a time and the claims. The caller reports every stream's end by its
/// deadline.
#[derive(Debug, Default)]
pub(crate) struct StreamPings(BTreeMap<StreamId, u32>);

impl StreamPings {
    /// Whose stream this is, if it is one of these; it is then done.
    pub(crate) fn take(&mut self, stream: StreamId) -> Option<u32> {
        self.0.remove(&stream)
    }
}

impl Swim {
    /// Asks `node` on a stream; ends in [`Swim::stream_ping_ended`] by `deadline`.
    pub(crate) fn ping_by_stream(&mut self, seq_no: u32, node: &str, to: SocketAddr, deadline: Instant) {
        let ping = Message::Ping(Ping { seq_no, node, source: Some(self.source()) });
        let bytes = stream::encode_message(&ping, self.config.compress);
        let stream = self.exchanges.next_stream();
        self.stream_pings.0.insert(stream, seq_no);
        self.outputs.push_back(Output::Open { stream, to, bytes, reply: true, deadline });
    }

    /// The message that came back on such a stream.
    pub(crate) fn on_stream_ping_reply(&mut self, seq_no: u32, bytes: &[u8]) {
        let mut plain = Vec::new();
        let outcome = match Inbound::decode(bytes, &mut plain) {
            Ok(Inbound::Message(Message::Ack(ack))) if ack.seq_no == seq_no => Ok(()),
            _ => Err("something else than its ack came back"),
        };
        self.stream_ping_ended(seq_no, outcome);
    }
}

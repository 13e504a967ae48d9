//! Members, and how gossip is doing.

use super::Writer;
use crate::facts::Facts;
use std::fmt::Error;

pub(super) fn write(writer: &mut Writer<'_>, facts: &Facts) -> Result<(), Error> {
    let gossip = &facts.gossip;
    let members = facts.members.iter().map(|(state, count)| ([("state", *state)], *count));
    writer.gauges("members", "Members that this node knows, by state", members)?;
    let counters = [
        ("member_joins", "Members that became alive", gossip.joins),
        ("member_leaves", "Members that left", gossip.leaves),
        ("member_failures", "Members that failed", gossip.failures),
        ("member_updates", "Changes of members' tags and addresses", gossip.updates),
        ("member_flaps", "Members that were back within a minute of their end", gossip.flaps),
        ("user_events", "User events heard", gossip.user_events),
        ("queries", "Queries heard", gossip.queries),
    ];
    for (name, help, value) in counters {
        writer.counters(name, help, [((), value)])?;
    }
    let datagrams =
        [([("direction", "in")], gossip.datagrams_received), ([("direction", "out")], gossip.datagrams_sent)];
    writer.counters("gossip_datagrams", "Datagrams of gossip", datagrams)?;
    let bytes = [([("direction", "in")], gossip.bytes_received), ([("direction", "out")], gossip.bytes_sent)];
    writer.counters("gossip_bytes", "Bytes in datagrams of gossip, without headers", bytes)?;
    let queues = [
        ([("queue", "intent")], gossip.queued_intents),
        ([("queue", "event")], gossip.queued_events),
        ([("queue", "query")], gossip.queued_queries),
    ];
    writer.gauges("gossip_queue_depth", "Messages that wait to be gossiped", queues)?;
    writer.gauges(
        "health_score",
        "0 is well; each point makes this node more patient with others, since it missed answers itself",
        [((), u64::from(gossip.health_score))],
    )
}

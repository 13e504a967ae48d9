//! What Serf adds to a push/pull: the clocks, when each member last said something, who has left, recent user events.

use crate::clock::Clocks;
use crate::members::Members;
use crate::window::Window;
use crate::{Member, Status};
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;
use muster_wire::serf::{JoinIntent, LeaveIntent, PushPullState, RecentEvents};

/// A user event as the window remembers it. Two of the same time are one when both fields are equal; a payload of nil
/// equals an empty one, as in the reference (event.go).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct RecentEvent {
    pub(crate) name: String,
    pub(crate) payload: Vec<u8>,
}

/// Our state for a peer (serf/delegate.go, LocalState).
pub(crate) fn encode(clocks: &Clocks, members: &Members, events: &Window<RecentEvent>) -> Vec<u8> {
    let events = events.iter().map(|(ltime, heard)| recent(ltime, heard)).collect();
    PushPullState { events, ..about(clocks, members.iter()) }.encode()
}

/// The part of it that is about ourselves.
pub(crate) fn encode_own(clocks: &Clocks, members: &Members, own: &str) -> Vec<u8> {
    about(clocks, members.get(own).into_iter()).encode()
}

fn about<'a>(clocks: &Clocks, members: impl Iterator<Item = &'a Member>) -> PushPullState<'a> {
    let mut state = PushPullState {
        ltime: clocks.member.time(),
        event_ltime: clocks.event.time(),
        query_ltime: clocks.query.time(),
        ..PushPullState::default()
    };
    for member in members {
        state.status_ltimes.push((&*member.name, member.status_ltime));
        if member.status == Status::Left {
            state.left_members.push(&*member.name);
        }
    }
    state
}

fn recent<'a>(ltime: u64, heard: impl Iterator<Item = &'a RecentEvent>) -> RecentEvents<'a> {
    let payload = |event: &'a RecentEvent| (!event.payload.is_empty()).then_some(&*event.payload);
    RecentEvents { ltime, events: heard.map(|event| (&*event.name, payload(event))).collect() }
}

/// What a peer's state says about members: leaves, to be heard first, and joins (serf/delegate.go, MergeRemoteState).
///
/// A peer tells when a left member last said something, not when it left. Its leave was later than that, hence one more.
pub(crate) fn intents<'a>(state: &PushPullState<'a>) -> (Vec<LeaveIntent<'a>>, Vec<JoinIntent<'a>>) {
    // Few have left in the ordinary case, and may be thousands.
    let mut left: BTreeMap<&str, u64> = state.left_members.iter().map(|node| (*node, 0)).collect();
    let mut joins = Vec::with_capacity(state.status_ltimes.len());
    for &(node, ltime) in &state.status_ltimes {
        match left.get_mut(node) {
            Some(last_word) => *last_word = ltime,
            None => joins.push(JoinIntent { ltime, node }),
        }
    }
    let leave = |(node, last_word): (&'a str, u64)| LeaveIntent {
        ltime: last_word.saturating_add(1),
        node,
        prune: false,
    };
    (left.into_iter().map(leave).collect(), joins)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_left_members_leave_is_one_later_than_its_last_word_and_joins_are_as_told() {
        let state = PushPullState {
            ltime: 20,
            status_ltimes: std::vec![("alive", 7), ("left", 9), ("quiet", 0)],
            left_members: std::vec!["left", "unheard"],
            ..PushPullState::default()
        };
        let (leaves, joins) = intents(&state);
        let leaves: Vec<_> = leaves.iter().map(|intent| (intent.node, intent.ltime, intent.prune)).collect();
        let joins: Vec<_> = joins.iter().map(|intent| (intent.node, intent.ltime)).collect();
        assert_eq!(leaves, [("left", 10, false), ("unheard", 1, false)]);
        assert_eq!(joins, [("alive", 7), ("quiet", 0)]);
    }
}

//! The state that Serf adds to a push/pull: read, written and read again; merged as a request's and as a reply's.
#![no_main]

use libfuzzer_sys::fuzz_target;
use muster_fuzz::{Node, peer};
use muster_wire::memberlist::{NodeState, PushPullNode};
use muster_wire::serf::PushPullState;
use muster_wire::stream::encode_push_pull;
use muster_wire::{RawAddr, Versions};
use std::time::Duration;

fuzz_target!(|data: &[u8]| {
    if let Ok(state) = PushPullState::decode(data) {
        assert_eq!(PushPullState::decode(&state.encode()).as_ref(), Ok(&state));
    }
    // Members for the state to speak of.
    let row = |name, state, last| PushPullNode {
        name,
        addr: RawAddr::V4([10, 0, 0, last]),
        port: peer().port(),
        meta: b"\xff\x80",
        incarnation: 2,
        state,
        versions: Some(Versions::OURS),
    };
    let nodes = [row("a", NodeState::Alive, 2), row("b", NodeState::Left, 3), row("c", NodeState::Suspect, 4)];
    let mut node = Node::default();
    let message = encode_push_pull(true, nodes.into_iter(), data, false);
    node.request(&message);
    node.reply(&message);
    let first = node.request(&message).expect("a push/pull is answered");
    assert!(!first.is_empty());
    node.wait(Duration::from_secs(20));
});

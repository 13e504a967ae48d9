//! An exchange of a very large cluster: 20,000 members of 300 bytes, some six megabytes on the wire.

use super::world::{addr, config};
use crate::{Event, Input, Instant, Output, StreamId, Swim};
use muster_wire::memberlist::{NodeState, PushPullNode};
use muster_wire::stream::{self, MESSAGE_BYTES_MAX};
use muster_wire::{RawAddr, Versions};
use std::format;
use std::vec::Vec;

const MEMBERS: usize = 20_000;
const MEMBER_BYTES: usize = 300;
/// What a node of a push/pull has beside name and meta, measured by its length on the wire.
const FIELDS_BYTES: usize = 68;

/// The state of a node that knows all of them.
fn crowd(compress: bool) -> Vec<u8> {
    let rows: Vec<_> = (0..MEMBERS)
        .map(|at| {
            let name = format!("node-{at:05}.example");
            // Tags repeat from member to member, but not all of them.
            let meta: Vec<u8> = (0..MEMBER_BYTES - FIELDS_BYTES - name.len())
                .map(|byte| if byte % 4 == 0 { b"0123456789abcdef"[(at >> (byte % 13)) % 16] } else { b'x' })
                .collect();
            (name, meta)
        })
        .collect();
    let nodes = rows.iter().enumerate().map(|(at, (name, meta))| {
        let [.., b, c, d] = at.to_be_bytes();
        PushPullNode {
            name,
            addr: RawAddr::V4([10, b + 1, c, d]),
            port: 7946,
            meta,
            incarnation: 70_000,
            state: NodeState::Alive,
            versions: Some(Versions::OURS),
        }
    });
    stream::encode_push_pull(true, nodes, b"\x02\x80", compress)
}

/// Hands a request in, as the contract says, and returns the answer.
fn ask(swim: &mut Swim, request: &[u8]) -> Vec<u8> {
    let (now, stream) = (Instant::default(), StreamId::Inbound(1));
    swim.handle(now, Input::Stream { stream, from: addr(1), bytes: request });
    let mut answer = None;
    while let Some(output) = swim.poll_output() {
        match output {
            Output::Event(Event::StateWanted { stream, .. }) => swim.supply_state(now, stream, b"\x02\x80"),
            Output::Answer { bytes, .. } => answer = Some(bytes),
            _ => {}
        }
    }
    swim.merge_request(now, stream, request);
    while swim.poll_output().is_some() {}
    answer.expect("a push/pull is answered")
}

#[test]
fn twenty_thousand_members_are_taken_and_given_on() {
    for compress in [false, true] {
        let request = crowd(compress);
        let expected = MEMBERS * MEMBER_BYTES;
        if !compress {
            assert!(
                (expected * 99 / 100..=expected * 101 / 100).contains(&request.len()),
                "{}",
                request.len()
            );
        }
        let mut first = Swim::new(crate::Config { compress, ..config(0, 1) }, Instant::default());
        ask(&mut first, &request);
        assert_eq!(first.nodes.len(), MEMBERS + 1);

        // What the first then answers, a second takes.
        let alone = stream::encode_push_pull(true, [].into_iter(), b"", false);
        let answer = ask(&mut first, &alone);
        assert!(answer.len() <= MESSAGE_BYTES_MAX, "{} bytes", answer.len());
        let mut second = Swim::new(config(1, 2), Instant::default());
        let stream = second.join(Instant::default(), addr(0));
        while let Some(output) = second.poll_output() {
            if let Output::Event(Event::StateWanted { stream, .. }) = output {
                second.supply_state(Instant::default(), stream, b"");
            }
        }
        second.handle(Instant::default(), Input::Stream { stream, from: addr(0), bytes: &answer });
        // The crowd, the first and itself.
        assert_eq!(second.nodes.len(), MEMBERS + 2);
    }
}

//! Stream messages: where they end, however they are cut; what they say, compressed or not; as requests and as replies. And the
//! other stream that strangers write to: a session of RPC.
#![no_main]

use libfuzzer_sys::fuzz_target;
use muster_fuzz::{Node, rpc_steps, sealed_border};
use muster_wire::Leg;
use muster_wire::memberlist::PushPullNode;
use muster_wire::stream::{Expander, Inbound, Scanner, encode_message, encode_push_pull};

fuzz_target!(|data: &[u8]| {
    let Some((&cut, bytes)) = data.split_first() else { return };
    let whole = Scanner::new().scan(bytes);
    // The same verdict when the bytes come in pieces.
    let mut scanner = Scanner::new();
    let step = usize::from(cut).max(1);
    let mut pieces = (0..bytes.len()).step_by(step).chain([bytes.len()]);
    let in_pieces = pieces.find_map(|end| scanner.scan(&bytes[..end]).transpose()).transpose();
    assert_eq!(in_pieces, whole);
    assert_eq!(rpc_steps(bytes.chunks(step)), rpc_steps(std::iter::once(bytes)));

    let border = sealed_border();
    let _ = border.scanner(Leg::Request).scan(bytes);
    let _ = border.open_stream(Leg::Request, bytes.to_vec());
    let Ok(Some(end)) = whole else { return };
    let message = &bytes[..end];
    let sealed = border.seal_stream(Leg::Request, &[9; 12], message.to_vec());
    assert_eq!(border.scanner(Leg::Request).scan(&sealed), Ok(Some(sealed.len())));
    assert_eq!(border.open_stream(Leg::Request, sealed).as_deref(), Ok(message));

    expand_as_decoded(message);
    read_again(message);
    let mut node = Node::default();
    node.request(message);
    node.reply(message);
    // Whatever it believes by now, it can still tell, and another can read it.
    let ask = encode_push_pull(false, [].into_iter(), b"", false);
    let answer = node.request(&ask).expect("a push/pull is answered");
    assert!(matches!(Inbound::decode(&answer, &mut Vec::new()), Ok(Inbound::PushPull(_))));
    assert_eq!(Scanner::new().scan(&answer), Ok(Some(answer.len())));
});

/// In steps or at once, the same comes out.
fn expand_as_decoded(message: &[u8]) {
    let Ok(Some(mut expander)) = Expander::new(message) else { return };
    let mut expanded = Vec::new();
    let outcome = loop {
        match expander.step(&mut expanded) {
            Ok(false) => {}
            Ok(true) => break Ok(()),
            Err(error) => break Err(error),
        }
    };
    let mut plain = Vec::new();
    let decoded = Inbound::decode(message, &mut plain).map(|_| ());
    match outcome {
        Ok(()) => {
            let again = Inbound::decode(&expanded, &mut Vec::new()).map(|_| ());
            assert_eq!(again, decoded);
        }
        Err(_) => assert!(decoded.is_err()),
    }
}

fn read_again(message: &[u8]) {
    let mut plain = Vec::new();
    for compress in [false, true] {
        match Inbound::decode(message, &mut plain) {
            Ok(Inbound::Message(message)) => {
                let again = encode_message(&message, compress);
                let mut plain = Vec::new();
                let Ok(Inbound::Message(read)) = Inbound::decode(&again, &mut plain) else { panic!("{message:?}") };
                assert_eq!(read, message);
            }
            Ok(Inbound::PushPull(state)) => {
                let nodes: Vec<PushPullNode<'_>> = state.nodes().flatten().collect();
                let again = encode_push_pull(state.join, nodes.iter().copied(), state.user_state, compress);
                let mut plain = Vec::new();
                let Ok(Inbound::PushPull(read)) = Inbound::decode(&again, &mut plain) else { panic!("{state:?}") };
                assert_eq!(read.nodes().collect::<Result<Vec<_>, _>>(), Ok(nodes));
                assert_eq!((read.join, read.user_state), (state.join, state.user_state));
            }
            Err(_) => {}
        }
    }
}

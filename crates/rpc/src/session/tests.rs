//! The rules, one after the other, as Serf 0.9.4 was seen to keep them.

use super::*;
use crate::{Values, write, write_request};

/// A connection and what came of the bytes sent on it.
struct Client {
    session: Session,
    values: Values,
}

impl Client {
    fn new(token: &str) -> Self {
        Self { session: Session::new(token.into()), values: Values::new(crate::REQUEST_BYTES_MAX) }
    }

    fn admitted() -> Self {
        let mut client = Self::new("");
        assert_eq!(client.ask(0, &Request::Handshake { version: 1 }), ["answer 0 "]);
        client
    }

    /// What the agent does about `bytes`, in short.
    fn send(&mut self, bytes: &[u8]) -> Vec<String> {
        self.values.push(bytes);
        let mut steps = Vec::new();
        while let Some(value) = self.values.next().unwrap() {
            match self.session.take(value).unwrap() {
                Step::Body => {}
                Step::Answer { seq, error } => steps.push(format!("answer {seq} {error}")),
                Step::Close { seq, error } => {
                    steps.push(format!("close {seq} {error}"));
                    return steps;
                }
                Step::Serve { seq, request } => steps.push(format!("serve {seq} {request:?}")),
            }
        }
        steps
    }

    fn ask(&mut self, seq: u64, request: &Request<'_>) -> Vec<String> {
        let mut out = Vec::new();
        write_request(seq, request, &mut out);
        self.send(&out)
    }

    fn header(&mut self, seq: u64, command: &str) -> Vec<String> {
        let mut out = Vec::new();
        write(&RequestHeader { command, seq }, &mut out);
        self.send(&out)
    }
}

#[test]
fn nothing_is_served_before_the_handshake() {
    for word in ["members", "auth", "nonsense"] {
        assert_eq!(Client::new("").header(3, word), ["close 3 Handshake required"]);
    }
}

#[test]
fn another_version_may_try_again_and_a_second_handshake_changes_nothing() {
    let mut client = Client::new("");
    let hello = |version| Request::Handshake { version };
    assert_eq!(client.ask(0, &hello(2)), ["answer 0 Unsupported IPC version"]);
    assert_eq!(client.ask(1, &hello(1)), ["answer 1 "]);
    assert_eq!(client.ask(2, &hello(1)), ["answer 2 Handshake already performed"]);
    // The version is looked at first.
    assert_eq!(client.ask(3, &hello(0)), ["answer 3 Unsupported IPC version"]);
    assert_eq!(client.ask(4, &Request::Members), ["serve 4 Members"]);
}

#[test]
fn an_unknown_command_closes_the_connection() {
    assert_eq!(Client::admitted().header(5, "frobnicate"), ["close 5 Unsupported command"]);
}

#[test]
fn without_the_token_bodies_are_not_read_but_taken_for_headers() {
    let mut client = Client::new("secret");
    assert_eq!(client.ask(0, &Request::Handshake { version: 1 }), ["answer 0 "]);
    assert_eq!(client.header(1, "members"), ["answer 1 Authentication required"]);
    // Even an unknown command, which therefore closes nothing.
    assert_eq!(client.header(2, "frobnicate"), ["answer 2 Authentication required"]);
    let refused = ["answer 3 Authentication required"; 2];
    assert_eq!(client.ask(3, &Request::Stream { kind: "*" }), refused);
    assert_eq!(
        client.ask(4, &Request::Auth { auth_key: "secreT" }),
        ["answer 4 Invalid authentication token"]
    );
    assert_eq!(client.ask(5, &Request::Auth { auth_key: "" }), ["answer 5 Invalid authentication token"]);
    assert_eq!(client.header(6, "members"), ["answer 6 Authentication required"]);
    assert_eq!(client.ask(7, &Request::Auth { auth_key: "secret" }), ["answer 7 "]);
    assert_eq!(client.ask(8, &Request::Stats), ["serve 8 Stats"]);
}

#[test]
fn where_no_token_is_wanted_any_but_the_empty_one_is_wrong() {
    let mut client = Client::admitted();
    assert_eq!(client.ask(1, &Request::Auth { auth_key: "x" }), ["answer 1 Invalid authentication token"]);
    assert_eq!(client.ask(2, &Request::Auth { auth_key: "" }), ["answer 2 "]);
    assert_eq!(client.ask(3, &Request::Members), ["serve 3 Members"]);
}

#[test]
fn requests_are_served_in_order_however_they_are_cut() {
    let mut out = Vec::new();
    write_request(0, &Request::Handshake { version: 1 }, &mut out);
    write_request(9, &Request::Stop { stop: 4 }, &mut out);
    write_request(10, &Request::ListKeys, &mut out);
    let mut client = Client::new("");
    let steps: Vec<String> = out.iter().flat_map(|byte| client.send(&[*byte])).collect();
    assert_eq!(steps, ["answer 0 ", "serve 9 Stop { stop: 4 }", "serve 10 ListKeys"]);
}

#[test]
fn a_body_of_another_shape_ends_the_session() {
    let mut session = Client::admitted().session;
    let mut header = Vec::new();
    write(&RequestHeader { command: "event", seq: 1 }, &mut header);
    assert_eq!(session.take(&header), Ok(Step::Body));
    assert!(session.take(b"\x05").is_err());
    assert!(session.take(b"\x05").is_err(), "nor is that a header");
}

#[test]
fn streams_are_many_the_monitor_is_one_and_stop_ends_either() {
    let mut session = Client::admitted().session;
    assert_eq!(session.open_stream(50), Ok(()));
    assert_eq!(session.open_stream(50), Err("Stream with given sequence exists"));
    assert_eq!(session.open_monitor(50), Ok(()));
    assert_eq!(session.open_monitor(51), Err("Monitor already exists"));
    session.stop(51);
    assert!(session.is_listening());
    session.stop(50);
    assert!(!session.is_listening());
    assert_eq!((session.open_monitor(51), session.open_stream(50)), (Ok(()), Ok(())));
    let opened = (0..).map(|seq| session.open_stream(seq)).take_while(Result::is_ok).count();
    assert_eq!(opened, STREAMS_MAX - 1);
}

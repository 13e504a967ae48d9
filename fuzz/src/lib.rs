//! What the targets share: a node of a cluster of two that is told anything, and what must hold whatever it is told.

pub mod requests;

use muster_rpc::{REQUEST_BYTES_MAX, Request, Session, Step, Values, write_request};
use muster_serf::{Config, Event, Extensions, Input, Instant, Limits, Output, Profile, Serf, Status, StreamId};
use muster_wire::crypt::{Key, Keyring};
use muster_wire::{Border, Label, RawAddr};
use std::net::SocketAddr;
use std::time::Duration;

/// Our name; a forged message may bear it.
pub const NAME: &str = "me";

/// More outputs than this for one input would be an amplifier.
const OUTPUTS_MAX: usize = 100_000;

/// A node alone in its cluster, as the agent drives it.
pub struct Node {
    serf: Serf,
    now: Instant,
    streams: u64,
    clocks: [u64; 3],
}

impl Default for Node {
    fn default() -> Self {
        let config = Config {
            name: NAME.into(),
            addr: RawAddr::V4([10, 0, 0, 1]),
            port: 7946,
            bind_port: 7946,
            tags: [("role".into(), "web".into())].into(),
            protocol: 5,
            compress: false,
            packet_overhead: 0,
            extensions: Extensions::ALL,
            profile: Profile::LAN,
            broadcast_timeout: Duration::from_secs(5),
            leave_propagate_delay: Duration::from_secs(1),
            limits: Limits::default(),
        memory: muster_serf::Memory::default(),
        resolves_names: true,
            seed: 1,
            intern: None,
        };
        let now = Instant::default();
        let serf = Serf::new(config, now).expect("short tags");
        let mut node = Self { serf, now, streams: 0, clocks: [0; 3] };
        node.take_outputs();
        node
    }
}

impl Node {
    /// A datagram came in.
    pub fn packet(&mut self, bytes: &[u8]) {
        self.serf.handle(self.now, Input::Packet { from: peer(), bytes });
        self.take_outputs();
    }

    /// A request came in on a stream; it must be answered or the stream closed, once. Returns the answer.
    pub fn request(&mut self, bytes: &[u8]) -> Option<Vec<u8>> {
        self.streams += 1;
        let stream = StreamId::Inbound(self.streams);
        self.serf.handle(self.now, Input::Stream { stream, from: peer(), bytes });
        let mut ends = 0;
        let mut answer = None;
        for output in self.take_outputs() {
            match output {
                Output::Answer { stream: of, bytes } if of == stream => {
                    ends += 1;
                    answer = Some(bytes);
                }
                Output::Close { stream: of } if of == stream => ends += 1,
                _ => {}
            }
        }
        assert_eq!(ends, 1, "a request ends once");
        answer
    }

    /// These bytes are the answer to our own push/pull; it must end, for better or worse.
    pub fn reply(&mut self, bytes: &[u8]) {
        let stream = self.serf.join(self.now, peer(), true);
        self.take_outputs();
        self.serf.handle(self.now, Input::Stream { stream, from: peer(), bytes });
        let ended = self.take_outputs().into_iter().any(|output| {
            matches!(output, Output::Event(Event::Synced { stream: of, .. } | Event::SyncFailed { stream: of, .. }) if of == stream)
        });
        assert!(ended, "an exchange that was answered ends");
    }

    /// Time passes, and whatever is due happens.
    pub fn wait(&mut self, by: Duration) {
        let until = self.now + by;
        while let Some(due) = self.serf.next_timeout().filter(|due| *due <= until) {
            self.now = self.now.max(due);
            self.serf.handle(self.now, Input::Timeout);
            self.take_outputs();
        }
        self.now = until;
    }

    fn take_outputs(&mut self) -> Vec<Output> {
        let outputs: Vec<_> = std::iter::from_fn(|| self.serf.poll_output()).collect();
        assert!(outputs.len() <= OUTPUTS_MAX, "{} outputs", outputs.len());
        self.check(&outputs);
        outputs
    }

    /// Whatever was said: we are a member, alive, and nobody but us makes us leave; the clocks never go back.
    fn check(&mut self, outputs: &[Output]) {
        let left = outputs.iter().any(|output| matches!(output, Output::Event(Event::LeftCluster)));
        assert!(!left, "nobody asked us to leave");
        let me = self.serf.members().find(|member| *member.name == *NAME).expect("we are a member");
        assert_eq!((me.status, me.port), (Status::Alive, 7946));
        assert_eq!(me.addr, RawAddr::V4([10, 0, 0, 1]));
        let stats = self.serf.stats();
        let clocks = [stats.member_time, stats.event_time, stats.query_time];
        for (before, after) in self.clocks.iter().zip(&clocks) {
            assert!(before <= after, "a clock went back");
        }
        self.clocks = clocks;
    }
}

/// What an agent does about these bytes, given in pieces, from a client of its RPC that has made its handshake. What is read
/// can be written and read again.
pub fn rpc_steps<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> Vec<String> {
    let (mut values, mut session) = (Values::new(REQUEST_BYTES_MAX), Session::new("".into()));
    let mut handshake = Vec::new();
    write_request(0, &Request::Handshake { version: 1 }, &mut handshake);
    let mut done = Vec::new();
    // A piece of its own, so that it is made also where nothing follows.
    for piece in std::iter::once(handshake).chain(pieces.map(<[u8]>::to_vec)) {
        values.push(&piece);
        loop {
            let step = match values.next() {
                Ok(None) => break,
                Ok(Some(value)) => session.take(value),
                Err(error) => Err(error),
            };
            if let Ok(Step::Serve { seq, request }) = &step {
                let mut bytes = Vec::new();
                write_request(*seq, request, &mut bytes);
                let mut again = Values::new(4 * REQUEST_BYTES_MAX);
                again.push(&bytes);
                again.next().expect("a header").expect("it is whole");
                let body = again.next().expect("a body, or nothing").unwrap_or_default();
                assert_eq!(Request::read(request.command(), body).as_ref(), Ok(request));
            }
            // Where an error was found depends on the cut.
            done.push(step.as_ref().map_or_else(|_| "broken".to_owned(), |step| format!("{step:?}")));
            if matches!(step, Err(_) | Ok(Step::Close { .. })) {
                return done;
            }
        }
    }
    done
}

/// Who says it all.
pub fn peer() -> SocketAddr {
    SocketAddr::from(([10, 0, 0, 2], 7946))
}

/// The border of a cluster with a key, whose key the fuzzer has too.
pub fn sealed_border() -> Border {
    let key = Key::from_bytes(&[7; 16]).expect("16 bytes");
    Border::new(Label::default(), Some(Keyring::new(key)))
}

/// Several messages in one input: two bytes of length before each, the last may be cut short.
pub fn pieces(mut data: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let (length, rest) = data.split_first_chunk()?;
        let length = usize::from(u16::from_be_bytes(*length)).min(rest.len());
        let (piece, rest) = rest.split_at(length);
        data = rest;
        Some(piece)
    })
}

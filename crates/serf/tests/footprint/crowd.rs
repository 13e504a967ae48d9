//! One core among thousands of members that exist as bytes only: they announce themselves and answer its pings.

use muster_serf::{Announcement, Input, Instant, Intern, Limits, Profile, Serf, StreamId};
use muster_swim::{Extensions, Swim};
use muster_wire::memberlist::{Ack, Message, NodeState, PushPullNode};
use muster_wire::serf::PushPullState;
use muster_wire::{RawAddr, Versions, packet, stream};
use std::collections::{HashSet, VecDeque};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

const PORT: u16 = 7946;
const META: &[u8] = b"\xff\x82\xa4role\xa3web\xa4port\xa43000";

/// What a core wants done, as far as the crowd cares.
pub(crate) enum Wish {
    Send { to: SocketAddr, bytes: Vec<u8> },
    Ask { stream: StreamId, of: SocketAddr },
    Other,
}

/// Either machine.
pub(crate) trait Core {
    fn handle(&mut self, now: Instant, input: Input<'_>);
    fn wish(&mut self, now: Instant) -> Option<Wish>;
    fn next_timeout(&self) -> Option<Instant>;
}

impl Core for Swim {
    fn handle(&mut self, now: Instant, input: Input<'_>) {
        Swim::handle(self, now, input);
        if let Input::Stream { stream, bytes, .. } = input {
            while self.wish(now).is_some() {}
            self.merge_request(now, stream, bytes);
        }
    }

    fn wish(&mut self, now: Instant) -> Option<Wish> {
        use muster_swim::{Event, Output};
        Some(match self.poll_output()? {
            Output::Send { to, bytes } => Wish::Send { to, bytes },
            Output::Open { stream, to, .. } => Wish::Ask { stream, of: to },
            Output::Event(Event::StateWanted { stream, .. }) => {
                self.supply_state(now, stream, b"");
                Wish::Other
            }
            _ => Wish::Other,
        })
    }

    fn next_timeout(&self) -> Option<Instant> {
        Swim::next_timeout(self)
    }
}

impl Core for Serf {
    fn handle(&mut self, now: Instant, input: Input<'_>) {
        Serf::handle(self, now, input);
    }

    fn wish(&mut self, _now: Instant) -> Option<Wish> {
        use muster_serf::Output;
        Some(match self.poll_output()? {
            Output::Send { to, bytes } => Wish::Send { to, bytes },
            Output::Open { stream, to, .. } => Wish::Ask { stream, of: to },
            _ => Wish::Other,
        })
    }

    fn next_timeout(&self) -> Option<Instant> {
        Serf::next_timeout(self)
    }
}

/// All that was ever announced, as a simulation shares it between its nodes.
#[derive(Debug, Default)]
struct Sharing(Mutex<HashSet<Arc<Announcement>>>);

impl Intern for Sharing {
    fn intern(&self, new: Announcement) -> Arc<Announcement> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let copy = known.get(&new).cloned().unwrap_or_else(|| Arc::new(new));
        known.insert(Arc::clone(&copy));
        copy
    }
}

/// The members, and the time.
pub(crate) struct Crowd {
    pub(crate) now: Instant,
    /// Timeouts handed to the core.
    pub(crate) timeouts: usize,
    pub(crate) packets: usize,
    /// What every member knows of all, as a push/pull.
    pub(crate) state: Arc<[u8]>,
    sharing: Arc<Sharing>,
}

impl Crowd {
    pub(crate) fn new(members: usize) -> Self {
        let names: Vec<String> = (0..members).map(|at| format!("node-{at:05}")).collect();
        let state = Self::state(&names).into();
        Self { now: Instant::default(), timeouts: 0, packets: 0, state, sharing: Arc::default() }
    }

    fn addr(at: usize) -> Ipv4Addr {
        let [_, b, c, d] = u32::try_from(at + 1).expect("few members").to_be_bytes();
        Ipv4Addr::new(10, b, c, d)
    }

    pub(crate) fn swim(&self) -> Swim {
        let config = muster_swim::Config {
            name: "observer".into(),
            addr: RawAddr::V4([127, 0, 0, 1]),
            port: PORT,
            bind_port: PORT,
            meta: META.to_vec(),
            versions: Versions::OURS,
            compress: false,
            packet_overhead: 0,
            profile: Profile::LAN,
            extensions: Extensions::ALL,
            seed: 1,
            intern: Some(self.sharing.clone()),
        };
        Swim::new(config, self.now)
    }

    pub(crate) fn serf(&self) -> Serf {
        let config = muster_serf::Config {
            name: "observer".into(),
            addr: RawAddr::V4([127, 0, 0, 1]),
            port: PORT,
            bind_port: PORT,
            tags: [("role".into(), "web".into())].into(),
            protocol: 5,
            compress: false,
            packet_overhead: 0,
            profile: Profile::LAN,
            extensions: Extensions::ALL,
            broadcast_timeout: Duration::from_secs(5),
            leave_propagate_delay: Duration::from_secs(1),
            limits: Limits::default(),
            memory: muster_serf::Memory::default(),
            resolves_names: true,
            seed: 1,
            intern: Some(self.sharing.clone()),
        };
        Serf::new(config, self.now).expect("short tags")
    }

    fn state(names: &[String]) -> Vec<u8> {
        let nodes = names.iter().enumerate().map(|(at, name)| PushPullNode {
            name,
            addr: RawAddr::V4(Self::addr(at).octets()),
            port: PORT,
            meta: META,
            incarnation: 1,
            state: NodeState::Alive,
            versions: Some(Versions::OURS),
        });
        let state = PushPullState {
            ltime: 9,
            status_ltimes: names.iter().map(|name| (&**name, 5)).collect(),
            ..PushPullState::default()
        };
        stream::encode_push_pull(false, nodes, &state.encode(), false)
    }

    /// Hands in an input, and what the crowd says to what follows from it.
    pub(crate) fn handle(&mut self, core: &mut impl Core, input: Input<'_>) {
        core.handle(self.now, input);
        self.settle(core);
    }

    /// Any member sends all it knows.
    pub(crate) fn push_pull(&mut self, core: &mut impl Core, stream: StreamId) {
        let state = Arc::clone(&self.state);
        self.handle(core, Input::Stream { stream, from: (Self::addr(0), PORT).into(), bytes: &state });
    }

    fn settle(&mut self, core: &mut impl Core) {
        let (mut acks, mut asked) = (VecDeque::new(), VecDeque::new());
        loop {
            while let Some(wish) = core.wish(self.now) {
                match wish {
                    Wish::Send { to, bytes } => {
                        self.packets += 1;
                        acks.extend(pinged(&bytes).map(|seq_no| (to, seq_no)));
                    }
                    Wish::Ask { stream, of } => asked.push_back((stream, of)),
                    Wish::Other => {}
                }
            }
            if let Some((stream, from)) = asked.pop_front() {
                core.handle(self.now, Input::Stream { stream, from, bytes: &self.state });
                continue;
            }
            let Some((from, seq_no)) = acks.pop_front() else { return };
            let mut bytes = Vec::new();
            Message::Ack(Ack { seq_no, payload: &[] }).encode(&mut bytes);
            core.handle(self.now, Input::Packet { from, bytes: &bytes });
        }
    }

    /// Lets time pass.
    pub(crate) fn run(&mut self, core: &mut impl Core, time: Duration) {
        let end = self.now + time;
        while let Some(due) = core.next_timeout().filter(|due| *due <= end) {
            self.now = self.now.max(due);
            self.timeouts += 1;
            self.handle(core, Input::Timeout);
        }
        self.now = end;
    }
}

/// The number of the ping in a datagram.
fn pinged(bytes: &[u8]) -> Option<u32> {
    let mut seq_no = None;
    let read = packet::unwrap(bytes, &mut |message| {
        if let Ok(Message::Ping(ping)) = message {
            seq_no = Some(ping.seq_no);
        }
    });
    read.ok().and(seq_no)
}

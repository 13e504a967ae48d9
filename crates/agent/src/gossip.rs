//! The gossip thread: sockets, timers and commands into `muster_serf`, its outputs out.
//!
//! One turn: whatever is ready is read (never more than a bound, so that a flood starves nothing), then the timers are
//! looked at, so that an answer that is already here is heard before its absence is judged.

mod answers;
mod handle;
mod tell;

pub(crate) use answers::{Answer, Answers};
pub(crate) use handle::{Command, Gone, Handle, Known, Question, UserEvent};

use crate::cgroup;
use crate::clock::{Clock, overslept};
use crate::complaints::Complaints;
use crate::drain::DrainQuery;
use crate::hub::Hub;
use crate::key_queries::KeyQuery;
use crate::roster::Inbox;
use crate::sealer::Sealer;
use crate::sockets::Sockets;
use crate::streams::{Arrival, Failure, Outbound, Streams};
use crate::telemetry::Counters;
use crate::throttle::Throttle;
use muster_serf::{Input, Instant, Member, Output, QueryError, Serf, StreamId};
use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot, watch};

/// Datagrams read before timers and others get their turn; well above what an interval brings.
const PACKETS_PER_TURN: usize = 256;
/// Of each other kind of input.
const INPUTS_PER_TURN: usize = 32;
/// The largest UDP payload.
const PACKET_BYTES_MAX: usize = 65_536;
/// Without any timer, look around this often.
const IDLE: Duration = Duration::from_secs(60);

/// What the gossip thread is given.
#[derive(Debug)]
pub(crate) struct Parts {
    pub serf: Serf,
    pub clock: Clock,
    pub sealer: Arc<Sealer>,
    pub sockets: Sockets,
    pub stream_timeout: Duration,
    pub commands: mpsc::Receiver<Command>,
    pub inbox: Arc<Inbox>,
    pub hub: Hub,
    /// Whoever keeps the keys.
    pub key_queries: mpsc::Sender<KeyQuery>,
    /// Whoever answers those that want to go.
    pub drain_queries: mpsc::Sender<DrainQuery>,
    /// Becomes true with the first exchange that went through.
    pub synced: watch::Sender<bool>,
    pub name_lost: oneshot::Sender<NameLost>,
}

/// Our name is another's; see [`Event::NameLost`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct NameLost {
    pub to: SocketAddr,
    pub votes: usize,
    pub answers: usize,
}

/// Starts the thread. The receiver errs when it has ended, in whatever way.
pub(crate) fn spawn(parts: Parts) -> io::Result<oneshot::Receiver<()>> {
    let (ended, end) = oneshot::channel();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    std::thread::Builder::new().name("gossip".to_owned()).spawn(move || {
        let _ended: oneshot::Sender<()> = ended;
        runtime.block_on(async {
            match Gossip::new(parts) {
                Ok(gossip) => gossip.run().await,
                Err(cause) => tracing::error!(%cause, "cannot watch the gossip sockets"),
            }
        });
    })?;
    Ok(end)
}

#[derive(Debug)]
struct Gossip {
    serf: Serf,
    clock: Clock,
    sealer: Arc<Sealer>,
    udp: tokio::net::UdpSocket,
    /// The same socket: tokio's `try_send` needs a readiness that is only known after a wait.
    udp_send: std::net::UdpSocket,
    v6: bool,
    streams: Streams,
    arrivals: mpsc::Receiver<Arrival>,
    commands: mpsc::Receiver<Command>,
    inbox: Arc<Inbox>,
    hub: Hub,
    key_queries: mpsc::Sender<KeyQuery>,
    drain_queries: mpsc::Sender<DrainQuery>,
    /// Those who wait for answers to our queries.
    askers: answers::Askers,
    synced: watch::Sender<bool>,
    joins: BTreeMap<StreamId, oneshot::Sender<Result<(), String>>>,
    leaves: Vec<oneshot::Sender<()>>,
    /// The inbound stream whose request is being handled: the core answers before it returns.
    answer: Option<(StreamId, oneshot::Sender<Vec<u8>>)>,
    /// When each member's status last changed.
    since: BTreeMap<Arc<str>, Instant>,
    counters: Counters,
    complaints: Complaints,
    throttle: Throttle,
    /// Taken when it is told.
    name_lost: Option<oneshot::Sender<NameLost>>,
    stopped: bool,
}

/// What ended a wait. Sockets and timers are looked at in any case.
enum Woken {
    Look,
    Arrival(Arrival),
    Command(Command),
}

impl Gossip {
    fn new(parts: Parts) -> io::Result<Self> {
        let Parts {
            serf,
            clock,
            sealer,
            sockets,
            stream_timeout,
            commands,
            inbox,
            hub,
            key_queries,
            drain_queries,
            synced,
            name_lost,
        } = parts;
        let udp_send = sockets.udp.try_clone()?;
        let udp = tokio::net::UdpSocket::from_std(sockets.udp)?;
        let listener = tokio::net::TcpListener::from_std(sockets.tcp)?;
        let (sender, arrivals) = mpsc::channel(INPUTS_PER_TURN);
        let streams = Streams::new(Arc::clone(&sealer), sender, stream_timeout);
        tokio::spawn(streams.clone().accept(listener));
        Ok(Self {
            serf,
            clock,
            sealer,
            udp,
            udp_send,
            v6: sockets.addr.is_ipv6(),
            streams,
            arrivals,
            commands,
            inbox,
            hub,
            key_queries,
            drain_queries,
            askers: answers::Askers::default(),
            synced,
            joins: BTreeMap::new(),
            leaves: Vec::new(),
            answer: None,
            since: BTreeMap::new(),
            counters: Counters::default(),
            complaints: Complaints::default(),
            throttle: Throttle::default(),
            name_lost: Some(name_lost),
            stopped: false,
        })
    }

    async fn run(mut self) {
        let mut buffer = vec![0; PACKET_BYTES_MAX];
        let mut plain = Vec::new();
        self.carry_out();
        while !self.stopped {
            let asleep = self.clock.now();
            let due = self.serf.next_timeout();
            let woken = self.wait(asleep, due).await;
            let now = self.clock.now();
            if let Some(slept) = overslept(asleep, due, now) {
                tracing::warn!(
                    ?slept,
                    "the agent was stopped or starved; nobody is accused for what was missed"
                );
                self.handle(now, Input::Slept(slept));
            }
            self.read_packets(&mut buffer, &mut plain);
            self.take(woken);
            for _ in 0..INPUTS_PER_TURN {
                let Ok(arrival) = self.arrivals.try_recv() else { break };
                self.take_arrival(arrival);
            }
            let now = self.clock.now();
            if self.serf.next_timeout().is_some_and(|due| due <= now) {
                self.mind_throttling(now);
                self.handle(now, Input::Timeout);
            }
        }
    }

    /// Called when a timer woke us anyway: an idle agent does not wake for it.
    fn mind_throttling(&mut self, now: Instant) {
        if !self.throttle.wants_reading(now) {
            return;
        }
        let Some(strain) = self.throttle.take(now, cgroup::read_accounts()) else { return };
        self.handle(now, Input::Throttled);
        if strain.tell {
            let (health_score, throttled) = (self.serf.stats().health_score, strain.throttled);
            tracing::warn!(health_score, "{}", throttled.warning());
        }
    }

    async fn wait(&mut self, now: Instant, due: Option<Instant>) -> Woken {
        let pause = due.map_or(IDLE, |due| due - now);
        tokio::select! {
            // Not random: same order each time.
            biased;
            _ = self.udp.readable() => Woken::Look,
            Some(arrival) = self.arrivals.recv() => Woken::Arrival(arrival),
            command = self.commands.recv() => Woken::Command(command.unwrap_or(Command::Stop)),
            () = tokio::time::sleep(pause) => Woken::Look,
        }
    }

    fn take(&mut self, woken: Woken) {
        match woken {
            Woken::Look => {}
            Woken::Arrival(arrival) => self.take_arrival(arrival),
            Woken::Command(command) => self.obey(command),
        }
    }

    /// `plain` is scratch space.
    fn read_packets(&mut self, buffer: &mut [u8], plain: &mut Vec<u8>) {
        for _ in 0..PACKETS_PER_TURN {
            match self.udp.try_recv_from(buffer) {
                Ok((length, from)) => {
                    self.counters.received(length);
                    let from = SocketAddr::new(from.ip().to_canonical(), from.port());
                    match self.sealer.open_packet(&buffer[..length], plain) {
                        Ok(bytes) => self.handle(self.clock.now(), Input::Packet { from, bytes }),
                        Err(error) => {
                            self.complain(&format!("refused a datagram from {}: {error}", from.ip()));
                        }
                    }
                }
                Err(cause) if cause.kind() == io::ErrorKind::WouldBlock => return,
                Err(cause) => {
                    self.complain(&format!("cannot receive gossip: {cause}"));
                    return;
                }
            }
        }
    }

    fn take_arrival(&mut self, arrival: Arrival) {
        let Arrival { stream, from, ref message, .. } = arrival;
        self.answer = arrival.answer.map(|answer| (stream, answer));
        let input = match message {
            Ok(bytes) => Input::Stream { stream, from, bytes },
            Err(Failure::Unreadable(reason)) => Input::StreamUnreadable { stream, from, reason },
            Err(Failure::Lost(reason)) => Input::StreamFailed { stream, reason },
        };
        self.handle(self.clock.now(), input);
        // An inbound stream left without an answer closes here.
        self.answer = None;
    }

    fn obey(&mut self, command: Command) {
        let now = self.clock.now();
        match command {
            Command::Join { to, replay, done } => {
                let stream = self.serf.join(now, to, replay);
                self.joins.insert(stream, done);
            }
            Command::ForceLeave { node, prune, done } => {
                self.serf.force_leave(now, &node, prune);
                // A caller that went away needs no answer; so below.
                let _ = done.send(());
            }
            Command::Leave { done } => {
                self.leaves.push(done);
                self.serf.leave(now);
            }
            Command::SetTags { tags, done } => {
                let _ = done.send(self.serf.set_tags(now, tags));
            }
            Command::UserEvent { event: UserEvent { name, payload, coalesce }, done } => {
                let _ = done.send(self.serf.user_event(now, &name, &payload, coalesce));
            }
            Command::Query { question, done } => {
                let asked = self.ask(now, &question);
                // Before what came of it is carried out: our own answer may be among that.
                let _ = done.send(asked);
            }
            Command::Respond { id, payload, done } => {
                let _ = done.send(self.serf.respond(now, id, &payload));
            }
            Command::RespondKeys { id, answer, done } => {
                let _ = done.send(self.serf.respond_keys(now, id, &answer));
            }
            Command::Coordinate { node, done } => {
                let _ = done.send(self.serf.coordinate(&node).copied());
            }
            Command::Why { node, done } => {
                let _ = done.send(Known {
                    now,
                    why: self.serf.why(&node),
                    member: self.serf.member(&node).cloned(),
                    // Known when the agent started, as it is itself.
                    since: self.since.get(&*node).copied().unwrap_or_default(),
                    health_score: self.serf.stats().health_score,
                });
            }
            Command::Stats(done) => {
                let _ = done.send((self.serf.stats(), self.throttle.lately()));
            }
            Command::Telemetry(done) => {
                let _ = done.send((self.counters, self.serf.stats()));
            }
            Command::Stop => self.stopped = true,
        }
        self.carry_out();
    }

    fn ask(&mut self, now: Instant, question: &Question) -> Result<Answers, QueryError> {
        // A query can wait for an hour, and places are few: who went away gives his back.
        for id in self.askers.take_gone() {
            self.serf.abandon_query(id);
        }
        let (id, wait) = match question {
            Question::Query { name, payload, params } => {
                let wait = params.timeout.unwrap_or_else(|| self.serf.default_query_timeout());
                (self.serf.query(now, name, payload, params)?, wait)
            }
            Question::Keys(operation) => {
                (self.serf.query_keys(now, operation)?, self.serf.default_query_timeout())
            }
        };
        Ok(self.askers.begin(id, wait))
    }

    fn handle(&mut self, now: Instant, input: Input<'_>) {
        self.serf.handle(now, input);
        self.carry_out();
    }

    fn carry_out(&mut self) {
        while let Some(output) = self.serf.poll_output() {
            match output {
                Output::Send { to, bytes } => self.send(to, bytes),
                Output::Open { stream, to, bytes, reply, deadline } => {
                    let time_left = deadline - self.clock.now();
                    tokio::spawn(self.streams.clone().outbound(Outbound {
                        stream,
                        to,
                        bytes,
                        reply,
                        time_left,
                    }));
                }
                Output::Answer { stream, bytes } => {
                    if let Some((_, answer)) = self.answer.take_if(|(asked, _)| *asked == stream) {
                        let _ = answer.send(bytes);
                    }
                }
                Output::Close { stream } => {
                    self.answer.take_if(|(asked, _)| *asked == stream);
                }
                Output::Event(event) => self.tell(event),
            }
        }
    }

    /// A datagram that cannot be sent is a lost one; gossip is made for that.
    fn send(&mut self, to: SocketAddr, bytes: Vec<u8>) {
        let target = in_family_of_socket(to, self.v6);
        let sent = self.sealer.seal_packet(bytes).and_then(|bytes| self.udp_send.send_to(&bytes, target));
        match sent {
            Ok(bytes) => self.counters.sent(bytes),
            Err(cause) => self.complain(&format!("cannot send gossip to {to}: {cause}")),
        }
    }

    fn complain(&mut self, text: &str) {
        if let Some(line) = self.complaints.tell(text, self.clock.now().0) {
            tracing::warn!("{line}");
        }
    }

    fn changed(&mut self, member: &Member) {
        self.since.insert(member.name.clone(), self.clock.now());
    }

    /// Whether somebody waited for it.
    fn join_ended(&mut self, stream: StreamId, result: Result<(), String>) -> bool {
        let waiting = self.joins.remove(&stream);
        waiting.is_some_and(|done| done.send(result).is_ok())
    }
}

/// A socket for both families wants IPv4 in its mapped form.
fn in_family_of_socket(to: SocketAddr, v6: bool) -> SocketAddr {
    match to {
        SocketAddr::V4(v4) if v6 => (v4.ip().to_ipv6_mapped(), v4.port()).into(),
        other => other,
    }
}

#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;

//! The collector: everything is sent there in the form of RFC 5424, while it is there.
//!
//! Nothing waits for it: sockets do not block, what it does not take yet is in a queue, and one that is away is looked for again after
//! a pause that grows. Over TCP, what our system has taken and the collector has not read when that one dies is lost: syslog has no
//! receipt.

use std::io::{self, ErrorKind, Read};
use std::time::Duration;

use muster_logs::{Collector, Instant, Queue};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use socket2::{Domain, SockAddr, Socket, Type};

use crate::complaints::Complaints;
use crate::sinks::{PATIENCE, WAITING_BYTES_MAX, gather};

/// Shortest and longest pause between attempts.
const PAUSES: [Duration; 2] = [Duration::from_millis(100), Duration::from_secs(10)];
/// One that was there for so long was not flapping.
const STEADY_AFTER: Duration = Duration::from_secs(5);
/// How long a connection may take.
const OPENS_WITHIN: Duration = Duration::from_secs(10);
/// How long what was sent over TCP may go without an acknowledgement.
const UNACKNOWLEDGED_MAX: Duration = Duration::from_secs(30);
/// Bytes given to a connection at once.
const CHUNK: usize = 16 * 1024;

#[derive(Debug)]
enum Link {
    /// Not before this time it is tried again.
    Away { until: Instant },
    /// A connection that is being made.
    Opening { socket: Socket, since: Instant },
    /// Of connections or of datagrams.
    Open { socket: Socket, since: Instant, is_stream: bool },
}

/// See the module's page.
#[derive(Debug)]
pub(crate) struct Forward {
    to: Collector,
    name: String,
    link: Link,
    pause: Duration,
    queue: Queue,
    chunk: Vec<u8>,
}

impl Forward {
    pub(crate) fn new(to: Collector) -> Self {
        Self {
            name: format!("collector {to}"),
            to,
            link: Link::Away { until: Instant::default() },
            pause: Duration::ZERO,
            queue: Queue::new(WAITING_BYTES_MAX),
            chunk: Vec::new(),
        }
    }

    /// Adds a message, in a frame of its own.
    pub(crate) fn put(
        &mut self,
        frame: Vec<u8>,
        now: Instant,
        complaints: &mut Complaints,
        notice: impl FnOnce(u64) -> Vec<u8>,
    ) {
        if !self.queue.put(frame, now, notice) {
            complaints.lost(&self.name, "it does not take them", 1);
        }
    }

    /// Sends as much as is taken now.
    pub(crate) fn push(
        &mut self,
        now: Instant,
        complaints: &mut Complaints,
        notice: impl Fn(u64) -> Vec<u8>,
    ) {
        self.queue.tell_dropped(now, notice);
        if let Err(error) = self.try_push(now, complaints) {
            self.lose(now, &error, complaints);
        }
    }

    fn try_push(&mut self, now: Instant, complaints: &mut Complaints) -> io::Result<()> {
        if let Link::Away { until } = self.link {
            if self.queue.is_empty() || now < until {
                return Ok(());
            }
            self.link = open(&self.to, now)?;
        }
        if let Link::Opening { socket, since } = &self.link {
            match has_opened(socket)? {
                true => {
                    let socket = socket.try_clone()?;
                    self.link = Link::Open { socket, since: now, is_stream: true };
                }
                false if now - *since > OPENS_WITHIN => return Err(ErrorKind::TimedOut.into()),
                false => return Ok(()),
            }
        }
        let Link::Open { socket, is_stream, .. } = &self.link else { return Ok(()) };
        if *is_stream {
            has_not_closed(socket)?;
        }
        while !self.queue.is_empty() {
            let sent = if *is_stream {
                gather(&self.queue, CHUNK, &mut self.chunk);
                socket.send(&self.chunk)
            } else {
                let frame = self.queue.waiting().next().unwrap_or_default();
                socket.send(without_count(frame)).map(|_| frame.len())
            };
            match sent {
                Ok(count) => self.queue.take(count, now),
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if !is_stream && is_about_this_one(&error) => {
                    self.queue.drop_first();
                    complaints.lost(&self.name, &error.to_string(), 1);
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn lose(&mut self, now: Instant, error: &io::Error, complaints: &mut Complaints) {
        let was_steady = matches!(&self.link, Link::Open { since, .. } if now - *since >= STEADY_AFTER);
        self.pause = match was_steady {
            true => PAUSES[0],
            false => (2 * self.pause).clamp(PAUSES[0], PAUSES[1]),
        };
        self.link = Link::Away { until: now + self.pause };
        // A message that was sent in part is sent again on the next connection.
        self.queue.rewind();
        // A collector may close a connection that nobody uses.
        if !self.queue.is_empty() {
            complaints.note(&self.name, &error.to_string());
        }
    }

    pub(crate) fn left(&self) -> u64 {
        self.queue.len() as u64
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// One that is away is not waited for.
    pub(crate) fn waits_until(&mut self, now: Instant) -> Option<Instant> {
        match self.link {
            Link::Away { .. } => None,
            Link::Opening { .. } | Link::Open { .. } => self.queue.waits_until(now, PATIENCE),
        }
    }

    /// When it is to be looked for again.
    pub(crate) fn due(&self) -> Option<Instant> {
        match self.link {
            Link::Away { until } => (!self.queue.is_empty()).then_some(until),
            Link::Opening { since, .. } => Some(since + OPENS_WITHIN + Duration::from_millis(1)),
            Link::Open { .. } => None,
        }
    }

    pub(crate) fn poll_fd(&self) -> Option<PollFd<'_>> {
        match &self.link {
            Link::Away { .. } => None,
            Link::Opening { socket, .. } => Some(PollFd::new(socket, PollFlags::OUT)),
            // The error of a datagram that nobody took would be told again and again; the next one that is sent tells it too.
            Link::Open { is_stream: false, .. } if self.queue.is_empty() => None,
            Link::Open { socket, is_stream, .. } => {
                let closes = if *is_stream { PollFlags::IN } else { PollFlags::empty() };
                let takes = if self.queue.is_empty() { PollFlags::empty() } else { PollFlags::OUT };
                Some(PollFd::new(socket, closes | takes))
            }
        }
    }
}

/// This message cannot be sent, and the next one may.
fn is_about_this_one(error: &io::Error) -> bool {
    error.raw_os_error() == Some(nix::errno::Errno::EMSGSIZE as i32)
}

/// The message of a frame: datagrams need no count.
fn without_count(frame: &[u8]) -> &[u8] {
    let space = frame.iter().position(|byte| *byte == b' ');
    space.map_or(frame, |space| &frame[space + 1..])
}

fn open(to: &Collector, now: Instant) -> io::Result<Link> {
    let (domain, kind, address) = match to {
        Collector::Udp(at) => (Domain::for_address(*at), Type::DGRAM, SockAddr::from(*at)),
        Collector::Tcp(at) => (Domain::for_address(*at), Type::STREAM, SockAddr::from(*at)),
        Collector::Unix(path) => (Domain::UNIX, Type::DGRAM, SockAddr::unix(path)?),
    };
    match connect(domain, kind, &address, now) {
        // It is a socket of connections.
        Err(error) if error.raw_os_error() == Some(nix::errno::Errno::EPROTOTYPE as i32) => {
            connect(domain, Type::STREAM, &address, now)
        }
        link => link,
    }
}

fn connect(domain: Domain, kind: Type, address: &SockAddr, now: Instant) -> io::Result<Link> {
    let socket = Socket::new(domain, kind, None)?;
    socket.set_nonblocking(true)?;
    let is_stream = kind == Type::STREAM;
    if is_stream && domain != Domain::UNIX {
        socket.set_tcp_user_timeout(Some(UNACKNOWLEDGED_MAX))?;
    }
    match socket.connect(address) {
        Ok(()) => Ok(Link::Open { socket, since: now, is_stream }),
        Err(error) if error.raw_os_error() == Some(nix::errno::Errno::EINPROGRESS as i32) => {
            Ok(Link::Opening { socket, since: now })
        }
        Err(error) => Err(error),
    }
}

fn has_opened(socket: &Socket) -> io::Result<bool> {
    let mut fds = [PollFd::new(socket, PollFlags::OUT)];
    poll(&mut fds, Some(&Timespec { tv_sec: 0, tv_nsec: 0 }))?;
    if fds[0].revents().is_empty() {
        return Ok(false);
    }
    socket.take_error()?.map_or(Ok(true), Err)
}

/// A collector says nothing; its end is noticed before more is sent to nobody.
fn has_not_closed(mut socket: &Socket) -> io::Result<()> {
    let mut buffer = [0; 512];
    loop {
        match socket.read(&mut buffer) {
            Ok(0) => return Err(io::Error::new(ErrorKind::ConnectionReset, "it closed the connection")),
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
            Err(error) => return Err(error),
        }
    }
}

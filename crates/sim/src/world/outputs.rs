//! Carrying out what a core wants: datagrams and streams become arrivals elsewhere, later.

use super::{Noticed, Passage, World};
use crate::address;
use crate::arrival::{Answer, Arrival, Outcome, Request, nanos, outbound};
use crate::host::End;
use crate::queue::What;
use muster_serf::{Event, Instant, Output, StreamId};
use std::net::SocketAddr;

impl World {
    /// Takes a host's outputs, carries them out, and plans when it is to be woken.
    pub(super) fn settle(&mut self, at: usize) {
        while let Some(output) = self.hosts[at].serf.as_mut().and_then(muster_serf::Serf::poll_output) {
            match output {
                Output::Send { to, bytes } => self.send(at, to, bytes),
                Output::Open { stream, to, bytes, reply, deadline } => {
                    self.open(at, stream, to, bytes, reply, deadline);
                }
                Output::Answer { stream, bytes } => self.answer(at, stream, bytes),
                Output::Close { stream } => self.close(stream, "closed without an answer"),
                Output::Event(event) => self.notice(at, event),
            }
        }
        // As the shell does with a request that the core passed over.
        if let Some((stream, _)) = self.answering {
            self.close(stream, "closed without an answer");
        }
        self.plan_wake(at);
    }

    fn send(&mut self, from: usize, to: SocketAddr, bytes: Vec<u8>) {
        self.counts.packets += 1;
        self.counts.packet_bytes += bytes.len() as u64;
        let receiver = address::host_at(to).filter(|to| *to < self.hosts.len());
        let [first, second] = receiver.map_or([None, None], |to| self.network.datagram(from, to));
        if let (Some(tap), Some(to)) = (&mut self.tap, receiver) {
            let at = Instant(std::time::Duration::from_nanos(self.now));
            tap.push(Passage { at, from, to, stream: false, arrives: first.is_some(), bytes: bytes.clone() });
        }
        let (Some(to), Some(first)) = (receiver, first) else {
            self.counts.lost += 1;
            return;
        };
        let from = number(from);
        if let Some(second) = second {
            let bytes = bytes.clone();
            self.queue.push(self.now + second, to, What::Arrive(Arrival::Packet { from, bytes }));
        }
        self.queue.push(self.now + first, to, What::Arrive(Arrival::Packet { from, bytes }));
    }

    fn open(
        &mut self,
        from: usize,
        stream: StreamId,
        to: SocketAddr,
        bytes: Vec<u8>,
        reply: bool,
        deadline: Instant,
    ) {
        let Some(stream) = outbound(stream) else { return };
        self.counts.streams += 1;
        self.counts.stream_bytes += bytes.len() as u64;
        let host = &mut self.hosts[from];
        host.open.push(stream);
        let life = host.life;
        let end = nanos(deadline).max(self.now);
        self.queue.push(end, from, What::Deadline { life, stream });
        let receiver = address::host_at(to).filter(|to| *to < self.hosts.len());
        // A connection is made by a segment there, one back, and the message itself.
        let time = receiver.and_then(|to| {
            let there = self.network.segment(from, to)?;
            let back = self.network.segment(to, from)?;
            Some(there + back + self.network.segment(from, to)?)
        });
        self.overhear(from, receiver, time.is_some(), &bytes);
        let (Some(to), Some(time)) = (receiver, time) else { return };
        if self.now + time > end {
            // The opener has closed by then what was not even connected, or not sent: nothing of it arrives.
            return;
        }
        let request = Request { opener: number(from), life, stream, bytes, reply };
        self.queue.push(self.now + time, to, What::Arrive(Arrival::Request(Box::new(request))));
    }

    fn overhear(&mut self, from: usize, to: Option<usize>, arrives: bool, bytes: &[u8]) {
        let at = self.now();
        if let (Some(tap), Some(to)) = (&mut self.tap, to) {
            tap.push(Passage { at, from, to, stream: true, arrives, bytes: bytes.to_vec() });
        }
    }

    fn answer(&mut self, at: usize, stream: StreamId, bytes: Vec<u8>) {
        let Some((_, request)) = self.answering.take_if(|(asked, _)| *asked == stream) else { return };
        self.counts.stream_bytes += bytes.len() as u64;
        let back = self.network.segment(at, request.opener as usize);
        self.overhear(at, Some(request.opener as usize), back.is_some(), &bytes);
        // What is cut off ends with the opener's patience.
        if let Some(back) = back {
            self.end_stream(&request, Ok(Answer::Bytes { from: number(at), bytes }), self.now + back);
        }
    }

    fn close(&mut self, stream: StreamId, reason: &'static str) {
        let Some((_, request)) = self.answering.take_if(|(asked, _)| *asked == stream) else { return };
        let result = if request.reply { Err(reason) } else { Ok(Answer::Written) };
        self.end_stream(&request, result, self.now);
    }

    /// Tells the opener of a stream how it ended, at the given time.
    pub(super) fn end_stream(&mut self, request: &Request, result: Result<Answer, &'static str>, at: u64) {
        let outcome = Outcome { life: request.life, stream: request.stream, result };
        let arrival = Arrival::Outcome(Box::new(outcome));
        self.queue.push(at, request.opener as usize, What::Arrive(arrival));
    }

    fn notice(&mut self, at: usize, event: Event) {
        let host = &mut self.hosts[at];
        match &event {
            Event::Synced { stream, join: true, .. } if host.joining == Some(*stream) => {
                host.joining = None;
                host.joined = true;
            }
            Event::SyncFailed { stream, .. } if host.joining == Some(*stream) => host.joining = None,
            _ => {}
        }
        let life = host.life;
        if event == Event::LeftCluster {
            // The agent ends with its leave.
            self.go_down(at, End::Left);
        }
        self.noticed.push(Noticed { at: self.now(), host: at, life, event });
    }
}

fn number(host: usize) -> u32 {
    u32::try_from(host).unwrap_or(u32::MAX)
}

//! News told straight: what concerns traffic does not wait for gossip to come around.
//!
//! Gossip reaches everyone in the end, and by chance. Beside it, such news go straight to those who must act on them
//! (Serf's layer names them: the balancers), and to everybody in a small cluster.
//!
//! | when | how |
//! |---|---|
//! | at once, paced | the news and a ping, in one datagram |
//! | no ack after 200 ms and a round trip | once on a stream; while streams are used up, the datagram again |
//! | no ack of the third datagram either | not at all: gossip and push/pull go on as ever |
//!
//! The ping is the receipt. A datagram arrives whole or not at all, so an ack of a ping that stands *behind* the news in
//! the same datagram says that the news arrived, on any member of any make. An ack of a ping by itself would say nothing
//! of them; and that a member passes them on shows only when it happens to choose us.
//!
//! On streams memberlist takes user messages, but no `alive` and no `dead` (net.go, `handleConn`). A push/pull that names
//! nobody but us says the same, and every member reads it.

use crate::gossip::{encode, user};
use crate::nodes::Node;
use crate::timer::Timer;
use crate::{Announcement, Instant, Output, Swim};
use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::time::Duration;
use muster_wire::memberlist::{Dead, Message, NodeState};
use muster_wire::packet::PART_OVERHEAD;
use muster_wire::stream;

/// Everybody is told when there are no more others than this.
const EVERYBODY_MAX: usize = 64;
/// Most members told because the layer above names them.
const NAMED_MAX: usize = 256;
/// Datagrams sent at once, and the pause before as many more: a burst must not fill a buffer on its way.
const BURST: usize = 32;
const BURST_PAUSE: Duration = Duration::from_millis(10);
/// How long the ack of a datagram may take, beside the round trip.
const PATIENCE: Duration = Duration::from_millis(200);
/// Most datagrams per target and news.
const DATAGRAMS_MAX: u8 = 3;
/// Most targets that we still owe something, over all news.
const WAITING_MAX: usize = 1024;
/// How long a user message on a stream may take.
const STREAM_TIMEOUT: Duration = Duration::from_secs(2);
/// What streams may cost in a second, in members told of: a push/pull is answered with the whole state, some 150 bytes a
/// member. So at most 64 streams a second, and about 600 KB that come back.
const STREAMED_PER_SECOND: usize = 4096;
/// The least that one stream counts.
const STREAM_COST_MIN: usize = 64;

/// What can be told straight.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum News<'a> {
    /// What we last said of ourselves: that we are alive with this meta, or that we left. Replaces what was still to be
    /// told of an earlier state.
    OurState,
    /// A message of the layer above (Serf's type byte first). One that fits no packet is not sent.
    User(&'a [u8]),
}

#[derive(Clone, PartialEq, Eq, Debug)]
enum Kept {
    OurState,
    User(Arc<[u8]>),
}

/// One target that has not confirmed yet.
#[derive(Debug)]
struct Waiting {
    news: Kept,
    to: Arc<str>,
    /// When the next datagram or stream is due.
    due: Instant,
    /// Sent so far.
    datagrams: u8,
}

/// Whom we still owe what, by the sequence number of the ping that is to be acked.
#[derive(Debug, Default)]
pub(crate) struct Direct {
    waiting: BTreeMap<u32, Waiting>,
    streams: Allowance,
}

impl Direct {
    /// An ack came; whether it was one of ours.
    pub(crate) fn confirmed(&mut self, seq_no: u32) -> bool {
        self.waiting.remove(&seq_no).is_some()
    }
}

/// What streams have cost in the current second.
#[derive(Debug, Default)]
struct Allowance {
    since: Instant,
    spent: usize,
}

impl Allowance {
    /// Whether a stream of this cost may be opened now. One always may, however large the cluster.
    fn allows(&mut self, now: Instant, cost: usize) -> bool {
        if now - self.since >= Duration::from_secs(1) {
            *self = Self { since: now, spent: 0 };
        }
        let fits = self.spent == 0 || self.spent + cost <= STREAMED_PER_SECOND;
        if fits {
            self.spent += cost;
        }
        fits
    }
}

impl Swim {
    /// Tells these members, beside what gossip does, and everybody else too if there are no more than 64 others. The named
    /// ones come first; at most 256 of them are told.
    pub fn tell_directly(&mut self, now: Instant, news: News<'_>, named: &[Arc<str>]) {
        self.advance(now);
        if !self.config.extensions.direct_news {
            return;
        }
        let news = match news {
            News::OurState => {
                self.direct.waiting.retain(|_, waiting| waiting.news != Kept::OurState);
                Kept::OurState
            }
            News::User(message) if message.len() > self.user_message_max() => return,
            News::User(message) => Kept::User(message.into()),
        };
        let room = WAITING_MAX.saturating_sub(self.direct.waiting.len());
        let mut due = now;
        for (at, to) in self.direct_targets(named).into_iter().take(room).enumerate() {
            if at > 0 && at % BURST == 0 {
                due = due + BURST_PAUSE;
            }
            let waiting = Waiting { news: news.clone(), to, due, datagrams: 0 };
            self.direct.waiting.insert(self.prober.next_seq_no(), waiting);
        }
        self.tell_waiting();
    }

    fn direct_targets(&self, named: &[Arc<str>]) -> Vec<Arc<str>> {
        let is_other = |node: &&Node| node.is_present() && node.name != self.name;
        let named = named.iter().filter_map(|name| self.nodes.get(name)).filter(is_other).take(NAMED_MAX);
        let mut targets: Vec<Arc<str>> = named.map(|node| node.name.clone()).collect();
        if self.others() <= EVERYBODY_MAX {
            let rest = self.nodes.iter().filter(is_other).filter(|node| !targets.contains(&node.name));
            let rest: Vec<Arc<str>> = rest.map(|node| node.name.clone()).collect();
            targets.extend(rest);
        }
        targets
    }

    /// Does what is due for whoever has not confirmed.
    pub(crate) fn tell_waiting(&mut self) {
        let is_due = |waiting: &Waiting| waiting.due <= self.now;
        let due =
            self.direct.waiting.iter().filter(|(_, waiting)| is_due(waiting)).map(|(seq_no, _)| *seq_no);
        for seq_no in due.collect::<Vec<u32>>() {
            if let Some(waiting) = self.direct.waiting.remove(&seq_no) {
                self.tell_once_more(seq_no, waiting);
            }
        }
        self.timers.cancel(&Timer::Direct);
        if let Some(next) = self.direct.waiting.values().map(|waiting| waiting.due).min() {
            self.timers.set(Timer::Direct, next);
        }
    }

    fn tell_once_more(&mut self, seq_no: u32, waiting: Waiting) {
        let Some(node) = self.nodes.get(&waiting.to).filter(|node| node.is_present()) else { return };
        let (peer, round_trip) = (node.announced.clone(), node.round_trip().unwrap_or_default());
        if waiting.datagrams > 0 && self.direct.streams.allows(self.now, self.stream_cost(&waiting.news)) {
            return self.tell_by_stream(&peer, &waiting.news);
        }
        if waiting.datagrams < DATAGRAMS_MAX {
            self.tell_by_datagram(seq_no, &peer, &waiting.news);
            let due = self.now + PATIENCE + round_trip;
            let waiting = Waiting { due, datagrams: waiting.datagrams + 1, ..waiting };
            self.direct.waiting.insert(seq_no, waiting);
        }
    }

    fn tell_by_datagram(&mut self, seq_no: u32, peer: &Announcement, news: &Kept) {
        let Some(news) = (match news {
            Kept::OurState => self.our_state(),
            Kept::User(message) => Some(user(message)),
        }) else {
            return;
        };
        let ping = self.ping(seq_no, &peer.name);
        // With the longest of names there is no room for a ping. Then nothing is confirmed, and a stream follows.
        let fits = news.len() + ping.len() + 2 * PART_OVERHEAD <= self.parts_budget();
        let parts = if fits { alloc::vec![news, ping] } else { alloc::vec![news] };
        self.send(peer.socket_addr(), &parts, peer.reads_crc());
    }

    fn tell_by_stream(&mut self, peer: &Announcement, news: &Kept) {
        match news {
            Kept::OurState => self.show_ourselves(peer.socket_addr()),
            Kept::User(message) => {
                let bytes = stream::encode_user(message, self.config.compress);
                let stream = self.exchanges.next_stream();
                let (to, deadline) = (peer.socket_addr(), self.now + STREAM_TIMEOUT);
                self.outputs.push_back(Output::Open { stream, to, bytes, reply: false, deadline });
            }
        }
    }

    fn stream_cost(&self, news: &Kept) -> usize {
        match news {
            Kept::OurState => self.nodes.len().max(STREAM_COST_MIN),
            Kept::User(_) => STREAM_COST_MIN,
        }
    }

    /// What we last said of ourselves, as a message.
    fn our_state(&self) -> Option<Vec<u8>> {
        let me = self.nodes.at(self.me)?;
        let (node, incarnation) = (&*me.name, me.incarnation);
        Some(encode(&match me.state() {
            NodeState::Left => Message::Dead(Dead { incarnation, node, from: node }),
            _ => Message::Alive(me.alive(incarnation)),
        }))
    }
}

//! Why somebody is doubted: what was heard against each accused member, from whom and by which way.
//!
//! "It was marked failed" is the beginning of every search for a fault in a network, so what the rules saw is kept: a
//! few findings per accused name, also when the name is forgotten afterwards. Names never accused cost nothing.

use crate::suspicion::Suspicion;
use crate::{Instant, Swim};
use alloc::collections::{BTreeMap, VecDeque};
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::net::SocketAddr;
use core::time::Duration;

/// Most names kept; beyond, the one nothing was heard of for longest makes room. With the limit on names a hostile peer
/// can fill 2 MiB.
const NAMES_MAX: usize = 256;
/// Findings kept per name.
const FINDINGS_MAX: usize = 8;
/// Round trips kept per accused name.
const ROUND_TRIPS_MAX: usize = 4;

/// What was found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// It is suspected of being dead.
    Suspected,
    /// It is dead.
    FoundDead,
    /// It lives after all.
    Refuted,
}

/// By which way it was found.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Way {
    /// Our own probe: no ack came to the direct ping, nor by any of the following.
    Probe {
        /// Members asked to ping it for us.
        relays: Vec<String>,
        /// How many of them answered that they heard nothing either. The others did not answer at all, which rather
        /// speaks against our own network.
        nacks: u32,
        /// What came of a ping by TCP; `None` if the member is too old to answer one.
        tcp: Option<String>,
    },
    /// Our own suspicion ran out without a refutation.
    TimeUp,
    /// A datagram told it.
    Gossip {
        /// Its sender.
        from: SocketAddr,
        /// The member at that address, if there is one now.
        teller: Option<String>,
    },
    /// A push/pull showed that a peer takes it for suspect or dead.
    Exchange {
        /// The other end.
        with: SocketAddr,
        /// The member at that address, if there is one now; none when the peer opened the stream.
        teller: Option<String>,
    },
    /// It said so itself, whoever passed it on.
    OwnWord,
}

/// One thing heard or found about a member.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Finding {
    /// When it was first heard.
    pub at: Instant,
    /// What.
    pub verdict: Verdict,
    /// Who says so.
    pub by: String,
    /// The life of the member that it is about.
    pub incarnation: u32,
    /// How it came to us.
    pub way: Way,
    /// Our own [health score](Swim::health_score) at that time: above 0, doubt the finding.
    pub health_score: u32,
}

/// What is known for and against a member.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Why {
    /// The latest findings, oldest first; none if it was never accused.
    pub findings: Vec<Finding>,
    /// The latest round trips of direct pings, oldest first. Of a member never accused, the last one.
    pub round_trips: Vec<Duration>,
    /// When it counts as dead, while it is suspected.
    pub suspect_until: Option<Instant>,
}

#[derive(Debug, Default)]
struct Record {
    findings: VecDeque<Finding>,
    round_trips: VecDeque<Duration>,
}

impl Record {
    fn last(&self) -> Instant {
        self.findings.back().map(|finding| finding.at).unwrap_or_default()
    }
}

/// The records of all who were ever accused.
#[derive(Debug, Default)]
pub(crate) struct Records(BTreeMap<Arc<str>, Record>);

impl Records {
    fn add(&mut self, name: &Arc<str>, finding: Finding) {
        if !self.0.contains_key(name) && self.0.len() >= NAMES_MAX {
            let oldest = self.0.iter().min_by_key(|(_, record)| record.last()).map(|(name, _)| name.clone());
            if let Some(oldest) = oldest {
                self.0.remove(&oldest);
            }
        }
        let findings = &mut self.0.entry(name.clone()).or_default().findings;
        let same = |known: &Finding| {
            (known.verdict, &known.by, known.incarnation)
                == (finding.verdict, &finding.by, finding.incarnation)
        };
        // Gossip brings everything many times.
        if findings.iter().any(same) {
            return;
        }
        if findings.len() >= FINDINGS_MAX {
            findings.pop_front();
        }
        findings.push_back(finding);
    }

    /// A direct ping of an accused member was answered.
    pub(crate) fn round_trip(&mut self, name: &str, time: Duration) {
        let Some(record) = self.0.get_mut(name) else { return };
        if record.round_trips.len() >= ROUND_TRIPS_MAX {
            record.round_trips.pop_front();
        }
        record.round_trips.push_back(time);
    }
}

impl Swim {
    /// What was heard for and against a name; `None` if it is neither known nor was accused.
    pub fn why(&self, name: &str) -> Option<Why> {
        let slot = self.nodes.find(name);
        let node = slot.and_then(|slot| self.nodes.at(slot));
        let suspect_until = slot.and_then(|slot| self.suspicions.get(&slot)).map(Suspicion::deadline);
        let Some(record) = self.records.0.get(name) else {
            let round_trips = node?.round_trip().into_iter().collect();
            return Some(Why { findings: Vec::new(), round_trips, suspect_until });
        };
        let findings = record.findings.iter().cloned().map(|finding| self.with_teller(finding)).collect();
        let round_trips = record.round_trips.iter().copied().collect();
        Some(Why { findings, round_trips, suspect_until })
    }

    /// Names the member behind an address. Only asked for now: finding it takes a walk through all of them.
    fn with_teller(&self, mut finding: Finding) -> Finding {
        if let Way::Gossip { from: at, teller } | Way::Exchange { with: at, teller } = &mut finding.way {
            let node = self.nodes.iter().find(|node| node.socket_addr() == *at);
            *teller = node.map(|node| (*node.name).into());
        }
        finding
    }

    /// Keeps what speaks against a member, if it is about the life we know and not settled yet.
    pub(crate) fn record_accusation(
        &mut self,
        name: &str,
        verdict: Verdict,
        by: &str,
        incarnation: u32,
        way: Way,
    ) {
        let Some(node) = self.nodes.get(name) else { return };
        if incarnation < node.incarnation || !node.is_present() {
            return;
        }
        let (name, round_trip) = (node.name.clone(), node.round_trip());
        let is_new = !self.records.0.contains_key(&name);
        self.record(&name, verdict, by, incarnation, way);
        if let Some(time) = round_trip.filter(|_| is_new) {
            self.records.round_trip(&name, time);
        }
    }

    /// Keeps that an accused member lives.
    pub(crate) fn record_refutation(&mut self, name: &Arc<str>, incarnation: u32) {
        if self.records.0.contains_key(name) {
            self.record(name, Verdict::Refuted, name, incarnation, Way::OwnWord);
        }
    }

    fn record(&mut self, name: &Arc<str>, verdict: Verdict, by: &str, incarnation: u32, way: Way) {
        let health_score = self.awareness.score();
        let finding = Finding { at: self.now, verdict, by: by.into(), incarnation, way, health_score };
        self.records.add(name, finding);
    }

    /// The direct ping of `name` took this long.
    pub(crate) fn record_round_trip(&mut self, name: &str, time: Duration) {
        if let Some(node) = self.nodes.find(name).and_then(|slot| self.nodes.at_mut(slot)) {
            node.set_round_trip(time);
        }
        self.records.round_trip(name, time);
    }
}

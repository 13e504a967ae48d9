//! The picture: drawn anew from the members on every change, published to whoever follows.

use crate::complaints::Complaints;
use crate::roster::{Inbox, Roster};
use flaps::Flaps;
use muster_fleet::{DrawOptions, Gossip, Member, Phase, Picture, Status, Terms, draw};
use muster_serf as serf;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::Instant;

mod flaps;

/// How long a fresh agent may say that it does not yet know the whole. Then sinks may believe absences, or an agent whose
/// peers are gone for ever would keep the dead in their pools.
const WARMING_MAX: Duration = Duration::from_secs(10);
/// Numbers up to here survive JSON readers that use floating point (RFC 8259, 6).
const JSON_SAFE_MAX: u64 = 1 << 53;

/// Draws and publishes.
#[derive(Debug)]
pub(crate) struct Fleet {
    options: DrawOptions,
    pictures: watch::Sender<Arc<Picture>>,
    complaints: Complaints,
    flaps: Flaps,
    started: Instant,
}

impl Fleet {
    /// An empty picture. It warms even without seeds: the agent may be the seed itself, restarted, whose proxy still
    /// holds every backend. A proxy that holds none loses nothing by it.
    pub(crate) fn new(options: DrawOptions, gossip: Gossip) -> Self {
        let epoch = fastrand::u64(1..JSON_SAFE_MAX);
        let empty = Picture {
            epoch,
            version: 1,
            phase: Phase::Warming,
            services: BTreeMap::new(),
            terms: Terms { gossip, rules: options.rules.clone() },
            refusals: Vec::new(),
        };
        Self {
            options,
            pictures: watch::Sender::new(Arc::new(empty)),
            complaints: Complaints::default(),
            flaps: Flaps::default(),
            started: Instant::now(),
        }
    }

    /// Follows the pictures.
    pub(crate) fn pictures(&self) -> watch::Receiver<Arc<Picture>> {
        self.pictures.subscribe()
    }

    /// Redraws on every change of the roster and when a damping ends; live from the first exchange that `synced` tells of, or after 10 s. Never
    /// returns.
    pub(crate) async fn keep(
        mut self,
        roster: Arc<Roster>,
        inbox: Arc<Inbox>,
        mut synced: watch::Receiver<bool>,
    ) {
        let warm_at = self.started + WARMING_MAX;
        let mut warming = true;
        loop {
            let mut members = roster.look(|members| members.values().map(member).collect::<Vec<_>>());
            let quiet_at =
                self.flaps.damp(&mut members, self.started.elapsed()).map(|due| self.started + due);
            let phase = if warming { Phase::Warming } else { Phase::Live };
            self.redraw(&members, phase);
            tokio::select! {
                () = inbox.news() => {}
                _ = synced.wait_for(|synced| *synced), if warming => warming = false,
                () = tokio::time::sleep_until(warm_at), if warming => warming = false,
                () = tokio::time::sleep_until(quiet_at.unwrap_or(warm_at)), if quiet_at.is_some() => {}
            }
        }
    }

    /// Publishes a new version when anything differs.
    fn redraw(&mut self, members: &[Member], phase: Phase) {
        let (services, refusals) = draw(members.iter(), &self.options);
        for refusal in &refusals {
            if let Some(line) = self.complaints.tell(&refusal.to_string(), self.started.elapsed()) {
                tracing::warn!("a member's claim is not believed: {line}");
            }
        }
        self.pictures.send_if_modified(|picture| {
            let differs =
                picture.services != services || picture.phase != phase || picture.refusals != refusals;
            if differs {
                let terms = picture.terms.clone();
                *picture = Arc::new(Picture {
                    epoch: picture.epoch,
                    version: picture.version + 1,
                    phase,
                    services,
                    terms,
                    refusals,
                });
            }
            differs
        });
    }
}

/// A member as the fleet knows it.
pub(crate) fn member(member: &serf::Member) -> Member {
    Member {
        name: String::from(&*member.name),
        addr: member.addr.ip(),
        port: member.port,
        status: match member.status {
            serf::Status::Alive => Status::Alive,
            serf::Status::Leaving => Status::Leaving,
            serf::Status::Left => Status::Left,
            serf::Status::Failed => Status::Failed,
        },
        tags: member.tags(),
    }
}

#[cfg(test)]
mod tests;

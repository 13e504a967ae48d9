//! What the agent sees, told to the history: it listens where members, pictures, reports and templates are told anyway.
//!
//! It is a task of the control thread that nobody waits for. What it cannot take in time is counted by the hub, and said.

mod differences;

use crate::gossip::{Handle, Known};
use crate::hub::{Bounds, Hub, Listener, Mail};
use crate::reports::Reports;
use crate::templates::Board;
use differences::{Backends, Groups, Verdicts};
use muster_control::history::Fact;
use muster_events::Notice;
use muster_fleet::Picture;
use muster_history::Keeper;
use muster_serf::MemberEvent;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval};

/// What may wait until the control thread gets to it.
const WAITING: Bounds = Bounds { notices: 4096, bytes: 2 << 20 };
/// Templates tell nobody when they are made: they are looked at so often, where there are any.
const LOOKED_AT_EACH: Duration = Duration::from_secs(1);

/// What it listens to.
#[derive(Debug)]
pub(crate) struct Chronicle {
    pub(crate) keeper: Keeper,
    pub(crate) node: String,
    /// Since before gossip began, so that our own join is among it; `None` when too many listen.
    pub(crate) members: Option<Listener>,
    pub(crate) gossip: Handle,
    pub(crate) pictures: watch::Receiver<Arc<Picture>>,
    pub(crate) reports: Arc<Reports>,
    pub(crate) templates: Board,
}

/// Listens from now on.
pub(crate) fn listen(hub: &Hub) -> Option<Listener> {
    hub.listen(WAITING).inspect_err(|why| tracing::error!("the history has no members: {why}")).ok()
}

/// A fact of this node about itself.
pub(crate) fn own(node: &str, kind: &str, what: &str, why: impl Into<String>) -> Fact {
    Fact {
        kind: kind.to_owned(),
        node: node.to_owned(),
        what: what.to_owned(),
        observer: node.to_owned(),
        why: why.into(),
        ..Fact::default()
    }
}

impl Chronicle {
    /// Never returns.
    pub(crate) async fn keep(mut self) {
        let (mut backends, mut verdicts, mut groups) =
            (Backends::default(), Verdicts::default(), Groups::default());
        let mut told = self.reports.told();
        let mut looks = interval(LOOKED_AT_EACH);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let has_groups = !self.templates.is_empty();
            let mail = async {
                match &self.members {
                    Some(members) => members.next().await,
                    None => std::future::pending().await,
                }
            };
            let facts = tokio::select! {
                mail = mail => self.of_mail(mail).await,
                Ok(()) = self.pictures.changed() => {
                    let picture = Arc::clone(&self.pictures.borrow_and_update());
                    backends.news(&picture, &self.node)
                }
                Ok(()) = told.changed() => verdicts.news(&self.reports.all(), &self.node),
                _ = looks.tick(), if has_groups => groups.news(&self.templates.rows(), &self.node),
            };
            facts.into_iter().for_each(|fact| self.keeper.record(fact));
        }
    }

    async fn of_mail(&self, mail: Mail) -> Vec<Fact> {
        let notice = match mail {
            Mail::Notice(notice) => notice,
            Mail::Missed(count) => {
                let why = format!("{count} events came faster than they could be taken in");
                return vec![own(&self.node, "history", "dropped", why)];
            }
        };
        let Notice::Members { event, members } = &*notice else { return Vec::new() };
        let mut facts = Vec::new();
        for member in members {
            let why = match event {
                MemberEvent::Join => "it joined, or answers again".to_owned(),
                MemberEvent::Leave => "it said so, or was forced to".to_owned(),
                MemberEvent::Failed => self.evidence(&member.name).await,
                MemberEvent::Update => format!("its tags are {:?}", member.tags()),
                MemberEvent::Reap => "it was away for too long to be remembered".to_owned(),
            };
            let what = match event {
                MemberEvent::Reap => "reaped",
                _ => member.status.as_str(),
            };
            facts.push(Fact {
                kind: "member".to_owned(),
                node: member.name.to_string(),
                what: what.to_owned(),
                addr: format!("{}", std::net::SocketAddr::new(member.addr.ip(), member.port)),
                observer: self.node.clone(),
                why,
                ..Fact::default()
            });
        }
        facts
    }

    /// What the core found against it last.
    async fn evidence(&self, name: &str) -> String {
        let Ok(Known { why: Some(why), .. }) = self.gossip.why(name.to_owned()).await else {
            return String::new();
        };
        let from = why.findings.len().saturating_sub(2);
        let words = why.findings.iter().skip(from).map(differences::words);
        words.collect::<Vec<_>>().join("; ")
    }
}

#[cfg(test)]
mod tests;

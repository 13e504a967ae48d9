//! Where newcomers wait: each has its turn to be connected to from here, and after a while HAProxy is to say whether it reaches them.

use crate::guests::obey;
use crate::socket::Socket;
use muster_haproxy::{Change, New, ServerName, loads};
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::ops::Bound;
use std::time::Duration;
use tokio::time::Instant;

/// Newcomers that are connected to at a time.
const CONNECTS_MAX: usize = 128;
/// Where newcomers wait. Another life of the driver begins with an empty one.
#[derive(Debug)]
pub(crate) struct Door {
    checked_after: Duration,
    /// Who was connected to last, so that each has its turn.
    last: Option<ServerName>,
    waiting: BTreeMap<ServerName, Wait>,
}

#[derive(Debug)]
struct Wait {
    since: Instant,
    /// Why it was not reached from here.
    why: Option<String>,
    /// HAProxy checks it.
    is_examined: bool,
    is_told: bool,
}

impl Door {
    pub(crate) fn new(checked_after: Duration) -> Self {
        Self { checked_after, last: None, waiting: BTreeMap::new() }
    }

    /// Those who have waited for long, and why: at most `count`.
    pub(crate) fn told(&self, entering: &BTreeMap<ServerName, New>, count: usize) -> Vec<String> {
        let long = self.waiting.iter().filter(|(_, wait)| wait.since.elapsed() >= self.checked_after);
        long.filter_map(|(name, wait)| Some(wait.words(name, entering.get(name)?))).take(count).collect()
    }

    /// Takes note of who is there.
    pub(crate) fn look(&mut self, entering: &BTreeMap<ServerName, New>) {
        self.waiting.retain(|name, _| entering.contains_key(name));
        for name in entering.keys() {
            let wait = || Wait { since: Instant::now(), why: None, is_examined: false, is_told: false };
            self.waiting.entry(name.clone()).or_insert_with(wait);
        }
    }

    /// Those whose turn it is.
    pub(crate) fn next(&mut self, entering: &BTreeMap<ServerName, New>) -> Vec<(ServerName, New)> {
        let behind = self.last.as_ref().map_or(Bound::Unbounded, Bound::Excluded);
        let turn: Vec<(ServerName, New)> = entering
            .range::<ServerName, _>((behind, Bound::Unbounded))
            .chain(entering.iter())
            .take(CONNECTS_MAX.min(entering.len()))
            .map(|(name, new)| (name.clone(), new.clone()))
            .collect();
        self.last = turn.last().map(|(name, _)| name.clone());
        turn
    }

    pub(crate) fn waits(&mut self, name: &ServerName, why: String) {
        if let Some(wait) = self.waiting.get_mut(name) {
            wait.why = Some(why);
        }
    }

    /// Those who are checked by HAProxy, and of whom the check has said something. If it said that they are down, HAProxy knows.
    pub(crate) async fn judged(&self, socket: &Socket) -> io::Result<BTreeSet<ServerName>> {
        let is_examined = |name: &ServerName| self.waiting.get(name).is_some_and(|wait| wait.is_examined);
        if !self.waiting.keys().any(is_examined) {
            return Ok(BTreeSet::new());
        }
        let loads = loads(&socket.ask("show stat").await?);
        let judged = loads.into_iter().filter(|load| load.is_judged() && is_examined(&load.name));
        Ok(judged.map(|load| load.name).collect())
    }

    /// Has HAProxy check it, if it has waited for long; what that has against it, if anything.
    pub(crate) async fn examine(
        &mut self,
        socket: &Socket,
        name: &ServerName,
        new: &New,
    ) -> io::Result<Option<String>> {
        let Some(wait) = self.waiting.get_mut(name) else { return Ok(None) };
        if wait.is_told || wait.since.elapsed() < self.checked_after {
            return Ok(None);
        }
        let refused = if new.is_checked() { obey(socket, Change::examine(name)).await? } else { None };
        wait.is_examined = new.is_checked() && refused.is_none();
        wait.is_told = true;
        tracing::warn!("HAProxy: {}", wait.words(name, new));
        Ok(refused)
    }
}

impl Wait {
    fn words(&self, name: &ServerName, new: &New) -> String {
        let why = self.why.as_deref().unwrap_or("not connected to yet");
        if new.is_checked() {
            return format!("{name} is not reached from here ({why}), so its check is to say whether it is");
        }
        format!(
            "{name} gets nothing: it is not reached from here ({why}), and has no `check` to say whether it is"
        )
    }
}

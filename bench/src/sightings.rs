//! What each agent says of the others, with the time it was heard: one observer, the same for both products.
//!
//! Both log a member event at the moment their membership changes, before any coalescing for handlers (Serf's RPC stream and
//! handlers hear of it a second later, so asking them would be unfair to Serf). Each agent writes into a pipe that this process
//! reads: that costs an agent the one write it does anyway, and nobody is polled.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::unix::pipe::Receiver;
use tokio::sync::watch;

/// What an agent says of a member.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum What {
    Join,
    Leave,
    Failed,
    Update,
}

#[derive(Debug)]
struct Sighting {
    at: Instant,
    by: String,
    what: What,
    of: String,
}

/// All that was heard so far. Clones share it.
#[derive(Clone, Debug)]
pub(crate) struct Sightings {
    heard: Arc<Mutex<Vec<Sighting>>>,
    news: watch::Sender<()>,
}

impl Sightings {
    pub(crate) fn new() -> Self {
        Self { heard: Arc::default(), news: watch::Sender::new(()) }
    }

    /// Listens to the agent `by` until it ends.
    pub(crate) fn follow(&self, by: &str, says: Receiver) {
        let (all, by) = (self.clone(), by.to_owned());
        tokio::spawn(async move {
            let mut lines = BufReader::new(says).lines();
            while let Ok(Some(line)) = lines.next_line().await {
                let at = Instant::now();
                if let Some((what, of)) = parse(&line) {
                    all.lock().push(Sighting { at, by: by.clone(), what, of: of.to_owned() });
                    all.news.send_replace(());
                }
            }
        });
    }

    /// Waits until each pair (`by`, `of`) of `wanted` was heard, or until `limit` after `since`.
    ///
    /// Returns for each pair how long after `since` it was first heard; the limit stands for those that never were.
    pub(crate) async fn all(
        &self,
        what: What,
        wanted: &BTreeSet<(String, String)>,
        since: Instant,
        limit: Duration,
    ) -> Known {
        let mut news = self.news.subscribe();
        loop {
            news.mark_unchanged();
            let known = self.known(what, wanted, since);
            if known.missing == 0 || since.elapsed() >= limit {
                return known;
            }
            let time_left = limit.saturating_sub(since.elapsed());
            // Late or not, the loop looks again.
            let _ = tokio::time::timeout(time_left, news.changed()).await;
        }
    }

    fn known(&self, what: What, wanted: &BTreeSet<(String, String)>, since: Instant) -> Known {
        let mut open = wanted.clone();
        let mut after = Vec::new();
        for sighting in self.lock().iter().filter(|one| one.what == what && one.at >= since) {
            if open.remove(&(sighting.by.clone(), sighting.of.clone())) {
                after.push((sighting.by.clone(), sighting.at - since));
            }
        }
        Known { after, missing: open.len() }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Sighting>> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Who heard it, and when.
#[derive(Debug)]
pub(crate) struct Known {
    /// In the order of hearing.
    pub(crate) after: Vec<(String, Duration)>,
    /// How many never heard it.
    pub(crate) missing: usize,
}

impl Known {
    /// When the last one knew; `None` when somebody never did.
    pub(crate) fn by_all(&self) -> Option<Duration> {
        (self.missing == 0).then(|| self.after.last().map_or(Duration::ZERO, |(_, after)| *after))
    }

    /// When this one knew.
    pub(crate) fn by(&self, name: &str) -> Option<Duration> {
        self.after.iter().find(|(by, _)| by == name).map(|(_, after)| *after)
    }
}

/// The member event that a line of either product's log tells of.
fn parse(line: &str) -> Option<(What, &str)> {
    if let Some((_, event)) = line.split_once("serf: EventMember") {
        let (word, rest) = event.split_once(": ")?;
        // "Leave (forced)": a leave heard of after the failure.
        let what = match word.split(' ').next()? {
            "Join" => What::Join,
            "Leave" => What::Leave,
            "Failed" => What::Failed,
            "Update" => What::Update,
            _ => return None,
        };
        return Some((what, rest.split(' ').next()?));
    }
    let (_, event) = line.split_once(": member-")?;
    let (word, rest) = event.split_once(" node=\"")?;
    let what = match word {
        "join" => What::Join,
        "leave" => What::Leave,
        "failed" => What::Failed,
        "update" => What::Update,
        _ => return None,
    };
    Some((what, rest.split_once('"')?.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_logs_tell_of_the_same_events() {
        for (line, wanted) in [
            ("    2026/11/22 06:39:19 [INFO] serf: EventMemberJoin: s9 127.88.2.9", (What::Join, "s9")),
            ("    2026/11/22 06:39:19 [INFO] serf: EventMemberLeave: s9 127.88.2.9", (What::Leave, "s9")),
            (
                "    2026/11/22 06:39:19 [INFO] serf: EventMemberLeave (forced): s9 127.0.0.1",
                (What::Leave, "s9"),
            ),
            ("    2026/11/22 06:39:19 [INFO] serf: EventMemberFailed: s9 127.88.2.9", (What::Failed, "s9")),
            ("    2026/11/22 06:39:19 [INFO] serf: EventMemberUpdate: s9", (What::Update, "s9")),
            (
                "2026-11-22T06:39:19.531462Z  INFO muster_agent::gossip: member-failed node=\"m9\" addr=127.88.1.9 status=\"failed\"",
                (What::Failed, "m9"),
            ),
            (
                "2026-11-22T06:39:19.531462Z  INFO muster_agent::gossip: member-update node=\"m9\" addr=127.88.1.9 status=\"alive\"",
                (What::Update, "m9"),
            ),
        ] {
            assert_eq!(parse(line), Some(wanted), "{line}");
        }
    }

    #[test]
    fn other_lines_are_no_events() {
        for line in [
            "    2026/11/22 06:39:19 [INFO] agent: Received event: member-join",
            "2026-11-22T06:39:19.531462Z  INFO muster_agent::gossip: member-intent node=\"m9\" status=\"leaving\"",
            "",
        ] {
            assert_eq!(parse(line), None, "{line}");
        }
    }
}

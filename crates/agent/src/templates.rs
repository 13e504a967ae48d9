//! Files made of templates, whenever the fleet changes: groups that are checked, put in place and acted upon together.
//!
//! | idea | file |
//! |---|---|
//! | what a group is, as configured | [`config`] |
//! | when its files are made, and what follows | `muster_render::Group`, pure |
//! | doing what that says | [`worker`] |
//! | rendering, and what differs | [`make`] |
//! | all files in their places or none, and back | [`swap`] |
//! | one file per backend | [`folder`] |
//! | HAProxy as the reader of a file | [`haproxy`] |
//! | what is told of it | [`standing`] |
//!
//! Each group has a task of its own on the control thread; templates and disks are worked on threads beside it. Gossip waits
//! for none of them.

mod config;
mod folder;
mod haproxy;
mod make;
mod standing;
mod swap;
mod worker;

pub use config::{Action, FileConfig, FolderConfig, TemplatesConfig};
pub use make::rehearse;

use crate::reports::Reports;
use crate::roster::Roster;
use muster_control::templates::TemplateRow;
use muster_fleet::Picture;
use standing::Standing;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;
use worker::Worker;

/// A program that is ended has a second to do so.
const STOP_WITHIN: Duration = Duration::from_millis(2500);

/// What groups look at.
#[derive(Clone, Debug)]
pub(crate) struct Sources {
    pub(crate) node: String,
    pub(crate) roster: Arc<Roster>,
    pub(crate) pictures: watch::Receiver<Arc<Picture>>,
    pub(crate) reports: Arc<Reports>,
    /// Variables of the environment that hold secrets: neither templates nor programs get them.
    pub(crate) withheld: Vec<String>,
}

/// The groups of this node.
#[derive(Debug)]
pub(crate) struct Templates {
    standings: Vec<Arc<Standing>>,
    workers: JoinSet<()>,
    stop: watch::Sender<bool>,
}

impl Templates {
    /// Begins to keep all of them.
    pub(crate) fn start(configs: &[TemplatesConfig], sources: &Sources) -> Self {
        let stop = watch::Sender::new(false);
        let mut workers = JoinSet::new();
        let environment = Arc::new(environment(&sources.withheld));
        let mut standings = Vec::new();
        for config in configs {
            let standing = Arc::new(Standing::new(config));
            standings.push(Arc::clone(&standing));
            let worker = Worker::new(
                config.clone(),
                sources.clone(),
                Arc::clone(&environment),
                standing,
                stop.subscribe(),
            );
            workers.spawn(worker.keep());
        }
        Self { standings, workers, stop }
    }

    /// Who can tell how each is doing.
    pub(crate) fn board(&self) -> Board {
        Board(self.standings.clone().into())
    }

    /// Ends them: what a group is about to do it does not begin, and a program that runs is ended. What takes longer, a disk or a
    /// HAProxy that does not answer, is left where it is: the next life finds it unfinished.
    pub(crate) async fn stop(mut self) {
        self.stop.send_replace(true);
        let all = async { while self.workers.join_next().await.is_some() {} };
        if timeout(STOP_WITHIN, all).await.is_err() {
            tracing::warn!("templates are still at work; their next start goes on from there");
        }
    }
}

/// How the groups are doing. Clones are the same.
#[derive(Clone, Debug, Default)]
pub(crate) struct Board(Arc<[Arc<Standing>]>);

impl Board {
    /// A row for each, in the order of the configuration.
    pub(crate) fn rows(&self) -> Vec<TemplateRow> {
        self.0.iter().map(|standing| standing.row()).collect()
    }
}

/// `word` with each path replaced where it stands whole: not within a longer one.
fn substitute(word: &str, paths: &[(&Path, &Path)]) -> String {
    let continues = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-' | b'/');
    let mut made = String::new();
    let mut rest = word;
    while let Some(letter) = rest.chars().next() {
        let begins_here = made.as_bytes().last().is_none_or(|last| !continues(last));
        let found = paths.iter().filter(|_| begins_here).find_map(|(old, new)| {
            let behind = rest.strip_prefix(old.to_str()?)?;
            behind.as_bytes().first().is_none_or(|next| !continues(next)).then_some((new.to_str()?, behind))
        });
        if let Some((new, behind)) = found {
            made.push_str(new);
            rest = behind;
        } else {
            made.push(letter);
            rest = &rest[letter.len_utf8()..];
        }
    }
    made
}

/// The environment as templates see it: without Muster's own settings, among which are keys of the cluster, and without those that are
/// withheld.
pub fn environment(withheld: &[String]) -> BTreeMap<String, String> {
    let texts = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    texts.filter(|(name, _)| !name.starts_with("MUSTER_") && !withheld.contains(name)).collect()
}

#[cfg(test)]
mod tests;

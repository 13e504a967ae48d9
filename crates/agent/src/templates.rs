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
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
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
    sources: Sources,
    environment: Arc<BTreeMap<String, String>>,
    board: Board,
    groups: Vec<Running>,
    /// Those that were told to end, and may not have yet.
    ending: Vec<watch::Receiver<()>>,
    workers: JoinSet<()>,
}

/// One group, and what ends it.
#[derive(Debug)]
struct Running {
    config: TemplatesConfig,
    standing: Arc<Standing>,
    stop: watch::Sender<bool>,
    /// Closed when it has ended.
    ended: watch::Receiver<()>,
}

impl Templates {
    /// Begins to keep all of them.
    pub(crate) fn start(configs: &[TemplatesConfig], sources: Sources) -> Self {
        let environment = Arc::new(environment(&sources.withheld));
        let (board, workers) = (Board::default(), JoinSet::new());
        let mut templates =
            Self { sources, environment, board, groups: Vec::new(), ending: Vec::new(), workers };
        templates.configure(configs);
        templates
    }

    /// Keeps these from now on. A group that is as it was goes on undisturbed. One that is another or gone ends, and its files stay
    /// as they are; what is new begins behind that, since it may make the same files.
    pub(crate) fn configure(&mut self, configs: &[TemplatesConfig]) {
        while self.workers.try_join_next().is_some() {}
        let (kept, gone): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.groups).into_iter().partition(|group| configs.contains(&group.config));
        for group in &gone {
            group.stop.send_replace(true);
            if !configs.iter().any(|config| config.name == group.config.name) {
                tracing::info!(templates = group.config.name, "no longer kept; its files stay as they are");
                self.sources.reports.forget(&sink(&group.config.name));
            }
        }
        self.ending.extend(gone.into_iter().map(|group| group.ended));
        self.ending.retain(|group| group.has_changed().is_ok());
        let mut kept: BTreeMap<String, Running> =
            kept.into_iter().map(|group| (group.config.name.clone(), group)).collect();
        for config in configs {
            let group = kept.remove(&config.name).unwrap_or_else(|| self.begin(config));
            self.groups.push(group);
        }
        self.board.show(self.groups.iter().map(|group| Arc::clone(&group.standing)).collect());
    }

    /// Keeps it as soon as those have ended that are to.
    fn begin(&mut self, config: &TemplatesConfig) -> Running {
        let standing = Arc::new(Standing::new(config));
        let stop = watch::Sender::new(false);
        let (ends, ended) = watch::channel(());
        let (config, sources) = (config.clone(), self.sources.clone());
        let before = self.ending.clone();
        let (environment, stopped) = (Arc::clone(&self.environment), stop.subscribe());
        let worker = {
            let (config, standing) = (config.clone(), Arc::clone(&standing));
            async move {
                for mut group in before {
                    // Nothing is ever sent: it fails when the other has ended.
                    let _ = group.changed().await;
                }
                if !*stopped.borrow() {
                    Worker::new(config, sources, environment, standing, stopped).keep().await;
                }
                drop(ends);
            }
        };
        self.workers.spawn(worker);
        Running { config, standing, stop, ended }
    }

    /// Who can tell how each is doing.
    pub(crate) fn board(&self) -> Board {
        self.board.clone()
    }

    /// Ends them: what a group is about to do it does not begin, and a program that runs is ended. What takes longer, a disk or a
    /// HAProxy that does not answer, is left where it is: the next life finds it unfinished.
    pub(crate) async fn stop(mut self) {
        for group in &self.groups {
            group.stop.send_replace(true);
        }
        let all = async { while self.workers.join_next().await.is_some() {} };
        if timeout(STOP_WITHIN, all).await.is_err() {
            tracing::warn!("templates are still at work; their next start goes on from there");
        }
    }
}

/// What the reports of a group are called.
fn sink(group: &str) -> String {
    format!("templates.{group}")
}

/// How the groups are doing. Clones are the same.
#[derive(Clone, Debug, Default)]
pub(crate) struct Board(Arc<Mutex<Vec<Arc<Standing>>>>);

impl Board {
    /// A row for each, in the order of the configuration.
    pub(crate) fn rows(&self) -> Vec<TemplateRow> {
        self.lock().iter().map(|standing| standing.row()).collect()
    }

    /// Whether there is none.
    pub(crate) fn is_empty(&self) -> bool {
        self.lock().is_empty()
    }

    fn show(&self, standings: Vec<Arc<Standing>>) {
        *self.lock() = standings;
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Arc<Standing>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
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

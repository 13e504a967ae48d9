//! How a group is doing, for those who ask.

use super::config::{Action, TemplatesConfig};
use muster_control::templates::TemplateRow;
use muster_fleet::Refusal;
use muster_render::{Counts, Group};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Refusals that are shown.
const REFUSALS_MAX: usize = 100;

/// One group's.
#[derive(Debug)]
pub(crate) struct Standing {
    name: String,
    files: Vec<String>,
    folder: Option<String>,
    on_change: String,
    last: Mutex<Last>,
}

#[derive(Clone, Debug, Default)]
struct Last {
    counts: Counts,
    is_failing: bool,
    changed_at: Option<Instant>,
    took: Option<Duration>,
    why: Option<String>,
    told: Option<String>,
    reloads: u64,
    without_reload: u64,
    refusals: Vec<String>,
    waiting: Vec<String>,
}

impl Standing {
    pub(super) fn new(config: &TemplatesConfig) -> Self {
        Self {
            name: config.name.clone(),
            files: config.files.iter().map(|file| file.target.display().to_string()).collect(),
            folder: config.folder.as_ref().map(|folder| folder.path.display().to_string()),
            on_change: match &config.action {
                Action::None => "none".to_owned(),
                Action::Run(words) => format!("run {}", words.join(" ")),
                Action::Haproxy(haproxy) if haproxy.is_shadow => "haproxy, in shadow".to_owned(),
                Action::Haproxy(haproxy) => format!("haproxy at {}", haproxy.socket.display()),
            },
            last: Mutex::default(),
        }
    }

    /// The files were made; who could not be written. Says so when those are others.
    pub(super) fn made(&self, took: Duration, refusals: &[Refusal]) {
        let texts: Vec<String> = refusals.iter().take(REFUSALS_MAX).map(ToString::to_string).collect();
        let mut last = self.lock();
        for text in texts.iter().filter(|text| !last.refusals.contains(text)) {
            tracing::warn!(templates = self.name, "left out: {text}");
        }
        last.refusals = texts;
        last.took = Some(took);
    }

    /// A step failed.
    pub(super) fn failed(&self, why: String) {
        let mut last = self.lock();
        // The same again is no news.
        if last.why.as_ref() == Some(&why) {
            tracing::debug!(templates = self.name, "{why}");
        } else {
            tracing::error!(templates = self.name, "{why}");
        }
        last.why = Some(why);
    }

    /// What HAProxy was told, and how often so far.
    pub(super) fn told(&self, words: String, (reloads, without_reload): (u64, u64)) {
        let mut last = self.lock();
        if last.told.as_ref() != Some(&words) {
            tracing::info!(templates = self.name, "HAProxy: {words}");
        }
        last.told = Some(words);
        (last.reloads, last.without_reload) = (reloads, without_reload);
    }

    /// Who has waited for long to be let in by HAProxy, and why.
    pub(super) fn waiting(&self, waiting: Vec<String>) {
        self.lock().waiting = waiting;
    }

    /// Takes over what the group says of itself.
    pub(super) fn follow(&self, group: &Group) {
        let mut last = self.lock();
        if group.counts().changed > last.counts.changed {
            last.changed_at = Some(Instant::now());
        }
        last.counts = group.counts();
        if last.is_failing && !group.is_failing() {
            tracing::info!(templates = self.name, "well again");
        }
        last.is_failing = group.is_failing();
        if !last.is_failing {
            last.why = None;
        }
    }

    /// What is told.
    pub(super) fn row(&self) -> TemplateRow {
        let last = self.lock().clone();
        let millis = |span: Duration| u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
        let state = match last.counts.made {
            _ if last.is_failing => "failing",
            0 => "waiting",
            _ => "right",
        };
        TemplateRow {
            name: self.name.clone(),
            files: self.files.clone(),
            folder: self.folder.clone(),
            on_change: self.on_change.clone(),
            state: state.to_owned(),
            made: last.counts.made,
            changed: last.counts.changed,
            failed: last.counts.failed,
            restored: last.counts.restored,
            changed_ago_ms: last.changed_at.map(|at| millis(at.elapsed())),
            took_ms: last.took.map(millis),
            told: last.told,
            reloads: last.reloads,
            without_reload: last.without_reload,
            why: last.why,
            refusals: last.refusals,
            waiting: last.waiting,
        }
    }

    /// A panic while plain fields are held leaves them as whole as they were.
    fn lock(&self) -> std::sync::MutexGuard<'_, Last> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

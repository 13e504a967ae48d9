//! Does what a group says, one step after the other.

use super::Sources;
use super::config::{Action, TemplatesConfig};
use super::haproxy::Haproxy;
use super::make::{self, Facts, Fresh};
use super::standing::Standing;
use super::swap;
use crate::plain::Plain;
use crate::process::outcome::Outcome;
use crate::process::{self, stopped};
use muster_fleet::{Phase, Picture, Report};
use muster_haproxy_driver::CONFIG_BYTES_MAX;
use muster_render::{Group, Input, Made, Step};
use muster_whole_file::read;
use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::process::Command;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

/// How often it is looked whether somebody changed a template. (Mounts that are swapped, as Kubernetes does it, tell nobody.)
const LOOK_AT_TEMPLATES: Duration = Duration::from_secs(2);
/// How often it is told which picture is in force, as every sink does.
const REPORT_EVERY: Duration = Duration::from_secs(1);

/// What tells one version of a file from another.
type Stamp = Option<(u64, u64, SystemTime)>;

/// Keeps one group.
#[derive(Debug)]
pub(super) struct Worker {
    config: Arc<TemplatesConfig>,
    sources: Sources,
    environment: Arc<BTreeMap<String, String>>,
    standing: Arc<Standing>,
    stop: watch::Receiver<bool>,
    started: Instant,
    group: Group,
    /// Between making and putting.
    fresh: Fresh,
    /// The picture that the files are made of, and the last one that is in force.
    made_of: Option<Arc<Picture>>,
    in_force: Option<Arc<Picture>>,
    /// Files and folder that were not there before this life.
    own: BTreeSet<PathBuf>,
    /// With [`Action::Haproxy`].
    haproxy: Option<Haproxy>,
}

impl Worker {
    pub(super) fn new(
        config: TemplatesConfig,
        sources: Sources,
        environment: Arc<BTreeMap<String, String>>,
        standing: Arc<Standing>,
        stop: watch::Receiver<bool>,
    ) -> Self {
        let has_action = config.action != Action::None && !config.is_shadow();
        let is_unfinished = config.files.iter().any(|file| swap::is_unfinished(&file.target));
        let folder = config.folder.iter().map(|folder| &folder.path);
        let all = config.files.iter().map(|file| &file.target).chain(folder);
        let own = all.filter(|target| !target.exists()).cloned().collect();
        let haproxy = match &config.action {
            Action::Haproxy(haproxy) => Some(Haproxy::new(haproxy.clone())),
            Action::None | Action::Run(_) => None,
        };
        // What HAProxy runs, only asking it tells.
        let owes_action = is_unfinished || haproxy.is_some();
        let group = Group::new(config.pace, config.check.is_some(), has_action, owes_action);
        Self {
            config: Arc::new(config),
            sources,
            environment,
            standing,
            stop,
            started: Instant::now(),
            group,
            fresh: Fresh::default(),
            made_of: None,
            in_force: None,
            own,
            haproxy,
        }
    }

    /// Returns when told to stop.
    pub(super) async fn keep(mut self) {
        let mut pictures = self.sources.pictures.clone();
        let mut revisions = self.sources.roster.revisions();
        let mut stop = self.stop.clone();
        let mut stamps = self.stamps();
        let mut look_at = Instant::now() + LOOK_AT_TEMPLATES;
        let mut report_at = Instant::now();
        let mut tend_at = Instant::now();
        self.look();
        let is_live = |picture: &Picture| picture.phase == Phase::Live;
        self.handle(Input::Changed { is_live: is_live(&pictures.borrow_and_update()) });
        loop {
            while let Some(step) = self.group.next_step(self.started.elapsed()) {
                if *stop.borrow() {
                    return;
                }
                if let Some(input) = self.take(step).await {
                    self.handle(input);
                }
                if matches!(step, Step::Act | Step::Restore | Step::Keep) {
                    // What was just done is told at once, and gone on with.
                    report_at = Instant::now();
                    tend_at = report_at;
                }
            }
            if let Some(haproxy) = self.haproxy.as_mut().filter(|_| tend_at <= Instant::now()) {
                let (next, has_strayed) = haproxy.tend().await;
                self.standing.waiting(haproxy.waiting());
                tend_at = Instant::now() + next;
                if has_strayed && !self.config.is_shadow() {
                    self.handle(Input::Forgotten);
                }
            }
            if report_at <= Instant::now() {
                self.report().await;
                report_at = Instant::now() + REPORT_EVERY;
            }
            let due = self.group.next_timeout().map(|at| self.started + at);
            let reports = self.reports();
            tokio::select! {
                Ok(()) = pictures.changed() => {
                    let is_live = is_live(&pictures.borrow_and_update());
                    self.handle(Input::Changed { is_live });
                }
                Ok(()) = revisions.changed() => {
                    let is_live = is_live(&pictures.borrow());
                    self.handle(Input::Changed { is_live });
                }
                () = sleep_until(due.unwrap_or(look_at).min(look_at)) => {}
                () = sleep_until(report_at), if reports => {}
                () = sleep_until(tend_at), if self.haproxy.is_some() => {}
                () = stopped(&mut stop) => return,
            }
            if look_at <= Instant::now() {
                look_at = Instant::now() + LOOK_AT_TEMPLATES;
                let now = self.stamps();
                if std::mem::replace(&mut stamps, now) != stamps {
                    tracing::info!(templates = self.config.name, "a template was changed");
                    self.handle(Input::Edited);
                }
            }
        }
    }

    fn handle(&mut self, input: Input) {
        self.group.handle(self.started.elapsed(), input);
        self.standing.follow(&self.group);
    }

    /// Does it, and says what became of it.
    async fn take(&mut self, step: Step) -> Option<Input> {
        match step {
            Step::Make { only_missing } => Some(Input::Made(self.make(only_missing).await)),
            Step::Check => Some(Input::Checked(self.check().await)),
            Step::Put => Some(Input::Put(self.put().await)),
            Step::Act => Some(Input::Acted(self.act().await)),
            Step::Restore => Some(Input::Restored(self.restore().await)),
            Step::Keep => {
                self.on_disk(|config| {
                    swap::forget(targets(config));
                    Ok(())
                })
                .await;
                self.in_force.clone_from(&self.made_of);
                None
            }
        }
    }

    async fn make(&mut self, only_missing: bool) -> Made {
        let picture = Arc::clone(&self.sources.pictures.borrow());
        let facts = Facts {
            node: self.sources.node.clone(),
            members: self.sources.roster.all(),
            picture: Arc::clone(&picture),
            environment: Arc::clone(&self.environment),
            own: self.own.clone(),
        };
        let started = Instant::now();
        if self.config.is_shadow() {
            let previewed = self.on_disk(move |config| make::preview(config, facts)).await;
            let Some((text, refusals)) = previewed else { return Made::Failed };
            self.standing.made(started.elapsed(), &refusals);
            return if self.steer(&text).await { Made::Same } else { Made::Failed };
        }
        // Those that lie there from a failed attempt are made anew.
        self.fresh = Fresh::default();
        let made = self.on_disk(move |config| make::make(config, facts, only_missing)).await;
        let Some(fresh) = made else { return Made::Failed };
        self.standing.made(started.elapsed(), &fresh.refusals);
        // What an earlier life made says nothing of this picture.
        let says_all = !only_missing || self.targets().all(|target| self.own.contains(target));
        self.made_of = Some(picture).filter(|_| says_all);
        if fresh.is_same() {
            // Else it is when the action is done, which may fail.
            if !self.group.owes_action() {
                self.in_force.clone_from(&self.made_of);
            }
            return Made::Same;
        }
        self.fresh = fresh;
        Made::Differs
    }

    /// Files and folder.
    fn targets(&self) -> impl Iterator<Item = &PathBuf> {
        let folder = self.config.folder.iter().map(|folder| &folder.path);
        self.config.files.iter().map(|file| &file.target).chain(folder)
    }

    async fn check(&mut self) -> bool {
        let Some(words) = &self.config.check else { return true };
        let words: Vec<String> = words.iter().map(|word| self.with_new_paths(word)).collect();
        let outcome = self.run(&words, self.config.check_within).await;
        if outcome.is_success() {
            return true;
        }
        self.fresh = Fresh::default();
        self.standing.failed(format!(
            "the new files were refused and are not used: {}",
            told("the check", &words, &outcome)
        ));
        false
    }

    async fn put(&mut self) -> bool {
        let fresh = std::mem::take(&mut self.fresh);
        self.look();
        let put = self.on_disk(move |_| {
            if let Some(folder) = fresh.folder {
                folder.apply()?;
            }
            swap::put(fresh.files)
        });
        let is_put = put.await.is_some();
        self.look();
        is_put
    }

    async fn act(&mut self) -> bool {
        let words = match &self.config.action {
            Action::None => return true,
            Action::Run(words) => words,
            Action::Haproxy(_) => return self.act_on_haproxy().await,
        };
        let outcome = self.run(words, self.config.action_within).await;
        if !outcome.is_success() {
            self.standing.failed(told("the action", words, &outcome));
        }
        outcome.is_success()
    }

    /// At what HAProxy's file has, since it may start at any moment.
    fn look(&mut self) {
        if let Some(haproxy) = &mut self.haproxy {
            haproxy.look();
        }
    }

    async fn act_on_haproxy(&mut self) -> bool {
        let text = self.on_disk(|config| {
            let path = &config.files.first().ok_or("there is no file")?.target;
            let text = read::text(path, CONFIG_BYTES_MAX);
            text.map_err(|error| format!("cannot read {}: {error}", path.display()))
        });
        match text.await {
            Some(text) => self.steer(&text).await,
            None => false,
        }
    }

    /// Brings HAProxy to `text`, or says what would.
    async fn steer(&mut self, text: &str) -> bool {
        let Some(haproxy) = &mut self.haproxy else { return true };
        match haproxy.steer(text).await {
            Ok(words) => self.standing.told(words, haproxy.counts()),
            Err(failed) => {
                self.standing.failed(failed.to_string());
                return false;
            }
        }
        true
    }

    async fn restore(&mut self) -> bool {
        self.look();
        let back = self.on_disk(|config| swap::restore(targets(config))).await.is_some();
        self.look();
        let acted = back && self.act().await;
        if acted {
            tracing::warn!(templates = self.config.name, "the old files are in force again");
        }
        acted
    }

    /// Runs `work` where it may block; its words are told when it fails.
    async fn on_disk<T: Send + 'static>(
        &self,
        work: impl FnOnce(&TemplatesConfig) -> Result<T, String> + Send + 'static,
    ) -> Option<T> {
        let config = Arc::clone(&self.config);
        let outcome = tokio::task::spawn_blocking(move || work(&config)).await;
        match outcome.map_err(|error| format!("a fault of ours: {error}")).flatten() {
            Ok(done) => Some(done),
            Err(why) => {
                self.standing.failed(why);
                None
            }
        }
    }

    async fn run(&self, words: &[String], limit: Duration) -> Outcome {
        let mut words = words.iter();
        let mut command = Command::new(words.next().map(String::as_str).unwrap_or_default());
        command.args(words);
        for name in &self.sources.withheld {
            command.env_remove(name);
        }
        process::run(command, Vec::new(), Some(limit), self.stop.clone()).await
    }

    /// A word of the check, with the paths of new files in place of those that they are to replace.
    fn with_new_paths(&self, word: &str) -> String {
        let mut files: Vec<_> =
            self.fresh.files.iter().map(|file| (file.target.as_path(), file.new.path())).collect();
        // The longest first: `/etc/a.b` is not `/etc/a`.
        files.sort_by_key(|(target, _)| std::cmp::Reverse(target.as_os_str().len()));
        super::substitute(word, &files)
    }

    fn reports(&self) -> bool {
        self.config.action != Action::None && !self.config.is_shadow() && self.in_force.is_some()
    }

    /// Tells which picture is in force. What is in flight, HAProxy tells; any other reader of files keeps it to itself.
    async fn report(&self) {
        let Some(picture) = self.in_force.as_ref().filter(|_| self.reports()) else { return };
        let sink = super::sink(&self.config.name);
        let report = match &self.haproxy {
            Some(haproxy) => haproxy.report(sink, picture).await,
            None => Some(Report {
                sink,
                epoch: picture.epoch,
                version: picture.version,
                requests: 0,
                failed: 0,
                failed_unsafe: 0,
                retried: 0,
                backends: Vec::new(),
                services: Vec::new(),
                log_lines_lost: 0,
            }),
        };
        if let Some(report) = report {
            self.sources.reports.put(report, std::time::Instant::now());
        }
    }

    /// Of all templates, as they are now.
    fn stamps(&self) -> Vec<Stamp> {
        let templates = self.config.files.iter().map(|file| &file.template);
        let stamp = |path| {
            let metadata = std::fs::metadata(path).ok()?;
            Some((metadata.ino(), metadata.len(), metadata.modified().ok()?))
        };
        templates.chain(self.config.partials.iter().map(|(_, path)| path)).map(stamp).collect()
    }
}

fn targets(config: &TemplatesConfig) -> impl Iterator<Item = &Path> {
    config.files.iter().map(|file| file.target.as_path())
}

fn told(what: &str, words: &[String], outcome: &Outcome) -> String {
    let lines = outcome.last_lines();
    let said = if lines.is_empty() { String::new() } else { format!(": {}", Plain(&lines)) };
    format!("{what} `{}` failed, {}{said}", words.join(" "), outcome.end)
}

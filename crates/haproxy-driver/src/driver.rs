//! From what runs to what is wanted, and on to the end.

use crate::Failed;
use crate::config::{Config, Reload};
use crate::door::Door;
use crate::guests::Guests;
use crate::identity;
use crate::journal::{self, Begun};
use crate::moved::Moved;
use crate::reload::reload;
use crate::socket::Socket;
use crate::stamp::{Reading, Stamp};
use muster_haproxy::{
    self as haproxy, Change, Config as Text, Features, Info, Leaving, Load, Past, Plan, Reason, ServerState,
    info, loads, plan, processes, server_states, sessions,
};
use muster_whole_file as whole_file;
use std::io::ErrorKind;
use std::path::Path;
use std::time::Duration;

/// While somebody enters or leaves.
const TEND_SOON: Duration = Duration::from_millis(100);
/// Else: whether it is still the same HAProxy.
const TEND_LATER: Duration = Duration::from_secs(1);
/// Newcomers that are told by name.
const WAITING_TOLD_MAX: usize = 100;
/// Mode of the state file.
const STATE_MODE: u32 = 0o644;

/// Why a HAProxy is reloaded of which nothing is known.
const UNKNOWN: &str = "what this HAProxy runs is not known: a change of it was cut short, or its file is another than at its start";

/// What was done.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Applied {
    /// It ran that already.
    Nothing,
    /// By commands, told in words; no reload.
    Changed(Vec<String>),
    /// By a reload; what forced it.
    Reloaded(String),
    /// HAProxy does not run; it reads the file when it starts.
    NotRunning,
    /// Nothing was touched; what would have been done.
    Shadow(String),
}

/// Steers one HAProxy.
#[derive(Debug)]
pub struct Driver {
    config: Config,
    socket: Socket,
    /// The process that was last steered.
    running: Option<Running>,
    /// What its file had.
    past: Past,
    guests: Guests,
    /// What is in flight where servers were before.
    moved: Moved,
    door: Door,
    /// Why it is no longer what it was brought to.
    strayed: Option<String>,
    reloads: u64,
    changes: u64,
}

#[derive(Debug)]
struct Running {
    process: Stamp,
    /// What it was brought to; `None` if nobody knows.
    text: Option<Text>,
}

impl Driver {
    /// Touches nothing yet.
    pub fn new(config: Config) -> Self {
        let socket = Socket(config.socket.clone());
        let door = Door::new(config.checked_after);
        Self {
            config,
            socket,
            running: None,
            past: Past::default(),
            guests: Guests::default(),
            moved: Moved::default(),
            door,
            strayed: None,
            reloads: 0,
            changes: 0,
        }
    }

    /// How often it was reloaded, and how many changes it took without.
    pub fn counts(&self) -> (u64, u64) {
        (self.reloads, self.changes)
    }

    /// Takes note of what the file has. To be called before and after somebody replaces it: which of both a HAProxy has read that starts
    /// just then, its start tells, or its servers.
    pub fn look(&mut self) {
        identity::look(&mut self.past, &self.config.file);
    }

    /// Brings HAProxy to `wanted`, which is what its file says.
    ///
    /// # Errors
    /// It goes on with what it ran before.
    pub async fn apply(&mut self, wanted: &str) -> Result<Applied, Failed> {
        let text = Text::read(wanted)?;
        self.look();
        let Some(info) = self.info().await? else {
            self.running = None;
            return Ok(Applied::NotRunning);
        };
        let process = Stamp::of(&info);
        self.identify(&process, &info).await?;
        let features = Features::of(info.version);
        // Until the last command is obeyed it is not known.
        let known = self.running.as_mut().and_then(|running| running.text.take());
        let plan = match &known {
            Some(running) => plan(running, &text, &self.guests.leaving, features),
            None => Plan::Reload(Reason {
                line: None,
                words: self.strayed.clone().unwrap_or_else(|| UNKNOWN.to_owned()),
            }),
        };
        if self.config.is_shadow {
            self.running = Some(Running { process, text: known });
            return Ok(Applied::Shadow(in_words(&plan)));
        }
        let (process, applied) = match plan {
            Plan::Nothing => (process, Applied::Nothing),
            Plan::Change(changes) => match self.change(&process, changes, known.as_ref(), &text).await? {
                Ok(words) => (process, Applied::Changed(words)),
                // It knows better what it cannot do.
                Err(why) => (self.reload(&text, known.as_ref(), &info).await?, Applied::Reloaded(why)),
            },
            Plan::Reload(reason) => {
                let reloaded = self.reload(&text, known.as_ref(), &info).await;
                if reloaded.is_err() {
                    // It goes on as before, and nothing was said to it.
                    self.running = Some(Running { process, text: known });
                }
                (reloaded?, Applied::Reloaded(reason.to_string()))
            }
        };
        identity::remember(&self.config.file, &process, wanted);
        self.running = Some(Running { process, text: Some(text) });
        self.strayed = None;
        self.keep_journal(false);
        Ok(applied)
    }

    /// Goes on with what takes time: newcomers that answer now, leavers that have finished. Says when to be called again.
    pub async fn tend(&mut self) -> Duration {
        if self.config.is_shadow {
            return TEND_LATER;
        }
        // While it is not known what it runs, nobody knows who is wanted again; the journal says so already, and a reload follows.
        let is_known = self.running.as_ref().is_some_and(|running| running.text.is_some());
        if is_known && !self.guests.is_empty() {
            let before = self.guests.clone();
            match self.go_on().await {
                Ok(None) => {}
                Ok(Some(why)) => self.strays(why),
                Err(cause) => tracing::debug!(%cause, "HAProxy does not answer"),
            }
            if self.guests != before {
                self.keep_journal(false);
            }
        }
        if let Err(cause) = self.look_after_moved().await {
            tracing::debug!(%cause, "HAProxy does not answer");
        }
        if self.guests.is_empty() && self.moved.is_empty() { TEND_LATER } else { TEND_SOON }
    }

    /// Takes note of what has been finished where servers were before.
    async fn look_after_moved(&mut self) -> Result<(), Failed> {
        if !self.moved.is_empty() {
            let all = self.in_all_workers().await?;
            self.moved.look(&all);
        }
        Ok(())
    }

    /// What HAProxy has against a newcomer, if anything.
    async fn go_on(&mut self) -> std::io::Result<Option<String>> {
        let refused = self.guests.admit(&self.socket, &mut self.door).await?;
        self.guests.dismiss(&self.socket).await?;
        Ok(refused)
    }

    /// It does not do what it was told: only a reload makes it so.
    fn strays(&mut self, why: String) {
        tracing::warn!("{why}; it is reloaded");
        self.running.iter_mut().for_each(|running| running.text = None);
        self.strayed = Some(why);
    }

    /// Newcomers that have waited for long, and why: as many as are told.
    pub fn waiting(&self) -> Vec<String> {
        self.door.told(&self.guests.entering, WAITING_TOLD_MAX)
    }

    /// Whether what answers has to be brought to what is wanted again: it is another process, or does not do what it was told.
    pub async fn has_strayed(&mut self) -> bool {
        let Ok(Some(info)) = self.info().await else { return false };
        let process = Stamp::of(&info);
        self.strayed.is_some()
            || self.running.as_ref().is_none_or(|running| !running.process.is_same(&process))
    }

    /// What each server is doing, sessions of old workers included where the master tells of them. What a server still has where it
    /// was before stands there.
    ///
    /// # Errors
    /// HAProxy does not answer, or not all of it: nobody says then that nothing is in flight.
    pub async fn loads(&self) -> Result<Vec<Load>, Failed> {
        let mut all = self.in_all_workers().await?;
        let moved = self.moved.loads(&all);
        all.extend(moved);
        Ok(all)
    }

    async fn in_all_workers(&self) -> Result<Vec<Load>, Failed> {
        let reply = self.socket.ask("show stat").await.map_err(|cause| self.silent(cause))?;
        let mut all = loads(&reply);
        let Reload::Master(path) = &self.config.reload else { return Ok(all) };
        let master = Socket(path.clone());
        let silent = |cause| Failed::Silent { socket: path.display().to_string(), cause };
        let reply = match master.ask("show proc").await {
            Ok(reply) => reply,
            // It runs without a master.
            Err(error) if is_nobody(&error) => return Ok(all),
            Err(cause) => return Err(silent(cause)),
        };
        for worker in processes(&reply).old_workers {
            for old in in_old_worker(&master, worker.pid).await.map_err(silent)? {
                // The same name may be another address since.
                let is_it = |load: &&mut Load| {
                    load.name == old.name && (old.address.is_none() || load.address == old.address)
                };
                match all.iter_mut().find(is_it) {
                    Some(load) => load.in_flight = load.in_flight.saturating_add(old.in_flight),
                    None => all.push(old),
                }
            }
        }
        Ok(all)
    }

    fn silent(&self, cause: std::io::Error) -> Failed {
        Failed::Silent { socket: self.socket.path().display().to_string(), cause }
    }

    /// Who answers; `None` if nobody does, since no HAProxy runs.
    async fn info(&self) -> Result<Option<Info>, Failed> {
        match self.socket.ask("show info").await {
            Ok(reply) => match info(&reply) {
                Some(info) => Ok(Some(info)),
                None => Err(Failed::Stranger {
                    socket: self.socket.path().display().to_string(),
                    said: reply.chars().take(200).collect(),
                }),
            },
            Err(error) if is_nobody(&error) => Ok(None),
            Err(cause) => Err(self.silent(cause)),
        }
    }

    /// Finds out what `process` runs, unless that is known, and what was begun with it.
    async fn identify(&mut self, process: &Stamp, info: &Info) -> Result<(), Failed> {
        if self.running.as_ref().is_some_and(|running| running.process.is_same(process)) {
            return Ok(());
        }
        let begun = journal::read(&self.config.file, process);
        let states = self.states().await?;
        let read = (&self.past, Reading::of(process, info));
        let text = identity::recall(&self.config.file, process, read, &states, &begun.guests.leaving);
        self.running = Some(Running { process: *process, text: text.filter(|_| !begun.is_changing) });
        self.guests = begun.guests;
        Ok(())
    }

    /// What is begun, for whoever comes next.
    fn keep_journal(&self, is_changing: bool) {
        let Some(running) = &self.running else { return };
        let begun = Begun { guests: self.guests.clone(), is_changing };
        journal::write(&self.config.file, &running.process, &begun);
    }

    async fn states(&self) -> Result<Vec<ServerState>, Failed> {
        let reply = self.socket.ask("show servers state").await.map_err(|cause| self.silent(cause))?;
        Ok(server_states(&reply))
    }

    /// Makes all of them; the words of the first that HAProxy refuses.
    async fn change(
        &mut self,
        process: &Stamp,
        changes: Vec<Change>,
        known: Option<&Text>,
        text: &Text,
    ) -> Result<Result<Vec<String>, String>, Failed> {
        let former = known.map(Text::addresses).unwrap_or_default();
        let words: Vec<String> = changes.iter().map(ToString::to_string).collect();
        // One that is taken back is ours until it is: the drain that may still stand on it is no operator's.
        let is_early = |change: &Change| !matches!(change, Change::Revive(..));
        let mut begun = Begun { guests: self.guests.clone(), is_changing: true };
        changes.iter().filter(|change| is_early(change)).for_each(|change| begun.guests.note(change.clone()));
        journal::write(&self.config.file, process, &begun);
        for change in changes {
            // Before they are sent: if HAProxy falls silent now, it may have heard them.
            if is_early(&change) {
                self.guests.note(change.clone());
            }
            for command in change.commands() {
                let reply = self.socket.ask(&command.text).await.map_err(|cause| self.silent(cause))?;
                if let Some(why) = command.refusal(&reply) {
                    return Ok(Err(why));
                }
            }
            let name = change.name();
            let was_at = match &change {
                Change::Address(..) => former.get(name).copied(),
                Change::Revive(_, new) => self
                    .guests
                    .leaving
                    .get(name)
                    .and_then(Leaving::address)
                    .filter(|was| new.address() != Some(*was)),
                Change::Add(..) | Change::Weight(..) | Change::Remove(..) => None,
            };
            if let Some(addr) = was_at {
                self.moved.note(name, addr);
            }
            self.guests.note(change);
        }
        self.changes += u64::try_from(words.len()).unwrap_or(u64::MAX);
        self.look_after_moved().await?;
        if let Some(why) = self.go_on().await.map_err(|cause| self.silent(cause))? {
            return Ok(Err(why));
        }
        if text.state_file().is_some() {
            // A HAProxy that restarts by itself would believe the old one.
            let reply = self.socket.ask("show servers state").await.map_err(|cause| self.silent(cause))?;
            self.keep_state(text, &reply);
        }
        Ok(Ok(words))
    }

    /// For HAProxy's own `load-server-state-from-file`. Without it checks begin anew, which is no reason not to go on.
    fn keep_state(&self, text: &Text, reply: &str) {
        let Some(file) = text.state_file() else { return };
        let state = haproxy::state_file(reply, text, |name| self.guests.are(name));
        if let Err(error) = whole_file::note(Path::new(&file), state.as_bytes(), STATE_MODE) {
            tracing::warn!("cannot keep the state of servers in {file}: {error}");
        }
    }

    /// A new process that reads the file, and is told what an operator had set by hand in the old one, which runs `known`.
    async fn reload(&mut self, text: &Text, known: Option<&Text>, before: &Info) -> Result<Stamp, Failed> {
        let reply = self.socket.ask("show servers state").await.map_err(|cause| self.silent(cause))?;
        self.keep_state(text, &reply);
        let states = server_states(&reply);
        // Without a known text nobody can say which weights are an operator's.
        let weights = known.map(Text::weights).unwrap_or_default();
        let by_hand: Vec<haproxy::Command> = states
            .iter()
            // What stands in the way of these is ours.
            .filter(|state| !self.guests.are(&state.name))
            .flat_map(|state| state.by_hand(weights.get(&state.name).copied()))
            .collect();
        let info = reload(&self.config, &self.socket, before.pid).await?;
        self.reloads += 1;
        self.guests = Guests::default();
        for command in by_hand {
            // Those that are gone need none.
            if let Ok(reply) = self.socket.ask(&command.text).await
                && command.refusal(&reply).is_none()
            {
                tracing::info!("HAProxy: `{}`, as somebody had set by hand before the reload", command.text);
            }
        }
        Ok(Stamp::of(&info))
    }
}

fn in_words(plan: &Plan) -> String {
    match plan {
        Plan::Nothing => "nothing".to_owned(),
        Plan::Change(changes) => changes.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "),
        Plan::Reload(reason) => format!("reload, because {reason}"),
    }
}

/// Nobody listens there.
fn is_nobody(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::ConnectionRefused)
}

/// What an old worker still has. One that has just ended has nothing left, which the master says.
async fn in_old_worker(master: &Socket, pid: u32) -> std::io::Result<Vec<Load>> {
    let ask = async |command: &str| master.ask(&format!("@!{pid} {command}")).await;
    let stat = loads(&ask("show stat").await?);
    if stat.is_empty() {
        let sessions = sessions(&ask("show sess").await?);
        return Ok(sessions.into_iter().map(|(name, in_flight)| Load::gone(name, None, in_flight)).collect());
    }
    let busy = stat.into_iter().filter(|load| load.in_flight > 0);
    Ok(busy.map(|load| Load::gone(load.name, load.address, load.in_flight)).collect())
}

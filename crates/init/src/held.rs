//! What PID 1 holds for one service: its control place, its pipes, and since when it stands where it does.

use std::collections::VecDeque;
use std::io::{self, PipeReader, PipeWriter};
use std::os::fd::OwnedFd;
use std::time::SystemTime;

use muster_supervise::{Exit, Life, Milestone, Pid, Readiness, State, Want};

use crate::letters;
use crate::place::Place;
use crate::plan::Entry;
use crate::sockets::Notifications;
use crate::status::Status;

/// See the module's page.
#[derive(Debug)]
pub(crate) struct Held {
    pub(crate) place: Option<Place>,
    /// The end from which a line says that it is ready.
    pub(crate) notify: Option<PipeReader>,
    /// Where it says so by a message.
    pub(crate) notifications: Option<Notifications>,
    /// Sockets that listen for it.
    pub(crate) listeners: Vec<OwnedFd>,
    /// Where it keeps the last picture.
    pub(crate) picture: Option<OwnedFd>,
    /// What it writes to its output and to its errors, for whoever keeps the log. Both ends are held, so that the end of either
    /// process loses no line: the next one reads on, and meanwhile a full pipe makes the writer wait.
    pub(crate) logged: Option<[(PipeReader, PipeWriter); 2]>,
    /// What others write and it reads. Held here, so that its end loses nothing that was written; without a writer when all
    /// who write have ended for good.
    pub(crate) input: Option<(PipeReader, Option<PipeWriter>)>,
    /// Somebody stopped its process for the time being.
    pub(crate) paused: bool,
    since: SystemTime,
    ready_since: SystemTime,
    /// When and how its process ended the last times.
    exits: VecDeque<(SystemTime, Exit)>,
    /// Why its probe could not be started the last time.
    probe_fault: String,
}

/// How many ends are remembered.
const EXITS_MAX: usize = 8;

impl Held {
    pub(crate) fn new() -> Self {
        let now = SystemTime::now();
        Self {
            place: None,
            notify: None,
            notifications: None,
            listeners: Vec::new(),
            picture: None,
            logged: None,
            input: None,
            paused: false,
            since: now,
            ready_since: now,
            exits: VecDeque::new(),
            probe_fault: String::new(),
        }
    }

    /// Tells those who wait. The status is there before the letter: whoever is told looks at it next.
    pub(crate) fn pass(&mut self, milestone: Milestone, life: &Life, entry: &Entry) -> io::Result<()> {
        let now = SystemTime::now();
        match milestone {
            Milestone::Up | Milestone::Down => self.since = now,
            Milestone::Ready | Milestone::Clear => self.ready_since = now,
            Milestone::ForGood => {}
        }
        if let (Milestone::Down, Some(exit)) = (milestone, life.last_exit) {
            self.exits.truncate(EXITS_MAX - 1);
            self.exits.push_front((now, exit));
        }
        let ended = if milestone == Milestone::Down { life.last_exit } else { None };
        let tally = match (&self.place, ended) {
            (Some(place), Some(exit)) => place.write_death(now, exit, entry.deaths_kept),
            _ => Ok(()),
        };
        let written = self.write_status(life, entry).and(self.write_history(life)).and(tally);
        if let Some(place) = &self.place {
            place.notify(&[letters::of_milestone(milestone)]);
        }
        written
    }

    /// Whether a probe fails to start in a way that was not told yet.
    pub(crate) fn complains_of_probe(&mut self, why: &str) -> bool {
        let is_new = self.probe_fault != why;
        why.clone_into(&mut self.probe_fault);
        is_new
    }

    /// Writes how often it was started and how it ended, for people.
    fn write_history(&self, life: &Life) -> io::Result<()> {
        let Some(place) = &self.place else { return Ok(()) };
        let exits: String = self
            .exits
            .iter()
            .rev()
            .map(|(at, exit)| {
                let at = at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
                format!("exit={at} {exit}\n")
            })
            .collect();
        place.write_whole("history", format!("starts={}\n{exits}", life.starts).as_bytes())
    }

    /// Writes where the service stands, if it has a place for that.
    pub(crate) fn write_status(&self, life: &Life, entry: &Entry) -> io::Result<()> {
        let Some(place) = &self.place else { return Ok(()) };
        // Readiness that nobody tells is none to those who watch, as in s6.
        let is_told = entry.service.readiness == Readiness::Told;
        place.write_status(&Status {
            since: self.since,
            ready_since: self.ready_since,
            pid: life.pid.and_then(|Pid(pid)| u32::try_from(pid).ok()),
            exit: life.last_exit.unwrap_or(Exit::Code(0)),
            paused: self.paused && life.pid.is_some(),
            finishing: matches!(life.state, State::Finishing | State::Clearing),
            wanted_up: life.want == Want::Up,
            ready: life.pid.is_none() || life.state == State::Ready && is_told,
        })
    }
}

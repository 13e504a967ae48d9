//! What is to be kept running, as data: everything the supervisor has to know of a service, and nothing of how it is spawned.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::time::Duration;

use serde::{Deserialize, Serialize};

use crate::pause::Pauses;
use crate::probe::{Pace, Question};
use crate::signal;

/// Which of the supervisor's services: its place in the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ServiceId(pub usize);

/// What a service is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kind {
    /// A process that is to run.
    Longrun {
        /// A command follows each end of the process (s6's `finish`).
        finish: bool,
    },
    /// A command that is to have run.
    Oneshot {
        /// It has a command that brings it up. Without one it is up at once.
        up: bool,
        /// It has a command that takes it down again.
        down: bool,
    },
}

/// How a longrun becomes ready. (A oneshot is, when its command succeeded.)
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Readiness {
    /// As soon as it was started.
    Started,
    /// When somebody says so: the process itself, or a probe.
    Told,
}

/// When a longrun that ended by itself is started again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Restart {
    /// Always.
    Always,
    /// Unless it ended with exit code 0.
    OnFailure,
    /// Never.
    Never,
}

/// Whom signals reach that stop a service, and whether what it leaves behind lives on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Whom {
    /// The process only; what it started is left alone until the container stops, as in s6. A run script whose successor
    /// takes over from the old program (`haproxy -sf PID`) needs that.
    Process,
    /// Its whole process group, also when it ended by itself.
    Group,
}

/// When a service that others wait for is far enough.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Condition {
    /// It runs.
    Started,
    /// It is ready; a oneshot: it has succeeded.
    Ready,
    /// It ran and ended with exit code 0.
    Completed,
    /// It started, or failed: an order only, that binds nobody to its success.
    Settled,
}

/// That a service waits for another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dependency {
    /// For whom.
    pub on: ServiceId,
    /// Until when.
    pub until: Condition,
}

/// One service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Service {
    /// Its name, for people.
    pub name: Box<str>,
    /// What it is.
    pub kind: Kind,
    /// Whom it waits for when it starts; they wait for it when they stop. Only services before it in the list.
    pub after: Vec<Dependency>,
    /// Whether it is started with the container (s6: no file `down`).
    pub wanted: bool,
    /// How it becomes ready.
    pub readiness: Readiness,
    /// How its process is asked whether it is ready. Not for a oneshot.
    pub ready_probe: Option<Pace>,
    /// How it is asked whether it is still right, once it is ready. Not for a oneshot.
    pub alive_probe: Option<Pace>,
    /// When it is started again.
    pub restart: Restart,
    /// How long to wait before that.
    pub pauses: Pauses,
    /// The signal that asks it to end (s6: `down-signal`).
    pub stop_signal: i32,
    /// How long it may take to end before it is killed; `None`: as long as it likes (s6: `timeout-kill`).
    pub kill_after: Option<Duration>,
    /// How long its `finish` may take before it is killed (s6: `timeout-finish`).
    pub finish_within: Option<Duration>,
    /// How long it may take to get ready before those that wait for it are told that it failed (s6-rc: `timeout-up`). The
    /// command of a oneshot is killed then.
    pub up_within: Option<Duration>,
    /// How long the command that takes a oneshot down may take (s6-rc: `timeout-down`).
    pub down_within: Option<Duration>,
    /// Whom it concerns when it is stopped.
    pub whom: Whom,
    /// It reads what others write, and ends when that does: while the container stops, it is not asked by a signal, which would
    /// cost their last lines.
    pub ends_with_input: bool,
    /// Its end ends the container, with its exit code.
    pub critical: bool,
}

/// s6's limit for a `finish` script without `timeout-finish`.
const FINISH_WITHIN: Duration = Duration::from_secs(5);

impl Service {
    /// A longrun as an s6 service folder with nothing but a `run` describes it.
    pub fn longrun(name: &str) -> Self {
        Self {
            name: name.into(),
            kind: Kind::Longrun { finish: false },
            after: Vec::new(),
            wanted: true,
            readiness: Readiness::Started,
            ready_probe: None,
            alive_probe: None,
            restart: Restart::Always,
            pauses: Pauses::S6,
            stop_signal: signal::TERM,
            kill_after: None,
            finish_within: Some(FINISH_WITHIN),
            up_within: None,
            down_within: None,
            whom: Whom::Process,
            ends_with_input: false,
            critical: false,
        }
    }

    /// A oneshot whose command brings it up.
    pub fn oneshot(name: &str) -> Self {
        Self { kind: Kind::Oneshot { up: true, down: false }, restart: Restart::Never, ..Self::longrun(name) }
    }

    /// How often a question is asked, if it is.
    pub(crate) const fn pace(&self, question: Question) -> Option<Pace> {
        match question {
            Question::Ready => self.ready_probe,
            Question::Alive => self.alive_probe,
        }
    }
}

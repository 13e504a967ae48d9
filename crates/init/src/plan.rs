//! Everything PID 1 has to know, as data: which services, their commands, how the container ends. Made by whoever reads what people
//! wrote, in another process; here it only arrives.

use std::path::PathBuf;

use muster_supervise::{Grace, Kind, Service, ServiceId};
use serde::{Deserialize, Serialize};

/// A command as it is executed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exec {
    /// The program and its arguments; a program without a slash is looked for in `PATH`.
    pub words: Vec<Word>,
    /// Where it is executed.
    pub directory: Option<PathBuf>,
}

/// One word of a command, as the kernel takes it: any bytes but zero.
pub type Word = std::ffi::OsString;

/// One service and its commands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// What the supervisor knows of it.
    pub service: Service,
    /// What runs (a longrun), or brings it up (a oneshot).
    pub main: Option<Exec>,
    /// What follows its end (a longrun's `finish`), or takes it down (a oneshot).
    pub after: Option<Exec>,
    /// Where it says that it is ready: a line on this file descriptor (s6: `notification-fd`).
    pub notification_fd: Option<i32>,
    /// Who reads its standard output.
    pub stdout_to: Option<ServiceId>,
    /// It is the container's command: it has the terminal, and gets the signals that are not for us.
    pub is_command: bool,
    /// People know it by its name, and control it.
    pub is_public: bool,
}

impl Entry {
    /// A service with nothing but what it is.
    pub fn new(service: Service) -> Self {
        Self {
            service,
            main: None,
            after: None,
            notification_fd: None,
            stdout_to: None,
            is_command: false,
            is_public: true,
        }
    }

    /// Whether it has a control place: s6 makes none for what is done once.
    pub(crate) fn has_place(&self) -> bool {
        self.is_public && matches!(self.service.kind, Kind::Longrun { .. })
    }
}

/// How much PID 1 says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Verbosity {
    /// Nothing but what ends the container.
    Quiet,
    /// What went wrong.
    Warnings,
    /// What starts and ends, too.
    Info,
}

/// What PID 1 is to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// The services, those that others wait for first.
    pub entries: Vec<Entry>,
    /// How the container ends.
    pub grace: Grace,
    /// How much is said.
    pub verbosity: Verbosity,
    /// Where control places are made; `None`: nowhere.
    pub places: Option<PathBuf>,
    /// Every signal goes to the command, also those that would stop the container (as tini has it).
    pub passes_all_signals: bool,
    /// What people are to be told about what was read.
    pub warnings: Vec<String>,
}

impl Plan {
    /// The bytes that carry it from the reader to PID 1.
    ///
    /// # Errors
    /// In theory only: the format takes every plan.
    pub fn to_bytes(&self) -> Result<Vec<u8>, postcard::Error> {
        postcard::to_stdvec(self)
    }

    /// The plan in these bytes.
    ///
    /// # Errors
    /// When they are not one; they come from ourselves, so this is a bug or a reader that died while it wrote.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, postcard::Error> {
        postcard::from_bytes(bytes)
    }
}

//! Everything PID 1 has to know, as data: which services, their commands, how the container ends. Made by whoever reads what people
//! wrote, in another process; here it only arrives.

use std::net::SocketAddr;
use std::path::PathBuf;

use muster_supervise::{Grace, Kind, Retire, Service, ServiceId};
use serde::{Deserialize, Serialize};

use crate::tally;

/// A command as it is executed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exec {
    /// The program and its arguments; a program without a slash is looked for in `PATH`.
    pub words: Vec<Word>,
    /// Where it is executed.
    pub directory: Option<PathBuf>,
    /// Variables beside ours.
    pub environment: Vec<(Word, Word)>,
    /// As whom; otherwise as we are.
    pub account: Option<Account>,
    /// What it may use; otherwise as much as we may.
    pub limits: Vec<Limit>,
}

impl Exec {
    /// These words, and nothing else of its own.
    pub fn of(words: Vec<Word>) -> Self {
        Self { words, ..Self::default() }
    }
}

/// Who a process runs as.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// User.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// The groups beside `gid`.
    pub groups: Vec<u32>,
}

/// A bound of setrlimit(2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limit {
    /// Of what.
    pub resource: Resource,
    /// The soft one, in the units of setrlimit(2); `u64::MAX`: none.
    pub soft: u64,
    /// The hard one.
    pub hard: u64,
}

/// What can be limited, by the names of limits.conf(5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "setrlimit(2) describes them")]
pub enum Resource {
    As,
    Core,
    Cpu,
    Data,
    Fsize,
    Memlock,
    Nofile,
    Nproc,
    Stack,
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
    /// How many of its ends are kept for s6's tools (s6: `max-death-tally`).
    pub deaths_kept: usize,
    /// Where it says that it is ready: a line on this file descriptor (s6: `notification-fd`).
    pub notification_fd: Option<i32>,
    /// It says that it is ready by a message to a socket (sd_notify(3)); `NOTIFY_SOCKET` names it, for itself or for the one that
    /// speaks for it.
    pub notify_socket: Option<Speaker>,
    /// The command that asks whether it is ready.
    pub ready_probe: Option<Exec>,
    /// The command that asks whether it is still right.
    pub alive_probe: Option<Exec>,
    /// The service of the cluster that it offers while it is ready.
    pub offers: Option<String>,
    /// Addresses to listen on. The sockets are ours and outlive it, so that nobody is refused while it is started again; it
    /// gets them as sd_listen_fds(3) has it.
    pub listens: Vec<SocketAddr>,
    /// Where it gossips: a socket that listens and one for datagrams, held and given in the same way behind those.
    pub gossips: Option<SocketAddr>,
    /// It is given a memory file that outlives it, for the last picture.
    pub keeps_picture: bool,
    /// Under which name whoever keeps the log reads what it writes. Without a name, or without such a one, it writes where we do.
    pub logged_as: Option<String>,
    /// It keeps the log: it reads what all those write.
    pub reads_logs: bool,
    /// It is a role of ours and may see our secrets.
    pub is_own: bool,
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
            deaths_kept: tally::KEPT,
            notification_fd: None,
            notify_socket: None,
            ready_probe: None,
            alive_probe: None,
            offers: None,
            listens: Vec::new(),
            gossips: None,
            keeps_picture: false,
            logged_as: None,
            reads_logs: false,
            is_own: false,
            stdout_to: None,
            is_command: false,
            is_public: true,
        }
    }

    /// The same in a plan in which `by` others stand before: what it says of others follows.
    pub fn moved_by(&mut self, by: usize) {
        let shift = |ServiceId(id): &mut ServiceId| *id += by;
        self.stdout_to.iter_mut().for_each(shift);
        if let Some(Speaker::Another(other)) = &mut self.notify_socket {
            shift(other);
        }
        self.service.after.iter_mut().for_each(|dependency| shift(&mut dependency.on));
    }

    /// Whether it has a control place: s6 makes none for what is done once.
    pub(crate) fn has_place(&self) -> bool {
        self.is_public && matches!(self.service.kind, Kind::Longrun { .. })
    }
}

/// Who is told of a service's socket for notifications.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Speaker {
    /// The process itself.
    Itself,
    /// Another service, that watches it.
    Another(ServiceId),
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
    /// Whose process speaks to the cluster, and how this node leaves it.
    pub retire: Option<Retire>,
    /// Services of the cluster that this node offers and no process here is known to offer: they are ready when all that is to
    /// be started is up.
    pub offered: Vec<String>,
    /// Variables that hold our secrets.
    pub withheld: Vec<String>,
    /// Where control places are made; `None`: nowhere.
    pub places: Option<PathBuf>,
    /// Every signal goes to the command, also those that would stop the container (as tini has it).
    pub passes_all_signals: bool,
    /// What people are to be told about what was read.
    pub warnings: Vec<String>,
}

impl Plan {
    /// One that does nothing but run these, loudly.
    pub fn of(entries: Vec<Entry>) -> Self {
        Self {
            entries,
            grace: Grace::default(),
            verbosity: Verbosity::Warnings,
            retire: None,
            offered: Vec::new(),
            withheld: Vec::new(),
            places: None,
            passes_all_signals: false,
            warnings: Vec::new(),
        }
    }

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

//! The plan of a balancer.

use crate::action::{Action, FieldName};
use crate::check::{self, Finding, Gravity};
use crate::condition::Condition;
use crate::place::Place;
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::net::SocketAddr;
use core::time::Duration;
use muster_fleet::Network;

/// Most rules of one plan. They are looked at one after the other.
pub const RULES_MAX: usize = 10_000;

/// A plan as it was written, not yet looked at.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Draft {
    /// Where clients come.
    pub frontends: Vec<Frontend>,
    /// Where requests go, by name.
    pub services: BTreeMap<String, Service>,
}

/// A plan that can be followed: each service that it speaks of is there, and nothing is listened on twice.
#[derive(Clone, PartialEq, Debug)]
pub struct Plan {
    draft: Draft,
    notes: Vec<Finding>,
}

impl Plan {
    /// Looks at a draft.
    ///
    /// # Errors
    /// What is wrong with it, at least one [`Gravity::Refused`].
    pub fn new(draft: Draft) -> Result<Self, Vec<Finding>> {
        let notes = check::findings(&draft);
        match notes.iter().any(|finding| finding.gravity == Gravity::Refused) {
            true => Err(notes),
            false => Ok(Self { draft, notes }),
        }
    }

    /// Where clients come.
    pub fn frontends(&self) -> &[Frontend] {
        &self.draft.frontends
    }

    /// Where requests go.
    pub fn services(&self) -> &BTreeMap<String, Service> {
        &self.draft.services
    }

    /// What in it never happens, and is there all the same.
    pub fn notes(&self) -> &[Finding] {
        &self.notes
    }
}

/// Places that are listened on, and what becomes of what comes there.
#[derive(Clone, PartialEq, Debug)]
pub struct Frontend {
    /// Its name.
    pub name: String,
    /// Where it begins.
    pub place: Place,
    /// What is spoken.
    pub mode: Mode,
    /// Where it listens.
    pub binds: Vec<Bind>,
    /// How long it waits.
    pub timeouts: Timeouts,
    /// How much it takes.
    pub limits: Limits,
    /// What it does, in this order.
    pub rules: Vec<Rule>,
    /// Who gets what no rule sent elsewhere.
    pub service: Option<String>,
    /// Where that was written.
    pub service_place: Place,
    /// How backends are told of the client.
    pub forwarded_for: Option<ForwardedFor>,
}

/// What is spoken with clients and backends.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Mode {
    /// HTTP: each request is decided upon.
    #[default]
    Http,
    /// Anything: each connection is.
    Tcp,
}

/// One place that is listened on.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Bind {
    /// Where.
    pub at: At,
    /// Where that was written.
    pub place: Place,
    /// Each connection begins with a header of the PROXY protocol that says whose it is.
    pub accept_proxy: bool,
}

/// A place that can be listened on.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum At {
    /// An address.
    Tcp(SocketAddr),
    /// A socket in the file system.
    Unix {
        /// Its path.
        path: String,
        /// The permissions of the file, such as 0o660.
        mode: Option<u32>,
    },
}

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(addr) => addr.fmt(f),
            Self::Unix { path, .. } => write!(f, "unix:{path}"),
        }
    }
}

/// How long a frontend waits; where nothing is said, the proxy's own bounds hold.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Timeouts {
    /// For a client that should send or read.
    pub client: Option<Duration>,
    /// For the whole head of a request, from its first byte.
    pub head: Option<Duration>,
    /// For the next request on a connection.
    pub keep_alive: Option<Duration>,
    /// For a tunnel in which nothing moves, such as a WebSocket.
    pub tunnel: Option<Duration>,
    /// For a client that has closed its half.
    pub client_fin: Option<Duration>,
}

/// How much a frontend takes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Limits {
    /// Clients at the same time; more wait in the kernel's queue.
    pub clients_max: Option<u32>,
}

/// What to do when.
#[derive(Clone, PartialEq, Debug)]
pub struct Rule {
    /// When.
    pub when: Condition,
    /// What.
    pub action: Action,
    /// Where that was written.
    pub place: Place,
}

/// What is particular to the requests of one service.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Service {
    /// What happens to a request before it goes to a backend, behind the frontend's rules. None of them chooses a service.
    pub rules: Vec<Rule>,
    /// How its backends are told of the client, if not as the frontend says.
    pub forwarded_for: Option<ForwardedFor>,
}

/// A field to which the client's address is added.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ForwardedFor {
    /// Usually `X-Forwarded-For`.
    pub field: FieldName,
    /// Not for clients in this network.
    pub except: Option<Network>,
    /// Not when the field is there already.
    pub if_none: bool,
}

//! A change of servers, as commands of the runtime API.

use crate::server::Server;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;
use core::net::SocketAddr;

/// `BACKEND/SERVER`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ServerName {
    /// Section.
    pub backend: String,
    /// Server in it.
    pub server: String,
}

impl fmt::Display for ServerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.backend, self.server)
    }
}

/// A server that is on its way out, as it was.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Leaving(pub(crate) Server);

/// One change. All of its words are ones that a command can hold.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Change {
    /// A new server. It is registered in maintenance, and takes requests after [`ready`](Self::ready).
    Add(ServerName, New),
    /// One that is on its way out is wanted again.
    Revive(ServerName, New),
    /// Another address.
    Address(ServerName, SocketAddr),
    /// Another weight.
    Weight(ServerName, u16),
    /// It gets no new requests; gone when [`delete`](Self::delete) succeeds.
    Remove(ServerName, Leaving, Farewell),
}

/// What keeps new requests away from a server, while those that it has are finished.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Farewell {
    /// It is still checked, and still sent clients that stick to it.
    Drain,
    /// Neither of them.
    Maintenance,
}

/// A server that is to take requests.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct New(pub(crate) Server);

impl New {
    /// Where it listens, if that needs no looking up: to connect there before requests are sent.
    pub fn address(&self) -> Option<SocketAddr> {
        self.0.socket_addr()
    }

    /// It listens elsewhere now.
    pub fn move_to(&mut self, addr: SocketAddr) {
        self.0.address = addr.to_string();
    }

    /// As a line that [`read`](Self::read) reads.
    pub fn line(&self, name: &ServerName) -> String {
        self.0.line(name)
    }

    /// Reads a line; `None` if it is none.
    pub fn read(line: &str) -> Option<(ServerName, Self)> {
        Server::read_line(line).map(|(name, server)| (name, Self(server)))
    }

    /// Whether HAProxy checks it.
    pub fn is_checked(&self) -> bool {
        self.0.keywords.contains_key("check")
    }

    /// Whether the configuration wants it in maintenance.
    pub fn is_disabled(&self) -> bool {
        self.0.keywords.contains_key("disabled")
    }
}

impl Leaving {
    /// One of whose setup nothing is known: no newcomer is the same.
    pub fn unknown() -> Self {
        Self(Server::unknown())
    }

    /// Where it listens, if that needs no looking up.
    pub fn address(&self) -> Option<SocketAddr> {
        self.0.socket_addr()
    }

    /// As a line that [`read`](Self::read) reads.
    pub fn line(&self, name: &ServerName) -> String {
        self.0.line(name)
    }

    /// Reads a line; `None` if it is none.
    pub fn read(line: &str) -> Option<(ServerName, Self)> {
        Server::read_line(line).map(|(name, server)| (name, Self(server)))
    }
}

/// A command, and what HAProxy answers when it obeyed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Command {
    /// The line.
    pub text: String,
    expects: Expects,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Expects {
    Nothing,
    Words(&'static str),
    /// Whatever it says of the address, but not that there is no such server.
    AddressTold,
}

impl Command {
    fn new(text: String, expects: Expects) -> Self {
        Self { text, expects }
    }

    /// What HAProxy had against it, if anything.
    pub fn refusal(&self, reply: &str) -> Option<String> {
        let reply = reply.trim();
        let obeyed = match self.expects {
            Expects::Nothing => reply.is_empty(),
            Expects::Words(words) => reply.contains(words),
            Expects::AddressTold => reply.contains("changed from") || reply.starts_with("no need to change"),
        };
        let said = if reply.is_empty() { "nothing" } else { reply };
        (!obeyed).then(|| format!("`{}` was answered with: {said}", self.text))
    }
}

impl Change {
    /// Whose.
    pub fn name(&self) -> &ServerName {
        match self {
            Self::Add(name, _)
            | Self::Revive(name, _)
            | Self::Address(name, _)
            | Self::Weight(name, _)
            | Self::Remove(name, ..) => name,
        }
    }

    /// What makes it so; of an addition only the beginning.
    pub fn commands(&self) -> Vec<Command> {
        match self {
            Self::Add(name, New(server)) => {
                let text = format!("add server {}", server.line(name));
                alloc::vec![Command::new(text, Expects::Words("New server registered"))]
            }
            Self::Revive(name, New(server)) => {
                let mut commands = Vec::new();
                commands.extend(server.socket_addr().map(|addr| address(name, addr)));
                commands.extend(server.weight().map(|to| weight(name, to)));
                commands.push(state(
                    name,
                    if server.keywords.contains_key("disabled") { "maint" } else { "ready" },
                ));
                commands
            }
            Self::Address(name, addr) => alloc::vec![address(name, *addr)],
            Self::Weight(name, to) => alloc::vec![weight(name, *to)],
            Self::Remove(name, _, Farewell::Drain) => alloc::vec![state(name, "drain")],
            Self::Remove(name, _, Farewell::Maintenance) => alloc::vec![state(name, "maint")],
        }
    }

    /// What lets an added server take requests, after somebody saw that it answers.
    pub fn ready(name: &ServerName, new: &New) -> Vec<Command> {
        let mut commands = Vec::new();
        if new.is_checked() {
            commands.push(Command::new(format!("enable health {name}"), Expects::Nothing));
        }
        if !new.is_disabled() {
            commands.push(state(name, "ready"));
        }
        commands
    }

    /// What has HAProxy check an added server, which gets no requests meanwhile: in maintenance it would not be checked, and out of it
    /// 2.6 and 3.0 were seen to begin with it as up. See [`Load::is_judged`](crate::Load::is_judged).
    pub fn examine(name: &ServerName) -> Vec<Command> {
        alloc::vec![Command::new(format!("enable health {name}"), Expects::Nothing), state(name, "drain")]
    }

    /// What takes a drained server away. HAProxy refuses as long as a session holds it.
    pub fn delete(name: &ServerName) -> Vec<Command> {
        alloc::vec![
            state(name, "maint"),
            Command::new(format!("del server {name}"), Expects::Words("Server deleted")),
        ]
    }
}

/// For people, who know the names.
impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Add(name, new) => write!(f, "add {name} at {}", new.0.address),
            Self::Revive(name, new) => write!(f, "take {name} back at {}", new.0.address),
            Self::Address(name, addr) => write!(f, "move {name} to {addr}"),
            Self::Weight(name, weight) => write!(f, "give {name} weight {weight}"),
            Self::Remove(name, ..) => write!(f, "drain and remove {name}"),
        }
    }
}

/// What an operator set by hand, set again in a new process: maintenance, drain or a weight.
pub(crate) fn state(name: &ServerName, state: &str) -> Command {
    Command::new(format!("set server {name} state {state}"), Expects::Nothing)
}

pub(crate) fn weight(name: &ServerName, weight: u16) -> Command {
    Command::new(format!("set server {name} weight {weight}"), Expects::Nothing)
}

fn address(name: &ServerName, addr: SocketAddr) -> Command {
    let (ip, port) = (addr.ip().to_string(), addr.port());
    Command::new(format!("set server {name} addr {ip} port {port}"), Expects::AddressTold)
}

/// Whether a command can hold `word`: nothing that ends it, separates or quotes.
pub(crate) fn is_plain(word: &str) -> bool {
    const MARKS: &[u8] = b"-_.:/@,()=+%*[]~!";
    !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || MARKS.contains(&byte))
}

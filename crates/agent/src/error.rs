//! Why the agent could not run: what happened, whose fault, what to do.

use crate::{KeysError, NotAdded, TagsFileError};
use muster_serf::TagsTooLong;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

/// Why the agent could not run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The gossip address could not be bound.
    #[error("cannot bind {transport} {addr} for gossip: {}", why_not_bound(cause))]
    Bind {
        /// `UDP` or `TCP`.
        transport: &'static str,
        /// The address.
        addr: SocketAddr,
        /// The system's words.
        cause: io::Error,
    },
    /// Another agent answers on the control socket.
    #[error("an agent already runs behind {}: stop it, or give this one another control socket", socket.display())]
    SocketInUse {
        /// The socket's path.
        socket: PathBuf,
    },
    /// The control socket cannot be made.
    #[error("cannot make the control socket {}: {reason}", socket.display())]
    Socket {
        /// The socket's path.
        socket: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The address of Serf's RPC could not be bound.
    #[error("cannot serve Serf's RPC on {addr}: {}", why_no_rpc(cause))]
    Rpc {
        /// The address.
        addr: SocketAddr,
        /// The system's words.
        cause: io::Error,
    },
    /// The admin address could not be bound.
    #[error("cannot serve metrics and health on {addr}: {cause}; choose another `[admin] listen`, or `off`")]
    Admin {
        /// The address.
        addr: SocketAddr,
        /// The system's words.
        cause: io::Error,
    },
    /// Others cannot be found by multicast DNS.
    #[error("cannot discover agents of {name:?} by multicast DNS: {cause}")]
    Discover {
        /// The name to be discovered.
        name: String,
        /// What is wrong.
        cause: String,
    },
    /// The tags do not fit into a member's meta.
    #[error("{0}; shorten or remove tags")]
    Tags(#[from] TagsTooLong),
    /// The tags file cannot be used.
    #[error(transparent)]
    TagsFile(#[from] TagsFileError),
    /// The gossip keys cannot be used.
    #[error("cannot use the gossip keys: {0}")]
    Keys(#[from] KeysError),
    /// The snapshot cannot be read, or nothing be added to it.
    #[error("cannot use the snapshot {}: {cause}; mend or remove it, or name another", path.display())]
    Snapshot {
        /// The file.
        path: PathBuf,
        /// The system's words.
        cause: io::Error,
    },
    /// The interface to gossip on is not there or has not the address.
    #[error("{0}")]
    Interface(String),
    /// There is no address that others could reach.
    #[error("cannot choose an address to advertise: {0}")]
    Advertise(String),
    /// A seed is not a host or an address.
    #[error("cannot join {seed:?}: {reason}; write HOST, HOST:PORT or NAME/HOST:PORT")]
    Seed {
        /// As typed.
        seed: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The node has no usable name.
    #[error("the node name {name:?} cannot be used: {reason}")]
    Name {
        /// As given.
        name: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// `-join-strict` and no seed answered, or the last retry failed.
    #[error("no seed could be joined: {0}")]
    JoinFailed(String),
    /// A configured handler cannot be one of this node's.
    #[error("cannot have a configured handler: {0}")]
    Handler(#[from] NotAdded),
    /// The system gave no thread, timer or event queue.
    #[error("the system refuses to run the agent: {0}")]
    System(#[source] io::Error),
    /// Another node of our name has the cluster behind it.
    #[error(
        "the name {name:?} belongs to the node at {holder}, as {votes} of {answers} members say: give this node another name"
    )]
    NameTaken {
        /// Our name.
        name: String,
        /// Where its holder is.
        holder: SocketAddr,
        /// How many members know the holder by it.
        votes: usize,
        /// Of how many that answered.
        answers: usize,
    },
    /// The gossip thread panicked: a fault of ours.
    #[error("the gossip thread ended by a fault of its own; please report the log lines above")]
    GossipEnded,
}

fn why_not_bound(cause: &io::Error) -> String {
    with_hint(cause, "another agent or Serf uses it; stop that one, or bind to another address or port")
}

fn why_no_rpc(cause: &io::Error) -> String {
    with_hint(
        cause,
        "another agent or Serf on this host uses it; stop that one, choose another address with `rpc_addr`, or write \
         `rpc_addr = \"off\"`",
    )
}

fn with_hint(cause: &io::Error, in_use: &'static str) -> String {
    let hint = match cause.kind() {
        io::ErrorKind::AddrInUse => in_use,
        io::ErrorKind::AddrNotAvailable => "no interface of this host has this address",
        io::ErrorKind::PermissionDenied => "ports below 1024 need privileges; choose another",
        _ => return cause.to_string(),
    };
    format!("{cause}; {hint}")
}

//! Steers a real HAProxy: `muster_haproxy` plans, this asks, obeys and waits.
//!
//! | idea | file |
//! |---|---|
//! | which HAProxy, and how it reloads | `config` |
//! | one question, one answer, in time | `socket` |
//! | from what runs to what is wanted | `driver` |
//! | which text a HAProxy runs that somebody else started | `identity` |
//! | one process of HAProxy, and when it read its file | `stamp` |
//! | who is between two states, for whoever drives next | `journal` |
//! | what is in flight where a server was before | `moved` |
//! | newcomers that must answer, leavers that must finish | `guests` |
//! | how long newcomers wait, and for whom | `door` |
//! | a new worker in place of the old one | `reload` |
//! | what a command that reloads says | `said` |
//!
//! The file that HAProxy is started with is somebody else's to write, whole and before [`Driver::apply`], between two
//! [`Driver::look`]s; so whatever becomes of the driver, the file and a HAProxy that starts anew agree.

mod config;
mod door;
mod driver;
mod guests;
mod identity;
mod journal;
mod moved;
mod reload;
mod said;
mod socket;
mod stamp;

pub use config::{Config, Reload};
pub use driver::{Applied, Driver};
pub use muster_haproxy::{CONFIG_BYTES_MAX, Load, ServerName, lint};

/// Why HAProxy is not what is wanted; it goes on with what it ran before.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the words say it")]
pub enum Failed {
    #[error("HAProxy does not answer on {socket}: {cause}")]
    Silent { socket: String, cause: std::io::Error },
    #[error("what answers on {socket} is no HAProxy that could be steered: {said}")]
    Stranger { socket: String, said: String },
    #[error("{0}")]
    TooLong(#[from] muster_haproxy::TooLong),
    #[error("HAProxy refuses to reload, and goes on as before: {0}")]
    Refused(String),
    #[error("no new worker of HAProxy within {within:?}; its log says why")]
    NoWorker { within: std::time::Duration },
    #[error(
        "{count} old workers of HAProxy still finish what they have; another reload waits until one ends (`hard-stop-after` in \
         its configuration bounds that)"
    )]
    OldWorkers { count: usize },
    #[error("the command that reloads HAProxy failed: {0}")]
    Command(String),
}

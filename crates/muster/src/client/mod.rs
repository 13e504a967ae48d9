//! Commands that talk to this node's agent over its control socket, with Serf's words in answer.
//!
//! Answers go to standard output and errors to standard error, unlike in Serf, where both go to standard output.

pub(crate) mod event;
pub(crate) mod force_leave;
pub(crate) mod handlers;
pub(crate) mod health;
pub(crate) mod history;
pub(crate) mod info;
pub(crate) mod join;
pub(crate) mod keys;
pub(crate) mod leave;
pub(crate) mod members;
pub(crate) mod monitor;
pub(crate) mod query;
pub(crate) mod reachability;
pub(crate) mod rtt;
pub(crate) mod tags;
pub(crate) mod templates;
pub(crate) mod version;
pub(crate) mod why;

use crate::cli::{Configured, scope};
use crate::config::{Origin, keys as config_keys, load};
use crate::out;
use muster_control::client::{Client, Error};
use std::process::ExitCode;
use std::time::Duration;

/// Asks one question, and ends with what `show` makes of the answer. `what` completes "cannot ...".
fn ask<T>(
    configured: Configured<scope::Node>,
    what: &str,
    question: impl AsyncFnOnce(&Client) -> Result<T, Error>,
    show: impl FnOnce(&T) -> String,
) -> ExitCode {
    talk(configured, what, async |client| Ok(out::answer(&show(&question(client).await?))))
}

/// Holds a conversation that says itself how it ends, unless it fails. `what` completes "cannot ...".
pub(crate) fn talk(
    configured: Configured<scope::Node>,
    what: &str,
    conversation: impl AsyncFnOnce(&Client) -> Result<ExitCode, Error>,
) -> ExitCode {
    // Only the socket matters here: whatever else is wrong with the configuration is the agent's to tell.
    let settings = load(&configured.sources()).settings;
    let socket = settings.text(&config_keys::SOCKET);
    if socket.is_empty() {
        let why =
            "there is no usual place for the agent's socket here; name it with --socket or MUSTER_SOCKET";
        return out::fail(&format_args!("cannot {what}: {why}"));
    }
    let client = Client::new(socket);
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return out::fail(&format_args!("cannot {what}: {error}")),
    };
    match runtime.block_on(conversation(&client)) {
        Ok(end) => end,
        Err(error) => {
            out::say(&format_args!("cannot {what}: {error}"));
            if matches!(error, Error::Unreachable { .. }) {
                hint(settings.origin(&config_keys::SOCKET));
            }
            crate::exit::FAILED
        }
    }
}

/// Milliseconds while they are few, then seconds and more.
fn time(millis: u64) -> String {
    let rounded = if millis < 10_000 { millis } else { millis / 1000 * 1000 };
    humantime::format_duration(Duration::from_millis(rounded)).to_string()
}

fn hint(origin: &Origin) {
    match origin {
        Origin::Default => out::say(&"--socket PATH or MUSTER_SOCKET name another socket"),
        chosen => out::say(&format_args!(
            "that socket was named by {chosen}; --socket PATH or MUSTER_SOCKET name another"
        )),
    }
}

//! Servers between two states: newcomers that have to answer before they get requests, and leavers that finish theirs.
//!
//! A server in maintenance is not checked by HAProxy, so its own checks cannot say when a newcomer may begin; and with them it
//! would begin as up. One connection from here says it.

use crate::socket::Socket;
use futures_util::future::join_all;
use muster_haproxy::{Change, Command, Leaving, Load, New, ServerName, loads};
use std::collections::BTreeMap;
use std::io;
use std::ops::Bound;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::timeout;

/// So long a newcomer may take to accept a connection, each time.
const CONNECT_WITHIN: Duration = Duration::from_millis(250);
/// Newcomers that are connected to at a time.
const CONNECTS_MAX: usize = 128;

/// Both kinds.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Guests {
    pub(crate) entering: BTreeMap<ServerName, New>,
    pub(crate) leaving: BTreeMap<ServerName, Leaving>,
}

impl Guests {
    pub(crate) fn is_empty(&self) -> bool {
        self.entering.is_empty() && self.leaving.is_empty()
    }

    pub(crate) fn are(&self, name: &ServerName) -> bool {
        self.entering.contains_key(name) || self.leaving.contains_key(name)
    }

    /// A change was begun.
    pub(crate) fn note(&mut self, change: Change) {
        match change {
            Change::Add(name, new) => {
                self.entering.insert(name, new);
            }
            Change::Revive(name, _) => {
                self.leaving.remove(&name);
            }
            Change::Remove(name, leaving, _) => {
                self.entering.remove(&name);
                self.leaving.insert(name, leaving);
            }
            Change::Address(name, addr) => {
                if let Some(new) = self.entering.get_mut(&name) {
                    new.move_to(addr);
                }
            }
            Change::Weight(..) => {}
        }
    }

    /// Lets those newcomers in that answer. `last`: who was connected to last, so that each has its turn.
    pub(crate) async fn admit(&mut self, socket: &Socket, last: &mut Option<ServerName>) -> io::Result<()> {
        let behind = last.as_ref().map_or(Bound::Unbounded, Bound::Excluded);
        let asked: Vec<(ServerName, New)> = self
            .entering
            .range::<ServerName, _>((behind, Bound::Unbounded))
            .chain(self.entering.iter())
            .take(CONNECTS_MAX.min(self.entering.len()))
            .map(|(name, new)| (name.clone(), new.clone()))
            .collect();
        *last = asked.last().map(|(name, _)| name.clone());
        let answers = join_all(asked.iter().map(|(_, new)| answers(new))).await;
        for ((name, new), answers) in asked.into_iter().zip(answers) {
            if answers {
                let is_in = obey(socket, Change::ready(&name, &new)).await?;
                self.entering.remove(&name);
                if !is_in {
                    tracing::warn!("HAProxy does not let {name} in, which it has been told of");
                }
            }
        }
        Ok(())
    }

    /// Takes those leavers away that have nothing left to do.
    pub(crate) async fn dismiss(&mut self, socket: &Socket) -> io::Result<()> {
        if self.leaving.is_empty() {
            return Ok(());
        }
        let loads = loads(&socket.ask("show stat").await?);
        let here: BTreeMap<&ServerName, &Load> = loads.iter().map(|load| (&load.name, load)).collect();
        if !here.is_empty() {
            // Somebody may have deleted it.
            self.leaving.retain(|name, _| here.contains_key(name));
        }
        let is_busy = |name: &ServerName| here.get(name).is_some_and(|load| load.in_flight > 0);
        let idle: Vec<ServerName> = self.leaving.keys().filter(|name| !is_busy(name)).cloned().collect();
        for name in idle {
            // Refused as long as an idle connection holds it; then it stays for the next time, in maintenance.
            if obey(socket, Change::delete(&name)).await? {
                self.leaving.remove(&name);
            }
        }
        Ok(())
    }
}

async fn answers(new: &New) -> bool {
    match new.address() {
        // Nobody asks it for requests.
        _ if new.is_disabled() => true,
        Some(addr) => {
            timeout(CONNECT_WITHIN, TcpStream::connect(addr)).await.is_ok_and(|stream| stream.is_ok())
        }
        None => true,
    }
}

/// Whether HAProxy obeyed all of them.
async fn obey(socket: &Socket, commands: Vec<Command>) -> io::Result<bool> {
    for command in commands {
        let reply = socket.ask(&command.text).await?;
        if let Some(why) = command.refusal(&reply) {
            tracing::debug!("HAProxy: {why}");
            return Ok(false);
        }
    }
    Ok(true)
}

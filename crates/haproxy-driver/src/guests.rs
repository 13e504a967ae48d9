//! Servers between two states: newcomers that have to answer before they get requests, and leavers that finish theirs.
//!
//! A server in maintenance is not checked by HAProxy, so its own checks cannot say when a newcomer may begin; and with them it
//! would begin as up. One connection from here says it, at once. Where none succeeds for a while (`door`), as somebody may be
//! reached by HAProxy only, its check decides: on a drained server, which is checked and gets nothing.

use crate::door::Door;
use crate::socket::Socket;
use futures_util::future::join_all;
use muster_haproxy::{Change, Command, Leaving, Load, New, ServerName, loads};
use std::collections::BTreeMap;
use std::io;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::timeout;

/// So long a newcomer may take to accept a connection, each time.
const CONNECT_WITHIN: Duration = Duration::from_millis(250);
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

    /// Lets those newcomers in that answer, or that HAProxy has checked; what it has against one, if anything.
    pub(crate) async fn admit(&mut self, socket: &Socket, door: &mut Door) -> io::Result<Option<String>> {
        door.look(&self.entering);
        let asked = door.next(&self.entering);
        let answers = join_all(asked.iter().map(|(_, new)| answers(new))).await;
        let mut is_judged = door.judged(socket).await?;
        for ((name, _), answers) in asked.iter().zip(answers) {
            match answers {
                Ok(()) => {
                    is_judged.insert(name.clone());
                }
                Err(why) => door.waits(name, why),
            }
        }
        for name in is_judged {
            let Some(new) = self.entering.get(&name) else { continue };
            if let Some(why) = obey(socket, Change::ready(&name, new)).await? {
                return Ok(Some(format!("HAProxy does not let {name} in: {why}")));
            }
            self.entering.remove(&name);
        }
        for (name, new) in &self.entering {
            if let Some(why) = door.examine(socket, name, new).await? {
                return Ok(Some(format!("HAProxy does not check {name}: {why}")));
            }
        }
        Ok(None)
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
            if obey(socket, Change::delete(&name)).await?.is_none() {
                self.leaving.remove(&name);
            }
        }
        Ok(())
    }
}

/// Whether it accepts a connection; else why not.
async fn answers(new: &New) -> Result<(), String> {
    let Some(addr) = new.address().filter(|_| !new.is_disabled()) else {
        // Nobody asks it for requests.
        return Ok(());
    };
    match timeout(CONNECT_WITHIN, TcpStream::connect(addr)).await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) => Err(format!("{addr}: {error}")),
        Err(_) => Err(format!("{addr}: no answer within {CONNECT_WITHIN:?}")),
    }
}

/// What HAProxy had against the first that it did not obey, if any.
pub(crate) async fn obey(socket: &Socket, commands: Vec<Command>) -> io::Result<Option<String>> {
    for command in commands {
        let reply = socket.ask(&command.text).await?;
        if let Some(why) = command.refusal(&reply) {
            tracing::debug!("HAProxy: {why}");
            return Ok(Some(why));
        }
    }
    Ok(None)
}

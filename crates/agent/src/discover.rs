//! Agents of one network segment find each other by multicast DNS (RFC 6762), as Serf's do with `-discover NAME`.
//!
//! Each answers who asks for the service `_serf_NAME._tcp.local.`, and asks itself at its start and every minute; where no live
//! member is at an address that it hears of, it joins. Serf tries each address once in its life; here one is tried again for as
//! long as nobody lives there, so that a cluster also comes together after an outage of everything.
//!
//! | file | idea |
//! |---|---|
//! | `zone` | question in, answer out |
//! | `peers` | the question, and what answers tell |
//! | `sockets` | the multicast groups |

mod peers;
mod sockets;
mod zone;

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use muster_serf::{Member, Status};
use tokio::net::UdpSocket;
use tokio::time::{Instant, sleep_until, timeout_at};

use crate::Error;
use crate::join::Joiner;
use crate::roster::Roster;
use crate::seed::{Host, Seed};
use zone::Zone;

/// How Serf paces it (cmd/serf/command/agent/mdns.go): from question to question,
const ASK_EVERY: Duration = Duration::from_secs(60);
/// from a question to the last answer that counts,
const LISTEN: Duration = Duration::from_secs(1);
/// and from the last new answer to joining.
const QUIET: Duration = Duration::from_millis(100);
/// Addresses taken from the answers to one question: whoever is on the network can tell any number.
const FOUND_MAX: usize = 256;
/// The largest datagram of multicast DNS (RFC 6762, 17).
const DATAGRAM_BYTES_MAX: usize = 9000;

/// What to discover, and where.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Discover {
    /// The name under which agents find each other.
    pub name: String,
    /// The interface, if it is not the system's choice.
    pub interface: Option<String>,
    /// Over IPv4.
    pub v4: bool,
    /// Over IPv6.
    pub v6: bool,
}

/// Answers and asks for as long as the agent lives.
pub(crate) struct Parts {
    pub(crate) joiner: Joiner,
    pub(crate) roster: Arc<Roster>,
    pub(crate) node: String,
    pub(crate) replay: bool,
}

/// Starts both.
///
/// # Errors
/// When no multicast group can be joined, or a name is none that DNS can carry.
pub(crate) fn start(discover: &Discover, parts: Parts) -> Result<(), Error> {
    let refuse = |cause: String| Error::Discover { name: discover.name.clone(), cause };
    let zone =
        Zone::new(&discover.name, &parts.node, &host_name(), parts.joiner.advertised).map_err(refuse)?;
    let sockets = sockets::open(discover).map_err(refuse)?;
    let zone = Arc::new(zone);
    for socket in sockets.listening {
        tokio::spawn(answer(socket, Arc::clone(&zone)));
    }
    tokio::spawn(seek(sockets.asking, zone, parts));
    Ok(())
}

/// The host's own name, under which its address is told. Nobody asks for it.
fn host_name() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

async fn answer(socket: UdpSocket, zone: Arc<Zone>) {
    let mut buffer = vec![0; DATAGRAM_BYTES_MAX];
    loop {
        // An error concerns one datagram; the socket's end is the agent's.
        let Ok((length, from)) = socket.recv_from(&mut buffer).await else {
            tokio::time::sleep(QUIET).await;
            continue;
        };
        if let Some(answer) = zone.answer(&buffer[..length]) {
            // Straight to the asker, whatever it wishes, as Serf does.
            let _ = socket.send_to(&answer, from).await;
        }
    }
}

async fn seek(sockets: Vec<(UdpSocket, SocketAddr)>, zone: Arc<Zone>, parts: Parts) {
    loop {
        let next = Instant::now() + ASK_EVERY;
        let found = ask(&sockets, &zone).await;
        let is_there = |member: &Member| matches!(member.status, Status::Alive | Status::Leaving);
        let present: BTreeSet<SocketAddr> = parts.roster.look(|members| {
            members.values().filter(|one| is_there(one)).map(|one| one.socket_addr()).collect()
        });
        for addr in found.difference(&present) {
            let seed = Seed { text: addr.to_string(), host: Host::Ip(addr.ip()), port: addr.port() };
            let tried = parts.joiner.try_seed(&seed, parts.replay).await;
            if !tried.joined.is_empty() {
                tracing::info!(%addr, "joined a member found by multicast DNS");
            }
            for why in tried.failures {
                tracing::warn!(
                    "a member found by multicast DNS cannot be joined: {why}; trying again in a minute"
                );
            }
        }
        sleep_until(next).await;
    }
}

/// Asks on every socket; the addresses that answers told.
async fn ask(sockets: &[(UdpSocket, SocketAddr)], zone: &Zone) -> BTreeSet<SocketAddr> {
    let question = peers::question(zone.service());
    for (socket, group) in sockets {
        if let Err(error) = socket.send_to(&question, group).await {
            tracing::warn!(%group, "cannot ask by multicast DNS: {error}");
        }
    }
    let (mut found, mut until) = (BTreeSet::new(), Instant::now() + LISTEN);
    let mut buffers: Vec<_> = sockets.iter().map(|_| vec![0; DATAGRAM_BYTES_MAX]).collect();
    loop {
        let reading = sockets.iter().zip(&mut buffers).map(|((socket, _), buffer)| {
            Box::pin(
                async move { socket.recv_from(buffer).await.map(|(length, _)| buffer[..length].to_vec()) },
            )
        });
        let Ok((read, ..)) = timeout_at(until, futures_util::future::select_all(reading)).await else {
            return found;
        };
        // An error is one of an earlier question (no route), and told there.
        let before = found.len();
        found.extend(peers::told(&read.unwrap_or_default(), zone.service()));
        while found.len() > FOUND_MAX {
            found.pop_last();
        }
        if found.len() > before {
            until = until.min(Instant::now() + QUIET);
        }
    }
}

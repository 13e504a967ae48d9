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
//! | `seek` | asking, and joining who answers |
//! | `sockets` | the multicast groups |

mod peers;
mod seek;
mod sockets;
mod zone;

use std::sync::Arc;
use std::time::Duration;

use tokio::net::UdpSocket;

use crate::Error;
use crate::join::Joiner;
use crate::roster::Roster;
use zone::Zone;

/// After an error of a socket, before it is read again.
const PAUSE: Duration = Duration::from_millis(100);
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

/// What it takes of the agent.
pub(crate) struct Parts {
    pub(crate) joiner: Joiner,
    pub(crate) roster: Arc<Roster>,
    pub(crate) node: String,
    pub(crate) replay: bool,
}

/// Answers and asks from now on, for as long as the agent lives.
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
    tokio::spawn(seek::seek(sockets.asking, zone, parts));
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
            tokio::time::sleep(PAUSE).await;
            continue;
        };
        if !sockets::is_near(from.ip()) {
            continue;
        }
        if let Some(answer) = zone.answer(&buffer[..length]) {
            // Straight to the asker, whatever it wishes, as Serf does.
            let _ = socket.send_to(&answer, from).await;
        }
    }
}

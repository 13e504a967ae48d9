//! The agent's side of its talk with the supervisor of its node: PID 1, which knows which services are ready and when all of it is
//! to end. The messages are in `crates/init/src/cluster.rs`.

use crate::chronicle::own;
use crate::drain::{DRAIN, NOTHING_IN_FLIGHT};
use crate::gossip::{Answer, Handle, Question};
use crate::own_tags::OwnTags;
use crate::readiness::{BALANCES, CONTRACT, Readiness};
use crate::roster::Roster;
use crate::shared::Shared;
use muster_serf::{QueryParams, Status};
use std::collections::BTreeSet;
use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::UnixDatagram;

/// A longer message is none of PID 1's: 256 services with names of 64 bytes are shorter.
const MESSAGE_BYTES_MAX: usize = 32 << 10;
/// How long one question waits for its answers; after that those who gave none are asked again.
const ASKED_FOR: Duration = Duration::from_millis(1_500);

/// How long a node that knows nobody waits for company before it says that it has none. (A tenth of the whole is 0.9 s.)
const COMPANY_WAIT: Duration = Duration::from_millis(300);

/// What PID 1 says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Said {
    /// These services are ready, and no others.
    Ready(BTreeSet<String>),
    /// Take the node out of traffic.
    Retire,
}

/// The socket that PID 1 gave us. (Its type keeps messages apart, as a datagram's; that is all that is asked of it here.)
#[derive(Debug)]
pub(crate) struct Supervisor(std::os::unix::net::UnixDatagram);

/// What is to be known before the first word to the cluster.
#[derive(Debug)]
pub(crate) struct Beginning {
    pub(crate) readiness: Readiness,
    retire: bool,
}

impl Supervisor {
    /// Takes over what PID 1 handed down.
    pub(crate) fn new(socket: OwnedFd) -> io::Result<Self> {
        let socket = std::os::unix::net::UnixDatagram::from(socket);
        socket.set_nonblocking(true)?;
        Ok(Self(socket))
    }

    /// What was said before we began. Until PID 1 says otherwise, nothing is ready.
    pub(crate) fn begin(&self) -> Beginning {
        let mut beginning = Beginning { readiness: Readiness::Ready(BTreeSet::new()), retire: false };
        let mut buffer = vec![0; MESSAGE_BYTES_MAX];
        while let Ok(count @ 1..) = self.0.recv(&mut buffer) {
            match buffer.get(..count).and_then(understand) {
                Some(Said::Ready(_)) if beginning.retire => {}
                Some(Said::Ready(names)) => beginning.readiness = Readiness::Ready(names),
                Some(Said::Retire) => (beginning.readiness, beginning.retire) = (Readiness::Retired, true),
                None => tracing::warn!("PID 1 said something that is not understood"),
            }
        }
        beginning
    }

    /// Does what PID 1 says, until it says nothing more or nothing can be done any more.
    pub(crate) async fn obey(self, beginning: Beginning, shared: Arc<Shared>) {
        let socket = match UnixDatagram::from_std(self.0) {
            Ok(socket) => socket,
            Err(cause) => return tracing::error!(%cause, "PID 1 cannot be listened to"),
        };
        if beginning.retire {
            return retire(&socket, &shared).await;
        }
        let mut buffer = vec![0; MESSAGE_BYTES_MAX];
        loop {
            match socket.recv(&mut buffer).await {
                Ok(0) => return tracing::warn!("PID 1 does not speak to us any more"),
                Ok(count) => match buffer.get(..count).and_then(understand) {
                    Some(Said::Ready(names)) => {
                        let list = names.iter().map(String::as_str).collect::<Vec<_>>().join(",");
                        let why = format!("PID 1 says that these are ready: {list}");
                        shared.history.record(own(&shared.node, "readiness", "ready", why));
                        tell(&shared.tags, Readiness::Ready(names)).await;
                    }
                    Some(Said::Retire) => return retire(&socket, &shared).await,
                    None => tracing::warn!("PID 1 said something that is not understood"),
                },
                Err(cause) => return tracing::warn!(%cause, "PID 1 cannot be listened to"),
            }
        }
    }
}

/// To PID 1.
async fn say(socket: &UnixDatagram, text: &str) {
    if let Err(cause) = socket.send(text.as_bytes()).await {
        tracing::warn!(%cause, "PID 1 cannot be told: {text}");
    }
}

fn understand(message: &[u8]) -> Option<Said> {
    let text = std::str::from_utf8(message).ok()?;
    if text == "retire" {
        return Some(Said::Retire);
    }
    let names = text.strip_prefix("ready ")?;
    Some(Said::Ready(names.split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect()))
}

async fn tell(tags: &OwnTags, readiness: Readiness) {
    if let Err(cause) = tags.be(readiness).await {
        tracing::error!("the cluster cannot be told what is ready: {cause}");
    }
}

async fn retire(socket: &UnixDatagram, shared: &Shared) {
    tracing::info!("retiring: no new requests from now on");
    shared.history.record(own(&shared.node, "readiness", "retiring", "PID 1 ends the node"));
    tell(&shared.tags, Readiness::Retired).await;
    // One that was just started knows nobody yet.
    let _ = tokio::time::timeout(COMPANY_WAIT, company(&shared.roster)).await;
    let (ours, plain) = who_balances(&shared.roster);
    let whom = match (ours.is_empty(), plain) {
        (true, false) => "retiring nobody",
        (false, false) => "retiring ours",
        (true, true) => "retiring plain",
        (false, true) => "retiring both",
    };
    say(socket, whom).await;
    drained(&shared.gossip, &shared.roster).await;
    say(socket, "drained").await;
}

/// Returns when anybody else is known to be alive.
async fn company(roster: &Roster) {
    let mut revisions = roster.revisions();
    while !roster.has_company() {
        if revisions.changed().await.is_err() {
            return;
        }
    }
}

/// The names of those that answer, and whether anybody may balance that does not.
fn who_balances(roster: &Roster) -> (BTreeSet<String>, bool) {
    roster.look(|members| {
        // Ourselves too: a node that balances sends requests to itself.
        let present = members.values().filter(|member| member.status == Status::Alive);
        let (mut ours, mut plain) = (BTreeSet::new(), false);
        for member in present {
            let tags = member.tags();
            let has = |(name, value): (&str, &str)| tags.get(name).is_some_and(|text| text.trim() == value);
            match (has(CONTRACT), has(BALANCES)) {
                (true, true) => drop(ours.insert(String::from(&*member.name))),
                (true, false) => {}
                (false, _) => plain |= !roster.is_own(&member.name),
            }
        }
        (ours, plain)
    })
}

/// Returns when all of ours that are alive have answered.
async fn drained(gossip: &Handle, roster: &Roster) {
    let mut answered = BTreeSet::new();
    loop {
        let (ours, _) = who_balances(roster);
        let missing: Vec<String> = ours.difference(&answered).cloned().collect();
        if missing.is_empty() {
            return;
        }
        let params = QueryParams {
            tags: [CONTRACT, BALANCES].map(|(tag, value)| (tag.to_owned(), format!("^{value}$"))).into(),
            straight: true,
            timeout: Some(ASKED_FOR),
            ..QueryParams::default()
        };
        let question = Question::Query { name: DRAIN.to_owned(), payload: Vec::new(), params };
        let Ok(Ok(mut answers)) = gossip.query(question).await else {
            // Too many questions at a time; or we are ending.
            tokio::time::sleep(ASKED_FOR).await;
            continue;
        };
        while let Some(answer) = answers.next().await {
            if let Answer::Response { from, payload } = answer
                && payload == NOTHING_IN_FLIGHT
            {
                answered.insert(from);
                if ours.is_subset(&answered) {
                    break;
                }
            }
        }
        let silent: Vec<&String> = missing.iter().filter(|name| !answered.contains(*name)).collect();
        if !silent.is_empty() {
            tracing::info!(waiting_for = ?silent, "not every balancer has let go of this node yet");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::roster::tests::{member, roster, tagged};
    use rustix::net::{AddressFamily, SendFlags, SocketFlags, SocketType, send, socketpair};

    fn names(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn what_waits_is_read_before_the_cluster_is_told_anything() {
        let (theirs, ours) =
            socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None).unwrap();
        let supervisor = Supervisor::new(ours).unwrap();
        assert_eq!(supervisor.begin().readiness, Readiness::Ready(names(&[])), "nothing said: nothing ready");
        for message in [&b"ready web,api"[..], b"\xff", b"what", b"ready web"] {
            send(&theirs, message, SendFlags::empty()).unwrap();
        }
        assert_eq!(supervisor.begin().readiness, Readiness::Ready(names(&["web"])));
        send(&theirs, b"retire", SendFlags::empty()).unwrap();
        send(&theirs, b"ready web", SendFlags::empty()).unwrap();
        assert_eq!(supervisor.begin().readiness, Readiness::Retired);
    }

    #[test]
    fn those_that_answer_are_told_from_those_that_cannot() {
        let (inbox, roster) = roster();
        let ours = [CONTRACT, BALANCES];
        inbox.put(member("me", Status::Alive));
        inbox.put(tagged("lb", Status::Alive, &ours));
        inbox.put(tagged("gone", Status::Failed, &ours));
        inbox.put(tagged("web", Status::Alive, &[CONTRACT]));
        assert_eq!(who_balances(&roster), (names(&["lb"]), false));
        inbox.put(member("serf", Status::Alive));
        assert_eq!(who_balances(&roster), (names(&["lb"]), true));
        inbox.put(member("serf", Status::Left));
        assert_eq!(who_balances(&roster), (names(&["lb"]), false));
        inbox.put(tagged("me", Status::Alive, &ours));
        assert_eq!(who_balances(&roster), (names(&["lb", "me"]), false), "it sends requests to itself");
    }
}

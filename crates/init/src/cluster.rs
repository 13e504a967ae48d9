//! What PID 1 and the agent tell each other, on a pair of sockets that outlives the agent's process.
//!
//! | from | message | means |
//! |---|---|---|
//! | PID 1 | `ready NAME,NAME` | these services of the node are ready, and no others |
//! | PID 1 | `retire` | take the node out of traffic |
//! | agent | `retiring nobody`, `ours`, `plain`, `both` | that is done, and these balancers are to be waited for |
//! | agent | `drained` | all of ours have nothing in flight here |
//!
//! A message is one datagram (`SOCK_SEQPACKET`), so that an agent that dies leaves no half of one behind. Each says the whole of
//! what it is about: a new agent reads what waits, and the last word counts.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use muster_supervise::{Waiting, Word};
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, recv, send, socketpair};

use crate::sockets::raised;

/// Ours are far shorter; longer ones are cut and so not understood.
const MESSAGE_BYTES_MAX: usize = 256;

/// Our end, and the agent's, which we keep for its successor.
#[derive(Debug)]
pub(crate) struct Cluster {
    ours: OwnedFd,
    theirs: OwnedFd,
    /// What the agent is to know, in the order in which it has to.
    ready: String,
    retiring: bool,
    /// It does not yet: nobody read what came before.
    unsaid: bool,
}

impl Cluster {
    pub(crate) fn new() -> io::Result<Self> {
        let (ours, theirs) =
            socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)?;
        Ok(Self {
            ours: raised(ours)?,
            theirs: raised(theirs)?,
            ready: String::new(),
            retiring: false,
            unsaid: true,
        })
    }

    /// The agent's end.
    pub(crate) fn theirs(&self) -> BorrowedFd<'_> {
        self.theirs.as_fd()
    }

    /// What to wait on for its words.
    pub(crate) fn ours(&self) -> BorrowedFd<'_> {
        self.ours.as_fd()
    }

    /// Whether to wait until more can be said.
    pub(crate) fn has_more_to_say(&self) -> bool {
        self.unsaid
    }

    /// These services are ready, and no others.
    pub(crate) fn say_ready(&mut self, names: &[&str]) {
        let ready = names.join(",");
        if ready != self.ready {
            self.ready = ready;
            self.unsaid = true;
            self.speak();
        }
    }

    pub(crate) fn say_retire(&mut self) {
        self.retiring = true;
        self.unsaid = true;
        self.speak();
    }

    /// A new agent is about to be started: it is told everything.
    pub(crate) fn begin_anew(&mut self) {
        self.unsaid = true;
        self.speak();
    }

    /// Says what is unsaid, unless nobody reads.
    pub(crate) fn speak(&mut self) {
        if !self.unsaid {
            return;
        }
        let say = |text: &str| send(&self.ours, text.as_bytes(), SendFlags::DONTWAIT | SendFlags::NOSIGNAL);
        let said = say(&format!("ready {}", self.ready))
            .and_then(|_| if self.retiring { say("retire") } else { Ok(0) });
        self.unsaid = said.is_err();
    }

    /// The next word of the agent.
    pub(crate) fn word(&self) -> Option<Word> {
        let mut buffer = [0_u8; MESSAGE_BYTES_MAX];
        loop {
            let (count, _) = recv(&self.ours, &mut buffer[..], RecvFlags::DONTWAIT).ok()?;
            if count == 0 {
                return None;
            }
            if let Some(word) = buffer.get(..count).and_then(understand) {
                return Some(word);
            }
        }
    }
}

fn understand(message: &[u8]) -> Option<Word> {
    let waiting = |ours, plain| Some(Word::Withdrawn(Waiting { ours, plain }));
    match message {
        b"retiring nobody" => waiting(false, false),
        b"retiring ours" => waiting(true, false),
        b"retiring plain" => waiting(false, true),
        b"retiring both" => waiting(true, true),
        b"drained" => Some(Word::Drained),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(cluster: &Cluster) -> Vec<String> {
        let mut buffer = [0; 512];
        std::iter::from_fn(|| {
            let (count, _) = recv(cluster.theirs(), &mut buffer[..], RecvFlags::DONTWAIT).ok()?;
            Some(String::from_utf8_lossy(&buffer[..count]).into_owned())
        })
        .collect()
    }

    #[test]
    fn an_agent_is_told_what_changed_and_its_successor_everything() {
        let mut cluster = Cluster::new().expect("a pair");
        cluster.begin_anew();
        cluster.say_ready(&["web", "api"]);
        cluster.say_ready(&["web", "api"]);
        assert_eq!(heard(&cluster), ["ready ", "ready web,api"]);
        cluster.say_retire();
        assert_eq!(heard(&cluster), ["ready web,api", "retire"]);
        cluster.begin_anew();
        assert_eq!(heard(&cluster), ["ready web,api", "retire"]);
    }

    #[test]
    fn an_agent_that_does_not_read_is_not_waited_for_and_learns_the_last_state() {
        let mut cluster = Cluster::new().expect("a pair");
        let names: Vec<String> = (0..5_000).map(|number| format!("service-{number}")).collect();
        for name in &names {
            cluster.say_ready(&[name]);
        }
        assert!(cluster.has_more_to_say());
        heard(&cluster);
        cluster.speak();
        assert_eq!(heard(&cluster), ["ready service-4999"]);
    }

    #[test]
    fn what_is_not_understood_is_passed_over() {
        let cluster = Cluster::new().expect("a pair");
        for message in [&b"retiring everybody"[..], &[0xff; 200], b"drained"] {
            send(cluster.theirs(), message, SendFlags::empty()).expect("sent");
        }
        assert_eq!(cluster.word(), Some(Word::Drained));
        assert_eq!(cluster.word(), None);
    }
}

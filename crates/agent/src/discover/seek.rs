//! Asking the segment who is there, and joining who answers.
//!
//! Answers come when they come: at once from the next process, a quarter of a second later over a radio network that wakes its
//! stations for multicast. So the whole second counts, and who has answered does not wait for the others: joining begins when
//! nothing new came for a moment, and what comes meanwhile waits in the sockets. Serf paces it so too
//! (cmd/serf/command/agent/mdns.go; the second is that of hashicorp/mdns).

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::select_all;
use futures_util::{StreamExt, stream};
use muster_serf::{Member, Status};
use tokio::net::UdpSocket;
use tokio::time::{Instant, sleep_until, timeout_at};

use super::zone::Zone;
use super::{DATAGRAM_BYTES_MAX, Parts, peers};
use crate::join::SEEDS_AT_ONCE;
use crate::seed::{Host, Seed};

/// From question to question,
const ASK_EVERY: Duration = Duration::from_secs(60);
/// from a question to the last answer that counts,
const LISTEN: Duration = Duration::from_secs(1);
/// and from the last new answer to joining.
const QUIET: Duration = Duration::from_millis(100);
/// What is taken of the answers to one question: whoever is on the network can send any number.
const FOUND_MAX: usize = 256;
const DATAGRAMS_MAX: usize = 2048;

/// Asks for as long as the agent lives.
pub(super) async fn seek(sockets: Vec<(UdpSocket, SocketAddr)>, zone: Arc<Zone>, parts: Parts) {
    loop {
        let next = Instant::now() + ASK_EVERY;
        let mut question = Question::ask(&sockets, &zone, LISTEN).await;
        loop {
            let found = question.answers().await;
            if found.is_empty() {
                break;
            }
            join(found, &parts).await;
        }
        sleep_until(next).await;
    }
}

/// Joins those who are not there already. One that is silent takes its time, and holds up only what comes after these.
async fn join(found: BTreeSet<SocketAddr>, parts: &Parts) {
    let is_there = |member: &Member| matches!(member.status, Status::Alive | Status::Leaving);
    let present: BTreeSet<SocketAddr> = parts
        .roster
        .look(|members| members.values().filter(|one| is_there(one)).map(|one| one.socket_addr()).collect());
    let absent = stream::iter(found.difference(&present));
    absent.for_each_concurrent(SEEDS_AT_ONCE, |addr| join_one(*addr, parts)).await;
}

async fn join_one(addr: SocketAddr, parts: &Parts) {
    let seed = Seed { text: addr.to_string(), host: Host::Ip(addr.ip()), port: addr.port() };
    let tried = parts.joiner.try_seed(&seed, parts.replay).await;
    if !tried.joined.is_empty() {
        tracing::info!(%addr, "joined a member found by multicast DNS");
    }
    for why in tried.failures {
        tracing::warn!(
            "a member found by multicast DNS cannot be joined: {why}; trying again in a minute, if it still answers"
        );
    }
}

/// One question, and what was heard since.
struct Question<'a> {
    sockets: &'a [(UdpSocket, SocketAddr)],
    zone: &'a Zone,
    until: Instant,
    /// Once full it takes no more, so that nobody pushes out who was here before.
    heard: BTreeSet<SocketAddr>,
    datagrams: usize,
}

impl<'a> Question<'a> {
    async fn ask(sockets: &'a [(UdpSocket, SocketAddr)], zone: &'a Zone, listen: Duration) -> Self {
        let question = peers::question(zone.service());
        for (socket, group) in sockets {
            if let Err(error) = socket.send_to(&question, group).await {
                tracing::warn!(%group, "cannot ask by multicast DNS: {error}");
            }
        }
        Self { sockets, zone, until: Instant::now() + listen, heard: BTreeSet::new(), datagrams: 0 }
    }

    /// Those who answered since the last call, once nobody new did for a moment; none when the time is over.
    async fn answers(&mut self) -> BTreeSet<SocketAddr> {
        let (mut new, mut until) = (BTreeSet::new(), self.until);
        while self.datagrams < DATAGRAMS_MAX {
            // What waits in a socket is read also when the time is over: it came while we joined others.
            let Ok(datagram) = timeout_at(until, receive(self.sockets)).await else { break };
            self.datagrams += 1;
            let before = new.len();
            for addr in peers::told(&datagram, self.zone) {
                if self.heard.len() < FOUND_MAX && self.heard.insert(addr) {
                    new.insert(addr);
                }
            }
            if new.len() > before {
                until = self.until.min(Instant::now() + QUIET);
            }
        }
        new
    }
}

/// The next datagram of any socket; an empty one for an error, which is one of an earlier question (no route) and was told there.
async fn receive(sockets: &[(UdpSocket, SocketAddr)]) -> Vec<u8> {
    let reading = sockets.iter().map(|(socket, _)| {
        Box::pin(async move {
            let mut buffer = vec![0; DATAGRAM_BYTES_MAX];
            let length = socket.recv_from(&mut buffer).await.map_or(0, |(length, _)| length);
            buffer.truncate(length);
            buffer
        })
    });
    select_all(reading).await.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zone(at: &str) -> Zone {
        Zone::new("lab", "node", "host", at.parse().unwrap()).unwrap()
    }

    /// A socket that asks, and one in the group's place that answers.
    async fn segment() -> ([(UdpSocket, SocketAddr); 1], UdpSocket) {
        let [asking, answering] =
            [UdpSocket::bind("127.0.0.1:0").await.unwrap(), UdpSocket::bind("127.0.0.1:0").await.unwrap()];
        let group = answering.local_addr().unwrap();
        ([(asking, group)], answering)
    }

    async fn hear(answering: &UdpSocket) -> (Vec<u8>, SocketAddr) {
        let mut buffer = [0; DATAGRAM_BYTES_MAX];
        let (length, asker) = answering.recv_from(&mut buffer).await.unwrap();
        (buffer[..length].to_vec(), asker)
    }

    async fn answer(answering: &UdpSocket, question: &[u8], asker: SocketAddr, at: &str) {
        answering.send_to(&zone(at).answer(question).unwrap(), asker).await.unwrap();
    }

    fn only(at: &str) -> BTreeSet<SocketAddr> {
        BTreeSet::from([at.parse().unwrap()])
    }

    #[tokio::test]
    async fn a_late_answer_counts_after_the_first_have_been_joined() {
        let (own, (sockets, answering)) = (zone("10.0.0.1:7946"), segment().await);
        let mut question = Question::ask(&sockets, &own, Duration::from_secs(3600)).await;
        let (asked, asker) = hear(&answering).await;
        // The agent's own answer is always the first.
        answer(&answering, &asked, asker, "10.0.0.1:7946").await;
        assert_eq!(question.answers().await, only("10.0.0.1:7946"));
        answer(&answering, &asked, asker, "10.0.0.1:7946").await;
        answer(&answering, &asked, asker, "10.0.0.2:7946").await;
        assert_eq!(question.answers().await, only("10.0.0.2:7946"), "and nobody twice");
    }

    #[tokio::test]
    async fn what_came_while_others_were_joined_is_read_though_the_time_is_over() {
        let (own, (sockets, answering)) = (zone("10.0.0.1:7946"), segment().await);
        let mut question = Question::ask(&sockets, &own, Duration::ZERO).await;
        let (asked, asker) = hear(&answering).await;
        answer(&answering, &asked, asker, "10.0.0.2:7946").await;
        sockets[0].0.readable().await.unwrap();
        assert_eq!(question.answers().await, only("10.0.0.2:7946"));
        assert_eq!(question.answers().await, BTreeSet::new());
    }

    #[tokio::test]
    async fn a_flood_pushes_nobody_out_who_came_before() {
        let (own, (sockets, answering)) = (zone("10.0.0.1:7946"), segment().await);
        let mut question = Question::ask(&sockets, &own, Duration::from_secs(3600)).await;
        let (asked, asker) = hear(&answering).await;
        answer(&answering, &asked, asker, "10.0.0.2:7946").await;
        let mut found = question.answers().await;
        for port in 1..u16::try_from(FOUND_MAX).unwrap() {
            answer(&answering, &asked, asker, &format!("10.0.0.1:{port}")).await;
            // Some at a time: a socket's buffer does not hold all of them.
            if port % 50 == 0 || usize::from(port) == FOUND_MAX - 1 {
                found.extend(question.answers().await);
            }
        }
        assert_eq!(found.len(), FOUND_MAX);
        answer(&answering, &asked, asker, "10.0.0.1:7946").await;
        sockets[0].0.readable().await.unwrap();
        question.until = Instant::now();
        assert_eq!(question.answers().await, BTreeSet::new());
    }
}

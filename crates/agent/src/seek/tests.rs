//! Seeking against a fake gossip thread, in virtual time.

use super::*;
use crate::gossip::testing::{Told, fake};
use crate::resolve::{Families, Resolver};
use crate::roster::Inbox;
use crate::roster::tests::{at, member, roster};
use muster_serf::Status;
use std::collections::VecDeque;
use std::net::IpAddr;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::task::JoinHandle;

const OWN: &str = "127.9.9.9:7946";

struct Test {
    seeker: Option<Seeker>,
    told: UnboundedReceiver<Told>,
    inbox: Arc<Inbox>,
    roster: Arc<Roster>,
}

/// A node that seeks `seeds`; joins are answered with `results` in turn, then fail.
fn seeking(seeds: &[&str], results: &[Result<(), &str>]) -> Test {
    let mut results: VecDeque<_> = results.iter().map(|result| result.map_err(str::to_owned)).collect();
    let (gossip, told) = fake(move |_| results.pop_front().unwrap_or_else(|| Err("refused".to_owned())));
    let bound = OWN.parse().unwrap();
    let resolver = Resolver::system(Families { v4: true, v6: false });
    let joiner = Joiner { gossip, resolver, bound, advertised: bound, advertise_chosen: false, room: None };
    let seeds = seeds.iter().map(|seed| Seed::parse(seed).unwrap()).collect();
    let (inbox, roster) = roster();
    let roster = Arc::new(roster);
    let seeker = Some(Seeker::new(
        joiner,
        seeds,
        Arc::clone(&roster),
        Pace { first_pause: Duration::from_millis(250), replay: false },
    ));
    Test { seeker, told, inbox, roster }
}

impl Test {
    fn keep(&mut self) -> JoinHandle<Result<Infallible, Error>> {
        tokio::spawn(self.seeker.take().unwrap().keep(0))
    }

    /// The next address contacted, and when.
    async fn contacted(&mut self) -> (SocketAddr, Instant) {
        // In virtual time, so that a test that waits in vain fails at once.
        let told = tokio::time::timeout(Duration::from_secs(86_400), self.told.recv()).await;
        match told.expect("somebody is contacted within a day").unwrap() {
            Told::Join(addr) => (addr, Instant::now()),
            other => panic!("not a join: {other:?}"),
        }
    }

    /// As the gossip and fleet threads do: tell, and take in.
    fn peer_is(&self, status: Status) {
        self.inbox.put(member("peer", status));
        self.roster.look(|_| ());
    }

    /// Another one, at 127.0.0.`host`.
    fn other_is(&self, status: Status, host: u8) {
        self.inbox.put(at(&member("other", status), [127, 0, 0, host]));
        self.roster.look(|_| ());
    }

    async fn nothing_for(&mut self, time: Duration) {
        let told = tokio::time::timeout(time, self.told.recv()).await;
        assert!(told.is_err(), "contacted although at rest: {told:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_silent_seed_is_tried_until_it_answers_then_left_alone() {
    let mut test = seeking(&["127.0.0.1"], &[Err("refused"), Err("refused"), Err("refused"), Ok(())]);
    let start = Instant::now();
    let task = test.keep();
    for _ in 0..4 {
        assert_eq!(test.contacted().await.0, "127.0.0.1:7946".parse().unwrap());
    }
    assert!(start.elapsed() < Duration::from_secs(2), "start order must not matter: {:?}", start.elapsed());
    test.peer_is(Status::Alive);
    test.nothing_for(Duration::from_secs(3600)).await;
    task.abort();
}

#[tokio::test(start_paused = true)]
async fn the_time_between_rounds_grows_to_a_bound() {
    let mut test = seeking(&["127.0.0.2"], &[]);
    let task = test.keep();
    let mut last = test.contacted().await.1;
    let mut pause = Duration::ZERO;
    for _ in 0..100 {
        let now = test.contacted().await.1;
        pause = now - last;
        last = now;
    }
    assert!((Duration::from_secs(22)..=Duration::from_secs(38)).contains(&pause), "{pause:?}");
    task.abort();
}

#[tokio::test(start_paused = true)]
async fn a_node_that_finds_itself_alone_seeks_again() {
    let mut test = seeking(&["127.0.0.1"], &[Ok(()), Err("refused"), Ok(()), Ok(())]);
    let task = test.keep();
    test.contacted().await;
    test.peer_is(Status::Alive);
    test.nothing_for(Duration::from_secs(600)).await;
    test.peer_is(Status::Failed);
    test.contacted().await;
    test.contacted().await;
    test.peer_is(Status::Alive);
    // The answer may have come before the news that the seed is back; then it was asked once more.
    sleep(Duration::from_secs(10)).await;
    while test.told.try_recv().is_ok() {}
    test.nothing_for(Duration::from_secs(600)).await;
    task.abort();
}

#[tokio::test(start_paused = true)]
async fn a_seed_that_left_or_failed_is_sought_until_it_is_back_although_others_are_there() {
    let results = [Ok(()), Ok(()), Err("refused"), Ok(()), Err("refused"), Ok(())];
    let mut test = seeking(&["127.0.0.1"], &results);
    // The slow look where no member is may fall into the seconds that the seed is away, and would be one contact more.
    test.seeker.as_mut().unwrap().next_look += Duration::from_secs(86_400);
    let task = test.keep();
    test.contacted().await;
    test.peer_is(Status::Alive);
    test.other_is(Status::Alive, 5);
    test.nothing_for(Duration::from_secs(600)).await;
    let left = Instant::now();
    test.peer_is(Status::Left);
    // It may still be there: then the answer says nothing.
    test.contacted().await;
    test.contacted().await;
    test.peer_is(Status::Alive);
    test.contacted().await;
    assert!(left.elapsed() < Duration::from_secs(6), "{:?}", left.elapsed());
    test.nothing_for(Duration::from_secs(600)).await;
    test.peer_is(Status::Failed);
    for _ in 0..2 {
        test.contacted().await;
    }
    task.abort();
}

/// Where a seed answers and no member is, there may be a cluster that forgot us; or a seed behind an address of its own
/// choice.
#[tokio::test(start_paused = true)]
async fn a_seed_s_address_where_no_member_is_is_asked_slowly_and_for_ever() {
    let mut test = seeking(&["127.0.0.1", "127.0.0.2"], &[Ok(()); 1000]);
    let task = test.keep();
    for _ in 0..2 {
        test.contacted().await;
    }
    test.peer_is(Status::Alive);
    test.other_is(Status::Alive, 5);
    let (start, mut asked) = (Instant::now(), 0);
    while start.elapsed() < Duration::from_secs(24 * 3600) {
        assert_eq!(test.contacted().await.0.ip(), IpAddr::from([127, 0, 0, 2]));
        asked += 1;
    }
    // Two rest for 30 s each, so that together they ask every 15 s.
    let expected = 24 * 3600 / 30;
    assert!((expected * 9 / 10..expected * 11 / 10).contains(&asked), "{asked}");
    test.other_is(Status::Alive, 2);
    test.nothing_for(Duration::from_secs(3600)).await;
    task.abort();
}

#[tokio::test(start_paused = true)]
async fn a_missing_seed_is_sought_although_others_are_there() {
    let mut test = seeking(&["127.0.0.1", "127.0.0.3"], &[Ok(()), Err("refused"), Err("refused"), Ok(())]);
    let task = test.keep();
    assert_eq!(test.contacted().await.0.ip(), IpAddr::from([127, 0, 0, 1]));
    test.peer_is(Status::Alive);
    for _ in 0..3 {
        assert_eq!(test.contacted().await.0.ip(), IpAddr::from([127, 0, 0, 3]));
    }
    test.other_is(Status::Alive, 3);
    test.nothing_for(Duration::from_secs(600)).await;
    task.abort();
}

#[tokio::test(start_paused = true)]
async fn a_node_that_is_its_own_seed_contacts_nobody() {
    let mut test = seeking(&[OWN], &[]);
    let task = test.keep();
    test.nothing_for(Duration::from_secs(600)).await;
    task.abort();
}

#[tokio::test]
async fn strict_joining_fails_with_the_reasons_of_all_seeds() {
    let mut test = seeking(&["127.0.0.2", "127.0.0.3"], &[Err("first\nreason"), Err("second reason")]);
    let error = test.seeker.take().unwrap().strictly(usize::MAX).await.unwrap_err().to_string();
    assert_eq!(error, "no seed could be joined: first\\nreason; second reason");
}

#[tokio::test]
async fn strict_joining_is_content_with_one_seed_and_with_none_to_join() {
    let mut test = seeking(&["127.0.0.2", "127.0.0.3"], &[Err("refused"), Ok(())]);
    test.seeker.take().unwrap().strictly(usize::MAX).await.unwrap();
    seeking(&[], &[]).seeker.take().unwrap().strictly(usize::MAX).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn retries_can_be_limited() {
    let mut test = seeking(&["127.0.0.2"], &[]);
    let error = test.seeker.take().unwrap().keep(3).await.unwrap_err().to_string();
    assert!(error.contains("gave up after 3 rounds"), "{error}");
}

#[tokio::test]
async fn an_address_gossip_cannot_reach_is_refused_with_words() {
    let mut test = seeking(&["[fd00::1]"], &[Ok(())]);
    let error = test.seeker.take().unwrap().strictly(usize::MAX).await.unwrap_err().to_string();
    assert!(error.contains("[fd00::1]:7946 cannot be reached"), "{error}");
    assert!(test.told.try_recv().is_err());
}

#[tokio::test]
async fn an_address_chosen_for_another_network_is_doubted() {
    let mut test = seeking(&[], &[Ok(()), Ok(())]);
    let mut joiner = test.seeker.take().unwrap().joiner;
    joiner.advertised = "192.0.2.7:7946".parse().unwrap();
    let seed = Seed::parse("127.0.0.2").unwrap();
    assert_eq!(joiner.try_seed(&seed, false).await.doubts, [""; 0], "the configuration knows best");
    joiner.advertise_chosen = true;
    let doubts = joiner.try_seed(&seed, false).await.doubts;
    assert!(
        doubts[0].starts_with("192.0.2.7 is advertised, but 127.0.0.2:7946 is reached from 127.0.0."),
        "{doubts:?}"
    );
}

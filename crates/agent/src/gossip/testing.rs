//! A gossip thread that only plays one, for tests of those who command it.

use super::{Answer, Answers, Command, Handle, Known, Question, UserEvent};
use crate::telemetry::Counters;
use crate::throttle::{Accounts, Throttle, Throttled};
use muster_serf::{Coordinate, Finding, Instant, KeyAnswer, QueryId, Stats, Status, Verdict, Way, Why};
use muster_wire::tags::Tags;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::sync::mpsc;

/// What the fake was told to do.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Told {
    Join(SocketAddr),
    ForceLeave { node: String, prune: bool },
    Leave,
    SetTags(Tags),
    UserEvent(UserEvent),
    Query(Question),
    Respond(QueryId, Vec<u8>),
    RespondKeys(QueryId, KeyAnswer),
}

/// Ack and response of `web-1`.
fn answers() -> Answers {
    let (asker, answers) = Answers::played(QueryId { ltime: 7, id: 1 }, Duration::from_millis(3200));
    asker.send(Answer::Ack { from: "web-1".into() }).unwrap();
    asker.send(Answer::Response { from: "web-1".into(), payload: b"fine\n".to_vec() }).unwrap();
    answers
}

/// 3 ms and a half are between `me` and `web-1`; nobody else is anywhere.
fn coordinate(node: &str) -> Option<Coordinate> {
    let x = match node {
        "me" => 0.0,
        "web-1" => 0.0035,
        _ => return None,
    };
    let mut vec = [0.0; 8];
    vec[0] = x;
    Some(Coordinate { vec, error: 0.1, adjustment: 0.0, height: 0.0 })
}

/// 4 s of 10.
fn throttled() -> Throttled {
    let mut throttle = Throttle::default();
    for (seconds, periods_throttled) in [(0, 0), (10, 40)] {
        let (throttled, period) = (Duration::from_secs(seconds * 4 / 10), Duration::from_millis(100));
        let accounts = Accounts { periods_throttled, throttled, period };
        throttle.take(Instant(Duration::from_secs(seconds)), Some(accounts));
    }
    throttle.lately().unwrap()
}

/// Suspected after 7 s by our own probe.
fn why() -> Why {
    let way = Way::Probe { relays: vec!["a".into()], nacks: 1, tcp: Some("refused".into()) };
    let finding = Finding {
        at: Instant(Duration::from_secs(7)),
        verdict: Verdict::Suspected,
        by: "me".into(),
        incarnation: 1,
        way,
        health_score: 0,
    };
    let round_trips = vec![Duration::from_micros(250)];
    Why { findings: vec![finding], round_trips, suspect_until: Some(Instant(Duration::from_secs(12))) }
}

/// A handle whose joins are answered by `join`, and everything it was told, in order.
pub(crate) fn fake(
    mut join: impl FnMut(SocketAddr) -> Result<(), String> + Send + 'static,
) -> (Handle, mpsc::UnboundedReceiver<Told>) {
    let (handle, mut commands) = Handle::new();
    let (told, telling) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Some(command) = commands.recv().await {
            let told_now = match command {
                Command::Join { to, done, .. } => {
                    done.send(join(to)).unwrap();
                    Told::Join(to)
                }
                Command::ForceLeave { node, prune, done } => {
                    done.send(()).unwrap();
                    Told::ForceLeave { node, prune }
                }
                Command::Leave { done } => {
                    done.send(()).unwrap();
                    Told::Leave
                }
                Command::SetTags { tags, done } => {
                    done.send(Ok(())).unwrap();
                    Told::SetTags(tags)
                }
                Command::UserEvent { event, done } => {
                    done.send(Ok(())).unwrap();
                    Told::UserEvent(event)
                }
                Command::Query { question, done } => {
                    done.send(Ok(answers())).unwrap();
                    Told::Query(question)
                }
                Command::Respond { id, payload, done } => {
                    done.send(Ok(())).unwrap();
                    Told::Respond(id, payload)
                }
                Command::RespondKeys { id, answer, done } => {
                    done.send(Ok(())).unwrap();
                    Told::RespondKeys(id, answer)
                }
                Command::Coordinate { node, done } => {
                    done.send(coordinate(&node)).unwrap();
                    continue;
                }
                Command::Why { node, done } => {
                    let now = Instant(Duration::from_secs(10));
                    let mut known =
                        Known { now, why: None, member: None, since: Instant::default(), health_score: 2 };
                    if node == "web-1" {
                        known.member = Some(crate::roster::tests::member("web-1", Status::Failed));
                        known.why = Some(why());
                    }
                    done.send(known).unwrap();
                    continue;
                }
                Command::Stats(done) => {
                    done.send((Stats { members: 3, failed: 1, ..Stats::default() }, Some(throttled())))
                        .unwrap();
                    continue;
                }
                Command::Telemetry(done) => {
                    done.send((Counters::default(), Stats::default())).unwrap();
                    continue;
                }
                Command::Stop => return,
            };
            // A test may not care.
            let _ = told.send(told_now);
        }
    });
    (handle, telling)
}

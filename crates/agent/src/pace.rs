//! When a follower of the fleet gets its next line, and which.
//!
//! There is no queue: a line tells the difference between what this follower was last sent and the newest picture, so a
//! slow reader gets fewer and bigger deltas, and memory is bounded by one picture.

use muster_fleet::{Delta, Picture, Update};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Changes that take nothing away come at most 20 times a second.
const GAP: Duration = Duration::from_millis(50);
/// A sink that hears nothing for several of these knows that the agent is away.
const IDLE: Duration = Duration::from_secs(1);

/// One follower's place in the stream.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    sent: Option<Sent>,
}

#[derive(Debug)]
struct Sent {
    picture: Arc<Picture>,
    /// When the last line went out.
    line_at: Instant,
    /// When the last change went out; the full picture is none, so that the first change need not wait.
    change_at: Option<Instant>,
}

/// What to do now.
#[derive(Debug)]
pub(crate) enum Step {
    /// Send this line.
    Send(Update),
    /// Nothing before then, unless the picture changes.
    Wait(Instant),
}

impl Pace {
    /// The next step, given the newest picture. Call again after each line, at the time told, and when the picture changes.
    pub(crate) fn step(&mut self, newest: &Arc<Picture>, now: Instant) -> Step {
        let Some(sent) = &mut self.sent else {
            self.sent = Some(Sent { picture: Arc::clone(newest), line_at: now, change_at: None });
            return Step::Send(Update::Full(Picture::clone(newest)));
        };
        if newest.version == sent.picture.version {
            let idle_until = sent.line_at + IDLE;
            if now < idle_until {
                return Step::Wait(idle_until);
            }
            sent.line_at = now;
            return Step::Send(Update::Same { epoch: newest.epoch, version: newest.version });
        }
        let delta = Delta::between(&sent.picture, newest);
        if let Some(due) = sent.change_at.map(|at| at + GAP)
            && now < due
            && !delta.withdraws()
        {
            return Step::Wait(due);
        }
        *sent = Sent { picture: Arc::clone(newest), line_at: now, change_at: Some(now) };
        Step::Send(Update::Delta(delta))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use muster_fleet::{Backend, Phase, Service, Standing, Terms};

    fn picture(version: u64, backends: &[(&str, Standing)]) -> Arc<Picture> {
        let backends = backends.iter().map(|(node, standing)| {
            let addr = "127.0.0.1:3000".parse().unwrap();
            ((*node).to_owned(), Backend { addr, weight: 1, standing: *standing })
        });
        let services = [("web".to_owned(), Service { backends: backends.collect() })].into();
        Arc::new(Picture {
            epoch: 7,
            version,
            phase: Phase::Live,
            services,
            terms: Terms::default(),
            refusals: Vec::new(),
        })
    }

    fn ready(version: u64, nodes: &[&str]) -> Arc<Picture> {
        picture(version, &nodes.iter().map(|node| (*node, Standing::Ready)).collect::<Vec<_>>())
    }

    fn delta(step: Step) -> Delta {
        match step {
            Step::Send(Update::Delta(delta)) => delta,
            other => panic!("no delta: {other:?}"),
        }
    }

    fn wait(step: Step) -> Instant {
        match step {
            Step::Wait(until) => until,
            other => panic!("no wait: {other:?}"),
        }
    }

    /// A follower that got its full picture at the time told.
    fn follower() -> (Pace, Instant) {
        let mut pace = Pace::default();
        let now = Instant::now();
        let Step::Send(Update::Full(full)) = pace.step(&ready(1, &["a"]), now) else {
            panic!("first comes the whole")
        };
        assert_eq!(full.version, 1);
        (pace, now)
    }

    #[test]
    fn the_first_change_goes_at_once_the_next_within_the_gap_wait_together() {
        let (mut pace, now) = follower();
        assert_eq!(delta(pace.step(&ready(2, &["a", "b"]), now)).version, 2);
        let soon = now + Duration::from_millis(1);
        assert_eq!(wait(pace.step(&ready(3, &["a", "b", "c"]), soon)), now + GAP);
        assert_eq!(wait(pace.step(&ready(4, &["a", "b", "c", "d"]), soon)), now + GAP);
        let both = delta(pace.step(&ready(4, &["a", "b", "c", "d"]), now + GAP));
        assert_eq!((both.from_version, both.version, both.backends["web"].len()), (2, 4, 2));
    }

    #[test]
    fn what_takes_a_backend_away_never_waits() {
        let (mut pace, now) = follower();
        delta(pace.step(&ready(2, &["a", "b"]), now));
        let withdrawn = picture(3, &[("a", Standing::Withdrawn), ("b", Standing::Ready)]);
        assert_eq!(delta(pace.step(&withdrawn, now)).version, 3);
        assert_eq!(delta(pace.step(&ready(4, &["b"]), now)).version, 4);
    }

    #[test]
    fn silence_is_filled_once_a_second() {
        let (mut pace, now) = follower();
        let same = ready(1, &["a"]);
        assert_eq!(wait(pace.step(&same, now)), now + IDLE);
        let step = pace.step(&same, now + IDLE);
        assert!(matches!(step, Step::Send(Update::Same { epoch: 7, version: 1 })));
        assert_eq!(wait(pace.step(&same, now + IDLE)), now + 2 * IDLE);
    }

    #[test]
    fn the_deltas_of_a_slow_reader_lead_to_the_newest_picture() {
        let (mut pace, now) = follower();
        let newest = ready(900, &["x", "y"]);
        let delta = delta(pace.step(&newest, now + Duration::from_secs(60)));
        assert_eq!(ready(1, &["a"]).with(&delta).unwrap(), *newest);
    }
}

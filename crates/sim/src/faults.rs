//! Random faults, packed: a seed makes a scenario in which everything that can happen happens, several things at a time.
//!
//! When it is over the network is whole again, nobody is slow, and the seeds of the cluster are up. Then all views must
//! become right ([`CONVERGE_WITHIN`]), and stay so.

use crate::scenario::{Action, Condition, Expectation, Node, Scenario, Step};
use fastrand::Rng;
use muster_wire::tags::Tags;
use std::time::Duration;

/// Seeds below this make small clusters and short stories, for every day.
pub const SMALL_SEEDS: u64 = 1000;

/// How long it may take until all views are right. Most of it is for the last failed member of a large cluster: per 30 s
/// about one node tries to reach it (Serf's reconnect).
pub const CONVERGE_WITHIN: Duration = Duration::from_secs(600);
/// A pause that is noticed by a probe, and ends before a suspicion of it does: those last four seconds at least.
const SHORT_PAUSE: Duration = Duration::from_millis(2900);
/// When it is looked whether somebody calls the paused node failed, three times in a row.
const LOOK_AFTER: Duration = Duration::from_secs(8);
/// How long they must then stay right.
const STAY_RIGHT: Duration = Duration::from_secs(30);

/// The scenario of a seed.
pub fn scenario(seed: u64) -> Scenario {
    let mut rng = Rng::with_seed(seed);
    let small = seed < SMALL_SEEDS;
    let nodes = if small { rng.usize(3..=9) } else { rng.usize(3..=50) };
    let time = if small { rng.u64(40..=90) } else { rng.u64(300..=1500) };
    let mut chaos =
        Chaos { rng, up: vec![true; nodes], slow: vec![false; nodes], steps: Vec::new(), tags: 0 };
    chaos.run(Duration::from_secs(5), Duration::from_secs(time));
    chaos.end(Duration::from_secs(time));
    Scenario { nodes, seed, stock: Vec::new(), tags: Vec::new(), link: Vec::new(), steps: chaos.steps }
}

/// What the generator believes of its victims.
struct Chaos {
    rng: Rng,
    up: Vec<bool>,
    slow: Vec<bool>,
    steps: Vec<Step>,
    tags: u32,
}

impl Chaos {
    fn run(&mut self, begin: Duration, end: Duration) {
        let mut at = begin;
        while at < end {
            let action = self.action(end - at);
            self.push(at, action);
            // Sometimes at once, mostly a few seconds apart, now and then a pause in which things settle.
            let pause = match self.rng.u8(..10) {
                0..3 => 0,
                3..9 => self.rng.u64(100..6000),
                _ => self.rng.u64(6000..30_000),
            };
            at += Duration::from_millis(pause);
        }
    }

    fn push(&mut self, at: Duration, action: Action) {
        self.steps.push(Step { at, line: 0, action });
    }

    fn node(&mut self) -> Node {
        Node(self.rng.usize(..self.up.len()))
    }

    /// A node that is up, or down; any if there is none.
    fn node_that(&mut self, is_up: bool) -> Node {
        let fitting: Vec<usize> = (0..self.up.len()).filter(|at| self.up[*at] == is_up).collect();
        self.rng.choice(fitting).map_or_else(|| self.node(), Node)
    }

    /// Some nodes that are up: mostly one, now and then many at once.
    fn some(&mut self) -> Vec<Node> {
        let mut nodes = vec![self.node_that(true)];
        if self.rng.u8(..8) == 0 {
            let more = self.rng.usize(1..=self.up.len().div_ceil(3));
            nodes.extend((0..more).map(|_| self.node_that(true)));
            nodes.sort_unstable();
            nodes.dedup();
        }
        nodes
    }

    /// Something that happens, at most `left` before the end.
    fn action(&mut self, left: Duration) -> Action {
        let down = self.up.iter().filter(|up| !**up).count();
        // The more are down, the likelier one comes back.
        if self.rng.usize(..self.up.len() + 1) < down {
            return self.come_back();
        }
        match self.rng.u8(..24) {
            0..4 => self.go_down(),
            4 => self.leave(),
            5 => Action::ForceLeave { node: self.node_that(false), by: self.node_that(true) },
            6 => {
                let node = self.node();
                self.up[node.0] = true;
                Action::Recreate(node)
            }
            7..10 => self.pause(left),
            10 | 11 => self.slow(),
            12..15 => {
                let (from, to) = (self.node(), self.node());
                Action::Cut { from, to, both_ways: self.rng.bool(), udp_only: self.rng.u8(..3) == 0 }
            }
            15 => self.part(),
            16 => Action::Lose { node: self.node(), share: f64::from(self.rng.u8(1..=9)) / 10.0 },
            17 | 18 => self.link(),
            19 | 20 => Action::Heal,
            21 | 22 => {
                self.tags += 1;
                let tags = Tags::from([("version".to_owned(), self.tags.to_string())]);
                Action::Tag { node: self.node_that(true), tags }
            }
            _ => Action::Tell {
                node: self.node_that(true),
                name: "deploy".to_owned(),
                payload: self.rng.u8(..).to_string(),
            },
        }
    }

    fn go_down(&mut self) -> Action {
        let nodes = self.some();
        nodes.iter().for_each(|node| self.up[node.0] = false);
        Action::Crash(nodes)
    }

    fn leave(&mut self) -> Action {
        let nodes = self.some();
        nodes.iter().for_each(|node| self.up[node.0] = false);
        Action::Leave(nodes)
    }

    fn come_back(&mut self) -> Action {
        let node = self.node_that(false);
        self.up[node.0] = true;
        if self.rng.u8(..6) == 0 {
            return Action::Recreate(node);
        }
        Action::Start { nodes: vec![node], remembering: self.rng.bool() }
    }

    fn pause(&mut self, left: Duration) -> Action {
        let nodes = self.some();
        let time = Duration::from_millis(self.rng.u64(200..40_000)).min(left);
        let unnoticed = self.rng.u8(..4) == 0;
        Action::Pause { nodes, time, unnoticed, deaf: self.rng.u8(..3) == 0 }
    }

    fn slow(&mut self) -> Action {
        let node = self.node_that(true);
        self.slow[node.0] = true;
        Action::Slow { node, delay: Duration::from_millis(self.rng.u64(1..150)) }
    }

    fn part(&mut self) -> Action {
        let count = self.rng.usize(2..=3);
        let mut sides = vec![Vec::new(); count];
        for at in 0..self.up.len() {
            // At least one each; the rest anywhere.
            let side = if at < count { at } else { self.rng.usize(..count) };
            sides[side].push(Node(at));
        }
        Action::Part(sides)
    }

    fn link(&mut self) -> Action {
        let share = |rng: &mut Rng, most: u8| f64::from(rng.u8(1..=most)) / 100.0;
        let condition = match self.rng.u8(..5) {
            0 | 1 => Condition::Loss(share(&mut self.rng, 40)),
            2 => Condition::Duplicate(share(&mut self.rng, 50)),
            3 => Condition::Late(share(&mut self.rng, 30)),
            _ => Condition::Latency(Duration::from_millis(self.rng.u64(1..=250))),
        };
        Action::Link(vec![condition])
    }

    /// Everything is mended, the seeds are up and some of the others; then all must be right, and stay so.
    fn end(&mut self, at: Duration) {
        self.push(at, Action::Heal);
        for node in (0..self.up.len()).map(Node) {
            if self.slow[node.0] {
                self.push(at, Action::Slow { node, delay: Duration::ZERO });
            }
            // Also of those believed up: some were leaving when they were to start.
            if node.0 < 2 || self.rng.bool() {
                let remembering = self.rng.bool();
                self.push(at + LEAVE_MAX, Action::Start { nodes: vec![node], remembering });
            }
        }
        self.steps.sort_by_key(|step| step.at);
        let after = at + LEAVE_MAX;
        let what = Expectation::AllRight;
        self.push(after, Action::Expect { what, within: CONVERGE_WITHIN });
        let calm = Action::Expect { what, within: Duration::ZERO };
        self.push(after + STAY_RIGHT, calm.clone());
        // One more, too short to be found failed of: it is suspected, and has to refute.
        let short = Action::Pause { nodes: vec![Node(0)], time: SHORT_PAUSE, unnoticed: true, deaf: false };
        self.push(after + STAY_RIGHT, short);
        for look in (1..=3).map(|look| LOOK_AFTER * look) {
            self.push(after + STAY_RIGHT + look, calm.clone());
        }
        self.push(after + STAY_RIGHT + LOOK_AFTER * 3, Action::End);
    }
}

/// The longest a leave takes: the intent's broadcast, the leave's, and a second more.
const LEAVE_MAX: Duration = Duration::from_secs(12);

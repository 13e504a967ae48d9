//! A node that retires, among balancers that are told late, late to answer, or never: no request reaches a process that was asked
//! to end, as long as messages arrive; and it is over in time, whatever is lost.

use crate::world::{Conduct, Seen, World, ms};
use fastrand::Rng;
use muster_supervise::{
    Command, Exit, Input, Instant, Job, Notice, Retire, Service, ServiceId, Waiting, Word, signal,
};
use std::time::Duration;

const APP: ServiceId = ServiceId(0);
const AGENT: ServiceId = ServiceId(1);
const RETIRE: Retire =
    Retire { agent: AGENT, within: Duration::from_secs(9), plain_wait: Duration::from_millis(3_500) };
/// T, and what the last steps round it up to.
const OVER_WITHIN: Duration = Duration::from_millis(9_100);

/// One who sends requests, and is told about the node by messages.
#[derive(Debug)]
struct Balancer {
    /// When the withdrawal reaches it; `None`: never.
    told: Option<Duration>,
    /// It is plain Serf: only the leave tells it, this long after.
    plain: bool,
    sends: bool,
    in_flight: Vec<Instant>,
}

struct Cluster {
    world: World,
    balancers: Vec<Balancer>,
    random: Rng,
    retired: Option<Instant>,
    answered: [bool; 2],
    asked_to_end: Option<Instant>,
    left: Option<Instant>,
    /// Requests in flight on the app, or sent to it, after it was asked to end.
    cut: usize,
}

fn node(seed: u64, app: Conduct) -> World {
    let services = vec![Service::longrun("app"), Service::longrun("agent")];
    World::retiring(services, RETIRE, seed, move |service, _, _| {
        let agent = Conduct { listens: Some(ms(1_200)), ..Conduct::FAITHFUL };
        Ok(if service == APP { app } else { agent })
    })
}

impl Cluster {
    fn new(seed: u64, balancers: Vec<Balancer>) -> Self {
        let app = Conduct { listens: Some(ms(300)), ..Conduct::FAITHFUL };
        Self {
            world: node(seed, app),
            balancers,
            random: Rng::with_seed(seed),
            retired: None,
            answered: [false; 2],
            asked_to_end: None,
            left: None,
            cut: 0,
        }
    }

    /// Lets it retire, five milliseconds at a time, until it is over.
    fn retire(&mut self) -> Duration {
        self.world.run_for(ms(1_000));
        let began = self.world.now;
        self.world.tell(Input::Stop { code: None });
        while self.world.over().is_none() {
            assert!(self.world.now - began < Duration::from_secs(60), "it never ends");
            self.world.run_for(ms(5));
            self.look(began);
            self.let_agent_speak();
            self.let_balancers_send();
        }
        let over = self.world.seen.last().map(|(at, _)| *at - began);
        over.expect("it is over")
    }

    fn look(&mut self, began: Instant) {
        let seen = &self.world.seen;
        self.retired = self.retired.or(seen.iter().find(|(_, s)| *s == Seen::Retire).map(|(at, _)| *at));
        let gone = |id| seen.iter().find(|(_, s)| matches!(s, Seen::Gone(of, Job::Run, _) if *of == id));
        self.left = self.left.or(gone(AGENT).map(|(at, _)| *at));
        let life = self.world.supervisor.life(APP);
        if self.asked_to_end.is_none() && (life.state != muster_supervise::State::Ready) {
            self.asked_to_end = Some(self.world.now);
            self.cut += self.balancers.iter().map(|one| one.in_flight.len()).sum::<usize>();
        }
        assert!(self.retired.is_some_and(|at| at >= began), "the cluster is told first");
    }

    fn let_agent_speak(&mut self) {
        let Some(retired) = self.retired else { return };
        if self.left.is_some() {
            return;
        }
        let now = self.world.now;
        let ours = || self.balancers.iter().filter(|one| !one.plain);
        // The fast lane waits for receipts for so long and not longer.
        let all_told = ours().all(|one| one.told.is_some_and(|after| now >= retired + after));
        if !self.answered[0] && (all_told || now >= retired + ms(500)) {
            self.answered[0] = true;
            let plain = self.balancers.iter().any(|one| one.plain);
            let waiting = Waiting { ours: ours().count() > 0, plain };
            self.world.tell(Input::Told(Word::Withdrawn(waiting)));
        }
        let drained = self.balancers.iter().all(|one| one.plain || !one.sends && one.in_flight.is_empty());
        if self.answered[0] && !self.answered[1] && drained {
            self.answered[1] = true;
            self.world.tell(Input::Told(Word::Drained));
        }
    }

    fn let_balancers_send(&mut self) {
        let now = self.world.now;
        for one in &mut self.balancers {
            let seen = match (one.plain, self.retired, self.left) {
                (false, Some(retired), _) => one.told.map(|after| retired + after),
                (true, _, Some(left)) => one.told.map(|after| left + after),
                _ => None,
            };
            one.sends &= seen.is_none_or(|at| at > now);
            one.in_flight.retain(|ends| *ends > now);
            if one.sends {
                match self.asked_to_end {
                    None => one.in_flight.push(now + ms(self.random.u64(1..400))),
                    Some(_) => self.cut += 1,
                }
            }
        }
    }
}

fn balancer(told_ms: Option<u64>, plain: bool) -> Balancer {
    Balancer { told: told_ms.map(ms), plain, sends: true, in_flight: Vec::new() }
}

#[test]
fn when_messages_arrive_no_request_meets_a_process_that_was_asked_to_end() {
    for seed in 0..3_000 {
        let mut random = Rng::with_seed(seed);
        let balancers = (0..random.usize(0..5)).map(|_| {
            let plain = random.u8(0..4) == 0;
            // Plain Serf is granted 3.5 s from the leave on.
            balancer(Some(random.u64(0..if plain { 3_000 } else { 450 })), plain)
        });
        let mut cluster = Cluster::new(seed, balancers.collect());
        let took = cluster.retire();
        assert_eq!(cluster.cut, 0, "seed {seed}");
        assert!(took <= OVER_WITHIN, "seed {seed}: {took:?}");
    }
}

#[test]
fn whatever_is_lost_it_is_over_in_time() {
    for seed in 0..2_000 {
        let mut random = Rng::with_seed(seed);
        let balancers = (0..random.usize(0..5))
            .map(|_| balancer(random.bool().then(|| random.u64(0..8_000)), random.bool()));
        let mut cluster = Cluster::new(seed, balancers.collect());
        assert!(cluster.retire() <= OVER_WITHIN, "seed {seed}");
        assert_eq!(cluster.world.killable(), 0, "seed {seed}");
    }
}

#[test]
fn one_balancer_that_never_answers_costs_its_share_and_is_told_of() {
    let mut cluster = Cluster::new(1, vec![balancer(Some(10), false), balancer(None, false)]);
    let took = cluster.retire();
    assert!(took > ms(4_050) && took < ms(6_000), "{took:?}");
    assert!(cluster.world.story().contains(&Seen::Said(Notice::NotDrained)));
}

#[test]
fn where_nobody_balances_nothing_is_waited_for() {
    let took = Cluster::new(1, Vec::new()).retire();
    assert!(took < ms(1_500), "the agent's own leave only: {took:?}");
}

#[test]
fn where_plain_serf_may_balance_the_agent_leaves_first_and_the_app_ends_some_seconds_later() {
    let mut cluster = Cluster::new(1, vec![balancer(Some(100), true)]);
    cluster.retire();
    let gone = |id| {
        let seen = &cluster.world.seen;
        seen.iter().find(|(_, s)| matches!(s, Seen::Gone(of, Job::Run, _) if *of == id)).map(|(at, _)| *at)
    };
    let (app, agent) = (gone(APP).expect("it ended"), gone(AGENT).expect("it ended"));
    assert!(app - agent >= ms(3_500), "{app:?} {agent:?}");
}

#[test]
fn a_second_signal_hurries() {
    let mut world = node(1, Conduct::FAITHFUL);
    world.run_for(ms(100));
    world.tell(Input::Stop { code: None });
    world.run_for(ms(100));
    assert_eq!(world.processes_of(APP.0), 1);
    world.tell(Input::Stop { code: None });
    world.run_for(ms(1_300));
    assert_eq!(world.over(), Some(0));
}

#[test]
fn an_agent_that_is_started_anew_meanwhile_is_told_again() {
    let mut world = node(1, Conduct::FAITHFUL);
    world.run_for(ms(2_000));
    world.tell(Input::Stop { code: None });
    let told = |world: &World| world.story().iter().filter(|seen| **seen == Seen::Retire).count();
    assert_eq!(told(&world), 1);
    let pid = world.supervisor.life(AGENT).pid.expect("it runs");
    world.end(pid, Exit::Signal(9));
    assert_eq!(told(&world), 2, "it is back at once, since it ran for long");
}

#[test]
fn without_an_agent_left_nobody_is_told_and_nothing_waited_for() {
    let mut world = node(1, Conduct::FAITHFUL);
    world.run_for(ms(100));
    world.ask(AGENT.0, Command::Down);
    world.run_for(ms(2_000));
    world.tell(Input::Stop { code: None });
    assert!(!world.story().contains(&Seen::Retire));
    world.run_for(ms(10));
    assert_eq!(world.over(), Some(0));
    assert!(world.signals.iter().any(|(_, number)| *number == signal::TERM));
}

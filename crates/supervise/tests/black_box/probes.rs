//! Services that are asked how they are.

use crate::world::{Conduct, Seen, World, ms};
use muster_supervise::signal;
use muster_supervise::{
    Command, Condition, Dependency, Exit, Grace, Input, Job, Notice, Pace, Question, Readiness, Service,
    ServiceId, State,
};
use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

const PACE: Pace = Pace {
    every: Duration::from_secs(1),
    steady: Duration::from_secs(1),
    within: Duration::from_millis(300),
    rise: 2,
    fall: 3,
};

/// A service that is asked both, and what the answer is now.
fn asked(ready: Option<Pace>, alive: Option<Pace>) -> (World, Rc<Cell<Exit>>) {
    let answer = Rc::new(Cell::new(Exit::Code(1)));
    let service = Service {
        readiness: if ready.is_some() { Readiness::Told } else { Readiness::Started },
        ready_probe: ready,
        alive_probe: alive,
        ..Service::longrun("app")
    };
    let waits = Service {
        after: vec![Dependency { on: ServiceId(0), until: Condition::Ready }],
        ..Service::longrun("web")
    };
    let says = Rc::clone(&answer);
    let world = World::new(vec![service, waits], Grace::default(), 1, move |_, job, _| {
        Ok(match job {
            Job::Probe(_) => Conduct::ending(20, says.get()),
            _ => Conduct::FAITHFUL,
        })
    });
    (world, answer)
}

fn state(world: &World) -> State {
    world.supervisor.life(ServiceId(0)).state
}

fn starts(world: &World) -> usize {
    let of_app = Seen::Started(ServiceId(0), Job::Run);
    world.story().iter().filter(|seen| **seen == of_app).count()
}

#[test]
fn it_is_ready_after_as_many_good_answers_as_wanted_and_others_wait_for_that() {
    let (mut world, answer) = asked(Some(PACE), None);
    world.run_for(ms(5_000));
    assert_eq!((state(&world), world.processes_of(1)), (State::Starting, 0));
    answer.set(Exit::Code(0));
    world.run_for(ms(1_050));
    assert_eq!(state(&world), State::Starting, "one good answer of two");
    world.run_for(ms(1_050));
    assert_eq!((state(&world), world.processes_of(1)), (State::Ready, 1));
}

#[test]
fn it_is_unready_after_as_many_bad_answers_and_is_not_started_again_for_that() {
    let (mut world, answer) = asked(Some(PACE), None);
    answer.set(Exit::Code(0));
    world.run_for(ms(3_000));
    answer.set(Exit::Signal(11));
    world.run_for(ms(2_050));
    assert_eq!(state(&world), State::Ready);
    world.run_for(ms(1_050));
    assert_eq!((state(&world), starts(&world)), (State::Starting, 1));
}

#[test]
fn who_is_not_alive_any_more_is_asked_to_end_and_started_again() {
    let (mut world, answer) = asked(None, Some(PACE));
    answer.set(Exit::Code(0));
    world.run_for(ms(60_000));
    assert_eq!(starts(&world), 1);
    answer.set(Exit::Code(1));
    world.run_for(ms(4_100));
    assert_eq!(starts(&world), 2);
    assert!(world.story().contains(&Seen::Said(Notice::NotAlive { service: ServiceId(0) })));
    assert!(world.signals.iter().any(|(_, signal)| *signal == signal::TERM));
}

#[test]
fn a_new_process_is_asked_anew() {
    let (mut world, answer) = asked(Some(PACE), Some(PACE));
    answer.set(Exit::Code(0));
    world.run_for(ms(10_000));
    world.ask(0, Command::Restart);
    world.run_for(ms(500));
    assert_eq!(state(&world), State::Starting, "what was believed of the one before counts no more");
    world.run_for(ms(2_000));
    assert_eq!(state(&world), State::Ready);
}

#[test]
fn who_has_ended_or_is_ending_is_not_asked_and_no_probe_outlives_its_process() {
    let hang = Pace { within: Duration::from_secs(60), ..PACE };
    let service = Service { ready_probe: Some(hang), readiness: Readiness::Told, ..Service::longrun("app") };
    let mut world = World::new(vec![service], Grace::default(), 1, |_, _, _| Ok(Conduct::FAITHFUL));
    world.run_for(ms(100));
    assert_eq!(world.probes_of(0, Question::Ready), 1, "it hangs");
    world.ask(0, Command::Down);
    world.run_for(ms(0));
    assert_eq!(world.processes(), 0);
    world.run_for(ms(100_000));
    assert_eq!((world.processes(), world.supervisor.next_timeout()), (0, None));
}

#[test]
fn a_probe_that_cannot_be_started_is_a_bad_answer() {
    let service = Service { alive_probe: Some(PACE), ..Service::longrun("app") };
    let mut world = World::new(vec![service], Grace::default(), 1, |_, job, _| match job {
        Job::Probe(_) => Err(Exit::Code(127)),
        _ => Ok(Conduct::FAITHFUL),
    });
    world.run_for(ms(3_500));
    assert_eq!(starts(&world), 2);
    world.tell(Input::Stop { code: None });
    world.run_for(ms(1_000));
    assert_eq!(world.over(), Some(0));
}

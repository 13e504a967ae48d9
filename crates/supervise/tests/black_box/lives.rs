//! One service's life, as `s6-supervise` has it and beyond.

use crate::world::{Conduct, Seen, World, ms};
use muster_supervise::{
    Command, Exit, Grace, Input, Job, Kind, Notice, Pauses, Readiness, Restart, Service, ServiceId, State,
    Want,
};

const WEB: ServiceId = ServiceId(0);

fn alone(service: Service, conduct: Conduct) -> World {
    World::new(vec![service], Grace::default(), 1, move |_, job, _| match job {
        Job::Run | Job::Up => Ok(conduct),
        Job::Finish { .. } | Job::Down | Job::Probe(_) => Ok(Conduct::ending(10, Exit::Code(0))),
    })
}

fn starts(world: &World) -> usize {
    world.story().iter().filter(|seen| matches!(seen, Seen::Started(_, Job::Run | Job::Up))).count()
}

#[test]
fn a_longrun_that_ends_is_started_again_a_second_later() {
    let mut world = alone(Service::longrun("web"), Conduct::ending(100, Exit::Code(1)));
    world.run_for(ms(999));
    assert_eq!((starts(&world), world.supervisor.life(WEB).state), (1, State::Waiting));
    world.run_for(ms(10));
    assert_eq!(starts(&world), 2, "100 ms of life count for the second: s6 counts from readiness");
}

#[test]
fn one_that_ran_for_a_second_is_back_at_once() {
    let mut world = alone(Service::longrun("web"), Conduct::ending(5_000, Exit::Code(0)));
    world.run_for(ms(5_000));
    assert_eq!(starts(&world), 2);
}

#[test]
fn its_finish_hears_how_it_ended_and_comes_before_its_successor() {
    let service = Service { kind: Kind::Longrun { finish: true }, ..Service::longrun("web") };
    let mut world = alone(service, Conduct::ending(2_000, Exit::Signal(11)));
    world.run_for(ms(2_020));
    let story: Vec<_> = world.story().into_iter().filter(|seen| matches!(seen, Seen::Started(..))).collect();
    let [
        Seen::Started(_, Job::Run),
        Seen::Started(_, Job::Finish { exit, pid: Some(_) }),
        Seen::Started(_, Job::Run),
    ] = story[..]
    else {
        panic!("{story:?}")
    };
    assert_eq!((exit, exit.for_finish()), (Exit::Signal(11), (256, 11)));
}

#[test]
fn a_finish_that_says_125_ends_the_service_for_good() {
    let service = Service { kind: Kind::Longrun { finish: true }, ..Service::longrun("web") };
    let mut world = World::new(vec![service], Grace::default(), 1, |_, job, _| match job {
        Job::Run => Ok(Conduct::ending(10, Exit::Code(1))),
        _ => Ok(Conduct::ending(10, Exit::Code(125))),
    });
    world.run_for(ms(60_000));
    assert_eq!(starts(&world), 1);
    let life = world.supervisor.life(WEB);
    assert_eq!((life.state, life.want), (State::Down, Want::Down));
}

#[test]
fn a_finish_that_hangs_is_killed_after_its_time() {
    let service = Service {
        kind: Kind::Longrun { finish: true },
        finish_within: Some(ms(700)),
        ..Service::longrun("web")
    };
    let mut world = World::new(vec![service], Grace::default(), 1, |_, job, _| match job {
        Job::Run => Ok(Conduct::ending(5_000, Exit::Code(1))),
        _ => Ok(Conduct { listens: None, ..Conduct::FAITHFUL }),
    });
    world.run_for(ms(5_699));
    assert_eq!(world.supervisor.life(WEB).state, State::Finishing);
    world.run_for(ms(1));
    assert!(world.story().contains(&Seen::Said(Notice::Killed { service: WEB, finish: true })));
    assert_eq!(starts(&world), 2);
}

#[test]
fn told_down_it_gets_time_only_if_it_has_a_limit() {
    let deaf = Conduct { listens: None, ..Conduct::FAITHFUL };
    let mut patient = alone(Service::longrun("web"), deaf);
    patient.ask(0, Command::Down);
    patient.run_for(ms(3_600_000));
    assert_eq!((patient.processes(), patient.supervisor.life(WEB).state), (1, State::Stopping));

    let mut limited = alone(Service { kill_after: Some(ms(3_000)), ..Service::longrun("web") }, deaf);
    limited.ask(0, Command::Down);
    limited.run_for(ms(3_000));
    assert_eq!((limited.processes(), limited.supervisor.life(WEB).state), (0, State::Down));
}

#[test]
fn told_up_while_it_ends_it_is_started_when_it_ended() {
    let mut world = alone(Service::longrun("web"), Conduct { listens: Some(ms(500)), ..Conduct::FAITHFUL });
    world.ask(0, Command::Restart);
    world.run_for(ms(500));
    assert_eq!((starts(&world), world.supervisor.life(WEB).state), (2, State::Ready));
}

#[test]
fn wanted_once_it_is_not_started_again() {
    let service = Service { wanted: false, ..Service::longrun("web") };
    let mut world = alone(service, Conduct::ending(50, Exit::Code(1)));
    world.run_for(ms(5_000));
    assert_eq!(starts(&world), 0);
    world.ask(0, Command::Once);
    world.run_for(ms(60_000));
    assert_eq!((starts(&world), world.supervisor.life(WEB).state), (1, State::Down));
}

#[test]
fn readiness_that_is_to_be_told_is_waited_for_and_its_lateness_said_once() {
    let service = Service { readiness: Readiness::Told, up_within: Some(ms(300)), ..Service::longrun("web") };
    let mut world = alone(service, Conduct { ready: Some(ms(400)), ..Conduct::FAITHFUL });
    world.run_for(ms(399));
    assert_eq!(world.supervisor.life(WEB).state, State::Starting);
    assert!(world.story().contains(&Seen::Said(Notice::Late { service: WEB })));
    world.run_for(ms(1));
    assert_eq!(world.supervisor.life(WEB).state, State::Ready);
    world.tell(Input::Ready { service: WEB, ready: false });
    assert_eq!(world.supervisor.life(WEB).state, State::Starting);
}

#[test]
fn one_that_ends_too_often_is_given_up_until_somebody_asks() {
    let pauses = Pauses { give_up_after: Some(3), ..Pauses::S6 };
    let mut world = alone(Service { pauses, ..Service::longrun("web") }, Conduct::ending(10, Exit::Code(3)));
    world.run_for(ms(3_600_000));
    assert_eq!((starts(&world), world.supervisor.life(WEB).state), (3, State::Failed));
    world.ask(0, Command::Up);
    assert_eq!((starts(&world), world.supervisor.life(WEB).state), (4, State::Ready));
}

#[test]
fn what_cannot_be_started_counts_as_ended_so_and_has_no_finish() {
    let service =
        Service { kind: Kind::Longrun { finish: true }, restart: Restart::Never, ..Service::longrun("web") };
    let mut world = World::new(vec![service], Grace::default(), 1, |_, _, _| Err(Exit::Code(127)));
    world.run_for(ms(10));
    let life = world.supervisor.life(WEB);
    assert_eq!((life.state, life.last_exit), (State::Failed, Some(Exit::Code(127))));
    assert!(!world.story().iter().any(|seen| matches!(seen, Seen::Started(..))));
}

#[test]
fn a_oneshot_is_up_when_it_succeeded_and_comes_down_by_its_own_command() {
    let service = Service { kind: Kind::Oneshot { up: true, down: true }, ..Service::oneshot("migrate") };
    let mut world = alone(service, Conduct::ending(200, Exit::Code(0)));
    world.run_for(ms(300));
    assert_eq!((world.processes(), world.supervisor.life(WEB).state), (0, State::Ready));
    world.ask(0, Command::Down);
    assert_eq!(world.story().last(), Some(&Seen::Started(WEB, Job::Down)));
    world.run_for(ms(20));
    assert_eq!(world.supervisor.life(WEB).state, State::Down);
}

#[test]
fn a_oneshot_that_takes_too_long_is_killed_and_has_failed() {
    let service = Service { up_within: Some(ms(100)), ..Service::oneshot("migrate") };
    let mut world = alone(service, Conduct { listens: None, ..Conduct::FAITHFUL });
    world.run_for(ms(200));
    assert_eq!((world.processes(), world.supervisor.life(WEB).state), (0, State::Failed));
}

#[test]
fn one_that_hangs_in_the_kernel_is_killed_again_and_again() {
    let service = Service { kill_after: Some(ms(100)), ..Service::longrun("web") };
    let mut world = alone(service, Conduct { listens: None, stuck: true, ..Conduct::FAITHFUL });
    world.ask(0, Command::Down);
    world.run_for(ms(11_000));
    let kills: Vec<_> = world.signals.iter().filter(|(_, signal)| *signal == 9).map(|(at, _)| at.0).collect();
    assert_eq!(kills, [ms(100), ms(5_100), ms(10_100)]);
}

#[test]
fn a_paused_one_is_woken_to_hear_that_it_is_to_end() {
    let mut world = alone(Service::longrun("web"), Conduct::FAITHFUL);
    world.ask(0, Command::Down);
    assert_eq!(world.signals.iter().map(|(_, signal)| *signal).collect::<Vec<_>>(), [15, 18]);
}

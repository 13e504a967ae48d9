//! Many services: who starts when, who stops when, and what the container's exit code is.

use crate::world::{Conduct, Seen, World, ms};
use muster_supervise::{
    Command, Condition, Dependency, Exit, Grace, Input, Job, Kind, Notice, Readiness, Restart, Service,
    ServiceId, State,
};

fn after(on: usize, until: Condition) -> Vec<Dependency> {
    vec![Dependency { on: ServiceId(on), until }]
}

/// A database that says when it is ready, a migration after it, an application after that.
fn chain() -> Vec<Service> {
    vec![
        Service { readiness: Readiness::Told, ..Service::longrun("db") },
        Service { after: after(0, Condition::Ready), ..Service::oneshot("migrate") },
        Service { after: after(1, Condition::Ready), ..Service::longrun("app") },
    ]
}

fn order_of_starts(world: &World) -> Vec<usize> {
    world
        .story()
        .iter()
        .filter_map(|seen| match seen {
            Seen::Started(service, Job::Run | Job::Up) => Some(service.0),
            _ => None,
        })
        .collect()
}

fn chain_conduct(service: ServiceId, migration: Exit) -> Conduct {
    match service.0 {
        0 => Conduct { ready: Some(ms(700)), ..Conduct::FAITHFUL },
        1 => Conduct::ending(100, migration),
        _ => Conduct::FAITHFUL,
    }
}

#[test]
fn each_waits_until_those_before_it_are_ready() {
    let mut world =
        World::new(chain(), Grace::default(), 1, |service, _, _| Ok(chain_conduct(service, Exit::Code(0))));
    world.run_for(ms(699));
    assert_eq!(order_of_starts(&world), [0]);
    world.run_for(ms(200));
    assert_eq!(order_of_starts(&world), [0, 1, 2]);
    assert_eq!(world.seen.last(), Some(&(muster_supervise::Instant(ms(800)), Seen::Said(Notice::Booted))));
}

#[test]
fn what_depends_on_a_failure_is_held_back_and_said_so() {
    let mut world =
        World::new(chain(), Grace::default(), 1, |service, _, _| Ok(chain_conduct(service, Exit::Code(1))));
    world.run_for(ms(10_000));
    assert_eq!(order_of_starts(&world), [0, 1]);
    assert!(world.story().contains(&Seen::Said(Notice::HeldBack { service: ServiceId(2) })));
    assert!(world.story().contains(&Seen::Said(Notice::Booted)));
}

#[test]
fn what_was_held_back_is_started_when_the_failure_is_mended() {
    let mut attempts = 0;
    let mut world = World::new(chain(), Grace::default(), 1, move |service, _, _| {
        attempts += usize::from(service.0 == 1);
        Ok(chain_conduct(service, Exit::Code(u8::from(attempts == 1))))
    });
    world.run_for(ms(10_000));
    world.ask(1, Command::Up);
    world.run_for(ms(200));
    assert_eq!(order_of_starts(&world), [0, 1, 1, 2]);
}

#[test]
fn they_stop_in_the_opposite_order_each_when_nobody_needs_it() {
    let slow =
        |service: ServiceId| Conduct { listens: Some(ms(300)), ..chain_conduct(service, Exit::Code(0)) };
    let mut world = World::new(chain(), Grace::default(), 1, move |service, _, _| Ok(slow(service)));
    world.run_for(ms(2_000));
    world.tell(Input::Stop { code: Some(0) });
    world.run_for(ms(10_000));
    let gone: Vec<_> = world
        .story()
        .into_iter()
        .filter_map(|seen| match seen {
            Seen::Gone(service, Job::Run, exit) => Some((service.0, exit)),
            _ => None,
        })
        .collect();
    assert_eq!(gone, [(2, Exit::Signal(15)), (0, Exit::Signal(15))]);
    assert_eq!(world.over(), Some(0));
    assert_eq!(world.seen.last().expect("the end").0.0, ms(2_600));
}

#[test]
fn the_end_of_a_critical_service_is_the_containers_with_its_code() {
    let services = vec![
        Service::longrun("helper"),
        Service {
            critical: true,
            restart: Restart::Never,
            after: after(0, Condition::Settled),
            ..Service::longrun("CMD")
        },
    ];
    let mut world = World::new(services, Grace::default(), 1, |service, _, _| {
        Ok(if service.0 == 1 { Conduct::ending(500, Exit::Code(7)) } else { Conduct::FAITHFUL })
    });
    world.run_for(ms(10_000));
    assert_eq!(world.over(), Some(7));
    assert_eq!(world.processes(), 0);
}

#[test]
fn a_critical_oneshot_that_succeeds_ends_nothing() {
    let services = vec![Service { critical: true, ..Service::oneshot("setup") }];
    let mut world =
        World::new(services, Grace::default(), 1, |_, _, _| Ok(Conduct::ending(5, Exit::Code(0))));
    world.run_for(ms(10_000));
    assert_eq!(world.over(), None);
}

#[test]
fn who_does_not_listen_is_killed_in_time_for_those_after_it() {
    // s6-overlay runs cont-finish.d after services that were given three seconds.
    let services = vec![
        Service { kind: Kind::Oneshot { up: false, down: true }, ..Service::oneshot("cont-init") },
        Service { after: after(0, Condition::Ready), ..Service::longrun("deaf") },
    ];
    let grace = Grace { each: ms(3_000), ..Grace::default() };
    let mut world = World::new(services, grace, 1, |_, job, _| {
        Ok(match job {
            Job::Run => Conduct { listens: None, ..Conduct::FAITHFUL },
            _ => Conduct::ending(100, Exit::Code(0)),
        })
    });
    world.tell(Input::Stop { code: Some(0) });
    world.run_for(ms(60_000));
    let finish = (muster_supervise::Instant(ms(3_000)), Seen::Started(ServiceId(0), Job::Down));
    assert!(world.seen.contains(&finish), "{:?}", world.seen);
    assert_eq!((world.over(), world.seen.last().expect("the end").0.0), (Some(0), ms(3_100)));
}

#[test]
fn a_second_request_to_stop_hurries_and_a_third_kills() {
    let deaf = Conduct { listens: None, ..Conduct::FAITHFUL };
    let mut world = World::new(chain(), Grace::default(), 1, move |_, _, _| Ok(deaf));
    world.run_for(ms(100));
    for _ in 0..3 {
        world.tell(Input::Stop { code: Some(3) });
    }
    world.run_for(ms(1));
    assert_eq!((world.over(), world.processes()), (Some(3), 0));
}

#[test]
fn nothing_is_started_while_the_container_stops() {
    let mut world = World::new(chain(), Grace::default(), 1, |service, _, _| {
        Ok(if service.0 == 0 {
            Conduct { listens: Some(ms(900)), ..Conduct::FAITHFUL }
        } else {
            Conduct::FAITHFUL
        })
    });
    world.tell(Input::Stop { code: Some(0) });
    world.ask(2, Command::Up);
    world.ask(0, Command::Restart);
    world.run_for(ms(10_000));
    assert_eq!((order_of_starts(&world), world.over()), (vec![0], Some(0)));
    assert_eq!(world.supervisor.life(ServiceId(0)).state, State::Down);
}

#[test]
fn a_finish_gets_no_more_time_than_a_service_while_the_container_stops() {
    let service =
        Service { kind: Kind::Longrun { finish: true }, finish_within: None, ..Service::longrun("web") };
    let grace = Grace { each: ms(1_000), ..Grace::default() };
    let mut world = World::new(vec![service], grace, 1, |_, job, _| {
        Ok(Conduct { listens: matches!(job, Job::Run).then_some(ms(0)), ..Conduct::FAITHFUL })
    });
    world.tell(Input::Stop { code: Some(0) });
    world.run_for(ms(60_000));
    assert_eq!(world.seen.last().expect("the end").0.0, ms(1_000));
}

#[test]
fn one_that_hangs_in_the_kernel_does_not_keep_the_container() {
    let stuck = Conduct { listens: None, stuck: true, ..Conduct::FAITHFUL };
    let mut world = World::new(vec![Service::longrun("web")], Grace::default(), 1, move |_, _, _| Ok(stuck));
    world.tell(Input::Stop { code: Some(0) });
    world.run_for(ms(9_000));
    assert_eq!((world.over(), world.processes()), (Some(0), 1));
}

#[test]
fn a_container_told_to_stop_ends_with_the_code_of_its_command() {
    let services = vec![Service { critical: true, restart: Restart::Never, ..Service::longrun("CMD") }];
    let mut world = World::new(services, Grace::default(), 1, |_, _, _| Ok(Conduct::FAITHFUL));
    world.tell(Input::Stop { code: None });
    world.run_for(ms(10_000));
    assert_eq!(world.over(), Some(143));
}

#[test]
fn a_logger_is_not_asked_to_end_while_the_container_stops_but_killed_if_it_does_not() {
    let services = vec![Service { ends_with_input: true, ..Service::longrun("log") }];
    let mut world = World::new(services, Grace { each: ms(1_000), ..Grace::default() }, 1, |_, _, _| {
        Ok(Conduct::FAITHFUL)
    });
    world.tell(Input::Stop { code: None });
    assert_eq!(world.signals.iter().map(|(_, signal)| *signal).collect::<Vec<_>>(), [18]);
    world.run_for(ms(10_000));
    assert_eq!((world.over(), world.seen.last().expect("the end").0.0), (Some(0), ms(1_000)));
}

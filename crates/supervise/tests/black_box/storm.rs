//! Containers made at random, that live at random: what must never happen, does not, whatever comes together.

use std::time::Duration;

use crate::world::{Conduct, Seen, World, ms};
use fastrand::Rng;
use muster_supervise::{
    Command, Condition, Dependency, Exit, Grace, Input, Job, Kind, Pace, Pauses, Readiness, Restart, Service,
    ServiceId, Whom, Word,
};

const GRACE: Grace =
    Grace { each: Duration::from_secs(3), all: Duration::from_secs(7), rest: Duration::from_millis(1_500) };
/// All phases of the end together: 7 s, 1.5 s, and half a second for what was killed.
const OVER_WITHIN: Duration = Duration::from_secs(9);

fn some_services(random: &mut Rng) -> Vec<Service> {
    (0..random.usize(1..12)).map(|id| some_service(id, random)).collect()
}

fn some_service(id: usize, random: &mut Rng) -> Service {
    let oneshot = random.bool();
    let mut service = if oneshot { Service::oneshot("one") } else { Service::longrun("long") };
    service.kind = match oneshot {
        true => Kind::Oneshot { up: random.bool(), down: random.bool() },
        false => Kind::Longrun { finish: random.bool() },
    };
    let conditions = [Condition::Started, Condition::Ready, Condition::Completed, Condition::Settled];
    for on in (0..id).map(ServiceId) {
        if random.u8(0..4) == 0 {
            service.after.push(Dependency { on, until: conditions[random.usize(0..4)] });
        }
    }
    service.wanted = random.u8(0..6) > 0;
    service.readiness = if random.bool() { Readiness::Started } else { Readiness::Told };
    service.restart = [Restart::Always, Restart::OnFailure, Restart::Never][random.usize(0..3)];
    service.pauses = Pauses {
        jitter: random.bool(),
        give_up_after: random.bool().then_some(4),
        longest: ms(8_000),
        ..Pauses::S6
    };
    service.kill_after = random.bool().then_some(ms(800));
    service.finish_within = random.bool().then_some(ms(500));
    service.up_within = random.bool().then_some(ms(900));
    service.down_within = random.bool().then_some(ms(900));
    service.whom = if random.bool() { Whom::Process } else { Whom::Group };
    service.critical = random.u8(0..20) == 0;
    service.ready_probe = (random.u8(0..3) == 0).then(|| some_pace(random));
    service.alive_probe = (random.u8(0..3) == 0).then(|| some_pace(random));
    service
}

fn some_pace(random: &mut Rng) -> Pace {
    Pace {
        every: ms(random.u64(50..2_000)),
        steady: ms(random.u64(50..4_000)),
        within: ms(random.u64(10..1_000)),
        rise: random.u32(1..3),
        fall: random.u32(1..4),
    }
}

fn some_conduct(job: Job, random: &mut Rng) -> Result<Conduct, Exit> {
    if random.u8(0..30) == 0 {
        return Err(Exit::Code(126));
    }
    let exit = match random.u8(0..4) {
        0 => Exit::Code(1),
        1 => Exit::Signal(9),
        2 => Exit::Code(125),
        _ => Exit::Code(0),
    };
    let ends = match job {
        Job::Run => random.u8(0..3) == 0,
        // Most answer soon; some hang.
        _ => random.u8(0..8) > 0,
    };
    Ok(Conduct {
        ends: ends.then(|| (ms(random.u64(0..4_000)), exit)),
        ready: random.bool().then(|| ms(random.u64(0..2_000))),
        stuck: random.u8(0..60) == 0,
        listens: (random.u8(0..4) > 0).then(|| ms(random.u64(0..3_000))),
    })
}

fn some_command(random: &mut Rng) -> Command {
    [Command::Up, Command::Once, Command::Down, Command::Restart, Command::Signal(1)][random.usize(0..5)]
}

/// `World` itself asserts that a service never has two processes.
fn live(seed: u64) -> World {
    let mut random = Rng::with_seed(seed);
    let services = some_services(&mut random);
    let count = services.len();
    let mut world = World::new(services, GRACE, seed, |_, job, random| some_conduct(job, random));
    for _ in 0..random.usize(0..40) {
        world.run_for(ms(random.u64(0..1_500)));
        if world.over().is_some() {
            return world;
        }
        let service = random.usize(0..count);
        match random.u8(0..4) {
            3 => world.tell(Input::Told(Word::Drained)),
            0 => world.tell(Input::Ready { service: ServiceId(service), ready: random.bool() }),
            1 => world.tell(Input::Timeout),
            _ => world.ask(service, some_command(&mut random)),
        }
    }
    let asked = world.now;
    world.tell(Input::Stop { code: Some(5) });
    for _ in 0..6 {
        world.run_for(ms(random.u64(0..700)));
        if world.over().is_none() {
            world.ask(random.usize(0..count), some_command(&mut random));
        }
    }
    world.run_for(ms(60_000));
    let end = world.seen.last().map(|(at, _)| *at - asked);
    assert!(
        world.over().is_some() && end.is_some_and(|end| end <= OVER_WITHIN),
        "seed {seed}: over after {end:?}"
    );
    world
}

#[test]
fn every_container_ends_in_time_and_leaves_nobody_behind() {
    for seed in 0..4_000 {
        let world = live(seed);
        assert_eq!(world.killable(), 0, "seed {seed}");
    }
}

#[test]
fn without_commands_nobody_starts_before_those_it_waits_for_were_started() {
    for seed in 0..4_000 {
        let mut random = Rng::with_seed(seed);
        let services: Vec<Service> = some_services(&mut random);
        let mut world = World::new(services.clone(), GRACE, seed, |_, job, random| some_conduct(job, random));
        world.run_for(ms(30_000));
        let mut started = vec![false; services.len()];
        for (at, seen) in &world.seen {
            let Seen::Started(ServiceId(id), Job::Run | Job::Up) = seen else { continue };
            for dependency in &services[*id].after {
                let before = &services[dependency.on.0];
                let silent = matches!(before.kind, Kind::Oneshot { up: false, .. });
                let bound = dependency.until != Condition::Settled;
                assert!(
                    started[dependency.on.0] || silent || !bound,
                    "seed {seed}: {id} before {:?} at {at:?}",
                    dependency.on
                );
            }
            started[*id] = true;
        }
    }
}

#[test]
fn the_same_seed_gives_the_same_life() {
    for seed in 0..50 {
        assert_eq!(live(seed).seen, live(seed).seen);
    }
}

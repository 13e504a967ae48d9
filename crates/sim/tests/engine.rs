//! The engine itself: that faults do what they say, and that one seed is one run.

use muster_serf::{Event, MemberEvent, Status};
use muster_sim::{Pause, Spec, World};
use std::time::Duration;

fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn tags(pairs: &[(&str, &str)]) -> muster_wire::tags::Tags {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn all_see(world: &World, host: usize, status: Status) -> bool {
    world.everyone_sees(host, status)
}

/// What each host was told, as text.
fn story(seed: u64) -> String {
    let mut world = World::cluster(8, seed);
    world.network.link.loss = 0.1;
    world.crash(3);
    let mut story = String::new();
    world.run_watching(secs(60), |_, noticed| {
        noticed.iter().for_each(|noticed| story.push_str(&format!("{noticed:?}\n")));
        false
    });
    format!("{story}{:?}", world.counts())
}

#[test]
fn one_seed_is_one_run_and_another_seed_another() {
    assert_eq!(story(1), story(1));
    assert_ne!(story(1), story(2));
}

#[test]
fn a_crash_is_found_and_a_restart_is_taken_back() {
    let mut world = World::cluster(5, 1);
    world.crash(3);
    assert!(world.run_until(secs(60), |world| all_see(world, 3, Status::Failed)));
    world.start(3);
    assert!(world.run_until(secs(60), World::is_right), "{:?}", world.first_wrong());
}

#[test]
fn memory_finds_the_cluster_without_a_seed_and_clocks_go_on() {
    let mut world = World::cluster(4, 1);
    // n1 has no seeds.
    for _ in 0..5 {
        world.command(1, |serf, now| serf.user_event(now, "deploy", b"v1", false));
    }
    world.run_for(secs(5));
    let before = world.serf(0).unwrap().stats().event_time;
    assert_eq!(before, 6);
    world.crash(0);
    world.run_for(secs(120));
    world.start_with_memory(0);
    assert_eq!(world.serf(0).unwrap().stats().event_time, before);
    assert!(world.run_until(secs(10), World::is_right), "{:?}", world.first_wrong());
}

#[test]
fn a_leave_is_seen_as_one_and_ends_the_host() {
    let mut world = World::cluster(5, 1);
    world.leave(2);
    assert!(world.run_until(secs(10), |world| world.has_left(2)));
    world.run_for(secs(1));
    assert!(all_see(&world, 2, Status::Left));
    assert!(!world.is_up(2));
}

#[test]
fn tags_reach_everyone() {
    let mut world = World::cluster(5, 1);
    world.set_tags(1, tags(&[("role", "web")]));
    assert!(!world.is_right());
    assert!(world.run_until(secs(5), World::is_right));
}

/// Failures told about others within a minute of such a pause of `n3`, and by whom.
fn failures_around(pause: Pause) -> Vec<usize> {
    let mut world = World::cluster(6, 3);
    world.pause_for(2, pause, secs(40));
    let mut tellers = Vec::new();
    world.run_watching(secs(100), |_, noticed| {
        for noticed in noticed {
            if let Event::Member(MemberEvent::Failed, member) = &noticed.event {
                assert!(noticed.host == 2 || *member.name == *"n3");
                tellers.push(noticed.host);
            }
        }
        false
    });
    assert!(world.is_right(), "{:?}", world.first_wrong());
    tellers
}

#[test]
fn a_paused_host_is_found_failed_and_accuses_nobody_when_it_notices() {
    for hears in [false, true] {
        let tellers = failures_around(Pause { noticed: true, hears });
        assert_eq!(tellers.len(), 5, "{tellers:?}");
        assert!(!tellers.contains(&2));
    }
}

#[test]
fn a_slow_host_answers_late() {
    let mut world = World::cluster(3, 1);
    let probe_round_trip = |world: &World| {
        let why = world.serf(0).unwrap().why("n2").unwrap();
        why.round_trips.last().copied().unwrap_or_default()
    };
    assert!(probe_round_trip(&world) < Duration::from_millis(5));
    world.slow(1, Duration::from_millis(80));
    world.run_for(secs(10));
    assert!(probe_round_trip(&world) >= Duration::from_millis(80));
}

#[test]
fn streams_are_refused_by_the_dead_and_time_out_at_a_cut() {
    let mut world = World::cluster(3, 1);
    world.crash(2);
    let failure = |world: &mut World| {
        let begun = world.now();
        let stream = world.command(0, |serf, now| serf.join(now, muster_sim::address::of(2), false));
        let mut ended = None;
        world.run_watching(secs(30), |_, noticed| {
            let failed = noticed.iter().find_map(|noticed| match &noticed.event {
                Event::SyncFailed { stream: failed, reason, .. }
                    if noticed.host == 0 && Some(*failed) == stream =>
                {
                    Some((noticed.at - begun, reason.clone()))
                }
                _ => None,
            });
            ended = failed;
            ended.is_some()
        });
        ended.unwrap()
    };
    let (time, reason) = failure(&mut world);
    assert!(time < secs(1) && reason.contains("refused"), "{time:?} {reason}");
    world.network.cut(2, 0);
    let (time, reason) = failure(&mut world);
    assert!(time == secs(10) && reason.contains("timed out"), "{time:?} {reason}");
}

#[test]
fn a_name_at_a_new_address_is_taken_over_by_muster_and_refused_by_stock_rules() {
    for stock in [false, true] {
        let mut world = World::cluster_of(4, 1, |spec| if stock { spec.stock() } else { spec });
        world.crash(3);
        let again = Spec { seeds: vec![0], ..Spec::named("n4") };
        let again = world.add(if stock { again.stock() } else { again });
        world.start(again);
        let right = world.run_until(secs(15), World::is_right);
        assert_eq!(right, !stock, "{:?}", world.first_wrong());
    }
}

#[test]
fn datagrams_that_come_twice_and_late_change_nothing() {
    let mut world = World::cluster(6, 1);
    world.network.link.duplicate = 0.5;
    world.network.link.late = 0.2;
    let mut events = 0;
    world.run_watching(secs(120), |_, noticed| {
        events += noticed.iter().filter(|noticed| matches!(noticed.event, Event::Member(..))).count();
        false
    });
    assert_eq!(events, 0);
}

#[test]
fn what_its_opener_has_given_up_does_not_arrive_later() {
    let mut world = World::new(1);
    for name in ["n1", "n2"] {
        let host = world.add(Spec::named(name));
        world.start(host);
    }
    // There, back, and there again, within ten seconds or not.
    for (latency, known) in [(6, 1), (1, 2)] {
        world.network.link.latency = secs(latency);
        world.command(0, |serf, now| serf.join(now, muster_sim::address::of(1), false));
        world.run_for(secs(60));
        assert_eq!(world.serf(1).unwrap().members().count(), known, "{latency} s");
    }
}

#[test]
fn a_stream_that_ran_out_while_its_host_was_suspended_is_told_as_failed() {
    let mut world = World::cluster(3, 1);
    world.network.cut(2, 0);
    let stream = world.command(0, |serf, now| serf.join(now, muster_sim::address::of(2), false));
    world.pause_for(0, Pause { noticed: true, hears: false }, secs(30));
    let failed = world.run_watching(secs(40), |_, noticed| {
        let is_it = |event: &Event| matches!(event, Event::SyncFailed { stream: failed, .. } if Some(*failed) == stream);
        noticed.iter().any(|noticed| noticed.host == 0 && is_it(&noticed.event))
    });
    assert!(failed);
}

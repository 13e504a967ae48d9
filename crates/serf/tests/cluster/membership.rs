//! Whole clusters, as their members see them.

use crate::world::{World, secs};
use muster_serf::{Event, Input, Status, StreamId, Verdict};
use muster_wire::memberlist::Message;
use muster_wire::serf::{LeaveIntent, PushPullState, kind};
use muster_wire::stream::encode_push_pull;
use std::time::Duration;

/// A whole cluster of these nodes, joined through the first.
fn cluster(seed: u64, names: &[&str]) -> World {
    let mut world = World::new(seed);
    world.start_whole(names);
    world
}

fn left(event: &Event) -> bool {
    matches!(event, Event::LeftCluster)
}

#[test]
fn a_node_alone_is_a_cluster_of_one() {
    let mut world = World::new(1);
    world.start("a");
    assert!(world.whole(&["a"]));
    assert_eq!(world.told("a", "a"), ["join"]);
    world.run(secs(600));
    assert_eq!(world.told("a", "a"), ["join"]);
    let took = {
        world.leave("a");
        world.run_until(|world| world.count("a", left) == 1)
    };
    assert_eq!(took, Duration::ZERO, "nobody to tell");
    assert_eq!(world.told("a", "a"), ["join", "leaving", "leave"]);
}

#[test]
fn joining_in_any_order_ends_in_one_cluster_with_equal_tags() {
    let orders = [
        [("b", "a"), ("c", "b"), ("d", "c")],
        [("a", "d"), ("d", "b"), ("b", "c")],
        [("a", "b"), ("c", "d"), ("b", "d")],
        [("d", "a"), ("d", "b"), ("d", "c")],
    ];
    for (seed, order) in (0..).zip(orders) {
        let names = ["a", "b", "c", "d"];
        let mut world = World::new(seed);
        world.loss_percent = 10;
        for name in names {
            world.start(name);
        }
        for (joiner, through) in order {
            world.join(joiner, through);
            world.run(Duration::from_millis(300));
        }
        world.run_until(|world| world.whole(&names));
        for name in names {
            for about in names {
                let member = world.member(name, about).unwrap();
                assert_eq!(member.tags(), [("role".into(), about.into())].into(), "{name} about {about}");
                assert_eq!(world.told(name, about), ["join"], "{name} about {about}");
            }
        }
    }
}

#[test]
fn changed_tags_reach_everyone_once() {
    let names = ["a", "b", "c"];
    let mut world = cluster(3, &names);
    world.tell("b", |serf, now| serf.set_tags(now, [("role".into(), "db".into())].into())).unwrap();
    assert_eq!(world.member("b", "b").unwrap().tags()["role"], "db");
    world.run(secs(60));
    for name in names {
        assert_eq!(world.member(name, "b").unwrap().tags()["role"], "db");
        assert_eq!(world.told(name, "b"), ["join", "update"], "{name}");
    }
}

#[test]
fn too_many_tags_are_refused_and_nothing_changes() {
    let mut world = cluster(3, &["a", "b"]);
    let long = [("role".into(), "r".repeat(600))].into();
    let refused = world.tell("b", |serf, now| serf.set_tags(now, long)).unwrap_err();
    assert_eq!(refused.to_string(), "encoded length of tags is 610 bytes, the limit is 512");
    world.run(secs(60));
    assert_eq!(world.member("a", "b").unwrap().tags()["role"], "b");
}

#[test]
fn a_leave_is_seen_as_left_exactly_once_and_never_as_failed() {
    for seed in 0..10 {
        let names = ["a", "b", "c", "d", "e"];
        let mut world = cluster(seed, &names);
        world.loss_percent = 20;
        world.leave("c");
        assert_eq!(world.status("c", "c"), Some(Status::Leaving));
        let took = world.run_until(|world| world.count("c", left) == 1);
        assert!(took < secs(12), "{took:?}");
        world.kill("c");
        let others = ["a", "b", "d", "e"];
        world.run_until(|world| world.all_see(&others, "c", Some(Status::Left)));
        world.run(secs(120));
        for name in others {
            let mut told = world.told(name, "c");
            told.retain(|word| *word != "leaving");
            assert_eq!(told, ["join", "leave"], "{name}, seed {seed}");
        }
        assert_eq!(world.count("c", left), 1);
    }
}

#[test]
fn the_leave_intent_is_on_the_wire_before_the_dead() {
    let mut world = cluster(5, &["a", "b", "c"]);
    world.leave("c");
    world.run_until(|world| world.count("c", left) == 1);
    let intents = world.messages("c", |message| {
        matches!(message, Message::User(serf) if serf[0] == kind::LEAVE).then_some(())
    });
    let deads = world.messages("c", |message| {
        matches!(message, Message::Dead(dead) if dead.node == "c" && dead.from == "c").then_some(())
    });
    assert!(!intents.is_empty() && !deads.is_empty());
    assert!(intents.first() < deads.first(), "{intents:?} {deads:?}");
    for name in ["a", "b"] {
        assert_eq!(world.told(name, "c"), ["join", "leaving", "leave"], "{name}");
    }
}

#[test]
fn a_leaving_node_answers_until_its_leave_has_spread() {
    let mut world = cluster(5, &["a", "b", "c"]);
    world.leave("c");
    let told = world.run_until(|world| world.all_see(&["a", "b"], "c", Some(Status::Left)));
    let done = told + world.run_until(|world| world.count("c", left) == 1);
    assert!(done >= secs(1), "{done:?}");
    let suspected = |event: &Event| matches!(event, Event::Note { text, .. } if text.contains("suspected"));
    assert_eq!(world.count("a", suspected) + world.count("b", suspected), 0);
}

#[test]
fn a_leave_among_the_unreachable_ends_by_its_deadlines() {
    let mut world = cluster(5, &["a", "b"]);
    world.cut("a", "b", true);
    world.leave("b");
    let took = world.run_until(|world| world.count("b", left) == 1);
    assert!(took <= secs(11), "{took:?}");
}

#[test]
fn everyone_can_leave_at_once() {
    for seed in 0..10 {
        let names = ["a", "b", "c", "d"];
        let mut world = cluster(seed, &names);
        for name in names {
            world.leave(name);
        }
        let took = world.run_until(|world| names.iter().all(|name| world.count(name, left) == 1));
        assert!(took <= secs(5), "{took:?}, seed {seed}");
    }
}

#[test]
fn who_leaves_does_not_join() {
    let mut world = cluster(5, &["a", "b"]);
    world.leave("b");
    let stream = world.join("b", "a");
    let refused = |event: &Event| matches!(event, Event::SyncFailed { stream: s, .. } if *s == stream);
    assert_eq!(world.count("b", refused), 1);
}

#[test]
fn a_killed_node_is_failed_and_alive_again_after_its_restart() {
    let names = ["a", "b", "c"];
    let mut world = cluster(7, &names);
    world.kill("c");
    let took = world.run_until(|world| world.all_see(&["a", "b"], "c", Some(Status::Failed)));
    assert!(took < secs(40), "{took:?}");
    world.start("c");
    world.join("c", "a");
    world.run_until(|world| world.whole(&names));
    for name in ["a", "b"] {
        assert_eq!(world.told(name, "c"), ["join", "failed", "join"], "{name}");
    }
}

#[test]
fn a_failure_is_explained_by_how_it_was_found() {
    let mut world = cluster(2, &["a", "b", "c"]);
    world.run(secs(5));
    let why = |world: &World, about: &str| world.host("a").serf.why(about);
    assert!(why(&world, "c").unwrap().findings.is_empty());
    assert_eq!(why(&world, "c").unwrap().round_trips.len(), 1);
    world.kill("c");
    world.run_until(|world| world.status("a", "c") == Some(Status::Failed));
    let findings = why(&world, "c").unwrap().findings;
    assert_eq!(findings[0].verdict, Verdict::Suspected);
    assert_eq!(findings.last().unwrap().verdict, Verdict::FoundDead);
    assert_eq!(why(&world, "nobody"), None);
}

#[test]
fn a_node_that_left_joins_again_under_its_name() {
    for pause in [0, 5, 120] {
        let names = ["a", "b", "c", "d"];
        let mut world = cluster(8, &names);
        world.leave("c");
        world.run_until(|world| world.count("c", left) == 1);
        world.kill("c");
        world.run(secs(pause));
        world.start("c");
        world.join("c", "a");
        world.run_until(|world| world.whole(&names));
        world.run(secs(300));
        assert!(world.whole(&names), "after {pause} s");
        for name in ["a", "b", "d"] {
            let told = world.told(name, "c");
            let of = |word| told.iter().filter(|one| **one == word).count();
            assert_eq!((of("join"), of("leave"), of("failed")), (2, 1, 0), "{name}: {told:?}");
            assert_eq!(of("leaving"), of("staying") + 1, "{name}: {told:?}");
        }
    }
}

#[test]
fn a_forged_leave_intent_about_a_living_node_is_refuted() {
    let names = ["a", "b", "c"];
    let mut world = cluster(9, &names);
    let forged = LeaveIntent { ltime: 50, node: "b", prune: true };
    let mut bytes = vec![muster_wire::memberlist::kind::USER];
    muster_wire::serf::Message::Leave(forged).encode(&mut bytes);
    world.inject("a", bytes);
    world.run_until(|world| world.status("a", "b") == Some(Status::Leaving));
    world.run_until(|world| world.whole(&names));
    world.run(secs(60));
    assert!(world.whole(&names), "and not pruned");
    assert_eq!(world.told("a", "b"), ["join", "leaving", "staying"]);
    assert_eq!(world.told("b", "b"), ["join"]);
}

#[test]
fn a_forged_leave_intent_is_refuted_even_if_gossip_lost_it() {
    let names = ["a", "b", "c"];
    let mut world = cluster(9, &names);
    let forged = LeaveIntent { ltime: 50, node: "c", prune: false };
    let mut bytes = vec![muster_wire::memberlist::kind::USER];
    muster_wire::serf::Message::Leave(forged).encode(&mut bytes);
    world.loss_percent = 100;
    world.inject("b", bytes);
    world.run(secs(2));
    world.loss_percent = 0;
    assert_eq!(world.status("b", "c"), Some(Status::Leaving));
    assert_eq!(world.status("a", "c"), Some(Status::Alive), "the rest did not hear of it");
    let took = world.run_until(|world| world.whole(&names));
    assert!(took < secs(120), "{took:?}");
    assert_eq!(world.told("b", "c"), ["join", "leaving", "staying"]);
}

#[test]
fn a_peer_that_missed_a_return_does_not_make_the_node_leave_again() {
    let names = ["a", "b", "c"];
    let mut world = cluster(9, &names);
    let state = PushPullState {
        ltime: 60,
        status_ltimes: vec![("c", 50)],
        left_members: vec!["c"],
        ..PushPullState::default()
    };
    let bytes = encode_push_pull(false, [].into_iter(), &state.encode(), false);
    let (stream, from) = (StreamId::Inbound(0), world.host("a").addr);
    world.tell("b", |serf, now| serf.handle(now, Input::Stream { stream, from, bytes: &bytes }));
    world.run(secs(120));
    assert!(world.whole(&names));
    assert_eq!(world.told("b", "c"), ["join"]);
}

#[test]
fn a_node_that_came_back_is_not_taken_for_leaving_for_ever() {
    for seed in 0..20 {
        let mut world = cluster(seed, &["a", "b", "c", "d", "e"]);
        world.loss_percent = 30;
        world.leave("c");
        world.run_until(|world| world.count("c", left) == 1);
        world.kill("c");
        world.run(secs(120));
        world.start("c");
        world.join("c", "d");
        world.run(secs(90));
        for name in ["a", "b", "d", "e"] {
            let told = world.told(name, "c");
            assert_ne!(world.status(name, "c"), Some(Status::Leaving), "{name}, seed {seed}: {told:?}");
        }
    }
}

#[test]
fn force_leave_turns_failed_into_left_everywhere_and_prune_forgets() {
    let names = ["a", "b", "c", "d"];
    for prune in [false, true] {
        let mut world = cluster(10, &names);
        let others = ["a", "b", "c"];
        world.kill("d");
        world.run_until(|world| world.all_see(&others, "d", Some(Status::Failed)));
        world.tell("b", |serf, now| serf.force_leave(now, "d", prune));
        let (after, words): (_, &[&str]) = if prune {
            (None, &["join", "failed", "leave", "reap"])
        } else {
            (Some(Status::Left), &["join", "failed", "leave"])
        };
        assert_eq!(world.status("b", "d"), after);
        world.run_until(|world| world.all_see(&others, "d", after));
        world.run(secs(200));
        for name in others {
            assert_eq!(world.told(name, "d"), words, "{name}");
            assert_eq!(world.status(name, "d"), after);
        }
        world.tell("a", |serf, now| serf.force_leave(now, "nobody of that name", prune));
        world.tell("a", |serf, now| serf.force_leave(now, "a", prune));
        assert_eq!(world.told("a", "a"), ["join"]);
    }
}

#[test]
fn halves_of_a_cluster_find_each_other_again() {
    let names = ["a", "b", "c", "d"];
    let mut world = cluster(11, &names);
    for (left, right) in [("a", "c"), ("a", "d"), ("b", "c"), ("b", "d")] {
        world.cut(left, right, true);
    }
    world.run_until(|world| world.all_see(&["a", "b"], "c", Some(Status::Failed)));
    world.run_until(|world| world.all_see(&["c", "d"], "a", Some(Status::Failed)));
    world.run(secs(300));
    for (left, right) in [("a", "c"), ("a", "d"), ("b", "c"), ("b", "d")] {
        world.cut(left, right, false);
    }
    let took = world.run_until(|world| world.whole(&names));
    assert!(took < secs(300), "{took:?}");
}

#[test]
fn the_failed_are_forgotten_after_a_day() {
    let mut world = cluster(12, &["a", "b"]);
    world.kill("b");
    world.run(secs(24 * 3600));
    assert_eq!(world.status("a", "b"), Some(Status::Failed));
    world.run(secs(120));
    assert_eq!(world.status("a", "b"), None);
    assert_eq!(world.told("a", "b"), ["join", "failed", "reap"]);
}

#[test]
fn only_a_join_asked_for_is_announced() {
    let names = ["a", "b"];
    let mut world = cluster(13, &names);
    let announced = |world: &World, name: &str| {
        let own = |message: &Message<'_>| {
            let Message::User(serf) = message else { return None };
            let join = muster_wire::serf::Message::decode(serf).unwrap();
            matches!(join, muster_wire::serf::Message::Join(intent) if intent.node == name).then_some(())
        };
        world.messages(name, own).len()
    };
    world.run(secs(60));
    let before = announced(&world, "b");
    assert!(before > 0);
    world.join("b", "a");
    world.run(secs(60));
    assert_eq!(announced(&world, "b"), before, "only the first");
    world.cut("a", "b", true);
    world.run_until(|world| world.all_see(&["a"], "b", Some(Status::Failed)));
    world.cut("a", "b", false);
    world.run_until(|world| world.whole(&names));
    world.run(secs(60));
    assert_eq!(announced(&world, "b"), before, "a reconnect announces nothing");
    assert_eq!(announced(&world, "a"), 0, "nor does a periodic exchange");
}

#[test]
fn the_same_seed_is_the_same_run() {
    let trace = |seed| {
        let mut world = World::new(seed);
        world.loss_percent = 15;
        for name in ["a", "b", "c", "d"] {
            world.start(name);
        }
        for name in ["b", "c", "d"] {
            world.join(name, "a");
        }
        world.run(secs(30));
        world.kill("b");
        world.run(secs(60));
        world.leave("c");
        world.run(secs(30));
        world.trace
    };
    assert_eq!(trace(1), trace(1));
    assert_ne!(trace(1), trace(2));
}

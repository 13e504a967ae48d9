use super::*;
use crate::testing::{any_picture, backend, picture};
use crate::{Delta, Standing};
use proptest::prelude::*;

const READY: Standing = Standing::Ready;
const WITHDRAWN: Standing = Standing::Withdrawn;

#[test]
fn a_restarted_agent_that_has_met_nobody_empties_no_pool() {
    let held = picture((1, 9), Phase::Live, &[("web", "a", backend(1, READY))]);
    let fresh = picture((2, 0), Phase::Warming, &[]);
    let acted_on = held.succeeded_by(fresh);
    assert_eq!(acted_on.services, held.services);
    assert_eq!((acted_on.epoch, acted_on.version, acted_on.phase), (2, 0, Phase::Warming));
}

#[test]
fn what_a_warming_agent_names_it_knows_withdrawn_included() {
    let held =
        picture((1, 9), Phase::Live, &[("web", "a", backend(1, READY)), ("web", "b", backend(2, READY))]);
    let moved = ("web", "b", backend(9, READY));
    let fresh = picture((2, 0), Phase::Warming, &[("web", "a", backend(1, WITHDRAWN)), moved]);
    let acted_on = held.succeeded_by(fresh);
    assert_eq!(acted_on.backend("web", "a"), Some(&backend(1, WITHDRAWN)));
    assert_eq!(acted_on.backend("web", "b"), Some(&backend(9, READY)));
}

#[test]
fn a_live_picture_replaces_whatever_was_held() {
    let held = picture((1, 9), Phase::Live, &[("web", "a", backend(1, READY))]);
    for epoch in [1, 2] {
        let live = picture((epoch, 10), Phase::Live, &[("web", "b", backend(2, READY))]);
        assert_eq!(held.succeeded_by(live.clone()), live);
    }
}

/// The whole life of an agent seen by a sink that knew two backends from its former life.
#[test]
fn a_backend_from_before_stays_while_the_agent_warms_and_goes_when_it_is_live_without_it() {
    let mut sink = Follower::new();
    let before =
        picture((1, 9), Phase::Live, &[("web", "a", backend(1, READY)), ("web", "b", backend(2, READY))]);
    let empty = picture((2, 0), Phase::Warming, &[]);
    let one = picture((2, 1), Phase::Warming, &[("web", "c", backend(3, READY))]);
    let none = picture((2, 2), Phase::Warming, &[]);
    let live = picture((2, 3), Phase::Live, &[("web", "a", backend(1, READY))]);
    let steps = [
        (Update::Full(before), vec!["a", "b"]),
        (Update::Full(empty.clone()), vec!["a", "b"]),
        (Update::Delta(Delta::between(&empty, &one)), vec!["a", "b", "c"]),
        // Known in this life and taken back: gone, although still warming.
        (Update::Delta(Delta::between(&one, &none)), vec!["a", "b"]),
        // b was never named in this life, so no delta can name it; live says that it is gone.
        (Update::Delta(Delta::between(&none, &live)), vec!["a"]),
    ];
    for (update, want) in steps {
        let acted_on = sink.take(update).unwrap().expect("it changed").clone();
        let nodes: Vec<_> = acted_on.backends().map(|(_, node, _)| node).collect();
        assert_eq!(nodes, want);
        assert_eq!(sink.picture(), Some(&acted_on));
    }
    assert_eq!(sink.take(Update::Same { epoch: 2, version: 3 }), Ok(None));
}

#[test]
fn an_update_that_does_not_follow_is_a_gap_and_the_last_picture_stays() {
    let mut sink = Follower::new();
    let [one, two, three] = [1, 2, 3].map(|version| picture((1, version), Phase::Live, &[]));
    assert_eq!(sink.take(Update::Delta(Delta::between(&one, &two))), Err(Gap), "before any picture");
    assert_eq!(sink.take(Update::Same { epoch: 1, version: 1 }), Err(Gap), "before any picture");
    sink.take(Update::Full(one.clone())).unwrap();
    assert_eq!(sink.take(Update::Delta(Delta::between(&two, &three))), Err(Gap), "one was missed");
    assert_eq!(sink.take(Update::Same { epoch: 1, version: 2 }), Err(Gap), "one was missed");
    assert_eq!(sink.take(Update::Same { epoch: 2, version: 1 }), Err(Gap), "another life");
    assert_eq!(sink.picture(), Some(&one));
}

proptest! {
    #[test]
    fn warming_loses_no_backend_and_believes_all_it_is_told(
        held in any_picture(1),
        new in any_picture(2).prop_map(|new| Picture { phase: Phase::Warming, ..new }),
    ) {
        let acted_on = held.succeeded_by(new.clone());
        for (service, node, _) in held.backends() {
            prop_assert!(acted_on.backend(service, node).is_some());
        }
        for (service, node, backend) in new.backends() {
            prop_assert_eq!(acted_on.backend(service, node), Some(backend));
        }
        for (service, node, backend) in acted_on.backends() {
            prop_assert!([held.backend(service, node), new.backend(service, node)].contains(&Some(backend)));
        }
    }

    #[test]
    fn a_live_stream_of_deltas_shows_what_the_agent_has(pictures in proptest::collection::vec(any_picture(1), 1..6)) {
        let mut sink = Follower::new();
        let mut last: Option<Picture> = None;
        for (version, picture) in pictures.into_iter().enumerate() {
            let next = Picture { version: version as u64, phase: Phase::Live, ..picture };
            let update = match &last {
                None => Update::Full(next.clone()),
                Some(last) => Update::Delta(Delta::between(last, &next)),
            };
            prop_assert_eq!(sink.take(update), Ok(Some(&next)));
            last = Some(next);
        }
    }
}

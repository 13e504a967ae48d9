//! What a backend's standing, proof and evidence mean for the next request.

mod common;

use common::*;
use muster_balance::{Attempt, Balancer, Change, Choice, Ended, Evidence, Key, Turn};
use std::collections::BTreeMap;
use std::time::Duration;

fn proven(standings: &[muster_fleet::Standing]) -> (Balancer, Vec<Choice>) {
    let mut balancer = Balancer::new(1);
    let changes = balancer.apply(ms(0), &web(standings));
    let choices = prove(&mut balancer, ms(0), &changes);
    (balancer, choices)
}

#[test]
fn nothing_is_picked_without_a_picture_or_for_another_service() {
    let mut balancer = Balancer::new(1);
    assert_eq!(balancer.pick(ms(0), "web", &[]), None);
    balancer.apply(ms(0), &web(&[READY]));
    assert_eq!(balancer.pick(ms(0), "api", &[]), None);
    assert_eq!(balancer.report("proxy").failed, 2, "each was a request, and failed");
}

#[test]
fn the_same_seed_makes_the_same_picks() {
    let run = |seed| {
        let mut balancer = Balancer::new(seed);
        let changes = balancer.apply(ms(0), &web(&[READY; 5]));
        let choices = prove(&mut balancer, ms(0), &changes);
        balancer.evidence(ms(1), choices[0].key, Evidence::ConnectFailed);
        let picks: Vec<_> = (0..20).map(|_| balancer.pick(ms(2), "web", &[])).collect();
        (picks, balancer.next_timeout())
    };
    assert_eq!(run(7), run(7));
    assert!((0..20).any(|seed| run(seed) != run(7)), "and others differ");
}

#[test]
fn a_new_backend_waits_until_a_connection_proved_it() {
    let (mut balancer, _) = proven(&[READY]);
    let changes = balancer.apply(ms(1), &web(&[READY, READY]));
    assert_eq!(state(&balancer, "b"), "new");
    assert_eq!(hosts(&mut balancer, ms(1), 10), BTreeMap::from([(addr(1), 10)]));
    prove(&mut balancer, ms(2), &changes);
    assert_eq!(state(&balancer, "b"), "up");
    let share = hosts(&mut balancer, ms(2), 10)[&addr(2)];
    assert!((5..=6).contains(&share), "{share} of 10: one before all others, since it was never asked");
}

#[test]
fn when_all_are_new_they_are_used_all_the_same() {
    let mut balancer = Balancer::new(1);
    balancer.apply(ms(0), &web(&[READY; 2]));
    assert_eq!(hosts(&mut balancer, ms(0), 10), BTreeMap::from([(addr(1), 5), (addr(2), 5)]));
}

#[test]
fn an_agent_killed_beside_a_living_application_leaves_it_as_the_last_resort() {
    let (mut balancer, choices) = proven(&[READY; 3]);
    balancer.apply(ms(1), &web(&[DEMOTED, READY, DEMOTED]));
    assert_eq!(state(&balancer, "a"), "demoted");
    // Even one that answers right now is not preferred: its host may be on its way out.
    balancer.evidence(ms(1), choices[0].key, Evidence::Answered);
    assert_eq!(hosts(&mut balancer, ms(1), 10), BTreeMap::from([(addr(2), 10)]));
    // The last ready one is withdrawn: the demoted serve.
    balancer.apply(ms(2), &web(&[DEMOTED, WITHDRAWN, DEMOTED]));
    assert_eq!(hosts(&mut balancer, ms(2), 10), BTreeMap::from([(addr(1), 5), (addr(3), 5)]));
}

#[test]
fn among_demoted_ones_evidence_decides() {
    let (mut balancer, choices) = proven(&[READY; 3]);
    balancer.apply(ms(1), &web(&[DEMOTED; 3]));
    let due = balancer.due_trials(ms(1));
    assert_eq!(due.len(), 3, "gossip accuses, so they are asked before they are needed");
    assert_eq!(balancer.due_trials(ms(1)), [], "once each");
    assert_eq!(balancer.evidence(ms(1), choices[1].key, Evidence::ConnectFailed), Turn::Ejected);
    assert_eq!(hosts(&mut balancer, ms(1), 10), BTreeMap::from([(addr(1), 5), (addr(3), 5)]));
}

#[test]
fn an_ejected_backend_gets_nothing_while_others_serve_and_is_tried_last() {
    let (mut balancer, choices) = proven(&[READY; 3]);
    assert!(balancer.keeps(choices[0].key));
    assert_eq!(balancer.evidence(ms(1), choices[0].key, Evidence::ConnectFailed), Turn::Ejected);
    assert!(!balancer.keeps(choices[0].key));
    assert_eq!(state(&balancer, "a"), "ejected");
    assert!(row(&balancer, "a").unwrap().why.unwrap().starts_with("no connection could be made"));
    assert_eq!(hosts(&mut balancer, ms(1), 10), BTreeMap::from([(addr(2), 5), (addr(3), 5)]));
    let tried = keys(&choices[1..]);
    assert_eq!(balancer.pick(ms(1), "web", &tried), Some(choices[0]));
    assert_eq!(balancer.pick(ms(1), "web", &keys(&choices)), None);
}

#[test]
fn an_ejected_backend_is_tried_once_when_its_time_is_over_and_served_when_it_connects() {
    let (mut balancer, choices) = proven(&[READY; 2]);
    balancer.evidence(ms(100), choices[0].key, Evidence::ConnectFailed);
    let due = balancer.next_timeout().unwrap();
    assert!((ms(1_100)..=ms(1_350)).contains(&due), "{due:?}");
    assert_eq!(balancer.due_trials(ms(1_099)), []);
    assert_eq!(balancer.due_trials(due), [choices[0]]);
    assert_eq!(balancer.due_trials(due), []);
    assert_ne!(
        balancer.evidence(due, choices[0].key, Evidence::ConnectFailed),
        Turn::Ejected,
        "it was ejected before"
    );
    let next = balancer.next_timeout().unwrap();
    assert!(next - due >= Duration::from_secs(2), "{next:?}");
    assert_eq!(balancer.due_trials(next), [choices[0]]);
    balancer.evidence(next, choices[0].key, Evidence::Connected);
    assert_eq!(state(&balancer, "a"), "up");
    assert_eq!(balancer.next_timeout(), None);
    assert_eq!(hosts(&mut balancer, next, 10).len(), 2);
}

#[test]
fn a_last_resort_that_answers_is_taken_back_at_once() {
    let (mut balancer, choices) = proven(&[READY; 2]);
    balancer.evidence(ms(1), choices[0].key, Evidence::ConnectFailed);
    balancer.evidence(ms(2), choices[0].key, Evidence::Answered);
    assert_eq!(state(&balancer, "a"), "up");
    assert_eq!(balancer.next_timeout(), None);
}

#[test]
fn a_node_that_gossip_sees_again_is_tried_again_at_once() {
    let (mut balancer, choices) = proven(&[READY; 2]);
    balancer.evidence(ms(1), choices[0].key, Evidence::ConnectFailed);
    balancer.apply(ms(2), &web(&[DEMOTED, READY]));
    assert_eq!(state(&balancer, "a"), "ejected");
    balancer.apply(ms(3), &web(&[READY, READY]));
    assert_eq!(balancer.due_trials(ms(3)), [choices[0]]);
    balancer.evidence(ms(4), choices[0].key, Evidence::Connected);
    assert_eq!(state(&balancer, "a"), "up");
}

#[test]
fn the_last_proven_backend_is_not_ejected_by_one_failure() {
    let (mut balancer, choices) = proven(&[READY; 2]);
    assert_eq!(balancer.evidence(ms(1), choices[0].key, Evidence::ConnectFailed), Turn::Ejected);
    assert_ne!(balancer.evidence(ms(2), choices[1].key, Evidence::ConnectFailed), Turn::Ejected);
    assert_eq!(hosts(&mut balancer, ms(2), 10), BTreeMap::from([(addr(2), 10)]));
}

#[test]
fn evidence_survives_a_new_picture_and_weights_follow_it() {
    let (mut balancer, choices) = proven(&[READY; 3]);
    for choice in &choices {
        balancer.evidence(ms(0), choice.key, Evidence::Answered);
    }
    balancer.evidence(ms(1), choices[0].key, Evidence::ConnectFailed);
    let mut picture = web(&[READY; 3]);
    picture.services.get_mut("web").unwrap().backends.get_mut("b").unwrap().weight = 40;
    assert_eq!(balancer.apply(ms(2), &picture), []);
    assert_eq!(state(&balancer, "a"), "ejected");
    assert_eq!(hosts(&mut balancer, ms(2), 10), BTreeMap::from([(addr(2), 8), (addr(3), 2)]));
}

#[test]
fn a_lost_first_outcome_is_asked_for_again() {
    let mut balancer = Balancer::new(1);
    let changes = balancer.apply(ms(0), &web(&[READY]));
    let due = balancer.next_timeout().unwrap();
    assert!(due > ms(0), "the change itself asks for the first connection");
    assert_eq!(balancer.due_trials(due), appeared(&changes));
}

#[test]
fn a_returned_backend_must_prove_itself_again() {
    let (mut balancer, choices) = proven(&[READY; 2]);
    balancer.apply(ms(1), &web(&[WITHDRAWN, READY]));
    let changes = balancer.apply(ms(2), &web(&[READY, READY]));
    assert_eq!(changes, [Change::Returned(choices[0].key)]);
    assert_eq!(state(&balancer, "a"), "new");
    assert_eq!(balancer.due_trials(ms(2)), [choices[0]]);
}

/// Retries granted for a GET that was sent to `key`, up to a thousand.
fn granted(balancer: &mut Balancer, key: Key) -> usize {
    let get = Attempt { safe: true, unsent: false, body_intact: true, answered: false, attempts: 1 };
    (0..1_000).take_while(|_| balancer.may_retry(ms(1), key, get)).count()
}

#[test]
fn retries_are_limited_except_where_work_only_moves() {
    let fail = |evidence: &[Evidence], standings: &[muster_fleet::Standing]| {
        let (mut balancer, choices) = proven(&[READY; 2]);
        for evidence in evidence {
            balancer.evidence(ms(1), choices[0].key, *evidence);
        }
        balancer.apply(ms(1), &web(standings));
        granted(&mut balancer, choices[0].key)
    };
    let both = [READY; 2];
    assert_eq!(fail(&[], &both), 100, "nothing known: the floor of the budget");
    assert_eq!(fail(&[Evidence::Silent; 3], &both), 100, "it may still be working");
    assert_eq!(fail(&[Evidence::Died], &both), 1_000);
    assert_eq!(fail(&[Evidence::ConnectFailed], &both), 1_000);
    assert_eq!(fail(&[], &[WITHDRAWN, READY]), 1_000, "stopped with requests in flight");
    assert_eq!(fail(&[Evidence::Died], &[READY, WITHDRAWN]), 100, "nobody to move to");
}

#[test]
fn the_rule_comes_before_the_budget() {
    let (mut balancer, choices) = proven(&[READY; 2]);
    let post = Attempt { safe: false, unsent: false, body_intact: true, answered: false, attempts: 1 };
    assert!(!balancer.may_retry(ms(1), choices[0].key, post));
    assert!(balancer.may_retry(ms(1), choices[0].key, Attempt { unsent: true, ..post }));
    assert_eq!(granted(&mut balancer, choices[0].key), 100, "neither has cost anything");
}

/// Two that answer, and `c`, which appeared, was connected to and has not been asked yet.
fn newcomer() -> (Balancer, Key) {
    let (mut balancer, choices) = proven(&[READY; 2]);
    for choice in &choices {
        balancer.evidence(ms(0), choice.key, Evidence::Answered);
    }
    let changes = balancer.apply(ms(1), &web(&[READY; 3]));
    let newcomer = prove(&mut balancer, ms(1), &changes)[0].key;
    (balancer, newcomer)
}

#[test]
fn a_newcomer_gets_one_request_until_it_has_answered() {
    let (mut balancer, newcomer) = newcomer();
    assert_eq!(hosts(&mut balancer, ms(2), 30).get(&addr(3)), Some(&1), "none is finished, none answered");
    balancer.evidence(ms(3), newcomer, Evidence::Answered);
    let share = hosts(&mut balancer, ms(3), 30)[&addr(3)];
    assert!((9..=11).contains(&share), "{share} of 30");
}

#[test]
fn a_newcomer_whose_request_is_over_gets_another() {
    let (mut balancer, newcomer) = newcomer();
    for round in 2..5 {
        assert_eq!(hosts(&mut balancer, ms(round), 30).get(&addr(3)), Some(&1));
        balancer.finish(newcomer, Ended::Abandoned);
    }
}

#[test]
fn one_silence_ejects_a_newcomer_and_not_one_that_has_answered() {
    let (mut balancer, newcomer) = newcomer();
    assert_eq!(balancer.evidence(ms(2), newcomer, Evidence::Silent), Turn::Ejected);
    let answers = balancer.pick(ms(2), "web", &[]).unwrap().key;
    assert_ne!(balancer.evidence(ms(2), answers, Evidence::Silent), Turn::Ejected);
}

#[test]
fn a_newcomer_is_on_trial_only_beside_one_that_answers() {
    let (balancer, newcomer) = newcomer();
    assert!(balancer.is_on_trial(newcomer));
    let (mut balancer, choices) = proven(&[READY; 2]);
    assert!(!balancer.is_on_trial(choices[0].key), "nobody has answered yet: all may be slow to start");
    balancer.evidence(ms(1), choices[0].key, Evidence::Answered);
    assert!(!balancer.is_on_trial(choices[0].key));
    assert!(balancer.is_on_trial(choices[1].key));
}

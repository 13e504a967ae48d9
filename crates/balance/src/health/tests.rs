use super::*;
use Evidence::{Answered, ConnectFailed, Connected, Died, KeptDied, Silent};

fn ms(ms: u64) -> Instant {
    Instant(Duration::from_millis(ms))
}

/// A backend with a clock and the same company throughout.
struct Patient {
    health: Health,
    alone: bool,
    rng: fastrand::Rng,
}

impl Patient {
    fn new(alone: bool) -> Self {
        let health = Health::awaiting_first_connection(ms(0));
        Self { health, alone, rng: fastrand::Rng::with_seed(1) }
    }

    /// Connected and answered before.
    fn well(alone: bool) -> Self {
        let mut patient = Self::new(alone);
        assert!(!patient.sees(0, Connected));
        assert!(!patient.sees(0, Answered));
        patient
    }

    fn sees(&mut self, at: u64, evidence: Evidence) -> bool {
        self.health.observe(ms(at), evidence, self.alone, &mut self.rng)
    }

    /// Milliseconds from `at` to the trial.
    fn waits(&self, at: u64) -> u128 {
        (self.health.trial().expect("a trial is due") - ms(at)).as_millis()
    }
}

#[test]
fn a_new_backend_is_proven_by_a_connection() {
    let mut patient = Patient::new(false);
    assert!(!patient.health.is_proven());
    assert!(patient.health.trial().is_some(), "the first outcome may get lost");
    patient.sees(1, Connected);
    assert!(patient.health.is_proven() && !patient.health.is_settled(), "it still has to answer");
}

#[test]
fn how_many_failures_in_a_row_eject() {
    let cases = [
        (ConnectFailed, false, 1),
        (ConnectFailed, true, 3),
        (Died, false, 1),
        (Died, true, 3),
        (KeptDied, false, 3),
        (KeptDied, true, 3),
        (Silent, false, 3),
        (Silent, true, 3),
    ];
    for (evidence, alone, enough) in cases {
        let mut patient = Patient::well(alone);
        for n in 1..=enough {
            assert_eq!(patient.sees(n, evidence), n == enough, "{evidence:?}, alone: {alone}, failure {n}");
            assert_eq!(patient.health.is_ejected(), n == enough);
        }
        assert!(!patient.sees(enough, evidence), "told once");
    }
}

#[test]
fn an_answer_breaks_the_row() {
    let mut patient = Patient::well(false);
    for at in 0..10 {
        assert!(!patient.sees(at, Silent));
        assert!(!patient.sees(at, Silent));
        assert!(!patient.sees(at, Answered));
    }
    assert!(patient.health.is_settled());
}

#[test]
fn a_connection_is_no_answer_and_does_not_break_the_row() {
    let mut patient = Patient::well(false);
    patient.sees(1, Silent);
    patient.sees(2, Connected);
    patient.sees(3, Silent);
    patient.sees(4, Connected);
    assert!(patient.sees(5, Silent));
}

#[test]
fn one_that_never_worked_is_ejected_by_its_first_failure_even_alone() {
    assert!(Patient::new(true).sees(1, ConnectFailed));
}

#[test]
fn the_wait_doubles_with_each_failed_trial_up_to_its_limit() {
    for (mut patient, first, most) in
        [(Patient::well(false), 1_000, 30_000), (Patient::new(false), 250, 5_000)]
    {
        let mut at = 10;
        let mut want: u64 = first;
        for _ in 0..10 {
            patient.sees(at, ConnectFailed);
            let waits = patient.waits(at);
            let allowed = u128::from(want)..=u128::from(want + want / 4);
            assert!(allowed.contains(&waits), "{waits} ms, wanted {allowed:?}");
            at += u64::try_from(waits).unwrap() + 1;
            patient.health.trial_started(ms(at));
            want = (want * 2).min(most);
        }
    }
}

#[test]
fn failures_before_the_wait_is_over_do_not_prolong_it() {
    let mut patient = Patient::well(false);
    patient.sees(10, ConnectFailed);
    let trial = patient.health.trial();
    for at in 11..500 {
        assert!(!patient.sees(at, ConnectFailed));
    }
    assert_eq!(patient.health.trial(), trial);
}

#[test]
fn a_trial_connection_puts_on_probation_and_an_answer_ends_it() {
    let mut patient = Patient::well(false);
    patient.sees(0, Silent);
    patient.sees(0, Silent);
    patient.sees(0, Silent);
    patient.sees(5_000, Connected);
    assert!(!patient.health.is_ejected() && !patient.health.is_settled());
    assert!(patient.sees(6_000, Silent), "one more is enough now");
    assert!(patient.waits(6_000) >= 2_000, "and the wait is longer");
    patient.sees(20_000, Connected);
    patient.sees(20_001, Answered);
    assert!(patient.health.is_settled());
    assert!(!patient.sees(20_002, Silent));
}

#[test]
fn on_probation_one_failure_of_any_kind_is_enough() {
    for evidence in [ConnectFailed, Died, KeptDied, Silent] {
        let mut patient = Patient::well(true);
        patient.alone = false;
        patient.sees(0, ConnectFailed);
        patient.alone = true;
        patient.sees(1_500, Connected);
        assert!(patient.sees(1_600, evidence), "{evidence:?}");
    }
}

#[test]
fn a_connection_disproves_at_once_only_that_none_can_be_made() {
    let mut refused = Patient::well(false);
    refused.sees(0, ConnectFailed);
    refused.sees(1, Connected);
    assert!(!refused.health.is_ejected());

    let mut silent = Patient::well(false);
    (0..3).for_each(|at| _ = silent.sees(at, Silent));
    silent.sees(3, Connected);
    assert!(silent.health.is_ejected(), "silent servers accept connections too");
    silent.sees(4, Answered);
    assert!(!silent.health.is_ejected(), "an answer settles it");
}

#[test]
fn a_died_connection_is_checked_at_once_and_only_its_repetition_costs_time() {
    let mut patient = Patient::well(false);
    assert!(patient.sees(10, Died));
    assert_eq!(patient.waits(10), 0, "it may have been the request's fault");
    patient.health.trial_started(ms(10));
    patient.sees(11, Connected);
    assert!(!patient.health.is_ejected());
    assert!(patient.sees(12, Died));
    assert!(patient.waits(12) >= 1_000);
    patient.sees(13, Connected);
    assert!(patient.health.is_ejected(), "it accepts, and dies again");
}

#[test]
fn the_first_kept_connection_that_dies_asks_for_a_trial() {
    let mut patient = Patient::well(false);
    assert!(!patient.sees(10, KeptDied));
    assert_eq!(patient.waits(10), 0);
    patient.health.trial_started(ms(10));
    assert!(patient.sees(11, ConnectFailed), "the trial's outcome counts as any");
}

#[test]
fn a_trial_whose_outcome_is_lost_is_asked_for_again() {
    let mut patient = Patient::well(false);
    patient.sees(0, ConnectFailed);
    let due = patient.health.trial().unwrap();
    patient.health.trial_started(due);
    assert_eq!(patient.health.trial(), Some(due + TRIAL_PATIENCE));
}

#[test]
fn gossip_doubts_and_vouches() {
    let mut patient = Patient::well(false);
    patient.health.doubted(ms(5));
    assert_eq!(patient.waits(5), 0);
    patient.health.trial_started(ms(5));
    assert_eq!(patient.health.trial(), None, "asked once");

    patient.sees(6, ConnectFailed);
    patient.sees(2_000, ConnectFailed);
    patient.health.vouched_for(ms(2_001));
    assert!(patient.health.is_ejected(), "only evidence readmits");
    assert_eq!(patient.waits(2_001), 0, "and it is sought at once");
}

#[test]
fn why_tells_the_evidence() {
    let mut patient = Patient::well(false);
    assert_eq!(patient.health.why(), None);
    patient.sees(0, ConnectFailed);
    let why = "no connection could be made; failures in a row: 1; ejections since its last answer: 1";
    assert_eq!(patient.health.why().as_deref(), Some(why));
}

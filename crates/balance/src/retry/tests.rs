use super::*;
use core::time::Duration;

fn at(secs: u64) -> Instant {
    Instant(Duration::from_secs(secs))
}

/// Retries granted at `now` until the first refusal.
fn granted(budget: &mut Budget, now: Instant) -> usize {
    (0..100_000).take_while(|_| budget.withdraw(now)).count()
}

#[test]
fn the_rule_as_a_table() {
    let sent_get = Attempt { safe: true, unsent: false, body_intact: true, answered: false, attempts: 1 };
    let sent_post = Attempt { safe: false, ..sent_get };
    let unsent_post = Attempt { unsent: true, ..sent_post };
    let cases = [
        (sent_get, true),
        (sent_post, false),
        (unsent_post, true),
        (Attempt { body_intact: false, ..sent_get }, false),
        (Attempt { body_intact: false, ..unsent_post }, false),
        (Attempt { answered: true, ..sent_get }, false),
        (Attempt { answered: true, ..unsent_post }, false),
        (Attempt { attempts: 2, ..sent_get }, true),
        (Attempt { attempts: 3, ..sent_get }, false),
        (Attempt { attempts: 3, ..unsent_post }, false),
    ];
    for (attempt, want) in cases {
        assert_eq!(may_retry(attempt), want, "{attempt:?}");
    }
}

#[test]
fn a_quiet_service_may_retry_too() {
    assert_eq!(granted(&mut Budget::default(), at(0)), 100);
}

#[test]
fn a_fifth_of_the_last_ten_seconds_requests_may_be_retried() {
    let mut budget = Budget::default();
    for second in 0..100 {
        (0..500).for_each(|_| budget.deposit(at(second)));
    }
    assert_eq!(granted(&mut budget, at(99)), 100 + 10 * 500 / 5);
    assert_eq!(granted(&mut budget, at(99)), 0);
}

#[test]
fn what_is_older_than_the_window_counts_no_more() {
    let mut budget = Budget::default();
    (0..500).for_each(|_| budget.deposit(at(7)));
    assert_eq!(granted(&mut budget, at(16)), 200, "the last second it counts");
    assert_eq!(granted(&mut budget, at(17)), 0, "retries count as long as requests");
    assert_eq!(granted(&mut budget, at(26)), 100);
    assert_eq!(granted(&mut budget, at(1_000_000)), 100);
}

#[test]
fn time_going_backwards_is_taken_as_standing_still() {
    let mut budget = Budget::default();
    assert_eq!(granted(&mut budget, at(50)), 100);
    assert_eq!(granted(&mut budget, at(3)), 0);
}

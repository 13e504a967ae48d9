use super::*;

const V2: &str = "usage_usec 61234567\nuser_usec 50234567\nsystem_usec 11000000\nnice_usec 0\n\
                  core_sched.force_idle_usec 0\nnr_periods 1234\nnr_throttled 321\nthrottled_usec 28123456\n\
                  nr_bursts 0\nburst_usec 0\n";
const V1: &str = "nr_periods 9\nnr_throttled 7\nthrottled_time 654321000\nnr_bursts 0\nburst_time 0\n";

#[test]
fn both_versions_are_read_as_the_kernel_writes_them() {
    assert_eq!(read_stat(V2), Some((321, Duration::from_micros(28_123_456))));
    assert_eq!(read_stat(V1), Some((7, Duration::from_micros(654_321))));
    let period = Some(Duration::from_millis(100));
    assert_eq!(period_of_max("50000 100000\n"), period);
    assert_eq!(period_of_max("max 100000\n"), None);
    assert_eq!(period_of_cfs("50000\n", "100000\n"), period);
    assert_eq!(period_of_cfs("-1\n", "100000\n"), None);
}

#[test]
fn anything_else_is_no_reading() {
    // The first is what a group whose CPU controller is off says.
    for text in [
        "usage_usec 5\nuser_usec 3\nsystem_usec 2\n",
        "",
        "nr_throttled\nthrottled_usec\n",
        "nr_throttled 1\n",
        "nr_throttled x\nthrottled_usec 1\n",
        "nr_throttled -1\nthrottled_usec 1\n",
        "nr_throttled 1\nthrottled_usec 99999999999999999999999\n",
        "xnr_throttled 1\nnr_throttled_x 1\nthrottled_usec 1\n",
        "\0\u{fffd}\n\n nr_throttled 1",
    ] {
        assert_eq!(read_stat(text), None, "{text:?}");
    }
    for text in ["", "max", "100000", "x y", "x ", " x", "1 -1", "-1 100000"] {
        assert_eq!(period_of_max(text), None, "{text:?}");
        // In version 1 quota and period are files of their own, and one number is all that each holds.
        let is_number = text == "100000";
        assert_eq!(period_of_cfs(text, "100000").is_some(), is_number, "{text:?}");
        assert_eq!(period_of_cfs("100000", text).is_some(), is_number, "{text:?}");
    }
}

fn at(seconds: u64) -> Instant {
    Instant(Duration::from_secs(seconds))
}

/// Throttled in so many periods of 100 ms, for so long in all.
fn accounts(periods_throttled: u64, millis: u64) -> Option<Accounts> {
    let (throttled, period) = (Duration::from_millis(millis), Duration::from_millis(100));
    Some(Accounts { periods_throttled, throttled, period })
}

#[test]
fn it_matters_when_the_share_is_high_and_the_pauses_are_long() {
    for (why, seconds, periods, millis, expected) in [
        ("never", 10, 0, 0, false),
        ("a tenth is not yet high", 10, 11, 1000, false),
        ("more than a tenth", 10, 11, 1001, true),
        ("nearly all of the time", 10, 100, 9500, true),
        ("half of the time, in pauses of 49 ms", 10, 100, 4900, false),
        ("half of the time, in pauses of 50 ms", 10, 100, 5000, true),
        ("two pauses just after the start", 1, 2, 180, false),
        ("a whole first second, and a bit", 2, 20, 1100, true),
        ("a minute without a wake, 6 s withheld", 60, 70, 6000, false),
        ("a minute without a wake, 7 s withheld", 60, 80, 7000, true),
        ("eight CPUs in two periods are 200 ms, not 1.6 s", 10, 2, 1600, false),
    ] {
        let mut throttle = Throttle::default();
        assert_eq!(throttle.take(at(100), accounts(5, 5)), None, "one reading says nothing");
        let strain = throttle.take(at(100 + seconds), accounts(5 + periods, 5 + millis));
        assert_eq!(strain.is_some(), expected, "{why}: {strain:?}");
    }
}

#[test]
fn a_group_stands_still_no_longer_than_time_passes() {
    let mut throttle = Throttle::default();
    throttle.take(at(0), accounts(0, 0));
    let strain = throttle.take(at(3), accounts(40, 90_000)).unwrap();
    assert_eq!(strain.throttled.to_string(), "3.0 s of the last 3.0 s");
}

#[test]
fn counters_that_went_back_are_another_groups() {
    let mut throttle = Throttle::default();
    throttle.take(at(0), accounts(1000, 90_000));
    assert_eq!(throttle.take(at(10), accounts(3, 200)), None);
    assert_eq!(throttle.lately(), None);
}

#[test]
fn what_is_over_for_ten_seconds_is_forgotten_and_the_log_says_it_every_five_minutes() {
    let mut throttle = Throttle::default();
    throttle.take(at(0), accounts(0, 0));
    let mut told = Vec::new();
    let mut strained = Vec::new();
    for second in 1..=1000 {
        // 900 ms of each second, in nine pauses; no more after 700 s.
        let pauses = second.min(700) * 9;
        if let Some(strain) = throttle.take(at(second), accounts(pauses, pauses * 100)) {
            strained.push(second);
            told.extend(strain.tell.then_some(second));
        }
        assert!(throttle.readings.len() <= 12, "{}", throttle.readings.len());
    }
    assert_eq!((strained[0], *strained.last().unwrap()), (2, 708), "900 ms and then more than 1 s of 10");
    assert_eq!(told, [2, 302, 602]);
    assert_eq!(throttle.lately(), None);
}

#[test]
fn readings_are_a_second_apart_and_a_minute_without_a_quota() {
    let mut throttle = Throttle::default();
    assert!(throttle.wants_reading(at(0)));
    throttle.take(at(0), accounts(0, 0));
    assert!(!throttle.wants_reading(Instant(Duration::from_millis(999))) && throttle.wants_reading(at(1)));
    throttle.take(at(1), accounts(9, 900));
    assert!(throttle.lately().is_some());
    throttle.take(at(2), None);
    assert_eq!(throttle.lately(), None);
    assert!(!throttle.wants_reading(at(61)) && throttle.wants_reading(at(62)));
}

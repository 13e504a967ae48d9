use super::*;

fn tally(requests: u32, errors: u32, mean_ms: u32) -> Tally {
    Tally { requests, errors, took: Duration::from_millis(mean_ms.into()) * requests }
}

fn found(tallies: &[Tally]) -> Vec<usize> {
    compare(&Outliers::default(), tallies).into_iter().map(|(n, _)| n).collect()
}

#[test]
fn only_who_is_clearly_worse_than_its_peers_stands_out() {
    let good = tally(100, 1, 10);
    assert_eq!(found(&[good, good, tally(100, 50, 10)]), [2]);
    assert_eq!(found(&[good, tally(100, 60, 10), tally(100, 90, 10), good, good]), [2, 1], "the worst first");
    assert_eq!(found(&[tally(100, 50, 10); 4]), [], "all alike: not their fault");
    assert_eq!(found(&[good, good, tally(100, 15, 10)]), [], "within the gap");
    assert_eq!(found(&[good, good, tally(19, 19, 10)]), [], "too few to judge");
    assert_eq!(found(&[tally(100, 100, 10)]), [], "nobody to compare with");
    assert_eq!(found(&[tally(20, 8, 10), tally(20, 14, 10)]), [], "may be chance");
    assert_eq!(found(&[]), []);
}

#[test]
fn slowness_is_many_times_the_median() {
    let good = tally(100, 0, 10);
    assert_eq!(found(&[good, good, tally(100, 0, 500)]), [2]);
    assert_eq!(found(&[good, tally(100, 0, 500)]), [1], "of two the slower");
    assert_eq!(found(&[good, good, tally(100, 0, 49)]), [], "not so many times");
    let fast = tally(100, 0, 1);
    assert_eq!(found(&[fast, fast, tally(100, 0, 40)]), [], "nobody notices 40 ms");
    assert_eq!(found(&[tally(100, 0, 900), good, good, tally(100, 0, 500), good]), [0, 3]);
}

#[test]
fn a_reason_names_the_figures() {
    let tallies = [tally(100, 1, 10), tally(100, 40, 10), tally(100, 0, 812)];
    let why: Vec<String> = compare(&Outliers::default(), &tallies).into_iter().map(|(_, why)| why).collect();
    assert_eq!(
        why,
        [
            "60.0 % of 100 requests succeeded, and 99.5 % elsewhere",
            "responses take 812 ms, and 10 ms elsewhere"
        ]
    );
}

#[test]
fn ejections_last_longer_each_time_until_windows_are_good() {
    let policy = Outliers::default();
    let mut rng = fastrand::Rng::with_seed(1);
    let mut record = Record::default();
    let now = Instant::default();
    let mut eject = |record: &mut Record| (record.eject(now, &policy, "x", &mut rng) - now).as_secs();
    for least in [10, 20, 40, 80, 160, 300, 300] {
        let secs = eject(&mut record);
        assert!((least..=least + least / 4).contains(&secs), "{secs}, wanted {least}");
        assert_eq!(record.saw(&policy, Some(500), Duration::ZERO), None, "it is out already");
        record.release();
    }
    (0..7).for_each(|_| record.did_well());
    assert!(eject(&mut record) <= 12);
}

#[test]
fn five_errors_in_a_row_are_enough_and_a_success_breaks_the_row() {
    let policy = Outliers::default();
    let mut record = Record::default();
    let mut see = |status| record.saw(&policy, status, Duration::ZERO);
    for status in [500, 502, 503, 504, 200, 500, 500, 500, 404, 500, 500, 500, 500] {
        assert_eq!(see(Some(status)), None);
    }
    assert_eq!(see(None), None, "that is other evidence");
    assert_eq!(see(Some(503)).as_deref(), Some("5 server errors in a row, the last 503"));
}

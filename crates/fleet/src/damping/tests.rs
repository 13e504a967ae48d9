use super::*;
use proptest::prelude::*;

const NAME: &str = "flapper";

/// A balancer's view of one member: what happens to it, and which changes of its standing are seen.
#[derive(Default)]
struct Seen {
    damping: Damping,
    is_down: bool,
    shown_down: bool,
    falls: Vec<Duration>,
    returns: Vec<Duration>,
}

impl Seen {
    fn fall(&mut self, now: Duration) {
        self.pass(now);
        self.is_down = true;
        self.damping.fell(NAME, now);
        self.look(now);
    }

    fn come_back(&mut self, now: Duration) {
        self.pass(now);
        self.is_down = false;
        self.damping.returned(NAME, now);
        self.look(now);
    }

    /// Obeys the timer up to `now`.
    fn pass(&mut self, now: Duration) {
        while let Some(due) = self.damping.next_timeout().filter(|due| *due <= now) {
            self.damping.advance(due);
            assert!(self.damping.next_timeout().is_none_or(|next| due < next), "the timer must not spin");
            self.look(due);
        }
    }

    fn look(&mut self, now: Duration) {
        let shown_down = self.is_down || self.damping.is_damped(NAME);
        match (self.shown_down, shown_down) {
            (false, true) => self.falls.push(now),
            (true, false) => self.returns.push(now),
            _ => {}
        }
        self.shown_down = shown_down;
    }
}

/// The member fails at each first second and is back at each second one; long after, these changes were seen.
fn changes_seen(flaps: &[(u64, u64)]) -> (Vec<u64>, Vec<u64>) {
    let mut seen = Seen::default();
    for &(fall, back) in flaps {
        seen.fall(Duration::from_secs(fall));
        seen.come_back(Duration::from_secs(back));
    }
    seen.pass(Duration::from_secs(10_000));
    assert_eq!(seen.damping, Damping::new(), "all is forgotten");
    let seconds = |times: &[Duration]| times.iter().map(Duration::as_secs).collect();
    (seconds(&seen.falls), seconds(&seen.returns))
}

#[test]
fn which_changes_of_a_flapping_member_are_seen() {
    type Case = (&'static str, &'static [(u64, u64)], &'static [u64], &'static [u64]);
    let table: &[Case] = &[
        ("the first return at once", &[(100, 105)], &[100], &[105]),
        ("after a long absence", &[(100, 900)], &[100], &[900]),
        ("the second when quiet for a minute", &[(100, 105), (120, 125)], &[100, 120], &[105, 180]),
        ("each hidden fall begins the minute again", &[(0, 5), (20, 25), (70, 75)], &[0, 20], &[5, 130]),
        ("a fall counts by its own time", &[(0, 5), (64, 90)], &[0, 64], &[5, 124]),
        ("a fall a minute after a return is a first one", &[(0, 5), (65, 66)], &[0, 65], &[5, 66]),
        ("down for a minute", &[(0, 5), (20, 80), (81, 82)], &[0, 20, 81], &[5, 80, 141]),
        ("not quiet just before the end", &[(0, 5), (20, 25), (79, 80)], &[0, 20], &[5, 139]),
        ("again after a late return", &[(0, 5), (20, 25), (81, 82)], &[0, 20, 81], &[5, 80, 141]),
        ("at rest between", &[(0, 5), (20, 25), (200, 201)], &[0, 20, 200], &[5, 80, 201]),
    ];
    for (what, flaps, falls, returns) in table {
        assert_eq!(changes_seen(flaps), (falls.to_vec(), returns.to_vec()), "{what}");
    }
}

#[test]
fn one_that_flaps_for_ever_stays_demoted() {
    let flaps: Vec<_> = (0..100).map(|n| (n * 10, n * 10 + 5)).collect();
    assert_eq!(changes_seen(&flaps), (vec![0, 10], vec![5, 1050]));
}

#[test]
fn the_beginning_is_told_once() {
    let mut damping = Damping::new();
    let at = Duration::from_secs;
    assert!(!damping.fell("a", at(0)));
    damping.returned("a", at(5));
    assert!(damping.fell("a", at(10)));
    damping.returned("a", at(15));
    assert!(!damping.fell("a", at(20)));
    assert!(!damping.is_damped("a"), "it is down, which needs no damping");
    damping.returned("a", at(25));
    assert!(damping.is_damped("a"));
    assert!(!damping.is_damped("b"), "nobody else is");
    assert_eq!(damping.next_timeout(), Some(at(80)));
}

#[test]
fn one_that_left_or_is_gone_starts_anew() {
    let mut damping = Damping::new();
    let at = Duration::from_secs;
    for name in ["a", "b"] {
        damping.returned(name, at(5));
        damping.fell(name, at(20));
        damping.returned(name, at(25));
    }
    damping.retain(|name| name == "b");
    assert!(!damping.is_damped("a"));
    assert!(damping.is_damped("b"));
    damping.fell("a", at(30));
    damping.returned("a", at(31));
    assert!(!damping.is_damped("a"));
}

/// The timer is the caller's: until it rings, nothing hidden was shown.
#[test]
fn a_fall_before_a_late_timer_keeps_the_damping() {
    let mut damping = Damping::new();
    let at = Duration::from_secs;
    damping.returned("a", at(5));
    damping.fell("a", at(20));
    damping.returned("a", at(25));
    damping.fell("a", at(81));
    damping.returned("a", at(82));
    assert!(damping.is_damped("a"));
    assert_eq!(damping.next_timeout(), Some(at(141)));
}

proptest! {
    /// Whatever a member does: a fall shows at once, seen returns are a minute apart, so that no minute has more than one
    /// whole flap; at rest it is restored.
    #[test]
    fn a_minute_has_one_flap_at_most(steps in prop::collection::vec((any::<bool>(), 0..100_000_u64), 1..200)) {
        let mut seen = Seen::default();
        let mut now = Duration::ZERO;
        for (falls, millis) in steps {
            now += Duration::from_millis(millis);
            if falls {
                seen.fall(now);
                prop_assert!(seen.shown_down);
            } else if seen.is_down {
                seen.come_back(now);
            }
        }
        seen.come_back(now + Duration::from_millis(1));
        seen.pass(now + QUIET + Duration::from_millis(1));
        prop_assert!(!seen.shown_down, "quiet for a minute, yet demoted");
        for two in seen.returns.windows(2) {
            prop_assert!(two[1] - two[0] >= QUIET, "returns seen at {:?}", two);
        }
        // One return lies between any two falls, so the second fall in a minute is the last one in it.
        for three in seen.falls.windows(3) {
            prop_assert!(three[2] - three[0] >= QUIET, "falls seen at {:?}", three);
        }
    }
}

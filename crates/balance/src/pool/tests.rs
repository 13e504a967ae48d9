use super::*;
use crate::choose::Found;
use crate::hint::Hint;
use crate::tier::Tier;
use proptest::prelude::*;

fn choice(n: usize) -> Choice {
    Choice { key: Key(n as u64), addr: ([10, 0, 0, 1], 80).into() }
}

fn rank(weight: u16, tier: Tier) -> Rank {
    Rank { weight, tier, judged: false, backup: false, zone: 0, limit: None, answers: false }
}

/// A pool whose backend n has key n.
struct Table {
    pool: Pool,
    rng: fastrand::Rng,
    seats: BTreeMap<usize, u32>,
}

impl Table {
    fn seat(&mut self, n: usize, weight: u16, tier: Tier) {
        let node = format!("node-{n}");
        let id = StableId::new([0; 16], "web", &node);
        let rank = rank(weight, tier);
        let newcomer = Newcomer { choice: choice(n), node: node.into(), id, rank, in_flight: 0 };
        let slot = self.pool.seat(Instant::default(), newcomer, &mut self.rng);
        assert_eq!(self.seats.insert(n, slot), None);
    }

    fn unseat(&mut self, n: usize) {
        self.pool.unseat(self.seats.remove(&n).expect("it is seated"));
    }

    fn set(&mut self, n: usize, weight: u16, tier: Tier) {
        if let Some(slot) = self.seats.get(&n) {
            self.pool.set(Instant::default(), *slot, rank(weight, tier));
        }
    }

    fn pick(&mut self, tried: &[usize]) -> Option<usize> {
        let tried: Vec<u32> = tried.iter().filter_map(|n| self.seats.get(n)).copied().collect();
        match self.pool.pick(Instant::default(), Hint::default(), &tried, &mut self.rng) {
            Found::Seat(slot) => Some(self.pool.seats.get(slot).unwrap().choice.key.0.try_into().unwrap()),
            Found::Full | Found::Nobody => None,
        }
    }

    fn alone(&self, n: usize) -> bool {
        self.pool.stands_alone(self.seats.get(&n).copied())
    }
}

/// With the nth weight for backend n.
fn table(seed: u64, weights: &[u16]) -> Table {
    let rng = fastrand::Rng::with_seed(seed);
    let mut table = Table { pool: Pool::new(Policy::default()), rng, seats: BTreeMap::new() };
    for (n, weight) in weights.iter().enumerate() {
        table.seat(n, *weight, Tier::Proven);
    }
    table
}

fn picks(table: &mut Table, count: usize) -> Vec<usize> {
    (0..count).map(|_| table.pick(&[]).unwrap()).collect()
}

fn counts(picks: &[usize], backends: usize) -> Vec<usize> {
    (0..backends).map(|n| picks.iter().filter(|pick| **pick == n).count()).collect()
}

#[test]
fn nobody_is_picked_from_an_empty_pool() {
    assert_eq!(table(1, &[]).pick(&[]), None);
}

#[test]
fn equals_take_turns() {
    let mut table = table(1, &[10; 4]);
    let first = picks(&mut table, 4);
    assert_eq!(counts(&first, 4), [1; 4]);
    assert_eq!(picks(&mut table, 4), first, "and again in the same order");
}

#[test]
fn a_newcomer_takes_its_turn_at_once_and_not_all_turns() {
    for seed in 0..16 {
        for paid in (0..=1001).step_by(11) {
            let mut table = table(seed, &[1000, 1]);
            picks(&mut table, paid);
            // It takes its credit or debt along.
            table.unseat(0);
            table.seat(2, 1, Tier::Proven);
            let next = picks(&mut table, 4);
            assert_eq!(counts(&next, 3), [0, 2, 2], "after {paid} picks: {next:?}");
        }
    }
}

#[test]
fn a_heavy_backend_is_spread_over_the_cycle() {
    let mut table = table(1, &[50, 10, 10]);
    let cycle = picks(&mut table, 7);
    assert_eq!(counts(&cycle, 3), [5, 1, 1]);
    assert_ne!(cycle[..5], [0; 5], "nginx's example: a a b a c a a, never five in a row");
}

#[test]
fn seeds_begin_with_different_backends() {
    let first: Vec<usize> = (0..64).map(|seed| picks(&mut table(seed, &[10; 4]), 1)[0]).collect();
    assert!(counts(&first, 4).iter().all(|count| *count > 4), "{first:?}");
}

#[test]
fn the_best_tier_with_someone_untried_is_taken() {
    use Tier::*;
    let best_first = [Proven, New, Demoted, DemotedNew, Ejected, EjectedDemoted];
    let mut table = table(1, &[10; 6]);
    for (n, tier) in best_first.iter().enumerate() {
        table.set(n, 10, *tier);
    }
    let mut tried = Vec::new();
    for n in 0..6 {
        assert_eq!(table.pick(&tried), Some(n));
        tried.push(n);
    }
    assert_eq!(table.pick(&tried), None);
}

#[test]
fn one_stands_alone_when_no_other_is_proven_and_sound() {
    let mut table = table(1, &[10; 2]);
    for (other, alone) in [
        (Tier::Proven, false),
        (Tier::Demoted, false),
        (Tier::New, true),
        (Tier::DemotedNew, true),
        (Tier::Ejected, true),
        (Tier::EjectedDemoted, true),
    ] {
        table.set(1, 10, other);
        assert_eq!(table.alone(0), alone, "{other:?}");
    }
}

#[test]
fn the_others_keep_their_order_when_one_comes_and_goes() {
    let mut table = table(3, &[10; 5]);
    let before = picks(&mut table, 5);
    table.seat(5, 10, Tier::Proven);
    let during: Vec<usize> = picks(&mut table, 6).into_iter().filter(|pick| *pick != 5).collect();
    assert_eq!(during, before, "the newcomer only steps in between");
    table.unseat(5);
    let after = picks(&mut table, 5);
    assert_eq!(after, before);
}

#[test]
fn one_that_was_out_for_long_is_not_flooded_when_it_returns() {
    let mut table = table(1, &[10; 3]);
    picks(&mut table, 2);
    table.set(0, 10, Tier::Ejected);
    picks(&mut table, 1_001);
    table.set(0, 10, Tier::Proven);
    let share = counts(&picks(&mut table, 30), 3)[0];
    assert!((9..=11).contains(&share), "{share} of 30");
}

#[test]
fn debts_and_credits_taken_along_do_not_add_up() {
    for leaver in 0..4 {
        let mut table = table(1, &[10; 4]);
        for _ in 0..1_000 {
            let turns = picks(&mut table, 4);
            table.pick(&[]);
            // From the one just served, which owes most, to the one whose turn is next.
            let gone = turns[leaver];
            table.unseat(gone);
            table.seat(gone, 10, Tier::Proven);
        }
        let got = counts(&picks(&mut table, 40), 4);
        assert!(got.iter().all(|count| (8..=12).contains(count)), "{got:?}");
    }
}

proptest! {
    #[test]
    fn everyone_gets_its_exact_share_of_a_cycle(
        seed: u64,
        weights in proptest::collection::vec(1_u16..=50, 1..12),
        part in 0_usize..600,
    ) {
        let mut table = table(seed, &weights);
        let cycle: usize = weights.iter().map(|weight| usize::from(*weight)).sum();
        for _ in 0..2 {
            let got = counts(&picks(&mut table, cycle), weights.len());
            prop_assert_eq!(got, weights.iter().map(|weight| usize::from(*weight)).collect::<Vec<_>>());
        }
        // Within the cycle nobody is a whole pick from its share either.
        let part = part % cycle;
        let got = counts(&picks(&mut table, part), weights.len());
        for (got, weight) in got.iter().zip(&weights) {
            let share = part as f64 * f64::from(*weight) / cycle as f64;
            prop_assert!((*got as f64 - share).abs() < 1.0, "{got} of {part}, share {share}");
        }
    }

    #[test]
    fn shares_stay_fair_through_any_comings_and_goings(
        seed: u64,
        rounds in proptest::collection::vec((0_usize..6, 0_usize..3, 1_usize..20, 0_usize..6), 1..200),
    ) {
        let mut table = table(seed, &[10; 6]);
        let mut seated = [true; 6];
        for (n, what, count, tried) in rounds {
            match what {
                0 if seated[n] => table.unseat(n),
                0 => table.seat(n, 10, Tier::Proven),
                1 => table.set(n, 10, Tier::Ejected),
                _ => table.set(n, 10, Tier::Proven),
            }
            seated[n] ^= what == 0;
            for _ in 0..count {
                table.pick(&[tried]);
            }
        }
        for n in 0..6 {
            table.set(n, 10, Tier::Proven);
        }
        let there = seated.iter().filter(|seated| **seated).count();
        if there > 0 {
            let got = counts(&picks(&mut table, 20 * there), 6);
            for (got, seated) in got.iter().zip(seated) {
                let share = if seated { 14..=26 } else { 0..=0 };
                prop_assert!(share.contains(got), "{got:?}");
            }
        }
    }
}

#[test]
fn many_equals_are_all_served_before_any_is_again() {
    let mut table = table(1, &[10; 1000]);
    for _ in 0..3 {
        assert_eq!(counts(&picks(&mut table, 1000), 1000), [1; 1000]);
    }
}

#[test]
fn a_heavy_one_gets_its_share_among_very_many_light_ones() {
    let mut weights = [1; 1001];
    weights[0] = 100;
    let mut table = table(1, &weights);
    for _ in 0..3 {
        let cycle = picks(&mut table, 1100);
        assert_eq!(counts(&cycle, 1)[0], 100);
        let apart = cycle.split(|n| *n == 0).map(<[_]>::len).max();
        assert!(apart < Some(60), "{apart:?} others in a row");
    }
}

#[test]
fn turns_go_on_when_virtual_time_begins_anew() {
    // A cycle of a weight of 1 is 20 picks, and time begins anew after some 8,000 cycles.
    let mut table = table(1, &[1, 2]);
    for _ in 0..20_000 {
        assert_eq!(counts(&picks(&mut table, 60), 2), [20, 40]);
    }
}

#[test]
fn one_that_fails_its_requests_gets_no_more_of_them_for_it() {
    let mut table = table(1, &[10; 3]);
    let mut failed = 0;
    for _ in 0..300 {
        if table.pick(&[]) == Some(0) {
            failed += 1;
            assert_ne!(table.pick(&[0]), Some(0));
        }
    }
    assert!((98..=102).contains(&failed), "{failed} of 300");
}

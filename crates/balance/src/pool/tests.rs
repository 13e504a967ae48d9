use super::*;
use proptest::prelude::*;

fn choice(n: usize) -> Choice {
    Choice { key: Key(n as u64), addr: ([10, 0, 0, 1], 80).into() }
}

/// Backend n has key n and the nth weight.
fn pool(seed: u64, weights: &[u16]) -> (Pool, fastrand::Rng) {
    let mut rng = fastrand::Rng::with_seed(seed);
    let mut pool = Pool::default();
    for (n, weight) in weights.iter().enumerate() {
        pool.seat(choice(n), *weight, Tier::Proven, &mut rng);
    }
    (pool, rng)
}

fn picks(pool: &mut Pool, count: usize) -> Vec<usize> {
    (0..count).map(|_| pool.pick(&[]).unwrap().key.0.try_into().unwrap()).collect()
}

fn counts(picks: &[usize], backends: usize) -> Vec<usize> {
    (0..backends).map(|n| picks.iter().filter(|pick| **pick == n).count()).collect()
}

#[test]
fn nobody_is_picked_from_an_empty_pool() {
    assert_eq!(Pool::default().pick(&[]), None);
}

#[test]
fn equals_take_turns() {
    let (mut pool, _) = pool(1, &[10; 4]);
    let first = picks(&mut pool, 4);
    assert_eq!(counts(&first, 4), [1; 4]);
    assert_eq!(picks(&mut pool, 4), first, "and again in the same order");
}

#[test]
fn a_newcomer_takes_its_turn_at_once_and_not_all_turns() {
    for seed in 0..16 {
        for paid in 0..=1001 {
            let (mut pool, mut rng) = pool(seed, &[1000, 1]);
            picks(&mut pool, paid);
            // It takes its credit or debt along.
            pool.unseat(choice(0).key);
            pool.seat(choice(2), 1, Tier::Proven, &mut rng);
            let next = picks(&mut pool, 4);
            assert_eq!(counts(&next, 3), [0, 2, 2], "after {paid} picks: {next:?}");
        }
    }
}

#[test]
fn a_heavy_backend_is_spread_over_the_cycle() {
    let (mut pool, _) = pool(1, &[50, 10, 10]);
    let cycle = picks(&mut pool, 7);
    assert_eq!(counts(&cycle, 3), [5, 1, 1]);
    assert_ne!(cycle[..5], [0; 5], "nginx's example: a a b a c a a, never five in a row");
}

#[test]
fn seeds_begin_with_different_backends() {
    let first: Vec<usize> = (0..64).map(|seed| picks(&mut pool(seed, &[10; 4]).0, 1)[0]).collect();
    assert!(counts(&first, 4).iter().all(|count| *count > 4), "{first:?}");
}

#[test]
fn the_best_tier_with_someone_untried_is_taken() {
    use Tier::*;
    let best_first = [Proven, New, Demoted, DemotedNew, Ejected, EjectedDemoted];
    let (mut pool, _) = pool(1, &[10; 6]);
    for (n, tier) in best_first.iter().enumerate() {
        pool.set(choice(n).key, 10, *tier);
    }
    let mut tried = Vec::new();
    for n in 0..6 {
        assert_eq!(pool.pick(&tried), Some(choice(n)));
        tried.push(choice(n).key);
    }
    assert_eq!(pool.pick(&tried), None);
}

#[test]
fn one_stands_alone_when_no_other_is_proven_and_sound() {
    let (mut pool, _) = pool(1, &[10; 2]);
    for (other, alone) in [
        (Tier::Proven, false),
        (Tier::Demoted, false),
        (Tier::New, true),
        (Tier::DemotedNew, true),
        (Tier::Ejected, true),
        (Tier::EjectedDemoted, true),
    ] {
        pool.set(choice(1).key, 10, other);
        assert_eq!(pool.stands_alone(choice(0).key), alone, "{other:?}");
    }
}

#[test]
fn the_others_keep_their_order_when_one_comes_and_goes() {
    let (mut pool, mut rng) = pool(3, &[10; 5]);
    let before = picks(&mut pool, 5);
    pool.seat(choice(5), 10, Tier::Proven, &mut rng);
    let during: Vec<usize> = picks(&mut pool, 6).into_iter().filter(|pick| *pick != 5).collect();
    assert_eq!(during, before, "the newcomer only steps in between");
    pool.unseat(choice(5).key);
    let after = picks(&mut pool, 5);
    assert_eq!(after, before);
}

#[test]
fn one_that_was_out_for_long_is_not_flooded_when_it_returns() {
    let (mut pool, _) = pool(1, &[10; 3]);
    picks(&mut pool, 2);
    pool.set(choice(0).key, 10, Tier::Ejected);
    picks(&mut pool, 1_001);
    pool.set(choice(0).key, 10, Tier::Proven);
    let share = counts(&picks(&mut pool, 30), 3)[0];
    assert!((9..=11).contains(&share), "{share} of 30");
}

#[test]
fn debts_and_credits_taken_along_do_not_add_up() {
    for leaver in 0..4 {
        let (mut pool, mut rng) = pool(1, &[10; 4]);
        for _ in 0..1_000 {
            let turns = picks(&mut pool, 4);
            pool.pick(&[]);
            // From the one just served, which owes most, to the one whose turn is next.
            let gone = choice(turns[leaver]);
            pool.unseat(gone.key);
            pool.seat(gone, 10, Tier::Proven, &mut rng);
        }
        let got = counts(&picks(&mut pool, 40), 4);
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
        let (mut pool, _) = pool(seed, &weights);
        let cycle: usize = weights.iter().map(|weight| usize::from(*weight)).sum();
        for _ in 0..2 {
            let got = counts(&picks(&mut pool, cycle), weights.len());
            prop_assert_eq!(got, weights.iter().map(|weight| usize::from(*weight)).collect::<Vec<_>>());
        }
        // Within the cycle nobody is far from its share either.
        let part = part % cycle;
        let got = counts(&picks(&mut pool, part), weights.len());
        for (got, weight) in got.iter().zip(&weights) {
            let share = part as f64 * f64::from(*weight) / cycle as f64;
            prop_assert!((*got as f64 - share).abs() <= weights.len() as f64, "{got} of {part}, share {share}");
        }
    }

    #[test]
    fn shares_stay_fair_through_any_comings_and_goings(
        seed: u64,
        rounds in proptest::collection::vec((0_usize..6, 0_usize..3, 1_usize..20, 0_usize..6), 1..200),
    ) {
        let (mut pool, mut rng) = pool(seed, &[10; 6]);
        let mut seated = [true; 6];
        for (n, what, count, tried) in rounds {
            match what {
                0 if seated[n] => pool.unseat(choice(n).key),
                0 => pool.seat(choice(n), 10, Tier::Proven, &mut rng),
                1 => pool.set(choice(n).key, 10, Tier::Ejected),
                _ => pool.set(choice(n).key, 10, Tier::Proven),
            }
            seated[n] ^= what == 0;
            for _ in 0..count {
                pool.pick(&[choice(tried).key]);
            }
        }
        for n in 0..6 {
            pool.set(choice(n).key, 10, Tier::Proven);
        }
        let there = seated.iter().filter(|seated| **seated).count();
        if there > 0 {
            let got = counts(&picks(&mut pool, 20 * there), 6);
            for (got, seated) in got.iter().zip(seated) {
                let share = if seated { 14..=26 } else { 0..=0 };
                prop_assert!(share.contains(got), "{got:?}");
            }
        }
    }
}

use super::*;
use alloc::vec::Vec;

fn micros(micros: u64) -> Duration {
    Duration::from_micros(micros)
}

/// Computed by a model written apart from this code, in another language, from the reference's description.
#[test]
fn a_hundred_measurements_end_at_the_references_bits() {
    let mut vivaldi = Vivaldi::new(1);
    vivaldi.place.vec = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0].map(|part: f64| 0.001 * part);
    vivaldi.place.height = 0.0001;
    let one = Coordinate {
        vec: [-0.002, 0.003, 0.0, 0.001, 0.0005, -0.001, 0.002, 0.0],
        height: 0.0005,
        error: 0.3,
        adjustment: -0.0001,
    };
    let two = Coordinate {
        vec: [0.01, -0.02, 0.005, 0.0, 0.0, 0.003, 0.0, 0.001],
        height: 0.00002,
        error: 0.9,
        adjustment: 0.0002,
    };
    let (mut to_one, mut to_two) = (Samples::default(), Samples::default());
    for n in 0..50 {
        assert!(vivaldi.learn(&mut to_one, &one, micros([12_000, 13_000, 90_000, 11_500][n % 4])));
        assert!(vivaldi.learn(&mut to_two, &two, micros([31_000, 0, 33_000][n % 3])));
    }
    let Coordinate { vec, error, adjustment, height } = *vivaldi.place();
    let bits: Vec<u64> =
        vec.iter().chain([&error, &adjustment, &height]).map(|part| part.to_bits()).collect();
    let wanted: [u64; 11] = [
        0xbf47_16d2_d070_9690,
        0x3f73_9fc9_3a5f_ba66,
        0x3f61_51e5_8259_9c22,
        0x3f6f_431c_fe77_6ab7,
        0x3f72_df24_61ad_9678,
        0x3f73_c8f0_a71b_3f0a,
        0x3f7b_93a8_9dc7_8179,
        0x3f7d_00f4_2551_e75e,
        0x3fa9_df26_4b40_b8b5,
        0x3f3b_e463_8f68_1eb3,
        0x3ee5_0064_a536_1c54,
    ];
    assert_eq!(bits, wanted);
}

/// The ack payload of serf 0.9.4, and the distance that `serf rtt` would show to a node at the origin.
#[test]
fn a_coordinate_of_serf_is_read_and_written_back() {
    let ack = "0184aa41646a7573746d656e74cb3eed843d3fe69913a54572726f72cb3fd2843517e64139a6486569676874cb3efe8600feb93c83\
        a356656398cb3f32b070ad3a9b1ecbbed69a9d0f5ae623cbbef137d05a039eb3cb3f12526c30658eb7cb3f2da6d398204bd9cbbf1a4b\
        2c462aef98cbbf23cf5ad8b3f57acb3f32ada3741520c9";
    let bytes: Vec<u8> =
        (0..ack.len()).step_by(2).map(|at| u8::from_str_radix(&ack[at..at + 2], 16).unwrap()).collect();
    let wire = OnWire::decode_ack(&bytes).unwrap();
    let coordinate = Coordinate::from_wire(&wire).unwrap();
    assert_eq!(coordinate.to_wire(), wire);
    // Ours says the same in fewer digits.
    let sent = Coordinate::from_wire(&OnWire::decode_ack(&wire.encode_ack()).unwrap()).unwrap();
    let [ours, theirs] = [&sent, &coordinate].map(|place| place.distance_to(&ORIGIN));
    assert!(ours.abs_diff(theirs) <= Duration::from_nanos(1), "{ours:?}, {theirs:?}");
    let adjusted = coordinate.raw_distance_to(&ORIGIN) + coordinate.adjustment;
    let difference = adjusted - coordinate.distance_to(&ORIGIN).as_secs_f64();
    assert!((0.0..1.0e-9).contains(&difference), "cut to whole nanoseconds: {difference}");
}

#[test]
fn what_is_not_eight_finite_dimensions_is_no_coordinate() {
    let wire = ORIGIN.to_wire();
    assert_eq!(Coordinate::from_wire(&wire), Some(ORIGIN));
    for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let mut vec = wire.vec.clone();
        vec[7] = bad;
        assert_eq!(Coordinate::from_wire(&OnWire { vec, ..wire.clone() }), None);
        assert_eq!(Coordinate::from_wire(&OnWire { error: bad, ..wire.clone() }), None);
        assert_eq!(Coordinate::from_wire(&OnWire { adjustment: bad, ..wire.clone() }), None);
        assert_eq!(Coordinate::from_wire(&OnWire { height: bad, ..wire.clone() }), None);
    }
    for dimensions in [0, 3, 9] {
        assert_eq!(
            Coordinate::from_wire(&OnWire { vec: alloc::vec![0.0; dimensions], ..wire.clone() }),
            None
        );
    }
}

#[test]
fn nonsense_begins_anew_and_too_long_a_round_trip_counts_for_nothing() {
    let mut vivaldi = Vivaldi::new(1);
    let mut samples = Samples::default();
    assert!(!vivaldi.learn(&mut samples, &ORIGIN, Duration::from_secs(11)));
    assert_eq!(*vivaldi.place(), ORIGIN);
    let far = Coordinate { vec: [f64::MAX; DIMENSIONS], ..ORIGIN };
    assert!(vivaldi.learn(&mut samples, &far, micros(1000)));
    assert_eq!((*vivaldi.place(), vivaldi.resets()), (ORIGIN, 1));
    let high = Coordinate { adjustment: f64::MIN, height: f64::MAX, error: -ERROR_MAX, ..ORIGIN };
    for _ in 0..10 {
        vivaldi.learn(&mut samples, &high, micros(1000));
        assert!(vivaldi.place().is_finite());
    }
}

#[test]
fn the_median_of_three_is_not_moved_by_one_slow_answer() {
    let mut samples = Samples::default();
    let medians: Vec<f64> =
        [1.0, 9.0, 2.0, 1.0, 1.0, 8.0].into_iter().map(|sample| samples.add(sample)).collect();
    assert_eq!(medians, [1.0, 9.0, 2.0, 2.0, 1.0, 1.0]);
}

/// Two clusters of hosts, 2 ms apart inside and 40 ms between.
#[test]
fn distances_come_close_to_the_round_trips() {
    let mut rng = Rng::with_seed(7);
    let mut nodes: Vec<Vivaldi> = (0..8).map(Vivaldi::new).collect();
    let mut samples = alloc::vec![[Samples::default(); 8]; 8];
    let round_trip = |a: usize, b: usize| if a % 2 == b % 2 { micros(2_000) } else { micros(40_000) };
    for _ in 0..4000 {
        let (a, b) = (rng.usize(..8), rng.usize(..8));
        if a != b {
            let other = *nodes[b].place();
            nodes[a].learn(&mut samples[a][b], &other, round_trip(a, b));
        }
    }
    for a in 0..8 {
        for b in (0..8).filter(|b| *b != a) {
            let (guess, truth) = (nodes[a].place().distance_to(nodes[b].place()), round_trip(a, b));
            assert!(guess > truth.mul_f64(0.7) && guess < truth.mul_f64(1.3), "{a} {b}: {guess:?} {truth:?}");
        }
    }
}

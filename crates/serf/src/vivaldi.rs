//! Vivaldi: a place for each node in an imagined space, so that distances there are round-trip times here.
//!
//! Each measured round trip is a spring between two nodes: too close in space pushes, too far pulls, and the surer of the
//! two moves less. Eight dimensions are the network, the height is the access link that every path has to climb, and the
//! adjustment learns what the space cannot show. Papers: Dabek et al., "Vivaldi" (SIGCOMM 2004); Lee et al., "On suitability of
//! Euclidean embedding for host-based network coordinate systems" (2010); Ledlie et al., "Network coordinates in the
//! wild" (NSDI 2007). Source: serf's coordinate/client.go, coordinate.go, config.go.
//!
//! Bit for bit the reference's arithmetic, in its order.

use core::time::Duration;
use fastrand::Rng;
use muster_wire::serf::Coordinate as OnWire;

/// Dimensions of the space.
const DIMENSIONS: usize = 8;
/// The most we may doubt ourselves, and where we begin.
const ERROR_MAX: f64 = 1.5;
/// How fast doubt and place follow a measurement.
const CE: f64 = 0.25;
const CC: f64 = 0.25;
/// Measurements that the adjustment averages.
const ADJUSTMENT_WINDOW: usize = 20;
/// The least height, in seconds.
const HEIGHT_MIN: f64 = 10.0e-6;
/// How far from the origin gravity begins to count, in seconds: it keeps the whole cluster from drifting away.
const GRAVITY_RHO: f64 = 150.0;
/// Smaller than this is nothing, in seconds.
const ZERO: f64 = 1.0e-6;
/// No believable round trip is longer.
const ROUND_TRIP_MAX: Duration = Duration::from_secs(10);
/// Measurements per peer of which the median counts.
pub(crate) const FILTER: usize = 3;

/// A node's place.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Coordinate {
    /// In the space, in seconds.
    pub vec: [f64; DIMENSIONS],
    /// Doubt: an error estimate without unit.
    pub error: f64,
    /// What the space cannot show, in seconds.
    pub adjustment: f64,
    /// Of the access link, in seconds.
    pub height: f64,
}

/// Where everyone begins.
const ORIGIN: Coordinate =
    Coordinate { vec: [0.0; DIMENSIONS], error: ERROR_MAX, adjustment: 0.0, height: HEIGHT_MIN };

impl Coordinate {
    /// A peer's coordinate; `None` if it has other dimensions or is not finite.
    pub fn from_wire(wire: &OnWire) -> Option<Self> {
        let &OnWire { error, adjustment, height, ref vec } = wire;
        let coordinate = Self { vec: vec.as_slice().try_into().ok()?, error, adjustment, height };
        coordinate.is_finite().then_some(coordinate)
    }

    /// As it is sent.
    pub fn to_wire(&self) -> OnWire {
        let &Self { vec, error, adjustment, height } = self;
        OnWire { vec: vec.to_vec(), error, adjustment, height }
    }

    /// The estimated round-trip time to `other`.
    pub fn distance_to(&self, other: &Self) -> Duration {
        let distance = self.raw_distance_to(other);
        let adjusted = distance + self.adjustment + other.adjustment;
        let seconds = if adjusted > 0.0 { adjusted } else { distance };
        // Whole nanoseconds, cut and not rounded: the reference goes through Go's time.Duration.
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "saturates; negative is 0"
        )]
        Duration::from_nanos((seconds * 1.0e9) as u64)
    }

    fn raw_distance_to(&self, other: &Self) -> f64 {
        magnitude(&difference(&self.vec, &other.vec)) + self.height + other.height
    }

    fn is_finite(&self) -> bool {
        self.vec.iter().chain([&self.error, &self.adjustment, &self.height]).all(|number| number.is_finite())
    }

    /// Moves away from `other` by `force`, or towards it if that is negative.
    fn push(&mut self, rng: &mut Rng, force: f64, other: &Self) {
        let (unit, length) = unit_vector(rng, &self.vec, &other.vec);
        for (place, step) in self.vec.iter_mut().zip(unit) {
            *place += step * force;
        }
        if length > ZERO {
            let height = (self.height + other.height) * force / length + self.height;
            self.height = height.max(HEIGHT_MIN);
        }
    }
}

fn difference(a: &[f64; DIMENSIONS], b: &[f64; DIMENSIONS]) -> [f64; DIMENSIONS] {
    core::array::from_fn(|at| a[at] - b[at])
}

fn magnitude(vec: &[f64; DIMENSIONS]) -> f64 {
    libm::sqrt(vec.iter().fold(0.0, |sum, part| sum + part * part))
}

/// The direction from `b` to `a`, and how far they are apart; any direction, and 0, if they are at one place.
fn unit_vector(rng: &mut Rng, a: &[f64; DIMENSIONS], b: &[f64; DIMENSIONS]) -> ([f64; DIMENSIONS], f64) {
    let apart = difference(a, b);
    let length = magnitude(&apart);
    if length > ZERO {
        return (apart.map(|part| part * (1.0 / length)), length);
    }
    let random: [f64; DIMENSIONS] = core::array::from_fn(|_| rng.f64() - 0.5);
    let length = magnitude(&random);
    if length > ZERO {
        return (random.map(|part| part * (1.0 / length)), 0.0);
    }
    (core::array::from_fn(|at| if at == 0 { 1.0 } else { 0.0 }), 0.0)
}

/// As Go's `Duration.Seconds`, whose rounding differs from a division of all nanoseconds by 1e9.
fn seconds(duration: Duration) -> f64 {
    duration.as_secs() as f64 + f64::from(duration.subsec_nanos()) / 1.0e9
}

/// The last measurements to one peer.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub(crate) struct Samples {
    seconds: [f64; FILTER],
    count: usize,
}

impl Samples {
    /// Adds one; the median of the last few.
    fn add(&mut self, seconds: f64) -> f64 {
        if self.count == FILTER {
            self.seconds.rotate_left(1);
        } else {
            self.count += 1;
        }
        let mut sorted = [0.0; FILTER];
        let used = &mut sorted[..self.count];
        self.seconds[self.count - 1] = seconds;
        used.copy_from_slice(&self.seconds[..self.count]);
        used.sort_unstable_by(f64::total_cmp);
        used[used.len() / 2]
    }
}

/// Our own place, as it is learnt.
#[derive(Debug)]
pub(crate) struct Vivaldi {
    place: Coordinate,
    adjustments: [f64; ADJUSTMENT_WINDOW],
    next_adjustment: usize,
    resets: u64,
    rng: Rng,
}

impl Vivaldi {
    /// At the origin.
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            place: ORIGIN,
            adjustments: [0.0; ADJUSTMENT_WINDOW],
            next_adjustment: 0,
            resets: 0,
            // swim draws from the same seed; the two must not draw the same numbers.
            rng: Rng::with_seed(seed ^ 0x7669_7661_6c64),
        }
    }

    pub(crate) fn place(&self) -> &Coordinate {
        &self.place
    }

    /// How often it came out as nonsense, and began anew.
    pub(crate) fn resets(&self) -> u64 {
        self.resets
    }

    /// Learns from a round trip to a peer at `other`; whether it was believable.
    pub(crate) fn learn(&mut self, samples: &mut Samples, other: &Coordinate, round_trip: Duration) -> bool {
        if round_trip > ROUND_TRIP_MAX {
            return false;
        }
        let measured = samples.add(seconds(round_trip));
        self.follow(other, measured);
        self.adjust(other, measured);
        self.fall();
        if !self.place.is_finite() {
            self.resets += 1;
            self.place = ORIGIN;
        }
        true
    }

    fn follow(&mut self, other: &Coordinate, measured: f64) {
        let distance = seconds(self.place.distance_to(other));
        let measured = measured.max(ZERO);
        let wrongness = libm::fabs(distance - measured) / measured;
        let doubts = (self.place.error + other.error).max(ZERO);
        let weight = self.place.error / doubts;
        let error = CE * weight * wrongness + self.place.error * (1.0 - CE * weight);
        self.place.error = error.min(ERROR_MAX);
        let force = CC * weight * (measured - distance);
        self.place.push(&mut self.rng, force, other);
    }

    /// Divides by the whole window even when it is not yet filled, as the reference does.
    fn adjust(&mut self, other: &Coordinate, measured: f64) {
        self.adjustments[self.next_adjustment] = measured - self.place.raw_distance_to(other);
        self.next_adjustment = (self.next_adjustment + 1) % ADJUSTMENT_WINDOW;
        let sum = self.adjustments.iter().fold(0.0, |sum, sample| sum + sample);
        self.place.adjustment = sum / (2.0 * ADJUSTMENT_WINDOW as f64);
    }

    /// Gravity.
    fn fall(&mut self) {
        let distance = seconds(ORIGIN.distance_to(&self.place)) / GRAVITY_RHO;
        self.place.push(&mut self.rng, -(distance * distance), &ORIGIN);
    }
}

#[cfg(test)]
mod tests;

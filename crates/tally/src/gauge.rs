//! What is in progress.

/// How many there are, and how many there were at most.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Gauge {
    /// Now.
    pub current: u32,
    /// At most, since the start.
    pub max: u32,
}

impl Gauge {
    /// One more.
    pub fn enter(&mut self) {
        self.current = self.current.saturating_add(1);
        self.max = self.max.max(self.current);
    }

    /// One less.
    pub fn leave(&mut self) {
        self.current = self.current.saturating_sub(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_is_kept_when_they_leave() {
        let mut gauge = Gauge::default();
        gauge.enter();
        gauge.enter();
        gauge.leave();
        gauge.enter();
        gauge.leave();
        gauge.leave();
        gauge.leave();
        assert_eq!(gauge, Gauge { current: 0, max: 2 });
    }
}

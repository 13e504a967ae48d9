//! Backends that serve worse than their peers.
//!
//! Three signs: server errors in a row; in a window, a success rate clearly below that of the others; a mean time to the
//! response head many times theirs. Compared with peers, since what befalls all of them is not a backend's fault. An
//! ejection ends by itself, and lasts twice as long each time, as long as the backend does not get better.

use crate::Instant;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

/// What makes a backend of a service an outlier.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Outliers {
    /// Responses of 500 and above in a row that eject. 0: never.
    pub errors_in_row: u32,
    /// How long observations are collected before backends are compared.
    pub window: Duration,
    /// A backend with fewer requests in a window is not judged, nor compared with.
    pub requests_min: u32,
    /// A success rate so many percentage points below the others' ejects, if it is not chance (three standard errors). 0:
    /// never.
    pub success_gap_percent: u8,
    /// A mean time to the response head so many times the median of the others', in percent, ejects. 0: never.
    pub slow_percent: u32,
    /// But not one that is less than so much above it.
    pub slow_min: Duration,
    /// The first ejection's length.
    pub wait: Duration,
    /// The longest.
    pub wait_max: Duration,
}

impl Default for Outliers {
    fn default() -> Self {
        Self {
            errors_in_row: 5,
            window: Duration::from_secs(10),
            requests_min: 20,
            success_gap_percent: 20,
            slow_percent: 500,
            slow_min: Duration::from_millis(50),
            wait: Duration::from_secs(10),
            wait_max: Duration::from_secs(300),
        }
    }
}

/// What was seen of one backend.
#[derive(Clone, Debug, Default)]
pub(crate) struct Record {
    errors_in_row: u32,
    window: Tally,
    ejected: Option<String>,
    /// Less one for each good window.
    ejections: u32,
}

#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tally {
    requests: u32,
    errors: u32,
    took: Duration,
}

impl Record {
    pub(crate) fn ejected(&self) -> Option<&str> {
        self.ejected.as_deref()
    }

    /// Takes a response in, or that there was none. The reason to eject it at once, if there is one.
    pub(crate) fn saw(&mut self, policy: &Outliers, status: Option<u16>, took: Duration) -> Option<String> {
        let failed = status.is_none_or(|status| status >= 500);
        self.window.requests = self.window.requests.saturating_add(1);
        self.window.errors = self.window.errors.saturating_add(failed.into());
        self.window.took = self.window.took.saturating_add(took);
        // A failure without a response is judged where connections are.
        self.errors_in_row = match status {
            Some(500..) => self.errors_in_row.saturating_add(1),
            Some(_) => 0,
            None => self.errors_in_row,
        };
        let enough = policy.errors_in_row > 0 && self.errors_in_row >= policy.errors_in_row;
        (enough && self.ejected.is_none()).then(|| {
            format!("{} server errors in a row, the last {}", self.errors_in_row, status.unwrap_or_default())
        })
    }

    /// The window is over: what it held. One that was judged well is trusted more.
    pub(crate) fn close(&mut self) -> Tally {
        core::mem::take(&mut self.window)
    }

    pub(crate) fn did_well(&mut self) {
        self.ejections = self.ejections.saturating_sub(1);
    }

    pub(crate) fn eject(
        &mut self,
        now: Instant,
        policy: &Outliers,
        why: &str,
        rng: &mut fastrand::Rng,
    ) -> Instant {
        let wait = policy.wait.saturating_mul(1 << self.ejections.min(16)).min(policy.wait_max);
        let until = now + wait + wait * rng.u32(0..=256) / 1024;
        self.ejections = self.ejections.saturating_add(1);
        self.ejected = Some(format!("{why}; ejections lately: {}", self.ejections));
        self.errors_in_row = 0;
        until
    }

    /// Its time is over.
    pub(crate) fn release(&mut self) {
        self.ejected = None;
        self.window = Tally::default();
    }
}

/// Compares the windows of peers. Who stands out, by index, and why; the worst first.
pub(crate) fn compare(policy: &Outliers, tallies: &[Tally]) -> Vec<(usize, String)> {
    let judged: Vec<usize> =
        (0..tallies.len()).filter(|n| tallies[*n].requests >= policy.requests_min.max(1)).collect();
    let mut found: Vec<(f64, usize, String)> = Vec::new();
    if judged.len() < 2 {
        return Vec::new();
    }
    let all = judged.iter().fold((0.0, 0.0), |(requests, errors), n| {
        (requests + f64::from(tallies[*n].requests), errors + f64::from(tallies[*n].errors))
    });
    let mut means: Vec<f64> = judged.iter().map(|n| tallies[*n].mean_secs()).collect();
    means.sort_by(f64::total_cmp);
    for n in judged {
        let tally = tallies[n];
        let requests = f64::from(tally.requests);
        let others = all.0 - requests;
        let (own_rate, rate) =
            (1.0 - f64::from(tally.errors) / requests, 1.0 - (all.1 - f64::from(tally.errors)) / others);
        let chance = libm::sqrt(rate * (1.0 - rate) * (1.0 / requests + 1.0 / others));
        let gap = rate - own_rate;
        if policy.success_gap_percent > 0
            && gap * 100.0 >= f64::from(policy.success_gap_percent)
            && gap > 3.0 * chance
        {
            let (own, theirs) = (own_rate * 100.0, rate * 100.0);
            found.push((
                gap,
                n,
                format!("{own:.1} % of {requests} requests succeeded, and {theirs:.1} % elsewhere"),
            ));
            continue;
        }
        let mean = tally.mean_secs();
        // If this one is slower than most, so many of the others are faster that theirs is the median of the others.
        let median = means[(means.len() - 1) / 2];
        if policy.slow_percent > 0
            && mean * 100.0 >= median * f64::from(policy.slow_percent)
            && mean - median >= policy.slow_min.as_secs_f64()
        {
            let (own, theirs) = (mean * 1e3, median * 1e3);
            found.push((0.0, n, format!("responses take {own:.0} ms, and {theirs:.0} ms elsewhere")));
        }
    }
    found.sort_by(|one, other| other.0.total_cmp(&one.0).then(one.1.cmp(&other.1)));
    found.into_iter().map(|(_, n, why)| (n, why)).collect()
}

impl Tally {
    /// Enough to be judged by.
    pub(crate) fn is_enough(&self, policy: &Outliers) -> bool {
        self.requests >= policy.requests_min.max(1)
    }

    fn mean_secs(&self) -> f64 {
        self.took.as_secs_f64() / f64::from(self.requests.max(1))
    }
}

#[cfg(test)]
mod tests;

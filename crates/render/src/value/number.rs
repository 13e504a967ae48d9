//! Numbers as JavaScript shows them, but whole ones keep all their digits.

use alloc::format;
use core::cmp::Ordering;
use core::fmt;

/// A number: whole, or not.
#[derive(Clone, Copy, Debug)]
pub struct Number(Kind);

#[derive(Clone, Copy, Debug)]
enum Kind {
    Whole(i64),
    Float(f64),
}

impl Number {
    /// As a float; large whole ones lose digits.
    #[expect(clippy::cast_precision_loss, reason = "that is what a float is")]
    pub fn as_f64(self) -> f64 {
        match self.0 {
            Kind::Whole(value) => value as f64,
            Kind::Float(value) => value,
        }
    }

    /// The whole number it is, if it is one.
    pub fn as_i64(self) -> Option<i64> {
        match self.0 {
            Kind::Whole(value) => Some(value),
            Kind::Float(_) => None,
        }
    }

    pub(super) fn is_nan(self) -> bool {
        self.as_f64().is_nan()
    }

    pub(super) fn is_zero_or_nan(self) -> bool {
        self.is_nan() || self.as_f64() == 0.0
    }
}

impl From<i64> for Number {
    fn from(value: i64) -> Self {
        Self(Kind::Whole(value))
    }
}

impl From<f64> for Number {
    /// Whole ones that a float holds exactly become whole: `1.0` is shown as `1`.
    #[expect(clippy::cast_possible_truncation, reason = "the bound is checked first")]
    fn from(value: f64) -> Self {
        const EXACT: f64 = 9_007_199_254_740_992.0;
        let whole = libm::trunc(value) == value && value.abs() <= EXACT;
        Self(if whole { Kind::Whole(value as i64) } else { Kind::Float(value) })
    }
}

impl PartialEq for Number {
    fn eq(&self, other: &Self) -> bool {
        self.partial_cmp(other) == Some(Ordering::Equal)
    }
}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        match (self.0, other.0) {
            (Kind::Whole(one), Kind::Whole(two)) => Some(one.cmp(&two)),
            _ => self.as_f64().partial_cmp(&other.as_f64()),
        }
    }
}

impl fmt::Display for Number {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Kind::Whole(value) => write!(out, "{value}"),
            Kind::Float(value) if value.is_nan() => out.write_str("NaN"),
            Kind::Float(value) if value.is_infinite() => {
                out.write_str(if value > 0.0 { "Infinity" } else { "-Infinity" })
            }
            Kind::Float(value) if value.abs() >= 1e21 || value.abs() < 1e-6 => {
                let text = format!("{value:e}");
                match text.split_once('e') {
                    Some((digits, power)) if !power.starts_with('-') => write!(out, "{digits}e+{power}"),
                    _ => out.write_str(&text),
                }
            }
            Kind::Float(value) => write!(out, "{value}"),
        }
    }
}

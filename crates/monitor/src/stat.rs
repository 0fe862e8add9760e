//! Statistics: what a client wants to know of a point.

use thiserror::Error;

use crate::point::Point;

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Stat {
    SampleCount,
    Average,
    Sum,
    Minimum,
    Maximum,
    /// From 0 to 100.
    Percentile(f64),
}

#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("the statistic {0} is not supported: use SampleCount, Average, Sum, Minimum, Maximum, or p0 to p100")]
pub struct UnknownStat(String);

impl Stat {
    /// # Errors
    /// When there is no such statistic here.
    pub fn parse(text: &str) -> Result<Self, UnknownStat> {
        Ok(match text {
            "SampleCount" => Self::SampleCount,
            "Average" => Self::Average,
            "Sum" => Self::Sum,
            "Minimum" => Self::Minimum,
            "Maximum" => Self::Maximum,
            _ => Self::Percentile(percent(text).ok_or_else(|| UnknownStat(text.chars().take(64).collect()))?),
        })
    }

    /// `None` when the point does not know.
    #[must_use]
    pub fn of(self, point: &Point) -> Option<f64> {
        match self {
            Self::SampleCount => Some(point.count),
            Self::Average => Some(point.sum / point.count),
            Self::Sum => Some(point.sum),
            Self::Minimum => Some(point.min),
            Self::Maximum => Some(point.max),
            // A bucket's middle may lie beyond the values in it.
            Self::Percentile(percent) => {
                point.values.percentile(percent).map(|value| value.clamp(point.min, point.max))
            }
        }
    }
}

/// `p99`, `p99.9`: digits and at most one dot.
fn percent(text: &str) -> Option<f64> {
    let digits = text.strip_prefix('p')?;
    let is_number = digits.len() <= 16 && digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let percent: f64 = digits.parse().ok().filter(|_| is_number)?;
    (0.0..=100.0).contains(&percent).then_some(percent)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read() {
        assert_eq!(Stat::parse("p99.9"), Ok(Stat::Percentile(99.9)));
        assert_eq!(Stat::parse("p100"), Ok(Stat::Percentile(100.0)));
        assert_eq!(Stat::parse("Sum"), Ok(Stat::Sum));
        for text in ["p", "p101", "p-1", "p1e1", "pinf", "pNaN", "p1.2.3", "sum", "tm99", "p00000000000000000001", ""] {
            assert!(Stat::parse(text).is_err(), "{text}");
        }
    }
}

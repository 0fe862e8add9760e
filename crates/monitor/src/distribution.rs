//! Which values a point was made of, for percentiles, in bounded room.
//!
//! Up to 32 different values are kept as they are. Beyond that values are counted in buckets whose borders grow by 5 %,
//! so a percentile is at most 2.5 % off; when there are more than 200 buckets, those nearest to zero become one.
//! What came as a statistic set of unlike values has no percentiles at all.

/// Different values kept exactly.
pub const EXACT_MAX: usize = 32;
/// Buckets beyond that.
pub const BUCKETS_MAX: usize = 200;
/// What the borders of buckets grow by.
const GROWTH: f64 = 1.05;

#[derive(Debug, Clone, PartialEq)]
pub enum Distribution {
    /// Values and how often each came, sorted by value.
    Exact(Vec<(f64, f64)>),
    /// Numbers of buckets and how many values lie in each, sorted by number.
    Buckets(Vec<(i32, f64)>),
    Unknown,
}

impl Distribution {
    #[must_use]
    pub fn of(value: f64, count: f64) -> Self {
        Self::Exact(vec![(value, count)])
    }

    /// Entries that take room.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::Exact(values) => values.len(),
            Self::Buckets(buckets) => buckets.len(),
            Self::Unknown => 0,
        }
    }

    pub fn merge(&mut self, other: &Self) {
        match (&mut *self, other) {
            (Self::Unknown, _) | (_, Self::Unknown) => *self = Self::Unknown,
            (Self::Exact(values), Self::Exact(more)) => {
                add_all(values, more, f64::total_cmp);
                if values.len() > EXACT_MAX {
                    *self = Self::Buckets(bucketed(values));
                }
            }
            (Self::Buckets(buckets), Self::Exact(values)) => add_buckets(buckets, &bucketed(values)),
            (Self::Buckets(buckets), Self::Buckets(more)) => add_buckets(buckets, more),
            (Self::Exact(values), Self::Buckets(more)) => {
                let mut buckets = bucketed(values);
                add_buckets(&mut buckets, more);
                *self = Self::Buckets(buckets);
            }
        }
    }

    /// The value below or at which `percent` of all values lie; `None` when nobody knows.
    #[must_use]
    pub fn percentile(&self, percent: f64) -> Option<f64> {
        match self {
            Self::Exact(values) => ranked(values, percent),
            Self::Buckets(buckets) => ranked(buckets, percent).map(middle),
            Self::Unknown => None,
        }
    }
}

/// Adds sorted counts to sorted counts.
fn add_all<K: Copy>(into: &mut Vec<(K, f64)>, more: &[(K, f64)], order: impl Fn(&K, &K) -> std::cmp::Ordering) {
    for (key, count) in more {
        match into.binary_search_by(|(known, _)| order(known, key)) {
            Ok(at) => into[at].1 += count,
            Err(at) => into.insert(at, (*key, *count)),
        }
    }
}

fn add_buckets(into: &mut Vec<(i32, f64)>, more: &[(i32, f64)]) {
    add_all(into, more, i32::cmp);
    while into.len() > BUCKETS_MAX {
        fold_nearest_to_zero(into);
    }
}

/// Joins the two buckets that mean the least.
fn fold_nearest_to_zero(buckets: &mut Vec<(i32, f64)>) {
    let nearest = |buckets: &[(i32, f64)]| {
        (0..buckets.len()).min_by_key(|at| buckets[*at].0.unsigned_abs()).expect("there are buckets")
    };
    let (_, count) = buckets.remove(nearest(buckets));
    let at = nearest(buckets);
    buckets[at].1 += count;
}

fn bucketed(values: &[(f64, f64)]) -> Vec<(i32, f64)> {
    let mut buckets: Vec<(i32, f64)> = Vec::new();
    for (value, count) in values {
        add_all(&mut buckets, &[(bucket(*value), *count)], i32::cmp);
    }
    buckets
}

/// Zero is bucket 0. Values from 2^-100 on lie in buckets from 1 on; negative ones mirror them. Smaller ones are zero.
fn bucket(value: f64) -> i32 {
    let magnitude = (value.abs().log2() + 100.0) / GROWTH.log2();
    if magnitude.is_nan() || magnitude < 1.0 {
        return 0;
    }
    let number = magnitude.min(f64::from(i32::MAX)) as i32;
    if value < 0.0 { -number } else { number }
}

fn middle(bucket: i32) -> f64 {
    if bucket == 0 {
        return 0.0;
    }
    let magnitude = ((f64::from(bucket.unsigned_abs()) + 0.5) * GROWTH.log2() - 100.0).exp2();
    if bucket < 0 { -magnitude } else { magnitude }
}

/// Nearest rank.
fn ranked<K: Copy>(counts: &[(K, f64)], percent: f64) -> Option<K> {
    let total: f64 = counts.iter().map(|(_, count)| count).sum();
    let rank = total * percent / 100.0;
    let mut seen = 0.0;
    let found = counts.iter().find(|(_, count)| {
        seen += count;
        // Sums of fractions may miss the total by a hair.
        seen >= rank - total * 1e-12
    });
    found.or(counts.last()).map(|(key, _)| *key)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn all(values: impl IntoIterator<Item = f64>) -> Distribution {
        let mut all = Distribution::Exact(Vec::new());
        values.into_iter().for_each(|value| all.merge(&Distribution::of(value, 1.0)));
        all
    }

    #[test]
    fn few_values_are_exact() {
        let few = all((1..=20).map(f64::from));
        assert_eq!(few.percentile(50.0), Some(10.0));
        assert_eq!(few.percentile(99.0), Some(20.0));
        assert_eq!(few.percentile(0.0), Some(1.0));
        assert_eq!(Distribution::of(7.0, 3.0).percentile(100.0), Some(7.0));
        assert_eq!(all([]).percentile(50.0), None);
    }

    #[test]
    fn what_is_unknown_stays_unknown() {
        let mut mixed = all([1.0]);
        mixed.merge(&Distribution::Unknown);
        mixed.merge(&all([1.0]));
        assert_eq!(mixed.percentile(50.0), None);
    }

    #[test]
    fn extremes_take_no_more_room() {
        let limit = 2f64.powi(360);
        let wide = all((0..2000).flat_map(|i| [f64::from(i), -f64::from(i) * 1e30, limit, -limit, f64::MIN_POSITIVE]));
        assert!(wide.len() <= BUCKETS_MAX, "{}", wide.len());
        let top = wide.percentile(100.0).expect("values");
        assert!((top / limit - 1.0).abs() <= 0.025, "{top}");
    }

    proptest! {
        #[test]
        fn many_values_are_near(mut values in prop::collection::vec(1.0..10_000.0f64, 100..400), percent in 1.0..100.0f64) {
            let found = all(values.iter().copied()).percentile(percent).expect("values");
            values.sort_by(f64::total_cmp);
            let rank = (values.len() as f64 * percent / 100.0 - 1e-9).ceil().max(1.0) as usize;
            let exact = values[rank - 1];
            prop_assert!((found / exact - 1.0).abs() <= 0.0251, "{found} for {exact}");
        }
    }
}

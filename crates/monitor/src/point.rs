//! Everything that is kept of the values of one metric in one stretch of time.

use crate::distribution::Distribution;

#[derive(Debug, Clone, PartialEq)]
pub struct Point {
    pub count: f64,
    pub sum: f64,
    pub min: f64,
    pub max: f64,
    pub values: Distribution,
}

impl Point {
    /// `count` times the same value.
    #[must_use]
    pub fn of(value: f64, count: f64) -> Self {
        Self { count, sum: value * count, min: value, max: value, values: Distribution::of(value, count) }
    }

    /// What a client has added up itself. Percentiles are known only when all values are the same.
    #[must_use]
    pub fn of_set(count: f64, sum: f64, min: f64, max: f64) -> Self {
        let values = if min == max { Distribution::of(min, count) } else { Distribution::Unknown };
        Self { count, sum, min, max, values }
    }

    pub fn merge(&mut self, other: &Self) {
        self.count += other.count;
        self.sum += other.sum;
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
        self.values.merge(&other.values);
    }

    /// Memory that the point takes, about.
    #[must_use]
    pub fn bytes(&self) -> usize {
        size_of::<Self>() + self.values.len() * size_of::<(f64, f64)>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_add_up() {
        let mut point = Point::of(4.0, 2.0);
        point.merge(&Point::of(1.0, 1.0));
        assert_eq!((point.count, point.sum, point.min, point.max), (3.0, 9.0, 1.0, 4.0));
        assert_eq!(point.values.percentile(50.0), Some(4.0));
        point.merge(&Point::of_set(10.0, 50.0, 0.5, 9.0));
        assert_eq!((point.count, point.sum, point.min, point.max), (13.0, 59.0, 0.5, 9.0));
        assert_eq!(point.values.percentile(50.0), None);
        assert_eq!(Point::of_set(10.0, 20.0, 2.0, 2.0).values.percentile(99.0), Some(2.0));
    }
}

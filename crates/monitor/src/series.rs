//! Names of what is stored: a metric, a series (a metric in one unit), a chunk of a series.

use crate::resolution::Resolution;
use crate::unit::Unit;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MetricId(pub u64);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Series {
    pub metric: MetricId,
    pub unit: Unit,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Chunk {
    pub series: Series,
    pub resolution: Resolution,
    /// Counted from 1970 in lengths of a chunk.
    pub number: u32,
}

impl Chunk {
    /// The chunk of minutes that a second falls into, and its index in it.
    #[must_use]
    pub fn of_minute(series: Series, second: i64) -> (Self, u32) {
        let (number, index) = Resolution::Minute.place(second);
        (Self { series, resolution: Resolution::Minute, number }, index)
    }
}

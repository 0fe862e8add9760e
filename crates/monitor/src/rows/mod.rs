//! Everything that this service persists, one file per row type, and the keys of the rows.
//!
//! Rows are in a binary form of their own: a version byte and fields, little endian. Numbers in keys are hexadecimal
//! with leading zeros, so that rows are stored in the order of their numbers.

pub mod action;
pub mod alarm;
pub mod chunk;
pub mod field;
pub mod metric;

pub use action::ActionRow;
pub use alarm::AlarmRow;
pub use chunk::ChunkRow;
pub use field::RowError;
pub use metric::MetricRow;

/// Keys of rows.
pub mod keys {
    use crate::metric::Scope;
    use crate::resolution::Resolution;
    use crate::series::{Chunk, MetricId, Series};

    pub const METRICS: &str = "monitor/metric/";
    pub const ALARMS: &str = "monitor/alarm/";
    pub const ACTIONS: &str = "monitor/action/";

    pub fn alarm(scope: &Scope, name: &str) -> String {
        format!("{ALARMS}{}/{}/{name}", scope.account, scope.region)
    }

    pub fn action(number: u64) -> String {
        format!("{ACTIONS}{number:016x}")
    }

    /// The number in a key of [`action`].
    pub fn action_of(key: &str) -> Option<u64> {
        u64::from_str_radix(key.strip_prefix(ACTIONS)?, 16).ok()
    }

    pub fn metric(id: MetricId) -> String {
        format!("{METRICS}{:016x}", id.0)
    }

    /// Prefix of all points of a metric.
    pub fn points(id: MetricId) -> String {
        format!("monitor/points/{:016x}/", id.0)
    }

    /// Prefix of all chunks of a series in one resolution.
    pub fn chunks(series: Series, resolution: Resolution) -> String {
        format!("{}{:02x}/{}/", points(series.metric), series.unit.number(), resolution.key())
    }

    pub fn chunk(chunk: Chunk) -> String {
        format!("{}{:08x}", chunks(chunk.series, chunk.resolution), chunk.number)
    }

    /// The number in a key of [`chunk`].
    pub fn number_of(key: &str) -> Option<u32> {
        u32::from_str_radix(key.rsplit('/').next()?, 16).ok()
    }

    /// The id in a key of [`metric`].
    pub fn metric_of(key: &str) -> Option<MetricId> {
        u64::from_str_radix(key.strip_prefix(METRICS)?, 16).ok().map(MetricId)
    }

    #[cfg(test)]
    mod tests {
        use super::*;
        use crate::unit::Unit;

        #[test]
        fn keys_can_be_read_back() {
            let series = Series { metric: MetricId(300), unit: Unit::default() };
            let key = |number| chunk(Chunk { series, resolution: Resolution::Hour, number });
            assert_eq!(number_of(&key(0x1234)), Some(0x1234));
            assert!(key(255) < key(256));
            assert_eq!(metric_of(&metric(MetricId(300))), Some(MetricId(300)));
            assert_eq!(metric_of("monitor/points/1"), None);
            assert_eq!(action_of(&action(300)), Some(300));
        }
    }
}

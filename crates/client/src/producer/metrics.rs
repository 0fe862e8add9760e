//! What a producer has done so far.

use crate::counter::counters;

counters! {
    /// Counts since the start, and what is under way.
    ProducerMetrics {
        user_records_accepted,
        user_records_stored,
        /// Data and partition keys of those stored.
        user_bytes_stored,
        /// Those that were given up.
        user_records_failed,
        /// Those put again because a reshard had moved their key.
        user_records_moved,
        kinesis_records_stored,
        /// Kinesis records that were put again after an answer that asked for less.
        throttled_retries,
        /// Kinesis records that were put again after other failures.
        other_retries,
        requests,
        /// How often the shards were listed anew.
        shard_map_refreshes,
        /// Memory taken by user records that are not stored yet.
        buffer_bytes,
    }
}

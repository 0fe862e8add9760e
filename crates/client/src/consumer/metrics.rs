//! What a consumer has done so far.

use crate::counter::counters;

counters! {
    /// Counts since the start, and what is held now.
    ConsumerMetrics {
        /// Given to processors.
        user_records,
        /// Data of the Kinesis records that they came in.
        bytes,
        shards_ended,
        /// Leases taken from nobody, or from a worker that was gone.
        leases_taken,
        /// Leases that other workers were asked for.
        leases_asked_for,
        /// Rounds of lease keeping that ended with an error of the lease table or the stream.
        rounds_failed,
        /// Reads and subscriptions of a shard that ended with an error and are tried again. When this grows and grows, a
        /// shard cannot be read.
        reads_failed,
        leases_held,
    }
}

//! What a producer has done so far.

use std::sync::atomic::{AtomicU64, Ordering};

/// Counts since the start, and what is under way.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ProducerMetrics {
    pub user_records_accepted: u64,
    pub user_records_stored: u64,
    /// Data and partition keys of those stored.
    pub user_bytes_stored: u64,
    /// Those that were given up.
    pub user_records_failed: u64,
    /// Those put again because a reshard had moved their key.
    pub user_records_moved: u64,
    pub kinesis_records_stored: u64,
    /// Kinesis records that were put again after an answer that asked for less.
    pub throttled_retries: u64,
    /// Kinesis records that were put again after other failures.
    pub other_retries: u64,
    pub requests: u64,
    /// How often the shards were listed anew.
    pub shard_map_refreshes: u64,
    /// Memory taken by user records that are not stored yet.
    pub buffer_bytes: u64,
}

macro_rules! counters {
    ($($name:ident)*) => {
        #[derive(Debug, Default)]
        pub(super) struct Counters {
            $(pub $name: Counter,)*
        }

        impl Counters {
            pub(super) fn snapshot(&self, buffer_bytes: u64) -> ProducerMetrics {
                ProducerMetrics { $($name: self.$name.0.load(Ordering::Relaxed),)* buffer_bytes }
            }
        }
    };
}

counters! {
    user_records_accepted user_records_stored user_bytes_stored user_records_failed user_records_moved
    kinesis_records_stored throttled_retries other_retries requests shard_map_refreshes
}

#[derive(Debug, Default)]
pub(super) struct Counter(AtomicU64);

impl Counter {
    pub(super) fn add(&self, count: usize) {
        self.0.fetch_add(count as u64, Ordering::Relaxed);
    }
}

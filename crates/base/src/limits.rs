//! Limits of the Kinesis API, each with its source (service model, service documentation).

use std::time::Duration;

pub const KIB: usize = 1024;
pub const MIB: usize = 1024 * KIB;

/// Records in one PutRecords request (service model).
pub const PUT_RECORDS_COUNT_MAX: usize = 500;
/// Data and partition keys of one PutRecords request (service documentation, 2025).
pub const PUT_RECORDS_BYTES_MAX: usize = 10 * MIB;
/// A request body on the wire: 10 MiB in base64, keys, names and room to spare.
pub const REQUEST_BODY_BYTES_MAX: usize = 16 * MIB;
/// Data and partition key of one record unless the stream says otherwise.
pub const RECORD_BYTES_DEFAULT_MAX: usize = MIB;

/// Records that one GetRecords call returns at most (service model).
pub const GET_RECORDS_COUNT_MAX: usize = 10_000;
/// Data that one GetRecords call returns at most, unless its first record alone is larger.
pub const GET_RECORDS_BYTES_MAX: usize = 10 * MIB;
/// Data in one event of SubscribeToShard, unless its first record alone is larger.
pub const EVENT_BYTES_MAX: usize = MIB;

/// Life of a shard iterator and of a page token.
pub const TOKEN_LIFE: Duration = Duration::from_secs(300);
/// Life of one SubscribeToShard call.
pub const SUBSCRIPTION_LIFE: Duration = Duration::from_secs(300);

/// Provisioned shard, in.
pub const SHARD_WRITE_BYTES_PER_SECOND: usize = MIB;
pub const SHARD_WRITE_RECORDS_PER_SECOND: usize = 1000;
/// Provisioned shard, out.
pub const SHARD_READ_BYTES_PER_SECOND: usize = 2 * MIB;
pub const SHARD_READ_CALLS_PER_SECOND: usize = 5;

/// Shards of a new on-demand stream.
pub const ON_DEMAND_SHARDS: u32 = 4;
/// Shards of one stream.
pub const SHARDS_PER_STREAM_MAX: u32 = 10_000;
pub const RETENTION_HOURS_DEFAULT: u32 = 24;
pub const RETENTION_HOURS_MAX: u32 = 8760;
pub const CONSUMERS_PER_STREAM_MAX: usize = 20;
pub const TAGS_PER_RESOURCE_MAX: usize = 50;

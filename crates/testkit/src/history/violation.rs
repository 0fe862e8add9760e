//! The ways in which a promise can be broken.

use thiserror::Error;

/// A broken promise.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Violation {
    #[error("acknowledged record {sequence} is gone")]
    Lost { sequence: String },
    #[error("record {sequence} came back with other bytes or another key")]
    Changed { sequence: String },
    #[error("record {sequence} was never put")]
    Invented { sequence: String },
    #[error("one attempt was stored twice, at {first} and {second}")]
    Duplicated { first: String, second: String },
    #[error("record acknowledged at {acknowledged} was read at {read}")]
    Moved { acknowledged: String, read: String },
    #[error("{shard}: number {second} was read after {first}")]
    OutOfOrder { shard: String, first: String, second: String },
    #[error("{shard}: record {index} was read, and the next one was not {expected}")]
    Gap { shard: String, index: u64, expected: u64 },
    #[error("{sequence} was acknowledged before the put of {smaller} began, but has the greater number")]
    TimeReversed { sequence: String, smaller: String },
    #[error("{sequence} arrived at {arrival}, before the record that precedes it")]
    ArrivalReversed { sequence: String, arrival: i64 },
    #[error("two acknowledgements carry number {sequence}")]
    NumberReused { sequence: String },
    #[error("record {index} of {shard} was read by a consumer and is gone or other than it was")]
    Unread { shard: String, index: u64 },
    #[error("hash ranges of the open shards do not tile the space at {at}")]
    NotTiled { at: u128 },
    #[error("{shard} was closed, and is not")]
    Reopened { shard: String },
    #[error("the children of {shard} do not cover its hash range")]
    NotCovered { shard: String },
    #[error("record {sequence} does not belong into {shard} by its hash key or number")]
    Misrouted { shard: String, sequence: String },
    #[error("{sequence} was put into {parent} after a record of its child had been acknowledged")]
    ParentRevived { parent: String, sequence: String },
}

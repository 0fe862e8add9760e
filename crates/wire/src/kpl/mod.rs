//! KPL aggregation: many user records in the data of one Kinesis record.
//!
//! `F3 89 9A C2 | AggregatedRecord in protobuf | MD5 of the protobuf`. Keys stand in tables, records refer to them:
//!
//! ```text
//! AggregatedRecord { 1: partition keys (string)*   2: explicit hash keys (decimal string)*   3: Record* }
//! Record { 1: index of partition key (varint)   2: index of explicit hash key (varint)?   3: data   4: tags* }
//! ```

mod aggregate;
mod deaggregate;
mod protobuf;

pub use aggregate::Aggregator;
pub use deaggregate::deaggregate;

use base::ByteString;
use base::hash_key::HashKey;
use bytes::Bytes;
use md5::{Digest as _, Md5};

const MAGIC: [u8; 4] = [0xf3, 0x89, 0x9a, 0xc2];
const MD5_BYTES: usize = 16;

/// A record as the application put it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserRecord {
    pub partition_key: ByteString,
    pub explicit_hash_key: Option<HashKey>,
    pub data: Bytes,
}

impl UserRecord {
    /// Where the record belongs.
    #[must_use]
    pub fn hash_key(&self) -> HashKey {
        self.explicit_hash_key.unwrap_or_else(|| HashKey::of(&self.partition_key))
    }
}

fn md5_of(message: &[u8]) -> [u8; MD5_BYTES] {
    Md5::digest(message).into()
}

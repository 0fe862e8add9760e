//! Everything that this service persists beside records, one file per row type, and the keys of the rows.
//!
//! Rows are in a binary form of their own: a version byte and fields, little endian. Numbers in keys are hexadecimal
//! with leading zeros, so that rows are stored in the order of their numbers.

pub mod account;
pub mod consumer;
pub mod counter;
pub mod field;
pub mod policy;
pub mod shard;
pub mod stream;
pub mod tags;
pub mod token_key;

pub use account::AccountRow;
pub use consumer::ConsumerRow;
pub use counter::CounterRow;
pub use field::RowError;
pub use policy::PolicyRow;
pub use shard::{Closed, ShardRow};
pub use stream::StreamRow;
pub use tags::TagsRow;
pub use token_key::TokenKeyRow;

/// Keys of rows.
pub mod keys {
    use base::arn::StreamArn;
    use base::caller::Caller;
    use base::ids::{AccountId, Region, ShardIndex, StreamName};

    pub const STREAMS: &str = "streams/stream/";
    pub const SHARDS: &str = "streams/shard/";
    pub const CONSUMERS: &str = "streams/consumer/";
    pub const TOKEN_KEY: &str = "streams/token-key";
    pub const NEXT_LOG: &str = "streams/counter/log";
    pub const NEXT_INCARNATION: &str = "streams/counter/incarnation";

    pub fn stream(arn: &StreamArn) -> String {
        format!("{STREAMS}{}/{}/{}", arn.account, arn.region, arn.stream)
    }

    /// The stream that a key of [`stream`] names.
    pub fn stream_of(key: &str) -> Option<StreamArn> {
        let mut parts = key.strip_prefix(STREAMS)?.splitn(3, '/');
        Some(StreamArn {
            account: AccountId::new(parts.next()?.to_owned()).ok()?,
            region: Region::new(parts.next()?.to_owned()).ok()?,
            stream: StreamName::new(parts.next()?.to_owned()).ok()?,
        })
    }

    pub fn shard(incarnation: u64, index: ShardIndex) -> String {
        format!("{SHARDS}{incarnation:016x}/{:08x}", index.0)
    }

    pub fn consumer(incarnation: u64, name: &str) -> String {
        format!("{CONSUMERS}{incarnation:016x}/{name}")
    }

    /// The incarnation in a key of [`shard`] or [`consumer`].
    pub fn incarnation_of(key: &str, prefix: &str) -> Option<u64> {
        u64::from_str_radix(key.strip_prefix(prefix)?.get(..16)?, 16).ok()
    }

    /// Tags of a stream, or of one of its consumers.
    pub fn tags(incarnation: u64, consumer: Option<&str>) -> String {
        of_resource("tags", incarnation, consumer)
    }

    /// Policy of a stream, or of one of its consumers.
    pub fn policy(incarnation: u64, consumer: Option<&str>) -> String {
        of_resource("policy", incarnation, consumer)
    }

    fn of_resource(kind: &str, incarnation: u64, consumer: Option<&str>) -> String {
        match consumer {
            None => format!("streams/{kind}/{incarnation:016x}/stream"),
            Some(name) => format!("streams/{kind}/{incarnation:016x}/consumer/{name}"),
        }
    }

    /// Prefixes of everything that belongs to a stream and goes with it.
    pub fn of_stream(incarnation: u64) -> [String; 4] {
        ["shard", "consumer", "tags", "policy"].map(|kind| format!("streams/{kind}/{incarnation:016x}/"))
    }

    pub fn account(caller: &Caller) -> String {
        format!("streams/account/{}/{}", caller.account, caller.region)
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn keys_can_be_read_back() {
            let arn: StreamArn = "arn:aws:kinesis:eu-west-1:123456789012:stream/a.b".parse().expect("an ARN");
            assert_eq!(stream_of(&stream(&arn)), Some(arn));
            assert_eq!(incarnation_of(&shard(300, ShardIndex(2)), SHARDS), Some(300));
            assert_eq!(incarnation_of(&consumer(7, "c"), CONSUMERS), Some(7));
            assert!(shard(255, ShardIndex(2)) < shard(256, ShardIndex(1)));
        }
    }
}

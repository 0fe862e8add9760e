//! The shards of a stream, as ListShards tells them.

use api::kinesis::{Kinesis, KinesisError, ListShardsInput, Shard, ShardFilter};
use base::ByteString;
use base::caller::Caller;
use base::hash_key::HashKeyRange;

/// Pages of 1,000 shards; a stream has 10,000 open ones at most, and closed ones for as long as records are retained.
const PAGES_MAX: usize = 1000;

/// All pages of a stream's shards, those retained when there is no filter.
///
/// # Errors
/// Those of ListShards.
pub(crate) async fn list(
    kinesis: &dyn Kinesis,
    caller: &Caller,
    stream: &ByteString,
    filter: Option<ShardFilter>,
) -> Result<Vec<Shard>, KinesisError> {
    let mut input = ListShardsInput { stream_name: Some(stream.clone()), shard_filter: filter, ..Default::default() };
    let mut shards = Vec::new();
    for _ in 0..PAGES_MAX {
        let page = kinesis.list_shards(caller, input).await?;
        shards.extend(page.shards.unwrap_or_default());
        match page.next_token {
            Some(token) => input = ListShardsInput { next_token: Some(token), ..Default::default() },
            None => return Ok(shards),
        }
    }
    Err(KinesisError::internal_failure(format!("ListShards has more than {PAGES_MAX} pages")))
}

/// The range as numbers; `None` when it is not written as two hash keys.
pub(crate) fn range(range: &api::kinesis::HashKeyRange) -> Option<HashKeyRange> {
    Some(HashKeyRange { start: range.starting_hash_key.parse().ok()?, end: range.ending_hash_key.parse().ok()? })
}

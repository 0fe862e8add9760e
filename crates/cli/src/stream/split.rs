//! `anabranch stream split`

use api::kinesis::{Kinesis as _, Shard, SplitShardInput};
use base::ByteString;
use base::hash_key::HashKey;
use base::ids::ShardIndex;
use clap::Args;

use super::{Common, named, show_after};
use crate::failure::Failure;
use crate::lineage;

/// Split a shard in two
#[derive(Debug, Args)]
pub struct Split {
    /// Name of the stream
    name: String,
    /// The shard, such as shardId-000000000000, or its number alone
    shard: String,
    /// First hash key of the upper half (decimal) [default: the middle]
    #[arg(long, value_name = "KEY")]
    at: Option<HashKey>,
    /// Wait until the stream is active again
    #[arg(long)]
    wait: bool,
    #[command(flatten)]
    common: Common,
}

pub async fn run(split: Split) -> Result<(), Failure> {
    let session = split.common.connect.open()?;
    let shard = shard_id(&split.shard)?;
    let at = match split.at {
        Some(at) => at,
        None => {
            let shards = lineage::list(&session, &split.name).await.map_err(|error| session.explain(&error))?;
            middle(&shards, &shard, &split.name)?
        }
    };
    let input = SplitShardInput {
        stream_name: named(&split.name),
        shard_to_split: shard,
        new_starting_hash_key: ByteString::from(at.to_string()),
        ..Default::default()
    };
    session.kinesis.split_shard(&session.caller, input).await.map_err(|error| session.explain(&error))?;
    show_after(&session, &split.name, split.wait, split.common.output).await
}

fn middle(shards: &[Shard], id: &ByteString, stream: &str) -> Result<HashKey, Failure> {
    let unknown = || {
        Failure::new(format!("stream {stream} has no shard {id}; `anabranch stream show {stream}` shows its shards"))
    };
    let shard = shards.iter().find(|shard| shard.shard_id == *id).ok_or_else(unknown)?;
    let range = lineage::range(shard).ok_or_else(|| Failure::new(format!("shard {id} has no valid hash keys")))?;
    let width = range.end.0 - range.start.0;
    // Rounded up, so that halves of a whole space are equal.
    Ok(HashKey(range.start.0 + width / 2 + width % 2))
}

/// The canonical id of a shard that a person may have named by its number.
pub fn shard_id(text: &str) -> Result<ByteString, Failure> {
    let index: ShardIndex = text
        .parse()
        .map_err(|_| Failure::usage(format!("{text:?} is not a shard: expected shardId-000000000000 or a number")))?;
    Ok(ByteString::from(index.to_string()))
}

#[cfg(test)]
mod tests {
    use api::kinesis::HashKeyRange;

    use super::*;

    #[test]
    fn halves_are_equal() {
        let range =
            |start: &str, end: &str| HashKeyRange { starting_hash_key: start.into(), ending_hash_key: end.into() };
        let whole = Shard {
            shard_id: "shardId-000000000000".into(),
            hash_key_range: range("0", &u128::MAX.to_string()),
            ..Default::default()
        };
        let id = shard_id("0").expect("a number");
        assert_eq!(middle(&[whole], &id, "s").expect("known"), HashKey(1 << 127));
        assert_eq!(
            middle(&[], &id, "s").expect_err("unknown").message(),
            "stream s has no shard shardId-000000000000; `anabranch stream show s` shows its shards"
        );
        assert!(shard_id("shard").is_err());
    }
}

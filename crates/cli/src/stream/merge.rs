//! `anabranch stream merge`

use api::kinesis::{Kinesis as _, MergeShardsInput};
use clap::Args;

use super::split::shard_id;
use super::{Common, named, show_after};
use crate::failure::Failure;

/// Merge two neighbouring shards into one
#[derive(Debug, Args)]
pub struct Merge {
    /// Name of the stream
    name: String,
    /// One shard, such as shardId-000000000001, or its number alone
    shard: String,
    /// The shard whose hash keys come right before or after
    adjacent: String,
    /// Wait until the stream is active again
    #[arg(long)]
    wait: bool,
    #[command(flatten)]
    common: Common,
}

pub async fn run(merge: Merge) -> Result<(), Failure> {
    let session = merge.common.connect.open()?;
    let input = MergeShardsInput {
        stream_name: named(&merge.name),
        shard_to_merge: shard_id(&merge.shard)?,
        adjacent_shard_to_merge: shard_id(&merge.adjacent)?,
        ..Default::default()
    };
    session.kinesis.merge_shards(&session.caller, input).await.map_err(|error| session.explain(&error))?;
    show_after(&session, &merge.name, merge.wait, merge.common.output).await
}

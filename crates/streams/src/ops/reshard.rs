//! SplitShard, MergeShards and UpdateShardCount.

use std::sync::Arc;

use api::kinesis::{
    KinesisError, MergeShardsInput, MergeShardsOutput, SplitShardInput, SplitShardOutput, UpdateShardCountInput,
    UpdateShardCountOutput,
};
use base::caller::Caller;
use base::hash_key::HashKey;
use base::ids::ShardIndex;
use base::limits::SHARDS_PER_STREAM_MAX;

use super::account_use::check_shard_limit;
use super::stream_named;
use crate::change;
use crate::core::Core;
use crate::error::{self, Answer};
use crate::shard::Shard;
use crate::stream::{Snapshot, Stream};
use crate::transition::{Change, Mode, use_ration};

/// Scalings of a stream in 24 hours.
const SCALINGS_MAX: usize = 10;

pub async fn split_shard(core: &Core, caller: &Caller, input: SplitShardInput) -> Answer<SplitShardOutput> {
    core.admit_call(caller, "SplitShard", 5, stream_named(input.stream_name.as_ref(), input.stream_arn.as_ref()))?;
    let stream = core.resolve(caller, "SplitShard", input.stream_name.as_ref(), input.stream_arn.as_ref())?;
    let _change = stream.change.lock().await;
    let snapshot = core.active(&stream)?;
    check_mode(&snapshot, "SplitShard")?;
    let shard = open_shard(core, &stream, &snapshot, &input.shard_to_split)?;
    let key = &input.new_starting_hash_key;
    let at: Option<HashKey> = key.parse().ok();
    let at = at.filter(|at| shard.row.range.split(*at).is_some());
    let at = at.ok_or_else(|| error::split_key(&stream.arn, &shard.row, key))?;
    check_shard_limit(core, caller, 1)?;
    let change = Change::Split { shard: shard.row.index, at };
    change::begin(core, &stream, snapshot.row.clone(), change).await?;
    Ok(SplitShardOutput {})
}

pub async fn merge_shards(core: &Core, caller: &Caller, input: MergeShardsInput) -> Answer<MergeShardsOutput> {
    core.admit_call(caller, "MergeShards", 5, stream_named(input.stream_name.as_ref(), input.stream_arn.as_ref()))?;
    let stream = core.resolve(caller, "MergeShards", input.stream_name.as_ref(), input.stream_arn.as_ref())?;
    let _change = stream.change.lock().await;
    let snapshot = core.active(&stream)?;
    check_mode(&snapshot, "MergeShards")?;
    let shard = open_shard(core, &stream, &snapshot, &input.shard_to_merge)?;
    let adjacent = open_shard(core, &stream, &snapshot, &input.adjacent_shard_to_merge)?;
    let (range, other) = (&shard.row.range, &adjacent.row.range);
    if range.join(other).or_else(|| other.join(range)).is_none() {
        return Err(error::not_adjacent(&stream.arn, shard.row.index, adjacent.row.index));
    }
    let change = Change::Merge { shard: shard.row.index, adjacent: adjacent.row.index };
    change::begin(core, &stream, snapshot.row.clone(), change).await?;
    Ok(MergeShardsOutput {})
}

fn check_mode(snapshot: &Snapshot, operation: &str) -> Answer<()> {
    match snapshot.row.mode {
        Mode::Provisioned => Ok(()),
        Mode::OnDemand => {
            Err(KinesisError::validation(format!("{operation} is not supported for streams in ON_DEMAND mode.")))
        }
    }
}

/// A shard that can be split or merged.
fn open_shard<'a>(core: &Core, stream: &Stream, snapshot: &'a Snapshot, id: &str) -> Answer<&'a Arc<Shard>> {
    let index: ShardIndex = id.parse().map_err(|_| error::could_not_find_shard(&stream.arn, id))?;
    let shard = snapshot.shard(index).filter(|shard| !shard.is_expired(snapshot.horizon(core.now())));
    let shard = shard.ok_or_else(|| error::could_not_find_shard(&stream.arn, &index.to_string()))?;
    if shard.is_open() { Ok(shard) } else { Err(error::shard_is_closed(&stream.arn, index)) }
}

pub async fn update_shard_count(
    core: &Core,
    caller: &Caller,
    input: UpdateShardCountInput,
) -> Answer<UpdateShardCountOutput> {
    core.admit_call(
        caller,
        "UpdateShardCount",
        10,
        stream_named(input.stream_name.as_ref(), input.stream_arn.as_ref()),
    )?;
    let stream = core.resolve(caller, "UpdateShardCount", input.stream_name.as_ref(), input.stream_arn.as_ref())?;
    let _change = stream.change.lock().await;
    let snapshot = core.active(&stream)?;
    check_mode(&snapshot, "UpdateShardCount")?;
    let current = u32::try_from(snapshot.open.len()).unwrap_or(u32::MAX);
    let target = u32::try_from(input.target_shard_count).unwrap_or(0);
    check_target(current, target)?;
    check_shard_limit(core, caller, target.saturating_sub(current))?;
    let mut row = snapshot.row.clone();
    if !use_ration(&mut row.history.scalings, SCALINGS_MAX, core.now()) {
        return Err(KinesisError::limit_exceeded(format!(
            "UpdateShardCount cannot be called more than {SCALINGS_MAX} times in a rolling 24-hour period for stream {} \
             under account {}.",
            stream.arn.stream, stream.arn.account
        )));
    }
    change::begin(core, &stream, row, Change::Scale { target }).await?;
    Ok(UpdateShardCountOutput {
        stream_name: Some(stream.arn.stream.text()),
        current_shard_count: Some(current as i32),
        target_shard_count: Some(input.target_shard_count),
        stream_arn: Some(stream.arn_text.clone()),
    })
}

fn check_target(current: u32, target: u32) -> Answer<()> {
    let counts = format!("Current open shard count: {current} Target shard count: {target}");
    if target > SHARDS_PER_STREAM_MAX {
        return Err(error::too_many_shards(target));
    }
    if target == current {
        return Err(KinesisError::invalid_argument(format!(
            "UpdateShardCount target must differ from your current open shard count. {counts}"
        )));
    }
    if target > current.saturating_mul(2) {
        return Err(KinesisError::invalid_argument(format!(
            "UpdateShardCount cannot scale up over double your current open shard count. {counts}"
        )));
    }
    if target < current.div_ceil(2) {
        return Err(KinesisError::invalid_argument(format!(
            "UpdateShardCount cannot scale down below half your current open shard count. {counts}"
        )));
    }
    Ok(())
}

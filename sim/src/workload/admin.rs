//! Changes streams: shards, retention, encryption, their whole lives.

use std::time::Duration;

use api::kinesis::*;
use base::hash_key::{HashKey, HashKeyRange};
use base::ids::ShardIndex;
use tokio::time::sleep;

use super::{Program, named};
use crate::ledger::Ledger;
use crate::world::caller;

/// Pause between two looks at a stream that is changing.
const LOOK: Duration = Duration::from_millis(150);

/// Splits, merges, scales, encrypts and retains until the workload ends.
pub(super) async fn reshape(mut program: Program, stream: &'static str) {
    while program.world.may_ask() {
        let pause = program.random.millis(50..=3_000);
        sleep(pause).await;
        reshape_once(&mut program, stream).await;
    }
}

/// Deletes the stream and creates it again until the workload ends.
pub(super) async fn churn(mut program: Program, stream: &'static str) {
    create(&mut program, stream).await;
    while program.world.may_ask() {
        for _ in 0..program.random.range(0..=3) {
            let pause = program.random.millis(50..=2_000);
            sleep(pause).await;
            reshape_once(&mut program, stream).await;
        }
        delete(&mut program, stream).await;
        create(&mut program, stream).await;
    }
}

async fn reshape_once(program: &mut Program, stream: &'static str) {
    // Whatever fails is tried again some other time.
    let _ = match program.random.below(7) {
        0 | 1 => split(program, stream).await,
        2 | 3 => merge(program, stream).await,
        4 => scale(program, stream).await,
        5 => retain(program, stream).await,
        _ => encrypt(program, stream).await,
    };
}

/// Creates the stream and waits until it can be used, however often it takes.
pub(super) async fn create(program: &mut Program, stream: &'static str) {
    loop {
        let input = CreateStreamInput {
            stream_name: stream.into(),
            shard_count: Some(program.world.plan.shards),
            ..CreateStreamInput::default()
        };
        let answer = program.client.create_stream(&caller(), input).await;
        match program.noted(&format!("create {stream}"), answer) {
            // In use: an attempt before this one was carried out without an answer.
            Ok(_) | Err(KinesisError::ResourceInUseException(_)) => break,
            Err(_) => sleep(LOOK).await,
        }
    }
    settle(program, stream).await;
    program.world.ledger(stream, Ledger::created);
}

/// Waits until nothing about the stream is changing, however often it takes.
pub(super) async fn settle(program: &Program, stream: &'static str) {
    while status(program, stream).await != Some(StreamStatus::Active) {
        sleep(LOOK).await;
    }
}

/// Deletes the stream and waits until it is gone, however often it takes.
async fn delete(program: &mut Program, stream: &'static str) {
    program.world.ledger(stream, Ledger::deleting);
    loop {
        let enforce_consumer_deletion = Some(true);
        let input =
            DeleteStreamInput { stream_name: named(stream), enforce_consumer_deletion, ..DeleteStreamInput::default() };
        let answer = program.client.delete_stream(&caller(), input).await;
        match program.noted(&format!("delete {stream}"), answer) {
            Err(KinesisError::ResourceNotFoundException(_)) => return,
            Ok(_) | Err(_) => sleep(LOOK).await,
        }
    }
}

async fn status(program: &Program, stream: &'static str) -> Option<StreamStatus> {
    summary(program, stream).await.ok().map(|summary| summary.stream_status)
}

async fn summary(program: &Program, stream: &'static str) -> Result<StreamDescriptionSummary, KinesisError> {
    let input = DescribeStreamSummaryInput { stream_name: named(stream), ..DescribeStreamSummaryInput::default() };
    let answer = program.client.describe_stream_summary(&caller(), input).await;
    Ok(program.noted(&format!("describe {stream}"), answer)?.stream_description_summary)
}

/// The open shards with their ranges, in order.
async fn open_shards(program: &Program, stream: &'static str) -> Result<Vec<(Shard, HashKeyRange)>, KinesisError> {
    let shards = program.noted(&format!("shards of {stream}"), program.shards(stream).await)?;
    let open = shards.into_iter().filter(|shard| shard.sequence_number_range.ending_sequence_number.is_none());
    let mut open: Vec<(Shard, HashKeyRange)> = open.map(|shard| (shard.clone(), range(&shard))).collect();
    open.sort_by_key(|(_, range)| range.start);
    Ok(open)
}

fn index(shard: &Shard) -> ShardIndex {
    shard.shard_id.parse().expect("shards have ids")
}

/// The hash keys of a shard.
#[must_use]
pub fn range(shard: &Shard) -> HashKeyRange {
    let key = |text: &str| text.parse::<HashKey>().expect("a hash key");
    let range = &shard.hash_key_range;
    HashKeyRange { start: key(&range.starting_hash_key), end: key(&range.ending_hash_key) }
}

async fn split(program: &mut Program, stream: &'static str) -> Result<(), KinesisError> {
    let open = open_shards(program, stream).await?;
    let (shard, range) = program.random.pick(&open).clone();
    let width = range.end.0 - range.start.0;
    let at = range.start.0 + width / 100 * u128::from(program.random.range(1..=99));
    let input = SplitShardInput {
        stream_name: named(stream),
        shard_to_split: shard.shard_id.clone(),
        new_starting_hash_key: at.to_string().into(),
        ..SplitShardInput::default()
    };
    let answer = program.client.split_shard(&caller(), input).await;
    program.noted(&format!("split {stream} {}", shard.shard_id), answer)?;
    program.world.ledger(stream, |ledger| ledger.close(index(&shard)));
    Ok(())
}

async fn merge(program: &mut Program, stream: &'static str) -> Result<(), KinesisError> {
    let open = open_shards(program, stream).await?;
    if open.len() < 2 {
        return Ok(());
    }
    let lower = program.random.index(open.len() - 1);
    let (lower, upper) = (&open[lower].0, &open[lower + 1].0);
    let input = MergeShardsInput {
        stream_name: named(stream),
        shard_to_merge: lower.shard_id.clone(),
        adjacent_shard_to_merge: upper.shard_id.clone(),
        ..MergeShardsInput::default()
    };
    let answer = program.client.merge_shards(&caller(), input).await;
    program.noted(&format!("merge {stream} {} {}", lower.shard_id, upper.shard_id), answer)?;
    program.world.ledger(stream, |ledger| [lower, upper].into_iter().for_each(|shard| ledger.close(index(shard))));
    Ok(())
}

async fn scale(program: &mut Program, stream: &'static str) -> Result<(), KinesisError> {
    let target_shard_count = i32::try_from(program.random.range(1..=6)).expect("few");
    let input = UpdateShardCountInput {
        stream_name: named(stream),
        target_shard_count,
        scaling_type: ScalingType::UniformScaling,
        ..UpdateShardCountInput::default()
    };
    let answer = program.client.update_shard_count(&caller(), input).await;
    program.noted(&format!("scale {stream} to {target_shard_count}"), answer).map(drop)
}

async fn retain(program: &mut Program, stream: &'static str) -> Result<(), KinesisError> {
    let retention_period_hours = i32::try_from(*program.random.pick(&[24, 25, 48])).expect("few");
    let retention = Duration::from_secs(3600 * u64::from(retention_period_hours.unsigned_abs()));
    let before = summary(program, stream).await?.retention_period_hours;
    let latest = program.world.clock.latest();
    let what = format!("retain {stream} for {retention_period_hours} h");
    if retention_period_hours < before {
        program.world.ledger(stream, |ledger| ledger.retain(latest, retention));
        let stream_name = named(stream);
        let input = DecreaseStreamRetentionPeriodInput { stream_name, retention_period_hours, ..Default::default() };
        let answer = program.client.decrease_stream_retention_period(&caller(), input).await;
        program.noted(&what, answer).map(drop)
    } else {
        let stream_name = named(stream);
        let input = IncreaseStreamRetentionPeriodInput { stream_name, retention_period_hours, ..Default::default() };
        let answer = program.client.increase_stream_retention_period(&caller(), input).await;
        program.noted(&what, answer)?;
        let latest = program.world.clock.latest();
        program.world.ledger(stream, |ledger| ledger.retain(latest, retention));
        Ok(())
    }
}

async fn encrypt(program: &mut Program, stream: &'static str) -> Result<(), KinesisError> {
    let encrypted = summary(program, stream).await?.encryption_type == Some(EncryptionType::Kms);
    let (stream_name, key_id) = (named(stream), "alias/aws/kinesis".into());
    if encrypted {
        let input = StopStreamEncryptionInput {
            stream_name,
            key_id,
            encryption_type: EncryptionType::Kms,
            ..Default::default()
        };
        let answer = program.client.stop_stream_encryption(&caller(), input).await;
        program.noted(&format!("decrypt {stream}"), answer).map(drop)
    } else {
        let input = StartStreamEncryptionInput {
            stream_name,
            key_id,
            encryption_type: EncryptionType::Kms,
            ..Default::default()
        };
        let answer = program.client.start_stream_encryption(&caller(), input).await;
        program.noted(&format!("encrypt {stream}"), answer).map(drop)
    }
}

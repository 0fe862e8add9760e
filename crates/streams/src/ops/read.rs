//! GetShardIterator and GetRecords.

use api::kinesis::{GetRecordsInput, GetRecordsOutput, GetShardIteratorInput, GetShardIteratorOutput, KinesisError};
use base::caller::Caller;
use base::ids::ShardIndex;
use base::limits::{GET_RECORDS_BYTES_MAX, GET_RECORDS_COUNT_MAX, SHARD_READ_CALLS_PER_SECOND};
use base::time::Timestamp;
use store::shard_log::ReadLimit;
use tokio::time::Instant;

use super::{refuse_dry_run, shapes};
use crate::core::Core;
use crate::error::{self, Answer};
use crate::position::Wanted;
use crate::reading;
use crate::stream::Stream;
use crate::tokens::IteratorToken;

pub async fn get_shard_iterator(
    core: &Core,
    caller: &Caller,
    input: GetShardIteratorInput,
) -> Answer<GetShardIteratorOutput> {
    const OPERATION: &str = "GetShardIterator";
    let stream = core.resolve(caller, OPERATION, input.stream_name.as_ref(), input.stream_arn.as_ref())?;
    let index: ShardIndex =
        input.shard_id.parse().map_err(|_| error::could_not_find_shard(&stream.arn, &input.shard_id))?;
    let snapshot = stream.snapshot();
    let now = core.now();
    let shard = reading::readable(&stream, &snapshot, index, now)?;
    let wanted = Wanted {
        kind: &input.shard_iterator_type,
        sequence_number: input.starting_sequence_number.as_deref(),
        timestamp: input.timestamp,
    };
    let position = reading::start(core, &stream, &snapshot, shard, OPERATION, wanted).await?;
    if core.limits_enforced() && !shard.activity().iterators().admit(now, SHARD_READ_CALLS_PER_SECOND) {
        return Err(error::shard_rate(&stream.arn, index));
    }
    refuse_dry_run(input.dry_run)?;
    let token = IteratorToken {
        incarnation: stream.incarnation,
        shard: index,
        position,
        stream: stream.arn.stream.to_string(),
    };
    Ok(GetShardIteratorOutput { shard_iterator: Some(token.seal(&core.seal, now)) })
}

pub async fn get_records(core: &Core, caller: &Caller, input: GetRecordsInput) -> Answer<GetRecordsOutput> {
    let now = core.now();
    let token = IteratorToken::open(&core.seal, &input.shard_iterator, now).map_err(error::iterator)?;
    let stream = core.registry.find_incarnation(token.incarnation).ok_or_else(|| {
        KinesisError::resource_not_found(format!("Stream {} under account {} not found.", token.stream, caller.account))
    })?;
    core.check_owner(caller, "GetRecords", &stream.arn, &stream.arn_text)?;
    if !stream.is_named_by(input.stream_arn.as_deref()) {
        return Err(KinesisError::invalid_argument("StreamARN and ShardIterator do not name the same stream."));
    }
    let began = Instant::now();
    let answer = read_on(core, &stream, token, &input, now).await;
    stream.meters.get_records.ended(began, answer.is_ok());
    answer
}

/// Reads on from where a token stands.
async fn read_on(
    core: &Core,
    stream: &Stream,
    mut token: IteratorToken,
    input: &GetRecordsInput,
    now: Timestamp,
) -> Answer<GetRecordsOutput> {
    let snapshot = stream.snapshot();
    let shard = reading::readable(stream, &snapshot, token.shard, now)?;
    let activity = shard.activity();
    if core.limits_enforced() && !activity.read().admit(now) {
        activity.traffic.read_throttled();
        stream.traffic.read_throttled();
        return Err(error::shard_rate(&stream.arn, token.shard));
    }
    refuse_dry_run(input.dry_run)?;
    let records = input.limit.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(GET_RECORDS_COUNT_MAX);
    let limit = ReadLimit { records: records.min(GET_RECORDS_COUNT_MAX), bytes: GET_RECORDS_BYTES_MAX };
    let reading = reading::read(core, &snapshot, shard, token.position, limit).await;
    let reading = reading.map_err(|failure| reading::failure(core, stream, token.shard, failure))?;
    token.position = reading.run.next;
    let (records, bytes) = shapes::records(&shard.row, reading.run.records);
    activity.traffic.outgoing(records.len(), bytes);
    stream.traffic.outgoing(records.len(), bytes);
    stream.meters.get_records.carried(records.len(), bytes);
    let age = reading.millis_behind.unsigned_abs();
    stream.meters.iterator_age.note(age);
    if snapshot.row.monitored != 0 {
        activity.iterator_age.note(age);
    }
    if core.limits_enforced() {
        activity.read().returned(now, bytes);
    }
    Ok(GetRecordsOutput {
        records,
        next_shard_iterator: (!reading.at_end).then(|| token.seal(&core.seal, core.now())),
        millis_behind_latest: Some(reading.millis_behind),
        child_shards: reading.at_end.then(|| shapes::child_shards(&snapshot, shard.row.index)),
    })
}

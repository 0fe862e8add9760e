//! PutRecord and PutRecords.

use std::sync::Arc;
use std::time::Duration;

use api::kinesis::{
    EncryptionType, KinesisError, PutRecordInput, PutRecordOutput, PutRecordsInput, PutRecordsOutput,
    PutRecordsRequestEntry, PutRecordsResultEntry, PutRecordsResultEntryList,
};
use base::caller::Caller;
use base::hash_key::HashKey;
use base::ids::ShardIndex;
use store::shard_log::LogError;
use tokio::time::Instant;

use super::put_checks::{check_ordering, check_sizes, explicit_keys};
use super::refuse_dry_run;
use crate::core::Core;
use crate::error::{self, Answer};
use crate::on_demand;
use crate::put_batch::{Fate, PutBatch};
use crate::stream::{Snapshot, Stream};
use crate::transition::{Mode, Status};

/// What the number and the shard's id of a stored record take.
const STORED_TEXT_BYTES: usize = 80;
/// How often a record is sent anew because its shard was closed meanwhile.
const ROUNDS_MAX: usize = 8;
/// How long a put waits for the children of a closed shard.
const RESHARD_WAIT_MAX: Duration = Duration::from_secs(10);

pub async fn put_records(core: &Core, caller: &Caller, input: PutRecordsInput) -> Answer<PutRecordsOutput> {
    let stream = core.resolve(caller, "PutRecords", input.stream_name.as_ref(), input.stream_arn.as_ref())?;
    let began = Instant::now();
    let snapshot = writable(&stream)?;
    let records: Vec<_> = input.records.iter().collect();
    check_sizes(&snapshot, &records, true)?;
    let explicit_keys = explicit_keys(&records)?;
    refuse_dry_run(input.dry_run)?;
    let mut batch = PutBatch::new(&records, explicit_keys);
    if let Err(failure) = store(core, &stream, &snapshot, &mut batch).await {
        batch.fail_waiting(error::failure_text(&failure));
        // Logs the reason.
        let _ = error::log(failure);
    }
    stream.meters.put_records_ended(began, records.len(), batch.tally());
    let output = shape(&stream, &snapshot, &mut batch, records.len());
    // A deletion has overtaken the request.
    if output.failed_record_count != Some(0) && stream.is_gone() {
        return Err(error::stream_not_found(&stream.arn));
    }
    Ok(output)
}

pub async fn put_record(core: &Core, caller: &Caller, input: PutRecordInput) -> Answer<PutRecordOutput> {
    let stream = core.resolve(caller, "PutRecord", input.stream_name.as_ref(), input.stream_arn.as_ref())?;
    let began = Instant::now();
    let snapshot = writable(&stream)?;
    let records = [PutRecordsRequestEntry {
        data: &input.data,
        explicit_hash_key: input.explicit_hash_key.as_deref(),
        partition_key: &input.partition_key,
    }];
    check_sizes(&snapshot, &records, false)?;
    let explicit_keys = explicit_keys(&records)?;
    if let Some(ordering) = input.sequence_number_for_ordering {
        let key = explicit_keys.first().map_or_else(|| HashKey::of(records[0].partition_key), |(_, key)| *key);
        let shard = &snapshot.open.shards()[snapshot.open.locate(key)];
        check_ordering(core, &stream, shard, &ordering)?;
    }
    refuse_dry_run(input.dry_run)?;
    let mut batch = PutBatch::new(&records, explicit_keys);
    let stored = store(core, &stream, &snapshot, &mut batch).await.map_err(error::log);
    let tally = batch.tally();
    stream.meters.put_record.ended(began, tally.stored > 0);
    stream.meters.put_record.carried(tally.stored, tally.stored_bytes);
    stored?;
    let mut answer = Err(KinesisError::internal_failure(error::INTERNAL_FAILURE));
    batch.each(|group| {
        answer = match &mut group.fate {
            Fate::Stored(numbers) => Ok(PutRecordOutput {
                shard_id: group.shard_id.clone(),
                sequence_number: numbers.next().expect("a stored record has a number"),
                encryption_type: encryption(&snapshot),
            }),
            Fate::Throttled => Err(error::shard_rate(&stream.arn, group.shard.row.index)),
            // A deletion has overtaken the request.
            _ if stream.is_gone() => Err(error::stream_not_found(&stream.arn)),
            Fate::Failed(text) => Err(KinesisError::internal_failure(*text)),
            Fate::Waiting | Fate::Closed => Err(KinesisError::internal_failure(error::INTERNAL_FAILURE)),
        };
    });
    answer
}

/// The snapshot of a stream that takes records. While it is being created it does not exist for writers.
fn writable(stream: &Stream) -> Answer<Arc<Snapshot>> {
    let snapshot = stream.snapshot();
    match snapshot.row.status {
        Status::Active | Status::Updating | Status::Deleting if !stream.is_gone() => Ok(snapshot),
        _ => Err(error::stream_not_found(&stream.arn)),
    }
}

fn encryption(snapshot: &Snapshot) -> Option<EncryptionType> {
    snapshot.row.key_id.is_some().then_some(EncryptionType::Kms)
}

/// Appends the records, again and again for those whose shard was closed meanwhile.
async fn store(
    core: &Core,
    stream: &Stream,
    snapshot: &Arc<Snapshot>,
    batch: &mut PutBatch<'_>,
) -> Result<(), LogError> {
    let mut snapshot = snapshot.clone();
    for round in 0..ROUNDS_MAX {
        batch.route(&snapshot.open);
        if round == 0 && core.limits_enforced() {
            throttle(core, stream, &snapshot, batch);
        }
        let (appends, groups) = batch.appends(snapshot.row.key_id.is_some());
        if appends.is_empty() {
            return Ok(());
        }
        let landed = core.log.append(appends).await?;
        for (group, landed) in groups.iter().zip(landed) {
            batch.landed(*group, landed, error::INTERNAL_FAILURE);
            count(stream, batch, *group);
        }
        if !batch.take_back() {
            return Ok(());
        }
        let changed = tokio::time::timeout(RESHARD_WAIT_MAX, next_snapshot(stream, snapshot.generation));
        match changed.await {
            Ok(Some(next)) if next.open.len() > 0 => snapshot = next,
            Ok(_) | Err(_) => break,
        }
    }
    batch.fail_unrouted(error::INTERNAL_FAILURE);
    Ok(())
}

/// Waits for a snapshot later than `seen`; `None` when the stream goes.
async fn next_snapshot(stream: &Stream, seen: u64) -> Option<Arc<Snapshot>> {
    let mut generation = stream.watch();
    let changed = generation.wait_for(|generation| *generation != Some(seen)).await;
    changed.is_ok_and(|generation| generation.is_some()).then(|| stream.snapshot())
}

fn throttle(core: &Core, stream: &Stream, snapshot: &Snapshot, batch: &mut PutBatch<'_>) {
    let now = core.now();
    let groups = batch.new_groups();
    match snapshot.row.mode {
        Mode::Provisioned => {
            for group in groups.clone() {
                let shard = batch.group(group).shard.clone();
                shard.activity().with_write(now, |throttle| batch.admit(group, now, throttle));
            }
        }
        Mode::OnDemand => {
            let capacity = on_demand::capacity(&snapshot.row.peaks, snapshot.row.warm_mibps, snapshot.open.len());
            stream.with_write(capacity, now, |throttle| {
                groups.clone().for_each(|group| batch.admit(group, now, throttle));
            });
        }
    }
    // Throttled records have become groups of their own.
    for group in groups.end..batch.new_groups().end {
        let refused = batch.group(group);
        refused.shard.activity().traffic.write_throttled(refused.records);
        stream.traffic.write_throttled(refused.records);
    }
}

fn count(stream: &Stream, batch: &PutBatch<'_>, group: usize) {
    let group = batch.group(group);
    if matches!(group.fate, Fate::Stored(_)) {
        group.shard.activity().traffic.incoming(group.records, group.bytes);
        stream.traffic.incoming(group.records, group.bytes);
    }
}

/// One result per record, in the order of the request.
fn shape(stream: &Stream, snapshot: &Snapshot, batch: &mut PutBatch<'_>, count: usize) -> PutRecordsOutput {
    let mut failed = 0;
    // Texts repeat from record to record of a shard.
    let mut throttled: Option<(ShardIndex, String)> = None;
    let mut records = PutRecordsResultEntryList::with_capacity(count, count * STORED_TEXT_BYTES);
    batch.each(|group| match &mut group.fate {
        Fate::Stored(numbers) => records.push(PutRecordsResultEntry {
            sequence_number: numbers.take_text(),
            shard_id: Some(&group.shard_id),
            ..PutRecordsResultEntry::default()
        }),
        Fate::Throttled => {
            failed += 1;
            let index = group.shard.row.index;
            let reuse = throttled.take().filter(|(of, _)| *of == index);
            let (_, text) =
                throttled.insert(reuse.unwrap_or_else(|| (index, error::shard_rate_text(&stream.arn, index))));
            records.push(failure("ProvisionedThroughputExceededException", text));
        }
        Fate::Failed(text) => {
            failed += 1;
            records.push(failure(error::INTERNAL_FAILURE_CODE, text));
        }
        Fate::Waiting | Fate::Closed => {
            failed += 1;
            records.push(failure(error::INTERNAL_FAILURE_CODE, error::INTERNAL_FAILURE));
        }
    });
    PutRecordsOutput { failed_record_count: Some(failed), records, encryption_type: encryption(snapshot) }
}

fn failure<'a>(code: &'a str, message: &'a str) -> PutRecordsResultEntry<'a> {
    PutRecordsResultEntry { error_code: Some(code), error_message: Some(message), ..PutRecordsResultEntry::default() }
}

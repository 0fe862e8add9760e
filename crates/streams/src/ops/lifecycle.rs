//! CreateStream and DeleteStream.

use std::collections::BTreeMap;
use std::sync::Arc;

use api::kinesis::{
    CreateStreamInput, CreateStreamOutput, DeleteStreamInput, DeleteStreamOutput, KinesisError,
    RecordDistributionStrategy, StreamMode,
};
use base::arn::StreamArn;
use base::caller::Caller;
use base::hash_key::HashKeyRange;
use base::ids::{ShardIndex, StreamName};
use base::limits::{KIB, ON_DEMAND_SHARDS, RECORD_BYTES_DEFAULT_MAX, RETENTION_HOURS_DEFAULT, SHARDS_PER_STREAM_MAX};
use base::time::Timestamp;
use store::catalog::{CatalogError, Expect, Transaction};
use store::shard_log::LogId;

use super::account_use::{self, check_on_demand_limit, check_shard_limit};
use super::stream_named;
use crate::change;
use crate::core::{Core, log_options};
use crate::error::{self, Answer};
use crate::load::assemble;
use crate::rows::{ShardRow, StreamRow, TagsRow, keys};
use crate::tags;
use crate::transition::{Change, Distribution, History, Mode, Pending, Status};

/// Calls per second of either operation.
const CALLS: usize = 5;
/// Streams that may be CREATING at a time.
const CREATING_MAX: usize = 5;
/// Most that can be asked for as warm throughput.
pub const WARM_MIBPS_MAX: i32 = 10 * 1024;

pub async fn create_stream(core: &Core, caller: &Caller, input: CreateStreamInput) -> Answer<CreateStreamOutput> {
    core.admit_call(caller, "CreateStream", CALLS, Some(&input.stream_name))?;
    let stream = StreamName::new(input.stream_name.clone())
        .map_err(|invalid| KinesisError::invalid_argument(invalid.to_string()))?;
    let arn = StreamArn { region: caller.region.clone(), account: caller.account.clone(), stream };
    let (mode, shard_count) = capacity(&input)?;
    let mut tags = BTreeMap::new();
    tags::add(&mut tags, &input.tags.clone().unwrap_or_default()).map_err(error::tags)?;

    let _creation = core.creation.lock().await;
    if core.registry.find(&arn).is_some() {
        return Err(error::stream_exists(&arn));
    }
    check_creating(core, caller)?;
    check_shard_limit(core, caller, shard_count)?;
    if mode == Mode::OnDemand {
        check_on_demand_limit(core, caller)?;
    }
    let incarnation = core.ids.incarnation(&core.catalog).await.map_err(error::catalog)?;
    let logs = core.ids.logs(&core.catalog, shard_count as usize).await.map_err(error::catalog)?;
    let now = core.now();
    let row = StreamRow { incarnation, mode, next_shard: shard_count, ..new_row(core, &input, now) };
    let shards = new_shards(shard_count, &logs, now);
    let mut transaction = Transaction::new().expect(keys::stream(&arn), Expect::Absent);
    // The stream's own row, its tags and its shards: there may be thousands, and what grows leaves holes behind.
    transaction.writes.reserve_exact(2 + shards.len());
    transaction = transaction.put(keys::stream(&arn), row.encode());
    for shard in &shards {
        transaction = transaction.put(keys::shard(incarnation, shard.index), shard.encode());
    }
    if !tags.is_empty() {
        transaction = transaction.put(keys::tags(incarnation, None), TagsRow(tags).encode());
    }
    let version = core.catalog.commit(transaction).await.map_err(|error| match error {
        CatalogError::Conflict { .. } => error::stream_exists(&arn),
        CatalogError::Full(_) | CatalogError::Failed(_) => error::catalog(error),
    })?;
    for shard in &shards {
        core.log.open(shard.log, log_options(&row, false));
    }
    core.registry.insert(Arc::new(assemble(arn, row, version, shards, Vec::new())));
    core.work.notify_one();
    Ok(CreateStreamOutput {})
}

/// Mode and number of shards that a request asks for.
fn capacity(input: &CreateStreamInput) -> Answer<(Mode, u32)> {
    let count = input.shard_count.and_then(|count| u32::try_from(count).ok());
    let warm = input.warm_throughput_mibps;
    let mode = input.stream_mode_details.as_ref().map(|details| &details.stream_mode);
    let mode = match mode {
        Some(StreamMode::OnDemand) => Mode::OnDemand,
        Some(StreamMode::Provisioned | StreamMode::Unknown(_)) => Mode::Provisioned,
        None if count.is_none() => Mode::OnDemand,
        None => Mode::Provisioned,
    };
    match (mode, count) {
        (Mode::Provisioned, None) => {
            Err(KinesisError::validation("ShardCount must be provided for a stream in PROVISIONED mode."))
        }
        (Mode::Provisioned, Some(_)) if warm.is_some() => Err(error::warm_needs_on_demand()),
        (Mode::Provisioned, Some(count)) if count > SHARDS_PER_STREAM_MAX => Err(error::too_many_shards(count)),
        (Mode::Provisioned, Some(count)) => Ok((mode, count)),
        (Mode::OnDemand, Some(_)) => {
            Err(KinesisError::validation("ShardCount cannot be provided for a stream in ON_DEMAND mode."))
        }
        (Mode::OnDemand, None) => {
            let warm = account_use::check_warm(warm)?.unwrap_or(0);
            Ok((mode, warm.clamp(ON_DEMAND_SHARDS, SHARDS_PER_STREAM_MAX)))
        }
    }
}

fn new_row(core: &Core, input: &CreateStreamInput, now: Timestamp) -> StreamRow {
    let delay = core.settings.transition_delay;
    let pending = (!delay.is_zero()).then(|| Pending { due: now.plus(delay), change: Change::Create });
    StreamRow {
        incarnation: 0,
        created_at: now,
        status: if pending.is_some() { Status::Creating } else { Status::Active },
        pending,
        mode: Mode::Provisioned,
        retention_hours: RETENTION_HOURS_DEFAULT,
        trimmed_before: now,
        key_id: None,
        record_kib_max: input
            .max_record_size_in_kib
            .and_then(|kib| u32::try_from(kib).ok())
            .unwrap_or((RECORD_BYTES_DEFAULT_MAX / KIB) as u32),
        monitored: 0,
        warm_mibps: input.warm_throughput_mibps.and_then(|mibps| u32::try_from(mibps).ok()),
        distribution: match input.record_distribution_strategy {
            Some(RecordDistributionStrategy::Auto) => Some(Distribution::Auto),
            Some(RecordDistributionStrategy::UserPartitionKey) => Some(Distribution::UserPartitionKey),
            Some(RecordDistributionStrategy::Unknown(_)) | None => None,
        },
        next_shard: 0,
        history: History::default(),
        peaks: Vec::new(),
    }
}

fn new_shards(count: u32, logs: &[LogId], now: Timestamp) -> Vec<ShardRow> {
    let ranges = HashKeyRange::uniform(count).into_iter().zip(logs).zip(0..);
    ranges
        .map(|((range, log), index)| ShardRow {
            index: ShardIndex(index),
            log: *log,
            range,
            opened_at: now,
            created_seconds: u64::try_from(now.seconds()).unwrap_or(0),
            parent: None,
            adjacent_parent: None,
            closed: None,
        })
        .collect()
}

fn check_creating(core: &Core, caller: &Caller) -> Answer<()> {
    let own = core.registry.of(&caller.account, &caller.region);
    let creating = own.iter().filter(|stream| stream.snapshot().row.status == Status::Creating).count();
    if creating >= CREATING_MAX { Err(error::too_many_creating("streams", CREATING_MAX)) } else { Ok(()) }
}

pub async fn delete_stream(core: &Core, caller: &Caller, input: DeleteStreamInput) -> Answer<DeleteStreamOutput> {
    core.admit_call(
        caller,
        "DeleteStream",
        CALLS,
        stream_named(input.stream_name.as_ref(), input.stream_arn.as_ref()),
    )?;
    let stream = core.resolve(caller, "DeleteStream", input.stream_name.as_ref(), input.stream_arn.as_ref())?;
    let _change = stream.change.lock().await;
    let snapshot = core.existing(&stream)?;
    match snapshot.row.status {
        Status::Active | Status::Updating => {}
        status @ (Status::Creating | Status::Deleting) => return Err(error::stream_not_active(&stream.arn, status)),
    }
    if !snapshot.consumers.is_empty() && input.enforce_consumer_deletion != Some(true) {
        return Err(error::stream_has_consumers(&stream.arn));
    }
    change::begin(core, &stream, snapshot.row.clone(), Change::Delete).await?;
    Ok(DeleteStreamOutput {})
}

//! UpdateStreamMode, UpdateStreamWarmThroughput and UpdateMaxRecordSize.

use api::kinesis::{
    KinesisError, StreamMode, UpdateMaxRecordSizeInput, UpdateMaxRecordSizeOutput, UpdateStreamModeInput,
    UpdateStreamModeOutput, UpdateStreamWarmThroughputInput, UpdateStreamWarmThroughputOutput,
};
use base::caller::Caller;

use super::account_use::{check_on_demand_limit, check_shard_limit, check_warm};
use super::{shapes, stream_named};
use crate::change;
use crate::core::Core;
use crate::error::{self, Answer};
use crate::stream::Snapshot;
use crate::transition::{Change, Mode, use_ration};

/// Mode switches of a stream in 24 hours.
const SWITCHES_MAX: usize = 2;

pub async fn update_mode(core: &Core, caller: &Caller, input: UpdateStreamModeInput) -> Answer<UpdateStreamModeOutput> {
    const OPERATION: &str = "UpdateStreamMode";
    let stream = core.resolve(caller, OPERATION, None, Some(&input.stream_arn))?;
    let warm_mibps = check_warm(input.warm_throughput_mibps)?;
    let mode = match input.stream_mode_details.stream_mode {
        StreamMode::OnDemand => Mode::OnDemand,
        StreamMode::Provisioned | StreamMode::Unknown(_) => Mode::Provisioned,
    };
    if mode == Mode::Provisioned && warm_mibps.is_some() {
        return Err(error::warm_needs_on_demand());
    }
    let _change = stream.change.lock().await;
    let snapshot = core.active(&stream)?;
    if snapshot.row.mode == mode {
        return Err(KinesisError::resource_in_use(format!(
            "Stream {} under account {} is already in the requested mode.",
            stream.arn.stream, stream.arn.account
        )));
    }
    if mode == Mode::OnDemand {
        check_on_demand_limit(core, caller)?;
    }
    check_warm_shards(core, caller, &snapshot, warm_mibps)?;
    let mut row = snapshot.row.clone();
    if !use_ration(&mut row.history.mode_switches, SWITCHES_MAX, core.now()) {
        return Err(KinesisError::limit_exceeded(format!(
            "Stream {} under account {} cannot switch its mode more than {SWITCHES_MAX} times in a rolling 24-hour \
             period.",
            stream.arn.stream, stream.arn.account
        )));
    }
    change::begin(core, &stream, row, Change::Mode { mode, warm_mibps }).await?;
    Ok(UpdateStreamModeOutput {})
}

/// Whether the account may have the shards that a warm throughput stands for.
fn check_warm_shards(core: &Core, caller: &Caller, snapshot: &Snapshot, warm_mibps: Option<u32>) -> Answer<()> {
    let open = u32::try_from(snapshot.open.len()).unwrap_or(u32::MAX);
    check_shard_limit(core, caller, warm_mibps.unwrap_or(0).saturating_sub(open))
}

pub async fn update_warm_throughput(
    core: &Core,
    caller: &Caller,
    input: UpdateStreamWarmThroughputInput,
) -> Answer<UpdateStreamWarmThroughputOutput> {
    const OPERATION: &str = "UpdateStreamWarmThroughput";
    core.admit_call(caller, OPERATION, 5, stream_named(input.stream_name.as_ref(), input.stream_arn.as_ref()))?;
    let stream = core.resolve(caller, OPERATION, input.stream_name.as_ref(), input.stream_arn.as_ref())?;
    let mibps = check_warm(Some(input.warm_throughput_mibps))?.unwrap_or(0);
    let _change = stream.change.lock().await;
    let snapshot = core.active(&stream)?;
    if snapshot.row.mode != Mode::OnDemand {
        return Err(error::warm_needs_on_demand());
    }
    check_warm_shards(core, caller, &snapshot, Some(mibps))?;
    change::begin(core, &stream, snapshot.row.clone(), Change::Warm { mibps }).await?;
    let after = stream.snapshot();
    let mut warm = shapes::warm_throughput(&after.row, after.open.len()).unwrap_or_default();
    warm.target_mibps = Some(input.warm_throughput_mibps);
    Ok(UpdateStreamWarmThroughputOutput {
        stream_arn: Some(stream.arn_text.clone()),
        stream_name: Some(stream.arn.stream.text()),
        warm_throughput: Some(warm),
    })
}

pub async fn update_max_record_size(
    core: &Core,
    caller: &Caller,
    input: UpdateMaxRecordSizeInput,
) -> Answer<UpdateMaxRecordSizeOutput> {
    const OPERATION: &str = "UpdateMaxRecordSize";
    core.admit_call(caller, OPERATION, 5, stream_named(None, input.stream_arn.as_ref()))?;
    let stream = core.resolve(caller, OPERATION, None, input.stream_arn.as_ref())?;
    let kib = u32::try_from(input.max_record_size_in_kib)
        .map_err(|_| KinesisError::invalid_argument("MaxRecordSizeInKiB must be positive."))?;
    let _change = stream.change.lock().await;
    let snapshot = core.active(&stream)?;
    change::begin(core, &stream, snapshot.row.clone(), Change::RecordSize { kib }).await?;
    Ok(UpdateMaxRecordSizeOutput {})
}

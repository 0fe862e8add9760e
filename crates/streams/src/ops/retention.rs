//! IncreaseStreamRetentionPeriod and DecreaseStreamRetentionPeriod.

use api::kinesis::{
    DecreaseStreamRetentionPeriodInput, DecreaseStreamRetentionPeriodOutput, IncreaseStreamRetentionPeriodInput,
    IncreaseStreamRetentionPeriodOutput, KinesisError,
};
use base::ByteString;
use base::arn::StreamArn;
use base::caller::Caller;
use base::limits::{RETENTION_HOURS_DEFAULT, RETENTION_HOURS_MAX};
use store::catalog::Transaction;

use super::stream_named;
use crate::core::{Core, log_options};
use crate::error::Answer;

#[derive(Clone, Copy)]
enum Direction {
    Increase,
    Decrease,
}

pub async fn increase(
    core: &Core,
    caller: &Caller,
    input: IncreaseStreamRetentionPeriodInput,
) -> Answer<IncreaseStreamRetentionPeriodOutput> {
    let names = (input.stream_name.as_ref(), input.stream_arn.as_ref());
    change(core, caller, Direction::Increase, names, input.retention_period_hours).await?;
    Ok(IncreaseStreamRetentionPeriodOutput {})
}

pub async fn decrease(
    core: &Core,
    caller: &Caller,
    input: DecreaseStreamRetentionPeriodInput,
) -> Answer<DecreaseStreamRetentionPeriodOutput> {
    let names = (input.stream_name.as_ref(), input.stream_arn.as_ref());
    change(core, caller, Direction::Decrease, names, input.retention_period_hours).await?;
    Ok(DecreaseStreamRetentionPeriodOutput {})
}

async fn change(
    core: &Core,
    caller: &Caller,
    direction: Direction,
    (name, arn): (Option<&ByteString>, Option<&ByteString>),
    hours: i32,
) -> Answer<()> {
    let operation = match direction {
        Direction::Increase => "IncreaseStreamRetentionPeriod",
        Direction::Decrease => "DecreaseStreamRetentionPeriod",
    };
    core.admit_call(caller, operation, 5, stream_named(name, arn))?;
    let stream = core.resolve(caller, operation, name, arn)?;
    let _change = stream.change.lock().await;
    let snapshot = core.active(&stream)?;
    let current = snapshot.row.retention_hours;
    let hours = check(&stream.arn, direction, current, hours)?;
    if hours == current {
        return Ok(());
    }
    let mut row = snapshot.row.clone();
    row.retention_hours = hours;
    // What has been trimmed up to now stays trimmed.
    row.trimmed_before = snapshot.horizon(core.now());
    core.commit(&stream, snapshot.with_row(row), Transaction::new()).await?;
    let snapshot = stream.snapshot();
    for shard in &snapshot.shards {
        core.log.open(shard.row.log, log_options(&snapshot.row, !shard.is_open()));
    }
    Ok(())
}

fn check(arn: &StreamArn, direction: Direction, current: u32, requested: i32) -> Answer<u32> {
    let invalid = |text| Err(KinesisError::invalid_argument(text));
    let hours = u32::try_from(requested).unwrap_or(0);
    if hours < RETENTION_HOURS_DEFAULT {
        return invalid(format!(
            "Minimum allowed retention period is {RETENTION_HOURS_DEFAULT} hours. Requested retention period \
             ({requested} hours) is too short."
        ));
    }
    if hours > RETENTION_HOURS_MAX {
        return invalid(format!(
            "Maximum allowed retention period is {RETENTION_HOURS_MAX} hours. Requested retention period ({requested} \
             hours) is too long."
        ));
    }
    match direction {
        Direction::Increase if hours < current => invalid(format!(
            "Requested retention period ({hours} hours) for stream {} can not be shorter than existing retention period \
             ({current} hours). Use DecreaseRetentionPeriod API.",
            arn.stream
        )),
        Direction::Decrease if hours > current => invalid(format!(
            "Requested retention period ({hours} hours) for stream {} can not be longer than existing retention period \
             ({current} hours). Use IncreaseRetentionPeriod API.",
            arn.stream
        )),
        Direction::Increase | Direction::Decrease => Ok(hours),
    }
}

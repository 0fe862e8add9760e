//! EnableEnhancedMonitoring and DisableEnhancedMonitoring.

use api::kinesis::{
    DisableEnhancedMonitoringInput, DisableEnhancedMonitoringOutput, EnableEnhancedMonitoringInput,
    EnableEnhancedMonitoringOutput,
};
use base::ByteString;
use base::caller::Caller;
use std::sync::Arc;
use store::catalog::Transaction;

use super::stream_named;
use crate::core::Core;
use crate::error::Answer;
use crate::monitoring::{names, set};
use crate::stream::Stream;

/// Sets before and after a change.
struct Changed {
    stream: Arc<Stream>,
    before: u8,
    after: u8,
}

async fn change(
    core: &Core,
    caller: &Caller,
    operation: &'static str,
    (name, arn): (Option<&ByteString>, Option<&ByteString>),
    change: impl FnOnce(u8) -> u8,
) -> Answer<Changed> {
    core.admit_call(caller, operation, 5, stream_named(name, arn))?;
    let stream = core.resolve(caller, operation, name, arn)?;
    let guard = stream.change.lock().await;
    let snapshot = core.active(&stream)?;
    let mut row = snapshot.row.clone();
    let before = row.monitored;
    row.monitored = change(before);
    let after = row.monitored;
    core.commit(&stream, snapshot.with_row(row), Transaction::new()).await?;
    drop(guard);
    Ok(Changed { stream, before, after })
}

pub async fn enable(
    core: &Core,
    caller: &Caller,
    input: EnableEnhancedMonitoringInput,
) -> Answer<EnableEnhancedMonitoringOutput> {
    let names_given = (input.stream_name.as_ref(), input.stream_arn.as_ref());
    let wanted = set(&input.shard_level_metrics);
    let changed = change(core, caller, "EnableEnhancedMonitoring", names_given, |monitored| monitored | wanted).await?;
    Ok(EnableEnhancedMonitoringOutput {
        stream_name: Some(changed.stream.arn.stream.text()),
        current_shard_level_metrics: Some(names(changed.before)),
        desired_shard_level_metrics: Some(names(changed.after)),
        stream_arn: Some(changed.stream.arn_text.clone()),
    })
}

pub async fn disable(
    core: &Core,
    caller: &Caller,
    input: DisableEnhancedMonitoringInput,
) -> Answer<DisableEnhancedMonitoringOutput> {
    let names_given = (input.stream_name.as_ref(), input.stream_arn.as_ref());
    let unwanted = set(&input.shard_level_metrics);
    let changed =
        change(core, caller, "DisableEnhancedMonitoring", names_given, |monitored| monitored & !unwanted).await?;
    Ok(DisableEnhancedMonitoringOutput {
        stream_name: Some(changed.stream.arn.stream.text()),
        current_shard_level_metrics: Some(names(changed.before)),
        desired_shard_level_metrics: Some(names(changed.after)),
        stream_arn: Some(changed.stream.arn_text.clone()),
    })
}

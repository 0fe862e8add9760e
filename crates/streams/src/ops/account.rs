//! DescribeAccountSettings and UpdateAccountSettings.

use std::time::Duration;

use api::kinesis::{
    DescribeAccountSettingsInput, DescribeAccountSettingsOutput, MinimumThroughputBillingCommitmentInputStatus,
    MinimumThroughputBillingCommitmentOutput, MinimumThroughputBillingCommitmentOutputStatus,
    UpdateAccountSettingsInput, UpdateAccountSettingsOutput,
};
use base::caller::Caller;
use base::time::Timestamp;
use store::catalog::Transaction;

use crate::core::Core;
use crate::error::{self, Answer};
use crate::rows::{AccountRow, keys};

/// Calls per second of either operation.
const CALLS: usize = 5;
/// A commitment cannot be given up earlier.
const COMMITMENT: Duration = Duration::from_secs(24 * 3600);

async fn read(core: &Core, caller: &Caller) -> Answer<Option<AccountRow>> {
    let row = core.catalog.get(&keys::account(caller)).await.map_err(error::catalog)?;
    row.map(|row| AccountRow::decode(&row.value)).transpose().map_err(error::row)
}

/// Whether the account has committed itself at present, which raises some of its limits.
pub async fn has_commitment(core: &Core, caller: &Caller) -> Answer<bool> {
    let (row, now) = (read(core, caller).await?, core.now());
    Ok(row.is_some_and(|row| is_running(&row, now)))
}

fn is_running(row: &AccountRow, now: Timestamp) -> bool {
    row.ended_at.is_none_or(|ended| ended > now)
}

fn shape(row: Option<AccountRow>, now: Timestamp) -> MinimumThroughputBillingCommitmentOutput {
    use MinimumThroughputBillingCommitmentOutputStatus as Status;
    let status = match row {
        None => Status::Disabled,
        Some(row) => match row.ended_at {
            None => Status::Enabled,
            Some(ended) if ended > now => Status::EnabledUntilEarliestAllowedEnd,
            Some(_) => Status::Disabled,
        },
    };
    MinimumThroughputBillingCommitmentOutput {
        status,
        started_at: row.map(|row| row.started_at),
        ended_at: row.and_then(|row| row.ended_at).filter(|ended| *ended <= now),
        earliest_allowed_end_at: row.map(|row| row.earliest_end_at),
    }
}

pub async fn describe(
    core: &Core,
    caller: &Caller,
    _: DescribeAccountSettingsInput,
) -> Answer<DescribeAccountSettingsOutput> {
    core.admit_call(caller, "DescribeAccountSettings", CALLS, None)?;
    let row = read(core, caller).await?;
    Ok(DescribeAccountSettingsOutput { minimum_throughput_billing_commitment: Some(shape(row, core.now())) })
}

pub async fn update(
    core: &Core,
    caller: &Caller,
    input: UpdateAccountSettingsInput,
) -> Answer<UpdateAccountSettingsOutput> {
    use MinimumThroughputBillingCommitmentInputStatus as Wanted;
    core.admit_call(caller, "UpdateAccountSettings", CALLS, None)?;
    let now = core.now();
    let before = read(core, caller).await?;
    let is_running = before.is_some_and(|row| is_running(&row, now));
    let after = match (input.minimum_throughput_billing_commitment.status, before) {
        (Wanted::Enabled, Some(row)) if is_running => Some(AccountRow { ended_at: None, ..row }),
        (Wanted::Enabled, _) => {
            Some(AccountRow { started_at: now, earliest_end_at: now.plus(COMMITMENT), ended_at: None })
        }
        (Wanted::Disabled | Wanted::Unknown(_), Some(row)) if is_running => {
            Some(AccountRow { ended_at: Some(row.ended_at.unwrap_or(now.max(row.earliest_end_at))), ..row })
        }
        (Wanted::Disabled | Wanted::Unknown(_), row) => row,
    };
    if let Some(row) = after.filter(|_| after != before) {
        let transaction = Transaction::new().put(keys::account(caller), row.encode());
        core.catalog.commit(transaction).await.map_err(error::catalog)?;
    }
    Ok(UpdateAccountSettingsOutput { minimum_throughput_billing_commitment: Some(shape(after, now)) })
}

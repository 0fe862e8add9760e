//! What an account uses in a region, against its limits.

use api::kinesis::KinesisError;
use base::caller::Caller;

use super::lifecycle::WARM_MIBPS_MAX;
use crate::core::Core;
use crate::error::{self, Answer};
use crate::transition::Mode;

pub fn open_shards(core: &Core, caller: &Caller) -> usize {
    core.registry.of(&caller.account, &caller.region).iter().map(|stream| stream.snapshot().open.len()).sum()
}

pub fn on_demand_streams(core: &Core, caller: &Caller) -> usize {
    let own = core.registry.of(&caller.account, &caller.region);
    own.iter().filter(|stream| stream.snapshot().row.mode == Mode::OnDemand).count()
}

/// Whether the account may open so many more shards.
pub fn check_shard_limit(core: &Core, caller: &Caller, more: u32) -> Answer<()> {
    let (current, limit) = (open_shards(core, caller), core.settings.shard_limit_per_account);
    if current + more as usize > limit as usize {
        return Err(error::shard_limit(caller, current, limit, more));
    }
    Ok(())
}

pub fn check_on_demand_limit(core: &Core, caller: &Caller) -> Answer<()> {
    let limit = core.settings.on_demand_stream_limit;
    if on_demand_streams(core, caller) >= limit as usize {
        return Err(KinesisError::limit_exceeded(format!(
            "This request would exceed the limit of {limit} on-demand streams for the account {} in {}.",
            caller.account, caller.region
        )));
    }
    Ok(())
}

/// A warm throughput within its limit, in MiB/s.
pub fn check_warm(mibps: Option<i32>) -> Answer<Option<u32>> {
    let Some(mibps) = mibps else { return Ok(None) };
    match u32::try_from(mibps) {
        Ok(warm) if mibps <= WARM_MIBPS_MAX => Ok(Some(warm)),
        Ok(_) | Err(_) => Err(KinesisError::invalid_argument(format!(
            "WarmThroughputMiBps must be between 0 and {WARM_MIBPS_MAX}. Requested value: {mibps}"
        ))),
    }
}

//! The processors that everything here shares.

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

const COUNT: usize = 2;

/// Keeps this process, and what it will start, on the first two processors that it may use; which they are.
pub(super) fn pin() -> Result<Vec<usize>, String> {
    let allowed = sched_getaffinity(None).map_err(|error| format!("the processors cannot be read: {error}"))?;
    let chosen: Vec<usize> = (0..CpuSet::MAX_CPU).filter(|cpu| allowed.is_set(*cpu)).take(COUNT).collect();
    let mut set = CpuSet::new();
    chosen.iter().for_each(|cpu| set.set(*cpu));
    sched_setaffinity(None, &set).map_err(|error| format!("the processors cannot be chosen: {error}"))?;
    Ok(chosen)
}

//! What the kernel says about a process: CPU time, run-queue delay, memory.

use std::fs;
use std::time::Duration;

/// Time that all living threads of a process had.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct CpuTime {
    /// On a processor, user and system together.
    pub used: Duration,
    /// Ready to run and waiting for a processor.
    pub waited: Duration,
}

impl CpuTime {
    /// From the scheduler's own accounts, in nanoseconds; clock ticks would be too coarse. A thread that ends
    /// between two readings takes its account along, so servers under measurement should keep theirs.
    pub(crate) fn of(pid: u32) -> Self {
        let mut sum = Self::default();
        let tasks = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
        for task in tasks {
            let text = fs::read_to_string(task.path().join("schedstat")).unwrap_or_default();
            let mut numbers = text.split_whitespace().map(|number| number.parse().unwrap_or(0));
            sum.used += Duration::from_nanos(numbers.next().unwrap_or(0));
            sum.waited += Duration::from_nanos(numbers.next().unwrap_or(0));
        }
        sum
    }

    pub(crate) fn since(self, earlier: Self) -> Self {
        Self { used: self.used.saturating_sub(earlier.used), waited: self.waited.saturating_sub(earlier.waited) }
    }
}

/// Resident memory in KiB.
pub(crate) fn resident_kib(pid: u32) -> u64 {
    let text = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.split_whitespace().next()).and_then(|number| number.parse().ok()).unwrap_or(0)
}

//! Numbers for operators.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::sync::lock;

#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub commits: AtomicU64,
    pub frame_bytes: AtomicU64,
    pub records: AtomicU64,
    pub in_flight: AtomicU64,
    pub tail_bytes: AtomicU64,
    pub segments: AtomicU64,
    pub segment_bytes: AtomicU64,
    pub segments_dropped: AtomicU64,
    pub seal_failures: AtomicU64,
    /// Kernel ids of the commit threads.
    pub commit_threads: Mutex<Vec<i32>>,
}

impl Counters {
    pub(crate) fn add(counter: &AtomicU64, by: u64) {
        counter.fetch_add(by, Ordering::Relaxed);
    }

    pub(crate) fn subtract(counter: &AtomicU64, by: u64) {
        counter.fetch_sub(by, Ordering::Relaxed);
    }

    pub(crate) fn set(counter: &AtomicU64, to: u64) {
        counter.store(to, Ordering::Relaxed);
    }

    /// Names and values, in a stable order.
    pub(crate) fn list(&self) -> Vec<(&'static str, u64)> {
        let value = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        vec![
            ("commits", value(&self.commits)),
            ("frame_bytes", value(&self.frame_bytes)),
            ("records", value(&self.records)),
            ("commits_in_flight", value(&self.in_flight)),
            ("commit_run_queue_delay_nanoseconds", self.run_queue_delay_nanoseconds()),
            ("tail_bytes", value(&self.tail_bytes)),
            ("segments", value(&self.segments)),
            ("segment_bytes", value(&self.segment_bytes)),
            ("segments_dropped", value(&self.segments_dropped)),
            ("seal_failures", value(&self.seal_failures)),
        ]
    }

    /// How long the commit threads were ready to run but had no processor; 0 where the kernel does not tell.
    fn run_queue_delay_nanoseconds(&self) -> u64 {
        let threads = lock(&self.commit_threads).clone();
        threads.into_iter().filter_map(run_queue_delay_nanoseconds).sum()
    }
}

fn run_queue_delay_nanoseconds(thread: i32) -> Option<u64> {
    let text = std::fs::read_to_string(format!("/proc/self/task/{thread}/schedstat")).ok()?;
    text.split_whitespace().nth(1)?.parse().ok()
}

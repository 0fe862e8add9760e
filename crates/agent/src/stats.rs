//! What the agent has done so far.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

/// Counts since the start, of all flows.
#[derive(Debug, Default)]
pub struct Stats {
    pub parsed: AtomicU64,
    pub parsed_bytes: AtomicU64,
    /// Records that are of none of the formats that the options want.
    pub skipped: AtomicU64,
    /// Records joined into a larger one: that one counts as sent.
    pub joined: AtomicU64,
    pub sent: AtomicU64,
    pub retries: AtomicU64,
}

impl fmt::Display for Stats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let of = |count: &AtomicU64| count.load(Ordering::Relaxed);
        write!(f, "{} records parsed ({} bytes), {} sent", of(&self.parsed), of(&self.parsed_bytes), of(&self.sent))?;
        for (count, what) in
            [(&self.skipped, "skipped by the options"), (&self.joined, "joined to others"), (&self.retries, "retries")]
        {
            if of(count) > 0 {
                write!(f, ", {} {what}", of(count))?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_happened_is_told() {
        let stats = Stats::default();
        stats.parsed.store(3, Ordering::Relaxed);
        stats.parsed_bytes.store(30, Ordering::Relaxed);
        stats.sent.store(2, Ordering::Relaxed);
        assert_eq!(stats.to_string(), "3 records parsed (30 bytes), 2 sent");
        stats.skipped.store(1, Ordering::Relaxed);
        assert_eq!(stats.to_string(), "3 records parsed (30 bytes), 2 sent, 1 skipped by the options");
    }
}

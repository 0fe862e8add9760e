//! Writes failures of the server to the log of the process, each kind at most once a second: a full disk refuses
//! thousands of requests in that time, and nobody reads the same line a thousand times.

use std::sync::Mutex;
use std::time::Duration;

use tokio::time::Instant;

use crate::shard::lock;

const INTERVAL: Duration = Duration::from_secs(1);

/// A kind of failure.
#[derive(Debug)]
pub struct FailureKind {
    what: &'static str,
    pace: Mutex<Pace>,
}

impl FailureKind {
    #[must_use]
    pub const fn new(what: &'static str) -> Self {
        Self { what, pace: Mutex::new(Pace { last: None, suppressed: 0 }) }
    }

    /// Logs the failure, or counts it into the next line of its kind.
    pub fn log(&self, reason: &str) {
        let pass = lock(&self.pace).pass(Instant::now());
        if let Some(suppressed) = pass {
            tracing::error!(reason, suppressed, "{}", self.what);
        }
    }
}

/// Lets one event pass per interval.
#[derive(Debug, Default)]
struct Pace {
    last: Option<Instant>,
    /// Events held back since the last one that passed.
    suppressed: u64,
}

impl Pace {
    /// Whether an event passes: if so, with how many before it did not.
    fn pass(&mut self, now: Instant) -> Option<u64> {
        if self.last.is_some_and(|last| now.saturating_duration_since(last) < INTERVAL) {
            self.suppressed += 1;
            return None;
        }
        self.last = Some(now);
        Some(std::mem::take(&mut self.suppressed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_event_a_second_says_how_many_there_were() {
        let start = Instant::now();
        let after = |millis| start + Duration::from_millis(millis);
        let mut pace = Pace::default();
        assert_eq!(pace.pass(start), Some(0));
        assert_eq!(pace.pass(start), None);
        assert_eq!(pace.pass(after(999)), None);
        assert_eq!(pace.pass(after(1000)), Some(2));
        assert_eq!(pace.pass(after(1999)), None);
        assert_eq!(pace.pass(after(60_000)), Some(1));
    }
}

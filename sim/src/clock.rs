//! The wall clock of the simulated machine: it runs with simulated time, and can be set.

use std::sync::atomic::{AtomicI64, Ordering};

use base::time::{Clock, Timestamp};
use tokio::time::Instant;

/// Where every simulation begins.
const START: Timestamp = Timestamp::from_millis(1_700_000_000_250);

#[derive(Debug)]
pub struct SimClock {
    began: Instant,
    offset_millis: AtomicI64,
    /// The latest time that it has ever shown.
    latest_millis: AtomicI64,
}

impl SimClock {
    #[must_use]
    pub fn begin() -> Self {
        Self { began: Instant::now(), offset_millis: AtomicI64::new(0), latest_millis: AtomicI64::new(START.millis()) }
    }

    /// Sets the clock forward, or back.
    pub fn step(&self, by_millis: i64) {
        self.now();
        self.offset_millis.fetch_add(by_millis, Ordering::Relaxed);
    }

    /// The latest time that it has ever shown.
    #[must_use]
    pub fn latest(&self) -> Timestamp {
        self.now();
        Timestamp::from_millis(self.latest_millis.load(Ordering::Relaxed))
    }
}

impl Clock for SimClock {
    fn now(&self) -> Timestamp {
        let now = START.plus(self.began.elapsed()).millis() + self.offset_millis.load(Ordering::Relaxed);
        self.latest_millis.fetch_max(now, Ordering::Relaxed);
        Timestamp::from_millis(now)
    }
}

//! Runs the log's work as tasks of the one thread, with seeded delays.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use base::BoxFuture;
use store_local::seam::{Job, Schedule};
use tokio::time::sleep;

use crate::random::Random;

/// Every job takes a while to begin; every piece of background work lets others go first.
pub struct SimSchedule {
    random: Mutex<Random>,
    millis_max: u64,
}

impl SimSchedule {
    #[must_use]
    pub fn new(random: Random, millis_max: u64) -> Arc<Self> {
        Arc::new(Self { random: Mutex::new(random), millis_max })
    }

    fn draw(&self) -> Duration {
        self.random.lock().unwrap_or_else(PoisonError::into_inner).millis(0..=self.millis_max)
    }
}

impl Schedule for SimSchedule {
    fn run(&self, job: Job) {
        let delay = self.draw();
        tokio::spawn(async move {
            sleep(delay).await;
            job();
        });
    }

    fn opening_threads(&self) -> usize {
        1
    }

    fn pause(&self) -> BoxFuture<'_, ()> {
        Box::pin(sleep(self.draw()))
    }
}

//! Clients that do nothing wrong: each puts records, one request after the other, and notes how long it waits.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::task::JoinHandle;

use crate::client::Client;
use crate::load::{Recorder, record_of};
use crate::server::Server;

const COUNT: usize = 4;
const RECORDS: u64 = 10;
const RECORD_BYTES: usize = 100;
const PAUSE: Duration = Duration::from_millis(5);
const FAILURES_MAX: usize = 100;

/// Times from request to answer.
#[derive(Debug, Clone, Default)]
pub(super) struct Latencies(Vec<Duration>);

impl Latencies {
    pub(super) fn add(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    pub(super) fn p99(&self) -> Duration {
        let mut sorted = self.0.clone();
        sorted.sort_unstable();
        sorted.get(sorted.len() * 99 / 100).copied().unwrap_or_default()
    }
}

#[derive(Debug, Default)]
struct Shared {
    latencies: Mutex<Latencies>,
    failures: Mutex<Vec<String>>,
    stopped: AtomicBool,
}

pub(super) struct Neighbours {
    shared: Arc<Shared>,
    tasks: Vec<JoinHandle<()>>,
}

impl Neighbours {
    pub(super) fn start(server: &Server, recorder: &Recorder) -> Self {
        let shared = Arc::new(Shared::default());
        let tasks = (0..COUNT).map(|_| {
            let (shared, recorder, client) = (Arc::clone(&shared), recorder.clone(), Client::connect(server));
            tokio::spawn(async move { shared.put(&client, &recorder).await })
        });
        Self { tasks: tasks.collect(), shared }
    }

    /// The latencies since this was asked the last time.
    pub(super) fn take(&self) -> Latencies {
        std::mem::take(&mut *self.shared.latencies.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The errors that were answered.
    pub(super) async fn stop(self) -> Vec<String> {
        self.shared.stopped.store(true, Ordering::Relaxed);
        for task in self.tasks {
            task.await.expect("a neighbour does not panic");
        }
        std::mem::take(&mut *self.shared.failures.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Shared {
    async fn put(&self, client: &Client, recorder: &Recorder) {
        while !self.stopped.load(Ordering::Relaxed) {
            let first = recorder.numbers(RECORDS);
            let records = (first..first + RECORDS).map(|number| record_of(number, RECORD_BYTES)).collect();
            let started = Instant::now();
            let outcome = recorder.put(client, records).await;
            let took = started.elapsed();
            self.latencies.lock().unwrap_or_else(PoisonError::into_inner).0.push(took);
            if let Err(error) = outcome {
                let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
                if failures.len() < FAILURES_MAX {
                    failures.push(format!("{error} after {took:?}"));
                }
            }
            tokio::time::sleep(PAUSE).await;
        }
    }
}

//! Background jobs: one task runs them one after the other, every second or when woken, and shows their state.

mod expiry;
mod tokens;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use api::dynamodb::DynamoDBError;
use base::BoxFuture;
use base::time::Timestamp;

use crate::core::Core;

/// Longest time between two rounds.
const INTERVAL: Duration = Duration::from_secs(1);

/// Work that nobody waits for.
trait Job: Send + Sync {
    fn name(&self) -> &'static str;

    /// Does what is due; answers how many things were done.
    fn run<'a>(&'a self, core: &'a Core) -> BoxFuture<'a, Result<usize, DynamoDBError>>;
}

/// What an operator sees of a job.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct JobStatus {
    pub name: &'static str,
    pub last_run: Option<Timestamp>,
    /// Things done since the start of the process.
    pub done: u64,
    pub failures: u64,
    pub last_error: Option<String>,
}

/// The state of all jobs.
#[derive(Debug, Default)]
pub struct Jobs {
    statuses: Mutex<Vec<JobStatus>>,
    /// Rounds do not overlap.
    round: tokio::sync::Mutex<()>,
    expiry: expiry::Place,
}

impl Jobs {
    fn lock(&self) -> MutexGuard<'_, Vec<JobStatus>> {
        self.statuses.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[must_use]
    pub fn statuses(&self) -> Vec<JobStatus> {
        self.lock().clone()
    }

    fn note(&self, name: &'static str, now: Timestamp, result: Result<usize, DynamoDBError>) {
        let mut statuses = self.lock();
        let at = statuses.iter().position(|status| status.name == name).unwrap_or_else(|| {
            statuses.push(JobStatus { name, ..JobStatus::default() });
            statuses.len() - 1
        });
        let status = &mut statuses[at];
        status.last_run = Some(now);
        match result {
            Ok(done) => status.done += done as u64,
            Err(error) => {
                tracing::warn!(job = name, %error, "a background job failed and will be tried again");
                status.failures += 1;
                status.last_error = Some(error.to_string());
            }
        }
    }
}

/// Runs every job once.
pub async fn round(core: &Core) {
    let _round = core.jobs.round.lock().await;
    let jobs: [&dyn Job; 2] = [&expiry::Expiry, &tokens::Tokens];
    for job in jobs {
        let result = job.run(core).await;
        core.jobs.note(job.name(), core.now(), result);
    }
}

/// Runs rounds until the service is dropped.
pub async fn run(core: Weak<Core>) {
    loop {
        let Some(core) = core.upgrade() else { return };
        round(&core).await;
        let work = Arc::clone(&core.work);
        // The service must not be kept alive by its own pauses.
        drop(core);
        let _ = tokio::time::timeout(INTERVAL, work.notified()).await;
    }
}

//! Background jobs: one task runs them one after the other, every second or when woken, and shows their state.

mod ageing;
mod alarms;
mod commit;
mod own;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use base::BoxFuture;
use base::time::Timestamp;

use crate::core::Core;
use crate::storage::StorageError;

/// Longest time between two rounds.
const INTERVAL: Duration = Duration::from_secs(1);

/// Work that nobody waits for.
trait Job: Send + Sync {
    fn name(&self) -> &'static str;

    /// Answers whether there is anything to do at `now`, when the job began last at `last`.
    fn is_due(&self, last: Option<Timestamp>, now: Timestamp) -> bool;

    /// Does what is due; answers how many things were done.
    fn run<'a>(&'a self, core: &'a Arc<Core>, now: Timestamp) -> BoxFuture<'a, Result<usize, StorageError>>;
}

const JOBS: [&dyn Job; 4] = [&own::Own, &alarms::Alarms, &commit::Commit, &ageing::Ageing];

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
}

impl Jobs {
    #[must_use]
    pub fn statuses(&self) -> Vec<JobStatus> {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<JobStatus>> {
        self.statuses.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn last_run(&self, name: &str) -> Option<Timestamp> {
        self.lock().iter().find(|status| status.name == name)?.last_run
    }

    fn note(&self, name: &'static str, now: Timestamp, result: Result<usize, StorageError>) {
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

/// Runs every job that is due.
pub async fn round(core: &Arc<Core>) {
    let _round = core.jobs.round.lock().await;
    for job in JOBS {
        let now = core.now();
        if job.is_due(core.jobs.last_run(job.name()), now) {
            let result = job.run(core, now).await;
            core.jobs.note(job.name(), now, result);
        }
    }
}

/// Runs rounds until the service is dropped.
pub async fn run(core: Weak<Core>) {
    loop {
        let Some(core) = core.upgrade() else { return };
        round(&core).await;
        // The service must not be kept alive by its own pauses.
        drop(core);
        tokio::time::sleep(INTERVAL).await;
    }
}

/// Whether another minute has begun since `last`. A clock that was set back begins anew.
fn is_another_minute(last: Option<Timestamp>, now: Timestamp) -> bool {
    last.is_none_or(|last| last.seconds().div_euclid(60) != now.seconds().div_euclid(60))
}

/// Whether `interval` has passed since `last`, or the clock was set back.
fn is_over(last: Option<Timestamp>, now: Timestamp, interval: Duration) -> bool {
    last.is_none_or(|last| now < last || now.since(last) >= interval)
}

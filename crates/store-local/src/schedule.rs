//! Port: where work of the log runs that is not done by its own threads.

use base::BoxFuture;
use tokio::sync::oneshot;

/// Work that may block.
pub type Job = Box<dyn FnOnce() + Send>;

/// Runs work, and says how much of it goes side by side.
pub trait Schedule: Send + Sync {
    /// Runs a job where it holds nobody up.
    fn run(&self, job: Job);

    /// Threads that read a data directory when it is opened, the caller's among them; at least one.
    fn opening_threads(&self) -> usize;

    /// Between two pieces of background work.
    fn pause(&self) -> BoxFuture<'_, ()>;
}

/// The job has panicked, or was given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Abandoned;

/// Runs work on a schedule and waits for what it gives.
pub(crate) async fn run<T: Send + 'static>(
    schedule: &dyn Schedule,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Abandoned> {
    let (done, result) = oneshot::channel();
    schedule.run(Box::new(move || {
        // Whoever asked may have gone away.
        let _ = done.send(work());
    }));
    result.await.map_err(|_| Abandoned)
}

/// The threads of the operating system.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OsSchedule;

impl Schedule for OsSchedule {
    fn run(&self, job: Job) {
        drop(tokio::task::spawn_blocking(job));
    }

    fn opening_threads(&self) -> usize {
        2
    }

    fn pause(&self) -> BoxFuture<'_, ()> {
        Box::pin(std::future::ready(()))
    }
}

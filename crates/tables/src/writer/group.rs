//! Carries a group of jobs out with one transaction, or, when that fails, each on its own.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use store::catalog::CatalogError;
use tokio::time::Instant;

use super::plan::Plan;
use super::{ATTEMPTS_MAX, Job, JobAnswer, Outcome, WriteError, Writer};

/// A failing catalog is logged this often: it fails for every request, and nobody reads the same line a thousand times.
const FAILURE_INTERVAL: Duration = Duration::from_secs(1);

type Answers = Vec<Result<Vec<Outcome>, WriteError>>;

impl Writer {
    /// Carries jobs out in their order, each seeing what those before it have done.
    pub(super) async fn write(&mut self, group: Vec<(Job, JobAnswer)>) {
        let jobs: Vec<&Job> = group.iter().map(|(job, _)| job).collect();
        let answers = match self.attempt(&jobs).await {
            Ok(answers) => answers,
            // Whether it was written is not known, so that none may be tried again.
            Err(error @ CatalogError::Failed(_)) => {
                let error = self.failed(&jobs, error).await;
                jobs.iter().map(|_| Err(WriteError::Catalog(error.clone()))).collect()
            }
            // One of them may be what the catalog has no room for: let each stand for itself.
            Err(_) if jobs.len() > 1 => {
                let mut answers = Vec::with_capacity(jobs.len());
                for job in jobs {
                    answers.push(self.alone(job).await);
                }
                answers
            }
            Err(error) => vec![self.again(jobs[0], error).await],
        };
        for ((_, answer), result) in group.into_iter().zip(answers) {
            // A caller that has gone away does not need its answer.
            let _ = answer.send(result);
        }
    }

    async fn alone(&mut self, job: &Job) -> Result<Vec<Outcome>, WriteError> {
        match self.attempt(&[job]).await {
            Ok(mut answers) => answers.swap_remove(0),
            Err(error) => self.again(job, error).await,
        }
    }

    /// Tries a job again as long as it is another writer that is in its way.
    async fn again(&mut self, job: &Job, mut error: CatalogError) -> Result<Vec<Outcome>, WriteError> {
        for _ in 1..ATTEMPTS_MAX {
            if !matches!(error, CatalogError::Conflict { .. }) {
                break;
            }
            self.refresh(job).await.map_err(WriteError::Catalog)?;
            match self.attempt(&[job]).await {
                Ok(mut answers) => return answers.swap_remove(0),
                Err(next) => error = next,
            }
        }
        Err(WriteError::Catalog(self.failed(&[job], error).await))
    }

    /// Notes the error, and makes memory say again what is stored: of what has failed, nobody knows.
    async fn failed(&mut self, jobs: &[&Job], error: CatalogError) -> CatalogError {
        for job in jobs {
            // What cannot be read either stays as it was, and conflicts when it is written next.
            let _ = self.refresh(job).await;
        }
        self.note(&error);
        error
    }

    /// Works jobs out, commits what they change and applies it. An error means that nothing was committed, or that
    /// nobody knows.
    async fn attempt(&self, jobs: &[&Job]) -> Result<Answers, CatalogError> {
        let mut plan = Plan::new(&self.shared);
        let answers = jobs.iter().map(|job| add(&mut plan, job)).collect();
        if plan.is_empty() {
            return Ok(answers);
        }
        let version = self.shared.catalog.commit(plan.transaction()).await?;
        let (changed, tokens) = plan.into_parts();
        self.apply(changed, tokens, version);
        Ok(answers)
    }

    fn note(&mut self, error: &CatalogError) {
        let now = Instant::now();
        if self.last_failure.is_none_or(|last| now.saturating_duration_since(last) >= FAILURE_INTERVAL) {
            self.last_failure = Some(now);
            tracing::error!(%error, "items cannot be written");
        }
    }
}

/// A job that makes us panic takes no other with it: nothing of it has been added then.
fn add(plan: &mut Plan<'_>, job: &Job) -> Result<Vec<Outcome>, WriteError> {
    catch_unwind(AssertUnwindSafe(|| plan.add(job))).unwrap_or(Err(WriteError::Panicked))
}

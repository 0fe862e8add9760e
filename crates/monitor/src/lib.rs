//! The CloudWatch subset that stream clients and their operators need: metrics and alarms, on a catalog that is handed
//! in.
//!
//! Points are taken into memory and committed every few seconds: a process that is killed loses the last seconds of
//! its metrics, never anything else. Knows no HTTP; what it has to tell others goes through [`Webhook`] and [`api::kinesis::Kinesis`].

mod core;
mod service;
mod settings;

mod ops;

mod delivery;
mod index;
mod pending;
mod storage;
mod worker;

mod alarm;
mod date_text;
mod distribution;
mod expression;
mod metric;
mod point;
mod query;
mod resolution;
mod series;
mod stat;
mod unit;
mod window;

mod error;
mod ports;
mod rows;

use std::sync::Arc;

use api::kinesis::Kinesis;
use base::time::Clock;
use store::catalog::SharedCatalog;

use crate::core::Core;
pub use crate::metric::{MetricName, Scope};
pub use crate::ports::{OwnMetrics, Sample, Webhook};
pub use crate::settings::{Limits, MonitorSettings};
pub use crate::storage::StorageError;
pub use crate::worker::JobStatus;

/// What the service is made of.
pub struct MonitorBuilder {
    pub catalog: SharedCatalog,
    pub clock: Arc<dyn Clock>,
    pub own: Arc<dyn OwnMetrics>,
    /// Takes the records of alarms' actions.
    pub kinesis: Arc<dyn Kinesis>,
    pub webhook: Arc<dyn Webhook>,
    pub settings: MonitorSettings,
}

/// The service. Its operations are those of [`api::cloudwatch::CloudWatch`].
pub struct Monitor {
    core: Arc<Core>,
}

impl Monitor {
    /// Loads the names of all metrics and all alarms, and starts the background jobs, which end when the service is dropped. Must be
    /// called inside a Tokio runtime.
    ///
    /// # Errors
    /// When the catalog cannot be read, or holds what cannot be understood.
    pub async fn start(builder: MonitorBuilder) -> Result<Self, StorageError> {
        let (core, promised) = Core::load(builder).await?;
        let core = Arc::new(core);
        delivery::begin(&core, promised);
        tokio::spawn(worker::run(Arc::downgrade(&core)));
        Ok(Self { core })
    }

    /// Runs the background jobs that are due, without waiting for their time: for whoever moves the clock.
    pub async fn run_jobs(&self) {
        worker::round(&self.core).await;
    }

    /// Commits everything that waits in memory: for a node that stops.
    ///
    /// # Errors
    /// When the catalog takes nothing.
    pub async fn flush(&self) -> Result<(), StorageError> {
        self.core.storage.flush().await.map(drop)
    }

    /// The state of the background jobs.
    #[must_use]
    pub fn jobs(&self) -> Vec<JobStatus> {
        self.core.jobs.statuses()
    }
}

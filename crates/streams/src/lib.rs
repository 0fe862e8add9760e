//! Kinesis Data Streams: the 39 operations, on a log and a catalog that are handed in.
//!
//! Requests read immutable snapshots of streams; whoever changes a stream commits to the catalog first and then puts a
//! new snapshot in its place. No catalog access lies on the way of a record.

mod core;
mod service;
mod settings;

mod ops;

mod change;
mod load;
mod reading;
mod registration;
mod registry;
mod resharding;
mod stream;
mod subscriptions;
mod worker;

mod date_text;
mod ids;
mod monitoring;
mod on_demand;
mod position;
mod put_batch;
mod reshard;
mod seal;
mod sequence_text;
mod shard;
mod shard_filter;
mod shard_ids;
mod shard_map;
mod tags;
mod throttle;
mod tokens;
mod transition;

mod consumer_meters;
mod error;
mod failure_log;
mod meters;
mod metrics;
mod rows;

use std::sync::Arc;

use base::time::Clock;
use store::catalog::SharedCatalog;
use store::shard_log::SharedShardLog;

pub use crate::consumer_meters::ConsumerMetersTaken;
use crate::core::Core;
pub use crate::load::StartError;
pub use crate::meters::{Calls, MetersTaken, ShardMetersTaken, Spread};
pub use crate::metrics::{ShardMetrics, StreamMeters, StreamMetrics};
pub use crate::settings::{Limits, StreamsSettings};
pub use crate::shard::TrafficCounts;
pub use crate::worker::JobStatus;

/// What the service is made of.
pub struct StreamsBuilder {
    pub catalog: SharedCatalog,
    pub log: SharedShardLog,
    pub clock: Arc<dyn Clock>,
    pub settings: StreamsSettings,
}

/// The service. Its operations are those of [`api::kinesis::Kinesis`].
pub struct Streams {
    core: Arc<Core>,
}

impl Streams {
    /// Loads all streams, completes what a restart has cut off, and starts the background jobs, which end when the
    /// service is dropped. Must be called inside a Tokio runtime.
    ///
    /// # Errors
    /// When the catalog cannot be read, or holds what does not fit together.
    pub async fn start(builder: StreamsBuilder) -> Result<Self, StartError> {
        let StreamsBuilder { catalog, log, clock, settings } = builder;
        let seal = load::seal(&catalog).await?;
        let ids = load::ids(&catalog).await?;
        let core = Arc::new(Core::new((catalog, log, clock), settings, seal, ids));
        load::streams(&core).await?;
        worker::round(&core).await;
        tokio::spawn(worker::run(Arc::downgrade(&core)));
        Ok(Self { core })
    }

    /// Runs all background jobs once, without waiting for their time: for whoever moves the clock.
    pub async fn run_jobs(&self) {
        worker::round(&self.core).await;
    }

    /// Ends all subscriptions, cleanly, and the background jobs: for a node that stops or is set up anew. Other
    /// operations still answer.
    pub fn stop(&self) {
        self.core.stopped.send_replace(true);
        self.core.work.notify_one();
    }

    /// The state of the background jobs.
    #[must_use]
    pub fn jobs(&self) -> Vec<JobStatus> {
        self.core.jobs.statuses()
    }

    /// Subscriptions to shards that are running.
    #[must_use]
    pub fn subscriptions(&self) -> usize {
        self.core.subscriptions.running()
    }

    /// What has gone in and out since the start, by stream and shard; shards without any traffic are left out.
    #[must_use]
    pub fn metrics_snapshot(&self) -> Vec<StreamMetrics> {
        metrics::snapshot(&self.core)
    }

    /// What has been noted of calls since the last time this was asked, by stream; shards only of streams with
    /// shard-level metrics. For one caller: what is taken is gone.
    #[must_use]
    pub fn take_meters(&self) -> Vec<StreamMeters> {
        metrics::take(&self.core)
    }
}

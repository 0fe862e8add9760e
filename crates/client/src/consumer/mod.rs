//! Reads a stream together with other workers: each has some of the shards, by leases in a table that KCL 3 shares.
//!
//! A worker holds the leases of its shards by counting them up in time. For each shard it runs one
//! [`RecordProcessor`], fed by polling or by enhanced fan-out with the user records of aggregated records. Children of
//! a shard begin when all of it is processed, so that records of one key keep their order through a reshard.

mod balance;
mod coordinator;
mod deaggregate;
#[cfg(test)]
mod fake;
mod fan_out;
mod holding;
mod lease;
mod metrics;
mod processor;
mod reader;
mod settings;
mod shard;
mod source;
mod sync;
mod table;
#[cfg(test)]
mod tests;
mod view;

pub use metrics::ConsumerMetrics;
pub use processor::{Batch, CheckpointError, Checkpointer, ConsumerRecord, RecordProcessor};
pub use settings::ConsumerBuilder;
pub use sync::InitialPosition;

use std::collections::HashMap;
use std::sync::Arc;

use api::dynamodb::{DynamoDB, DynamoDBError};
use api::kinesis::{Kinesis, KinesisError};
use base::ByteString;
use thiserror::Error;
use tokio::sync::{Mutex, Notify, watch};
use tokio::task::JoinSet;

use self::coordinator::Coordinator;
use self::metrics::Counters;
use self::reader::{How, Reader};
use self::table::LeaseTable;
use self::view::View;

/// A consumer could not begin.
#[derive(Debug, Error)]
pub enum StartError {
    #[error("the stream: {0}")]
    Stream(#[from] KinesisError),
    #[error("the lease table: {0}")]
    Table(#[from] DynamoDBError),
}

/// One worker of an application.
///
/// When it is dropped, it ends at once, as if its process had died: processors are not told, and its leases are taken
/// by others when they have run out. [`Consumer::stop`] hands them over.
pub struct Consumer {
    counters: Arc<Counters>,
    stop: watch::Sender<bool>,
    /// The coordinator, which owns all other tasks.
    task: Mutex<JoinSet<()>>,
}

impl Consumer {
    /// Settings with their defaults, to be changed before [`ConsumerBuilder::start`]. The application's name is that of
    /// the lease table.
    #[must_use]
    pub fn builder(
        kinesis: Arc<dyn Kinesis>,
        dynamodb: Arc<dyn DynamoDB>,
        application: impl Into<ByteString>,
        stream: impl Into<ByteString>,
    ) -> ConsumerBuilder {
        ConsumerBuilder::new(kinesis, dynamodb, application.into(), stream.into())
    }

    async fn start<P, F>(settings: ConsumerBuilder, processor: F) -> Result<Self, StartError>
    where
        P: RecordProcessor,
        F: Fn(&str) -> P + Send + Sync + 'static,
    {
        let ConsumerBuilder { kinesis, dynamodb, caller, application, stream, .. } = settings.clone();
        let table = LeaseTable { dynamodb, caller: caller.clone(), name: application };
        table.ensure().await?;
        let how = match &settings.fan_out {
            None => How::Poll { records_max: settings.records_max, idle: settings.idle },
            Some(name) => {
                let consumer_arn = fan_out::consumer_arn(&*kinesis, &caller, &stream, name).await?;
                How::FanOut { name: name.clone(), consumer_arn }
            }
        };
        let since = settings.initial.timestamp();
        let counters = Arc::<Counters>::default();
        let coordinator = Coordinator {
            reader: Reader { kinesis, caller, stream, how, since, counters: Arc::clone(&counters) },
            settings,
            table,
            counters: Arc::clone(&counters),
            processor,
            view: View::default(),
            held: HashMap::new(),
            tasks: JoinSet::new(),
            ended: Arc::new(Notify::new()),
            synced: None,
            reported: None,
        };
        let stop = watch::Sender::new(false);
        let mut task = JoinSet::new();
        task.spawn(coordinator.run(stop.subscribe()));
        Ok(Self { counters, stop, task: Mutex::new(task) })
    }

    /// Lets every processor checkpoint, gives the leases to whoever comes, and waits for that, for the handover time
    /// at most.
    pub async fn stop(&self) {
        self.stop.send_replace(true);
        // A second call waits for the first.
        while self.task.lock().await.join_next().await.is_some() {}
    }

    #[must_use]
    pub fn metrics(&self) -> ConsumerMetrics {
        self.counters.snapshot()
    }
}

//! What all operations share: the clock, the points, the alarms, and whom they tell.

use std::sync::Arc;

use api::kinesis::Kinesis;
use base::time::{Clock, Timestamp};
use tokio::sync::Semaphore;

use crate::MonitorBuilder;
use crate::alarm::book::{Book, Promised};
use crate::delivery::AT_ONCE_MAX;
use crate::ports::{OwnMetrics, Webhook};
use crate::settings::Limits;
use crate::storage::{Storage, StorageError};
use crate::worker::Jobs;

pub struct Core {
    pub clock: Arc<dyn Clock>,
    pub storage: Storage,
    pub book: Book,
    pub limits: Limits,
    pub own: Arc<dyn OwnMetrics>,
    pub kinesis: Arc<dyn Kinesis>,
    pub webhook: Arc<dyn Webhook>,
    /// Bounds how many actions are carried out side by side.
    pub deliveries: Semaphore,
    pub jobs: Jobs,
}

impl Core {
    /// Answers too the actions that an earlier process has left.
    pub async fn load(builder: MonitorBuilder) -> Result<(Self, Vec<Promised>), StorageError> {
        let MonitorBuilder { catalog, clock, own, kinesis, webhook, settings } = builder;
        let storage = Storage::load(Arc::clone(&catalog), settings.limits).await?;
        let (book, promised) = Book::load(catalog).await?;
        let core = Self {
            clock,
            storage,
            book,
            limits: settings.limits,
            own,
            kinesis,
            webhook,
            deliveries: Semaphore::new(AT_ONCE_MAX),
            jobs: Jobs::default(),
        };
        Ok((core, promised))
    }

    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }
}

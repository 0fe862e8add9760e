//! The part of DynamoDB that keeps leases, locks and checkpoints: tables on a catalog that is handed in.
//!
//! Everything is held in memory and read from there. Whoever changes something hands it to the writer, which commits it
//! to the catalog first and changes memory then.

mod core;
mod service;
mod settings;

mod ops;

mod load;
mod registry;
mod table;
mod tokens;
mod worker;
mod writer;

mod condition;
mod convert;
mod expression;
mod item_key;
mod key_condition;
mod legacy;
mod number;
mod path;
mod projection;
mod schema;
mod table_name;
mod update;
mod value;

mod error;
mod limits;
mod rows;

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use base::time::Clock;
use store::catalog::SharedCatalog;
use tokio::sync::mpsc;

use crate::core::{Core, Shared};
use crate::writer::Writer;

pub use crate::load::StartError;
pub use crate::settings::TablesSettings;
pub use crate::worker::JobStatus;

/// What the service is made of.
pub struct TablesBuilder {
    pub catalog: SharedCatalog,
    pub clock: Arc<dyn Clock>,
    pub settings: TablesSettings,
}

/// The service. Its operations are those of [`api::dynamodb::DynamoDB`].
pub struct Tables {
    core: Arc<Core>,
}

impl Tables {
    /// Loads all tables, and starts the writer and the background jobs, which end when the service is dropped. Must be
    /// called inside a Tokio runtime.
    ///
    /// # Errors
    /// When the catalog cannot be read, or holds what does not fit together.
    pub async fn start(builder: TablesBuilder) -> Result<Self, StartError> {
        let TablesBuilder { catalog, clock, settings } = builder;
        let shared = Arc::new(Shared {
            catalog,
            clock,
            settings,
            registry: Default::default(),
            memory: AtomicUsize::new(0),
            tokens: Default::default(),
        });
        let next_incarnation = load::all(&shared).await?;
        let (sender, queue) = mpsc::channel(writer::QUEUE_COUNT_MAX);
        tokio::spawn(Writer::new(Arc::clone(&shared), next_incarnation).run(queue));
        let core = Arc::new(Core::new(shared, sender));
        tokio::spawn(worker::run(Arc::downgrade(&core)));
        Ok(Self { core })
    }

    /// Runs all background jobs once, without waiting for their time: for whoever moves the clock.
    pub async fn run_jobs(&self) {
        worker::round(&self.core).await;
    }

    /// The state of the background jobs.
    #[must_use]
    pub fn jobs(&self) -> Vec<JobStatus> {
        self.core.jobs.statuses()
    }

    /// The memory that all items are reckoned to take, in bytes.
    #[must_use]
    pub fn memory(&self) -> usize {
        self.core.shared.memory()
    }
}

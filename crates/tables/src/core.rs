//! What all operations share: the catalog, the tables, and the way to the writer.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use base::caller::Caller;
use base::time::{Clock, Timestamp};
use store::catalog::SharedCatalog;
use tokio::sync::{Notify, mpsc, oneshot};

use crate::error::{self, Answer};
use crate::registry::Registry;
use crate::rows::TableRow;
use crate::settings::TablesSettings;
use crate::table::Table;
use crate::table_name::TableId;
use crate::tokens::Tokens;
use crate::worker::Jobs;
use crate::writer::{Edit, Job, Message, Outcome, TableJob, WriteError};

/// What the writer works with, too.
pub struct Shared {
    pub catalog: SharedCatalog,
    pub clock: Arc<dyn Clock>,
    pub settings: TablesSettings,
    pub registry: Registry,
    /// That items take, as reckoned.
    pub memory: AtomicUsize,
    pub tokens: Mutex<Tokens>,
}

impl Shared {
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Short: never held while something else is waited for.
    pub fn tokens(&self) -> MutexGuard<'_, Tokens> {
        self.tokens.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn memory(&self) -> usize {
        self.memory.load(Ordering::Relaxed)
    }
}

pub struct Core {
    pub shared: Arc<Shared>,
    writer: mpsc::Sender<Message>,
    /// Wakes the background jobs before their time.
    pub work: Arc<Notify>,
    pub jobs: Jobs,
}

impl Core {
    pub fn new(shared: Arc<Shared>, writer: mpsc::Sender<Message>) -> Self {
        Self { shared, writer, work: Arc::default(), jobs: Jobs::default() }
    }

    pub fn now(&self) -> Timestamp {
        self.shared.now()
    }

    /// The table that an operation on items names.
    pub fn table(&self, caller: &Caller, name: &str) -> Answer<Arc<Table>> {
        self.find(caller, name)?.ok_or_else(error::not_found)
    }

    /// The table that an operation on tables names.
    pub fn described_table(&self, caller: &Caller, name: &str) -> Answer<Arc<Table>> {
        let id = TableId::named(caller, name)?;
        self.find(caller, name)?.ok_or_else(|| error::table_not_found(&id.name))
    }

    fn find(&self, caller: &Caller, name: &str) -> Answer<Option<Arc<Table>>> {
        let id = TableId::named(caller, name)?;
        if !id.is_of(caller) {
            return Ok(None);
        }
        Ok(self.shared.registry.find(&id))
    }

    /// Carries writes out, all or none; answers when they are durable.
    pub async fn write(&self, job: Job) -> Result<Vec<Outcome>, WriteError> {
        let (answer, answered) = oneshot::channel();
        self.writer.send(Message::Write(job, answer)).await.map_err(|_| WriteError::Stopped)?;
        answered.await.map_err(|_| WriteError::Stopped)?
    }

    /// Creates, changes or deletes a table, as `edit` says when it sees the present definition. Answers the definition
    /// that is in force then, or, of a deleted table, was.
    pub async fn edit_table(&self, id: TableId, edit: Edit) -> Answer<(Arc<Table>, Arc<TableRow>)> {
        let (answer, answered) = oneshot::channel();
        let job = Message::Table(TableJob { id, edit, answer });
        self.writer.send(job).await.map_err(|_| error::stopped())?;
        answered.await.map_err(|_| error::stopped())?
    }
}

//! The writer: one task through which all changes go, so that each sees what those before it have done. It takes the
//! changes that wait, commits them with one transaction, applies them to memory and answers.
//!
//! Every transaction expects the versions of the rows that its changes were worked out from. When another writer of the
//! catalog was faster, the rows are read again and the changes worked out anew, a few times.

mod apply;
mod group;
mod plan;
mod tables;

use std::sync::Arc;

use base::limits::MIB;
use store::catalog::CatalogError;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use crate::condition::Condition;
use crate::core::Shared;
use crate::error::Answer;
use crate::item_key::ItemKey;
use crate::rows::TableRow;
use crate::schema::KeyError;
use crate::table::{Item, Table};
use crate::table_name::TableId;
use crate::tokens::TokenUse;
use crate::update::{Update, UpdateError};
use crate::value::Attributes;

/// Messages that may wait before senders wait themselves.
pub const QUEUE_COUNT_MAX: usize = 1024;
/// Jobs that share a transaction.
const GROUP_COUNT_MAX: usize = 128;
/// Bytes of items in one transaction beyond which no job joins it.
const GROUP_BYTES_MAX: usize = 8 * MIB;
/// How often a job is worked out anew because another writer was faster.
const ATTEMPTS_MAX: usize = 8;

/// What is done to an item.
#[derive(Debug)]
pub enum Change {
    Put(Attributes),
    Update(Update),
    Delete,
    /// Nothing: only the condition counts.
    Check,
}

/// A change of one item, if a condition holds.
#[derive(Debug)]
pub struct ItemWrite {
    pub table: Arc<Table>,
    pub key: ItemKey,
    /// Attributes of the key: what an update begins with when there is no item.
    pub key_attributes: Attributes,
    pub condition: Option<Condition>,
    pub change: Change,
}

/// Changes that are made all or none. No two of them are of one item.
#[derive(Debug)]
pub struct Job {
    pub writes: Vec<ItemWrite>,
    pub token: Option<TokenUse>,
}

impl From<ItemWrite> for Job {
    fn from(write: ItemWrite) -> Self {
        Self { writes: vec![write], token: None }
    }
}

/// An item before and after a write.
#[derive(Debug, Clone, Default)]
pub struct Outcome {
    pub old: Option<Arc<Item>>,
    pub new: Option<Arc<Item>>,
}

/// Why one write was refused.
#[derive(Debug, Clone, PartialEq)]
pub enum Refusal {
    /// The condition does not hold of this item.
    Condition(Option<Arc<Item>>),
    Update(UpdateError),
    Key(KeyError),
    TooLarge,
    TableGone,
}

/// Why a job was not carried out.
#[derive(Debug, Clone, PartialEq)]
pub enum WriteError {
    /// One entry for each write; those that are `None` had nothing against them.
    Refused(Vec<Option<Refusal>>),
    /// The token came with another transaction before.
    TokenMismatch,
    /// Items would take more memory than they may.
    Memory {
        max: usize,
    },
    Catalog(CatalogError),
    /// Working it out panicked.
    Panicked,
    /// The service ends.
    Stopped,
}

/// From the present definition of a table to the next; `None` is no table.
pub type Edit = Box<dyn FnOnce(Option<&TableRow>) -> Answer<Option<TableRow>> + Send>;

pub struct TableJob {
    pub id: TableId,
    pub edit: Edit,
    pub answer: oneshot::Sender<Answer<(Arc<Table>, Arc<TableRow>)>>,
}

type JobAnswer = oneshot::Sender<Result<Vec<Outcome>, WriteError>>;

pub enum Message {
    Write(Job, JobAnswer),
    Table(TableJob),
}

/// The only one who changes the catalog and the tables.
pub struct Writer {
    shared: Arc<Shared>,
    next_incarnation: u64,
    last_failure: Option<Instant>,
}

impl Writer {
    pub fn new(shared: Arc<Shared>, next_incarnation: u64) -> Self {
        Self { shared, next_incarnation, last_failure: None }
    }

    /// Serves the queue until the service is dropped.
    pub async fn run(mut self, mut queue: mpsc::Receiver<Message>) {
        let mut waiting = None;
        loop {
            let next = match waiting.take() {
                Some(message) => Some(message),
                None => queue.recv().await,
            };
            match next {
                None => return,
                Some(Message::Table(job)) => self.edit(job).await,
                Some(Message::Write(job, answer)) => {
                    let mut jobs = vec![(job, answer)];
                    waiting = gather(&mut queue, &mut jobs);
                    self.write(jobs).await;
                }
            }
        }
    }
}

/// Takes the writes that wait already, as far as they fit into one transaction; answers a message that does not join.
fn gather(queue: &mut mpsc::Receiver<Message>, jobs: &mut Vec<(Job, JobAnswer)>) -> Option<Message> {
    let mut bytes = jobs.iter().map(|(job, _)| job.bytes()).sum::<usize>();
    while jobs.len() < GROUP_COUNT_MAX && bytes < GROUP_BYTES_MAX {
        match queue.try_recv().ok()? {
            Message::Write(job, answer) => {
                bytes += job.bytes();
                jobs.push((job, answer));
            }
            table @ Message::Table(_) => return Some(table),
        }
    }
    None
}

impl Job {
    /// Bytes that it puts, roughly.
    fn bytes(&self) -> usize {
        let put = |write: &ItemWrite| match &write.change {
            Change::Put(item) => crate::value::size(item),
            Change::Update(_) | Change::Delete | Change::Check => 0,
        };
        self.writes.iter().map(put).sum()
    }
}

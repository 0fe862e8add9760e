//! Load on one stream, recorded in a history: writers, readers, and one task that reshards and changes the retention.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use testkit::history::{History, Mark};
use testkit::register::Register;
use tokio::task::JoinHandle;
use tokio::time::sleep;

use crate::client::{Answer, Client};
use crate::random::Random;

mod change;
mod read;
mod write;

pub(crate) use write::{put, record_of};

/// Hours of retention of a new stream.
pub(crate) const RETENTION_DEFAULT: i32 = 24;

/// What all tasks of a load, and all loads of one stream, share.
#[derive(Clone)]
pub(crate) struct Recorder(Arc<Shared>);

struct Shared {
    record: Mutex<Record>,
    /// Numbers that make every record different from all others.
    next_number: AtomicU64,
    changes: AtomicU64,
}

/// Everything that was sent and answered.
#[derive(Clone)]
pub(crate) struct Record {
    pub history: History,
    /// Whether the stream exists.
    pub created: Register<bool>,
    pub retention: Register<i32>,
}

impl Record {
    fn new() -> Self {
        Self { history: History::new(), created: Register::new(false), retention: Register::new(RETENTION_DEFAULT) }
    }

    /// The server was set back to a state in which everything until `mark` holds.
    pub(crate) fn forget_since(&mut self, mark: Mark) {
        self.history.forget_since(mark);
        self.created.forget_since(mark);
        self.retention.forget_since(mark);
    }

    /// What was acknowledged between the marks may hold or not; how many puts that are.
    pub(crate) fn doubt(&mut self, from: Mark, to: Mark) -> usize {
        self.created.doubt(from, to);
        self.retention.doubt(from, to);
        self.history.doubt(from, to)
    }
}

impl Recorder {
    pub(crate) fn new() -> Self {
        Self::resume(Record::new(), 0)
    }

    /// Goes on with a record. `first_number` must be greater than all that it has used.
    pub(crate) fn resume(record: Record, first_number: u64) -> Self {
        Self(Arc::new(Shared {
            record: Mutex::new(record),
            next_number: AtomicU64::new(first_number),
            changes: AtomicU64::new(0),
        }))
    }

    /// Creates the stream unless that was acknowledged before.
    pub(crate) async fn create(&self, client: &Client, shards: i32) -> Answer<()> {
        let possible = {
            let record = self.lock();
            record.created.possible(record.history.mark())
        };
        if possible == [true] || (possible.contains(&true) && client.summary().await.is_ok()) {
            return client.wait_active().await;
        }
        self.lock().created.invoke(true);
        client.create(shards).await?;
        let record = &mut *self.lock();
        record.created.acknowledge(record.history.mark());
        Ok(())
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Record> {
        self.0.record.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Splits, merges, changes of the number of shards and of the retention that were acknowledged.
    pub(crate) fn changes(&self) -> u64 {
        self.0.changes.load(Ordering::Relaxed)
    }

    /// The first of `count` numbers that nobody else gets.
    pub(crate) fn numbers(&self, count: u64) -> u64 {
        self.0.next_number.fetch_add(count, Ordering::Relaxed)
    }

    fn count_change(&self) {
        self.0.changes.fetch_add(1, Ordering::Relaxed);
    }
}

/// How much load.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plan {
    pub writers: u64,
    pub readers: u64,
    /// Whether shards are split and merged and the retention is changed.
    pub changes: bool,
    /// Between two requests of one task.
    pub pause: Duration,
    /// Most records of a request get less than 64 bytes, one in sixteen up to this.
    pub record_bytes_max: usize,
}

/// A running load.
pub(crate) struct Load {
    stop: Arc<AtomicBool>,
    tasks: Vec<JoinHandle<()>>,
}

/// What each task of a load works with.
#[derive(Clone)]
struct Worker {
    client: Client,
    recorder: Recorder,
    plan: Plan,
    stop: Arc<AtomicBool>,
    random: Random,
}

impl Load {
    pub(crate) fn start(client: &Client, recorder: &Recorder, plan: Plan, seed: u64) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let mut random = Random::new(seed);
        let mut worker = || Worker {
            client: client.clone(),
            recorder: recorder.clone(),
            plan,
            stop: Arc::clone(&stop),
            random: Random::new(random.next()),
        };
        let mut tasks = Vec::new();
        tasks.extend((0..plan.writers).map(|_| tokio::spawn(write::run(worker()))));
        tasks.extend((0..plan.readers).map(|_| tokio::spawn(read::run(worker()))));
        if plan.changes {
            tasks.push(tokio::spawn(change::run(worker())));
        }
        Self { stop, tasks }
    }

    /// Ends the load when the requests under way have been answered or have failed.
    pub(crate) async fn stop(self) {
        self.stop.store(true, Ordering::Relaxed);
        for task in self.tasks {
            task.await.expect("no task of a load panics");
        }
    }
}

impl Worker {
    fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    async fn pause(&self) {
        sleep(self.plan.pause).await;
    }
}

//! The log of `store-local` on the simulated disk: its steps are tasks here.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;
use std::time::Duration;

use base::BoxFuture;
use base::time::Timestamp;
use futures_util::FutureExt as _;
use store::root_key::{DataKey, RootKey, UnwrapError};
use store::shard_log::{
    Append, Appended, Durability, LogBounds, LogError, LogId, LogOptions, LogStatus, Position, ReadLimit, ReadRun,
    Refused, ShardLog,
};
use store_local::seam::{Driver, Files, InFlight, Parts};
use store_local::{FailureLatch, LocalLog, LocalLogSettings, OpenError};
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::plan::LogPlan;
use crate::schedule::SimSchedule;
use crate::world::World;

/// Where the data directory is on the simulated disk.
const DATA: &str = "/data";
/// Pause of the preparer after a failed attempt.
const RETRY_PAUSE: Duration = Duration::from_millis(250);

/// A log that wakes its steps.
pub struct SimLog {
    log: Arc<LocalLog>,
    driver: Driver,
    work: Work,
    /// Commits that have begun and not finished.
    in_flight: AtomicUsize,
}

/// Tells the steps that there may be something to do.
#[derive(Default)]
struct Work {
    commit: Notify,
    prepare: Notify,
    maintain: Notify,
}

impl SimLog {
    /// Opens the data directory on the simulated disk. The tasks end with the `JoinSet`.
    ///
    /// # Errors
    /// As [`LocalLog::open`].
    pub fn open(world: &Arc<World>) -> Result<(Arc<Self>, JoinSet<()>), OpenError> {
        let plan = &world.plan.log;
        let files = world.disk.handle() as Arc<dyn Files>;
        let random = world.random.fork(&format!("schedule{}", world.next_start()));
        let schedule = SimSchedule::new(random, plan.step_millis_max);
        let clock = Arc::clone(&world.clock) as Arc<dyn base::time::Clock>;
        let parts = Parts {
            clock,
            root_key: Arc::new(SimKey),
            segments: None,
            files,
            schedule,
            failure: FailureLatch::default(),
        };
        let (log, driver) = LocalLog::open_stepped(&settings(plan), parts)?;
        let sim = Arc::new(Self { log, driver, work: Work::default(), in_flight: AtomicUsize::new(0) });
        let mut tasks = JoinSet::new();
        for _ in 0..plan.commit_tasks {
            tasks.spawn(commit(Arc::clone(world), Arc::clone(&sim)));
        }
        tasks.spawn(prepare(Arc::clone(world), Arc::clone(&sim)));
        tasks.spawn(maintain(Arc::clone(&sim)));
        if let Durability::Interval(interval) = plan.durability {
            tasks.spawn(flush(Arc::clone(&sim), interval));
        }
        Ok((sim, tasks))
    }

    pub fn all_logs_open(&self) {
        self.log.all_logs_open();
    }

    /// Why appends are refused until a restart.
    #[must_use]
    pub fn failed(&self) -> Option<String> {
        self.log.status().failed
    }

    /// Ends in order: what is queued is committed, later appends are refused.
    pub async fn end(&self) -> std::io::Result<()> {
        self.driver.stop();
        // Every queued item is answered, or refused for want of a journal.
        while self.driver.has_waiting() || self.in_flight.load(Ordering::Relaxed) > 0 {
            self.work.commit.notify_one();
            sleep(Duration::from_millis(1)).await;
        }
        self.driver.end()
    }
}

fn settings(plan: &LogPlan) -> LocalLogSettings {
    LocalLogSettings {
        durability: plan.durability,
        in_flight_max: plan.in_flight_max,
        journal_bytes_min: plan.journal_bytes_min,
        journal_bytes_max: plan.journal_bytes_max,
        journal_files_max: 8,
        spare_files_max: plan.spare_files_max,
        append_bytes_max: 256 << 10,
        tail_budget_bytes: plan.tail_budget_bytes,
        maintenance_interval: Duration::from_secs(5),
        ..LocalLogSettings::new(PathBuf::from(DATA))
    }
}

/// One thread that commits.
async fn commit(world: Arc<World>, sim: Arc<SimLog>) {
    loop {
        let woken = sim.work.commit.notified();
        let Some(mut commit) = sim.driver.begin() else {
            // What waits may want the next journal, or room in the window.
            sim.work.prepare.notify_one();
            woken.await;
            continue;
        };
        sim.work.prepare.notify_one();
        sim.work.commit.notify_one();
        sim.in_flight.fetch_add(1, Ordering::Relaxed);
        write(&world, &sim, &mut commit).await;
        sim.driver.finish(commit);
        sim.in_flight.fetch_sub(1, Ordering::Relaxed);
        sim.work.commit.notify_waiters();
        sim.work.maintain.notify_one();
    }
}

/// The device takes its time; meanwhile nobody knows how much of the frame is there.
async fn write(world: &World, sim: &SimLog, commit: &mut InFlight) {
    if let Some(frame) = commit.frame() {
        world.disk.submit(frame.path, frame.offset, frame.bytes);
        sleep(world.disk.latency()).await;
    }
    sim.driver.write(commit);
    if world.plan.log.step_millis_max > 0 {
        sleep(world.disk.latency() / 4).await;
    }
}

async fn prepare(world: Arc<World>, sim: Arc<SimLog>) {
    loop {
        if !sim.driver.wants_journal() {
            sim.work.prepare.notified().await;
            continue;
        }
        sleep(world.disk.latency()).await;
        let prepared = sim.driver.prepare();
        sim.work.commit.notify_waiters();
        sim.work.commit.notify_one();
        if !prepared {
            sleep(RETRY_PAUSE).await;
        }
    }
}

async fn maintain(sim: Arc<SimLog>) {
    loop {
        let pause = sim.driver.maintain().await;
        sim.work.prepare.notify_one();
        // Sealed journals are not waited for.
        let _ = tokio::time::timeout(pause, sim.work.maintain.notified()).await;
    }
}

async fn flush(sim: Arc<SimLog>, interval: Duration) {
    loop {
        sleep(interval).await;
        sim.driver.flush();
    }
}

/// Wakes the commits whenever something may have been queued.
fn waking<'a, T: 'a>(work: &'a Work, mut future: BoxFuture<'a, T>) -> BoxFuture<'a, T> {
    Box::pin(std::future::poll_fn(move |cx| {
        let polled = future.poll_unpin(cx);
        if matches!(polled, Poll::Pending) {
            work.commit.notify_one();
        }
        polled
    }))
}

impl ShardLog for SimLog {
    fn open(&self, log: LogId, options: LogOptions) {
        self.log.open(log, options);
    }

    fn append(&self, appends: Vec<Append>) -> BoxFuture<'_, Result<Vec<Result<Appended, Refused>>, LogError>> {
        waking(&self.work, self.log.append(appends))
    }

    fn close(&self, log: LogId) -> BoxFuture<'_, Result<LogBounds, LogError>> {
        waking(&self.work, self.log.close(log))
    }

    fn read(&self, log: LogId, from: Position, limit: ReadLimit) -> BoxFuture<'_, Result<ReadRun, LogError>> {
        self.log.read(log, from, limit)
    }

    fn find(&self, log: LogId, at: Timestamp) -> BoxFuture<'_, Result<Position, LogError>> {
        self.log.find(log, at)
    }

    fn bounds(&self, log: LogId) -> Result<LogBounds, LogError> {
        self.log.bounds(log)
    }

    fn watch(&self, log: LogId) -> Result<watch::Receiver<Position>, LogError> {
        self.log.watch(log)
    }

    fn remove(&self, log: LogId) {
        self.log.remove(log);
    }

    fn status(&self) -> LogStatus {
        self.log.status()
    }
}

/// Keeps nothing secret.
struct SimKey;

impl RootKey for SimKey {
    fn id(&self) -> &str {
        "sim"
    }

    fn wrap(&self, data_key: &DataKey) -> Vec<u8> {
        data_key.to_vec()
    }

    fn unwrap(&self, wrapped: &[u8]) -> Result<DataKey, UnwrapError> {
        let wrong = |_| UnwrapError { root_key_id: "sim".to_owned(), reason: "wrong length".to_owned() };
        wrapped.try_into().map_err(wrong)
    }
}

use std::path::Path;
use std::sync::Arc;

use base::time::{Clock, ManualClock, SystemClock, Timestamp};
use store::contract::shard_log::batch;
use store::root_key::{DataKey, RootKey, UnwrapError};
use store::shard_log::StoredRecord;

use super::*;
use crate::settings::LocalLogSettings;

mod crash;
mod disk;
mod driver;
mod flips;
mod lost_tail;
mod sealing;

/// A root key that only tests would trust.
pub(super) struct TestKey;

impl RootKey for TestKey {
    fn id(&self) -> &str {
        "test"
    }

    fn wrap(&self, data_key: &DataKey) -> Vec<u8> {
        data_key.iter().map(|byte| byte ^ 0x5a).chain([7]).collect()
    }

    fn unwrap(&self, wrapped: &[u8]) -> Result<DataKey, UnwrapError> {
        let wrong = || UnwrapError { root_key_id: "test".to_owned(), reason: "wrong length".to_owned() };
        let (last, key) = wrapped.split_last().ok_or_else(wrong)?;
        let key: Vec<u8> = key.iter().map(|byte| byte ^ 0x5a).collect();
        if *last == 7 { key.try_into().map_err(|_| wrong()) } else { Err(wrong()) }
    }
}

const OPTIONS: LogOptions = LogOptions { retention: Duration::from_secs(3600), closed: false };
const LIMIT: ReadLimit = ReadLimit { records: 1_000_000, bytes: 1 << 30 };

/// Small files, so that tests see many of them.
pub(super) fn small(dir: &Path) -> LocalLogSettings {
    LocalLogSettings {
        journal_bytes_min: 64 << 10,
        journal_bytes_max: 256 << 10,
        maintenance_interval: Duration::from_millis(20),
        // Commits overlap as on a slow disk.
        slow_write: Duration::ZERO,
        ..LocalLogSettings::new(dir)
    }
}

pub(super) fn open_log(settings: &LocalLogSettings) -> Result<Arc<LocalLog>, crate::OpenError> {
    open_at(settings, Arc::new(SystemClock))
}

pub(super) fn open_at(settings: &LocalLogSettings, clock: Arc<dyn Clock>) -> Result<Arc<LocalLog>, crate::OpenError> {
    LocalLog::open(settings, clock, Arc::new(TestKey), None)
}

impl LocalLog {
    /// Ends like a killed process: nothing more is written, and the lock is gone when this returns.
    pub(super) fn crash(self: Arc<Self>) {
        let log = Arc::into_inner(self).expect("nobody else has the log");
        assert!(log.stop_threads());
    }

    fn counter(&self, name: &str) -> u64 {
        let counters = self.status().counters;
        counters.iter().find(|(found, _)| *found == name).expect("a counter of this name").1
    }
}

pub(super) async fn append(log: &LocalLog, id: u64, data: &[&str], encrypted: bool) -> Result<Position, LogError> {
    let appends = vec![Append { log: LogId(id), records: batch(data), encrypted }];
    Ok(log.append(appends).await?[0].expect("accepted").first)
}

/// All retained records of a log.
pub(super) async fn all(log: &LocalLog, id: u64) -> Result<Vec<StoredRecord>, LogError> {
    let mut from = Position(0);
    let mut records = Vec::new();
    loop {
        let limit = ReadLimit { records: 100, bytes: 20_000 };
        let run = log.read(LogId(id), from, limit).await?;
        if run.records.is_empty() {
            return Ok(records);
        }
        from = run.next;
        records.extend(run.records);
    }
}

/// Waits until every full journal has been rewritten.
pub(super) async fn sealed(log: &LocalLog) {
    for _ in 0..500 {
        if log.counter("journal_files") == 1 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("journals are not rewritten: {:?}", log.status());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keeps_the_contract() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let next = std::sync::atomic::AtomicU32::new(0);
    for (tail_budget_bytes, durability) in [
        (1 << 20, Durability::Sync),
        (0, Durability::Sync),
        (0, Durability::None),
        (0, Durability::Interval(Duration::from_millis(5))),
    ] {
        let make = |clock: Arc<ManualClock>| -> store::shard_log::SharedShardLog {
            let path = dir.path().join(next.fetch_add(1, Ordering::Relaxed).to_string());
            let settings = LocalLogSettings { tail_budget_bytes, durability, ..small(&path) };
            open_at(&settings, clock).expect("opens")
        };
        store::contract::shard_log::check_all(make).await;
    }
}

#[tokio::test]
async fn a_second_process_is_refused() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let log = open_log(&small(dir.path())).expect("opens");
    let error = open_log(&small(dir.path())).err().expect("refused");
    let expected = format!("data directory {} is in use by process {}", dir.path().display(), std::process::id());
    assert_eq!(error.to_string(), expected);
    std::fs::remove_file(dir.path().join("lock")).expect("it is there");
    let error = open_log(&small(dir.path())).err().expect("still refused").to_string();
    assert!(error.starts_with(&format!("data directory {} is in use by", dir.path().display())), "{error}");
    drop(log);
    open_log(&small(dir.path())).expect("free again");
}

#[tokio::test]
async fn a_group_larger_than_a_journal_is_refused() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let log = open_log(&small(dir.path())).expect("opens");
    log.open(LogId(1), OPTIONS);
    let refused = append(&log, 1, &["x".repeat(40_000).as_str()], false).await;
    assert!(matches!(refused, Err(LogError::Full(_))), "{refused:?}");
    append(&log, 1, &["x".repeat(27 << 10).as_str()], false).await.expect("fits");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_writers_keep_their_order_across_files() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let settings = LocalLogSettings { tail_budget_bytes: 50_000, ..small(dir.path()) };
    let log = open_log(&settings).expect("opens");
    log.all_logs_open();
    for id in 0..3 {
        log.open(LogId(id), OPTIONS);
    }
    let tasks: Vec<_> = (0..16u64)
        .map(|writer| {
            let log = Arc::clone(&log);
            tokio::spawn(async move {
                for round in 0..60u64 {
                    let text = format!("{writer}:{round}:{}", "x".repeat(500));
                    append(&log, round % 3, &[&text], writer % 2 == 0).await.expect("append");
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.expect("writer");
    }
    let check = async |log: &LocalLog| {
        let mut count = 0;
        for id in 0..3 {
            let mut last = [None; 16];
            for (i, record) in all(log, id).await.expect("read").iter().enumerate() {
                assert_eq!(record.position, Position(i as u64));
                let text = std::str::from_utf8(&record.data).expect("text");
                let mut parts = text.split(':');
                let writer: usize = parts.next().expect("writer").parse().expect("number");
                let round: u64 = parts.next().expect("round").parse().expect("number");
                assert!(last[writer] < Some(round));
                last[writer] = Some(round);
                count += 1;
            }
        }
        assert_eq!(count, 16 * 60);
    };
    check(&log).await;
    sealed(&log).await;
    assert!(log.counter("segments") > 0);
    check(&log).await;
    drop(log);
    let log = open_log(&settings).expect("opens again");
    (0..3).for_each(|id| log.open(LogId(id), OPTIONS));
    check(&log).await;
}

#[tokio::test]
async fn positions_go_on_after_a_restart() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let clock = Arc::new(ManualClock::new(Timestamp::from_millis(1_000_000)));
    for round in 0..5u64 {
        let log = open_at(&small(dir.path()), Arc::clone(&clock) as Arc<dyn Clock>).expect("opens");
        assert_eq!(log.bounds(LogId(1)), Err(LogError::NotFound), "logs are known when they are opened");
        log.open(LogId(1), OPTIONS);
        assert_eq!(append(&log, 1, &["a", "b"], round % 2 == 0).await, Ok(Position(2 * round)));
        let records = all(&log, 1).await.expect("read");
        assert_eq!(records.len() as u64, 2 * (round + 1));
        // A clock that was set back does not set the log back.
        assert!(records.iter().all(|record| record.arrival == Timestamp::from_millis(1_000_000)));
        clock.set(Timestamp::from_millis(900_000));
        if round % 2 == 0 { log.crash() } else { log.shut_down() }
    }
}

#[tokio::test]
async fn what_comes_after_the_end_is_refused() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let log = open_log(&small(dir.path())).expect("opens");
    log.open(LogId(1), OPTIONS);
    append(&log, 1, &["a"], false).await.expect("append");
    log.shut_down();
    let refused = append(&log, 1, &["b"], false).await;
    assert!(matches!(refused, Err(LogError::Failed(_))), "{refused:?}");
    assert_eq!(all(&log, 1).await.expect("reads go on").len(), 1);
}

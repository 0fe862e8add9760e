//! The log without threads.

use std::io;

use super::*;
use crate::failure_latch::FailureLatch;
use crate::files::OsFiles;
use crate::log::open::Parts;
use crate::schedule::OsSchedule;
use crate::seam::Driver;

pub(super) fn open_stepped(settings: &LocalLogSettings) -> (Arc<LocalLog>, Driver) {
    let files = Arc::new(OsFiles::new(settings.durability, FailureLatch::default()));
    let (clock, schedule) = (Arc::new(SystemClock), Arc::new(OsSchedule));
    let parts =
        Parts { clock, root_key: Arc::new(TestKey), segments: None, files, schedule, failure: FailureLatch::default() };
    LocalLog::open_stepped(settings, parts).expect("opens")
}

/// Begins an append and waits until it is in the queue.
pub(super) async fn queued(log: &Arc<LocalLog>, text: String) -> tokio::task::JoinHandle<Result<Position, LogError>> {
    let log = Arc::clone(log);
    let task = tokio::spawn(async move { append(&log, 1, &[&text], false).await });
    tokio::task::yield_now().await;
    task
}

/// Carries out one commit.
pub(super) fn commit(driver: &Driver) -> bool {
    let Some(mut commit) = driver.begin() else { return false };
    driver.write(&mut commit);
    driver.finish(commit);
    true
}

#[tokio::test]
async fn commits_overlap_within_the_window_and_are_answered_in_order() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let settings = LocalLogSettings { in_flight_max: 2, ..small(dir.path()) };
    let (log, driver) = open_stepped(&settings);
    log.open(LogId(1), OPTIONS);
    assert!(driver.begin().is_none(), "nothing waits");
    let first = queued(&log, "a".to_owned()).await;
    let mut first_commit = driver.begin().expect("something waits");
    let second = queued(&log, "b".to_owned()).await;
    let mut second_commit = driver.begin().expect("there is room for two");
    let third = queued(&log, "c".to_owned()).await;
    assert!(driver.begin().is_none(), "there is no room for three");
    driver.write(&mut second_commit);
    driver.finish(second_commit);
    tokio::task::yield_now().await;
    assert!(!second.is_finished(), "the first is not on the disk");
    let frame = first_commit.frame().expect("a frame");
    assert_eq!((frame.offset, frame.bytes.len()), (4096, 4096));
    driver.write(&mut first_commit);
    driver.finish(first_commit);
    assert_eq!(first.await.expect("runs"), Ok(Position(0)));
    assert_eq!(second.await.expect("runs"), Ok(Position(1)));
    assert!(commit(&driver));
    assert_eq!(third.await.expect("runs"), Ok(Position(2)));
}

#[tokio::test]
async fn journals_are_prepared_sealed_and_read_back_step_by_step() -> io::Result<()> {
    let dir = tempfile::tempdir()?;
    let settings = LocalLogSettings { tail_budget_bytes: 0, ..small(dir.path()) };
    let (log, driver) = open_stepped(&settings);
    log.open(LogId(1), OPTIONS);
    log.all_logs_open();
    for i in 0..40u64 {
        let appended = queued(&log, format!("{i} {}", "x".repeat(5000))).await;
        if !commit(&driver) {
            assert!(driver.wants_journal(), "else there was no reason to wait");
            assert!(driver.prepare());
            assert!(commit(&driver));
        }
        assert_eq!(appended.await.expect("runs"), Ok(Position(i)));
    }
    assert!(log.counter("journal_files") > 1);
    while driver.maintain().await.is_zero() {}
    assert_eq!(log.counter("journal_files"), 1);
    assert!(log.counter("segments") > 0);
    assert_eq!(all(&log, 1).await.expect("read").len(), 40);
    driver.stop();
    driver.end()?;
    drop((log, driver));
    let (log, _driver) = open_stepped(&settings);
    log.open(LogId(1), OPTIONS);
    assert_eq!(all(&log, 1).await.expect("read").len(), 40);
    Ok(())
}

//! Bad days of the disk.

use std::io;
use std::sync::atomic::{AtomicI64, AtomicU64};

use super::*;
use crate::failure_latch::FailureLatch;
use crate::files::{DataFile, Files, Held, Listed, OsFiles};
use crate::log::open::Parts;
use crate::schedule::OsSchedule;

/// Files whose writes fail when told to.
struct FailingFiles {
    inner: OsFiles,
    plan: Arc<Plan>,
}

/// What fails.
struct Plan {
    /// Writes that still succeed; negative: all.
    writes_left: AtomicI64,
    /// Journal files that can still be made.
    files_left: AtomicI64,
    /// Frames are held back so long, every other one, so that they finish out of order.
    delay_millis: AtomicU64,
    /// This write waits until two later ones have begun, and then does not happen; negative: none.
    lost_write: AtomicI64,
    written: AtomicU64,
    /// Flushes of files and directories, in order.
    flushed: Mutex<Vec<String>>,
    manifest: Mutex<ManifestTrouble>,
    failure: FailureLatch,
}

/// How the manifest fails after a segment has been written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ManifestTrouble {
    None,
    /// Once there is a segment.
    Waits,
    /// It gets its name, and nobody knows for how long.
    NotFlushed,
    /// From then on it is not written any more.
    NotWritten,
}

impl Plan {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            writes_left: AtomicI64::new(i64::MAX),
            files_left: AtomicI64::new(i64::MAX),
            delay_millis: AtomicU64::new(0),
            lost_write: AtomicI64::new(-1),
            written: AtomicU64::new(0),
            flushed: Mutex::default(),
            manifest: Mutex::new(ManifestTrouble::None),
            failure: FailureLatch::default(),
        })
    }

    fn note_flush(&self, path: &Path) {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        lock(&self.flushed).push(name.to_owned());
    }

    /// Whether the manifest is in this trouble, which then gives way to the next.
    fn manifest_is(&self, trouble: ManifestTrouble, next: ManifestTrouble) -> bool {
        let mut manifest = lock(&self.manifest);
        let is_so = *manifest == trouble;
        if is_so {
            *manifest = next;
        }
        is_so
    }
}

impl Files for FailingFiles {
    fn prepare(&self, path: &Path, bytes: u64) -> io::Result<()> {
        if self.plan.files_left.fetch_sub(1, Ordering::SeqCst) <= 0 {
            return Err(io::Error::from(io::ErrorKind::StorageFull));
        }
        self.inner.prepare(path, bytes)
    }

    fn make_dir(&self, dir: &Path) -> io::Result<()> {
        self.inner.make_dir(dir)
    }

    fn lock(&self, dir: &Path) -> Result<Box<dyn Held>, crate::OpenError> {
        self.inner.lock(dir)
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<Listed>> {
        self.inner.list(dir)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        self.plan.note_flush(dir);
        if dir.join("log.manifest").exists()
            && self.plan.manifest_is(ManifestTrouble::NotFlushed, ManifestTrouble::NotWritten)
        {
            return Err(io::Error::other("injected"));
        }
        self.inner.sync_dir(dir)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        if to.extension().is_some_and(|ending| ending == "segment") {
            self.plan.manifest_is(ManifestTrouble::Waits, ManifestTrouble::NotFlushed);
        }
        self.inner.rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.inner.remove(path)
    }

    fn create(&self, path: &Path) -> io::Result<Arc<dyn DataFile>> {
        let is_manifest = path.file_name().is_some_and(|name| name == "log.manifest.new");
        if is_manifest && self.plan.manifest_is(ManifestTrouble::NotWritten, ManifestTrouble::NotWritten) {
            return Err(io::Error::other("injected"));
        }
        self.inner.create(path)
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn DataFile>> {
        Ok(self.failing(path, self.inner.open(path)?))
    }

    fn open_for_reading(&self, path: &Path) -> io::Result<Arc<dyn DataFile>> {
        Ok(self.failing(path, self.inner.open_for_reading(path)?))
    }
}

impl FailingFiles {
    fn failing(&self, path: &Path, inner: Arc<dyn DataFile>) -> Arc<dyn DataFile> {
        Arc::new(FailingFile { path: path.to_owned(), inner, plan: Arc::clone(&self.plan) })
    }
}

struct FailingFile {
    path: std::path::PathBuf,
    inner: Arc<dyn DataFile>,
    plan: Arc<Plan>,
}

impl DataFile for FailingFile {
    fn write(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        if offset > 0 {
            let number = self.plan.written.fetch_add(1, Ordering::SeqCst);
            if number.is_multiple_of(2) {
                std::thread::sleep(Duration::from_millis(self.plan.delay_millis.load(Ordering::SeqCst)));
            }
            if number.cast_signed() == self.plan.lost_write.load(Ordering::SeqCst) {
                while self.plan.written.load(Ordering::SeqCst) < number + 3 {
                    std::thread::sleep(Duration::from_millis(1));
                }
                return Err(io::Error::other("injected"));
            }
            if self.plan.writes_left.fetch_sub(1, Ordering::SeqCst) <= 0 {
                return Err(io::Error::other("injected"));
            }
        }
        self.inner.write(bytes, offset)
    }

    fn flush(&self) -> io::Result<()> {
        self.plan.note_flush(&self.path);
        self.inner.flush()
    }

    fn read(&self, bytes: &mut [u8], offset: u64) -> io::Result<()> {
        self.inner.read(bytes, offset)
    }

    fn size(&self) -> io::Result<u64> {
        self.inner.size()
    }

    fn set_len(&self, bytes: u64) -> io::Result<()> {
        self.inner.set_len(bytes)
    }
}

fn open_failing(settings: &LocalLogSettings, plan: &Arc<Plan>) -> Arc<LocalLog> {
    let files = FailingFiles { inner: OsFiles::new(settings.durability, plan.failure.clone()), plan: Arc::clone(plan) };
    let parts = Parts {
        clock: Arc::new(SystemClock),
        root_key: Arc::new(TestKey),
        segments: None,
        files: Arc::new(files),
        schedule: Arc::new(OsSchedule),
        failure: plan.failure.clone(),
    };
    LocalLog::open_with(settings, parts).expect("opens")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_failed_write_nothing_is_acknowledged_and_nothing_acknowledged_is_lost() {
    for (failing_write, delay_millis) in [(0, 0), (1, 2), (7, 0), (20, 2), (33, 2)] {
        let dir = tempfile::tempdir().expect("temporary directory");
        let plan = Plan::new();
        let log = open_failing(&small(dir.path()), &plan);
        log.open(LogId(1), OPTIONS);
        plan.writes_left.store(failing_write, Ordering::SeqCst);
        plan.delay_millis.store(delay_millis, Ordering::SeqCst);
        let tasks: Vec<_> = (0..6u64)
            .map(|writer| {
                let log = Arc::clone(&log);
                tokio::spawn(async move {
                    let mut acknowledged = Vec::new();
                    for i in 0..1000u64 {
                        let text = format!("{writer}-{i}");
                        match append(&log, 1, &[&text], false).await {
                            Ok(position) => acknowledged.push((position, text)),
                            Err(LogError::Failed(_)) => return acknowledged,
                            Err(other) => panic!("{other}"),
                        }
                    }
                    panic!("the log did not fail");
                })
            })
            .collect();
        let mut acknowledged = Vec::new();
        for task in tasks {
            acknowledged.extend(task.await.expect("writer"));
        }
        assert!(log.status().failed.is_some());
        plan.writes_left.store(i64::MAX, Ordering::SeqCst);
        assert!(matches!(append(&log, 1, &["late"], false).await, Err(LogError::Failed(_))));
        let live = all(&log, 1).await.expect("reads go on");
        assert!(live.len() >= acknowledged.len());
        log.crash();
        let log = open_log(&small(dir.path())).expect("opens again");
        log.open(LogId(1), OPTIONS);
        let records = all(&log, 1).await.expect("read");
        assert_eq!(records[..live.len()], live[..], "what could be read can still be read");
        for (position, text) in acknowledged {
            let place = usize::try_from(position.0).expect("small");
            assert_eq!(records[place].data, text.as_bytes(), "acknowledged at {position:?}");
        }
        append(&log, 1, &["works again"], false).await.expect("append");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_flush_that_failed_elsewhere_nothing_is_acknowledged() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let plan = Plan::new();
    let log = open_failing(&small(dir.path()), &plan);
    log.open(LogId(1), OPTIONS);
    append(&log, 1, &["before"], false).await.expect("append");
    plan.delay_millis.store(200, Ordering::SeqCst);
    let mut under_way = Vec::new();
    for text in ["one", "two", "three", "four"] {
        let log = Arc::clone(&log);
        under_way.push(tokio::spawn(async move { append(&log, 1, &[text], false).await }));
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    plan.failure.set("flush of another file".to_owned());
    let mut refused = 0;
    for append in under_way {
        refused += usize::from(matches!(append.await.expect("no panic"), Err(LogError::Failed(_))));
    }
    // Those in frames that were held back, and behind them.
    assert!(refused >= 1);
    assert!(matches!(append(&log, 1, &["late"], false).await, Err(LogError::Failed(_))));
    assert_eq!(log.status().failed.as_deref(), Some("log device failed: flush of another file"));
}

#[tokio::test]
async fn a_manifest_that_is_there_after_all_finds_its_segments() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let plan = Plan::new();
    let log = open_failing(&small(dir.path()), &plan);
    log.open(LogId(1), OPTIONS);
    for i in 0..40 {
        append(&log, 1, &[&format!("{i} {}", "x".repeat(4000))], false).await.expect("append");
    }
    let records = all(&log, 1).await.expect("read");
    *lock(&plan.manifest) = ManifestTrouble::Waits;
    log.all_logs_open();
    while log.counter("seal_failures") < 2 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    log.crash();
    let log = open_log(&small(dir.path())).expect("opens");
    log.open(LogId(1), OPTIONS);
    assert_eq!(all(&log, 1).await.expect("read"), records);
}

#[tokio::test]
async fn a_hole_that_was_never_acknowledged_is_dropped_with_what_follows() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let plan = Plan::new();
    let log = open_failing(&small(dir.path()), &plan);
    log.open(LogId(1), OPTIONS);
    for i in 0..5 {
        append(&log, 1, &[&format!("record {i}")], false).await.expect("append");
    }
    plan.lost_write.store(5, Ordering::SeqCst);
    let mut waiting = Vec::new();
    for begun in 6..=8 {
        let log = Arc::clone(&log);
        waiting.push(tokio::spawn(async move { append(&log, 1, &["never acknowledged"], false).await }));
        while plan.written.load(Ordering::SeqCst) < begun {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
    for append in waiting {
        assert!(matches!(append.await.expect("ends"), Err(LogError::Failed(_))));
    }
    log.crash();
    // The frames behind the hole are whole, but none says that the missing one was on the device.
    for expected in [5, 6] {
        let log = open_log(&small(dir.path())).expect("opens, and what was dropped stays dropped");
        log.open(LogId(1), OPTIONS);
        assert_eq!(all(&log, 1).await.expect("read").len(), expected);
        append(&log, 1, &["goes on"], false).await.expect("append");
        log.crash();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn frames_that_finish_out_of_order_are_released_in_order() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let plan = Plan::new();
    let settings = LocalLogSettings { commit_threads: 3, ..small(dir.path()) };
    let log = open_failing(&settings, &plan);
    log.open(LogId(1), OPTIONS);
    plan.delay_millis.store(3, Ordering::SeqCst);
    let tasks: Vec<_> = (0..8u64)
        .map(|writer| {
            let log = Arc::clone(&log);
            tokio::spawn(async move {
                for i in 0..20 {
                    let position = append(&log, 1, &[&format!("{writer}-{i}")], false).await.expect("append");
                    // Whatever stands before an acknowledged record can be read with it.
                    let run = log.read(LogId(1), Position(0), LIMIT).await.expect("read");
                    assert!(run.next > position);
                    assert!(run.records.iter().enumerate().all(|(i, record)| record.position.0 == i as u64));
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.expect("writer");
    }
    assert_eq!(all(&log, 1).await.expect("read").len(), 160);
}

#[tokio::test]
async fn a_full_disk_refuses_appends_until_there_is_room() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let plan = Plan::new();
    let log = open_failing(&small(dir.path()), &plan);
    log.open(LogId(1), OPTIONS);
    plan.files_left.store(0, Ordering::SeqCst);
    let text = "x".repeat(20_000);
    let mut stored = 0;
    let refused = loop {
        match append(&log, 1, &[&text], false).await {
            Ok(_) => stored += 1,
            Err(error) => break error,
        }
    };
    assert!(matches!(refused, LogError::Full(_)), "{refused:?}");
    assert!(stored > 0);
    assert_eq!(log.status().failed, None);
    assert!(log.full().is_some());
    assert_eq!(all(&log, 1).await.expect("reads go on").len(), stored);
    append(&log, 1, &["fits into what is left"], false).await.expect("small ones still fit");
    plan.files_left.store(i64::MAX, Ordering::SeqCst);
    let mut tries = 0;
    while append(&log, 1, &[&text], false).await.is_err() {
        tries += 1;
        assert!(tries < 500, "the log does not recover");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(all(&log, 1).await.expect("read").len(), stored + 2);
}

/// Waits until an append is accepted.
async fn append_when_there_is_room(log: &LocalLog, text: &str) -> Position {
    for _ in 0..500 {
        match append(log, 1, &[text], false).await {
            Ok(position) => return position,
            Err(error) => assert!(matches!(error, LogError::Full(_)), "{error:?}"),
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the log does not recover");
}

#[tokio::test]
async fn a_log_on_a_full_disk_opens_and_recovers() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let plan = Plan::new();
    plan.files_left.store(1, Ordering::SeqCst);
    for expected in 0..3u64 {
        let log = open_failing(&small(dir.path()), &plan);
        log.open(LogId(1), OPTIONS);
        let found = all(&log, 1).await.expect("read").len() as u64;
        assert_eq!(found, expected);
        if found > 0 {
            let refused = append(&log, 1, &["x"], false).await;
            assert!(matches!(refused, Err(LogError::Full(_))), "{refused:?}");
            let full = log.full().expect("full");
            assert!(full.since > Timestamp::from_millis(0) && !full.reason.is_empty());
            assert_eq!((log.counter("full"), log.status().failed.clone()), (1, None));
            // Closing needs no space.
            log.close(LogId(1)).await.expect("closes");
            log.open(LogId(1), OPTIONS);
            plan.files_left.store(1, Ordering::SeqCst);
        }
        assert_eq!(append_when_there_is_room(&log, "x").await, Position(expected));
        log.crash();
    }
    let log = open_log(&small(dir.path())).expect("opens");
    log.open(LogId(1), OPTIONS);
    assert_eq!(all(&log, 1).await.expect("read").len(), 3);
    assert_eq!((log.full(), log.counter("full"), log.counter("full_since_seconds")), (None, 0, 0));
}

/// What had been made before the disk filled is enough for a start, stale frames in it notwithstanding.
#[tokio::test]
async fn a_full_disk_does_not_take_the_files_that_are_there() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let settings = small(dir.path());
    let log = open_log(&settings).expect("opens");
    log.open(LogId(1), OPTIONS);
    log.all_logs_open();
    for _ in 0..20 {
        append(&log, 1, &[&"x".repeat(20_000)], false).await.expect("append");
    }
    sealed(&log).await;
    log.crash();
    let plan = Plan::new();
    plan.files_left.store(0, Ordering::SeqCst);
    for expected in 20..22 {
        let log = open_failing(&settings, &plan);
        log.open(LogId(1), OPTIONS);
        assert_eq!(all(&log, 1).await.expect("read").len(), expected);
        append(&log, 1, &["goes into a file that was there"], false).await.expect("append");
        log.crash();
    }
    let log = open_log(&settings).expect("opens");
    log.open(LogId(1), OPTIONS);
    assert_eq!(all(&log, 1).await.expect("read").len(), 22);
}

#[tokio::test]
async fn memory_file_systems_work_without_direct_writes() {
    let Ok(dir) = tempfile::tempdir_in("/dev/shm") else { return };
    let log = open_log(&small(dir.path())).expect("opens");
    log.open(LogId(1), OPTIONS);
    append(&log, 1, &["a"], true).await.expect("append");
    log.crash();
    let log = open_log(&small(dir.path())).expect("opens");
    log.open(LogId(1), OPTIONS);
    assert_eq!(all(&log, 1).await.expect("read").len(), 1);
}

#[tokio::test]
async fn emptied_files_are_used_again() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let plan = Plan::new();
    plan.files_left.store(1000, Ordering::SeqCst);
    let log = open_failing(&LocalLogSettings { journal_bytes_max: 64 << 10, ..small(dir.path()) }, &plan);
    log.all_logs_open();
    log.open(LogId(1), OPTIONS);
    for _ in 0..20 {
        for _ in 0..4 {
            append(&log, 1, &["x".repeat(10_000).as_str()], false).await.expect("append");
        }
        sealed(&log).await;
    }
    let made = 1000 - plan.files_left.load(Ordering::SeqCst);
    assert!(log.counter("segments") >= 15);
    assert!(made < 12, "{made} files were made");
}

/// A killed process may leave a frame with the operating system, whole but not on the device, and a manifest whose name is
/// not: the next run must not build on them before they are.
#[tokio::test]
async fn what_a_killed_process_has_left_is_flushed_before_it_is_relied_on() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let log = open_log(&small(dir.path())).expect("opens");
    log.open(LogId(1), OPTIONS);
    append(&log, 1, &["a"], false).await.expect("append");
    log.crash();
    let plan = Plan::new();
    drop(open_failing(&small(dir.path()), &plan));
    let flushed = lock(&plan.flushed);
    let place =
        |name: &str| flushed.iter().position(|flushed| flushed == name).unwrap_or_else(|| panic!("{flushed:?}"));
    let data = dir.path().file_name().and_then(|name| name.to_str()).expect("a name");
    let next_run = flushed.iter().position(|name| name.ends_with(".spare")).expect("the next run begins");
    assert!(place(data) < next_run && place("0000000001.journal") < next_run, "{flushed:?}");
}

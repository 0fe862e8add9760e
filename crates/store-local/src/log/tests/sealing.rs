//! Journals become segments, segments go when their time has come.

use std::fs;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;

use super::*;
use crate::OpenError;

fn segment_files(dir: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<_> =
        fs::read_dir(dir.join("segments")).expect("directory").map(|entry| entry.expect("entry").path()).collect();
    paths.sort();
    paths
}

fn bytes_of(dir: &Path) -> Vec<u8> {
    let mut found = Vec::new();
    for part in ["journal", "segments"] {
        for entry in fs::read_dir(dir.join(part)).expect("directory") {
            found.extend(fs::read(entry.expect("entry").path()).expect("read"));
        }
    }
    found
}

fn contains(haystack: &[u8], needle: &str) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle.as_bytes())
}

/// Fills several journals with records of three logs, each with another retention; the third is encrypted.
async fn fill(log: &LocalLog, rounds: usize) {
    for (id, hours) in [(1, 1), (2, 30), (3, 24)] {
        log.open(LogId(id), LogOptions { retention: Duration::from_secs(hours * 3600), closed: false });
    }
    for round in 0..rounds {
        for id in 1..=3u64 {
            let text = format!("{}{id}/{round}/{}", if id == 3 { "hidden" } else { "plain" }, "x".repeat(2000));
            append(log, id, &[&text, "second"], id == 3).await.expect("append");
        }
    }
}

fn check(records: &[StoredRecord], id: u64, rounds: usize) {
    assert_eq!(records.len(), rounds * 2);
    for (i, record) in records.iter().enumerate() {
        assert_eq!(record.position, Position(i as u64));
        assert_eq!(record.encrypted, id == 3);
        if i % 2 == 0 {
            let text = std::str::from_utf8(&record.data).expect("text");
            assert!(text.contains(&format!("{id}/{}/", i / 2)), "{text}");
        }
    }
}

#[tokio::test]
async fn tail_journal_and_segments_read_the_same() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let settings = LocalLogSettings { tail_budget_bytes: 30_000, ..small(dir.path()) };
    let log = open_log(&settings).expect("opens");
    fill(&log, 100).await;
    for id in 1..=3 {
        check(&all(&log, id).await.expect("from tail and journals"), id, 100);
    }
    assert!(segment_files(dir.path()).is_empty(), "nothing is rewritten before all logs are open");
    log.all_logs_open();
    sealed(&log).await;
    assert!(segment_files(dir.path()).len() >= 3);
    for id in 1..=3 {
        check(&all(&log, id).await.expect("from tail and segments"), id, 100);
        for from in [0u64, 1, 77, 150, 199] {
            let run = log.read(LogId(id), Position(from), ReadLimit { records: 1, bytes: 1 }).await.expect("read");
            assert_eq!(run.records[0].position, Position(from));
        }
    }
    let found = bytes_of(dir.path());
    assert!(contains(&found, "plain1/0/"));
    assert!(!contains(&found, "hidden"), "encrypted logs are nowhere in plain text");
    let segments = log.counter("segments");
    log.crash();
    let log = open_log(&settings).expect("opens again");
    (1..=3).for_each(|id| log.open(LogId(id), OPTIONS));
    assert_eq!(log.counter("segments"), segments);
    for id in 1..=3 {
        check(&all(&log, id).await.expect("from segments and journal"), id, 100);
    }
}

/// A store that is handed in is written through its own engine, not past the page cache.
#[tokio::test]
async fn segments_live_in_a_given_store() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let settings = LocalLogSettings { tail_budget_bytes: 30_000, ..small(dir.path()) };
    let store: Arc<dyn object_store::ObjectStore> = Arc::new(object_store::memory::InMemory::new());
    let open = || LocalLog::open(&settings, Arc::new(SystemClock), Arc::new(TestKey), Some(Arc::clone(&store)));
    let log = open().expect("opens");
    fill(&log, 100).await;
    log.all_logs_open();
    sealed(&log).await;
    assert!(!dir.path().join("segments").exists(), "nothing is kept beside the journal");
    for id in 1..=3 {
        check(&all(&log, id).await.expect("from tail and segments"), id, 100);
    }
    let segments = log.counter("segments");
    assert!(segments >= 3);
    log.crash();
    let log = open().expect("opens again");
    (1..=3).for_each(|id| log.open(LogId(id), OPTIONS));
    assert_eq!(log.counter("segments"), segments);
    for id in 1..=3 {
        check(&all(&log, id).await.expect("from the given store and journal"), id, 100);
    }
}

#[tokio::test]
async fn time_is_found_in_segments() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let clock = Arc::new(ManualClock::new(Timestamp::from_millis(0)));
    let log = open_at(&small(dir.path()), Arc::clone(&clock) as Arc<dyn Clock>).expect("opens");
    log.all_logs_open();
    log.open(LogId(1), OPTIONS);
    for i in 0..200i64 {
        clock.set(Timestamp::from_millis(i * 10));
        append(&log, 1, &["x".repeat(3000).as_str(), "y"], false).await.expect("append");
    }
    sealed(&log).await;
    assert!(log.counter("segments") > 1);
    for i in 0..200i64 {
        for (at, expected) in [(i * 10, i * 2), (i * 10 - 9, i * 2), (i * 10 + 1, i * 2 + 2)] {
            let found = log.find(LogId(1), Timestamp::from_millis(at)).await.expect("find");
            assert_eq!(found.0.cast_signed(), expected, "at {at}");
        }
    }
}

#[tokio::test]
async fn segments_go_when_everything_in_them_is_past_retention() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let clock = Arc::new(ManualClock::new(Timestamp::from_millis(1_000_000)));
    let log = open_at(&small(dir.path()), Arc::clone(&clock) as Arc<dyn Clock>).expect("opens");
    log.all_logs_open();
    fill(&log, 60).await;
    sealed(&log).await;
    let before = log.counter("segments");
    assert!(before >= 3);
    clock.advance(Duration::from_secs(2 * 3600));
    log.maintain();
    let first = log.bounds(LogId(1)).expect("bounds").first;
    assert!(first > Position(0), "one hour is over");
    assert_eq!(log.bounds(LogId(2)).expect("bounds").first, Position(0));
    let run = log.read(LogId(1), Position(0), LIMIT).await.expect("read");
    assert!(run.records.iter().all(|record| record.position >= first));
    clock.advance(Duration::from_secs(23 * 3600));
    log.remove(LogId(2));
    log.maintain();
    assert_eq!(log.counter("segments"), 0, "the rest is past retention or removed");
    assert!(segment_files(dir.path()).is_empty());
    log.crash();
    let log = open_at(&small(dir.path()), clock).expect("opens");
    log.open(LogId(1), OPTIONS);
    assert_eq!(append(&log, 1, &["a"], false).await, Ok(Position(120)), "positions are never given twice");
}

#[tokio::test]
async fn readers_pass_over_what_was_dropped_at_the_end() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let clock = Arc::new(ManualClock::new(Timestamp::from_millis(1_000_000)));
    let settings = LocalLogSettings { tail_budget_bytes: 0, ..small(dir.path()) };
    let log = open_at(&settings, Arc::clone(&clock) as Arc<dyn Clock>).expect("opens");
    log.all_logs_open();
    // Of one class, so that the segment of both stays when only the first is past retention.
    for (id, hours) in [(1, 3), (2, 4)] {
        log.open(LogId(id), LogOptions { retention: Duration::from_secs(hours * 3600), closed: false });
    }
    for id in [1, 2, 1, 2, 1, 2, 2, 1] {
        append(&log, id, &["x".repeat(20_000).as_str()], false).await.expect("append");
    }
    sealed(&log).await;
    clock.advance(Duration::from_secs(3 * 3600 + 1800));
    for _ in 0..6 {
        append(&log, 2, &["x".repeat(20_000).as_str()], false).await.expect("append");
    }
    sealed(&log).await;
    let bounds = log.bounds(LogId(1)).expect("bounds");
    let run = log.read(LogId(1), bounds.first, LIMIT).await.expect("read");
    assert!(!run.records.is_empty() && (run.records.len() as u64) < bounds.next.0, "a part was dropped: {bounds:?}");
    let run = log.read(LogId(1), bounds.first, ReadLimit { records: run.records.len(), ..LIMIT }).await.expect("read");
    let run = log.read(LogId(1), run.next, LIMIT).await.expect("read");
    assert_eq!((run.records.len(), run.next), (0, bounds.next));
}

#[tokio::test]
async fn positions_are_remembered_without_any_record() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let clock = Arc::new(ManualClock::new(Timestamp::from_millis(1_000_000)));
    let log = open_at(&small(dir.path()), Arc::clone(&clock) as Arc<dyn Clock>).expect("opens");
    log.open(LogId(1), OPTIONS);
    append(&log, 1, &["a", "b", "c"], false).await.expect("append");
    log.shut_down();
    drop(log);
    clock.advance(OPTIONS.retention * 2);
    // The recovered journal has nothing worth keeping and is dropped.
    let log = open_at(&small(dir.path()), Arc::clone(&clock) as Arc<dyn Clock>).expect("opens");
    log.open(LogId(1), OPTIONS);
    log.all_logs_open();
    sealed(&log).await;
    let bounds = log.bounds(LogId(1)).expect("bounds");
    assert_eq!((bounds.first, bounds.next, bounds.last_arrival), (Position(3), Position(3), None));
    log.crash();
    let log = open_at(&small(dir.path()), clock).expect("opens");
    log.open(LogId(1), OPTIONS);
    assert_eq!(log.bounds(LogId(1)).expect("bounds").next, Position(3));
}

#[tokio::test]
async fn logs_that_nobody_opens_are_dropped() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let log = open_log(&small(dir.path())).expect("opens");
    fill(&log, 30).await;
    log.crash();
    let log = open_log(&small(dir.path())).expect("opens");
    log.open(LogId(2), OPTIONS);
    log.all_logs_open();
    sealed(&log).await;
    check(&all(&log, 2).await.expect("kept"), 2, 30);
    assert_eq!(log.bounds(LogId(1)), Err(LogError::NotFound));
    let found = bytes_of(dir.path());
    assert!(contains(&found, "plain2/") && !contains(&found, "plain1/0/"));
}

#[tokio::test]
async fn damaged_segments_are_noticed() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let settings = LocalLogSettings { tail_budget_bytes: 0, ..small(dir.path()) };
    let log = open_log(&settings).expect("opens");
    log.all_logs_open();
    fill(&log, 60).await;
    sealed(&log).await;
    let path = &segment_files(dir.path())[0];
    let good = fs::read(path).expect("read");
    let write = |offset: usize, byte: u8| {
        let file = fs::OpenOptions::new().write(true).open(path).expect("open");
        file.write_all_at(&[byte], offset as u64).expect("write");
    };
    let name = path.file_name().and_then(|name| name.to_str()).expect("name").to_owned();
    write(5000, good[5000] ^ 1);
    let reads = [all(&log, 1).await, all(&log, 2).await, all(&log, 3).await];
    let damaged: Vec<_> = reads.into_iter().filter_map(Result::err).collect();
    assert_eq!(damaged.len(), 1, "{damaged:?}");
    assert!(matches!(&damaged[0], LogError::Damaged(text) if text.contains(&name)), "{damaged:?}");
    write(5000, good[5000]);
    log.crash();
    write(good.len() - 30, good[good.len() - 30] ^ 1);
    match open_log(&settings) {
        Err(OpenError::Damaged { file, .. }) => assert!(file.contains(&name)),
        other => panic!("{:?}", other.err()),
    }
    fs::remove_file(path).expect("remove");
    let missing = format!("{} is damaged at offset 0: the segment is missing", path.display());
    assert_eq!(open_log(&settings).err().expect("refused").to_string(), missing);
    fs::write(path, good).expect("write");
    open_log(&settings).expect("as before");
}

#[tokio::test]
async fn segments_of_another_length_are_named() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let settings = LocalLogSettings { tail_budget_bytes: 0, ..small(dir.path()) };
    let log = open_log(&settings).expect("opens");
    log.all_logs_open();
    fill(&log, 60).await;
    sealed(&log).await;
    let path = &segment_files(dir.path())[0];
    let good = fs::read(path).expect("read");
    let cut = |len: usize| {
        fs::OpenOptions::new().write(true).open(path).expect("open").set_len(len as u64).expect("cut");
        format!("{len} bytes long, it was made with {}", good.len())
    };
    for len in [good.len() / 2, 100, 0] {
        let text = format!("{} is {}", path.display(), cut(len));
        let reads = [all(&log, 1).await, all(&log, 2).await, all(&log, 3).await];
        let damaged: Vec<_> = reads.into_iter().filter_map(Result::err).collect();
        assert_eq!(damaged, [LogError::Damaged(text)]);
        fs::write(path, &good).expect("write");
    }
    log.crash();
    for len in [good.len() + 1, good.len() - 1, good.len() / 2, 0] {
        let reason = cut(len);
        let text = format!("{} is damaged at offset {}: the file is {reason}", path.display(), len.min(good.len()));
        assert_eq!(open_log(&settings).err().expect("refused").to_string(), text);
        fs::write(path, &good).expect("write");
    }
    open_log(&settings).expect("as before");
}

#[tokio::test]
async fn half_done_work_of_a_crash_is_cleaned_up() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let log = open_log(&small(dir.path())).expect("opens");
    fill(&log, 40).await;
    log.crash();
    let stranger = dir.path().join("segments/0000000000000001.segment");
    fs::write(&stranger, b"half a segment").expect("write");
    fs::write(dir.path().join("segments/0000000000000099.segment"), b"half a segment").expect("write");
    fs::write(dir.path().join("journal/0000000099.journal.spare"), b"half a file").expect("write");
    let half_made = dir.path().join("journal/0000000098.journal.new");
    fs::write(&half_made, b"half a file").expect("write");
    let upload = dir.path().join("segments/0000000000000002.segment#1");
    fs::write(&upload, b"half an upload").expect("write");
    let log = open_log(&small(dir.path())).expect("opens");
    assert!(!upload.exists() && !half_made.exists());
    (1..=3).for_each(|id| log.open(LogId(id), OPTIONS));
    log.all_logs_open();
    sealed(&log).await;
    for id in 1..=3 {
        check(&all(&log, id).await.expect("read"), id, 40);
    }
    assert!(!dir.path().join("segments/0000000000000099.segment").exists());
    assert!(!dir.path().join("journal/0000000099.journal.spare").exists());
}

#[tokio::test]
async fn recycled_files_do_not_bring_old_frames_back() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let settings = LocalLogSettings { journal_bytes_max: 64 << 10, ..small(dir.path()) };
    let log = open_log(&settings).expect("opens");
    log.all_logs_open();
    for round in 0..10 {
        fill(&log, 12).await;
        sealed(&log).await;
        assert_eq!(all(&log, 1).await.expect("read").len(), (round + 1) * 24);
    }
    log.crash();
    let log = open_log(&settings).expect("stale bytes are ignored");
    log.open(LogId(1), OPTIONS);
    assert_eq!(all(&log, 1).await.expect("read").len(), 240);
}

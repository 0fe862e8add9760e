//! What is found after an end without notice, and what damage is not taken for one.

use std::fs;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;

use super::*;
use crate::OpenError;

/// Journal files in order.
fn journals(dir: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> = fs::read_dir(dir.join("journal"))
        .expect("journal directory")
        .map(|entry| entry.expect("entry").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "journal"))
        .collect();
    paths.sort();
    paths
}

/// Writes `count` frames of one record each, of one block, and crashes.
async fn crashed(settings: &LocalLogSettings, count: usize, encrypted: bool) {
    let log = open_log(settings).expect("opens");
    log.open(LogId(1), OPTIONS);
    for i in 0..count {
        append(&log, 1, &[&format!("record {i} {}", "x".repeat(100))], encrypted).await.expect("append");
    }
    log.crash();
}

/// Opens again and answers how many records are there.
async fn reopened(settings: &LocalLogSettings) -> Result<usize, OpenError> {
    let log = open_log(settings)?;
    log.open(LogId(1), OPTIONS);
    let records = all(&log, 1).await.expect("read");
    for (i, record) in records.iter().enumerate() {
        assert_eq!(record.position, Position(i as u64));
        assert!(record.data.starts_with(format!("record {i} ").as_bytes()));
    }
    log.crash();
    Ok(records.len())
}

fn overwrite(path: &Path, offset: u64, bytes: &[u8]) {
    let file = fs::OpenOptions::new().write(true).open(path).expect("open");
    file.write_all_at(bytes, offset).expect("write");
}

fn flip(path: &Path, offset: u64, bit: u8) {
    let file = fs::OpenOptions::new().read(true).write(true).open(path).expect("open");
    let mut byte = [0];
    file.read_exact_at(&mut byte, offset).expect("read");
    file.write_all_at(&[byte[0] ^ (1 << bit)], offset).expect("write");
}

fn assert_damaged(result: Result<usize, OpenError>, path: &Path, at: std::ops::RangeInclusive<u64>) {
    match result {
        Err(OpenError::Damaged { file, offset, .. }) => {
            assert_eq!(file, path.display().to_string());
            assert!(at.contains(&offset), "offset {offset} of {at:?}");
        }
        other => panic!("damage was not noticed: {other:?}"),
    }
}

#[tokio::test]
async fn everything_acknowledged_is_there() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let settings = small(dir.path());
    let mut expected = 0;
    for round in 0..4 {
        let log = open_log(&settings).expect("opens");
        log.open(LogId(1), OPTIONS);
        assert_eq!(log.bounds(LogId(1)).expect("bounds").next, Position(expected));
        for _ in 0..20 {
            append(&log, 1, &[&format!("record {expected} ")], round % 2 == 0).await.expect("append");
            expected += 1;
        }
        log.crash();
    }
    assert_eq!(reopened(&settings).await.expect("opens") as u64, expected);
}

#[tokio::test]
async fn a_torn_end_is_dropped() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let settings = small(dir.path());
    crashed(&settings, 8, false).await;
    let path = &journals(dir.path())[0];
    // Frames are one block each: header block, then frames 1 to 8. The last one was written in half.
    overwrite(path, 8 * 4096 + 100, &[0; 3000]);
    assert_eq!(reopened(&settings).await.expect("opens"), 7);
    // The second look comes to the same result, with a run in between that has begun at frame 8.
    assert_eq!(reopened(&settings).await.expect("opens"), 7);
}

#[tokio::test]
async fn garbage_in_place_of_the_last_frame_is_a_torn_end() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let settings = small(dir.path());
    crashed(&settings, 8, false).await;
    overwrite(&journals(dir.path())[0], 8 * 4096, &[0xa5; 4096]);
    assert_eq!(reopened(&settings).await.expect("opens"), 7);
}

#[tokio::test]
async fn a_journal_of_another_length_refuses_to_start() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let settings = small(dir.path());
    crashed(&settings, 40, false).await;
    for path in journals(dir.path()) {
        let whole = fs::read(&path).expect("read");
        let len = whole.len() as u64;
        // Also where no frame stands: what is missing there cannot be told from what is missing elsewhere.
        for cut in [0, 100, 4095, 4096, 8 * 4096 + 50, len - 4096, len - 1, len + 1, len + 4096] {
            fs::OpenOptions::new().write(true).open(&path).expect("open").set_len(cut).expect("cut");
            let error = reopened(&settings).await.expect_err("damage");
            assert!(error.to_string().contains(&format!("the file is {cut} bytes long")), "{error}");
            assert_damaged(Err(error), &path, cut.min(len)..=cut.min(len));
            fs::write(&path, &whole).expect("write");
        }
        overwrite(&path, 0, &[0; 4096]);
        assert_damaged(reopened(&settings).await, &path, 0..=0);
        fs::write(&path, &whole).expect("write");
    }
    assert_eq!(reopened(&settings).await.expect("as before"), 40);
}

#[tokio::test]
async fn every_frame_but_the_last_is_proven_by_a_later_one() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let settings = small(dir.path());
    crashed(&settings, 8, false).await;
    let path = &journals(dir.path())[0];
    for frame in 1..8 {
        // Each append waited for the one before, and its frame says so.
        flip(path, frame * 4096 + 90, 2);
        assert_damaged(reopened(&settings).await, path, frame * 4096..=frame * 4096);
        flip(path, frame * 4096 + 90, 2);
    }
    overwrite(path, 6 * 4096, &[0; 2 * 4096]);
    assert_damaged(reopened(&settings).await, path, 6 * 4096..=6 * 4096);
}

#[tokio::test]
async fn damage_in_the_middle_refuses_to_start() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let settings = small(dir.path());
    crashed(&settings, 9, true).await;
    let path = &journals(dir.path())[0];
    flip(path, 3 * 4096 + 80, 4);
    let before = fs::read(path).expect("read");
    assert_damaged(reopened(&settings).await, path, 3 * 4096..=3 * 4096);
    assert_eq!(fs::read(path).expect("read"), before, "nothing was changed");
    flip(path, 3 * 4096 + 80, 4);
    assert_eq!(reopened(&settings).await.expect("mended"), 9);
}

#[tokio::test]
async fn damage_before_a_later_run_refuses_to_start() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let settings = small(dir.path());
    crashed(&settings, 3, false).await;
    assert_eq!(reopened(&settings).await.expect("opens"), 3);
    let path = &journals(dir.path())[0];
    // The last frame of the first run: what begins later proves that it was complete.
    flip(path, 3 * 4096 + 90, 0);
    assert_damaged(reopened(&settings).await, path, 3 * 4096..=3 * 4096);
}

#[tokio::test]
async fn a_missing_journal_refuses_to_start() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let settings = small(dir.path());
    crashed(&settings, 40, false).await;
    let paths = journals(dir.path());
    assert!(paths.len() > 2, "{paths:?}");
    let moved = dir.path().join("moved");
    fs::rename(&paths[0], &moved).expect("rename");
    assert!(matches!(reopened(&settings).await, Err(OpenError::Damaged { .. })));
    fs::rename(&moved, &paths[0]).expect("rename");
    fs::rename(&paths[1], &moved).expect("rename");
    assert_damaged(reopened(&settings).await, &paths[2], 0..=0);
    fs::rename(&moved, &paths[1]).expect("rename");
    assert_eq!(reopened(&settings).await.expect("as before"), 40);
}

#[tokio::test]
async fn missing_newest_journals_refuse_to_start() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let settings = small(dir.path());
    // With all records in one file, and in several.
    let mut expected = 0;
    for count in [3, 40] {
        let log = open_log(&settings).expect("opens");
        log.open(LogId(1), OPTIONS);
        for i in expected..expected + count {
            append(&log, 1, &[&format!("record {i} ")], false).await.expect("append");
        }
        expected += count;
        log.crash();
        let paths = journals(dir.path());
        let holding: Vec<_> =
            paths.iter().filter(|path| fs::read(path).expect("read")[4096..].starts_with(b"AFRM")).collect();
        let newest = *holding.last().expect("a journal with records");
        let moved = dir.path().join("moved");
        fs::create_dir(&moved).expect("directory");
        // The one that was made ready, the newest that holds records, then all others.
        for path in paths.iter().rev() {
            fs::rename(path, moved.join(path.file_name().expect("name"))).expect("rename");
            if path <= newest {
                assert!(
                    matches!(reopened(&settings).await, Err(OpenError::Damaged { .. })),
                    "without {}",
                    path.display()
                );
            }
        }
        for path in &paths {
            fs::rename(moved.join(path.file_name().expect("name")), path).expect("rename");
        }
        fs::remove_dir(&moved).expect("remove");
        assert_eq!(reopened(&settings).await.expect("as before"), expected);
    }
}

#[tokio::test]
async fn a_missing_newest_journal_is_named() {
    let dir = tempfile::tempdir().expect("temporary directory");
    crashed(&small(dir.path()), 3, false).await;
    for path in journals(dir.path()).iter().rev() {
        fs::remove_file(path).expect("remove");
        assert_damaged(reopened(&small(dir.path())).await, path, 0..=0);
    }
}

/// Starts without an append neither lose files nor heap them up.
#[tokio::test]
async fn unused_journals_are_taken_again() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let settings = small(dir.path());
    crashed(&settings, 3, false).await;
    for _ in 0..5 {
        assert_eq!(reopened(&settings).await.expect("opens"), 3);
        let journals = journals(dir.path());
        assert!((2..=3).contains(&journals.len()), "{journals:?}");
        let files = fs::read_dir(dir.path().join("journal")).expect("directory").count();
        assert!(files <= 3, "{files} files");
    }
}

#[tokio::test]
async fn every_flip_after_an_orderly_end_is_noticed() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let settings = small(dir.path());
    let log = open_log(&settings).expect("opens");
    log.open(LogId(1), OPTIONS);
    for i in 0..6 {
        append(&log, 1, &[&format!("record {i} ")], i % 2 == 0).await.expect("append");
    }
    drop(log);
    let path = &journals(dir.path())[0];
    let live_of_frame = 64 + 40 + 6 + 10 + 9;
    for i in 0..120u64 {
        // Spread over header block and frames, within the bytes that mean something.
        let block = i % 7;
        let offset = block * 4096 + (i * 37) % live_of_frame;
        flip(path, offset, (i % 8) as u8);
        let place = if block == 0 { 0..=0 } else { block * 4096..=block * 4096 };
        assert_damaged(reopened(&settings).await, path, place);
        flip(path, offset, (i % 8) as u8);
    }
    assert_eq!(reopened(&settings).await.expect("as before"), 6);
}

#[tokio::test]
async fn an_orderly_end_is_known_without_flushes_too() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let settings = LocalLogSettings { durability: Durability::None, ..small(dir.path()) };
    let log = open_log(&settings).expect("opens");
    log.open(LogId(1), OPTIONS);
    for i in 0..6 {
        append(&log, 1, &[&format!("record {i} ")], false).await.expect("append");
    }
    drop(log);
    let path = &journals(dir.path())[0];
    flip(path, 3 * 4096 + 80, 4);
    assert_damaged(reopened(&settings).await, path, 3 * 4096..=3 * 4096);
    flip(path, 3 * 4096 + 80, 4);
    assert_eq!(reopened(&settings).await.expect("as before"), 6);
}

#[tokio::test]
async fn flips_behind_the_back_of_a_running_log_are_noticed_on_read() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let settings = LocalLogSettings { tail_budget_bytes: 0, ..small(dir.path()) };
    let log = open_log(&settings).expect("opens");
    log.open(LogId(1), OPTIONS);
    append(&log, 1, &["record 0 "], false).await.expect("append");
    append(&log, 1, &["record 1 "], true).await.expect("append");
    for (block, offset) in [(1u64, 70), (1, 110), (2, 100), (2, 130)] {
        let path = &journals(dir.path())[0];
        flip(path, block * 4096 + offset, 3);
        let expected = format!("{} at offset {}", path.display(), block * 4096 + 64);
        let read = log.read(LogId(1), Position(block - 1), LIMIT).await;
        assert_eq!(read, Err(LogError::Damaged(expected)));
        flip(path, block * 4096 + offset, 3);
    }
    assert_eq!(all(&log, 1).await.expect("as before").len(), 2);
}

#[tokio::test]
async fn another_root_key_is_refused() {
    struct Other;
    impl RootKey for Other {
        fn id(&self) -> &str {
            "other"
        }
        fn wrap(&self, data_key: &DataKey) -> Vec<u8> {
            data_key.to_vec()
        }
        fn unwrap(&self, _: &[u8]) -> Result<DataKey, UnwrapError> {
            Err(UnwrapError { root_key_id: "other".to_owned(), reason: "not mine".to_owned() })
        }
    }
    let dir = tempfile::tempdir().expect("temporary directory");
    crashed(&small(dir.path()), 1, true).await;
    let error = LocalLog::open(&small(dir.path()), Arc::new(SystemClock), Arc::new(Other), None).err();
    assert!(matches!(error, Some(OpenError::Key { .. })), "{error:?}");
}

#[tokio::test]
async fn a_lost_manifest_is_noticed() {
    let dir = tempfile::tempdir().expect("temporary directory");
    crashed(&small(dir.path()), 1, false).await;
    fs::remove_file(dir.path().join("log.manifest")).expect("remove");
    let error = open_log(&small(dir.path())).err();
    assert!(matches!(error, Some(OpenError::Damaged { .. })), "{error:?}");
}

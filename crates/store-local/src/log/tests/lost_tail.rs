use std::path::PathBuf;

use super::driver::{commit, open_stepped, queued};
use super::*;
use crate::bytes::crc32c;

fn journal(dir: &Path, number: u32) -> PathBuf {
    dir.join(format!("journal/{number:010}.journal"))
}

/// Zeros from an offset on: frames that never reached the device.
fn lose(journal: &Path, offset: usize) {
    let mut bytes = std::fs::read(journal).expect("read");
    assert!(bytes[offset..].starts_with(b"AFRM"));
    bytes[offset..].fill(0);
    std::fs::write(journal, bytes).expect("write");
}

/// Gives the only record of the frame at `offset`, the last one of its run, another position under right checksums.
fn move_record(journal: &Path, offset: usize, position: u64) {
    let mut bytes = std::fs::read(journal).expect("read");
    let frame = &mut bytes[offset..];
    let length = 64 + u32::from_le_bytes(*frame[36..].first_chunk().expect("a length")) as usize;
    frame[80..88].copy_from_slice(&position.to_le_bytes());
    let crc = crc32c(&frame[68..length]);
    frame[64..68].copy_from_slice(&crc.to_le_bytes());
    let crc = crc32c(&frame[8..length]);
    frame[4..8].copy_from_slice(&crc.to_le_bytes());
    std::fs::write(journal, bytes).expect("write");
}

/// Starts again and again; the log goes on at the position.
async fn goes_on(settings: &LocalLogSettings, position: u64) {
    for restart in 0..3 {
        let log = open_log(settings).unwrap_or_else(|error| panic!("restart {restart}: {error}"));
        log.open(LogId(1), OPTIONS);
        let next = Position(position + restart);
        assert_eq!(append(&log, 1, &["later"], false).await.expect("room"), next);
        assert_eq!(all(&log, 1).await.expect("readable").last().map(|last| last.position), Some(next));
        log.crash();
    }
}

/// Without a flush per commit a power cut takes records of which the manifest knows. Their positions are not given
/// again, and the node starts again and again.
#[tokio::test]
async fn positions_that_power_took_are_passed_over() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let settings = LocalLogSettings { durability: Durability::None, ..small(dir.path()) };
    let log = open_log(&settings).expect("opens");
    log.open(LogId(1), OPTIONS);
    log.all_logs_open();
    // A frame for each; they fill the first file and begin the second.
    for _ in 0..20 {
        append(&log, 1, &["x"], false).await.expect("room");
    }
    sealed(&log).await;
    log.crash();
    // Of the second file, only the first frame was on the device.
    lose(&journal(dir.path(), 2), 2 * 4096);
    goes_on(&settings, 20).await;
}

/// The same when the run before did flush its commits, and nothing is left of the one that did not.
#[tokio::test]
async fn positions_of_a_lost_run_are_passed_over() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let flushed = small(dir.path());
    let log = open_log(&flushed).expect("opens");
    log.open(LogId(1), OPTIONS);
    // They fill the first file and begin the second.
    for _ in 0..20 {
        append(&log, 1, &["x"], false).await.expect("room");
    }
    log.crash();
    let (log, driver) = open_stepped(&LocalLogSettings { durability: Durability::None, ..flushed.clone() });
    log.open(LogId(1), OPTIONS);
    log.all_logs_open();
    let appended = queued(&log, "lost".to_owned()).await;
    assert!(commit(&driver));
    assert_eq!(appended.await.expect("runs"), Ok(Position(20)));
    // Rewrites the first file, and the manifest that comes with it knows of the record in the third.
    driver.maintain().await;
    assert!(journal(dir.path(), 2).exists(), "not rewritten yet");
    drop((log, driver));
    lose(&journal(dir.path(), 3), 4096);
    goes_on(&flushed, 21).await;
}

#[tokio::test]
async fn positions_in_journals_rise_and_have_no_gap_within_a_run() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let settings = small(dir.path());
    for _ in 0..2 {
        let log = open_log(&settings).expect("opens");
        log.open(LogId(1), OPTIONS);
        for _ in 0..2 {
            append(&log, 1, &["x"], false).await.expect("room");
        }
        log.crash();
    }
    // The second run has the positions 2 and 3.
    let path = journal(dir.path(), 2);
    for (offset, position, others) in [(2 * 4096, 3, [2, 4]), (4096, 2, [0, 1])] {
        for other in others {
            move_record(&path, offset, other);
            let error = open_log(&settings).err().expect("refused").to_string();
            let place = format!("{} is damaged at offset {}: positions of log 1", path.display(), offset + 64);
            assert!(error.starts_with(&place), "{error}");
        }
        move_record(&path, offset, position);
        // The next case is about the frame before.
        if offset > 4096 {
            lose(&path, offset);
        }
    }
    open_log(&settings).expect("as before");
}

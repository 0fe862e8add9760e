//! Single bits that flip while nothing runs: the start or the read refuses and names the file, or everything is read as
//! it was acknowledged.

use std::fs;
use std::path::PathBuf;

use super::*;

const LOGS: [u64; 2] = [1, 2];
const FRAME_BYTES_OFFSET: usize = 36;

fn settings(dir: &Path) -> LocalLogSettings {
    LocalLogSettings { tail_budget_bytes: 0, ..small(dir) }
}

/// Records of a plain and an encrypted log, the older ones in segments, the newer ones in journals; ended in order.
async fn filled(dir: &Path) -> Vec<Vec<StoredRecord>> {
    let log = open_log(&settings(dir)).expect("opens");
    LOGS.iter().for_each(|id| log.open(LogId(*id), OPTIONS));
    log.all_logs_open();
    for round in 0..30 {
        for id in LOGS {
            let text = format!("old {round} {}", "x".repeat(4500));
            append(&log, id, &[&text, "second"], id == 2).await.expect("append");
        }
    }
    sealed(&log).await;
    log.shut_down();
    drop(log);
    let log = open_log(&settings(dir)).expect("opens");
    LOGS.iter().for_each(|id| log.open(LogId(*id), OPTIONS));
    for round in 0..12 {
        for id in LOGS {
            append(&log, id, &[&format!("new {round} {}", "y".repeat(2500))], id == 2).await.expect("append");
        }
    }
    let mut records = Vec::new();
    for id in LOGS {
        records.push(all(&log, id).await.expect("read"));
    }
    records
}

/// The bytes of a directory and those below it.
fn files(dir: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).expect("directory") {
        let path = entry.expect("entry").path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            let bytes = fs::read(&path).expect("read");
            found.push((path, bytes));
        }
    }
    found
}

/// Offsets into header block, headers of frames and batches, records, padding, and what is behind the last frame.
fn places_in_journal(bytes: &[u8]) -> Vec<usize> {
    let mut places: Vec<usize> = (0..140).step_by(3).chain([1000, 4095]).collect();
    let mut frames = Vec::new();
    let mut at = 4096;
    while bytes.get(at..).is_some_and(|rest| rest.starts_with(b"AFRM")) {
        let len = bytes[at + FRAME_BYTES_OFFSET..].first_chunk().map(|len| u32::from_le_bytes(*len)).expect("header");
        frames.push((at, 64 + len as usize));
        at = (at + 64 + len as usize).next_multiple_of(4096);
    }
    for index in [0, 1, frames.len() / 2, frames.len().saturating_sub(1)] {
        let Some((frame, len)) = frames.get(index) else { continue };
        places.extend((0..64).step_by(5).chain((64..104).step_by(3)).map(|offset| frame + offset));
        places.extend([104, 110, 120, len / 2, len - 1, len + 5].map(|offset| frame + offset));
    }
    places.extend([at, at + 7, at + 5000]);
    places.retain(|place| *place < bytes.len());
    places
}

fn places(path: &Path, bytes: &[u8]) -> Vec<usize> {
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("journal") => places_in_journal(bytes),
        // Header, data, sparse indexes and footer.
        Some("segment") => (0..bytes.len()).step_by(bytes.len() / 40).chain(bytes.len() - 300..bytes.len()).collect(),
        Some("manifest") => (0..bytes.len()).collect(),
        _ => Vec::new(),
    }
}

/// Answers whether the flip was noticed.
async fn check(dir: &Path, path: &Path, expected: &[Vec<StoredRecord>], place: usize) -> bool {
    let name = path.file_name().and_then(|name| name.to_str()).expect("name");
    let log = match open_log(&settings(dir)) {
        Ok(log) => log,
        Err(error) => {
            assert!(error.to_string().contains(name), "{name} at {place}: {error}");
            return true;
        }
    };
    let mut noticed = false;
    for (id, expected) in LOGS.iter().zip(expected) {
        log.open(LogId(*id), OPTIONS);
        match all(&log, *id).await {
            Ok(records) => assert_eq!(&records, expected, "{name} at {place}"),
            Err(error) => {
                assert!(error.to_string().contains(name), "{name} at {place}: {error}");
                noticed = true;
            }
        }
    }
    noticed
}

#[tokio::test]
async fn a_flipped_bit_is_refused_by_name_or_means_nothing() {
    // In memory where that is possible: hundreds of starts flush more than a disk likes.
    let dir = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).expect("temporary directory");
    let expected = filled(dir.path()).await;
    let originals = files(dir.path());
    let (mut flipped, mut noticed) = (0, 0);
    for (path, bytes) in &originals {
        // Every third: enough to come to every field of every kind of file.
        for place in places(path, bytes).into_iter().step_by(3) {
            fs::remove_dir_all(dir.path()).expect("remove");
            for part in ["journal", "segments"] {
                fs::create_dir_all(dir.path().join(part)).expect("directory");
            }
            for (path, bytes) in &originals {
                fs::write(path, bytes).expect("write");
            }
            let mut bad = bytes.clone();
            bad[place] ^= 1 << (place % 8);
            fs::write(path, bad).expect("write");
            flipped += 1;
            noticed += u32::from(check(dir.path(), path, &expected, place).await);
        }
    }
    assert!(flipped > 200 && noticed > flipped * 8 / 10, "{noticed} of {flipped} were noticed");
}

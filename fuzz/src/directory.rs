//! The log of a data directory whose files may hold anything.
//!
//! An input is a byte, whose lowest bit says that checksums are to be put right, and pieces of files:
//! `file u8 | offset u16 | length u16 | bytes`, little endian. What no piece covers is zero. A piece without bytes makes
//! its file at least so long.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use base::time::{ManualClock, Timestamp};
use store::record_batch::RecordBatchBuilder;
use store::root_key::{DataKey, RootKey, UnwrapError};
use store::shard_log::{Append, LogError, LogId, LogOptions, Position, ReadLimit, ShardLog as _};
use store_local::{LocalLog, LocalLogSettings};

use crate::mend;
use crate::world::NOW;

/// Files by their number in an input: the manifest, then journals, segments and spare files, from 1 to 4 each.
const FILES: u8 = 13;
const JOURNALS: std::ops::RangeInclusive<u8> = 1..=4;
const SEGMENTS: std::ops::RangeInclusive<u8> = 5..=8;
/// Logs that are opened; the directory may hold others.
const LOGS: std::ops::Range<u64> = 1..5;
/// Reads of one log.
const READS_MAX: usize = 64;
const LIMIT: ReadLimit = ReadLimit { records: 16, bytes: 1 << 16 };
/// A check uses up fewer numbers of each kind than this.
const NUMBERS_LEFT_MIN: u64 = 1 << 16;

/// Where in the directory a file of an input lies.
#[must_use]
pub fn path_of(file: u8) -> PathBuf {
    let number = file.saturating_sub(1) % 4 + 1;
    PathBuf::from(match file {
        0 => "log.manifest".to_owned(),
        file if JOURNALS.contains(&file) => format!("journal/{number:010}.journal"),
        file if SEGMENTS.contains(&file) => format!("segments/{number:016}.segment"),
        _ => format!("journal/{number:010}.journal.spare"),
    })
}

/// The files that an input describes.
fn files(input: &[u8]) -> BTreeMap<u8, Vec<u8>> {
    let mut files: BTreeMap<u8, Vec<u8>> = BTreeMap::new();
    let Some((flags, mut rest)) = input.split_first() else { return files };
    while let Some((head, after)) = rest.split_first_chunk::<5>() {
        let [file, offset_low, offset_high, length_low, length_high] = *head;
        let offset = usize::from(u16::from_le_bytes([offset_low, offset_high]));
        let length = usize::from(u16::from_le_bytes([length_low, length_high])).min(after.len());
        let (bytes, after) = after.split_at(length);
        let content = files.entry(file % FILES).or_default();
        content.resize(content.len().max(offset + length), 0);
        content[offset..offset + length].copy_from_slice(bytes);
        rest = after;
    }
    if flags & 1 == 1 {
        mend_all(&mut files);
    }
    files
}

fn mend_all(files: &mut BTreeMap<u8, Vec<u8>>) {
    let mut previous = 0;
    let mut segments = Vec::new();
    for (file, content) in files.iter_mut() {
        match file {
            file if JOURNALS.contains(file) => mend::journal(content, &mut previous),
            file if SEGMENTS.contains(file) => segments.extend(mend::segment(content)),
            _ => {}
        }
    }
    if let Some(content) = files.get_mut(&0) {
        mend::manifest(content, &segments);
    }
}

/// Whether the directory goes on so near the end of journals, frames, segments or runs that what is written next may have a
/// number that is refused. No server gets there in any time; positions are looked at when the logs are open.
fn is_near_the_end(files: &BTreeMap<u8, Vec<u8>>) -> bool {
    let long = |file: u8, at: usize| {
        let bytes = files.get(&file).and_then(|content| content.get(at..)?.first_chunk());
        bytes.map_or(0, |bytes| u64::from_le_bytes(*bytes))
    };
    let (version, sealed) = (long(0, 12) & u64::from(u32::MAX), long(0, 16) & u64::from(u32::MAX));
    // Version 1 lacks a field.
    let shift = if version == 1 { 4 } else { 0 };
    let runs = JOURNALS.map(|journal| long(journal, 32));
    let mut numbers = [24, 32, 48].map(|at| long(0, at - shift)).into_iter().chain(runs);
    sealed > i32::MAX as u64 - NUMBERS_LEFT_MIN || numbers.any(is_near_i64_max)
}

fn is_near_i64_max(number: u64) -> bool {
    number > i64::MAX as u64 - NUMBERS_LEFT_MIN
}

/// Opens the directory. It is refused, and again when it is tried again; or it opens and takes records. If nothing in it
/// was missing, and it has numbers left, it opens again with all of them.
pub fn check(dir: &Path, input: &[u8]) {
    let files = files(input);
    make(dir, &files);
    let Ok(log) = open(dir) else {
        assert!(open(dir).is_err(), "a refusal changes nothing");
        return;
    };
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let is_whole = runtime.block_on(read_logs(&log)) && !is_near_the_end(&files);
    if is_whole {
        // A damaged journal cannot become a segment, and is tried again after a pause that would be ours.
        log.all_logs_open();
    }
    let written = runtime.block_on(append_to_logs(&log));
    if is_whole {
        log.maintain();
    }
    drop(log);
    let log = match open(dir) {
        Ok(log) => log,
        Err(error) => return assert!(!is_whole, "what was open and whole opens again: {error}"),
    };
    runtime.block_on(async {
        for (id, position, data) in written {
            log.open(id, LogOptions { retention: RETENTION, closed: false });
            let run = log.read(id, position, LIMIT).await.expect("an acknowledged record can be read");
            assert_eq!(
                run.records.first().map(|record| (record.position, &record.data[..])),
                Some((position, &data[..]))
            );
        }
    });
}

/// Of all logs.
pub const RETENTION: std::time::Duration = std::time::Duration::from_secs(24 * 3600);

/// Replaces everything in the directory.
pub fn make(dir: &Path, files: &BTreeMap<u8, Vec<u8>>) {
    if dir.exists() {
        std::fs::remove_dir_all(dir).expect("the directory is ours");
    }
    for folder in ["journal", "segments"] {
        std::fs::create_dir_all(dir.join(folder)).expect("room for a directory");
    }
    for (file, content) in files {
        std::fs::write(dir.join(path_of(*file)), content).expect("room for a file");
    }
}

/// The input that a directory is made of. Runs of zeros are left out.
#[must_use]
pub fn describe(dir: &Path) -> Vec<u8> {
    let mut input = vec![1];
    for file in 0..FILES {
        let Ok(content) = std::fs::read(dir.join(path_of(file))) else { continue };
        let mut at = 0;
        while at < content.len() {
            let zeros = content[at..].iter().take_while(|byte| **byte == 0).count();
            let end = at + zeros;
            let rest = &content[end..];
            let length = rest.windows(GAP).position(|window| window == [0; GAP]).unwrap_or(rest.len());
            put_piece(&mut input, file, end, &content[end..end + length]);
            at = end + length;
        }
    }
    input
}

/// So many zeros divide pieces.
const GAP: usize = 8;

fn put_piece(input: &mut Vec<u8>, file: u8, offset: usize, bytes: &[u8]) {
    input.push(file);
    for number in [offset, bytes.len()] {
        input.extend_from_slice(&u16::try_from(number).expect("files are small").to_le_bytes());
    }
    input.extend_from_slice(bytes);
}

/// Opens the log of a directory, with files as small as they can be.
///
/// # Errors
/// When the log refuses it.
pub fn open(dir: &Path) -> Result<Arc<LocalLog>, store_local::OpenError> {
    let settings = LocalLogSettings {
        journal_bytes_min: 1 << 14,
        journal_bytes_max: 1 << 14,
        commit_threads: 1,
        ..LocalLogSettings::new(dir)
    };
    LocalLog::open(&settings, Arc::new(ManualClock::new(NOW)), Arc::new(PlainKey), None)
}

/// Opens the logs and reads everything; answers whether all of it can be read, and positions are left.
async fn read_logs(log: &LocalLog) -> bool {
    let mut is_whole = true;
    for id in LOGS.map(LogId) {
        log.open(id, LogOptions { retention: RETENTION, closed: false });
        is_whole &= read_all(log, id).await;
        is_whole &= !is_near_i64_max(log.bounds(id).expect("the log is open").next.0);
        for at in [NOW, Timestamp::default()] {
            is_whole &= log.find(id, at).await.is_ok();
        }
    }
    is_whole
}

/// Appends a record to every log: log, position and data of each that was acknowledged.
async fn append_to_logs(log: &LocalLog) -> Vec<(LogId, Position, Vec<u8>)> {
    let mut written = Vec::new();
    for id in LOGS.map(LogId) {
        let data = format!("record of log {}", id.0).into_bytes();
        let mut records = RecordBatchBuilder::default();
        records.push("k", &data);
        let append = Append { log: id, records: records.build(), encrypted: id.0.is_multiple_of(2) };
        match log.append(vec![append]).await {
            Ok(appended) => {
                let appended = appended[0].expect("the log is open");
                written.push((id, appended.first, data));
            }
            Err(LogError::Full(_)) => {}
            Err(error) => panic!("the disk has not failed: {error}"),
        }
        read_all(log, id).await;
    }
    written
}

/// Reads a log to its end, with rising positions; `false` when something in it is damaged or missing.
async fn read_all(log: &LocalLog, id: LogId) -> bool {
    let bounds = log.bounds(id).expect("the log is open");
    assert!(bounds.first <= bounds.next, "{bounds:?}");
    let mut next = Position(0);
    for _ in 0..READS_MAX {
        let Ok(run) = log.read(id, next, LIMIT).await else { return false };
        let positions: Vec<Position> = run.records.iter().map(|record| record.position).collect();
        assert!(positions.iter().all(|position| *position >= next), "{positions:?} from {next:?}");
        assert!(positions.is_sorted_by(|a, b| a < b), "{positions:?}");
        if !positions.is_sorted_by(|a, b| a.0 + 1 == b.0) {
            return false;
        }
        if run.next >= bounds.next {
            return true;
        }
        if run.next == next {
            return false;
        }
        next = run.next;
    }
    true
}

/// Wraps nothing: the data key stands in the file as it is.
pub struct PlainKey;

impl RootKey for PlainKey {
    fn id(&self) -> &str {
        "plain"
    }

    fn wrap(&self, data_key: &DataKey) -> Vec<u8> {
        data_key.to_vec()
    }

    fn unwrap(&self, wrapped: &[u8]) -> Result<DataKey, UnwrapError> {
        wrapped.try_into().map_err(|_| UnwrapError { root_key_id: "plain".to_owned(), reason: "its length".to_owned() })
    }
}

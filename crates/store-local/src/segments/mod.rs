//! Segments: sealed journals, rewritten in the background and sorted by log, as objects. Layout: docs/format/segment.md.

mod footer;
mod maintain;
mod output;
mod place;
mod read;
mod write;

use std::io;
use std::sync::{Arc, Mutex};

use store::root_key::RootKey;
use store::shard_log::LogId;

use crate::cipher::DataCipher;
use crate::error::OpenError;
use crate::manifest::SegmentRef;

pub(crate) use footer::SparseEntry;
pub(crate) use maintain::{Backlog, Message, Worker, WorkerParts};
pub(crate) use place::{SegmentDirectory, SegmentPlace};
pub(crate) use read::{find_in_run, read_run};

/// A stored segment.
pub(crate) struct Segment {
    pub reference: SegmentRef,
    pub place: Arc<SegmentPlace>,
    pub cipher: DataCipher,
    /// The logs with records in it, and the arrival of the last of each.
    pub logs: Vec<(LogId, i64)>,
    /// The sparse index that was used last, and its place: readers go on where they were.
    sparse: Mutex<Option<(u64, Arc<Vec<SparseEntry>>)>>,
}

/// The records of one log in one segment.
#[derive(Clone)]
pub(crate) struct Run {
    pub segment: Arc<Segment>,
    pub first: u64,
    /// One after the last position.
    pub end: u64,
    pub last_arrival: i64,
    pub offset: u64,
    pub bytes: u64,
    pub sparse_offset: u64,
    pub sparse_count: u32,
    pub sparse_crc: u32,
}

impl Segment {
    pub(crate) fn name(&self) -> String {
        name_of(self.reference.number)
    }

    /// What it is called in messages.
    pub(crate) fn display(&self) -> String {
        self.place.display(&self.name())
    }
}

/// The name of a segment.
pub(crate) fn name_of(number: u64) -> String {
    format!("{number:016}.segment")
}

/// Whether a name is that of a segment, and which.
pub(crate) fn number_of(name: &str) -> Option<u64> {
    let digits = name.strip_suffix(".segment")?;
    (digits.len() == 16).then(|| digits.parse().ok())?
}

/// Reads the footer of a segment and answers its runs.
pub(crate) async fn load(
    reference: SegmentRef,
    place: &Arc<SegmentPlace>,
    root_key: &dyn RootKey,
) -> Result<(Arc<Segment>, Vec<(LogId, Run)>), OpenError> {
    let name = name_of(reference.number);
    let shown = place.display(&name);
    let damaged =
        |offset: u64, reason: &str| OpenError::Damaged { file: shown.clone(), offset, reason: reason.to_owned() };
    let footer_offset = reference
        .bytes
        .checked_sub(u64::from(reference.footer_bytes))
        .ok_or_else(|| damaged(0, "it is shorter than its footer"))?;
    let other_length = |found: u64| {
        let reason = format!("the file is {found} bytes long, it was made with {}", reference.bytes);
        damaged(found.min(reference.bytes), &reason)
    };
    let failed = |error: io::Error| OpenError::Segments(format!("{shown}: {error}"));
    let bytes = match place.read_with_size(&name, footer_offset..reference.bytes).await {
        Ok((bytes, size)) if size == reference.bytes => bytes,
        Ok((_, size)) => return Err(other_length(size)),
        // A store does not tell by its error that the object ends before the footer.
        Err(error) => match place.size(&name).await {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(damaged(0, "the segment is missing")),
            Ok(size) if size != reference.bytes => return Err(other_length(size)),
            Ok(_) | Err(_) => return Err(failed(error)),
        },
    };
    let footer = footer::Footer::decode(&bytes, reference.footer_crc)
        .filter(|footer| footer.number == reference.number)
        .ok_or_else(|| damaged(footer_offset, "the footer does not match its checksum"))?;
    let data_key =
        root_key.unwrap(&footer.wrapped_key).map_err(|error| OpenError::Key { file: shown.clone(), error })?;
    Ok(segment_of(reference, place, DataCipher::new(&data_key), &footer))
}

/// A segment and its runs from what its footer says.
fn segment_of(
    reference: SegmentRef,
    place: &Arc<SegmentPlace>,
    cipher: DataCipher,
    footer: &footer::Footer,
) -> (Arc<Segment>, Vec<(LogId, Run)>) {
    let logs = footer.runs.iter().map(|run| (LogId(run.log), run.last_arrival)).collect();
    let segment = Arc::new(Segment { reference, place: Arc::clone(place), cipher, logs, sparse: Mutex::default() });
    let runs = footer.runs.iter().map(|run| (LogId(run.log), run.in_segment(&segment))).collect();
    (segment, runs)
}

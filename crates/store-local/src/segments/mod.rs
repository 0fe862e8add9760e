//! Segments: sealed journals, rewritten in the background and sorted by log, as objects. Layout: docs/format/segment.md.

mod footer;
mod maintain;
mod output;
mod read;
mod write;

use std::sync::{Arc, Mutex};

use object_store::path::Path;
use object_store::{GetRange, ObjectStore, ObjectStoreExt};
use store::root_key::RootKey;
use store::shard_log::LogId;

use crate::cipher::DataCipher;
use crate::error::OpenError;
use crate::manifest::SegmentRef;

pub(crate) use footer::SparseEntry;
pub(crate) use maintain::{Message, Worker, WorkerParts};
pub(crate) use output::SegmentPlace;
pub(crate) use read::{find_in_run, read_run};

/// A stored segment.
pub(crate) struct Segment {
    pub reference: SegmentRef,
    pub path: Path,
    /// What it is called in messages.
    pub name: String,
    pub store: Arc<dyn ObjectStore>,
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

/// The name of a segment's object.
pub(crate) fn object_path(number: u64) -> Path {
    Path::from(format!("{number:016}.segment"))
}

/// Whether an object has the name of a segment, and which.
pub(crate) fn number_of(path: &Path) -> Option<u64> {
    let digits = path.as_ref().strip_suffix(".segment")?;
    (digits.len() == 16).then(|| digits.parse().ok())?
}

/// Reads the footer of a segment and answers its runs.
pub(crate) async fn load(
    reference: SegmentRef,
    place: &SegmentPlace,
    root_key: &dyn RootKey,
) -> Result<(Arc<Segment>, Vec<(LogId, Run)>), OpenError> {
    let path = object_path(reference.number);
    let name = place.display(&path);
    let damaged =
        |offset: u64, reason: &str| OpenError::Damaged { file: name.clone(), offset, reason: reason.to_owned() };
    let footer_offset = reference
        .bytes
        .checked_sub(u64::from(reference.footer_bytes))
        .ok_or_else(|| damaged(0, "it is shorter than its footer"))?;
    let other_length = |found: u64| {
        let reason = format!("the file is {found} bytes long, it was made with {}", reference.bytes);
        damaged(found.min(reference.bytes), &reason)
    };
    let failed = |error: object_store::Error| OpenError::Segments(format!("{name}: {error}"));
    let options = object_store::GetOptions {
        range: Some(GetRange::Bounded(footer_offset..reference.bytes)),
        ..Default::default()
    };
    let bytes = match place.store.get_opts(&path, options).await {
        Ok(answer) if answer.meta.size == reference.bytes => answer.bytes().await.map_err(failed)?,
        Ok(answer) => return Err(other_length(answer.meta.size)),
        // A store does not tell by its error that the object ends before the footer.
        Err(error) => match place.store.head(&path).await {
            Err(object_store::Error::NotFound { .. }) => return Err(damaged(0, "the segment is missing")),
            Ok(meta) if meta.size != reference.bytes => return Err(other_length(meta.size)),
            Ok(_) | Err(_) => return Err(failed(error)),
        },
    };
    let footer = footer::Footer::decode(&bytes, reference.footer_crc)
        .filter(|footer| footer.number == reference.number)
        .ok_or_else(|| damaged(footer_offset, "the footer does not match its checksum"))?;
    let data_key =
        root_key.unwrap(&footer.wrapped_key).map_err(|error| OpenError::Key { file: name.clone(), error })?;
    let logs = footer.runs.iter().map(|run| (LogId(run.log), run.last_arrival)).collect();
    let segment = Arc::new(Segment {
        reference,
        path,
        name,
        store: Arc::clone(&place.store),
        cipher: DataCipher::new(&data_key),
        logs,
        sparse: Mutex::default(),
    });
    let runs = footer.runs.iter().map(|run| (LogId(run.log), run.in_segment(&segment))).collect();
    Ok((segment, runs))
}

//! Writes the unsealed records of some logs into one segment.

use std::sync::{Arc, Mutex};

use object_store::{MultipartUpload, ObjectStore, ObjectStoreExt, PutPayload};
use store::root_key::RootKey;
use store::shard_log::LogId;
use thiserror::Error;

use super::footer::{FORMAT_VERSION, Footer, FooterRun, SEGMENT_MAGIC, SPARSE_STEP_BYTES, SparseEntry, encode_sparse};
use super::{Run, Segment, object_path};
use crate::batch::{self, Seal};
use crate::cipher::{DataCipher, NONCE_BYTES, random_data_key};
use crate::journal::file::{Journal, damaged};
use crate::log::entry::IndexEntry;
use crate::log::read::read_raw;
use crate::manifest::SegmentRef;

/// Objects are uploaded in parts of this size.
const PART_BYTES: usize = 8 << 20;
/// A journal is read in pieces of this size.
const READ_BYTES: usize = 1 << 20;

/// Why no segment was written.
#[derive(Debug, Error)]
pub(crate) enum WriteError {
    #[error(transparent)]
    Journal(#[from] store::shard_log::LogError),
    #[error("{0}")]
    Store(#[from] object_store::Error),
    #[error("manifest: {0}")]
    Manifest(String),
}

/// What goes into a segment: logs in order of ids with their batches in one journal.
pub(crate) type Content = Vec<(LogId, Vec<IndexEntry>)>;

/// Writes the segment; it is durable when it answers.
pub(crate) async fn write_segment(
    number: u64,
    content: &Content,
    journal: &Journal,
    store: &Arc<dyn ObjectStore>,
    root_key: &dyn RootKey,
) -> Result<(Arc<Segment>, Vec<(LogId, Run)>), WriteError> {
    let path = object_path(number);
    let data_key = random_data_key();
    let cipher = DataCipher::new(&data_key);
    let mut out = Output { upload: store.put_multipart(&path).await?, buffer: Vec::new(), sent: 0 };
    let written = write_content(&mut out, content, journal, &cipher).await;
    let runs = match written {
        Ok(runs) => runs,
        Err(error) => {
            // What was uploaded is of no use; a failed abort leaves an object that the next start removes.
            let _ = out.upload.abort().await;
            return Err(error);
        }
    };
    let footer = Footer { number, root_key_id: root_key.id().to_owned(), wrapped_key: root_key.wrap(&data_key), runs };
    let (bytes, footer_crc) = footer.encode();
    let footer_bytes = u32::try_from(bytes.len()).expect("a footer is smaller than its journal");
    out.buffer.extend_from_slice(&bytes);
    let object_bytes = out.position();
    out.send().await?;
    out.upload.complete().await?;
    let logs = footer.runs.iter().map(|run| (LogId(run.log), run.last_arrival)).collect();
    let reference = SegmentRef { number, bytes: object_bytes, footer_bytes, footer_crc };
    let segment =
        Arc::new(Segment { reference, path, store: Arc::clone(store), cipher, logs, sparse: Mutex::default() });
    let runs = footer.runs.iter().map(|run| (LogId(run.log), run.in_segment(&segment))).collect();
    Ok((segment, runs))
}

async fn write_content(
    out: &mut Output,
    content: &Content,
    journal: &Journal,
    cipher: &DataCipher,
) -> Result<Vec<FooterRun>, WriteError> {
    out.buffer.extend_from_slice(&SEGMENT_MAGIC);
    out.buffer.extend_from_slice(&FORMAT_VERSION.to_le_bytes());
    out.buffer.extend_from_slice(&[0; 4]);
    let mut sealer = Sealer { cipher, batches: 0 };
    let mut runs = Vec::with_capacity(content.len());
    let mut sparse = Vec::with_capacity(content.len());
    for (log, entries) in content {
        let (run, index) = write_run(out, *log, entries, journal, &mut sealer).await?;
        runs.push(run);
        sparse.push(index);
    }
    for (run, index) in runs.iter_mut().zip(sparse) {
        run.sparse_offset = out.position();
        run.sparse_count = u32::try_from(index.len()).expect("a journal has fewer batches than bytes");
        run.sparse_crc = encode_sparse(&mut out.buffer, &index);
        out.send_if_full().await?;
    }
    Ok(runs)
}

async fn write_run(
    out: &mut Output,
    log: LogId,
    entries: &[IndexEntry],
    journal: &Journal,
    sealer: &mut Sealer<'_>,
) -> Result<(FooterRun, Vec<SparseEntry>), WriteError> {
    let offset = out.position();
    let mut sparse: Vec<SparseEntry> = Vec::new();
    let mut rest = entries;
    while !rest.is_empty() {
        let (batches, taken) = read_raw(journal, log.0, rest, READ_BYTES)?;
        for (entry, batch) in rest[..taken].iter().zip(&batches) {
            let at = out.position();
            if sparse.last().is_none_or(|last| at - last.offset >= SPARSE_STEP_BYTES) {
                sparse.push(SparseEntry { first: entry.first, arrival: entry.arrival, offset: at });
            }
            let place = || damaged(&journal.path, u64::from(entry.offset));
            sealer.copy(&mut out.buffer, batch, &journal.cipher).ok_or_else(place)?;
        }
        rest = &rest[taken..];
        out.send_if_full().await?;
    }
    let (first, last) = (entries.first(), entries.last());
    let run = FooterRun {
        log: log.0,
        first: first.map_or(0, |entry| entry.first),
        end: last.map_or(0, IndexEntry::end),
        last_arrival: last.map_or(0, |entry| entry.arrival),
        offset,
        bytes: out.position() - offset,
        sparse_offset: 0,
        sparse_count: 0,
        sparse_crc: 0,
    };
    Ok((run, sparse))
}

/// Moves batches from the journal's key to the segment's.
struct Sealer<'a> {
    cipher: &'a DataCipher,
    batches: u64,
}

impl Sealer<'_> {
    /// Appends a verified batch; `None` when it cannot be decrypted.
    fn copy(&mut self, out: &mut Vec<u8>, batch: &bytes::Bytes, from: &DataCipher) -> Option<()> {
        let header = batch::BatchHeader::decode(batch)?;
        if !header.encrypted {
            out.extend_from_slice(batch);
            return Some(());
        }
        let records = batch::records(batch, &header, from)?;
        let mut nonce = [0; NONCE_BYTES];
        nonce[..8].copy_from_slice(&self.batches.to_le_bytes());
        self.batches += 1;
        let start = out.len();
        out.resize(start + header.total_bytes(), 0);
        batch::encode(&mut out[start..], &header, records.bytes(), Some(Seal { cipher: self.cipher, nonce }));
        Some(())
    }
}

/// An object under way.
struct Output {
    upload: Box<dyn MultipartUpload>,
    buffer: Vec<u8>,
    sent: u64,
}

impl Output {
    /// Offset in the object of what is appended next.
    fn position(&self) -> u64 {
        self.sent + self.buffer.len() as u64
    }

    async fn send_if_full(&mut self) -> object_store::Result<()> {
        if self.buffer.len() >= PART_BYTES { self.send().await } else { Ok(()) }
    }

    async fn send(&mut self) -> object_store::Result<()> {
        let part = std::mem::take(&mut self.buffer);
        self.sent += part.len() as u64;
        self.upload.put_part(PutPayload::from(part)).await
    }
}

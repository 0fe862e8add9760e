//! Writes the unsealed records of some logs into one segment.

use std::path::PathBuf;
use std::sync::Arc;

use store::read_run::StoredBatch;
use store::root_key::RootKey;
use store::shard_log::LogId;
use thiserror::Error;

use super::footer::{FORMAT_VERSION, Footer, FooterRun, SEGMENT_MAGIC, SPARSE_STEP_BYTES, SparseEntry, encode_sparse};
use super::output::Output;
use super::place::SegmentPlace;
use super::{Run, Segment, name_of, segment_of};
use crate::batch::{self, BatchHeader, Seal};
use crate::cipher::{DataCipher, NONCE_BYTES, random_data_key};
use crate::journal::file::{Journal, damaged};
use crate::log::entry::IndexEntry;
use crate::log::read::read_raw;
use crate::manifest::SegmentRef;

/// A journal is read in pieces of this size.
const READ_BYTES: usize = 1 << 20;

/// Why no segment was written.
#[derive(Debug, Error)]
pub(crate) enum WriteError {
    #[error(transparent)]
    Journal(#[from] store::shard_log::LogError),
    #[error("{0}")]
    Store(#[from] object_store::Error),
    #[error("{}: {error}", .path.display())]
    File { path: PathBuf, error: std::io::Error },
    #[error("manifest: {0}")]
    Manifest(String),
}

/// A batch of a journal that goes into a segment.
pub(crate) struct Unsealed {
    pub index: IndexEntry,
    /// The same in memory, if it still is there: then the journal is not read.
    pub batch: Option<StoredBatch>,
}

/// What goes into a segment: logs in order of ids with their batches in one journal.
pub(crate) type Content = Vec<(LogId, Vec<Unsealed>)>;

/// Writes the segment; it is durable when it answers.
pub(crate) async fn write_segment(
    number: u64,
    content: Content,
    journal: &Journal,
    place: &Arc<SegmentPlace>,
    root_key: &dyn RootKey,
) -> Result<(Arc<Segment>, Vec<(LogId, Run)>), WriteError> {
    let data_key = random_data_key();
    let cipher = DataCipher::new(&data_key);
    let mut out = Output::begin(place, &name_of(number)).await?;
    let runs = match write_content(&mut out, content, journal, &cipher).await {
        Ok(runs) => runs,
        Err(error) => {
            out.abort().await;
            return Err(error);
        }
    };
    let footer = Footer { number, root_key_id: root_key.id().to_owned(), wrapped_key: root_key.wrap(&data_key), runs };
    let (bytes, footer_crc) = footer.encode();
    let footer_bytes = u32::try_from(bytes.len()).expect("a footer is smaller than its journal");
    out.append(&bytes);
    let object_bytes = out.position();
    out.complete().await?;
    let reference = SegmentRef { number, bytes: object_bytes, footer_bytes, footer_crc };
    Ok(segment_of(reference, place, cipher, &footer))
}

async fn write_content(
    out: &mut Output,
    content: Content,
    journal: &Journal,
    cipher: &DataCipher,
) -> Result<Vec<FooterRun>, WriteError> {
    out.append(&SEGMENT_MAGIC);
    out.append(&FORMAT_VERSION.to_le_bytes());
    out.append(&[0; 4]);
    let mut sealer = Sealer { cipher, batches: 0 };
    let mut runs = Vec::with_capacity(content.len());
    let mut sparse = Vec::with_capacity(content.len());
    for (log, batches) in content {
        let (run, index) = write_run(out, log, batches, journal, &mut sealer).await?;
        runs.push(run);
        sparse.push(index);
    }
    for (run, index) in runs.iter_mut().zip(sparse) {
        run.sparse_offset = out.position();
        run.sparse_count = u32::try_from(index.len()).expect("a journal has fewer batches than bytes");
        let (bytes, crc) = encode_sparse(&index);
        run.sparse_crc = crc;
        out.append(&bytes);
        out.send_if_full().await?;
    }
    Ok(runs)
}

async fn write_run(
    out: &mut Output,
    log: LogId,
    batches: Vec<Unsealed>,
    journal: &Journal,
    sealer: &mut Sealer<'_>,
) -> Result<(FooterRun, Vec<SparseEntry>), WriteError> {
    let offset = out.position();
    let mut run = FooterRun {
        log: log.0,
        first: batches.first().map_or(0, |first| first.index.first),
        end: batches.last().map_or(0, |last| last.index.end()),
        last_arrival: batches.last().map_or(0, |last| last.index.arrival),
        offset,
        bytes: 0,
        sparse_offset: 0,
        sparse_count: 0,
        sparse_crc: 0,
    };
    let mut sparse: Vec<SparseEntry> = Vec::new();
    let mut note = |entry: &IndexEntry, at: u64| {
        if sparse.last().is_none_or(|last| at - last.offset >= SPARSE_STEP_BYTES) {
            sparse.push(SparseEntry { first: entry.first, arrival: entry.arrival, offset: at });
        }
    };
    let in_memory = batches.iter().position(|unsealed| unsealed.batch.is_some()).unwrap_or(batches.len());
    let on_disk: Vec<IndexEntry> = batches[..in_memory].iter().map(|unsealed| unsealed.index).collect();
    let mut rest = &on_disk[..];
    while !rest.is_empty() {
        let (raw, taken) = read_raw(journal, log.0, rest, READ_BYTES)?;
        for (entry, batch) in rest[..taken].iter().zip(&raw) {
            note(entry, out.position());
            let place = || damaged(&journal.path, u64::from(entry.offset));
            sealer.copy(out, batch, &journal.cipher).ok_or_else(place)?;
        }
        rest = &rest[taken..];
        out.send_if_full().await?;
    }
    for Unsealed { index, batch } in batches.into_iter().skip(in_memory) {
        let batch = batch.expect("the tail has every batch from its first one on");
        note(&index, out.position());
        sealer.encode(out, &header(log, &index, &batch), batch.records.bytes());
        out.send_if_full().await?;
    }
    run.bytes = out.position() - offset;
    Ok((run, sparse))
}

/// The header that the batch has in its journal.
fn header(log: LogId, index: &IndexEntry, batch: &StoredBatch) -> BatchHeader {
    let stored = batch::stored_bytes(batch.records.bytes().len(), batch.encrypted);
    let header = BatchHeader {
        stored_bytes: u32::try_from(stored).expect("a batch is smaller than its journal"),
        log: log.0,
        first: index.first,
        arrival: index.arrival,
        count: index.count,
        encrypted: batch.encrypted,
    };
    let same = header.total_bytes() == index.bytes as usize
        && (header.first, header.count) == (batch.first.0, batch.records.count());
    assert!(same, "the tail holds what the journal holds");
    header
}

/// Moves batches from the journal's key to the segment's.
struct Sealer<'a> {
    cipher: &'a DataCipher,
    batches: u64,
}

impl Sealer<'_> {
    /// Appends a verified batch; `None` when it cannot be decrypted.
    fn copy(&mut self, out: &mut Output, batch: &bytes::Bytes, from: &DataCipher) -> Option<()> {
        let header = BatchHeader::decode(batch)?;
        if header.encrypted {
            let records = batch::records(batch, &header, from)?;
            self.encode(out, &header, records.bytes());
        } else {
            out.append(batch);
        }
        Some(())
    }

    /// Appends records as a batch.
    fn encode(&mut self, out: &mut Output, header: &BatchHeader, records: &[u8]) {
        let seal = header.encrypted.then(|| {
            let mut nonce = [0; NONCE_BYTES];
            nonce[..8].copy_from_slice(&self.batches.to_le_bytes());
            self.batches += 1;
            Seal { cipher: self.cipher, nonce }
        });
        batch::encode(out.grow(header.total_bytes()), header, records, seal);
    }
}

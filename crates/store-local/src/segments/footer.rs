//! The end of a segment: where the records of each log are.
//!
//! | bytes | what |
//! | --- | --- |
//! | 8 | "ANABSFTR" |
//! | 4 | format version |
//! | 8 | segment number |
//! | 2 + n | id of the root key |
//! | 2 + n | data key, wrapped by the root key |
//! | 4 | number of runs |
//! | 64 each | runs, in order of log ids: log id, first position, end position, last arrival, offset, length, offset of the sparse index (8 bytes each), its number of entries, its CRC-32C (4 bytes each) |
//! | 4 | CRC-32C of the footer up to here |
//! | 4 | length of the footer, all of it |
//! | 8 | "ANABSEGM" |
//!
//! A sparse index has an entry for the first batch of a run and then for the first batch after every 64 KiB: position
//! of the first record, arrival, offset in the object (8 bytes each).

use std::sync::Arc;

use super::{Run, Segment};
use crate::bytes::{Fields, crc32c, put_short_bytes};

pub(crate) const SEGMENT_MAGIC: [u8; 8] = *b"ANABSEGM";
pub(crate) const FORMAT_VERSION: u32 = 1;
pub(crate) const SPARSE_ENTRY_BYTES: usize = 24;
/// Distance of sparse entries.
pub(crate) const SPARSE_STEP_BYTES: u64 = 64 << 10;
const FOOTER_MAGIC: [u8; 8] = *b"ANABSFTR";
/// CRC, length and magic at the very end.
const TRAILER_BYTES: usize = 16;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Footer {
    pub number: u64,
    pub root_key_id: String,
    pub wrapped_key: Vec<u8>,
    pub runs: Vec<FooterRun>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FooterRun {
    pub log: u64,
    pub first: u64,
    pub end: u64,
    pub last_arrival: i64,
    pub offset: u64,
    pub bytes: u64,
    pub sparse_offset: u64,
    pub sparse_count: u32,
    pub sparse_crc: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SparseEntry {
    pub first: u64,
    pub arrival: i64,
    pub offset: u64,
}

impl FooterRun {
    pub(crate) fn in_segment(&self, segment: &Arc<Segment>) -> Run {
        Run {
            segment: Arc::clone(segment),
            first: self.first,
            end: self.end,
            last_arrival: self.last_arrival,
            offset: self.offset,
            bytes: self.bytes,
            sparse_offset: self.sparse_offset,
            sparse_count: self.sparse_count,
            sparse_crc: self.sparse_crc,
        }
    }
}

impl Footer {
    /// The bytes, and the checksum in them.
    pub(crate) fn encode(&self) -> (Vec<u8>, u32) {
        let mut out = Vec::with_capacity(128 + self.runs.len() * 64);
        out.extend_from_slice(&FOOTER_MAGIC);
        out.extend_from_slice(&FORMAT_VERSION.to_le_bytes());
        out.extend_from_slice(&self.number.to_le_bytes());
        put_short_bytes(&mut out, self.root_key_id.as_bytes());
        put_short_bytes(&mut out, &self.wrapped_key);
        let count = u32::try_from(self.runs.len()).expect("a journal has fewer logs than bytes");
        out.extend_from_slice(&count.to_le_bytes());
        for run in &self.runs {
            let arrival = run.last_arrival.cast_unsigned();
            for field in [run.log, run.first, run.end, arrival, run.offset, run.bytes, run.sparse_offset] {
                out.extend_from_slice(&field.to_le_bytes());
            }
            out.extend_from_slice(&run.sparse_count.to_le_bytes());
            out.extend_from_slice(&run.sparse_crc.to_le_bytes());
        }
        let crc = crc32c(&out);
        let len = u32::try_from(out.len() + TRAILER_BYTES).expect("a footer is smaller than its journal");
        out.extend_from_slice(&crc.to_le_bytes());
        out.extend_from_slice(&len.to_le_bytes());
        out.extend_from_slice(&SEGMENT_MAGIC);
        (out, crc)
    }

    /// `None` when anything is not as it was written.
    pub(crate) fn decode(bytes: &[u8], expected_crc: u32) -> Option<Self> {
        let (body, trailer) = bytes.split_at_checked(bytes.len().checked_sub(TRAILER_BYTES)?)?;
        let mut fields = Fields::new(trailer);
        let (crc, len) = (fields.u32()?, fields.u32()?);
        let intact = crc == expected_crc && crc == crc32c(body) && len as usize == bytes.len();
        if !intact || fields.take(8)? != SEGMENT_MAGIC {
            return None;
        }
        let mut fields = Fields::new(body);
        if fields.take(8)? != FOOTER_MAGIC || fields.u32()? != FORMAT_VERSION {
            return None;
        }
        let number = fields.u64()?;
        let root_key_id = String::from_utf8(fields.short_bytes()?.to_vec()).ok()?;
        let wrapped_key = fields.short_bytes()?.to_vec();
        let count = fields.u32()?;
        let runs = (0..count).map(|_| decode_run(&mut fields)).collect::<Option<_>>()?;
        fields.is_empty().then_some(Self { number, root_key_id, wrapped_key, runs })
    }
}

fn decode_run(fields: &mut Fields<'_>) -> Option<FooterRun> {
    Some(FooterRun {
        log: fields.u64()?,
        first: fields.number()?,
        end: fields.number()?,
        last_arrival: fields.i64()?,
        offset: fields.number()?,
        bytes: fields.number()?,
        sparse_offset: fields.number()?,
        sparse_count: fields.u32()?,
        sparse_crc: fields.u32()?,
    })
}

/// The bytes of sparse entries, and their checksum.
pub(crate) fn encode_sparse(entries: &[SparseEntry]) -> (Vec<u8>, u32) {
    let mut out = Vec::with_capacity(entries.len() * SPARSE_ENTRY_BYTES);
    for entry in entries {
        out.extend_from_slice(&entry.first.to_le_bytes());
        out.extend_from_slice(&entry.arrival.to_le_bytes());
        out.extend_from_slice(&entry.offset.to_le_bytes());
    }
    let crc = crc32c(&out);
    (out, crc)
}

/// `None` when the checksum does not match.
pub(crate) fn decode_sparse(bytes: &[u8], crc: u32) -> Option<Vec<SparseEntry>> {
    if crc32c(bytes) != crc {
        return None;
    }
    let entry = |bytes: &[u8]| {
        let mut fields = Fields::new(bytes);
        Some(SparseEntry { first: fields.number()?, arrival: fields.i64()?, offset: fields.number()? })
    };
    bytes.chunks(SPARSE_ENTRY_BYTES).map(entry).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_trip_and_flips() {
        let run = FooterRun {
            log: 1,
            first: 2,
            end: 3,
            last_arrival: -4,
            offset: 16,
            bytes: 6,
            sparse_offset: 7,
            sparse_count: 8,
            sparse_crc: 9,
        };
        let footer = Footer {
            number: 12,
            root_key_id: "root".to_owned(),
            wrapped_key: vec![1; 60],
            runs: vec![run, FooterRun { log: 2, ..run }],
        };
        let (mut bytes, crc) = footer.encode();
        assert_eq!(Footer::decode(&bytes, crc), Some(footer));
        for bit in 0..bytes.len() * 8 {
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(Footer::decode(&bytes, crc), None, "bit {bit}");
            bytes[bit / 8] ^= 1 << (bit % 8);
        }
        for cut in 0..bytes.len() {
            assert_eq!(Footer::decode(&bytes[..cut], crc), None, "cut at {cut}");
        }
    }
}

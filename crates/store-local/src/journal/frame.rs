//! What one commit writes: a header, batches, zeros to the end of the block.
//!
//! | offset | bytes | what |
//! | --- | --- | --- |
//! | 0 | 4 | "AFRM" |
//! | 4 | 4 | CRC-32C of everything from offset 8 to the end of the last batch |
//! | 8 | 4 | CRC-32C of the header from offset 12 |
//! | 12 | 4 | format version |
//! | 16 | 8 | salt of the journal |
//! | 24 | 8 | frame number |
//! | 32 | 4 | CRC of the previous frame, 0 for the first of a run |
//! | 36 | 4 | length of the batches together |
//! | 40 | 4 | number of batches |
//! | 44 | 8 | durable end: when the frame was begun, all frames below this number were on the device; 0 when not known |
//! | 52 | 12 | zeros |

use super::FORMAT_VERSION;
use super::aligned::AlignedBuffer;
use crate::batch::BatchHeader;
use crate::bytes::{FieldWriter, Fields, crc32c};

pub(crate) const FRAME_HEADER_BYTES: usize = 64;
const MAGIC: [u8; 4] = *b"AFRM";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FrameHeader {
    pub number: u64,
    pub previous_crc: u32,
    pub crc: u32,
    pub batches_bytes: u32,
    pub batches: u32,
    /// All frames below this number were on the device when this one was begun; 0 when that is not known.
    pub durable_end: u64,
}

impl FrameHeader {
    /// Header and batches, without the padding.
    pub(crate) fn total_bytes(&self) -> usize {
        FRAME_HEADER_BYTES + self.batches_bytes as usize
    }

    /// The header at the beginning of `bytes`, if it is intact and of the journal with this salt.
    pub(crate) fn decode(bytes: &[u8], salt: u64) -> Option<Self> {
        let header = bytes.get(..FRAME_HEADER_BYTES)?;
        let mut fields = Fields::new(header);
        let magic = fields.take(MAGIC.len())?;
        let (crc, header_crc) = (fields.u32()?, fields.u32()?);
        let (version, found_salt) = (fields.u32()?, fields.u64()?);
        let intact = magic == MAGIC && found_salt == salt && version == FORMAT_VERSION;
        if !intact || header_crc != crc32c(&header[12..]) {
            return None;
        }
        let (number, previous_crc) = (fields.number()?, fields.u32()?);
        let (batches_bytes, batches) = (fields.u32()?, fields.u32()?);
        Some(Self { number, previous_crc, crc, batches_bytes, batches, durable_end: fields.number()? })
    }

    /// Whether `frame`, the header with its batches, matches the checksum.
    pub(crate) fn matches(&self, frame: &[u8]) -> bool {
        frame.len() == self.total_bytes() && crc32c(&frame[8..]) == self.crc
    }
}

/// What a frame says beside its batches.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sealing {
    pub salt: u64,
    pub number: u64,
    pub previous_crc: u32,
    pub batches: u32,
    pub durable_end: u64,
}

/// Completes a frame whose batches stand in `buffer` behind room for the header: writes the header and pads.
/// Answers the frame's CRC.
pub(crate) fn seal(buffer: &mut AlignedBuffer, sealing: &Sealing) -> u32 {
    let bytes = buffer.bytes_mut();
    let batches_bytes = u32::try_from(bytes.len() - FRAME_HEADER_BYTES).expect("a frame is smaller than its journal");
    FieldWriter::new(&mut bytes[12..FRAME_HEADER_BYTES])
        .u32(FORMAT_VERSION)
        .u64(sealing.salt)
        .u64(sealing.number)
        .u32(sealing.previous_crc)
        .u32(batches_bytes)
        .u32(sealing.batches)
        .u64(sealing.durable_end)
        .finish();
    let header_crc = crc32c(&bytes[12..FRAME_HEADER_BYTES]);
    bytes[8..12].copy_from_slice(&header_crc.to_le_bytes());
    let crc = crc32c(&bytes[8..]);
    FieldWriter::new(&mut bytes[..8]).put(&MAGIC).u32(crc).finish();
    buffer.pad_to_block();
    crc
}

/// The batches of a frame with their offsets in it; `None` when they do not fill the frame exactly. The frame matches its
/// checksum, so those of the batches are not looked at.
pub(crate) fn batches(header: &FrameHeader, frame: &[u8]) -> Option<Vec<(usize, BatchHeader)>> {
    let mut found = Vec::new();
    let mut offset = FRAME_HEADER_BYTES;
    for _ in 0..header.batches {
        let batch = BatchHeader::decode(frame.get(offset..)?)?;
        found.push((offset, batch));
        offset += batch.total_bytes();
    }
    (offset == frame.len()).then_some(found)
}

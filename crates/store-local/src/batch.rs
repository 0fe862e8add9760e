//! The stored form of one batch, the same in journals and in segments.
//!
//! | offset | bytes | what |
//! | --- | --- | --- |
//! | 0 | 4 | CRC-32C of everything that follows, to the end of the stored bytes |
//! | 4 | 4 | length of the stored bytes |
//! | 8 | 8 | log id |
//! | 16 | 8 | position of the first record |
//! | 24 | 8 | arrival, milliseconds |
//! | 32 | 4 | number of records |
//! | 36 | 4 | flags: bit 0 = encrypted |
//! | 40 | | stored bytes: the records; or nonce (12), encrypted records, tag (16) |
//!
//! The context that an encrypted batch is bound to is bytes 4 to 40 of its header.

use bytes::Bytes;
use store::record_batch::RecordBatch;

use crate::bytes::{FieldWriter, Fields, crc32c};
use crate::cipher::{DataCipher, NONCE_BYTES, TAG_BYTES};

pub(crate) const BATCH_HEADER_BYTES: usize = 40;
const CONTEXT: std::ops::Range<usize> = 4..BATCH_HEADER_BYTES;
const ENCRYPTED: u32 = 1;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BatchHeader {
    pub stored_bytes: u32,
    pub log: u64,
    pub first: u64,
    pub arrival: i64,
    pub count: u32,
    pub encrypted: bool,
}

impl BatchHeader {
    /// Header and stored bytes together.
    pub(crate) fn total_bytes(&self) -> usize {
        BATCH_HEADER_BYTES + self.stored_bytes as usize
    }

    /// One after the last record.
    pub(crate) fn end(&self) -> u64 {
        self.first.saturating_add(u64::from(self.count))
    }

    /// The fields without a look at the checksum; `None` when the bytes are too short.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let mut fields = Fields::new(bytes.get(CONTEXT)?);
        Some(Self {
            stored_bytes: fields.u32()?,
            log: fields.u64()?,
            first: fields.number()?,
            arrival: fields.i64()?,
            // Nothing is ever stored for an append without records.
            count: fields.u32().filter(|count| *count > 0)?,
            encrypted: fields.u32()? & ENCRYPTED != 0,
        })
    }
}

/// Length of the stored bytes of records that take `records_bytes`.
pub(crate) fn stored_bytes(records_bytes: usize, encrypted: bool) -> usize {
    if encrypted { records_bytes + NONCE_BYTES + TAG_BYTES } else { records_bytes }
}

/// Key and nonce of a batch that is to be encrypted.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Seal<'a> {
    pub cipher: &'a DataCipher,
    pub nonce: [u8; NONCE_BYTES],
}

/// Writes a batch into `out`, which has exactly its length. The batch is encrypted when there is a seal.
pub(crate) fn encode(out: &mut [u8], header: &BatchHeader, records: &[u8], seal: Option<Seal<'_>>) {
    assert_eq!(out.len(), header.total_bytes(), "room for one batch");
    assert_eq!(seal.is_some(), header.encrypted, "encrypted batches have a key");
    FieldWriter::new(&mut out[CONTEXT])
        .u32(header.stored_bytes)
        .u64(header.log)
        .u64(header.first)
        .i64(header.arrival)
        .u32(header.count)
        .u32(if header.encrypted { ENCRYPTED } else { 0 })
        .finish();
    let (head, body) = out.split_at_mut(BATCH_HEADER_BYTES);
    match seal {
        None => body.copy_from_slice(records),
        Some(seal) => {
            let (nonce, rest) = body.split_at_mut(NONCE_BYTES);
            let (cipher_text, tag) = rest.split_at_mut(records.len());
            nonce.copy_from_slice(&seal.nonce);
            cipher_text.copy_from_slice(records);
            tag.copy_from_slice(&seal.cipher.seal(seal.nonce, &head[CONTEXT], cipher_text));
        }
    }
    let crc = crc32c(&out[4..]);
    out[..4].copy_from_slice(&crc.to_le_bytes());
}

/// The batch at the beginning of `bytes` after a look at its checksum; `None` when it is damaged or cut.
pub(crate) fn verify(bytes: &[u8]) -> Option<BatchHeader> {
    let header = BatchHeader::decode(bytes)?;
    let whole = bytes.get(..header.total_bytes())?;
    let crc = u32::from_le_bytes(*whole.first_chunk()?);
    (crc == crc32c(&whole[4..])).then_some(header)
}

/// The records of a verified batch, decrypted if need be. Plain records share the memory of `batch`.
pub(crate) fn records(batch: &Bytes, header: &BatchHeader, cipher: &DataCipher) -> Option<RecordBatch> {
    let stored = BATCH_HEADER_BYTES..header.total_bytes();
    if !header.encrypted {
        return Some(RecordBatch::from_trusted(batch.slice(stored), header.count));
    }
    let (nonce, cipher_text) = batch[stored].split_first_chunk::<NONCE_BYTES>()?;
    let mut plain = cipher_text.to_vec();
    let len = cipher.open(*nonce, &batch[CONTEXT], &mut plain).ok()?;
    plain.truncate(len);
    Some(RecordBatch::from_trusted(plain.into(), header.count))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(encrypted: bool, records: &[u8]) -> (Vec<u8>, DataCipher) {
        let header = BatchHeader {
            stored_bytes: u32::try_from(stored_bytes(records.len(), encrypted)).expect("small"),
            log: 7,
            first: 1 << 40,
            arrival: -5,
            count: 3,
            encrypted,
        };
        let cipher = DataCipher::new(&[9; 32]);
        let mut out = vec![0xee; header.total_bytes()];
        encode(&mut out, &header, records, encrypted.then_some(Seal { cipher: &cipher, nonce: [1; 12] }));
        assert_eq!(verify(&out), Some(header));
        (out, cipher)
    }

    #[test]
    fn round_trip() {
        for encrypted in [false, true] {
            let (out, cipher) = encoded(encrypted, b"some records");
            let header = verify(&out).expect("whole");
            let read = records(&out.into(), &header, &cipher).expect("decrypts");
            assert_eq!((&read.bytes()[..], read.count()), (&b"some records"[..], 3));
        }
    }

    #[test]
    fn every_flipped_bit_is_noticed() {
        for encrypted in [false, true] {
            let (mut out, _) = encoded(encrypted, b"x");
            for bit in 0..out.len() * 8 {
                out[bit / 8] ^= 1 << (bit % 8);
                assert_eq!(verify(&out), None, "bit {bit}");
                out[bit / 8] ^= 1 << (bit % 8);
            }
            for cut in 0..out.len() {
                assert_eq!(verify(&out[..cut]), None, "cut at {cut}");
            }
        }
    }

    #[test]
    fn encrypted_batches_are_bound_to_their_header() {
        let (mut out, cipher) = encoded(true, b"secret");
        assert!(!out.windows(6).any(|window| window == b"secret"));
        out[8] = 8;
        let header = BatchHeader::decode(&out).expect("long enough");
        assert_eq!(records(&out.into(), &header, &cipher), None);
    }
}

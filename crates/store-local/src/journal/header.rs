//! The first block of a journal file.
//!
//! | offset | bytes | what |
//! | --- | --- | --- |
//! | 0 | 8 | "ANABJRNL" |
//! | 8 | 4 | CRC-32C of the rest of the block |
//! | 12 | 4 | format version |
//! | 16 | 8 | journal number |
//! | 24 | 8 | salt |
//! | 32 | 8 | run: how often the directory had been opened |
//! | 40 | 8 | first frame number of the run; frames of earlier runs from this number on are void |
//! | 48 | 8 | size of the file |
//! | 56 | 4 | in-flight window of the run, in frames |
//! | 60 | 4 | zeros |
//! | 64 | 2 + n | id of the root key |
//! | | 2 + n | data key, wrapped by the root key |
//! | | | zeros |

use super::{BLOCK_BYTES, FORMAT_VERSION};
use crate::bytes::{FieldWriter, Fields, crc32c, put_short_bytes};

const MAGIC: [u8; 8] = *b"ANABJRNL";

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct JournalHeader {
    pub number: u64,
    pub salt: u64,
    pub run: u64,
    pub run_first_frame: u64,
    pub file_bytes: u64,
    pub in_flight_max: u32,
    pub root_key_id: String,
    pub wrapped_key: Vec<u8>,
}

/// Why a block is no header that this program reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum BadHeader {
    Damaged,
    Version(u32),
}

impl JournalHeader {
    /// # Panics
    /// When root key id and wrapped key do not fit into a block together.
    pub(crate) fn encode(&self, block: &mut [u8]) {
        assert_eq!(block.len(), BLOCK_BYTES, "a header is one block");
        let mut key = Vec::new();
        put_short_bytes(&mut key, self.root_key_id.as_bytes());
        put_short_bytes(&mut key, &self.wrapped_key);
        FieldWriter::new(&mut block[12..])
            .u32(FORMAT_VERSION)
            .u64(self.number)
            .u64(self.salt)
            .u64(self.run)
            .u64(self.run_first_frame)
            .u64(self.file_bytes)
            .u32(self.in_flight_max)
            .u32(0)
            .put(&key)
            .finish();
        let crc = crc32c(&block[12..]);
        FieldWriter::new(&mut block[..12]).put(&MAGIC).u32(crc).finish();
    }

    pub(crate) fn decode(block: &[u8]) -> Result<Self, BadHeader> {
        Self::fields(block).ok_or(BadHeader::Damaged)?
    }

    fn fields(block: &[u8]) -> Option<Result<Self, BadHeader>> {
        let mut fields = Fields::new(block.get(..BLOCK_BYTES)?);
        if fields.take(MAGIC.len())? != MAGIC || fields.u32()? != crc32c(&block[12..BLOCK_BYTES]) {
            return None;
        }
        let version = fields.u32()?;
        if version != FORMAT_VERSION {
            return Some(Err(BadHeader::Version(version)));
        }
        let (number, salt, run) = (fields.number()?, fields.u64()?, fields.number()?);
        let (run_first_frame, file_bytes, in_flight_max) = (fields.number()?, fields.number()?, fields.u32()?);
        fields.u32()?;
        let root_key_id = String::from_utf8(fields.short_bytes()?.to_vec()).ok()?;
        let wrapped_key = fields.short_bytes()?.to_vec();
        Some(Ok(Self { number, salt, run, run_first_frame, file_bytes, in_flight_max, root_key_id, wrapped_key }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_trip_and_flips() {
        let header = JournalHeader {
            number: 3,
            salt: u64::MAX - 1,
            run: 2,
            run_first_frame: 99,
            file_bytes: 1 << 24,
            in_flight_max: 4,
            root_key_id: "root/1".to_owned(),
            wrapped_key: vec![5; 60],
        };
        let mut block = vec![0xaa; BLOCK_BYTES];
        header.encode(&mut block);
        assert_eq!(JournalHeader::decode(&block), Ok(header));
        for bit in (0..BLOCK_BYTES * 8).step_by(7) {
            block[bit / 8] ^= 1 << (bit % 8);
            assert!(JournalHeader::decode(&block).is_err(), "bit {bit}");
            block[bit / 8] ^= 1 << (bit % 8);
        }
        assert_eq!(JournalHeader::decode(&[0; BLOCK_BYTES]), Err(BadHeader::Damaged));
    }
}

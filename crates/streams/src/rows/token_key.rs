//! Row `streams/token-key`: the AES-256 key that seals iterators and page tokens, so that they survive a restart.
//!
//! Version 1: `key, 32 bytes`.

use base::Bytes;

use super::field::{RowError, RowReader, RowWriter};

const VERSION: u8 = 1;

/// The key.
#[derive(Clone, PartialEq, Eq)]
pub struct TokenKeyRow(pub [u8; 32]);

impl TokenKeyRow {
    pub fn encode(&self) -> Bytes {
        let mut row = RowWriter::new(VERSION);
        for byte in self.0 {
            row.u8(byte);
        }
        row.finish()
    }

    /// # Errors
    /// When the bytes are not a key row of a known version.
    pub fn decode(bytes: &[u8]) -> Result<Self, RowError> {
        let mut row = RowReader::new(bytes, VERSION)?;
        let mut key = [0; 32];
        for byte in &mut key {
            *byte = row.u8("key")?;
        }
        row.finish()?;
        Ok(Self(key))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_trip() {
        let key: [u8; 32] = std::array::from_fn(|i| i as u8);
        assert!(TokenKeyRow::decode(&TokenKeyRow(key).encode()) == Ok(TokenKeyRow(key)));
    }
}

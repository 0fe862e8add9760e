//! Row `tables/token/<account>/<region>/<token>`: a ClientRequestToken whose transaction has been carried out.
//!
//! Version 1: `digest of the request, 32 bytes as blob | forgotten at i64`.

use base::Bytes;
use base::time::Timestamp;

use super::field::{RowError, RowReader, RowWriter};

const VERSION: u8 = 1;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TokenRow {
    /// Of the transaction that the token came with first.
    pub digest: [u8; 32],
    pub forgotten_at: Timestamp,
}

impl TokenRow {
    pub fn encode(&self) -> Bytes {
        let mut row = RowWriter::new(VERSION);
        row.blob(&self.digest);
        row.time(self.forgotten_at);
        row.finish()
    }

    /// # Errors
    /// When the bytes are not a token's row of a known version.
    pub fn decode(bytes: Bytes) -> Result<Self, RowError> {
        let mut row = RowReader::new(bytes, VERSION)?;
        let digest = row.blob("digest")?[..].try_into().map_err(|_| RowError::Damaged { field: "digest" })?;
        let token = Self { digest, forgotten_at: row.time("forgotten_at")? };
        row.finish()?;
        Ok(token)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_trip() {
        let token = TokenRow { digest: [7; 32], forgotten_at: Timestamp::from_millis(9) };
        assert_eq!(TokenRow::decode(token.encode()), Ok(token));
    }
}

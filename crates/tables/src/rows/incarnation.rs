//! Row `tables/counter/incarnation`: the number of the next table.
//!
//! Version 1: `next u64`.

use base::Bytes;

use super::field::{RowError, RowReader, RowWriter};

const VERSION: u8 = 1;

/// Tells a table from an earlier one of the same name; never used twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IncarnationRow(pub u64);

impl IncarnationRow {
    pub fn encode(self) -> Bytes {
        let mut row = RowWriter::new(VERSION);
        row.u64(self.0);
        row.finish()
    }

    /// # Errors
    /// When the bytes are not such a row of a known version.
    pub fn decode(bytes: Bytes) -> Result<Self, RowError> {
        let mut row = RowReader::new(bytes, VERSION)?;
        let next = Self(row.u64("next")?);
        row.finish()?;
        Ok(next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_trip() {
        assert_eq!(IncarnationRow::decode(IncarnationRow(7).encode()), Ok(IncarnationRow(7)));
    }
}

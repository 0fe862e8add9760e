//! Rows `streams/counter/log` and `streams/counter/incarnation`: numbers below this have been handed out.
//!
//! Version 1: `next u64`.

use base::Bytes;

use super::field::{RowError, RowReader, RowWriter};

const VERSION: u8 = 1;

/// The first number that was never handed out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CounterRow(pub u64);

impl CounterRow {
    pub fn encode(self) -> Bytes {
        let mut row = RowWriter::new(VERSION);
        row.u64(self.0);
        row.finish()
    }

    /// # Errors
    /// When the bytes are not a counter row of a known version.
    pub fn decode(bytes: &[u8]) -> Result<Self, RowError> {
        let mut row = RowReader::new(bytes, VERSION)?;
        let next = row.u64("next")?;
        row.finish()?;
        Ok(Self(next))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_trip() {
        assert_eq!(CounterRow::decode(&CounterRow(7).encode()), Ok(CounterRow(7)));
    }
}

//! Rows `streams/counter/log` and `streams/counter/incarnation`: numbers below this have been handed out.
//!
//! Version 1: `next u64`.

use base::Bytes;

use super::field::{RowError, RowReader, RowWriter};

const VERSION: u8 = 1;
/// No server gets so far in any time: what is beyond is damage, and could not be counted on from.
const NEXT_MAX: u64 = u64::MAX / 2;

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
        if next > NEXT_MAX {
            return Err(RowError::Damaged { field: "next" });
        }
        Ok(Self(next))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_trip() {
        assert_eq!(CounterRow::decode(&CounterRow(7).encode()), Ok(CounterRow(7)));
        let refused = Err(RowError::Damaged { field: "next" });
        assert_eq!(CounterRow::decode(&CounterRow(u64::MAX - 3).encode()), refused);
    }
}

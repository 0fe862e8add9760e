//! Row `streams/account/<account>/<region>`: the billing commitment of an account in a region.
//!
//! Version 1: `started at i64 | earliest end i64 | ended at ?i64`.

use base::Bytes;
use base::time::Timestamp;

use super::field::{RowError, RowReader, RowWriter};

const VERSION: u8 = 1;

/// The last commitment that was made. Its status follows from the time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AccountRow {
    pub started_at: Timestamp,
    pub earliest_end_at: Timestamp,
    /// Set when it was given up; may lie in the future, but never before the earliest end.
    pub ended_at: Option<Timestamp>,
}

impl AccountRow {
    pub fn encode(&self) -> Bytes {
        let mut row = RowWriter::new(VERSION);
        row.time(self.started_at);
        row.time(self.earliest_end_at);
        row.option(self.ended_at, RowWriter::time);
        row.finish()
    }

    /// # Errors
    /// When the bytes are not an account row of a known version.
    pub fn decode(bytes: &[u8]) -> Result<Self, RowError> {
        let mut row = RowReader::new(bytes, VERSION)?;
        let account = Self {
            started_at: row.time("started_at")?,
            earliest_end_at: row.time("earliest_end_at")?,
            ended_at: row.option("ended_at", |row| row.time("ended_at"))?,
        };
        row.finish()?;
        Ok(account)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_trip() {
        for ended_at in [None, Some(Timestamp::from_millis(9))] {
            let account = AccountRow {
                started_at: Timestamp::from_millis(1),
                earliest_end_at: Timestamp::from_millis(2),
                ended_at,
            };
            assert_eq!(AccountRow::decode(&account.encode()), Ok(account));
        }
    }
}

//! Row `streams/consumer/<incarnation>/<name>`: a registered fan-out consumer.
//!
//! Version 1: `name text | created at i64 | active at i64 | gone at ?i64`.

use base::Bytes;
use base::ids::ConsumerName;
use base::time::Timestamp;

use super::field::{RowError, RowReader, RowWriter};

const VERSION: u8 = 1;

/// What is persisted of a consumer. Its status follows from the time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsumerRow {
    pub name: ConsumerName,
    pub created_at: Timestamp,
    /// CREATING before, ACTIVE from then on.
    pub active_at: Timestamp,
    /// Set when deregistered: DELETING until then.
    pub gone_at: Option<Timestamp>,
}

impl ConsumerRow {
    pub fn encode(&self) -> Bytes {
        let mut row = RowWriter::new(VERSION);
        row.text(self.name.as_str());
        row.time(self.created_at);
        row.time(self.active_at);
        row.option(self.gone_at, RowWriter::time);
        row.finish()
    }

    /// # Errors
    /// When the bytes are not a consumer row of a known version.
    pub fn decode(bytes: &[u8]) -> Result<Self, RowError> {
        let mut row = RowReader::new(bytes, VERSION)?;
        let consumer = Self {
            name: ConsumerName::new(row.text("name")?).map_err(|_| RowError::Damaged { field: "name" })?,
            created_at: row.time("created_at")?,
            active_at: row.time("active_at")?,
            gone_at: row.option("gone_at", |row| row.time("gone_at"))?,
        };
        row.finish()?;
        Ok(consumer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_trip() {
        for gone_at in [None, Some(Timestamp::from_millis(3))] {
            let consumer = ConsumerRow {
                name: "c-1".parse().expect("a name"),
                created_at: Timestamp::from_millis(1),
                active_at: Timestamp::from_millis(2),
                gone_at,
            };
            assert_eq!(ConsumerRow::decode(&consumer.encode()), Ok(consumer));
        }
    }
}

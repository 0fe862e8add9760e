//! Row `monitor/action/<number>`: something to be told of an alarm, until it has been.
//!
//! Version 1: account text, region text, alarm text, target text, body text.

use base::Bytes;

use super::field::{RowError, RowReader, RowWriter};
use super::metric::{read_scope, write_scope};
use crate::metric::Scope;

const VERSION: u8 = 1;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActionRow {
    pub scope: Scope,
    pub alarm: String,
    /// A URL, or the ARN of a stream.
    pub target: String,
    /// JSON.
    pub body: String,
}

impl ActionRow {
    pub fn encode(&self) -> Bytes {
        let mut row = RowWriter::new(VERSION);
        write_scope(&mut row, &self.scope);
        row.text(&self.alarm);
        row.text(&self.target);
        row.text(&self.body);
        row.finish()
    }

    /// # Errors
    /// When the bytes are not an action row of a known version.
    pub fn decode(bytes: &[u8]) -> Result<Self, RowError> {
        let mut row = RowReader::new(bytes, VERSION)?;
        let action = Self {
            scope: read_scope(&mut row)?,
            alarm: row.text("alarm")?,
            target: row.text("target")?,
            body: row.text("body")?,
        };
        row.finish()?;
        Ok(action)
    }
}

#[cfg(test)]
mod tests {
    use base::ids::{AccountId, Region};

    use super::*;

    #[test]
    fn round_trip() {
        let row = ActionRow {
            scope: Scope { account: AccountId::zero(), region: Region::new("us-east-1").expect("a region") },
            alarm: "late".to_owned(),
            target: "http://127.0.0.1/hook".to_owned(),
            body: "{}".to_owned(),
        };
        assert_eq!(ActionRow::decode(&row.encode()), Ok(row.clone()));
        let bytes = row.encode();
        assert!((0..bytes.len()).all(|len| ActionRow::decode(&bytes[..len]).is_err()));
    }
}

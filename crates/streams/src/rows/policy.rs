//! Row `streams/policy/<incarnation>/stream` or `…/consumer/<name>`: the resource policy, as it was put.
//!
//! Version 1: `policy text`.

use base::Bytes;

use super::field::{RowError, RowReader, RowWriter};

const VERSION: u8 = 1;

/// A policy document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyRow(pub String);

impl PolicyRow {
    pub fn encode(&self) -> Bytes {
        let mut row = RowWriter::new(VERSION);
        row.text(&self.0);
        row.finish()
    }

    /// # Errors
    /// When the bytes are not a policy row of a known version.
    pub fn decode(bytes: &[u8]) -> Result<Self, RowError> {
        let mut row = RowReader::new(bytes, VERSION)?;
        let policy = row.text("policy")?;
        row.finish()?;
        Ok(Self(policy))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_trip() {
        let policy = PolicyRow("{\"Version\":\"2012-10-17\"}".to_owned());
        assert_eq!(PolicyRow::decode(&policy.encode()), Ok(policy));
    }
}

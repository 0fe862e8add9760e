//! Row `streams/tags/<incarnation>/stream` or `…/consumer/<name>`: the tags of one resource.
//!
//! Version 1: list of `key text, value text`, sorted by key.

use std::collections::BTreeMap;

use base::Bytes;

use super::field::{RowError, RowReader, RowWriter};

const VERSION: u8 = 1;

/// Tags by key.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TagsRow(pub BTreeMap<String, String>);

impl TagsRow {
    pub fn encode(&self) -> Bytes {
        let mut row = RowWriter::new(VERSION);
        let tags: Vec<_> = self.0.iter().collect();
        row.list(&tags, |row, (key, value)| {
            row.text(key);
            row.text(value);
        });
        row.finish()
    }

    /// # Errors
    /// When the bytes are not a tags row of a known version.
    pub fn decode(bytes: &[u8]) -> Result<Self, RowError> {
        let mut row = RowReader::new(bytes, VERSION)?;
        let tags = row.list("tags", |row| Ok((row.text("key")?, row.text("value")?)))?;
        row.finish()?;
        Ok(Self(tags.into_iter().collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_trip() {
        let tags = TagsRow(BTreeMap::from([("a".to_owned(), "1".to_owned()), ("ключ".to_owned(), String::new())]));
        assert_eq!(TagsRow::decode(&tags.encode()), Ok(tags));
        assert_eq!(TagsRow::decode(&TagsRow::default().encode()), Ok(TagsRow::default()));
    }
}

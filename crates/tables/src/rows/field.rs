//! Fields of rows: little endian numbers, texts and blobs behind a length. A row begins with its version.
//!
//! Texts and blobs that are read are slices of the row, so that an item in memory is one buffer.

use base::time::Timestamp;
use base::{ByteString, Bytes};
use thiserror::Error;

/// Elements of one stored list; more is damage.
const LIST_MAX: u32 = 1_000_000;

/// The bytes of a row cannot be understood.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RowError {
    #[error("row of version {found} was written by a newer release; this one reads up to {known}")]
    Version { found: u8, known: u8 },
    #[error("row is damaged at {field}")]
    Damaged { field: &'static str },
}

#[derive(Debug)]
pub struct RowWriter {
    bytes: Vec<u8>,
}

impl RowWriter {
    pub fn new(version: u8) -> Self {
        Self { bytes: vec![version] }
    }

    /// Exactly as large as the fields.
    pub fn finish(self) -> Bytes {
        Bytes::from(self.bytes.into_boxed_slice())
    }

    pub fn u8(&mut self, value: u8) {
        self.bytes.push(value);
    }

    pub fn u64(&mut self, value: u64) {
        self.bytes.extend_from_slice(&value.to_le_bytes());
    }

    pub fn i64(&mut self, value: i64) {
        self.bytes.extend_from_slice(&value.to_le_bytes());
    }

    pub fn time(&mut self, value: Timestamp) {
        self.i64(value.millis());
    }

    pub fn blob(&mut self, value: &[u8]) {
        self.count(value.len());
        self.bytes.extend_from_slice(value);
    }

    pub fn text(&mut self, value: &str) {
        self.blob(value.as_bytes());
    }

    pub fn option<T>(&mut self, value: Option<T>, write: impl FnOnce(&mut Self, T)) {
        self.u8(u8::from(value.is_some()));
        if let Some(value) = value {
            write(self, value);
        }
    }

    pub fn list<T>(&mut self, values: impl ExactSizeIterator<Item = T>, mut write: impl FnMut(&mut Self, T)) {
        self.count(values.len());
        for value in values {
            write(self, value);
        }
    }

    fn count(&mut self, count: usize) {
        let count = u32::try_from(count).expect("what is stored is bounded by the API's limits");
        self.bytes.extend_from_slice(&count.to_le_bytes());
    }
}

#[derive(Debug)]
pub struct RowReader {
    rest: Bytes,
}

impl RowReader {
    /// Opens a row whose version is at most `known`.
    pub fn new(bytes: Bytes, known: u8) -> Result<Self, RowError> {
        let mut reader = Self { rest: bytes };
        let found = reader.u8("version")?;
        if found == 0 || found > known { Err(RowError::Version { found, known }) } else { Ok(reader) }
    }

    /// Fails unless everything was read.
    pub fn finish(self) -> Result<(), RowError> {
        if self.rest.is_empty() { Ok(()) } else { Err(RowError::Damaged { field: "end" }) }
    }

    fn take<const N: usize>(&mut self, field: &'static str) -> Result<[u8; N], RowError> {
        let taken = *self.rest.first_chunk::<N>().ok_or(RowError::Damaged { field })?;
        self.rest = self.rest.slice(N..);
        Ok(taken)
    }

    pub fn u8(&mut self, field: &'static str) -> Result<u8, RowError> {
        self.take::<1>(field).map(|bytes| bytes[0])
    }

    pub fn u64(&mut self, field: &'static str) -> Result<u64, RowError> {
        self.take(field).map(u64::from_le_bytes)
    }

    pub fn i64(&mut self, field: &'static str) -> Result<i64, RowError> {
        self.take(field).map(i64::from_le_bytes)
    }

    pub fn time(&mut self, field: &'static str) -> Result<Timestamp, RowError> {
        self.i64(field).map(Timestamp::from_millis)
    }

    pub fn blob(&mut self, field: &'static str) -> Result<Bytes, RowError> {
        let len = u32::from_le_bytes(self.take(field)?) as usize;
        if len > self.rest.len() {
            return Err(RowError::Damaged { field });
        }
        Ok(self.rest.split_to(len))
    }

    pub fn text(&mut self, field: &'static str) -> Result<ByteString, RowError> {
        ByteString::try_from(self.blob(field)?).map_err(|_| RowError::Damaged { field })
    }

    pub fn option<T>(
        &mut self,
        field: &'static str,
        read: impl FnOnce(&mut Self) -> Result<T, RowError>,
    ) -> Result<Option<T>, RowError> {
        match self.u8(field)? {
            0 => Ok(None),
            1 => read(self).map(Some),
            _ => Err(RowError::Damaged { field }),
        }
    }

    pub fn list<T, L: FromIterator<T>>(
        &mut self,
        field: &'static str,
        mut read: impl FnMut(&mut Self) -> Result<T, RowError>,
    ) -> Result<L, RowError> {
        let count = u32::from_le_bytes(self.take(field)?);
        if count > LIST_MAX {
            return Err(RowError::Damaged { field });
        }
        (0..count).map(|_| read(self)).collect()
    }
}

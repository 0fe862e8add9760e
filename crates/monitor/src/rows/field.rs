//! Fields of rows: little endian numbers, texts and lists behind a length. A row begins with its version.

use base::Bytes;
use base::time::Timestamp;
use thiserror::Error;

/// Elements of one stored list; more is damage.
const LIST_MAX: u32 = 100_000;

/// Room that a row begins with.
const ROW_BYTES_EXPECTED: usize = 256;

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
        let mut bytes = Vec::with_capacity(ROW_BYTES_EXPECTED);
        bytes.push(version);
        Self { bytes }
    }

    /// Exactly as large as the fields: rows wait by the hundred for one commit.
    pub fn finish(self) -> Bytes {
        Bytes::from(self.bytes.into_boxed_slice())
    }

    pub fn u8(&mut self, value: u8) {
        self.bytes.push(value);
    }

    pub fn u32(&mut self, value: u32) {
        self.bytes.extend_from_slice(&value.to_le_bytes());
    }

    pub fn f64(&mut self, value: f64) {
        self.bytes.extend_from_slice(&value.to_le_bytes());
    }

    pub fn time(&mut self, value: Timestamp) {
        self.bytes.extend_from_slice(&value.millis().to_le_bytes());
    }

    pub fn text(&mut self, value: &str) {
        self.u32(u32::try_from(value.len()).expect("stored texts are bounded by the API's limits"));
        self.bytes.extend_from_slice(value.as_bytes());
    }

    pub fn option<T>(&mut self, value: Option<T>, write: impl FnOnce(&mut Self, T)) {
        self.u8(u8::from(value.is_some()));
        if let Some(value) = value {
            write(self, value);
        }
    }

    pub fn list<T>(&mut self, values: &[T], mut write: impl FnMut(&mut Self, &T)) {
        self.u32(u32::try_from(values.len()).expect("stored lists are bounded by the API's limits"));
        for value in values {
            write(self, value);
        }
    }
}

#[derive(Debug)]
pub struct RowReader<'a> {
    rest: &'a [u8],
}

impl<'a> RowReader<'a> {
    /// Opens a row whose version is at most `known`.
    pub fn new(bytes: &'a [u8], known: u8) -> Result<Self, RowError> {
        let mut reader = Self { rest: bytes };
        let found = reader.u8("version")?;
        if found == 0 || found > known { Err(RowError::Version { found, known }) } else { Ok(reader) }
    }

    /// Fails unless everything was read.
    pub fn finish(self) -> Result<(), RowError> {
        if self.rest.is_empty() { Ok(()) } else { Err(RowError::Damaged { field: "end" }) }
    }

    fn take<const N: usize>(&mut self, field: &'static str) -> Result<[u8; N], RowError> {
        let (head, rest) = self.rest.split_first_chunk::<N>().ok_or(RowError::Damaged { field })?;
        self.rest = rest;
        Ok(*head)
    }

    pub fn u8(&mut self, field: &'static str) -> Result<u8, RowError> {
        self.take::<1>(field).map(|bytes| bytes[0])
    }

    pub fn u32(&mut self, field: &'static str) -> Result<u32, RowError> {
        self.take(field).map(u32::from_le_bytes)
    }

    pub fn f64(&mut self, field: &'static str) -> Result<f64, RowError> {
        self.take(field).map(f64::from_le_bytes)
    }

    pub fn time(&mut self, field: &'static str) -> Result<Timestamp, RowError> {
        self.take(field).map(|bytes| Timestamp::from_millis(i64::from_le_bytes(bytes)))
    }

    pub fn text(&mut self, field: &'static str) -> Result<String, RowError> {
        let len = self.u32(field)? as usize;
        let (head, rest) = self.rest.split_at_checked(len).ok_or(RowError::Damaged { field })?;
        self.rest = rest;
        String::from_utf8(head.to_vec()).map_err(|_| RowError::Damaged { field })
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

    pub fn list<T>(
        &mut self,
        field: &'static str,
        mut read: impl FnMut(&mut Self) -> Result<T, RowError>,
    ) -> Result<Vec<T>, RowError> {
        let count = self.u32(field)?;
        if count > LIST_MAX {
            return Err(RowError::Damaged { field });
        }
        (0..count).map(|_| read(self)).collect()
    }
}

//! Little-endian fields of persisted structures.

/// Reads fields one after the other; `None` when the bytes end.
#[derive(Debug, Clone)]
pub(crate) struct Fields<'a> {
    rest: &'a [u8],
}

impl<'a> Fields<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    pub(crate) fn take(&mut self, len: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(len)?;
        self.rest = rest;
        Some(taken)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.rest.split_first_chunk()?;
        self.rest = rest;
        Some(*taken)
    }

    pub(crate) fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_le_bytes)
    }

    pub(crate) fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    pub(crate) fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_le_bytes)
    }

    pub(crate) fn i64(&mut self) -> Option<i64> {
        self.array().map(i64::from_le_bytes)
    }

    /// A count, a size or a position. None is ever beyond 2^63 - 1, so that two of them can be added.
    pub(crate) fn number(&mut self) -> Option<u64> {
        self.u64().filter(|number| i64::try_from(*number).is_ok())
    }

    /// The number of a journal. None is ever beyond 2^31 - 1, so that there is always a next one.
    pub(crate) fn journal_number(&mut self) -> Option<u32> {
        self.u32().filter(|number| i32::try_from(*number).is_ok())
    }

    /// Bytes behind a length of 16 bits.
    pub(crate) fn short_bytes(&mut self) -> Option<&'a [u8]> {
        let len = self.u16()?;
        self.take(usize::from(len))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }
}

/// Puts fields one after the other into a slice that has room for them.
#[derive(Debug)]
pub(crate) struct FieldWriter<'a> {
    rest: &'a mut [u8],
}

impl<'a> FieldWriter<'a> {
    pub(crate) fn new(out: &'a mut [u8]) -> Self {
        Self { rest: out }
    }

    #[must_use]
    pub(crate) fn put(self, bytes: &[u8]) -> Self {
        let (head, rest) = self.rest.split_at_mut(bytes.len());
        head.copy_from_slice(bytes);
        Self { rest }
    }

    #[must_use]
    pub(crate) fn u32(self, value: u32) -> Self {
        self.put(&value.to_le_bytes())
    }

    #[must_use]
    pub(crate) fn u64(self, value: u64) -> Self {
        self.put(&value.to_le_bytes())
    }

    #[must_use]
    pub(crate) fn i64(self, value: i64) -> Self {
        self.put(&value.to_le_bytes())
    }

    /// Zeros to the end of the slice.
    pub(crate) fn finish(self) {
        self.rest.fill(0);
    }
}

/// Appends bytes behind a length of 16 bits.
///
/// # Panics
/// When they are longer than 65,535 bytes.
pub(crate) fn put_short_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    let len = u16::try_from(bytes.len()).expect("identifiers and wrapped keys are short");
    out.extend_from_slice(&len.to_le_bytes());
    out.extend_from_slice(bytes);
}

/// CRC-32C (Castagnoli), the checksum of every persisted structure.
pub(crate) fn crc32c(bytes: &[u8]) -> u32 {
    crc_fast::crc32_iscsi(bytes)
}

//! A reusable buffer that begins at a multiple of the block size, as direct writes demand.

use bytes::Bytes;

use super::BLOCK_BYTES;

/// A buffer larger than this is given back after use.
const KEPT_BYTES_MAX: usize = 8 << 20;

#[derive(Debug, Default)]
pub(crate) struct AlignedBuffer {
    /// Longer than needed by one block, so that an aligned part lies inside.
    storage: Vec<u8>,
    start: usize,
    len: usize,
}

impl AlignedBuffer {
    /// Empties the buffer.
    pub(crate) fn clear(&mut self) {
        self.len = 0;
        if self.storage.len() > KEPT_BYTES_MAX {
            *self = Self::default();
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.storage[self.start..self.start + self.len]
    }

    pub(crate) fn bytes_mut(&mut self) -> &mut [u8] {
        &mut self.storage[self.start..self.start + self.len]
    }

    /// Appends `len` bytes of undefined content and answers them.
    pub(crate) fn grow(&mut self, len: usize) -> &mut [u8] {
        let end = self.len + len;
        if self.start + end > self.storage.len() {
            self.reallocate(end);
        }
        let added = self.start + self.len..self.start + end;
        self.len = end;
        &mut self.storage[added]
    }

    /// Fills the last block with zeros.
    pub(crate) fn pad_to_block(&mut self) {
        let padding = self.len.next_multiple_of(BLOCK_BYTES) - self.len;
        self.grow(padding).fill(0);
    }

    /// Removes the first `len` bytes.
    pub(crate) fn remove_first(&mut self, len: usize) {
        self.storage.copy_within(self.start + len..self.start + self.len, self.start);
        self.len -= len;
    }

    /// The content; the memory goes with it.
    pub(crate) fn take(&mut self) -> Bytes {
        let Self { storage, start, len } = std::mem::take(self);
        Bytes::from(storage).slice(start..start + len)
    }

    fn reallocate(&mut self, len: usize) {
        let room = len.next_power_of_two().max(16 * BLOCK_BYTES);
        let mut storage = vec![0; room + BLOCK_BYTES];
        let start = storage.as_ptr().align_offset(BLOCK_BYTES);
        assert!(start < BLOCK_BYTES, "bytes can be aligned to a block");
        storage[start..start + self.len].copy_from_slice(self.bytes());
        self.storage = storage;
        self.start = start;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_survives_growth_and_stays_aligned() {
        let mut buffer = AlignedBuffer::default();
        for i in 0..1000u32 {
            buffer.grow(777).fill(i.to_le_bytes()[0]);
            assert_eq!(buffer.bytes().as_ptr().align_offset(BLOCK_BYTES), 0);
        }
        assert_eq!(buffer.len(), 777_000);
        assert!((0..1000u32).all(|i| buffer.bytes()[i as usize * 777 + 776] == i.to_le_bytes()[0]));
        buffer.pad_to_block();
        assert_eq!(buffer.len() % BLOCK_BYTES, 0);
        buffer.remove_first(776_999 - 777);
        assert_eq!(buffer.bytes()[..2], [998u32.to_le_bytes()[0], 999u32.to_le_bytes()[0]]);
        let len = buffer.len();
        assert_eq!(buffer.take().len(), len);
        buffer.clear();
        assert_eq!(buffer.bytes(), b"");
    }
}

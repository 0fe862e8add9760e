//! The content of a device: chunks that clones share until one of them writes.

use std::sync::Arc;

const CHUNK_BYTES: usize = 64 << 10;

/// Bytes of a device. A clone costs little; chunks of zeros that were never written cost nothing.
#[derive(Debug, Clone)]
pub(crate) struct Blocks {
    chunks: Vec<Option<Arc<[u8; CHUNK_BYTES]>>>,
}

impl Blocks {
    /// `bytes` are rounded up to whole chunks.
    pub(crate) fn new(bytes: usize) -> Self {
        Self { chunks: vec![None; bytes.div_ceil(CHUNK_BYTES)] }
    }

    pub(crate) fn len(&self) -> usize {
        self.chunks.len() * CHUNK_BYTES
    }

    /// Overwrites from `offset` on; what would lie behind the end is left out.
    pub(crate) fn write(&mut self, offset: usize, data: &[u8]) {
        let mut rest = data;
        let mut at = offset;
        while !rest.is_empty() && at < self.len() {
            let within = at % CHUNK_BYTES;
            let (part, later) = rest.split_at(rest.len().min(CHUNK_BYTES - within));
            let chunk = self.chunks[at / CHUNK_BYTES].get_or_insert_with(|| Arc::new([0; CHUNK_BYTES]));
            Arc::make_mut(chunk)[within..within + part.len()].copy_from_slice(part);
            at += part.len();
            rest = later;
        }
    }

    /// `len` bytes from `offset` on, fewer at the end.
    pub(crate) fn read(&self, offset: usize, len: usize) -> Vec<u8> {
        let end = (offset + len).min(self.len());
        let mut out = Vec::with_capacity(len);
        let mut at = offset;
        while at < end {
            let within = at % CHUNK_BYTES;
            let part = (CHUNK_BYTES - within).min(end - at);
            match &self.chunks[at / CHUNK_BYTES] {
                Some(chunk) => out.extend_from_slice(&chunk[within..within + part]),
                None => out.resize(out.len() + part, 0),
            }
            at += part;
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_cross_chunks_and_clones_stay_as_they_were() {
        let mut blocks = Blocks::new(3 * CHUNK_BYTES - 1);
        assert_eq!(blocks.len(), 3 * CHUNK_BYTES);
        let before = blocks.clone();
        blocks.write(CHUNK_BYTES - 2, &[1, 2, 3, 4]);
        assert_eq!(blocks.read(CHUNK_BYTES - 3, 6), [0, 1, 2, 3, 4, 0]);
        assert_eq!(before.read(CHUNK_BYTES - 3, 6), [0; 6]);
        blocks.write(blocks.len() - 1, &[9, 9]);
        assert_eq!(blocks.read(blocks.len() - 1, 5), [9]);
    }
}

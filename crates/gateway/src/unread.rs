//! Memory for answers that have been made and not been sent, because their clients do not read them.
//!
//! A large answer for which there is no memory is refused: only reads have such, so that nothing is lost. What an
//! operation that changes something answers is smaller, and always sent; when too much of that is unread, no request
//! is begun until some has gone.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use base::Bytes;
use base::limits::MIB;

/// Answers up to this are not counted.
const TINY_BYTES_MAX: usize = 16 * 1024;
/// Answers up to this are never refused: a written item that is handed back is smaller.
const SMALL_BYTES_MAX: usize = MIB;
/// One part in so many is for small answers.
const SMALL_SHARE: usize = 4;

/// What is unread of all connections.
#[derive(Debug)]
pub struct Unread {
    small: Arc<Pool>,
    large: Arc<Pool>,
}

#[derive(Debug)]
struct Pool {
    bytes: AtomicUsize,
    bytes_max: usize,
}

/// There is no memory for an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Full;

impl Unread {
    /// `largest`: the largest answer, for which there is room.
    pub fn new(bytes_max: usize, largest: usize) -> Self {
        let pool = |bytes_max| Arc::new(Pool { bytes: AtomicUsize::new(0), bytes_max });
        let small = bytes_max / SMALL_SHARE;
        Self { small: pool(small), large: pool((bytes_max - small).max(largest)) }
    }

    /// Whether so much is unread that no request should begin.
    pub fn is_full(&self) -> bool {
        self.small.bytes.load(Ordering::Relaxed) >= self.small.bytes_max
    }

    /// The same bytes, counted until the last of them is sent or given up.
    pub fn hold(&self, mut bytes: Vec<u8>) -> Result<Bytes, Full> {
        // Its buffer may have been made for a larger one.
        if bytes.len() < bytes.capacity() / 2 {
            bytes.shrink_to_fit();
        }
        let size = bytes.capacity();
        if size <= TINY_BYTES_MAX {
            return Ok(bytes.into());
        }
        let is_large = size > SMALL_BYTES_MAX;
        let pool = if is_large { &self.large } else { &self.small };
        let before = pool.bytes.fetch_add(size, Ordering::Relaxed);
        let held = Held { bytes, size, pool: Arc::clone(pool) };
        if is_large && before.saturating_add(size) > pool.bytes_max { Err(Full) } else { Ok(Bytes::from_owner(held)) }
    }
}

/// An answer that is counted as long as it lives.
struct Held {
    bytes: Vec<u8>,
    size: usize,
    pool: Arc<Pool>,
}

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.pool.bytes.fetch_sub(self.size, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_answers_are_refused_and_small_ones_close_the_door() {
        let unread = Unread::new(16 * MIB, 4 * MIB);
        let large: Vec<_> = (0..3).map(|_| unread.hold(vec![0; 4 * MIB]).expect("room")).collect();
        assert_eq!(unread.hold(vec![0; SMALL_BYTES_MAX + 1]), Err(Full));
        assert!(!unread.is_full(), "others are served");
        let small: Vec<_> = (0..5).map(|_| unread.hold(vec![0; SMALL_BYTES_MAX]).expect("never refused")).collect();
        assert!(unread.is_full());
        drop((small, large));
        assert!(!unread.is_full());
        assert_eq!(unread.hold(vec![1; 4 * MIB]).expect("room again").len(), 4 * MIB);
        assert!(Unread::new(0, MIB + 1).hold(vec![0; MIB + 1]).is_ok(), "the largest finds room alone");
    }
}

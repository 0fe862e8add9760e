//! Memory for the bodies of all requests together.
//!
//! A request that finds none waits for a while, and is then told to slow down: clients know how to do that, and an
//! answer is better than silence. What has arrived of a waiting request lies in the buffers of its connection, so no
//! more may wait than there is memory for those. Large buffers of HTTP/1 are not counted: they have bounds of their own.

use std::sync::Arc;
use std::time::Duration;

use base::limits::MIB;
use http::Version;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use crate::connection::STREAM_WINDOW_BYTES;
use crate::inlet::BUFFER_BYTES_LEAST;

/// The budget counts in units, because a permit holds 32 bits.
const UNIT: usize = 1024;
/// What waiting requests may hold in the buffers of their connections.
const WAITING_BYTES_MAX: usize = 64 * MIB;
/// Bodies up to this size have a share of their own, so that they need not queue behind large ones.
const SMALL_BYTES_MAX: usize = MIB / 4;
/// The share of small bodies is one part in so many, or what the largest body leaves if that is less.
const SMALL_SHARE: usize = 8;

/// Memory for bodies.
#[derive(Debug, Clone)]
pub struct Budget {
    /// For bodies of all sizes.
    all: Pool,
    /// For small ones that find no room there.
    small: Pool,
    waiting: Arc<Semaphore>,
}

impl Budget {
    /// `body_bytes_max`: of the largest body, for which there is room.
    pub fn new(bytes: usize, body_bytes_max: usize) -> Self {
        let units = (bytes / UNIT).clamp(1, Semaphore::MAX_PERMITS.min(u32::MAX as usize));
        let small = (units / SMALL_SHARE).min(units.saturating_sub(body_bytes_max.div_ceil(UNIT)));
        let waiting = Arc::new(Semaphore::new(WAITING_BYTES_MAX));
        Self { all: Pool::new(units - small), small: Pool::new(small), waiting }
    }

    /// Room for a body; `None` when there is none within `wait`, or too many wait already. `version` is that of the
    /// request.
    pub async fn take(&self, bytes: usize, version: Version, wait: Duration) -> Option<OwnedSemaphorePermit> {
        if let Some(permit) = self.all.try_take(bytes) {
            return Some(permit);
        }
        let pool = if bytes <= SMALL_BYTES_MAX.min(self.small.bytes()) { &self.small } else { &self.all };
        if let Some(permit) = pool.try_take(bytes) {
            return Some(permit);
        }
        let buffered = if version == Version::HTTP_2 { STREAM_WINDOW_BYTES } else { BUFFER_BYTES_LEAST };
        let _waiting = self.waiting.try_acquire_many(buffered).ok()?;
        timeout(wait, pool.take(bytes)).await.ok()?
    }
}

#[derive(Debug, Clone)]
struct Pool {
    free: Arc<Semaphore>,
    units: usize,
}

impl Pool {
    fn new(units: usize) -> Self {
        Self { free: Arc::new(Semaphore::new(units)), units }
    }

    fn bytes(&self) -> usize {
        self.units * UNIT
    }

    /// Of a body; one that is larger than the pool takes all of it.
    fn units_of(&self, bytes: usize) -> u32 {
        let units = bytes.div_ceil(UNIT).min(self.units);
        u32::try_from(units).expect("a budget has at most 2^32 units")
    }

    fn try_take(&self, bytes: usize) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.free).try_acquire_many_owned(self.units_of(bytes)).ok()
    }

    async fn take(&self, bytes: usize) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.free).acquire_many_owned(self.units_of(bytes)).await.ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WAIT: Duration = Duration::from_secs(5);

    #[tokio::test(start_paused = true)]
    async fn who_finds_no_memory_waits_and_is_refused() {
        let budget = Budget::new(2 * UNIT, UNIT);
        let first = budget.take(1, Version::HTTP_11, WAIT).await.expect("room");
        let second = budget.take(1, Version::HTTP_11, WAIT).await.expect("room");
        let begun = tokio::time::Instant::now();
        assert!(budget.take(1, Version::HTTP_11, WAIT).await.is_none());
        assert_eq!(begun.elapsed(), WAIT);
        drop(first);
        drop(budget.take(1, Version::HTTP_11, WAIT).await.expect("room"));
        let all = budget.clone();
        let all = tokio::spawn(async move { all.take(usize::MAX, Version::HTTP_2, WAIT).await.is_some() });
        drop(second);
        assert!(all.await.expect("no panic"), "a body larger than the budget gets all of it");
    }

    #[tokio::test(start_paused = true)]
    async fn small_bodies_do_not_queue_behind_large_ones() {
        let budget = Budget::new(16 * MIB, 14 * MIB);
        let large = budget.take(14 * MIB, Version::HTTP_11, WAIT).await.expect("room");
        let next = budget.clone();
        let next = tokio::spawn(async move { next.take(10 * MIB, Version::HTTP_11, WAIT).await.is_some() });
        while budget.waiting.available_permits() == WAITING_BYTES_MAX {
            tokio::task::yield_now().await;
        }
        let begun = tokio::time::Instant::now();
        let mut small = Vec::new();
        for _ in 0..2 * MIB / SMALL_BYTES_MAX {
            small.push(budget.take(SMALL_BYTES_MAX, Version::HTTP_11, WAIT).await.expect("room"));
        }
        assert_eq!(begun.elapsed(), Duration::ZERO);
        drop(large);
        assert!(next.await.expect("no panic"));
    }

    #[tokio::test(start_paused = true)]
    async fn only_so_many_wait() {
        let budget = Budget::new(UNIT, UNIT);
        let held = budget.take(1, Version::HTTP_2, WAIT).await.expect("room");
        let most = WAITING_BYTES_MAX / STREAM_WINDOW_BYTES as usize;
        let waiting: Vec<_> = (0..most)
            .map(|_| {
                let budget = budget.clone();
                tokio::spawn(async move { budget.take(1, Version::HTTP_2, WAIT).await.is_some() })
            })
            .collect();
        while budget.waiting.available_permits() > 0 {
            tokio::task::yield_now().await;
        }
        let begun = tokio::time::Instant::now();
        assert!(budget.take(1, Version::HTTP_2, WAIT).await.is_none());
        assert_eq!(begun.elapsed(), Duration::ZERO, "refused at once");
        drop(held);
        for one in waiting {
            assert!(one.await.expect("no panic"), "one after the other is let in");
        }
    }
}

//! Memory for the bodies of all requests together.
//!
//! A request that finds none waits for a while, and is then told to slow down: clients know how to do that, and an
//! answer is better than silence. What has arrived of a waiting request lies in the buffers of its connection, so no
//! more may wait than there is memory for those.

use std::sync::Arc;
use std::time::Duration;

use base::limits::MIB;
use http::Version;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use crate::connection::{HEAD_BYTES_MAX, STREAM_WINDOW_BYTES};

/// The budget counts in units, because a permit holds 32 bits.
const UNIT: usize = 1024;
/// What waiting requests may hold in the buffers of their connections.
const WAITING_BYTES_MAX: usize = 64 * MIB;

/// Memory for bodies.
#[derive(Debug, Clone)]
pub struct Budget {
    units: Arc<Semaphore>,
    units_max: usize,
    waiting: Arc<Semaphore>,
}

impl Budget {
    pub fn new(bytes: usize) -> Self {
        let units_max = (bytes / UNIT).clamp(1, Semaphore::MAX_PERMITS.min(u32::MAX as usize));
        let waiting = Arc::new(Semaphore::new(WAITING_BYTES_MAX));
        Self { units: Arc::new(Semaphore::new(units_max)), units_max, waiting }
    }

    /// Room for a body; `None` when there is none within `wait`, or too many wait already. `version` is that of the
    /// request.
    pub async fn take(&self, bytes: usize, version: Version, wait: Duration) -> Option<OwnedSemaphorePermit> {
        let units = bytes.div_ceil(UNIT).min(self.units_max);
        let units = u32::try_from(units).expect("the budget has at most 2^32 units");
        if let Ok(permit) = Arc::clone(&self.units).try_acquire_many_owned(units) {
            return Some(permit);
        }
        let buffered = if version == Version::HTTP_2 { STREAM_WINDOW_BYTES } else { HEAD_BYTES_MAX };
        let _waiting = self.waiting.try_acquire_many(buffered).ok()?;
        timeout(wait, Arc::clone(&self.units).acquire_many_owned(units)).await.ok()?.ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WAIT: Duration = Duration::from_secs(5);

    #[tokio::test(start_paused = true)]
    async fn who_finds_no_memory_waits_and_is_refused() {
        let budget = Budget::new(2 * UNIT);
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
    async fn only_so_many_wait() {
        let budget = Budget::new(UNIT);
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

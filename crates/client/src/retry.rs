//! How long to wait before the next attempt.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher as _;
use std::time::Duration;

use tokio::time::sleep;

use crate::failure::{ClientError, Retry};

/// Longest wait between two attempts.
const DELAY_MAX: Duration = Duration::from_secs(20);
const TRANSIENT_DELAY: Duration = Duration::from_millis(100);
/// Limits are counted per second, so a shorter wait is rarely of use.
const THROTTLED_DELAY: Duration = Duration::from_millis(500);

/// How often one call has been tried.
pub(crate) struct Attempts {
    made: u32,
    max: u32,
    has_expired: bool,
}

impl Attempts {
    pub(crate) fn of(max: u32) -> Self {
        Self { made: 0, max, has_expired: false }
    }

    /// Waits before the next attempt, or hands the error of the last one back when there is none.
    pub(crate) async fn pause_or_fail(&mut self, error: ClientError) -> Result<(), ClientError> {
        self.made += 1;
        let kind = match error.retry() {
            // The key was newly asked for: another one is no younger.
            Retry::Expired if self.has_expired => Retry::Never,
            kind => kind,
        };
        self.has_expired |= kind == Retry::Expired;
        if kind == Retry::Never || self.made >= self.max {
            return Err(error);
        }
        sleep(delay(kind, self.made)).await;
        Ok(())
    }
}

/// The wait after the attempt of that number (from 1): exponential, and random between half and all of it, so
/// that clients that failed together do not come back together.
pub(crate) fn delay(kind: Retry, attempt: u32) -> Duration {
    let base = match kind {
        Retry::Throttled => THROTTLED_DELAY,
        Retry::Transient | Retry::Expired | Retry::Never => TRANSIENT_DELAY,
    };
    let whole = base.saturating_mul(1 << (attempt.saturating_sub(1)).min(16)).min(DELAY_MAX);
    whole / 2 + whole.mul_f64(random_fraction() / 2.0)
}

/// Between 0 and 1.
fn random_fraction() -> f64 {
    // Each new state has other keys, so the hash of nothing is random enough to spread clients.
    f64::from((RandomState::new().hash_one(()) >> 32) as u32) / f64::from(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_grow_to_a_limit() {
        for attempt in 1..40 {
            for kind in [Retry::Transient, Retry::Throttled] {
                let delay = delay(kind, attempt);
                assert!(delay >= TRANSIENT_DELAY / 2 && delay <= DELAY_MAX, "{attempt}: {delay:?}");
            }
        }
        assert!(delay(Retry::Throttled, 30) >= DELAY_MAX / 2);
    }
}

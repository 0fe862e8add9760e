//! The stretch of time that a query asks for, cut into periods.

use std::time::Duration;

use base::time::Timestamp;
use thiserror::Error;

/// Older than anything kept.
const OLDEST: Duration = Duration::from_secs(520 * 24 * 3600);
/// Further ahead than anything taken.
const AHEAD: Duration = Duration::from_secs(24 * 3600);
const MINUTE: i64 = 60;
const DAY: i64 = 24 * 3600;

/// Seconds from `start` on, before `end`, in periods that begin at `start`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    pub start: i64,
    pub end: i64,
    pub period: i64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum WindowError {
    #[error("The parameter StartTime must be less than the parameter EndTime.")]
    Empty,
    #[error("The parameter Period must be 1, 5, 10, 20, 30 or a multiple of 60; it is {0}.")]
    Period(i32),
}

/// A period as points are kept for it: what is shorter than a minute is a minute.
///
/// # Errors
/// When the service knows no such period.
pub fn check_period(period: i32) -> Result<i64, WindowError> {
    match period {
        1 | 5 | 10 | 20 | 30 => Ok(MINUTE),
        _ if period > 0 && i64::from(period) % MINUTE == 0 => Ok(i64::from(period)),
        _ => Err(WindowError::Period(period)),
    }
}

impl Window {
    /// The start is rounded down to what points that old are kept in: a minute, five minutes after 15 days, an hour
    /// after 63.
    ///
    /// # Errors
    /// When nothing lies between the times, or the period is not one.
    pub fn new(start: Timestamp, end: Timestamp, period: i32, now: Timestamp) -> Result<Self, WindowError> {
        if start >= end {
            return Err(WindowError::Empty);
        }
        let period = check_period(period)?;
        let step = match now.seconds().saturating_sub(start.seconds()) / DAY {
            ..15 => MINUTE,
            15..63 => 5 * MINUTE,
            _ => 60 * MINUTE,
        };
        let start = start.seconds().div_euclid(step).saturating_mul(step);
        // A whole second is not before the end when the end lies within it.
        let end = end.seconds().saturating_add(i64::from(end.millis().rem_euclid(1000) != 0));
        Ok(Self { start, end, period })
    }

    /// How many periods there are.
    #[must_use]
    pub fn periods(&self) -> i64 {
        let seconds = self.end.saturating_sub(self.start);
        seconds / self.period + i64::from(seconds % self.period != 0)
    }

    /// Without what lies further back or ahead than anything that is stored; periods begin where they began.
    #[must_use]
    pub fn within_kept(&self, now: Timestamp) -> Self {
        let oldest = now.minus(OLDEST).seconds();
        let skipped = oldest.saturating_sub(self.start).max(0) / self.period;
        let newest = now.plus(AHEAD).seconds();
        Self {
            start: self.start.saturating_add(skipped.saturating_mul(self.period)),
            end: self.end.min(newest),
            ..*self
        }
    }

    /// Where the period of a second begins.
    #[must_use]
    pub fn period_of(&self, second: i64) -> Option<i64> {
        let is_inside = self.start <= second && second < self.end;
        is_inside.then(|| second - (second - self.start) % self.period)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);

    fn window(start_seconds_ago: u64, period: i32) -> Result<Window, WindowError> {
        Window::new(NOW.minus(Duration::from_secs(start_seconds_ago)), NOW, period, NOW)
    }

    #[test]
    fn starts_are_rounded_down_with_age() {
        // 1,700,000,000 is 20 seconds into its minute and 800 into its hour.
        assert_eq!(window(300, 60).expect("a window").start, 1_699_999_680);
        assert_eq!(window(16 * 86_400, 300).expect("a window").start % 300, 0);
        assert_eq!(window(64 * 86_400, 3600).expect("a window").start % 3600, 0);
    }

    #[test]
    fn periods_begin_at_the_start() {
        let window = window(600, 300).expect("a window");
        assert_eq!(window.periods(), 3);
        assert_eq!(window.period_of(window.start + 299), Some(window.start));
        assert_eq!(window.period_of(window.start + 300), Some(window.start + 300));
        assert_eq!((window.period_of(window.start - 1), window.period_of(window.end)), (None, None));
    }

    #[test]
    fn nonsense_is_refused() {
        assert_eq!(window(0, 60), Err(WindowError::Empty));
        for period in [0, -60, 2, 61, i32::MIN] {
            assert_eq!(window(600, period), Err(WindowError::Period(period)));
        }
        assert_eq!(window(600, 1).expect("a window").period, 60);
        let all = Window::new(Timestamp::from_millis(i64::MIN), Timestamp::from_millis(i64::MAX), 60, NOW);
        let all = all.expect("a window");
        assert!(all.periods() > 0);
        let kept = all.within_kept(NOW);
        assert!(NOW.seconds() - kept.start < 521 * 86_400 && kept.end < NOW.seconds() + 2 * 86_400);
        assert_eq!((kept.start - all.start) % 60, 0);
    }
}

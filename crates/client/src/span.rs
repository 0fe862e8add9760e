//! How long anything may last.

use std::time::Duration;

/// Nobody waits longer. Far below what overflows the clock, which a setting such as [`Duration::MAX`] would.
const SPAN_MAX: Duration = Duration::from_secs(30 * 365 * 24 * 60 * 60);

/// A setting, when it is one to add to a point of time.
pub(crate) fn clamped(span: Duration) -> Duration {
    span.min(SPAN_MAX)
}

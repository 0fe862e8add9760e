//! What an operator may set.

/// Bounds on what is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Metrics of one account in one region.
    pub metrics_max: usize,
    /// Alarms of one account in one region.
    pub alarms_max: usize,
    /// Memory for points that wait for their commit.
    pub pending_bytes_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { metrics_max: 20_000, alarms_max: 1000, pending_bytes_max: 64 * 1024 * 1024 }
    }
}

/// Plain data; what acts is in [`crate::MonitorBuilder`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct MonitorSettings {
    pub limits: Limits,
}

//! What an operator may set.

use base::limits::MIB;

/// Bounds on what is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Metrics of one account in one region.
    pub metrics_max: usize,
    /// Memory for the names of all metrics.
    pub names_bytes_max: usize,
    /// Alarms of one account in one region.
    pub alarms_max: usize,
    /// Alarms of all accounts and regions.
    pub alarms_all_max: usize,
    /// Memory for points that wait for their commit.
    pub pending_bytes_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            metrics_max: 20_000,
            names_bytes_max: 64 * MIB,
            alarms_max: 1000,
            alarms_all_max: 10_000,
            pending_bytes_max: 64 * MIB,
        }
    }
}

/// Plain data; what acts is in [`crate::MonitorBuilder`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct MonitorSettings {
    pub limits: Limits,
}

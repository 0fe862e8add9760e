//! What an operator can choose. Plain data.

use std::time::Duration;

/// Settings of the service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamsSettings {
    pub limits: Limits,
    /// How long streams and consumers stay CREATING, UPDATING or DELETING. With zero, changes are done when the call
    /// returns.
    pub transition_delay: Duration,
    /// Open shards that an account may have in one region.
    pub shard_limit_per_account: u32,
    /// On-demand streams that an account may have in one region.
    pub on_demand_stream_limit: u32,
}

/// Rates that AWS enforces: of shards, of on-demand streams, and of calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    pub enforced: bool,
}

impl Default for StreamsSettings {
    fn default() -> Self {
        Self {
            limits: Limits { enforced: true },
            transition_delay: Duration::ZERO,
            shard_limit_per_account: 20_000,
            on_demand_stream_limit: 50,
        }
    }
}

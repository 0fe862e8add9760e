//! What an operator may set.

use std::path::PathBuf;
use std::time::Duration;

use base::limits::MIB;
use store::shard_log::Durability;

/// Settings of the log of one machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalLogSettings {
    /// The data directory; made when it is missing.
    pub dir: PathBuf,
    pub durability: Durability,
    /// Threads that assemble and write frames: so many commits overlap.
    pub commit_threads: usize,
    /// A write that takes longer is one of a slow disk: while there is one, the next commit does not wait for it to end. On
    /// a faster disk it does, unless half a MiB waits: it then takes all that came meanwhile, for half the work.
    pub slow_write: Duration,
    /// Frames that may be unfinished at once. A broken frame with live frames further behind it than this is
    /// damage, not a torn end.
    pub in_flight_max: u32,
    /// Size of the second journal file of a run; each further one is twice as large, up to `journal_bytes_max`. The first
    /// is smaller, so that a start is quick. A group of appends must fit into the second.
    pub journal_bytes_min: u32,
    pub journal_bytes_max: u32,
    /// Journal files that may wait to be rewritten into segments before appends are refused.
    pub journal_files_max: usize,
    /// Emptied journal files that are kept for use again.
    pub spare_files_max: usize,
    /// A frame that has reached this size takes no further groups.
    pub frame_bytes_max: usize,
    /// Bytes that may be on their way to the journal; further appends wait.
    pub append_bytes_max: usize,
    /// Newest records kept in memory, all logs together.
    pub tail_budget_bytes: usize,
    /// How often retention is looked after.
    pub maintenance_interval: Duration,
}

impl LocalLogSettings {
    /// The defaults for a data directory.
    #[must_use]
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self {
            dir: dir.into(),
            durability: Durability::Sync,
            commit_threads: 2,
            slow_write: Duration::from_millis(1),
            in_flight_max: 4,
            journal_bytes_min: 16 << 20,
            journal_bytes_max: 256 << 20,
            journal_files_max: 64,
            spare_files_max: 2,
            frame_bytes_max: 4 * MIB,
            append_bytes_max: 64 * MIB,
            tail_budget_bytes: 256 * MIB,
            maintenance_interval: Duration::from_secs(60),
        }
    }
}

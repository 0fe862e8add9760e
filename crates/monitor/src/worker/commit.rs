//! Writes points that wait in memory into the catalog.

use std::sync::Arc;
use std::time::Duration;

use base::BoxFuture;
use base::time::Timestamp;

use super::{Job, is_over};
use crate::core::Core;
use crate::storage::StorageError;

/// What a process that dies at once may lose.
const INTERVAL: Duration = Duration::from_secs(5);

pub struct Commit;

impl Job for Commit {
    fn name(&self) -> &'static str {
        "metric commit"
    }

    fn is_due(&self, last: Option<Timestamp>, now: Timestamp) -> bool {
        is_over(last, now, INTERVAL)
    }

    fn run<'a>(&'a self, core: &'a Arc<Core>, _: Timestamp) -> BoxFuture<'a, Result<usize, StorageError>> {
        Box::pin(core.storage.flush())
    }
}

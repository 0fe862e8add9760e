//! Makes old points coarser and forgets the oldest.

use std::sync::Arc;
use std::time::Duration;

use base::BoxFuture;
use base::time::Timestamp;

use super::{Job, is_over};
use crate::core::Core;
use crate::storage::StorageError;

const INTERVAL: Duration = Duration::from_secs(3600);

pub struct Ageing;

impl Job for Ageing {
    fn name(&self) -> &'static str {
        "metric ageing"
    }

    fn is_due(&self, last: Option<Timestamp>, now: Timestamp) -> bool {
        is_over(last, now, INTERVAL)
    }

    fn run<'a>(&'a self, core: &'a Arc<Core>, now: Timestamp) -> BoxFuture<'a, Result<usize, StorageError>> {
        Box::pin(core.storage.age(now))
    }
}

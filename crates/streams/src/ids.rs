//! Numbers that are never handed out twice: of logs and of incarnations. They are reserved in blocks, so that not
//! every use costs a commit; what is left of a block at the end of the process is lost.

use std::ops::Range;

use store::catalog::{CatalogError, SharedCatalog, Transaction};
use store::shard_log::LogId;
use tokio::sync::Mutex;

use crate::rows::{CounterRow, RowError, keys};

const BLOCK: u64 = 256;

#[derive(Debug)]
pub struct Ids {
    logs: Mutex<Range<u64>>,
    incarnations: Mutex<Range<u64>>,
}

impl Ids {
    /// `next_log`, `next_incarnation`: the persisted counters.
    #[must_use]
    pub fn new(next_log: CounterRow, next_incarnation: CounterRow) -> Self {
        Self {
            logs: Mutex::new(next_log.0..next_log.0),
            incarnations: Mutex::new(next_incarnation.0..next_incarnation.0),
        }
    }

    pub async fn logs(&self, catalog: &SharedCatalog, count: usize) -> Result<Vec<LogId>, CatalogError> {
        let ids = reserve(&self.logs, catalog, keys::NEXT_LOG, count as u64).await?;
        Ok(ids.map(LogId).collect())
    }

    pub async fn incarnation(&self, catalog: &SharedCatalog) -> Result<u64, CatalogError> {
        Ok(reserve(&self.incarnations, catalog, keys::NEXT_INCARNATION, 1).await?.start)
    }
}

async fn reserve(
    block: &Mutex<Range<u64>>,
    catalog: &SharedCatalog,
    key: &str,
    count: u64,
) -> Result<Range<u64>, CatalogError> {
    let mut block = block.lock().await;
    if block.end - block.start < count {
        let end = block.end + count.max(BLOCK);
        catalog.commit(Transaction::new().put(key, CounterRow(end).encode())).await?;
        block.end = end;
    }
    let ids = block.start..block.start + count;
    block.start = ids.end;
    Ok(ids)
}

/// Reads a counter; one that was never written is 1.
pub async fn load(catalog: &SharedCatalog, key: &str) -> Result<Result<CounterRow, RowError>, CatalogError> {
    let row = catalog.get(key).await?;
    Ok(row.map_or(Ok(CounterRow(1)), |row| CounterRow::decode(&row.value)))
}

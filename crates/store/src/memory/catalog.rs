//! The catalog in a sorted map.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::{Mutex, MutexGuard, PoisonError};

use base::BoxFuture;
use tokio::sync::watch;

use crate::catalog::{Catalog, CatalogError, Expect, Row, Transaction, Write};

/// A catalog that is gone when it is dropped.
#[derive(Debug)]
pub struct MemoryCatalog {
    rows: Mutex<BTreeMap<String, Row>>,
    version: watch::Sender<u64>,
}

impl Default for MemoryCatalog {
    fn default() -> Self {
        Self::new()
    }
}

impl MemoryCatalog {
    #[must_use]
    pub fn new() -> Self {
        Self { rows: Mutex::default(), version: watch::Sender::new(0) }
    }

    fn rows(&self) -> MutexGuard<'_, BTreeMap<String, Row>> {
        self.rows.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn commit_now(&self, transaction: Transaction) -> Result<u64, CatalogError> {
        let mut rows = self.rows();
        for (key, expect) in transaction.expect {
            let found = rows.get(&key).map(|row| row.version);
            let holds = match expect {
                Expect::Absent => found.is_none(),
                Expect::Version(version) => found == Some(version),
            };
            if !holds {
                return Err(CatalogError::Conflict { key });
            }
        }
        let version = *self.version.borrow() + 1;
        for write in transaction.writes {
            match write {
                Write::Put { key, value } => {
                    rows.insert(key, Row { value, version });
                }
                Write::Delete { key } => {
                    rows.remove(&key);
                }
                Write::DeletePrefix { prefix } => rows.retain(|key, _| !key.starts_with(&prefix)),
            }
        }
        // Under the lock, so that versions are published in order.
        self.version.send_replace(version);
        Ok(version)
    }
}

impl Catalog for MemoryCatalog {
    fn get<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<Row>, CatalogError>> {
        let row = self.rows().get(key).cloned();
        Box::pin(async { Ok(row) })
    }

    fn scan<'a>(
        &'a self,
        prefix: &'a str,
        after: Option<&'a str>,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<(String, Row)>, CatalogError>> {
        let start = match after {
            Some(after) if after >= prefix => Bound::Excluded(after),
            Some(_) | None => Bound::Included(prefix),
        };
        let rows = self.rows();
        let found = rows
            .range::<str, _>((start, Bound::Unbounded))
            .take_while(|(key, _)| key.starts_with(prefix))
            .take(limit)
            .map(|(key, row)| (key.clone(), row.clone()))
            .collect();
        Box::pin(async { Ok(found) })
    }

    fn commit(&self, transaction: Transaction) -> BoxFuture<'_, Result<u64, CatalogError>> {
        let committed = self.commit_now(transaction);
        Box::pin(async { committed })
    }

    fn watch(&self) -> watch::Receiver<u64> {
        self.version.subscribe()
    }
}

//! A catalog that keeps the port's contract over crashes: what was answered is there, what was not is there or not.
//!
//! It stands for SQLite, which is not simulated.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use base::BoxFuture;
use store::catalog::{Catalog, CatalogError, Row, Transaction};
use store::memory::MemoryCatalog;
use tokio::sync::watch;
use tokio::time::sleep;

use crate::random::Random;

/// What survives crashes.
pub struct CatalogDisk {
    rows: MemoryCatalog,
    random: Mutex<Random>,
    latency_millis_max: u64,
    /// Which handles work.
    era: AtomicU64,
    /// Commits until one fails for want of space.
    full_after: Mutex<Option<u64>>,
}

impl CatalogDisk {
    #[must_use]
    pub fn new(random: Random, latency_millis_max: u64) -> Arc<Self> {
        Arc::new(Self {
            rows: MemoryCatalog::new(),
            random: Mutex::new(random),
            latency_millis_max,
            era: AtomicU64::new(0),
            full_after: Mutex::default(),
        })
    }

    /// The catalog for a process that starts now.
    #[must_use]
    pub fn open(self: &Arc<Self>) -> Arc<SimCatalog> {
        // Processes follow the version as it was committed in their own time.
        let version = watch::Sender::new(*self.rows.watch().borrow());
        Arc::new(SimCatalog { disk: Arc::clone(self), era: self.era.load(Ordering::Relaxed), version })
    }

    /// The process dies, or the power goes.
    pub fn crash(&self) {
        self.era.fetch_add(1, Ordering::Relaxed);
    }

    /// One commit, after so many others, finds no space.
    pub fn fill_after(&self, commits: u64) {
        *self.full_after.lock().unwrap_or_else(PoisonError::into_inner) = Some(commits);
    }

    /// No commit will want for space.
    pub fn has_space(&self) {
        *self.full_after.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    fn latency(&self) -> Duration {
        self.random.lock().unwrap_or_else(PoisonError::into_inner).millis(0..=self.latency_millis_max)
    }

    fn is_full(&self) -> bool {
        let mut full_after = self.full_after.lock().unwrap_or_else(PoisonError::into_inner);
        match &mut *full_after {
            None => false,
            Some(0) => {
                *full_after = None;
                true
            }
            Some(left) => {
                *left -= 1;
                false
            }
        }
    }
}

/// A catalog in the hands of one process.
pub struct SimCatalog {
    disk: Arc<CatalogDisk>,
    era: u64,
    version: watch::Sender<u64>,
}

impl SimCatalog {
    fn check(&self) -> Result<(), CatalogError> {
        if self.disk.era.load(Ordering::Relaxed) == self.era {
            Ok(())
        } else {
            Err(CatalogError::Failed("the process is dead".to_owned()))
        }
    }

    /// Part of what an operation takes.
    async fn pass(&self) -> Result<(), CatalogError> {
        self.check()?;
        sleep(self.disk.latency()).await;
        self.check()
    }
}

impl Catalog for SimCatalog {
    fn get<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<Row>, CatalogError>> {
        Box::pin(async {
            self.pass().await?;
            self.disk.rows.get(key).await
        })
    }

    fn scan<'a>(
        &'a self,
        prefix: &'a str,
        after: Option<&'a str>,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<(String, Row)>, CatalogError>> {
        Box::pin(async move {
            self.pass().await?;
            self.disk.rows.scan(prefix, after, limit).await
        })
    }

    fn commit(&self, transaction: Transaction) -> BoxFuture<'_, Result<u64, CatalogError>> {
        Box::pin(async move {
            self.pass().await?;
            if self.disk.is_full() {
                return Err(CatalogError::Full("injected".to_owned()));
            }
            let version = self.disk.rows.commit(transaction).await?;
            self.version.send_if_modified(|seen| {
                let newer = version > *seen;
                *seen = version.max(*seen);
                newer
            });
            // A crash from here on finds the commit done, but not answered.
            self.pass().await?;
            Ok(version)
        })
    }

    fn watch(&self) -> watch::Receiver<u64> {
        self.version.subscribe()
    }
}

//! Opens what a data directory keeps, in an order that tells a first start from a loss.
//!
//! The catalog and the root key are made first, then the log; the first row of the catalog is written last. So a first
//! start may be killed at any moment and is begun anew, while a later start finds whatever is missing: a log without a
//! catalog, rows without a root key or without a log, records without rows.

use std::sync::Arc;

use base::time::Clock;
use store::catalog::SharedCatalog;
use store::root_key::RootKey;
use store::shard_log::ShardLog as _;
use store_local::{FailureLatch, LocalLog, LocalLogSettings, SqliteCatalog};

use crate::directory::DataDirectory;
use crate::settings::Settings;
use crate::start::StartError;

/// Rows under this prefix are written by nodes only, and only once they have a log.
const ROWS_OF_SERVICES: &str = "streams/";

/// The catalog of a data directory, and the key of what is encrypted there.
pub struct Kept {
    directory: DataDirectory,
    pub catalog: SharedCatalog,
    pub root_key: Arc<dyn RootKey>,
    has_rows: bool,
    /// Of the catalog, for the log.
    failure: FailureLatch,
}

impl Kept {
    /// Opens the catalog and reads the root key, or makes them in a new directory.
    pub async fn open(settings: &Settings) -> Result<Self, StartError> {
        let directory = DataDirectory::open(&settings.data)?;
        directory.check_catalog()?;
        let path = directory.catalog();
        let is_empty = !path.exists() && !directory.has_log();
        let opened = tokio::task::spawn_blocking(move || SqliteCatalog::open(&path));
        // In an empty directory the key does not wait for what the catalog says: a first start is short of time.
        let early = if is_empty { Some(root_key(settings, &directory, true).await?) } else { None };
        let catalog = opened.await.map_err(|_| StartError::Panicked)??;
        let failure = catalog.failure_latch();
        let catalog: SharedCatalog = Arc::new(catalog);
        let has_rows = has_rows(&catalog, "").await?;
        let root_key = match early {
            Some(made) => made,
            None => root_key(settings, &directory, !has_rows && !directory.has_log()).await?,
        };
        Ok(Self { directory, catalog, root_key, has_rows, failure })
    }

    /// Opens the log, which takes the directory's lock.
    pub async fn log(&self, settings: LocalLogSettings, clock: Arc<dyn Clock>) -> Result<Arc<LocalLog>, StartError> {
        if has_rows(&self.catalog, ROWS_OF_SERVICES).await? {
            self.directory.check_log()?;
        }
        let (root_key, failure) = (Arc::clone(&self.root_key), self.failure.clone());
        let open = move || LocalLog::open_beside(&settings, clock, root_key, None, failure);
        let log = tokio::task::spawn_blocking(open).await.map_err(|_| StartError::Panicked)??;
        if !self.has_rows && knows_records(&log) {
            return Err(self.directory.catalog_is_empty().into());
        }
        Ok(log)
    }
}

async fn root_key(
    settings: &Settings,
    directory: &DataDirectory,
    is_new: bool,
) -> Result<Arc<dyn RootKey>, StartError> {
    let (directory, file) = (directory.clone(), settings.root_key_file.clone());
    let read = tokio::task::spawn_blocking(move || directory.root_key(file.as_deref(), is_new));
    Ok(Arc::new(read.await.map_err(|_| StartError::Panicked)??))
}

async fn has_rows(catalog: &SharedCatalog, prefix: &str) -> Result<bool, StartError> {
    Ok(!catalog.scan(prefix, None, 1).await?.is_empty())
}

/// Whether a log that nobody has opened any shards of has positions of some.
fn knows_records(log: &LocalLog) -> bool {
    log.status().counters.iter().any(|(name, count)| *name == "logs" && *count > 0)
}

//! Points on their way into the catalog and back: taken into memory, committed in batches, read from both.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;

use base::time::Timestamp;
use store::catalog::{CatalogError, SharedCatalog, Transaction};
use thiserror::Error;

use crate::distribution::Distribution;
use crate::index::{Index, TooManyMetrics};
use crate::metric::{MetricName, Scope};
use crate::pending::Pending;
use crate::point::Point;
use crate::resolution::Resolution;
use crate::rows::{ChunkRow, MetricRow, RowError, keys};
use crate::series::{Chunk, MetricId, Series};
use crate::settings::Limits;
use crate::unit::Unit;
use crate::window::Window;

/// Rows of metrics, and rows of points, in one commit.
const ROWS_PER_COMMIT: usize = 256;
/// A chunk is kept until its last point is too old.
const LAST_CHUNK: Duration = Duration::from_secs(30 * 24 * 3600);
/// Rows read at once.
const ROWS_PER_SCAN: usize = 64;
/// Rows of metrics read at once at the start.
const METRICS_PER_SCAN: usize = 1000;

#[derive(Debug, Error)]
pub enum StorageError {
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    #[error("{key}: {error}")]
    Row { key: String, error: RowError },
}

#[derive(Debug, Error)]
pub enum RecordError {
    #[error(transparent)]
    Metrics(#[from] TooManyMetrics),
    #[error("{0} bytes of points wait for the catalog")]
    Memory(usize),
}

/// One thing to be recorded.
#[derive(Debug, Clone, PartialEq)]
pub struct Datum {
    pub name: MetricName,
    pub unit: Unit,
    pub time: Timestamp,
    pub point: Point,
}

pub struct Storage {
    catalog: SharedCatalog,
    limits: Limits,
    index: RwLock<Index>,
    pending: Mutex<Pending>,
    /// Held for reading by whoever adds up rows and pending points, for writing while points become rows: nobody sees
    /// a point twice or not at all.
    moving: tokio::sync::RwLock<()>,
}

impl Storage {
    /// Reads the names of all metrics.
    ///
    /// # Errors
    /// When the catalog cannot be read or holds what cannot be understood.
    pub async fn load(catalog: SharedCatalog, limits: Limits) -> Result<Self, StorageError> {
        let mut index = Index::default();
        let mut after: Option<String> = None;
        loop {
            let rows = catalog.scan(keys::METRICS, after.as_deref(), METRICS_PER_SCAN).await?;
            for (key, row) in &rows {
                let damaged = |error| StorageError::Row { key: key.clone(), error };
                let id = keys::metric_of(key).ok_or_else(|| damaged(RowError::Damaged { field: "key" }))?;
                index.load(id, MetricRow::decode(&row.value).map_err(damaged)?);
            }
            if rows.len() < METRICS_PER_SCAN {
                break;
            }
            after = rows.last().map(|(key, _)| key.clone());
        }
        Ok(Self {
            catalog,
            limits,
            index: RwLock::new(index),
            pending: Mutex::default(),
            moving: tokio::sync::RwLock::default(),
        })
    }

    pub fn index(&self) -> RwLockReadGuard<'_, Index> {
        self.index.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn index_mut(&self) -> RwLockWriteGuard<'_, Index> {
        self.index.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn pending(&self) -> MutexGuard<'_, Pending> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes all of `data` into memory, or nothing.
    ///
    /// # Errors
    /// When there are too many metrics, or more points wait than there is room for.
    pub fn record(&self, scope: &Scope, data: &[Datum]) -> Result<(), RecordError> {
        let mut index = self.index_mut();
        let mut pending = self.pending();
        if pending.bytes() >= self.limits.pending_bytes_max {
            return Err(RecordError::Memory(pending.bytes()));
        }
        index.check_room(scope, data.iter().map(|datum| &datum.name), &self.limits)?;
        for datum in data {
            let series = index.see(scope, &datum.name, datum.unit, datum.time);
            let (chunk, at) = Chunk::of_minute(series, datum.time.seconds());
            pending.add(chunk, at, &datum.point);
        }
        Ok(())
    }

    /// Commits everything that waits; answers how many rows were written.
    ///
    /// # Errors
    /// When the catalog takes nothing: what is left waits on.
    pub async fn flush(&self) -> Result<usize, StorageError> {
        let mut written = 0;
        loop {
            let _moving = self.moving.write().await;
            let metrics = self.index_mut().take_changed(ROWS_PER_COMMIT);
            let chunks = self.pending().take(ROWS_PER_COMMIT);
            if metrics.is_empty() && chunks.is_empty() {
                return Ok(written);
            }
            if let Err(error) = self.write(&metrics, &chunks).await {
                self.index_mut().put_back(metrics.into_iter().map(|(id, _)| id));
                self.pending().put_back(chunks);
                return Err(error);
            }
            written += metrics.len() + chunks.len();
        }
    }

    async fn write(&self, metrics: &[(MetricId, MetricRow)], chunks: &[(Chunk, ChunkRow)]) -> Result<(), StorageError> {
        let mut transaction = Transaction::new();
        for (id, row) in metrics {
            transaction = transaction.put(keys::metric(*id), row.encode());
        }
        for (chunk, added) in chunks {
            let key = keys::chunk(*chunk);
            let mut row = self.chunk(&key).await?;
            for (index, point) in &added.0 {
                row.add(*index, point);
            }
            transaction = transaction.put(key, row.encode());
        }
        self.catalog.commit(transaction).await?;
        Ok(())
    }

    async fn chunk(&self, key: &str) -> Result<ChunkRow, StorageError> {
        let row = self.catalog.get(key).await?;
        row.map_or(Ok(ChunkRow::default()), |row| decode(key, &row.value))
    }

    /// What a series has in a window, by the second at which each of the window's periods begins. Percentiles are
    /// known only with `values`.
    ///
    /// # Errors
    /// When the catalog cannot be read.
    pub async fn read(
        &self,
        series: Series,
        window: &Window,
        values: bool,
    ) -> Result<BTreeMap<i64, Point>, StorageError> {
        let mut points = BTreeMap::new();
        let _still = self.moving.read().await;
        for resolution in Resolution::ALL {
            self.read_rows(series, resolution, window, values, &mut points).await?;
        }
        let chunk = |second| Chunk::of_minute(series, second).0;
        for (chunk, row) in self.pending().range(chunk(window.start), chunk(window.end)) {
            fold(chunk.resolution, chunk.number, row, window, values, &mut points);
        }
        Ok(points)
    }

    async fn read_rows(
        &self,
        series: Series,
        resolution: Resolution,
        window: &Window,
        values: bool,
        points: &mut BTreeMap<i64, Point>,
    ) -> Result<(), StorageError> {
        let (first, last) = (resolution.place(window.start).0, resolution.place(window.end - 1).0);
        let prefix = keys::chunks(series, resolution);
        let mut after = first.checked_sub(1).map(|number| keys::chunk(Chunk { series, resolution, number }));
        loop {
            let rows = self.catalog.scan(&prefix, after.as_deref(), ROWS_PER_SCAN).await?;
            for (key, row) in &rows {
                let number = number_of(key)?;
                if number > last {
                    return Ok(());
                }
                fold(resolution, number, &decode(key, &row.value)?, window, values, points);
            }
            if rows.len() < ROWS_PER_SCAN {
                return Ok(());
            }
            after = rows.last().map(|(key, _)| key.clone());
        }
    }

    /// Makes what is too old for its resolution coarser, and forgets what is older still; answers how many rows went.
    ///
    /// # Errors
    /// When the catalog fails.
    pub async fn age(&self, now: Timestamp) -> Result<usize, StorageError> {
        let mut gone = 0;
        let ids = self.index().ids();
        for id in ids {
            let Some(entry) = self.index().entry(id).cloned() else { continue };
            for unit in entry.units.iter() {
                for resolution in Resolution::ALL {
                    gone += self.age_series(Series { metric: id, unit }, resolution, now).await?;
                }
            }
            if now.since(entry.last_seen) > Resolution::Hour.kept() + LAST_CHUNK {
                self.forget(id, entry.last_seen).await?;
            }
        }
        Ok(gone)
    }

    async fn age_series(&self, series: Series, resolution: Resolution, now: Timestamp) -> Result<usize, StorageError> {
        let prefix = keys::chunks(series, resolution);
        let horizon = now.minus(resolution.kept()).seconds();
        let mut gone = 0;
        loop {
            let _moving = self.moving.write().await;
            // Oldest first, and each row that is done with is deleted.
            let rows = self.catalog.scan(&prefix, None, 1).await?;
            let Some((key, row)) = rows.into_iter().next() else { return Ok(gone) };
            let number = number_of(&key)?;
            if resolution.second(number, 0) + resolution.chunk_seconds() > horizon {
                return Ok(gone);
            }
            let mut transaction = Transaction::new().delete(key.clone());
            if let Some(coarser) = resolution.coarser() {
                let old = decode(&key, &row.value)?;
                // A chunk never spans two chunks of the coarser resolution.
                let into = coarser.place(resolution.second(number, 0)).0;
                let into = keys::chunk(Chunk { series, resolution: coarser, number: into });
                let mut sum = self.chunk(&into).await?;
                for (index, point) in &old.0 {
                    sum.add(coarser.place(resolution.second(number, *index)).1, point);
                }
                transaction = transaction.put(into, sum.encode());
            }
            self.catalog.commit(transaction).await?;
            gone += 1;
        }
    }

    /// Removes a metric that has no points any more.
    async fn forget(&self, id: MetricId, last_seen: Timestamp) -> Result<(), StorageError> {
        let _moving = self.moving.write().await;
        {
            let mut index = self.index_mut();
            let is_unseen = index.entry(id).is_some_and(|entry| entry.last_seen == last_seen);
            if !is_unseen {
                return Ok(());
            }
            index.remove(id);
        }
        self.catalog.commit(Transaction::new().delete(keys::metric(id)).delete_prefix(keys::points(id))).await?;
        Ok(())
    }
}

fn number_of(key: &str) -> Result<u32, StorageError> {
    let damaged = || StorageError::Row { key: key.to_owned(), error: RowError::Damaged { field: "key" } };
    keys::number_of(key).ok_or_else(damaged)
}

fn decode(key: &str, bytes: &[u8]) -> Result<ChunkRow, StorageError> {
    ChunkRow::decode(bytes).map_err(|error| StorageError::Row { key: key.to_owned(), error })
}

/// Adds the points of a chunk to the periods of a window that they begin in.
fn fold(
    resolution: Resolution,
    number: u32,
    row: &ChunkRow,
    window: &Window,
    values: bool,
    points: &mut BTreeMap<i64, Point>,
) {
    for (index, point) in &row.0 {
        let Some(period) = window.period_of(resolution.second(number, *index)) else { continue };
        match points.get_mut(&period) {
            Some(sum) if values => sum.merge(point),
            Some(sum) => sum.merge(&without_values(point)),
            None => {
                points.insert(period, if values { point.clone() } else { without_values(point) });
            }
        }
    }
}

fn without_values(point: &Point) -> Point {
    Point { values: Distribution::Unknown, ..*point }
}

//! Reads everything from the catalog when the service starts.

use std::collections::HashMap;
use std::sync::Arc;

use aws_lc_rs::rand;
use base::arn::StreamArn;
use base::limits::SHARDS_PER_STREAM_MAX;
use store::catalog::{CatalogError, Expect, Row, SharedCatalog, Transaction};
use thiserror::Error;

use crate::core::{Core, log_options};
use crate::ids::{self, Ids};
use crate::rows::{ConsumerRow, RowError, ShardRow, StreamRow, TokenKeyRow, keys};
use crate::seal::Seal;
use crate::shard::Shard;
use crate::shard_map::ShardMap;
use crate::stream::{Snapshot, Stream};
use crate::transition::Change;

/// Rows per catalog scan.
const PAGE: usize = 1000;

/// Why the service cannot start.
#[derive(Debug, Error)]
pub enum StartError {
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    #[error("row {key:?} cannot be read: {error}")]
    Row { key: String, error: RowError },
    #[error("row {key:?} does not fit the others: {reason}")]
    Inconsistent { key: String, reason: &'static str },
}

fn in_row<T>(key: &str, result: Result<T, RowError>) -> Result<T, StartError> {
    result.map_err(|error| StartError::Row { key: key.to_owned(), error })
}

/// The key that seals tokens; made on the first start.
pub async fn seal(catalog: &SharedCatalog) -> Result<Seal, StartError> {
    let key = keys::TOKEN_KEY;
    if let Some(row) = catalog.get(key).await? {
        return Ok(Seal::new(&in_row(key, TokenKeyRow::decode(&row.value))?.0));
    }
    let mut bytes = [0; 32];
    rand::fill(&mut bytes).expect("the operating system provides random bytes");
    let transaction = Transaction::new().expect(key, Expect::Absent).put(key, TokenKeyRow(bytes).encode());
    catalog.commit(transaction).await?;
    Ok(Seal::new(&bytes))
}

pub async fn ids(catalog: &SharedCatalog) -> Result<Ids, StartError> {
    let log = in_row(keys::NEXT_LOG, ids::load(catalog, keys::NEXT_LOG).await?)?;
    let incarnation = in_row(keys::NEXT_INCARNATION, ids::load(catalog, keys::NEXT_INCARNATION).await?)?;
    Ok(Ids::new(log, incarnation))
}

/// Fills the registry and opens the log of every shard.
pub async fn streams(core: &Core) -> Result<(), StartError> {
    let mut shards = shards(&core.catalog).await?;
    let mut consumers = consumers(&core.catalog).await?;
    for (key, row) in scan(&core.catalog, keys::STREAMS).await? {
        let inconsistent = |reason| StartError::Inconsistent { key: key.clone(), reason };
        let arn = keys::stream_of(&key).ok_or_else(|| inconsistent("its key names no stream"))?;
        let stream = in_row(&key, StreamRow::decode(&row.value))?;
        let shards = shards.remove(&stream.incarnation).unwrap_or_default();
        let consumers = consumers.remove(&stream.incarnation).unwrap_or_default();
        let stream = assemble(arn, stream, row.version, shards, consumers);
        let snapshot = stream.snapshot();
        if !snapshot.open.tiles() {
            return Err(inconsistent("its open shards do not cover the hash key space"));
        }
        if snapshot.shards.iter().any(|shard| shard.row.index.0 >= snapshot.row.next_shard) {
            return Err(inconsistent("it has a shard with an index that was never given"));
        }
        if !change_fits(&snapshot) {
            return Err(inconsistent("the change under way is not one of its open shards"));
        }
        for shard in &snapshot.shards {
            core.log.open(shard.row.log, log_options(&snapshot.row, !shard.is_open()));
        }
        core.registry.insert(Arc::new(stream));
    }
    Ok(())
}

/// Whether the change under way can be carried out on the shards that there are.
fn change_fits(snapshot: &Snapshot) -> bool {
    let range_of = |index| snapshot.shard(index).filter(|shard| shard.is_open()).map(|shard| shard.row.range);
    match snapshot.row.pending.as_ref().map(|pending| &pending.change) {
        Some(Change::Split { shard, at }) => range_of(*shard).is_some_and(|range| range.split(*at).is_some()),
        Some(Change::Merge { shard, adjacent }) => {
            let pair = range_of(*shard).zip(range_of(*adjacent));
            pair.is_some_and(|(one, other)| one.join(&other).or_else(|| other.join(&one)).is_some())
        }
        Some(Change::Scale { target }) => (1..=SHARDS_PER_STREAM_MAX).contains(target),
        Some(
            Change::Create
            | Change::Delete
            | Change::Encrypt { .. }
            | Change::Decrypt
            | Change::Mode { .. }
            | Change::RecordSize { .. }
            | Change::Warm { .. },
        )
        | None => true,
    }
}

/// A stream from its rows. Shards and consumers are sorted.
pub fn assemble(
    arn: StreamArn,
    row: StreamRow,
    row_version: u64,
    shards: Vec<ShardRow>,
    consumers: Vec<ConsumerRow>,
) -> Stream {
    let shards: Vec<Arc<Shard>> = shards.into_iter().map(|row| Arc::new(Shard::new(row))).collect();
    let open = ShardMap::of(&shards);
    Stream::new(arn, Snapshot { generation: 0, row, row_version, shards, open, consumers })
}

async fn shards(catalog: &SharedCatalog) -> Result<HashMap<u64, Vec<ShardRow>>, StartError> {
    let mut shards: HashMap<u64, Vec<ShardRow>> = HashMap::new();
    for (key, row) in scan(catalog, keys::SHARDS).await? {
        let row = in_row(&key, ShardRow::decode(&row.value))?;
        let incarnation = incarnation(&key, keys::SHARDS)?;
        if key != keys::shard(incarnation, row.index) {
            return Err(StartError::Inconsistent { key, reason: "its key names another shard" });
        }
        shards.entry(incarnation).or_default().push(row);
    }
    Ok(shards)
}

async fn consumers(catalog: &SharedCatalog) -> Result<HashMap<u64, Vec<ConsumerRow>>, StartError> {
    let mut consumers: HashMap<u64, Vec<ConsumerRow>> = HashMap::new();
    for (key, row) in scan(catalog, keys::CONSUMERS).await? {
        let row = in_row(&key, ConsumerRow::decode(&row.value))?;
        let incarnation = incarnation(&key, keys::CONSUMERS)?;
        if key != keys::consumer(incarnation, row.name.as_str()) {
            return Err(StartError::Inconsistent { key, reason: "its key names another consumer" });
        }
        consumers.entry(incarnation).or_default().push(row);
    }
    Ok(consumers)
}

fn incarnation(key: &str, prefix: &str) -> Result<u64, StartError> {
    keys::incarnation_of(key, prefix)
        .ok_or_else(|| StartError::Inconsistent { key: key.to_owned(), reason: "its key names no stream" })
}

async fn scan(catalog: &SharedCatalog, prefix: &str) -> Result<Vec<(String, Row)>, CatalogError> {
    let mut rows: Vec<(String, Row)> = Vec::new();
    loop {
        let after = rows.last().map(|(key, _)| key.clone());
        let page = catalog.scan(prefix, after.as_deref(), PAGE).await?;
        let is_last = page.len() < PAGE;
        rows.extend(page);
        if is_last {
            return Ok(rows);
        }
    }
}

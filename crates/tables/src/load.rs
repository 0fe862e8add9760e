//! Reads everything from the catalog when the service starts.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use store::catalog::{CatalogError, Row, SharedCatalog};
use thiserror::Error;

use crate::core::Shared;
use crate::rows::{IncarnationRow, RowError, TableRow, TokenRow, item, keys};
use crate::table::{Item, Table};
use crate::tokens::TokenId;

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

/// Fills the registry and the tokens; answers the number of the next table.
pub async fn all(shared: &Shared) -> Result<u64, StartError> {
    tables(shared).await?;
    items(shared).await?;
    tokens(shared).await?;
    let key = keys::NEXT_INCARNATION;
    match shared.catalog.get(key).await? {
        None => Ok(1),
        Some(row) => Ok(in_row(key, IncarnationRow::decode(row.value))?.0),
    }
}

async fn tables(shared: &Shared) -> Result<(), StartError> {
    let mut scan = Scan::new(&shared.catalog, keys::TABLES);
    while let Some((key, row)) = scan.next().await? {
        let id = keys::table_of(&key)
            .ok_or_else(|| StartError::Inconsistent { key: key.clone(), reason: "its key names no table" })?;
        let definition = in_row(&key, TableRow::decode(row.value))?;
        shared.registry.insert(Arc::new(Table::new(id, definition, row.version)));
    }
    Ok(())
}

async fn items(shared: &Shared) -> Result<(), StartError> {
    let tables: HashMap<u64, Arc<Table>> =
        shared.registry.all().into_iter().map(|table| (table.incarnation, table)).collect();
    let mut scan = Scan::new(&shared.catalog, keys::ITEMS);
    while let Some((key, row)) = scan.next().await? {
        let inconsistent = |reason| StartError::Inconsistent { key: key.clone(), reason };
        let incarnation = keys::incarnation_of(&key).ok_or_else(|| inconsistent("its key names no table"))?;
        let table = tables.get(&incarnation).ok_or_else(|| inconsistent("its table does not exist"))?;
        let item = Arc::new(Item::new(in_row(&key, item::decode(row.value))?));
        let place = table.keys.in_index(&item.attributes).ok_or_else(|| inconsistent("it lacks its table's key"))?;
        if keys::item(incarnation, &place) != key {
            return Err(inconsistent("it is stored under another item's key"));
        }
        shared.memory.fetch_add(item.memory(), Ordering::Relaxed);
        table.write().apply(&place, Some(item), row.version).expect("no row comes twice");
    }
    Ok(())
}

async fn tokens(shared: &Shared) -> Result<(), StartError> {
    let mut scan = Scan::new(&shared.catalog, keys::TOKENS);
    while let Some((key, row)) = scan.next().await? {
        let (account, region, token) = keys::token_of(&key)
            .ok_or_else(|| StartError::Inconsistent { key: key.clone(), reason: "its key names no token" })?;
        let row = in_row(&key, TokenRow::decode(row.value))?;
        shared.tokens().insert(TokenId { account, region, token }, row);
    }
    Ok(())
}

/// Rows under a prefix, a page at a time, so that they are never all in memory twice.
struct Scan<'a> {
    catalog: &'a SharedCatalog,
    prefix: &'static str,
    page: std::vec::IntoIter<(String, Row)>,
    last: Option<String>,
    is_over: bool,
}

impl<'a> Scan<'a> {
    fn new(catalog: &'a SharedCatalog, prefix: &'static str) -> Self {
        Self { catalog, prefix, page: Vec::new().into_iter(), last: None, is_over: false }
    }

    async fn next(&mut self) -> Result<Option<(String, Row)>, CatalogError> {
        if self.page.len() == 0 && !self.is_over {
            let page = self.catalog.scan(self.prefix, self.last.as_deref(), PAGE).await?;
            self.is_over = page.len() < PAGE;
            self.last = page.last().map(|(key, _)| key.clone());
            self.page = page.into_iter();
        }
        Ok(self.page.next())
    }
}

//! Brings memory up to what the catalog holds.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use store::catalog::CatalogError;

use super::plan::Changed;
use super::{Job, Writer};
use crate::item_key::ItemKey;
use crate::rows::{item, keys};
use crate::table::{Item, State, Table};
use crate::tokens::TokenUse;

impl Writer {
    /// Applies what was committed with `version`; readers see the changes of one table all at once.
    pub(super) fn apply(&self, changed: Vec<Changed>, tokens: Vec<TokenUse>, version: u64) {
        let mut by_table: HashMap<u64, Vec<Changed>> = HashMap::new();
        for change in changed {
            by_table.entry(change.table.incarnation).or_default().push(change);
        }
        for changes in by_table.into_values() {
            let Some(table) = changes.first().map(|change| Arc::clone(&change.table)) else { continue };
            let mut state = table.write();
            for Changed { key, next, .. } in changes {
                self.put(&mut state, &key, next.item, version);
            }
        }
        let mut known = self.shared.tokens();
        for TokenUse { id, row } in tokens {
            known.insert(id, row);
        }
    }

    fn put(&self, state: &mut State, key: &ItemKey, item: Option<Arc<Item>>, version: u64) {
        let more = item.as_deref().map_or(0, Item::memory);
        // What was written later is there to stay.
        let Ok(old) = state.apply(key, item, version) else { return };
        self.shared.memory.fetch_add(more, Ordering::Relaxed);
        self.shared.memory.fetch_sub(old.map_or(0, |stored| stored.item.memory()), Ordering::Relaxed);
    }

    /// Reads the rows again that a job is about.
    pub(super) async fn refresh(&self, job: &Job) -> Result<(), CatalogError> {
        for write in &job.writes {
            self.refresh_item(&write.table, &write.key).await?;
        }
        Ok(())
    }

    async fn refresh_item(&self, table: &Table, key: &ItemKey) -> Result<(), CatalogError> {
        let row_key = keys::item(table.incarnation, key);
        let row = self.shared.catalog.get(&row_key).await?;
        let (item, version) = match row {
            None => (None, u64::MAX),
            Some(row) => {
                let attributes = item::decode(row.value)
                    .map_err(|error| CatalogError::Failed(format!("row {row_key:?}: {error}")))?;
                (Some(Arc::new(Item::new(attributes))), row.version)
            }
        };
        self.put(&mut table.write(), key, item, version);
        Ok(())
    }
}

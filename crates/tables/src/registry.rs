//! All tables of the node, by name.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use base::caller::Caller;

use crate::table::Table;
use crate::table_name::TableId;

#[derive(Debug, Default)]
pub struct Registry {
    tables: RwLock<BTreeMap<TableId, Arc<Table>>>,
}

impl Registry {
    fn read(&self) -> RwLockReadGuard<'_, BTreeMap<TableId, Arc<Table>>> {
        self.tables.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, BTreeMap<TableId, Arc<Table>>> {
        self.tables.write().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn find(&self, id: &TableId) -> Option<Arc<Table>> {
        self.read().get(id).cloned()
    }

    pub fn insert(&self, table: Arc<Table>) {
        self.write().insert(table.id.clone(), table);
    }

    pub fn remove(&self, table: &Table) {
        self.write().remove(&table.id);
    }

    pub fn all(&self) -> Vec<Arc<Table>> {
        self.read().values().cloned().collect()
    }

    /// Tables that a caller sees, in the order of their names.
    pub fn of(&self, caller: &Caller) -> Vec<Arc<Table>> {
        self.read().values().filter(|table| table.id.is_of(caller)).cloned().collect()
    }
}

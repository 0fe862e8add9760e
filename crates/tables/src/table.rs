//! A table in memory: its definition, its items and its indexes. Reads are served from here; only the writer changes it,
//! after the catalog has.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use base::ByteString;

use crate::item_key::ItemKey;
use crate::key_condition::KeyRange;
use crate::limits::PAGE_ITEM_BYTES;
use crate::rows::TableRow;
use crate::schema::{Index, KeySchema};
use crate::table_name::TableId;
use crate::value::{self, Attributes};

/// What an item takes beside its bytes: maps, keys and counters.
const ITEM_MEMORY: usize = 400;
/// What a value takes beside its bytes.
const VALUE_MEMORY: usize = 120;

/// An item, as it was stored.
#[derive(Debug, PartialEq, Eq)]
pub struct Item {
    pub attributes: Attributes,
    /// As DynamoDB counts, in bytes.
    pub size: usize,
}

/// An item in its place.
#[derive(Debug, Clone)]
pub struct Stored {
    pub item: Arc<Item>,
    /// Of the row in the catalog.
    pub version: u64,
}

/// Items by their places in a table or an index.
pub type Items = BTreeMap<ItemKey, Stored>;

/// A table. Shared by requests; whoever holds one that was deleted finds it gone.
#[derive(Debug)]
pub struct Table {
    pub id: TableId,
    /// Never changes, unlike the rest of the definition.
    pub keys: KeySchema,
    pub incarnation: u64,
    gone: AtomicBool,
    state: RwLock<State>,
}

/// What changes of a table.
#[derive(Debug)]
pub struct State {
    pub definition: Arc<TableRow>,
    /// Of the definition's row in the catalog.
    pub version: u64,
    items: Items,
    /// As many as the definition has, in its order.
    indexes: Vec<Items>,
    /// Sizes of all items.
    size: usize,
}

/// What is there was written later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outdated;

/// A page of places and items.
#[derive(Debug, Default)]
pub struct Page {
    pub items: Vec<Arc<Item>>,
    /// Where the page ends, unless everything was looked at.
    pub last: Option<ItemKey>,
}

/// How far a page goes.
#[derive(Debug, Clone, Copy)]
pub struct PageLimit {
    pub items: usize,
    pub bytes: usize,
}

impl Item {
    #[must_use]
    pub fn new(attributes: Attributes) -> Self {
        let size = value::size(&attributes);
        Self { attributes, size }
    }

    /// The memory that it is reckoned to take.
    #[must_use]
    pub fn memory(&self) -> usize {
        let parts: usize = self.attributes.values().map(value::Value::parts).sum();
        ITEM_MEMORY + self.size + parts * VALUE_MEMORY
    }
}

impl Table {
    #[must_use]
    pub fn new(id: TableId, definition: TableRow, version: u64) -> Self {
        let (keys, incarnation) = (definition.keys.clone(), definition.incarnation);
        let indexes = definition.indexes.iter().map(|_| Items::new()).collect();
        let state = State { definition: Arc::new(definition), version, items: Items::new(), indexes, size: 0 };
        Self { id, keys, incarnation, gone: AtomicBool::new(false), state: RwLock::new(state) }
    }

    /// Short: never held while something else is waited for.
    pub fn read(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn write(&self) -> RwLockWriteGuard<'_, State> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn definition(&self) -> Arc<TableRow> {
        Arc::clone(&self.read().definition)
    }

    pub fn retire(&self) {
        self.gone.store(true, Ordering::Release);
    }

    #[must_use]
    pub fn is_gone(&self) -> bool {
        self.gone.load(Ordering::Acquire)
    }
}

impl State {
    #[must_use]
    pub fn get(&self, key: &ItemKey) -> Option<&Stored> {
        self.items.get(key)
    }

    #[must_use]
    pub fn len(&self) -> usize {
        self.items.len()
    }

    #[must_use]
    pub fn size(&self) -> usize {
        self.size
    }

    /// All items.
    pub fn items(&self) -> impl Iterator<Item = &Stored> {
        self.items.values()
    }

    /// Items of an index, and their size.
    #[must_use]
    pub fn index_len(&self, index: usize) -> usize {
        self.indexes[index].len()
    }

    /// Puts or removes what the catalog has committed with `version`, and answers what was there before. The newer
    /// version wins.
    pub fn apply(&mut self, key: &ItemKey, item: Option<Arc<Item>>, version: u64) -> Result<Option<Stored>, Outdated> {
        if self.items.get(key).is_some_and(|stored| stored.version > version) {
            return Err(Outdated);
        }
        let old = self.items.remove(key);
        if let Some(old) = &old {
            self.size -= old.item.size;
            for (index, places) in self.definition.indexes.iter().zip(&mut self.indexes) {
                if let Some(place) = index.keys.in_index(&old.item.attributes) {
                    places.remove(&place.of(key.clone()));
                }
            }
        }
        let Some(item) = item else { return Ok(old) };
        let stored = Stored { item, version };
        // Keys are slices of the stored item, not of the request that they came with.
        let keys = &self.definition.keys;
        let key = keys.in_index(&stored.item.attributes).expect("a stored item has the key of its table");
        self.size += stored.item.size;
        for (index, places) in self.definition.indexes.iter().zip(&mut self.indexes) {
            if let Some(place) = index.keys.in_index(&stored.item.attributes) {
                places.insert(place.of(key.clone()), stored.clone());
            }
        }
        self.items.insert(key, stored);
        Ok(old)
    }

    /// The places of all items in indexes with these keys.
    #[must_use]
    pub fn fill(&self, index: &Index) -> Items {
        let place = |(key, stored): (&ItemKey, &Stored)| {
            Some((index.keys.in_index(&stored.item.attributes)?.of(key.clone()), stored.clone()))
        };
        self.items.iter().filter_map(place).collect()
    }

    /// Takes another definition. `filled`: indexes that are new, by name.
    pub fn redefine(&mut self, definition: Arc<TableRow>, version: u64, filled: BTreeMap<ByteString, Items>) {
        let names = self.definition.indexes.iter().map(|index| index.name.clone());
        let mut all: BTreeMap<ByteString, Items> = names.zip(std::mem::take(&mut self.indexes)).collect();
        all.extend(filled);
        let places = definition.indexes.iter().map(|index| all.remove(&index.name).unwrap_or_default());
        self.indexes = places.collect();
        self.definition = definition;
        self.version = version;
    }

    /// Looks at the items of the table, or of an index, within a range, until the page is full.
    #[must_use]
    pub fn page(&self, index: Option<usize>, range: KeyRange, forward: bool, limit: PageLimit) -> Page {
        let mut page = Page::default();
        if range.is_empty() {
            return page;
        }
        let items = index.map_or(&self.items, |index| &self.indexes[index]);
        let mut found = items.range((range.lower, range.upper));
        let mut bytes = 0;
        loop {
            let next = if forward { found.next() } else { found.next_back() };
            let Some((key, stored)) = next else { return page };
            bytes += stored.item.size + PAGE_ITEM_BYTES;
            page.items.push(Arc::clone(&stored.item));
            if page.items.len() >= limit.items || bytes >= limit.bytes {
                page.last = Some(key.clone());
                return page;
            }
        }
    }
}

#[cfg(test)]
mod tests;

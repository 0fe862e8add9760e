//! Capacity units and item collections, for clients that ask what a call has consumed. Nothing is limited by them.

use std::collections::BTreeMap;

use api::dynamodb::{
    Capacity, ConsumedCapacity, ItemCollectionMetrics, ReturnConsumedCapacity, ReturnItemCollectionMetrics,
};
use base::ByteString;
use base::limits::KIB;

use crate::convert;
use crate::rows::TableRow;
use crate::schema::{Index, Scope};
use crate::table::{Item, Table};
use crate::value::{self, Attributes};
use crate::writer::Outcome;

const READ_UNIT_BYTES: usize = 4 * KIB;
const WRITE_UNIT_BYTES: usize = KIB;

/// Capacity units by table and index.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Usage {
    table: f64,
    local: BTreeMap<ByteString, f64>,
    global: BTreeMap<ByteString, f64>,
}

impl Usage {
    /// Of looking at so many bytes, in the table or in an index.
    pub fn read(bytes: usize, consistent: bool, index: Option<&Index>) -> Self {
        let mut usage = Self::default();
        let units = units(bytes, READ_UNIT_BYTES) * if consistent { 1.0 } else { 0.5 };
        match index {
            None => usage.table = units,
            Some(index) => usage.add_to_index(index, units),
        }
        usage
    }

    /// Of a write. `factor`: 2 within a transaction.
    pub fn written(definition: &TableRow, outcome: &Outcome, factor: f64) -> Self {
        let size = |item: &Option<std::sync::Arc<Item>>| item.as_ref().map_or(0, |item| item.size);
        let bytes = size(&outcome.old).max(size(&outcome.new));
        let mut usage = Self { table: units(bytes, WRITE_UNIT_BYTES) * factor, ..Self::default() };
        for index in &definition.indexes {
            let shown = |item: &Option<std::sync::Arc<Item>>| {
                let item = item.as_ref()?;
                let key = index.keys.in_index(&item.attributes)?;
                Some((key, index.project(&item.attributes, &definition.keys)))
            };
            let (old, new) = (shown(&outcome.old), shown(&outcome.new));
            if old == new {
                continue;
            }
            let units_of = |attributes: &Attributes| units(value::size(attributes), WRITE_UNIT_BYTES) * factor;
            let total = match (&old, &new) {
                // Another place: taken away here, put there.
                (Some((old_key, old)), Some((new_key, new))) if old_key != new_key => units_of(old) + units_of(new),
                (Some((_, old)), Some((_, new))) => units_of(old).max(units_of(new)),
                (Some((_, shown)), None) | (None, Some((_, shown))) => units_of(shown),
                (None, None) => 0.0,
            };
            usage.add_to_index(index, total);
        }
        usage
    }

    fn add_to_index(&mut self, index: &Index, units: f64) {
        let map = match index.scope {
            Scope::Global => &mut self.global,
            Scope::Local => &mut self.local,
        };
        *map.entry(index.name.clone()).or_default() += units;
    }

    pub fn add(&mut self, other: Self) {
        self.table += other.table;
        for (map, others) in [(&mut self.local, other.local), (&mut self.global, other.global)] {
            for (name, units) in others {
                *map.entry(name).or_default() += units;
            }
        }
    }

    /// As far as the caller wants to know.
    pub fn shape(self, wanted: Option<&ReturnConsumedCapacity>, table: &Table) -> Option<ConsumedCapacity> {
        let with_indexes = match wanted {
            None | Some(ReturnConsumedCapacity::None | ReturnConsumedCapacity::Unknown(_)) => return None,
            Some(ReturnConsumedCapacity::Total) => false,
            Some(ReturnConsumedCapacity::Indexes) => true,
        };
        let total = self.table + self.local.values().sum::<f64>() + self.global.values().sum::<f64>();
        let mut consumed = ConsumedCapacity {
            table_name: Some(table.id.name.text()),
            capacity_units: Some(total),
            ..ConsumedCapacity::default()
        };
        if with_indexes {
            let shapes = |map: BTreeMap<ByteString, f64>| {
                let shapes = map.into_iter().map(|(name, units)| (name, capacity(units)));
                Some(shapes.collect::<BTreeMap<_, _>>()).filter(|map| !map.is_empty())
            };
            consumed.table = Some(capacity(self.table));
            consumed.local_secondary_indexes = shapes(self.local);
            consumed.global_secondary_indexes = shapes(self.global);
        }
        Some(consumed)
    }
}

fn capacity(units: f64) -> Capacity {
    Capacity { capacity_units: Some(units), ..Capacity::default() }
}

/// At least one.
fn units(bytes: usize, unit: usize) -> f64 {
    let units = u32::try_from(bytes.div_ceil(unit).max(1)).unwrap_or(u32::MAX);
    f64::from(units)
}

/// Items with one partition key, of a table with local indexes; none grows beyond 1 GB in memory.
pub fn collection(
    definition: &TableRow,
    key: &Attributes,
    wanted: Option<&ReturnItemCollectionMetrics>,
) -> Option<ItemCollectionMetrics> {
    let has_local = definition.indexes.iter().any(|index| index.scope == Scope::Local);
    if wanted != Some(&ReturnItemCollectionMetrics::Size) || !has_local {
        return None;
    }
    let (name, value) = key.get_key_value(&definition.keys.partition.name)?;
    Some(ItemCollectionMetrics {
        item_collection_key: Some([(name.clone(), convert::shape(value))].into()),
        size_estimate_range_gb: Some(vec![0.0, 1.0]),
    })
}

//! What Query and Scan have in common: which items they look at, and what they show of them.

use std::collections::BTreeMap;
use std::sync::Arc;

use api::dynamodb::{AttributeValue, ConsumedCapacity, ReturnConsumedCapacity, Select};
use base::ByteString;
use thiserror::Error;

use super::capacity::Usage;
use super::items::ItemShape;
use crate::condition::Condition;
use crate::convert::{self, ValueError};
use crate::error::Answer;
use crate::item_key::ItemKey;
use crate::key_condition::KeyRange;
use crate::limits::PAGE_BYTES_MAX;
use crate::projection::Parts;
use crate::rows::TableRow;
use crate::schema::{Index, KeyError, KeySchema, Projection, Scope};
use crate::table::{Item, PageLimit, Table};
use crate::value::Attributes;

/// Why a table or an index cannot be read so.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ReadError {
    #[error("The table does not have the specified index: {0}")]
    NoIndex(ByteString),
    #[error("Consistent reads are not supported on global secondary indexes")]
    Consistent,
    #[error("Either the KeyConditions or KeyConditionExpression parameter must be specified in the request.")]
    NoKeyConditions,
    #[error("ALL_PROJECTED_ATTRIBUTES can be used only when Querying using an IndexName")]
    ProjectedWithoutIndex,
    #[error("Cannot specify the AttributesToGet when choosing to get {0}")]
    PartsUnwanted(&'static str),
    #[error("Must specify the AttributesToGet or ProjectionExpression when choosing to get SPECIFIC_ATTRIBUTES")]
    PartsMissing,
    #[error(
        "One or more parameter values were invalid: Select type ALL_ATTRIBUTES is not supported for global secondary \
         index {0} because its projection type is not ALL"
    )]
    NotAllProjected(ByteString),
    #[error("One or more parameter values were invalid: Global secondary index {index} does not project {name}")]
    NotProjected { index: ByteString, name: ByteString },
    #[error("{form} can only contain non-primary key attributes: Primary key attribute: {name}")]
    KeyInFilter { form: &'static str, name: ByteString },
    #[error("The provided starting key is invalid")]
    Start,
    #[error("The provided starting key is invalid: {0}")]
    StartValue(ValueError),
    #[error("The provided starting key is invalid: {0}")]
    StartKey(KeyError),
    #[error("The provided starting key is outside query boundaries based on provided conditions")]
    StartOutside,
    #[error(
        "The provided starting key is invalid: Invalid ExclusiveStartKey. Please use ExclusiveStartKey with correct \
         Segment. TotalSegments: {total} Segment: {segment}"
    )]
    StartOtherSegment { total: i32, segment: i32 },
    #[error(
        "The TotalSegments parameter is required but was not present in the request when Segment parameter is present"
    )]
    SegmentAlone,
    #[error(
        "The Segment parameter is required but was not present in the request when parameter TotalSegments is present"
    )]
    TotalSegmentsAlone,
    #[error(
        "The Segment parameter is zero-based and must be less than parameter TotalSegments: Segment: {segment} is not \
         less than TotalSegments: {total}"
    )]
    Segment { total: i32, segment: i32 },
}

/// A table, or one of its indexes, to be read.
pub struct Source {
    pub table: Arc<Table>,
    definition: Arc<TableRow>,
    index: Option<usize>,
}

/// What is to be read.
pub struct Reading {
    pub range: KeyRange,
    pub forward: bool,
    pub limit: Option<i32>,
    pub consistent: bool,
    pub filter: Option<Condition>,
    pub select: Option<Select>,
    pub parts: Option<Parts>,
    pub capacity: Option<ReturnConsumedCapacity>,
}

/// What was read.
pub struct Found {
    pub items: Option<Vec<ItemShape>>,
    pub count: i32,
    pub scanned_count: i32,
    pub last_evaluated_key: Option<ItemShape>,
    pub consumed_capacity: Option<ConsumedCapacity>,
}

/// What is shown of the items that pass the filter.
enum Show {
    Nothing,
    Everything,
    Projected,
    Parts(Parts),
}

impl Source {
    pub fn new(table: Arc<Table>, index_name: Option<&ByteString>) -> Result<Self, ReadError> {
        let definition = table.definition();
        let find = |name: &ByteString| {
            let found = definition.indexes.iter().position(|index| index.name == *name);
            found.ok_or_else(|| ReadError::NoIndex(name.clone()))
        };
        let index = index_name.map(find).transpose()?;
        Ok(Self { table, definition, index })
    }

    fn index(&self) -> Option<&Index> {
        self.index.map(|index| &self.definition.indexes[index])
    }

    /// The index, when it is a global one.
    fn global(&self) -> Option<&Index> {
        self.index().filter(|index| index.scope == Scope::Global)
    }

    /// The key that orders what is read.
    pub fn keys(&self) -> &KeySchema {
        self.index().map_or(&self.definition.keys, |index| &index.keys)
    }

    /// The place that an ExclusiveStartKey names; an item need not be there.
    pub fn start(&self, key: BTreeMap<ByteString, AttributeValue>) -> Result<ItemKey, ReadError> {
        let key = convert::attributes(key).map_err(ReadError::StartValue)?;
        let of_table = self.definition.keys.extract(&key);
        let in_table = self.definition.keys.of_key(&of_table).map_err(ReadError::StartKey)?;
        let Some(index) = self.index() else {
            return if key.len() == of_table.len() {
                Ok(in_table)
            } else {
                Err(ReadError::StartKey(KeyError::NotTheSchema))
            };
        };
        if key.len() != self.start_key(&key).len() {
            return Err(ReadError::Start);
        }
        Ok(index.keys.in_index(&key).ok_or(ReadError::Start)?.of(in_table))
    }

    /// The attributes of an item from which a reading can go on.
    fn start_key(&self, item: &Attributes) -> Attributes {
        let mut key = self.definition.keys.extract(item);
        if let Some(index) = self.index() {
            key.extend(index.keys.extract(item));
        }
        key
    }

    /// Filters of a Query are about attributes that the key condition cannot be about.
    pub fn check_filter(&self, form: &'static str, filter: Option<&Condition>) -> Result<(), ReadError> {
        for path in filter.map(Condition::paths).unwrap_or_default() {
            if self.keys().has(&path.attribute) {
                return Err(ReadError::KeyInFilter { form, name: path.attribute.clone() });
            }
        }
        Ok(())
    }

    fn show(&self, select: Option<&Select>, parts: Option<Parts>) -> Result<Show, ReadError> {
        let show = match (select, parts) {
            (None | Some(Select::SpecificAttributes | Select::Unknown(_)), Some(parts)) => Show::Parts(parts),
            (Some(Select::SpecificAttributes), None) => return Err(ReadError::PartsMissing),
            (Some(Select::AllAttributes), Some(_)) => return Err(ReadError::PartsUnwanted("ALL_ATTRIBUTES")),
            (Some(Select::AllProjectedAttributes), Some(_)) => {
                return Err(ReadError::PartsUnwanted("ALL_PROJECTED_ATTRIBUTES"));
            }
            (Some(Select::Count), Some(_)) => return Err(ReadError::PartsUnwanted("only the Count")),
            (Some(Select::Count), None) => Show::Nothing,
            (Some(Select::AllProjectedAttributes), None) if self.index.is_none() => {
                return Err(ReadError::ProjectedWithoutIndex);
            }
            (Some(Select::AllAttributes), None) => match self.global() {
                Some(index) if index.projection != Projection::All => {
                    return Err(ReadError::NotAllProjected(index.name.clone()));
                }
                _ => Show::Everything,
            },
            (None | Some(Select::AllProjectedAttributes | Select::Unknown(_)), None) => Show::Projected,
        };
        if let (Show::Parts(parts), Some(index)) = (&show, self.global())
            && let Some(name) = parts.names().find(|name| !index.shows(name, &self.definition.keys))
        {
            return Err(ReadError::NotProjected { index: index.name.clone(), name: name.clone() });
        }
        Ok(show)
    }

    pub fn read(&self, reading: Reading) -> Answer<Found> {
        if reading.consistent && self.global().is_some() {
            return Err(ReadError::Consistent.into());
        }
        let show = self.show(reading.select.as_ref(), reading.parts)?;
        let items = reading.limit.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(usize::MAX);
        let limit = PageLimit { items, bytes: PAGE_BYTES_MAX };
        let page = {
            let state = self.table.read();
            // Indexes may have changed places since the definition was looked at.
            let name = self.index().map(|index| &index.name);
            let find = |name: &ByteString| {
                let found = state.definition.indexes.iter().position(|index| index.name == *name);
                found.ok_or_else(|| ReadError::NoIndex(name.clone()))
            };
            state.page(name.map(find).transpose()?, reading.range, reading.forward, limit)
        };
        let bytes: usize = page.items.iter().map(|item| item.size).sum();
        let usage = Usage::read(bytes, reading.consistent, self.index());
        let last = page.last.and(page.items.last());
        let last_evaluated_key = last.map(|item| convert::shapes(&self.start_key(&item.attributes)));
        let shapes = page.items.iter().filter_map(|item| self.pass(item, reading.filter.as_ref(), &show));
        let shapes: Vec<ItemShape> = shapes.collect();
        Ok(Found {
            count: count(shapes.len()),
            scanned_count: count(page.items.len()),
            items: if matches!(show, Show::Nothing) { None } else { Some(shapes) },
            last_evaluated_key,
            consumed_capacity: usage.shape(reading.capacity.as_ref(), &self.table),
        })
    }

    /// What is shown of an item, if it passes the filter.
    fn pass(&self, item: &Item, filter: Option<&Condition>, show: &Show) -> Option<ItemShape> {
        // A global index has nothing but what it projects; a local one fetches the rest from the table.
        let projected = match (self.index(), show) {
            (Some(index), _) if index.scope == Scope::Global => Some(index.project(&item.attributes, &self.table.keys)),
            (Some(index), Show::Projected) => Some(index.project(&item.attributes, &self.table.keys)),
            _ => None,
        };
        let whole = match self.global() {
            Some(_) => projected.as_ref().unwrap_or(&item.attributes),
            None => &item.attributes,
        };
        if filter.is_some_and(|filter| !filter.holds(whole)) {
            return None;
        }
        Some(match show {
            Show::Nothing => ItemShape::new(),
            Show::Everything => convert::shapes(whole),
            Show::Projected => convert::shapes(projected.as_ref().unwrap_or(&item.attributes)),
            Show::Parts(parts) => convert::shapes(&parts.of(whole)),
        })
    }
}

fn count(len: usize) -> i32 {
    i32::try_from(len).unwrap_or(i32::MAX)
}

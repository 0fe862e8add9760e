//! BatchGetItem and BatchWriteItem.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use api::dynamodb::{
    BatchGetItemInput, BatchGetItemOutput, BatchWriteItemInput, BatchWriteItemOutput, KeysAndAttributes, WriteRequest,
};
use base::ByteString;
use base::caller::Caller;

use super::capacity::{Usage, collection};
use super::forms::{RawPlaceholders, parts};
use super::items::{ItemShape, change, put, shown, stored};
use crate::convert;
use crate::core::Core;
use crate::error::{self, Answer};
use crate::item_key::ItemKey;
use crate::limits::{BATCH_GET_BYTES_MAX, BATCH_GET_COUNT_MAX, BATCH_WRITE_COUNT_MAX};
use crate::projection::Parts;
use crate::table::Table;
use crate::writer::{Change, ItemWrite, Job};

const DUPLICATES: &str = "Provided list of item keys contains duplicates";

/// What is wanted of one table.
struct Wanted {
    table: Arc<Table>,
    keys: Vec<(ItemKey, ItemShape)>,
    parts: Option<Parts>,
    consistent: bool,
}

pub fn batch_get_item(core: &Core, caller: &Caller, input: BatchGetItemInput) -> Answer<BatchGetItemOutput> {
    let count: usize = input.request_items.values().map(|wanted| wanted.keys.len()).sum();
    if count > BATCH_GET_COUNT_MAX {
        return Err(error::invalid("Too many items requested for the BatchGetItem call"));
    }
    let (mut responses, mut unprocessed, mut capacity) = (BTreeMap::new(), BTreeMap::new(), Vec::new());
    let mut bytes = 0;
    // Nothing is read before all of it is known to be right.
    let all: Vec<(&ByteString, Wanted)> = input
        .request_items
        .iter()
        .map(|(name, request)| Ok((name, wanted(core, caller, name, request)?)))
        .collect::<Answer<_>>()?;
    for (name, wanted) in all {
        let (mut found, mut left, mut usage) = (Vec::new(), Vec::new(), Usage::default());
        for (key, shape) in wanted.keys {
            if bytes >= BATCH_GET_BYTES_MAX {
                left.push(shape);
                continue;
            }
            let item = stored(&wanted.table, &key);
            let size = item.as_ref().map_or(0, |item| item.size);
            bytes += size;
            usage.add(Usage::read(size, wanted.consistent, None));
            found.extend(item.map(|item| shown(&item, wanted.parts.as_ref())));
        }
        responses.insert(name.clone(), found);
        if !left.is_empty() {
            let request = &input.request_items[name];
            unprocessed.insert(name.clone(), KeysAndAttributes { keys: left, ..request.clone() });
        }
        capacity.extend(usage.shape(input.return_consumed_capacity.as_ref(), &wanted.table));
    }
    Ok(BatchGetItemOutput {
        responses: Some(responses),
        unprocessed_keys: Some(unprocessed),
        consumed_capacity: Some(capacity).filter(|list| !list.is_empty()),
    })
}

fn wanted(core: &Core, caller: &Caller, name: &str, request: &KeysAndAttributes) -> Answer<Wanted> {
    let raw = RawPlaceholders { names: request.expression_attribute_names.clone(), values: None };
    let mut placeholders = raw.check(
        &[("ProjectionExpression", request.projection_expression.is_some())],
        &[("AttributesToGet", request.attributes_to_get.is_some())],
    )?;
    let parts = parts(request.projection_expression.as_ref(), request.attributes_to_get.clone(), &mut placeholders)?;
    placeholders.finish()?;
    let table = core.table(caller, name)?;
    let mut keys = Vec::with_capacity(request.keys.len());
    let mut seen = BTreeSet::new();
    for shape in &request.keys {
        let key = table.keys.of_key(&convert::attributes(shape.clone())?)?;
        if !seen.insert(key.clone()) {
            return Err(error::invalid(DUPLICATES));
        }
        keys.push((key, shape.clone()));
    }
    Ok(Wanted { table, keys, parts, consistent: request.consistent_read == Some(true) })
}

/// Everything is written at once, so that nothing stays unprocessed.
pub async fn batch_write_item(
    core: &Core,
    caller: &Caller,
    input: BatchWriteItemInput,
) -> Answer<BatchWriteItemOutput> {
    let count: usize = input.request_items.values().map(Vec::len).sum();
    if count > BATCH_WRITE_COUNT_MAX {
        return Err(error::invalid("Too many items requested for the BatchWriteItem call"));
    }
    let mut writes: Vec<ItemWrite> = Vec::with_capacity(count);
    let mut seen = BTreeSet::new();
    for (name, requests) in input.request_items {
        let table = core.table(caller, &name)?;
        for request in requests {
            let write = item_write(&table, request)?;
            if !seen.insert((table.incarnation, write.key.clone())) {
                return Err(error::invalid(DUPLICATES));
            }
            writes.push(write);
        }
    }
    let places: Vec<_> = writes.iter().map(|write| (Arc::clone(&write.table), write.key_attributes.clone())).collect();
    let outcomes = core.write(Job { writes, token: None }).await.map_err(|error| error::write(error, false))?;
    let mut usages: BTreeMap<u64, (Arc<Table>, Usage)> = BTreeMap::new();
    let mut collections: BTreeMap<ByteString, Vec<_>> = BTreeMap::new();
    for ((table, key), outcome) in places.into_iter().zip(outcomes) {
        let definition = table.definition();
        if let Some(metrics) = collection(&definition, &key, input.return_item_collection_metrics.as_ref()) {
            collections.entry(table.id.name.text()).or_default().push(metrics);
        }
        let usage = Usage::written(&definition, &outcome, 1.0);
        usages.entry(table.incarnation).or_insert_with(|| (table, Usage::default())).1.add(usage);
    }
    let wanted = input.return_consumed_capacity.as_ref();
    let capacity: Vec<_> = usages.into_values().filter_map(|(table, usage)| usage.shape(wanted, &table)).collect();
    Ok(BatchWriteItemOutput {
        unprocessed_items: Some(BTreeMap::new()),
        item_collection_metrics: Some(collections).filter(|map| !map.is_empty()),
        consumed_capacity: Some(capacity).filter(|list| !list.is_empty()),
    })
}

fn item_write(table: &Arc<Table>, request: WriteRequest) -> Answer<ItemWrite> {
    match (request.put_request, request.delete_request) {
        (Some(request), None) => put(table, convert::attributes(request.item)?),
        (None, Some(request)) => change(table, convert::attributes(request.key)?, Change::Delete),
        (None, None) | (Some(_), Some(_)) => Err(error::invalid(
            "One or more parameter values were invalid: A WriteRequest must have exactly one of PutRequest and \
             DeleteRequest",
        )),
    }
}

//! GetItem, PutItem, UpdateItem, DeleteItem.

use std::collections::BTreeMap;
use std::sync::Arc;

use api::dynamodb::{
    AttributeValue, DeleteItemInput, DeleteItemOutput, GetItemInput, GetItemOutput, PutItemInput, PutItemOutput,
    ReturnValue, UpdateItemInput, UpdateItemOutput,
};
use base::ByteString;
use base::caller::Caller;

use super::capacity::{Usage, collection};
use super::forms::{RawCondition, RawPlaceholders, parts, shows_item, wants_old};
use crate::convert;
use crate::core::Core;
use crate::error::{self, Answer};
use crate::expression::{self, Placeholders};
use crate::item_key::ItemKey;
use crate::legacy;
use crate::limits::ITEM_BYTES_MAX;
use crate::projection::Parts;
use crate::table::{Item, Table};
use crate::update::Update;
use crate::value::{self, Attributes};
use crate::writer::{Change, ItemWrite, Outcome};

/// An item as the API carries it.
pub type ItemShape = BTreeMap<ByteString, AttributeValue>;

pub fn get_item(core: &Core, caller: &Caller, input: GetItemInput) -> Answer<GetItemOutput> {
    let raw = RawPlaceholders { names: input.expression_attribute_names, values: None };
    let mut placeholders = raw.check(
        &[("ProjectionExpression", input.projection_expression.is_some())],
        &[("AttributesToGet", input.attributes_to_get.is_some())],
    )?;
    let key = convert::attributes(input.key)?;
    let parts = parts(input.projection_expression.as_ref(), input.attributes_to_get, &mut placeholders)?;
    placeholders.finish()?;
    let table = core.table(caller, &input.table_name)?;
    let item = stored(&table, &table.keys.of_key(&key)?);
    let usage = Usage::read(item.as_ref().map_or(0, |item| item.size), input.consistent_read == Some(true), None);
    Ok(GetItemOutput {
        item: item.map(|item| shown(&item, parts.as_ref())),
        consumed_capacity: usage.shape(input.return_consumed_capacity.as_ref(), &table),
    })
}

/// The item with that key.
pub fn stored(table: &Table, key: &ItemKey) -> Option<Arc<Item>> {
    table.read().get(key).map(|stored| Arc::clone(&stored.item))
}

/// The parts of an item that were asked for.
pub fn shown(item: &Item, parts: Option<&Parts>) -> ItemShape {
    match parts {
        None => convert::shapes(&item.attributes),
        Some(parts) => convert::shapes(&parts.of(&item.attributes)),
    }
}

pub async fn put_item(core: &Core, caller: &Caller, input: PutItemInput) -> Answer<PutItemOutput> {
    let wants_old = wants_old(input.return_values.as_ref())?;
    let raw = RawPlaceholders { names: input.expression_attribute_names, values: input.expression_attribute_values };
    let mut placeholders = raw.check(
        &[("ConditionExpression", input.condition_expression.is_some())],
        &[("Expected", input.expected.is_some())],
    )?;
    let item = convert::attributes(input.item)?;
    let condition = RawCondition {
        expression: input.condition_expression,
        expected: input.expected,
        operator: input.conditional_operator,
    };
    let condition = condition.parse(&mut placeholders)?;
    placeholders.finish()?;
    let table = core.table(caller, &input.table_name)?;
    let mut write = put(&table, item)?;
    write.condition = condition;
    let key_attributes = write.key_attributes.clone();
    let outcome = carry_out(core, write, shows_item(input.return_values_on_condition_check_failure.as_ref())).await?;
    let definition = table.definition();
    let usage = Usage::written(&definition, &outcome, 1.0);
    Ok(PutItemOutput {
        attributes: outcome.old.filter(|_| wants_old).map(|item| shown(&item, None)),
        consumed_capacity: usage.shape(input.return_consumed_capacity.as_ref(), &table),
        item_collection_metrics: collection(
            &definition,
            &key_attributes,
            input.return_item_collection_metrics.as_ref(),
        ),
    })
}

/// Puts an item, whatever is there.
pub fn put(table: &Arc<Table>, item: Attributes) -> Answer<ItemWrite> {
    let key = table.keys.of_item(&item)?;
    if value::size(&item) > ITEM_BYTES_MAX {
        return Err(error::invalid("Item size has exceeded the maximum allowed size"));
    }
    let key_attributes = table.keys.extract(&item);
    Ok(ItemWrite { table: Arc::clone(table), key, key_attributes, condition: None, change: Change::Put(item) })
}

/// Does something to the item with that key, whatever is there.
pub fn change(table: &Arc<Table>, key_attributes: Attributes, change: Change) -> Answer<ItemWrite> {
    let key = table.keys.of_key(&key_attributes)?;
    Ok(ItemWrite { table: Arc::clone(table), key, key_attributes, condition: None, change })
}

async fn carry_out(core: &Core, write: ItemWrite, shows_item: bool) -> Answer<Outcome> {
    let outcomes = core.write(write.into()).await.map_err(|error| error::write(error, shows_item))?;
    Ok(outcomes.into_iter().next().unwrap_or_default())
}

pub async fn delete_item(core: &Core, caller: &Caller, input: DeleteItemInput) -> Answer<DeleteItemOutput> {
    let wants_old = wants_old(input.return_values.as_ref())?;
    let raw = RawPlaceholders { names: input.expression_attribute_names, values: input.expression_attribute_values };
    let mut placeholders = raw.check(
        &[("ConditionExpression", input.condition_expression.is_some())],
        &[("Expected", input.expected.is_some())],
    )?;
    let key = convert::attributes(input.key)?;
    let condition = RawCondition {
        expression: input.condition_expression,
        expected: input.expected,
        operator: input.conditional_operator,
    };
    let condition = condition.parse(&mut placeholders)?;
    placeholders.finish()?;
    let table = core.table(caller, &input.table_name)?;
    let mut write = change(&table, key.clone(), Change::Delete)?;
    write.condition = condition;
    let outcome = carry_out(core, write, shows_item(input.return_values_on_condition_check_failure.as_ref())).await?;
    let definition = table.definition();
    let usage = Usage::written(&definition, &outcome, 1.0);
    Ok(DeleteItemOutput {
        attributes: outcome.old.filter(|_| wants_old).map(|item| shown(&item, None)),
        consumed_capacity: usage.shape(input.return_consumed_capacity.as_ref(), &table),
        item_collection_metrics: collection(&definition, &key, input.return_item_collection_metrics.as_ref()),
    })
}

pub async fn update_item(core: &Core, caller: &Caller, input: UpdateItemInput) -> Answer<UpdateItemOutput> {
    let raw = RawPlaceholders { names: input.expression_attribute_names, values: input.expression_attribute_values };
    let mut placeholders = raw.check(
        &[
            ("UpdateExpression", input.update_expression.is_some()),
            ("ConditionExpression", input.condition_expression.is_some()),
        ],
        &[("AttributeUpdates", input.attribute_updates.is_some()), ("Expected", input.expected.is_some())],
    )?;
    let key = convert::attributes(input.key)?;
    let update = match input.attribute_updates {
        Some(updates) => legacy::updates(updates)?,
        None => parsed(input.update_expression.as_ref(), &mut placeholders)?,
    };
    let condition = RawCondition {
        expression: input.condition_expression,
        expected: input.expected,
        operator: input.conditional_operator,
    };
    let condition = condition.parse(&mut placeholders)?;
    placeholders.finish()?;
    let table = core.table(caller, &input.table_name)?;
    let changed = Parts::new(update.paths());
    let mut write = self::update(&table, key.clone(), update)?;
    write.condition = condition;
    let outcome = carry_out(core, write, shows_item(input.return_values_on_condition_check_failure.as_ref())).await?;
    let definition = table.definition();
    let usage = Usage::written(&definition, &outcome, 1.0);
    Ok(UpdateItemOutput {
        attributes: returned(input.return_values.as_ref(), &outcome, &changed),
        consumed_capacity: usage.shape(input.return_consumed_capacity.as_ref(), &table),
        item_collection_metrics: collection(&definition, &key, input.return_item_collection_metrics.as_ref()),
    })
}

/// The update that an expression stands for; none changes nothing, but makes an item.
pub fn parsed(text: Option<&ByteString>, placeholders: &mut Placeholders) -> Answer<Update> {
    Ok(text.map(|text| expression::update(text, placeholders)).transpose()?.unwrap_or_default())
}

/// An update of what is not part of the key.
pub fn update(table: &Arc<Table>, key_attributes: Attributes, update: Update) -> Answer<ItemWrite> {
    if let Some(path) = update.paths().find(|path| table.keys.has(&path.attribute)) {
        let text = format!(
            "One or more parameter values were invalid: Cannot update attribute {}. This attribute is part of the key",
            path.attribute
        );
        return Err(error::invalid(text));
    }
    change(table, key_attributes, Change::Update(update))
}

fn returned(wanted: Option<&ReturnValue>, outcome: &Outcome, changed: &Parts) -> Option<ItemShape> {
    let (item, parts) = match wanted? {
        ReturnValue::None | ReturnValue::Unknown(_) => return None,
        ReturnValue::AllOld => (&outcome.old, None),
        ReturnValue::AllNew => (&outcome.new, None),
        ReturnValue::UpdatedOld => (&outcome.old, Some(changed)),
        ReturnValue::UpdatedNew => (&outcome.new, Some(changed)),
    };
    item.as_ref().map(|item| shown(item, parts)).filter(|shape| !shape.is_empty())
}

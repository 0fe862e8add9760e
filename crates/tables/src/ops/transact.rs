//! TransactWriteItems: up to 100 writes and checks, all or none, in one commit.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Write as _};
use std::sync::Arc;

use api::dynamodb::{
    AttributeValue, ReturnValuesOnConditionCheckFailure, TransactWriteItem, TransactWriteItemsInput,
    TransactWriteItemsOutput,
};
use aws_lc_rs::digest::{Context, SHA256};
use base::ByteString;
use base::caller::Caller;

use super::capacity::{Usage, collection};
use super::forms::{RawCondition, RawPlaceholders, shows_item};
use super::items;
use crate::convert;
use crate::core::Core;
use crate::error::{self, Answer};
use crate::limits::TRANSACTION_BYTES_MAX;
use crate::rows::TokenRow;
use crate::table::Table;
use crate::tokens::{self, TokenId, TokenUse};
use crate::value;
use crate::writer::{Change, ItemWrite, Job};

/// Writes cost twice as much within a transaction.
const CAPACITY_FACTOR: f64 = 2.0;

pub async fn transact_write_items(
    core: &Core,
    caller: &Caller,
    input: TransactWriteItemsInput,
) -> Answer<TransactWriteItemsOutput> {
    let token = input.client_request_token.as_ref().map(|token| TokenUse {
        id: TokenId::new(caller, token),
        row: TokenRow { digest: digest(&input.transact_items), forgotten_at: core.now().plus(tokens::LIFE) },
    });
    let (mut writes, mut shows_items) = (Vec::new(), Vec::new());
    let mut seen = BTreeSet::new();
    for item in input.transact_items {
        let Part { write, shows_item } = part(core, caller, item)?;
        if !seen.insert((write.table.incarnation, write.key.clone())) {
            return Err(error::invalid("Transaction request cannot include multiple operations on one item"));
        }
        writes.push(write);
        shows_items.push(shows_item);
    }
    check_size(&writes)?;
    let places: Vec<_> = writes.iter().map(|write| (Arc::clone(&write.table), write.key_attributes.clone())).collect();
    let outcomes = core.write(Job { writes, token }).await.map_err(|error| error::transaction(error, &shows_items))?;
    let mut usages: BTreeMap<u64, (Arc<Table>, Usage)> = BTreeMap::new();
    let mut collections: BTreeMap<ByteString, Vec<_>> = BTreeMap::new();
    for ((table, key), outcome) in places.into_iter().zip(outcomes) {
        let definition = table.definition();
        if let Some(metrics) = collection(&definition, &key, input.return_item_collection_metrics.as_ref()) {
            collections.entry(table.id.name.text()).or_default().push(metrics);
        }
        let usage = Usage::written(&definition, &outcome, CAPACITY_FACTOR);
        usages.entry(table.incarnation).or_insert_with(|| (table, Usage::default())).1.add(usage);
    }
    let wanted = input.return_consumed_capacity.as_ref();
    let capacity: Vec<_> = usages.into_values().filter_map(|(table, usage)| usage.shape(wanted, &table)).collect();
    Ok(TransactWriteItemsOutput {
        consumed_capacity: Some(capacity).filter(|list| !list.is_empty()),
        item_collection_metrics: Some(collections).filter(|map| !map.is_empty()),
    })
}

/// One entry of a transaction.
struct Part {
    write: ItemWrite,
    shows_item: bool,
}

fn part(core: &Core, caller: &Caller, item: TransactWriteItem) -> Answer<Part> {
    match item {
        TransactWriteItem { condition_check: Some(check), put: None, delete: None, update: None } => {
            let conditions = Conditions {
                expression: Some(check.condition_expression),
                names: check.expression_attribute_names,
                values: check.expression_attribute_values,
                shows: check.return_values_on_condition_check_failure,
            };
            let key = convert::attributes(check.key)?;
            let table = core.table(caller, &check.table_name)?;
            conditions.apply(None, |_| items::change(&table, key, Change::Check))
        }
        TransactWriteItem { condition_check: None, put: Some(put), delete: None, update: None } => {
            let conditions = Conditions {
                expression: put.condition_expression,
                names: put.expression_attribute_names,
                values: put.expression_attribute_values,
                shows: put.return_values_on_condition_check_failure,
            };
            let item = convert::attributes(put.item)?;
            let table = core.table(caller, &put.table_name)?;
            conditions.apply(None, |_| items::put(&table, item))
        }
        TransactWriteItem { condition_check: None, put: None, delete: Some(delete), update: None } => {
            let conditions = Conditions {
                expression: delete.condition_expression,
                names: delete.expression_attribute_names,
                values: delete.expression_attribute_values,
                shows: delete.return_values_on_condition_check_failure,
            };
            let key = convert::attributes(delete.key)?;
            let table = core.table(caller, &delete.table_name)?;
            conditions.apply(None, |_| items::change(&table, key, Change::Delete))
        }
        TransactWriteItem { condition_check: None, put: None, delete: None, update: Some(update) } => {
            let conditions = Conditions {
                expression: update.condition_expression,
                names: update.expression_attribute_names,
                values: update.expression_attribute_values,
                shows: update.return_values_on_condition_check_failure,
            };
            let key = convert::attributes(update.key)?;
            let table: Arc<Table> = core.table(caller, &update.table_name)?;
            conditions.apply(Some(&update.update_expression), |update| items::update(&table, key, update))
        }
        _ => Err(error::invalid("TransactItems can only contain one of Check, Put, Update or Delete")),
    }
}

/// What all entries have.
struct Conditions {
    expression: Option<ByteString>,
    names: Option<BTreeMap<ByteString, ByteString>>,
    values: Option<BTreeMap<ByteString, AttributeValue>>,
    shows: Option<ReturnValuesOnConditionCheckFailure>,
}

impl Conditions {
    /// Makes the write with its condition. `update`: an expression that shares the placeholders.
    fn apply(
        self,
        update: Option<&ByteString>,
        make: impl FnOnce(crate::update::Update) -> Answer<ItemWrite>,
    ) -> Answer<Part> {
        let raw = RawPlaceholders { names: self.names, values: self.values };
        let given = ("ConditionExpression", self.expression.is_some());
        let mut placeholders = match update {
            None => raw.check(&[given], &[])?,
            Some(_) => raw.check(&[("UpdateExpression", true), given], &[])?,
        };
        let update = items::parsed(update, &mut placeholders)?;
        let condition = RawCondition { expression: self.expression, ..RawCondition::default() };
        let condition = condition.parse(&mut placeholders)?;
        placeholders.finish()?;
        let mut write = make(update)?;
        write.condition = condition;
        Ok(Part { write, shows_item: shows_item(self.shows.as_ref()) })
    }
}

fn check_size(writes: &[ItemWrite]) -> Answer<()> {
    let size = |write: &ItemWrite| match &write.change {
        Change::Put(item) => value::size(item),
        Change::Update(_) | Change::Delete | Change::Check => value::size(&write.key_attributes),
    };
    if writes.iter().map(size).sum::<usize>() > TRANSACTION_BYTES_MAX {
        return Err(error::invalid("Transaction size has exceeded the maximum allowed size of 4 MB"));
    }
    Ok(())
}

/// Tells transactions with one token from each other, by everything that they consist of. Every release may write them
/// differently: a token is remembered for minutes.
fn digest(items: &[TransactWriteItem]) -> [u8; 32] {
    struct Digest(Context);
    impl fmt::Write for Digest {
        fn write_str(&mut self, text: &str) -> fmt::Result {
            self.0.update(text.as_bytes());
            Ok(())
        }
    }
    let mut digest = Digest(Context::new(&SHA256));
    write!(digest, "{items:?}").expect("a digest takes every write");
    digest.0.finish().as_ref().try_into().expect("SHA-256 has 32 bytes")
}

//! The part of DynamoDB that a lease table needs.

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

#[allow(clippy::wildcard_imports, reason = "the trait names every shape of the API")]
use api::dynamodb::*;
use base::caller::Caller;
use base::{BoxFuture, ByteString};
use tokio::time::sleep;

use super::refuse;
use crate::consumer::lease::{Item, Lease, name, number, text};
use crate::consumer::table::LeaseTable;
use crate::service::anybody;

#[derive(Default)]
pub(in crate::consumer) struct TableState {
    pub rows: std::collections::BTreeMap<ByteString, Item>,
    /// How long the next scan takes.
    pub scan_delay: Duration,
    /// How long each change by an owner or taker takes.
    pub update_delay: Duration,
}

#[derive(Default, Clone)]
pub(in crate::consumer) struct FakeTable(Arc<Mutex<TableState>>);

impl FakeTable {
    pub fn state(&self) -> MutexGuard<'_, TableState> {
        self.0.lock().expect("no panic")
    }

    pub fn leases(&self) -> LeaseTable {
        LeaseTable { dynamodb: Arc::new(self.clone()), caller: anybody(), name: "application".into() }
    }

    pub fn insert(&self, lease: &Lease, owner: Option<&'static str>) {
        let mut row = lease.write_new();
        if let Some(owner) = owner {
            row.insert(name::LEASE_OWNER.into(), text(owner));
        }
        self.state().rows.insert(lease.key.clone(), row);
    }

    pub fn lease(&self, key: &str) -> Option<Lease> {
        Lease::read(self.state().rows.get(key)?)
    }

    /// As the owner does.
    pub fn renew(&self, key: &str) {
        if let Some(row) = self.state().rows.get_mut(key) {
            add_one(row, &name::LEASE_COUNTER.into());
        }
    }
}

type Expected = Option<std::collections::BTreeMap<ByteString, ExpectedAttributeValue>>;

fn holds(row: Option<&Item>, expected: Expected) -> Result<(), DynamoDBError> {
    let is_so = |(name, wanted): (ByteString, ExpectedAttributeValue)| {
        row.and_then(|row| row.get(&name)) == wanted.value.as_ref()
    };
    let holds = expected.unwrap_or_default().into_iter().all(is_so);
    if holds { Ok(()) } else { Err(DynamoDBError::conditional_check_failed("no")) }
}

fn add_one(row: &mut Item, name: &ByteString) {
    let before = row.get(name).and_then(|value| value.n.as_ref()?.parse::<i64>().ok());
    row.insert(name.clone(), number(before.unwrap_or_default() + 1));
}

fn key(key: &Item) -> ByteString {
    key[name::LEASE_KEY].s.clone().expect("text")
}

impl TableState {
    fn update(&mut self, input: UpdateItemInput) -> Result<(), DynamoDBError> {
        let key = key(&input.key);
        holds(self.rows.get(&key), input.expected)?;
        let row = self.rows.entry(key).or_insert(input.key);
        for (name, update) in input.attribute_updates.unwrap_or_default() {
            match (update.action, update.value) {
                (Some(AttributeAction::Add), _) => add_one(row, &name),
                (_, Some(value)) => drop(row.insert(name, value)),
                (_, None) => drop(row.remove(&name)),
            }
        }
        Ok(())
    }
}

impl DynamoDB for FakeTable {
    fn describe_table<'a>(
        &'a self,
        _: &'a Caller,
        _: DescribeTableInput,
    ) -> BoxFuture<'a, Result<DescribeTableOutput, DynamoDBError>> {
        let index = GlobalSecondaryIndexDescription {
            index_name: Some("LeaseOwnerToLeaseKeyIndex".into()),
            ..Default::default()
        };
        let table = TableDescription {
            table_status: Some(TableStatus::Active),
            global_secondary_indexes: Some(vec![index]),
            ..Default::default()
        };
        Box::pin(async { Ok(DescribeTableOutput { table: Some(table) }) })
    }

    fn get_item<'a>(
        &'a self,
        _: &'a Caller,
        input: GetItemInput,
    ) -> BoxFuture<'a, Result<GetItemOutput, DynamoDBError>> {
        let item = self.state().rows.get(&key(&input.key)).cloned();
        Box::pin(async { Ok(GetItemOutput { item, ..Default::default() }) })
    }

    fn put_item<'a>(
        &'a self,
        _: &'a Caller,
        input: PutItemInput,
    ) -> BoxFuture<'a, Result<PutItemOutput, DynamoDBError>> {
        let (mut state, key) = (self.state(), key(&input.item));
        let held = holds(state.rows.get(&key), input.expected);
        if held.is_ok() {
            state.rows.insert(key, input.item);
        }
        Box::pin(async { held.map(|()| PutItemOutput::default()) })
    }

    fn delete_item<'a>(
        &'a self,
        _: &'a Caller,
        input: DeleteItemInput,
    ) -> BoxFuture<'a, Result<DeleteItemOutput, DynamoDBError>> {
        self.state().rows.remove(&key(&input.key));
        Box::pin(async { Ok(DeleteItemOutput::default()) })
    }

    fn scan<'a>(&'a self, _: &'a Caller, _: ScanInput) -> BoxFuture<'a, Result<ScanOutput, DynamoDBError>> {
        let delay = std::mem::take(&mut self.state().scan_delay);
        Box::pin(async move {
            sleep(delay).await;
            let items = Some(self.state().rows.values().cloned().collect());
            Ok(ScanOutput { items, ..Default::default() })
        })
    }

    fn update_item<'a>(
        &'a self,
        _: &'a Caller,
        input: UpdateItemInput,
    ) -> BoxFuture<'a, Result<UpdateItemOutput, DynamoDBError>> {
        let delay = self.state().update_delay;
        Box::pin(async move {
            sleep(delay).await;
            self.state().update(input).map(|()| UpdateItemOutput::default())
        })
    }

    refuse! { DynamoDBError::internal_server_error;
        batch_get_item BatchGetItemInput BatchGetItemOutput;
        batch_write_item BatchWriteItemInput BatchWriteItemOutput;
        create_table CreateTableInput CreateTableOutput;
        delete_table DeleteTableInput DeleteTableOutput;
        describe_continuous_backups DescribeContinuousBackupsInput DescribeContinuousBackupsOutput;
        describe_time_to_live DescribeTimeToLiveInput DescribeTimeToLiveOutput;
        list_tables ListTablesInput ListTablesOutput;
        list_tags_of_resource ListTagsOfResourceInput ListTagsOfResourceOutput;
        query QueryInput QueryOutput;
        tag_resource TagResourceInput TagResourceOutput;
        transact_write_items TransactWriteItemsInput TransactWriteItemsOutput;
        untag_resource UntagResourceInput UntagResourceOutput;
        update_continuous_backups UpdateContinuousBackupsInput UpdateContinuousBackupsOutput;
        update_table UpdateTableInput UpdateTableOutput;
        update_time_to_live UpdateTimeToLiveInput UpdateTimeToLiveOutput;
    }
}

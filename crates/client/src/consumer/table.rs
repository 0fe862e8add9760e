//! The lease table: the requests that KCL 3 makes of DynamoDB, each conditional on what the writer has seen.

use std::sync::Arc;
use std::time::Duration;

use api::dynamodb::{
    AttributeAction, AttributeDefinition, AttributeValueUpdate, BillingMode, CreateGlobalSecondaryIndexAction,
    CreateTableInput, DeleteItemInput, DescribeTableInput, DynamoDB, DynamoDBError, ExpectedAttributeValue,
    GetItemInput, GlobalSecondaryIndexUpdate, KeySchemaElement, KeyType, Projection, ProjectionType, PutItemInput,
    ScalarAttributeType, ScanInput, TableDescription, TableStatus, UpdateItemInput, UpdateTableInput,
};
use base::ByteString;
use base::caller::Caller;
use base::time::{Clock as _, SystemClock};
use tokio::time::sleep;

use super::lease::{Checkpoint, Item, Lease, name, number, set, text};

const OWNER_INDEX: ByteString = ByteString::from_static("LeaseOwnerToLeaseKeyIndex");
/// How often, and how many times, a table that is being made is looked at.
const WAIT: Duration = Duration::from_millis(500);
const WAITS_MAX: u32 = 1200;
/// Pages of 1 MiB.
const SCAN_PAGES_MAX: u32 = 1000;
/// What KCL 3.5 writes into its workers' rows: it can keep all of its rows in the lease table.
const SUPPORT_CODE: u32 = 1;

#[derive(Clone)]
pub(super) struct LeaseTable {
    pub dynamodb: Arc<dyn DynamoDB>,
    pub caller: Caller,
    pub name: ByteString,
}

/// A change of one row, and what must hold for it.
#[derive(Default)]
struct Change {
    expected: std::collections::BTreeMap<ByteString, ExpectedAttributeValue>,
    updates: std::collections::BTreeMap<ByteString, AttributeValueUpdate>,
}

impl Change {
    /// The value that an attribute has, or that it is absent.
    fn expect(mut self, name: &'static str, value: Option<api::dynamodb::AttributeValue>) -> Self {
        let exists = if value.is_some() { None } else { Some(false) };
        self.expected.insert(name.into(), ExpectedAttributeValue { value, exists, ..Default::default() });
        self
    }

    fn expect_owners(self, lease: &Lease) -> Self {
        self.expect(name::LEASE_OWNER, lease.owner.clone().map(text))
            .expect(name::CHECKPOINT_OWNER, lease.checkpoint_owner.clone().map(text))
            .expect(name::LEASE_KEY, Some(text(lease.key.clone())))
    }

    fn put(self, name: &'static str, value: api::dynamodb::AttributeValue) -> Self {
        self.update(name, AttributeAction::Put, Some(value))
    }

    fn add_one(self, name: &'static str) -> Self {
        self.update(name, AttributeAction::Add, Some(number(1)))
    }

    fn delete(self, name: &'static str) -> Self {
        self.update(name, AttributeAction::Delete, None)
    }

    fn update(
        mut self,
        name: &'static str,
        action: AttributeAction,
        value: Option<api::dynamodb::AttributeValue>,
    ) -> Self {
        self.updates.insert(name.into(), AttributeValueUpdate { value, action: Some(action) });
        self
    }
}

/// Whether a condition held; other errors stay errors.
fn held<T>(result: Result<T, DynamoDBError>) -> Result<bool, DynamoDBError> {
    match result {
        Ok(_) => Ok(true),
        Err(DynamoDBError::ConditionalCheckFailedException(_)) => Ok(false),
        Err(error) => Err(error),
    }
}

impl LeaseTable {
    /// Makes the table and its index, unless they are there, and waits until they can be used.
    pub(super) async fn ensure(&self) -> Result<(), DynamoDBError> {
        for _ in 0..WAITS_MAX {
            match self.describe().await {
                Ok(table) if !is_usable(&table) => {}
                Ok(table) if has_index(&table) => return Ok(()),
                Ok(_) => made(self.dynamodb.update_table(&self.caller, self.index()).await)?,
                Err(DynamoDBError::ResourceNotFoundException(_)) => {
                    made(self.dynamodb.create_table(&self.caller, self.definition()).await)?;
                }
                Err(error) => return Err(error),
            }
            sleep(WAIT).await;
        }
        Err(DynamoDBError::internal_server_error(format!("table {} does not become usable", self.name)))
    }

    async fn describe(&self) -> Result<TableDescription, DynamoDBError> {
        let input = DescribeTableInput { table_name: self.name.clone() };
        Ok(self.dynamodb.describe_table(&self.caller, input).await?.table.unwrap_or_default())
    }

    fn definition(&self) -> CreateTableInput {
        CreateTableInput {
            table_name: self.name.clone(),
            attribute_definitions: Some(vec![string_attribute(name::LEASE_KEY)]),
            key_schema: Some(vec![key(name::LEASE_KEY, KeyType::Hash)]),
            billing_mode: Some(BillingMode::PayPerRequest),
            ..Default::default()
        }
    }

    /// Leases by their owner: KCL's workers find by it what they have been assigned.
    fn index(&self) -> UpdateTableInput {
        let create = CreateGlobalSecondaryIndexAction {
            index_name: OWNER_INDEX,
            key_schema: vec![key(name::LEASE_OWNER, KeyType::Hash), key(name::LEASE_KEY, KeyType::Range)],
            projection: Projection { projection_type: Some(ProjectionType::KeysOnly), ..Default::default() },
            ..Default::default()
        };
        UpdateTableInput {
            table_name: self.name.clone(),
            attribute_definitions: Some(vec![string_attribute(name::LEASE_OWNER), string_attribute(name::LEASE_KEY)]),
            global_secondary_index_updates: Some(vec![GlobalSecondaryIndexUpdate {
                create: Some(create),
                ..Default::default()
            }]),
            ..Default::default()
        }
    }

    /// Every row, of whatever kind.
    pub(super) async fn scan(&self) -> Result<Vec<Item>, DynamoDBError> {
        let (mut items, mut start) = (Vec::new(), None);
        for _ in 0..SCAN_PAGES_MAX {
            let input = ScanInput {
                table_name: self.name.clone(),
                exclusive_start_key: start,
                consistent_read: Some(true),
                ..Default::default()
            };
            let page = self.dynamodb.scan(&self.caller, input).await?;
            items.extend(page.items.unwrap_or_default());
            match page.last_evaluated_key {
                Some(key) => start = Some(key),
                None => return Ok(items),
            }
        }
        Err(DynamoDBError::internal_server_error(format!("table {} has too many pages", self.name)))
    }

    pub(super) async fn get(&self, key: &ByteString) -> Result<Option<Lease>, DynamoDBError> {
        let input = GetItemInput {
            table_name: self.name.clone(),
            key: row(key),
            consistent_read: Some(true),
            ..Default::default()
        };
        let output = self.dynamodb.get_item(&self.caller, input).await?;
        Ok(output.item.as_ref().and_then(Lease::read))
    }

    /// False when the row exists.
    pub(super) async fn create(&self, lease: &Lease) -> Result<bool, DynamoDBError> {
        let Change { expected, .. } = Change::default().expect(name::LEASE_KEY, None);
        let input = PutItemInput {
            table_name: self.name.clone(),
            item: lease.write_new(),
            expected: Some(expected),
            ..Default::default()
        };
        held(self.dynamodb.put_item(&self.caller, input).await)
    }

    pub(super) async fn delete(&self, key: &ByteString) -> Result<(), DynamoDBError> {
        let input = DeleteItemInput { table_name: self.name.clone(), key: row(key), ..Default::default() };
        self.dynamodb.delete_item(&self.caller, input).await.map(drop)
    }

    /// Says that the owner is alive; counts up in `lease` too. While the lease is handed over its row has a
    /// checkpoint owner, which `lease` must know. False when the row has changed.
    pub(super) async fn renew(&self, lease: &mut Lease, throughput_kbps: f64) -> Result<bool, DynamoDBError> {
        let change = Change::default()
            .expect(name::LEASE_COUNTER, Some(number(lease.counter)))
            .expect(name::CHECKPOINT_OWNER, lease.checkpoint_owner.clone().map(text))
            .put(name::LEASE_COUNTER, number(lease.counter + 1))
            .put(name::THROUGHPUT, number(throughput_kbps));
        let is_held = self.update(&lease.key, change).await?;
        lease.counter += i64::from(is_held);
        Ok(is_held)
    }

    /// Makes `worker` the owner of a lease that is as it was seen: free, of a worker that is gone, or on its way.
    pub(super) async fn assign(&self, lease: &Lease, worker: &ByteString) -> Result<bool, DynamoDBError> {
        let change = Change::default()
            .expect_owners(lease)
            .expect(name::LEASE_COUNTER, Some(number(lease.counter)))
            .put(name::LEASE_OWNER, text(worker.clone()))
            .delete(name::CHECKPOINT_OWNER)
            .add_one(name::LEASE_COUNTER)
            .add_one(name::OWNER_SWITCHES);
        self.update(&lease.key, change).await
    }

    /// Asks the owner to hand its lease over to `worker`: it goes on until it has checkpointed.
    pub(super) async fn ask_for(&self, lease: &Lease, worker: &ByteString) -> Result<bool, DynamoDBError> {
        let Some(owner) = lease.owner.clone() else { return Ok(false) };
        let change = Change::default()
            .expect_owners(lease)
            .put(name::LEASE_OWNER, text(worker.clone()))
            .put(name::CHECKPOINT_OWNER, text(owner));
        self.update(&lease.key, change).await
    }

    /// Gives a lease up: to the worker that has asked for it, else to whoever comes first.
    pub(super) async fn release(&self, lease: &Lease) -> Result<bool, DynamoDBError> {
        let change = Change::default().expect_owners(lease).add_one(name::LEASE_COUNTER);
        let change = match lease.checkpoint_owner {
            Some(_) => change.delete(name::CHECKPOINT_OWNER).add_one(name::OWNER_SWITCHES),
            None => change.delete(name::LEASE_OWNER),
        };
        self.update(&lease.key, change).await
    }

    /// Takes back what [`Self::ask_for`] wrote: the lease stays with `owner`.
    pub(super) async fn withdraw(&self, lease: &Lease, owner: &ByteString) -> Result<bool, DynamoDBError> {
        let change = Change::default()
            .expect_owners(lease)
            .put(name::LEASE_OWNER, text(owner.clone()))
            .delete(name::CHECKPOINT_OWNER);
        self.update(&lease.key, change).await
    }

    /// Writes how far the shard is processed; counts up in `lease` too. False when somebody else has the lease.
    pub(super) async fn checkpoint(&self, lease: &mut Lease, to: Checkpoint) -> Result<bool, DynamoDBError> {
        let mut change = Change::default()
            .expect(name::LEASE_COUNTER, Some(number(lease.counter)))
            .put(name::LEASE_COUNTER, number(lease.counter + 1))
            .put(name::CHECKPOINT, text(to.sequence.clone()))
            .put(name::SUB_SEQUENCE, number(to.sub_sequence))
            .put(name::OWNER_SWITCHES, number(0));
        for pending in name::PENDING {
            change = change.delete(pending);
        }
        let is_held = self.update(&lease.key, change).await?;
        if is_held {
            lease.counter += 1;
            lease.checkpoint = to;
        }
        Ok(is_held)
    }

    /// Notes the children of a shard that has ended.
    pub(super) async fn set_children(
        &self,
        key: &ByteString,
        children: Vec<ByteString>,
    ) -> Result<bool, DynamoDBError> {
        let change =
            Change::default().expect(name::LEASE_KEY, Some(text(key.clone()))).put(name::CHILDREN, set(children));
        self.update(key, change).await
    }

    /// The row by which KCL's leader knows a worker that it may assign leases to. Without metrics of the machine the
    /// leader goes by the throughput of the leases.
    pub(super) async fn report_worker(&self, worker: &ByteString) -> Result<(), DynamoDBError> {
        let now = number(SystemClock.now().seconds());
        let empty = || api::dynamodb::AttributeValue { m: Some(Item::new()), ..Default::default() };
        let change = Change::default()
            .put(name::ENTITY_TYPE, text("WORKER_METRIC_STATS"))
            .put("lut", now.clone())
            .put("slu", now)
            .put("sup", number(SUPPORT_CODE))
            .put("sts", empty())
            .put("opr", empty());
        self.update(worker, change).await.map(drop)
    }

    async fn update(&self, key: &ByteString, change: Change) -> Result<bool, DynamoDBError> {
        let input = UpdateItemInput {
            table_name: self.name.clone(),
            key: row(key),
            expected: Some(change.expected).filter(|expected| !expected.is_empty()),
            attribute_updates: Some(change.updates),
            ..Default::default()
        };
        held(self.dynamodb.update_item(&self.caller, input).await)
    }
}

fn row(key: &ByteString) -> Item {
    Item::from([(name::LEASE_KEY.into(), text(key.clone()))])
}

/// Another worker may make the same at the same time.
fn made<T>(result: Result<T, DynamoDBError>) -> Result<(), DynamoDBError> {
    match result {
        Ok(_) | Err(DynamoDBError::ResourceInUseException(_) | DynamoDBError::LimitExceededException(_)) => Ok(()),
        // The index was made between two looks.
        Err(DynamoDBError::ValidationException(error))
            if error.message.as_ref().is_some_and(|text| text.contains("already exists")) =>
        {
            Ok(())
        }
        Err(error) => Err(error),
    }
}

fn is_usable(table: &TableDescription) -> bool {
    matches!(table.table_status, Some(TableStatus::Active | TableStatus::Updating))
}

fn has_index(table: &TableDescription) -> bool {
    let indexes = table.global_secondary_indexes.iter().flatten();
    indexes.filter_map(|index| index.index_name.as_ref()).any(|name| *name == OWNER_INDEX)
}

fn string_attribute(name: &'static str) -> AttributeDefinition {
    AttributeDefinition { attribute_name: name.into(), attribute_type: ScalarAttributeType::S }
}

fn key(name: &'static str, kind: KeyType) -> KeySchemaElement {
    KeySchemaElement { attribute_name: name.into(), key_type: kind }
}

//! When the catalog does not do what it should.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use base::BoxFuture;
use base::time::ManualClock;
use serde_json::json;
use store::catalog::{Catalog, CatalogError, Row, SharedCatalog, Transaction};
use store::memory::MemoryCatalog;
use tables::TablesSettings;
use tokio::sync::watch;

use crate::world::{START, World};

/// Refuses values that are larger than the space that is left, or commits and says that it has failed.
struct Troubled {
    inner: MemoryCatalog,
    value_bytes_max: AtomicUsize,
    is_doubtful: AtomicBool,
}

impl Troubled {
    fn new(value_bytes_max: usize) -> Arc<Self> {
        let (value_bytes_max, is_doubtful) = (AtomicUsize::new(value_bytes_max), AtomicBool::new(false));
        Arc::new(Self { inner: MemoryCatalog::new(), value_bytes_max, is_doubtful })
    }
}

impl Catalog for Troubled {
    fn get<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<Row>, CatalogError>> {
        self.inner.get(key)
    }

    fn scan<'a>(
        &'a self,
        prefix: &'a str,
        after: Option<&'a str>,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<(String, Row)>, CatalogError>> {
        self.inner.scan(prefix, after, limit)
    }

    fn commit(&self, transaction: Transaction) -> BoxFuture<'_, Result<u64, CatalogError>> {
        let max = self.value_bytes_max.load(Ordering::SeqCst);
        let fits = transaction.writes.iter().all(|write| match write {
            store::catalog::Write::Put { value, .. } => value.len() <= max,
            _ => true,
        });
        Box::pin(async move {
            // Others come meanwhile, and join the next group.
            tokio::task::yield_now().await;
            if !fits {
                return Err(CatalogError::Full("no space".to_owned()));
            }
            let version = self.inner.commit(transaction).await?;
            let is_doubtful = self.is_doubtful.load(Ordering::SeqCst);
            if is_doubtful { Err(CatalogError::Failed("who knows".to_owned())) } else { Ok(version) }
        })
    }

    fn watch(&self) -> watch::Receiver<u64> {
        self.inner.watch()
    }
}

#[tokio::test]
async fn what_does_not_fit_takes_nothing_else_with_it() {
    let catalog = Troubled::new(1000);
    let clock = Arc::new(ManualClock::new(START));
    let world = World::on(Arc::clone(&catalog) as SharedCatalog, clock, TablesSettings::default()).await;
    world.create("things").await;
    let writes = (0..40).map(|n| {
        let world = world.clone();
        let bytes = if n % 10 == 3 { 2000 } else { 10 };
        let item = json!({"id": {"S": n.to_string()}, "v": {"S": "x".repeat(bytes)}});
        async move { world.call("PutItem", json!({"TableName": "things", "Item": item})).await }
    });
    let answers = futures_util::future::join_all(writes).await;
    for (n, answer) in answers.into_iter().enumerate() {
        if n % 10 == 3 {
            let refused = answer.expect_err("does not fit");
            assert_eq!((refused.code.as_str(), refused.message.as_str()), {
                ("InternalServerError", "Internal server error: the disk is full")
            });
        } else {
            answer.expect("fits");
        }
    }
    assert_eq!(world.ok("Scan", json!({"TableName": "things"})).await["Count"], 36);
    let memory = world.tables.memory();
    let world = world.restart().await;
    assert_eq!((world.ok("Scan", json!({"TableName": "things"})).await["Count"].as_i64(), world.tables.memory()), {
        (Some(36), memory)
    });
    // When there is space again, everything goes on.
    catalog.value_bytes_max.store(usize::MAX, Ordering::SeqCst);
    world.put("things", json!({"id": "big", "v": "x".repeat(2000)})).await;
}

#[tokio::test]
async fn what_may_have_been_written_is_not_written_again() {
    let catalog = Troubled::new(usize::MAX);
    let clock = Arc::new(ManualClock::new(START));
    let world = World::on(Arc::clone(&catalog) as SharedCatalog, clock, TablesSettings::default()).await;
    world.create("things").await;
    catalog.is_doubtful.store(true, Ordering::SeqCst);
    let increments = (0..5).map(|_| {
        let world = world.clone();
        let input = json!({
            "TableName": "things", "Key": {"id": {"S": "a"}}, "UpdateExpression": "ADD n :one",
            "ExpressionAttributeValues": {":one": {"N": "1"}},
        });
        async move { world.call("UpdateItem", input).await }
    });
    for answer in futures_util::future::join_all(increments).await {
        assert_eq!(answer.expect_err("nobody knows").code, "InternalServerError");
    }
    catalog.is_doubtful.store(false, Ordering::SeqCst);
    let key = json!({"TableName": "things", "Key": {"id": {"S": "a"}}});
    assert_eq!(world.ok("GetItem", key.clone()).await["Item"]["n"]["N"], "5", "each once, and memory knows it");
    assert_eq!(world.restart().await.ok("GetItem", key).await["Item"]["n"]["N"], "5");
}

#[tokio::test]
async fn few_bytes_do_not_become_many() {
    let world = World::new().await;
    world.create("things").await;
    let nulls: Vec<_> = (0..20_000).map(|_| json!({"NULL": true})).collect();
    let filter = vec!["a = :v"; 300].join(" OR ");
    let input = json!({
        "TableName": "things", "FilterExpression": filter, "ExpressionAttributeValues": {":v": {"L": nulls}},
    });
    let refused = world.call("Scan", input).await.expect_err("six million values");
    assert_eq!(refused.code, "ValidationException");
    assert_eq!(
        refused.message,
        "Invalid FilterExpression: Size of the values in expressions has exceeded the maximum allowed size;"
    );
}

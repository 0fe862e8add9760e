//! When the catalog does not do what it should.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use base::BoxFuture;
use base::time::ManualClock;
use serde_json::json;
use store::catalog::{Catalog, CatalogError, Row, SharedCatalog, Transaction};
use store::memory::MemoryCatalog;
use tables::TablesSettings;
use tokio::sync::watch;

use crate::world::{START, World};

/// Refuses values that are larger than the space that is left.
struct Small {
    inner: MemoryCatalog,
    value_bytes_max: AtomicUsize,
}

impl Catalog for Small {
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
            if fits { self.inner.commit(transaction).await } else { Err(CatalogError::Full("no space".to_owned())) }
        })
    }

    fn watch(&self) -> watch::Receiver<u64> {
        self.inner.watch()
    }
}

#[tokio::test]
async fn what_does_not_fit_takes_nothing_else_with_it() {
    let catalog = Arc::new(Small { inner: MemoryCatalog::new(), value_bytes_max: AtomicUsize::new(1000) });
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

//! What every [`Catalog`] must do.

use std::sync::Arc;

use base::Bytes;

use crate::catalog::{Catalog, CatalogError, Expect, SharedCatalog, Transaction};

/// Runs every check, each on a fresh, empty engine.
pub async fn check_all(make: impl Fn() -> SharedCatalog) {
    reads_what_was_written(&*make()).await;
    conditions_hold_or_nothing_happens(&*make()).await;
    scans_in_key_order(&*make()).await;
    deletes_by_prefix(&*make()).await;
    watch_follows_commits(&*make()).await;
    one_of_many_writers_wins(make()).await;
}

async fn reads_what_was_written(catalog: &dyn Catalog) {
    assert_eq!(catalog.get("a").await, Ok(None));
    let first = catalog.commit(Transaction::new().put("a", "1").put("b", vec![0, 255])).await.expect("commit");
    let second = catalog.commit(Transaction::new().put("a", "2")).await.expect("commit");
    assert!(second > first, "versions rise: {first} {second}");
    let row = catalog.get("a").await.expect("get").expect("present");
    assert_eq!((row.value, row.version), (Bytes::from("2"), second));
    let row = catalog.get("b").await.expect("get").expect("present");
    assert_eq!((row.value, row.version), (Bytes::from(vec![0, 255]), first));
    catalog.commit(Transaction::new().delete("a").delete("never was")).await.expect("commit");
    assert_eq!(catalog.get("a").await, Ok(None));
}

async fn conditions_hold_or_nothing_happens(catalog: &dyn Catalog) {
    let version = catalog.commit(Transaction::new().expect("k", Expect::Absent).put("k", "1")).await.expect("commit");
    for stale in [Expect::Absent, Expect::Version(version + 1)] {
        let refused = catalog
            .commit(Transaction::new().expect("other", Expect::Absent).expect("k", stale).put("k", "x").put("z", "x"))
            .await;
        assert_eq!(refused, Err(CatalogError::Conflict { key: "k".to_owned() }));
    }
    assert_eq!(catalog.get("z").await, Ok(None));
    catalog.commit(Transaction::new().expect("k", Expect::Version(version)).delete("k")).await.expect("commit");
    let refused = catalog.commit(Transaction::new().expect("k", Expect::Version(version)).put("k", "x")).await;
    assert_eq!(refused, Err(CatalogError::Conflict { key: "k".to_owned() }));
}

async fn scans_in_key_order(catalog: &dyn Catalog) {
    let keys = ["p/a", "p/a/b", "p/b", "p/é", "p", "q", "o/z"];
    let write = keys.iter().fold(Transaction::new(), |t, key| t.put(*key, key.as_bytes().to_vec()));
    catalog.commit(write).await.expect("commit");
    let scan = async |prefix: &str, after: Option<&str>, limit: usize| -> Vec<String> {
        catalog.scan(prefix, after, limit).await.expect("scan").into_iter().map(|(key, _)| key).collect()
    };
    assert_eq!(scan("p/", None, 10).await, ["p/a", "p/a/b", "p/b", "p/é"]);
    assert_eq!(scan("p/", None, 2).await, ["p/a", "p/a/b"]);
    assert_eq!(scan("p/", Some("p/a/b"), 10).await, ["p/b", "p/é"]);
    assert_eq!(scan("p/", Some("p/aa"), 1).await, ["p/b"]);
    assert_eq!(scan("p/", Some("a"), 1).await, ["p/a"]);
    assert_eq!(scan("", None, 100).await.len(), keys.len());
    assert!(scan("none", None, 10).await.is_empty());
    assert!(scan("p/", Some("q"), 10).await.is_empty());
}

async fn deletes_by_prefix(catalog: &dyn Catalog) {
    let write = Transaction::new().put("s/1/a", "").put("s/1/b", "").put("s/10", "").put("s/1%", "").put("s/1_x", "");
    catalog.commit(write).await.expect("commit");
    catalog.commit(Transaction::new().delete_prefix("s/1/")).await.expect("commit");
    let left = catalog.scan("s/", None, 10).await.expect("scan");
    assert_eq!(left.into_iter().map(|(key, _)| key).collect::<Vec<_>>(), ["s/1%", "s/10", "s/1_x"]);
}

async fn watch_follows_commits(catalog: &dyn Catalog) {
    let mut watch = catalog.watch();
    let version = catalog.commit(Transaction::new().put("a", "1")).await.expect("commit");
    watch.changed().await.expect("the catalog lives");
    assert_eq!(*watch.borrow_and_update(), version);
}

async fn one_of_many_writers_wins(catalog: SharedCatalog) {
    let mut tasks = Vec::new();
    for writer in 0..8u8 {
        let catalog = Arc::clone(&catalog);
        tasks.push(tokio::spawn(async move { add_ones(&*catalog, writer).await }));
    }
    for task in tasks {
        task.await.expect("writer");
    }
    let total = catalog.get("total").await.expect("get").expect("present");
    assert_eq!(total.value.len(), 8 * 20, "every increment happened once");
}

/// Appends one byte to a shared value, 20 times, by compare-and-set.
async fn add_ones(catalog: &dyn Catalog, writer: u8) {
    for _ in 0..20 {
        loop {
            let row = catalog.get("total").await.expect("get");
            let expect = row.as_ref().map_or(Expect::Absent, |row| Expect::Version(row.version));
            let mut value = row.map(|row| row.value.to_vec()).unwrap_or_default();
            value.push(writer);
            match catalog.commit(Transaction::new().expect("total", expect).put("total", value)).await {
                Ok(_) => break,
                Err(CatalogError::Conflict { .. }) => tokio::task::yield_now().await,
                Err(error) => panic!("{error}"),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::MemoryCatalog;

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn memory_engine() {
        check_all(|| Arc::new(MemoryCatalog::new())).await;
    }
}

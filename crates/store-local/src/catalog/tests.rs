use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use store::catalog::Expect;

use super::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keeps_the_contract() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let next = AtomicU32::new(0);
    let make = || -> store::catalog::SharedCatalog {
        let path = dir.path().join(format!("{}.db", next.fetch_add(1, Ordering::Relaxed)));
        Arc::new(SqliteCatalog::open(&path).expect("opens"))
    };
    store::contract::catalog::check_all(make).await;
}

#[tokio::test]
async fn survives_a_restart() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let path = dir.path().join("catalog.db");
    let version = {
        let catalog = SqliteCatalog::open(&path).expect("opens");
        catalog.commit(Transaction::new().put("a", "1")).await.expect("commit");
        catalog.commit(Transaction::new().put("a", "2").put("b", "")).await.expect("commit")
    };
    let mode = std::fs::metadata(&path).expect("exists").permissions().mode();
    assert_eq!(mode & 0o777, 0o600, "for its owner only");
    let catalog = SqliteCatalog::open(&path).expect("opens");
    assert_eq!(*catalog.watch().borrow(), version);
    let row = catalog.get("a").await.expect("get").expect("present");
    assert_eq!((&row.value[..], row.version), (&b"2"[..], version));
    let next = catalog.commit(Transaction::new().expect("a", Expect::Version(version)).delete("a")).await;
    assert!(next.expect("commit") > version, "versions go on");
}

/// As on a full disk: the file of the index beside the database cannot be made.
#[tokio::test]
async fn opens_without_room_for_its_side_files() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let path = dir.path().join("catalog.db");
    let catalog = SqliteCatalog::open(&path).expect("opens");
    catalog.commit(Transaction::new().put("a", "1")).await.expect("commit");
    drop(catalog);
    let index = dir.path().join("catalog.db-shm");
    for _ in 0..200 {
        // The threads close the file when they notice that the catalog is gone.
        if !index.exists() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    // SQLite does not follow links there.
    std::os::unix::fs::symlink("nowhere", &index).expect("nothing in its place");
    let catalog = SqliteCatalog::open(&path).expect("opens");
    catalog.commit(Transaction::new().put("b", "2")).await.expect("commit");
    let rows = catalog.scan("", None, 10).await.expect("the reader sees what the writer has committed");
    assert_eq!(rows.iter().map(|(key, _)| key.as_str()).collect::<Vec<_>>(), ["a", "b"]);
}

#[tokio::test]
async fn a_full_file_says_so_and_recovers() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let catalog = SqliteCatalog::open_limited(&dir.path().join("catalog.db"), 32).expect("opens");
    catalog.commit(Transaction::new().put("small", "1")).await.expect("commit");
    let big = catalog.commit(Transaction::new().put("small", "2").put("big", vec![7; 1 << 20])).await;
    assert!(matches!(big, Err(CatalogError::Full(_))), "{big:?}");
    let row = catalog.get("small").await.expect("get").expect("present");
    assert_eq!(&row.value[..], b"1", "nothing half done");
    catalog.commit(Transaction::new().put("small", "3")).await.expect("there is room for small ones");
}

#[tokio::test]
async fn commits_of_another_process_are_noticed() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let path = dir.path().join("catalog.db");
    let (ours, theirs) = (SqliteCatalog::open(&path).expect("opens"), SqliteCatalog::open(&path).expect("opens"));
    let mut watch = ours.watch();
    let version = theirs.commit(Transaction::new().put("a", "1")).await.expect("commit");
    tokio::time::timeout(Duration::from_secs(10), watch.changed()).await.expect("noticed").expect("lives");
    assert_eq!(*watch.borrow(), version);
    assert!(ours.get("a").await.expect("get").is_some());
    assert!(ours.commit(Transaction::new().put("b", "1")).await.expect("commit") > version);
}

#[test]
fn other_files_are_refused() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let path = dir.path().join("catalog.db");
    std::fs::write(&path, vec![b'x'; 8192]).expect("write");
    let error = SqliteCatalog::open(&path).expect_err("no catalog");
    assert!(error.to_string().contains("catalog.db"), "{error}");
    std::fs::remove_file(&path).expect("remove");
    drop(SqliteCatalog::open(&path).expect("opens"));
    let newer = rusqlite::Connection::open(&path).expect("opens");
    newer.pragma_update(None, "user_version", 9).expect("update");
    drop(newer);
    let error = SqliteCatalog::open(&path).expect_err("too new");
    assert!(error.reason.contains("format version 9"), "{error}");
}

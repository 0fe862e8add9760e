use std::os::unix::fs::{FileExt, PermissionsExt};
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

#[tokio::test]
async fn after_a_flush_that_failed_elsewhere_nothing_is_committed() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let path = dir.path().join("catalog.db");
    let catalog = SqliteCatalog::open(&path).expect("opens");
    let version = catalog.commit(Transaction::new().put("a", "1")).await.expect("commit");
    catalog.failure_latch().set("flush of a journal".to_owned());
    let error = catalog.commit(Transaction::new().put("a", "2")).await.expect_err("refused");
    assert!(matches!(&error, CatalogError::Failed(text) if text.contains("flush of a journal")), "{error}");
    assert_eq!(*catalog.watch().borrow(), version);
    assert_eq!(&catalog.get("a").await.expect("reads go on").expect("present").value[..], b"1");
    drop(catalog);
    let catalog = SqliteCatalog::open(&path).expect("opens");
    catalog.commit(Transaction::new().put("a", "2")).await.expect("a restart helps");
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

/// Closes a catalog and waits until its threads have let go of the file.
async fn close(catalog: SqliteCatalog, path: &Path) {
    drop(catalog);
    let log = path.with_extension("db-wal");
    for _ in 0..500 {
        if !log.exists() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{} is still there", log.display());
}

async fn filled(path: &Path) -> SqliteCatalog {
    let catalog = SqliteCatalog::open(path).expect("opens");
    for i in 0..40 {
        let row = Transaction::new().put(format!("rows/{i:02}"), vec![i; 300]);
        catalog.commit(row.put("last", vec![i])).await.expect("commit");
    }
    catalog.commit(Transaction::new().delete("rows/07").delete_prefix("rows/1")).await.expect("commit");
    catalog
}

/// The error of opening, or the error of reading; `None` when every row is as it was committed.
async fn first_error(path: &Path) -> Option<String> {
    let catalog = match SqliteCatalog::open(path) {
        Ok(catalog) => catalog,
        Err(error) => return Some(error.to_string()),
    };
    let rows = match catalog.scan("", None, 100).await {
        Ok(rows) => rows,
        Err(error) => return Some(error.to_string()),
    };
    assert_eq!(rows.len(), 30, "a row is missing, and nobody says so");
    for (key, row) in rows {
        let number = key.strip_prefix("rows/").map_or(39, |number| number.parse().expect("a number"));
        let expected = if key == "last" { vec![number] } else { vec![number; 300] };
        assert_eq!(&row.value[..], expected, "{key} has changed, and nobody says so");
    }
    None
}

#[tokio::test]
async fn no_flipped_bit_goes_unnoticed() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let path = dir.path().join("catalog.db");
    close(filled(&path).await, &path).await;
    let (good, commit) = (std::fs::read(&path).expect("read"), std::fs::read(witness::path_of(&path)).expect("read"));
    let mut noticed = 0;
    for i in (0..good.len()).step_by(61) {
        let mut flipped = good.clone();
        flipped[i] ^= 1 << (i % 8);
        let copy = tempfile::tempdir().expect("temporary directory");
        let copied = copy.path().join("catalog.db");
        std::fs::write(&copied, flipped).expect("write");
        std::fs::write(witness::path_of(&copied), &commit).expect("write");
        if let Some(error) = first_error(&copied).await {
            assert!(error.contains("catalog.db"), "byte {i}: {error}");
            noticed += 1;
        }
    }
    assert!(noticed > 100, "only {noticed} were noticed: does the file hold the rows?");
}

/// SQLite ends its write-ahead log at the first broken frame, without a word.
#[tokio::test]
async fn commits_that_have_vanished_are_missed() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let path = dir.path().join("catalog.db");
    let catalog = filled(&path).await;
    // As after kill -9: the commits are in the write-ahead log alone.
    let files = ["catalog.db", "catalog.db-wal", "catalog.commit"];
    let copy_all = || {
        let copy = tempfile::tempdir().expect("temporary directory");
        for name in files {
            std::fs::copy(dir.path().join(name), copy.path().join(name)).expect("copy");
        }
        copy
    };
    let copy = copy_all();
    assert_eq!(first_error(&copy.path().join(files[0])).await, None);
    let whole = std::fs::metadata(dir.path().join(files[1])).expect("exists").len();
    for at in [40, whole / 3, whole / 2, whole - 5000] {
        let copy = copy_all();
        let log = std::fs::OpenOptions::new().read(true).write(true).open(copy.path().join(files[1])).expect("open");
        let mut byte = [0];
        log.read_exact_at(&mut byte, at).expect("read");
        log.write_all_at(&[byte[0] ^ 4], at).expect("write");
        let error = first_error(&copy.path().join(files[0])).await.expect("noticed");
        assert!(error.contains("catalog.db") && error.contains("are missing"), "flip at {at}: {error}");
        let copy = copy_all();
        let log = std::fs::OpenOptions::new().write(true).open(copy.path().join(files[1])).expect("open");
        log.set_len(at).expect("cut");
        let error = first_error(&copy.path().join(files[0])).await.expect("noticed");
        assert!(error.contains("are missing"), "cut at {at}: {error}");
    }
    for (what, bytes) in [("is missing", None), ("is damaged", Some(vec![3; 1024]))] {
        let copy = copy_all();
        let commit = copy.path().join(files[2]);
        match bytes {
            None => std::fs::remove_file(commit).expect("remove"),
            Some(bytes) => std::fs::write(commit, bytes).expect("write"),
        }
        let error = first_error(&copy.path().join(files[0])).await.expect("noticed");
        assert!(error.contains("catalog.commit") && error.contains(what), "{error}");
    }
    close(catalog, &path).await;
}

#[tokio::test]
async fn reads_the_format_without_checksums() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let path = dir.path().join("catalog.db");
    let old = rusqlite::Connection::open(&path).expect("opens");
    old.execute_batch(
        "PRAGMA journal_mode = wal; PRAGMA user_version = 1;
        CREATE TABLE entries (key TEXT PRIMARY KEY, value BLOB NOT NULL, version INTEGER NOT NULL) STRICT, WITHOUT ROWID;
        CREATE TABLE commits (one INTEGER PRIMARY KEY CHECK (one = 1), version INTEGER NOT NULL) STRICT;
        INSERT INTO commits VALUES (1, 9); INSERT INTO entries VALUES ('a', x'01', 4), ('b', x'', 9);",
    )
    .expect("made");
    drop(old);
    for _ in 0..2 {
        let catalog = SqliteCatalog::open(&path).expect("opens");
        assert_eq!(*catalog.watch().borrow(), 9);
        let rows = catalog.scan("", None, 10).await.expect("scan");
        let rows: Vec<_> = rows.iter().map(|(key, row)| (key.as_str(), row.value.to_vec(), row.version)).collect();
        assert_eq!(rows, [("a", vec![1], 4), ("b", vec![], 9)]);
        close(catalog, &path).await;
    }
}

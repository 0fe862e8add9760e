//! Whatever single thing of a data directory vanishes or is spoilt: the node is fine without it, or refuses and names it.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use node::keys::Keys;
use node::{NewKey, Node};
use serde_json::json;

use crate::client::{create, ok, put, read, settings, start};

/// How a run ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Orderly,
    /// As by `kill -9`.
    Killed,
}

/// The directory of a node that has had a stream with a record, and its key.
async fn used(end: End) -> (tempfile::TempDir, NewKey) {
    let directory = tempfile::tempdir().expect("a directory");
    let node = start(directory.path(), "").await;
    let key = node.first_key().expect("a key").clone();
    create(&node, Some(&key), "s").await;
    put(&node, Some(&key), "s", "YQ==").await;
    if end == End::Killed {
        // What a process leaves that is killed now, without the locks that it would lose.
        let killed = tempfile::tempdir().expect("a directory");
        // Files that the manifest does not know may be made meanwhile, but none that it knows.
        fs::copy(directory.path().join("log.manifest"), killed.path().join("log.manifest")).expect("copied");
        copy(directory.path(), killed.path());
        node.shutdown().await;
        return (killed, key);
    }
    node.shutdown().await;
    // The threads of the catalog let go of the file a moment later.
    for _ in 0..1000 {
        if !directory.path().join("catalog.db-wal").exists() {
            return (directory, key);
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the catalog is not closed");
}

fn copy(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).expect("there") {
        let (path, name) = entry.map(|entry| (entry.path(), entry.file_name())).expect("an entry");
        if path.is_dir() {
            fs::create_dir(to.join(&name)).expect("made");
            copy(&path, &to.join(&name));
        } else if name != "catalog.db-shm" && !to.join(&name).exists() {
            // A file that is being made may get its name meanwhile.
            let _ = fs::copy(&path, to.join(&name));
        }
    }
}

async fn refusal(directory: &Path) -> String {
    match Node::start(settings(directory, "")).await {
        Err(error) => error.to_string(),
        Ok(node) => {
            let key = node.first_key().is_some();
            node.shutdown().await;
            panic!("the node started; with a new key: {key}")
        }
    }
}

#[tokio::test]
async fn without_its_catalog_nothing_starts() {
    for end in [End::Orderly, End::Killed] {
        let (directory, _) = used(end).await;
        for name in ["catalog.db", "catalog.db-wal", "catalog.db-shm"] {
            let _ = fs::remove_file(directory.path().join(name));
        }
        for _ in 0..2 {
            let words = refusal(directory.path()).await;
            assert!(words.contains("catalog.db is missing, but the log beside it has been begun"), "{end:?}: {words}");
        }
        let keys = Keys::open(&settings(directory.path(), "")).await.err().expect("refused").to_string();
        assert!(keys.contains("catalog.db is missing"), "{keys}");
        assert!(!directory.path().join("catalog.db").exists(), "nothing was made in its place");
    }
}

#[tokio::test]
async fn a_spoilt_catalog_is_named() {
    let (directory, key) = used(End::Orderly).await;
    let good = fs::read(directory.path().join("catalog.db")).expect("a catalog");
    let flipped = |at: usize| {
        let mut bytes = good.clone();
        bytes[at] ^= 0xff;
        bytes
    };
    let spoilt = [
        ("empty", Vec::new()),
        ("garbage", b"no database at all".repeat(1000)),
        ("zeros", vec![0; good.len()]),
        ("one page", good[..4096].to_vec()),
        ("half a page", good[..2048].to_vec()),
        ("without its last page", good[..good.len() - 4096].to_vec()),
        ("its magic", flipped(3)),
        ("its page size", flipped(16)),
        ("its format", flipped(63)),
        ("the type of its first page", flipped(100)),
    ];
    for (what, bytes) in spoilt {
        let spoilt = tempfile::tempdir().expect("a directory");
        copy(directory.path(), spoilt.path());
        fs::write(spoilt.path().join("catalog.db"), &bytes).expect("written");
        match Node::start(settings(spoilt.path(), "")).await {
            Err(error) => assert!(error.to_string().contains("catalog.db"), "{what}: {error}"),
            // The checksums of the rows vouch for what is served in spite of it.
            Ok(node) => {
                assert_eq!(read(&node, Some(&key), "s").await, ["YQ=="], "{what}");
                node.shutdown().await;
            }
        }
    }
}

#[tokio::test]
async fn a_catalog_that_lost_its_rows_is_not_taken_for_a_new_one() {
    let (directory, _) = used(End::Orderly).await;
    let other = tempfile::tempdir().expect("a directory");
    drop(Keys::open(&settings(other.path(), "")).await.expect("opened"));
    // What was made is there whether its threads have closed the files or not.
    for name in ["catalog.db", "catalog.db-wal", "catalog.commit"] {
        let _ = fs::remove_file(directory.path().join(name));
        let _ = fs::copy(other.path().join(name), directory.path().join(name));
    }
    let words = refusal(directory.path()).await;
    assert!(words.contains("catalog.db is empty, but the log beside it has records"), "{words}");
}

#[tokio::test]
async fn what_else_is_missing_is_named_or_not_missed() {
    let vanish = |path: &Path| if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
    for end in [End::Orderly, End::Killed] {
        for (name, named) in [
            ("log.manifest", Some("manifest")),
            ("journal", Some("journal")),
            ("journal/0000000001.journal", Some("0000000001.journal")),
            ("root.key", Some("root.key is missing")),
            ("catalog.commit", Some("catalog.commit")),
            ("segments", None),
            ("lock", None),
        ] {
            let (directory, key) = used(end).await;
            let path: PathBuf = directory.path().join(name);
            vanish(&path).unwrap_or_else(|error| panic!("{name}: {error}"));
            match named {
                Some(words) => {
                    let refused = refusal(directory.path()).await;
                    assert!(refused.contains(words), "{end:?} {name}: {refused}");
                }
                None => {
                    let node = start(directory.path(), "").await;
                    assert_eq!(read(&node, Some(&key), "s").await, ["YQ=="], "{end:?} {name}");
                    node.shutdown().await;
                }
            }
        }
    }
}

#[tokio::test]
async fn commits_that_vanish_with_the_write_ahead_log_are_missed() {
    let (directory, _) = used(End::Killed).await;
    fs::remove_file(directory.path().join("catalog.db-wal")).expect("there after a kill");
    let words = refusal(directory.path()).await;
    assert!(words.contains("catalog.db"), "{words}");
}

#[tokio::test]
async fn a_missing_segment_is_named() {
    let (directory, key) = used(End::Orderly).await;
    let segment = directory.path().join("segments/0000000000000001.segment");
    let node = start(directory.path(), "").await;
    while !segment.exists() {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    assert_eq!(read(&node, Some(&key), "s").await, ["YQ=="]);
    node.shutdown().await;
    fs::remove_file(&segment).expect("removed");
    assert!(refusal(directory.path()).await.contains("0000000000000001.segment"));
    fs::remove_dir(directory.path().join("segments")).expect("empty");
    assert!(refusal(directory.path()).await.contains("0000000000000001.segment"));
}

#[tokio::test]
async fn a_log_that_is_gone_altogether_is_missed() {
    let (directory, _) = used(End::Orderly).await;
    fs::remove_file(directory.path().join("log.manifest")).expect("removed");
    fs::remove_dir_all(directory.path().join("journal")).expect("removed");
    let words = refusal(directory.path()).await;
    assert!(words.contains("log.manifest is missing, but the catalog beside it knows of a log"), "{words}");
}

#[tokio::test]
async fn a_first_start_that_was_cut_off_is_begun_anew() {
    // What is made in a first start, in its order; and the last of it that a crash has left.
    let (whole, _) = used(End::Orderly).await;
    let manifest = fs::read(whole.path().join("log.manifest")).expect("a manifest");
    let stages: [(&str, Option<&[u8]>); 7] = [
        ("tls", None),
        ("catalog.db", Some(b"")),
        ("root.key.1.new", Some(&[1; 5])),
        ("lock", Some(b"1\n")),
        ("journal", None),
        ("segments", None),
        ("log.manifest.new", Some(&manifest[..20])),
    ];
    for last in 0..stages.len() {
        let fresh = tempfile::tempdir().expect("a directory");
        for (name, content) in &stages[..=last] {
            let path = fresh.path().join(name);
            match content {
                Some(content) => fs::write(path, content).expect("written"),
                None => fs::create_dir(path).expect("made"),
            }
        }
        let node = start(fresh.path(), "").await;
        let key = node.first_key().unwrap_or_else(|| panic!("{last}: a first start")).clone();
        ok(&node, Some(&key), "ListStreams", json!({})).await;
        node.shutdown().await;
    }
}

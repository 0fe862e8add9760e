use std::time::{Duration, Instant};

use node::keys::Keys;
use serde_json::json;

use crate::client::{call, settings, start};

#[tokio::test]
async fn requests_must_be_signed_by_a_known_key() {
    let directory = tempfile::tempdir().expect("a directory");
    let node = start(directory.path(), "").await;
    let address = node.addresses().plain;
    let (status, error) = call(address, None, "ListStreams", &json!({})).await;
    assert_eq!((status, error["__type"].as_str()), (400, Some("MissingAuthenticationTokenException")));
    let mut key = node.first_key().expect("a key").clone();
    assert_eq!(call(address, Some(&key), "ListStreams", &json!({})).await.0, 200);
    key.secret_access_key.push('x');
    let (_, error) = call(address, Some(&key), "ListStreams", &json!({})).await;
    assert_eq!(error["__type"].as_str(), Some("InvalidSignatureException"));
    node.shutdown().await;
}

#[tokio::test]
async fn a_running_node_learns_of_keys() {
    let directory = tempfile::tempdir().expect("a directory");
    let node = start(directory.path(), "").await;
    let address = node.addresses().plain;
    // Another process would do the same: open the catalog beside the node.
    let keys = Keys::open(&settings(directory.path(), "")).await.expect("opened");
    let key = keys.create(Some("222222222222".parse().expect("an account"))).await.expect("created");
    assert_eq!(keys.list().await.expect("listed").len(), 2);
    let began = Instant::now();
    while call(address, Some(&key), "ListStreams", &json!({})).await.0 != 200 {
        assert!(began.elapsed() < Duration::from_secs(20), "the key is still unknown");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    keys.delete(&key.access_key_id).await.expect("deleted");
    while call(address, Some(&key), "ListStreams", &json!({})).await.0 == 200 {
        assert!(began.elapsed() < Duration::from_secs(20), "the key is still known");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    node.shutdown().await;
}

#[tokio::test]
async fn keys_are_made_while_no_node_runs() {
    let directory = tempfile::tempdir().expect("a directory");
    let keys = Keys::open(&settings(directory.path(), "")).await.expect("opened");
    let key = keys.create(None).await.expect("created");
    drop(keys);
    let node = start(directory.path(), "").await;
    assert!(node.first_key().is_none());
    assert_eq!(call(node.addresses().plain, Some(&key), "ListStreams", &json!({})).await.0, 200);
    node.shutdown().await;
}

#[tokio::test]
async fn a_key_can_be_given() {
    let directory = tempfile::tempdir().expect("a directory");
    let given = "access-key-id = \"AKIAIOSFODNN7EXAMPLE\"\nsecret-access-key = \"s/e+c\"";
    let node = start(directory.path(), given).await;
    assert!(node.first_key().is_none());
    let key = node::NewKey {
        access_key_id: "AKIAIOSFODNN7EXAMPLE".to_owned(),
        secret_access_key: "s/e+c".to_owned(),
        account: base::ids::AccountId::zero(),
    };
    assert_eq!(call(node.addresses().plain, Some(&key), "ListStreams", &json!({})).await.0, 200);
    node.shutdown().await;
}

use http::HeaderMap;
use node::Node;
use serde_json::json;

use crate::client::{call, create, exchange, ok, put, read, start};

async fn control(node: &Node, method: &str, path: &str, body: &str) -> u16 {
    let path = format!("/_anabranch/dev/{path}");
    exchange(node.addresses().plain, method, &path, &HeaderMap::new(), body).await.0
}

#[tokio::test]
async fn dev_leaves_nothing_on_disk() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("data");
    let node = start(&path, "dev = true").await;
    create(&node, None, "s").await;
    put(&node, None, "s", "YQ==").await;
    assert_eq!(read(&node, None, "s").await, ["YQ=="]);
    assert!(!path.exists());
    node.shutdown().await;
}

#[tokio::test]
async fn reset_forgets_everything() {
    let directory = tempfile::tempdir().expect("a directory");
    let node = start(directory.path(), "dev = true").await;
    create(&node, None, "s").await;
    assert_eq!(control(&node, "POST", "reset", "").await, 200);
    assert_eq!(ok(&node, None, "ListStreams", json!({})).await["StreamNames"], json!([]));
    create(&node, None, "s").await;
    assert_eq!(read(&node, None, "s").await.len(), 0);
    node.shutdown().await;
}

#[tokio::test]
async fn the_clock_expires_what_is_old() {
    let directory = tempfile::tempdir().expect("a directory");
    let node = start(directory.path(), "dev = true").await;
    create(&node, None, "s").await;
    put(&node, None, "s", "YQ==").await;
    let input = json!({ "StreamName": "s", "ShardId": "shardId-000000000000", "ShardIteratorType": "LATEST" });
    let iterator = ok(&node, None, "GetShardIterator", input).await;
    assert_eq!(control(&node, "POST", "clock/advance", r#"{"seconds": 301}"#).await, 200);
    let input = json!({ "ShardIterator": iterator["ShardIterator"] });
    let (_, error) = call(node.addresses().plain, None, "GetRecords", &input).await;
    assert_eq!(error["__type"], "ExpiredIteratorException");
    assert_eq!(read(&node, None, "s").await.len(), 1);
    assert_eq!(control(&node, "POST", "clock/advance", r#"{"seconds": 86400}"#).await, 200);
    assert_eq!(read(&node, None, "s").await.len(), 0, "past retention");
    node.shutdown().await;
}

#[tokio::test]
async fn faults_are_injected() {
    let directory = tempfile::tempdir().expect("a directory");
    let node = start(directory.path(), "dev = true").await;
    let fault = r#"{"operation":"ListStreams","error":"LimitExceededException"}"#;
    assert_eq!(control(&node, "PUT", "faults", fault).await, 200);
    let (status, error) = call(node.addresses().plain, None, "ListStreams", &json!({})).await;
    assert_eq!((status, error["__type"].as_str()), (400, Some("LimitExceededException")));
    node.shutdown().await;
}

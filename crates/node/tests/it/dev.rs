use http::HeaderMap;
use node::Node;
use serde_json::json;

use crate::client::{call, create, exchange, get, ok, put, read, start, stream, subscribe};

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
async fn reset_ends_subscriptions() {
    let directory = tempfile::tempdir().expect("a directory");
    let node = start(directory.path(), "dev = true").await;
    // More streams than may be deleted in a second; what is reset is not held up by that.
    for n in 0..30 {
        let (status, error) = call(node.addresses().plain, None, "CreateStream", &stream(&format!("s{n}"))).await;
        assert!(status == 200 || error["__type"] == "LimitExceededException", "{error}");
    }
    let subscription = subscribed(&node, "s0").await;
    assert_eq!(control(&node, "POST", "reset", "").await, 200);
    ended_cleanly(&subscription.await.expect("ended"));
    assert_eq!(ok(&node, None, "ListStreams", json!({})).await["StreamNames"], json!([]));
    node.shutdown().await;
}

#[tokio::test]
async fn shutdown_ends_subscriptions() {
    let directory = tempfile::tempdir().expect("a directory");
    let node = start(directory.path(), "dev = true\ndrain = \"60s\"").await;
    create(&node, None, "s").await;
    let subscription = subscribed(&node, "s").await;
    let shutdown = node.shutdown();
    tokio::time::timeout(std::time::Duration::from_secs(20), shutdown).await.expect("does not wait for subscribers");
    ended_cleanly(&subscription.await.expect("ended"));
}

/// A subscription to the first shard of a stream that runs; answers all that it has sent when it has ended.
async fn subscribed(node: &Node, name: &str) -> tokio::task::JoinHandle<String> {
    let summary = ok(node, None, "DescribeStreamSummary", json!({ "StreamName": name })).await;
    let arn = &summary["StreamDescriptionSummary"]["StreamARN"];
    let consumer = json!({ "StreamARN": arn, "ConsumerName": "c" });
    let consumer = ok(node, None, "RegisterStreamConsumer", consumer).await;
    let input = json!({
        "ConsumerARN": consumer["Consumer"]["ConsumerARN"],
        "ShardId": "shardId-000000000000",
        "StartingPosition": { "Type": "LATEST" },
    });
    let address = node.addresses().plain;
    let subscription = tokio::spawn(async move { subscribe(address, &input).await });
    while !get(address, "/metrics").await.1.contains("anabranch_subscriptions 1") {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    subscription
}

fn ended_cleanly(messages: &str) {
    assert!(messages.contains("initial-response") && !messages.contains("Exception"), "{messages}");
    assert!(messages.ends_with("0\r\n\r\n"), "the last chunk is there: {messages}");
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

use serde_json::json;

use node::{Node, StartError};

use crate::client::{call, create, ok, put, read, settings, start};

#[tokio::test]
async fn what_was_put_is_there_after_a_restart() {
    let directory = tempfile::tempdir().expect("a directory");
    let node = start(directory.path(), "").await;
    let key = node.first_key().expect("the first start makes a key").clone();
    create(&node, Some(&key), "s").await;
    let first = put(&node, Some(&key), "s", "YQ==").await;
    node.shutdown().await;
    let node = start(directory.path(), "").await;
    assert!(node.first_key().is_none(), "there is one already");
    assert_eq!(read(&node, Some(&key), "s").await, ["YQ=="]);
    let second = put(&node, Some(&key), "s", "Yg==").await;
    let number = |output: &serde_json::Value| output["SequenceNumber"].as_str().map(str::to_owned).expect("a number");
    assert!(number(&second) > number(&first), "of the same length, and greater");
    assert_eq!(read(&node, Some(&key), "s").await, ["YQ==", "Yg=="]);
    node.shutdown().await;
}

#[tokio::test]
async fn a_node_that_was_not_shut_down_has_kept_what_it_acknowledged() {
    let directory = tempfile::tempdir().expect("a directory");
    let node = start(directory.path(), "").await;
    let key = node.first_key().expect("a key").clone();
    create(&node, Some(&key), "s").await;
    put(&node, Some(&key), "s", "YQ==").await;
    drop(node);
    // The lock goes with the last task that holds the log.
    let settings = settings(directory.path(), "");
    let node = loop {
        match Node::start(settings.clone()).await {
            Ok(node) => break node,
            Err(error) => assert!(error.to_string().contains("in use"), "{error}"),
        }
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    };
    assert_eq!(read(&node, Some(&key), "s").await, ["YQ=="]);
    node.shutdown().await;
}

#[tokio::test]
async fn a_second_node_on_the_same_data_is_refused() {
    let directory = tempfile::tempdir().expect("a directory");
    let node = start(directory.path(), "").await;
    let error = Node::start(settings(directory.path(), "")).await.err().expect("refused");
    assert!(matches!(error, StartError::Log(_)), "{error}");
    assert!(error.to_string().contains(&format!("in use by process {}", std::process::id())), "{error}");
    let key = node.first_key().expect("a key").clone();
    ok(&node, Some(&key), "ListStreams", json!({})).await;
    node.shutdown().await;
}

#[tokio::test]
async fn a_taken_port_is_named() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = taken.local_addr().expect("bound");
    let directory = tempfile::tempdir().expect("a directory");
    let mut settings = settings(directory.path(), "");
    settings.listen = address;
    let error = Node::start(settings).await.err().expect("refused").to_string();
    assert!(error.contains(&address.to_string()), "{error}");
}

#[tokio::test]
async fn accounts_and_regions_do_not_see_each_other() {
    let directory = tempfile::tempdir().expect("a directory");
    let node = start(directory.path(), "account = \"111111111111\"\nregion = \"us-west-2\"").await;
    let key = node.first_key().expect("a key").clone();
    create(&node, Some(&key), "s").await;
    let summary = ok(&node, Some(&key), "DescribeStreamSummary", json!({ "StreamName": "s" })).await;
    let arn = summary["StreamDescriptionSummary"]["StreamARN"].as_str().expect("an ARN").to_owned();
    assert_eq!(arn, "arn:aws:kinesis:us-west-2:111111111111:stream/s");
    node.shutdown().await;
    let node = start(directory.path(), "").await;
    let (status, error) =
        call(node.addresses().plain, Some(&key), "DescribeStreamSummary", &json!({ "StreamName": "s" })).await;
    assert_eq!(
        (status, error["__type"].as_str()),
        (400, Some("ResourceNotFoundException")),
        "signed for another region"
    );
    node.shutdown().await;
}

#[tokio::test]
async fn a_root_key_that_is_gone_is_missed() {
    let directory = tempfile::tempdir().expect("a directory");
    start(directory.path(), "").await.shutdown().await;
    let path = directory.path().join("root.key");
    let key = std::fs::read(&path).expect("a root key");
    std::fs::remove_file(&path).expect("removed");
    let refused = || async { Node::start(settings(directory.path(), "")).await.err().expect("refused").to_string() };
    assert!(refused().await.contains("root.key is missing"), "{}", refused().await);
    std::fs::write(&path, [1; 32]).expect("written");
    assert!(refused().await.contains("root key"), "{}", refused().await);
    std::fs::write(&path, key).expect("written");
    start(directory.path(), "").await.shutdown().await;
}

//! A client as plain as it gets: one signed request per connection.

use std::net::SocketAddr;
use std::path::Path;

use base::time::{Clock as _, SystemClock};
use http::HeaderMap;
use node::settings::{Layer, Settings};
use node::{NewKey, Node};
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use wire::sigv4::{Signer, SigningCredentials, ToSign};

const JSON: &str = "application/x-amz-json-1.1";

/// Settings of a node in `directory` on free ports, with more of them as TOML.
pub fn settings(directory: &Path, more: &str) -> Settings {
    let toml = format!("listen = \"127.0.0.1:0\"\ntls-listen = \"127.0.0.1:0\"\n{more}");
    let layer = Layer { data: Some(directory.to_owned()), ..Layer::parse(&toml).expect("settings") };
    layer.resolve().expect("settings go together")
}

pub async fn start(directory: &Path, more: &str) -> Node {
    Node::start(settings(directory, more)).await.expect("started")
}

/// Calls one operation; without a key the request is not signed.
pub async fn call(address: SocketAddr, key: Option<&NewKey>, operation: &str, input: &Value) -> (u16, Value) {
    let body = input.to_string();
    let target = format!("Kinesis_20131202.{operation}");
    let mut headers = HeaderMap::new();
    for (name, value) in [("host", &*address.to_string()), ("content-type", JSON), ("x-amz-target", &target)] {
        headers.insert(http::HeaderName::try_from(name).expect("a name"), value.parse().expect("a value"));
    }
    if let Some(key) = key {
        let credentials = SigningCredentials {
            access_key_id: &key.access_key_id,
            secret_access_key: &key.secret_access_key,
            session_token: None,
        };
        let what = ToSign { method: "POST", path: "/", query: "", headers: &mut headers, body: body.as_bytes() };
        Signer::new("eu-central-1", "kinesis").sign(what, credentials, SystemClock.now()).expect("signed");
    }
    let (status, body) = exchange(address, "POST", "/", &headers, &body).await;
    let value = if body.is_empty() { Value::Null } else { serde_json::from_str(&body).expect("JSON") };
    (status, value)
}

/// Calls an operation that must succeed.
pub async fn ok(node: &Node, key: Option<&NewKey>, operation: &str, input: Value) -> Value {
    let (status, output) = call(node.addresses().plain, key, operation, &input).await;
    assert_eq!(status, 200, "{operation} {input}: {output}");
    output
}

pub async fn get(address: SocketAddr, path: &str) -> (u16, String) {
    exchange(address, "GET", path, &HeaderMap::new(), "").await
}

pub async fn exchange(address: SocketAddr, method: &str, path: &str, headers: &HeaderMap, body: &str) -> (u16, String) {
    let mut text = format!("{method} {path} HTTP/1.1\r\nconnection: close\r\ncontent-length: {}\r\n", body.len());
    for (name, value) in headers {
        text.push_str(&format!("{name}: {}\r\n", value.to_str().expect("ASCII")));
    }
    text.push_str(&format!("\r\n{body}"));
    let mut socket = TcpStream::connect(address).await.expect("listening");
    socket.write_all(text.as_bytes()).await.expect("sent");
    let mut answer = String::new();
    socket.read_to_string(&mut answer).await.expect("an answer");
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
    let status = head.split(' ').nth(1).and_then(|text| text.parse().ok()).expect("a status");
    (status, body.to_owned())
}

/// The input that makes a stream of one shard.
pub fn stream(name: &str) -> Value {
    serde_json::json!({ "StreamName": name, "ShardCount": 1 })
}

pub async fn create(node: &Node, key: Option<&NewKey>, name: &str) {
    ok(node, key, "CreateStream", stream(name)).await;
}

/// Everything that one unsigned subscription sends, as far as it is text.
pub async fn subscribe(address: SocketAddr, input: &Value) -> String {
    let body = input.to_string();
    let head = format!(
        "POST / HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: {JSON}\r\n\
         x-amz-target: Kinesis_20131202.SubscribeToShard\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    let mut socket = TcpStream::connect(address).await.expect("listening");
    socket.write_all((head + &body).as_bytes()).await.expect("sent");
    let mut answer = Vec::new();
    socket.read_to_end(&mut answer).await.expect("an end");
    String::from_utf8_lossy(&answer).into_owned()
}

/// Puts a record; `data` is base64.
pub async fn put(node: &Node, key: Option<&NewKey>, name: &str, data: &str) -> Value {
    let input = serde_json::json!({ "StreamName": name, "PartitionKey": "k", "Data": data });
    ok(node, key, "PutRecord", input).await
}

/// The data of all records of a stream of one shard.
pub async fn read(node: &Node, key: Option<&NewKey>, name: &str) -> Vec<String> {
    let input = serde_json::json!({
        "StreamName": name, "ShardId": "shardId-000000000000", "ShardIteratorType": "TRIM_HORIZON",
    });
    let iterator = ok(node, key, "GetShardIterator", input).await;
    let output = ok(node, key, "GetRecords", serde_json::json!({ "ShardIterator": iterator["ShardIterator"] })).await;
    let records = output["Records"].as_array().expect("records").iter();
    records.map(|record| record["Data"].as_str().expect("data").to_owned()).collect()
}

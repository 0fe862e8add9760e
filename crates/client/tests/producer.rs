//! The producer against a scripted HTTP server.

use std::sync::Arc;
use std::time::Duration;

use anabranch_client::Producer;
use anabranch_client::producer::{PutError, UserRecord};
use api::kinesis::KinesisError;

use crate::builder;
use crate::server::{Answer, Server};

const SHARDS: &str = r#"{"Shards":[{"ShardId":"shardId-000000000000",
    "HashKeyRange":{"StartingHashKey":"0","EndingHashKey":"340282366920938463463374607431768211455"},
    "SequenceNumberRange":{"StartingSequenceNumber":"1"}}]}"#;
const STORED: &str = r#"{"FailedRecordCount":0,"Records":[{"SequenceNumber":"7","ShardId":"shardId-000000000000"}]}"#;
const THROTTLED: &str = r#"{"FailedRecordCount":1,
    "Records":[{"ErrorCode":"ProvisionedThroughputExceededException","ErrorMessage":"slow"}]}"#;

async fn start(server: &Server) -> Producer {
    let client = builder(server).attempts_max(1).build().expect("no TLS");
    let linger = Duration::from_millis(1);
    Producer::builder(Arc::new(client), "s").linger(linger).record_bytes_max(100).start().await.expect("shards")
}

#[tokio::test]
async fn a_record_is_put_until_it_is_stored() {
    let script = [(200, SHARDS), (200, THROTTLED), (500, "broken"), (200, STORED)];
    let server = Server::start(script.map(|(status, body)| Answer::json(status, body)).into()).await;
    let producer = start(&server).await;
    let placed = producer.put("k", "hello").await.expect("stored");
    assert_eq!((&*placed.shard_id, &*placed.sequence_number), ("shardId-000000000000", "7"));
    let bodies: Vec<String> = server.seen().into_iter().skip(1).map(|seen| seen.body).collect();
    let body = r#"{"Records":[{"Data":"aGVsbG8=","PartitionKey":"k"}],"StreamName":"s"}"#;
    assert_eq!(bodies, [body, body, body]);
    let metrics = producer.metrics();
    assert_eq!((metrics.throttled_retries, metrics.other_retries, metrics.requests), (1, 1, 3));
    assert_eq!((metrics.user_records_stored, metrics.buffer_bytes), (1, 0));
}

#[tokio::test]
async fn what_cannot_be_put_says_so() {
    let gone = r#"{"__type":"ResourceNotFoundException","message":"gone"}"#;
    let server = Server::start(vec![Answer::json(200, SHARDS), Answer::json(400, gone)]).await;
    let producer = start(&server).await;
    assert_eq!(producer.put("", "x").await, Err(PutError::PartitionKey { characters: 0 }));
    assert_eq!(producer.put("ü".repeat(257), "").await, Err(PutError::TooLarge { bytes: 514, bytes_max: 100 }));
    assert_eq!(producer.put("k", "x").await, Err(PutError::Refused(KinesisError::resource_not_found("gone"))));
    producer.close().await;
    assert_eq!(producer.put("k", "x").await, Err(PutError::Closed));
}

#[tokio::test]
async fn puts_wait_for_room() {
    let server = Server::start(vec![Answer::json(200, SHARDS), Answer::json(200, STORED), Answer::Hang]).await;
    let client = builder(&server).build().expect("no TLS");
    let producer = Producer::builder(Arc::new(client), "s").record_bytes_max(100).buffer_bytes_max(1);
    // Room for one record of 100 bytes and what is kept beside it.
    let producer = producer.start().await.expect("shards");
    let record = || UserRecord { partition_key: "k".into(), explicit_hash_key: None, data: vec![0; 90].into() };
    let first = producer.send(record()).await.expect("there is room");
    let mut second = Box::pin(producer.send(record()));
    assert!(futures_util::poll!(&mut second).is_pending());
    producer.flush().await;
    assert!(first.await.is_ok());
    let third = second.await.expect("room again");
    drop((third, producer));
}

#[tokio::test]
async fn settings_without_an_end_are_fine() {
    let server = Server::start(vec![Answer::json(200, SHARDS), Answer::json(200, STORED)]).await;
    let client = builder(&server).attempt_timeout(Duration::MAX).connect_timeout(Duration::MAX).build();
    let producer = Producer::builder(Arc::new(client.expect("no TLS")), "s");
    let producer = producer.linger(Duration::MAX).record_ttl(Duration::MAX).start().await.expect("shards");
    let record = UserRecord { partition_key: "k".into(), explicit_hash_key: None, data: "hello".into() };
    let receipt = producer.send(record).await.expect("there is room");
    producer.close().await;
    assert!(receipt.await.is_ok());
}

//! Clients, and the few steps that most checks begin with.

use std::time::Duration;

use aws_sdk_kinesis::Client;
use aws_sdk_kinesis::config::retry::RetryConfig;
use aws_sdk_kinesis::config::timeout::TimeoutConfig;
use aws_sdk_kinesis::config::{BehaviorVersion, Config, Credentials, Region};
use aws_sdk_kinesis::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_kinesis::types::{ConsumerStatus, Record, ShardIteratorType, StreamStatus};

use crate::record::{Recorder, note};
use crate::server::{ACCESS_KEY_ID, SECRET_ACCESS_KEY};

pub(crate) const FIRST_SHARD: &str = "shardId-000000000000";
const ATTEMPTS_MAX: usize = 1000;

/// A client that does not retry, so that checks see what the server says.
pub(crate) fn connect(endpoint: &str) -> Client {
    connect_with(endpoint, SECRET_ACCESS_KEY)
}

pub(crate) fn connect_with(endpoint: &str, secret: &str) -> Client {
    let timeouts =
        TimeoutConfig::builder().connect_timeout(Duration::from_secs(5)).read_timeout(Duration::from_secs(30));
    let config = Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new(ACCESS_KEY_ID, secret, None, None, "conformance"))
        .endpoint_url(endpoint)
        .retry_config(RetryConfig::disabled())
        .timeout_config(timeouts.build())
        .interceptor(Recorder)
        .build();
    Client::from_conf(config)
}

pub(crate) async fn make_stream(client: &Client, name: &str, shards: i32) {
    client.create_stream().stream_name(name).shard_count(shards).send().await.expect("a stream is created");
    wait_active(client, name).await;
}

pub(crate) async fn wait_active(client: &Client, name: &str) {
    for _ in 0..ATTEMPTS_MAX {
        let answer = client.describe_stream_summary().stream_name(name).send().await.expect("the stream exists");
        if answer.stream_description_summary().is_some_and(|summary| *summary.stream_status() == StreamStatus::Active) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{name} does not become ACTIVE");
}

/// Registers a consumer and returns its ARN when it is ACTIVE.
pub(crate) async fn make_consumer(client: &Client, stream: &str, name: &str) -> String {
    let summary = client.describe_stream_summary().stream_name(stream).send().await.expect("the stream exists");
    let stream_arn = summary.stream_description_summary().expect("a summary").stream_arn().to_owned();
    let made = client.register_stream_consumer().stream_arn(stream_arn).consumer_name(name).send().await;
    let arn = made.expect("a consumer is registered").consumer().expect("a consumer").consumer_arn().to_owned();
    for _ in 0..ATTEMPTS_MAX {
        let found = client.describe_stream_consumer().consumer_arn(&arn).send().await.expect("the consumer exists");
        if *found.consumer_description().expect("a description").consumer_status() == ConsumerStatus::Active {
            return arn;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{name} does not become ACTIVE");
}

/// Every record of one shard, from its beginning to its tip or end.
pub(crate) async fn read(client: &Client, stream: &str, shard: &str) -> Vec<Record> {
    let iterator = client
        .get_shard_iterator()
        .stream_name(stream)
        .shard_id(shard)
        .shard_iterator_type(ShardIteratorType::TrimHorizon)
        .send()
        .await
        .expect("the shard exists");
    let (mut position, mut records) = (iterator.shard_iterator, Vec::new());
    while let Some(at) = position {
        let answer = client.get_records().shard_iterator(at).send().await.expect("the iterator is good");
        let at_tip = answer.records.is_empty() && answer.millis_behind_latest == Some(0);
        records.extend(answer.records);
        position = answer.next_shard_iterator.filter(|_| !at_tip);
    }
    records
}

/// The call fails with this type and text.
pub(crate) fn check_refused<T, E: ProvideErrorMetadata>(
    operation: &str,
    outcome: Result<T, SdkError<E>>,
    code: &str,
    message: Option<&str>,
) {
    let Err(error) = outcome else { panic!("{operation} is not refused") };
    assert_eq!(error.code(), Some(code), "{:?}", error.message());
    if let Some(message) = message {
        assert_eq!(error.message(), Some(message));
    }
    if code != "InvalidSignatureException" {
        note(operation, code);
    }
}

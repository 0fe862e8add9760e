//! The gateway's view: an operation's name leads to its method, and a body to its input.

use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use anabranch_api::kinesis::*;
use anabranch_api::{CallError, EventStream, Reply, Service as _};
use base::BoxFuture;
use base::caller::Caller;
use base::codec::DecodeError;
use futures_util::{StreamExt as _, stream};
use serde_json::{Value, json};

use crate::json::{self as codec, JsonReader};

/// Answers every operation with an error that names the method.
struct Stub;

macro_rules! methods {
    ($($method:ident: $input:ident => $output:ty,)*) => {
        impl Kinesis for Stub {
            $(fn $method<'a>(
                &'a self,
                _caller: &'a Caller,
                _input: $input,
            ) -> BoxFuture<'a, Result<$output, KinesisError>> {
                Box::pin(async { Err(KinesisError::validation(stringify!($method))) })
            })*
        }
    };
}

methods! {
    add_tags_to_stream: AddTagsToStreamInput => AddTagsToStreamOutput,
    create_stream: CreateStreamInput => CreateStreamOutput,
    decrease_stream_retention_period: DecreaseStreamRetentionPeriodInput => DecreaseStreamRetentionPeriodOutput,
    delete_resource_policy: DeleteResourcePolicyInput => DeleteResourcePolicyOutput,
    delete_stream: DeleteStreamInput => DeleteStreamOutput,
    deregister_stream_consumer: DeregisterStreamConsumerInput => DeregisterStreamConsumerOutput,
    describe_account_settings: DescribeAccountSettingsInput => DescribeAccountSettingsOutput,
    describe_limits: DescribeLimitsInput => DescribeLimitsOutput,
    describe_stream: DescribeStreamInput => DescribeStreamOutput,
    describe_stream_consumer: DescribeStreamConsumerInput => DescribeStreamConsumerOutput,
    describe_stream_summary: DescribeStreamSummaryInput => DescribeStreamSummaryOutput,
    disable_enhanced_monitoring: DisableEnhancedMonitoringInput => DisableEnhancedMonitoringOutput,
    enable_enhanced_monitoring: EnableEnhancedMonitoringInput => EnableEnhancedMonitoringOutput,
    get_records: GetRecordsInput => GetRecordsOutput,
    get_resource_policy: GetResourcePolicyInput => GetResourcePolicyOutput,
    get_shard_iterator: GetShardIteratorInput => GetShardIteratorOutput,
    increase_stream_retention_period: IncreaseStreamRetentionPeriodInput => IncreaseStreamRetentionPeriodOutput,
    list_shards: ListShardsInput => ListShardsOutput,
    list_stream_consumers: ListStreamConsumersInput => ListStreamConsumersOutput,
    list_streams: ListStreamsInput => ListStreamsOutput,
    list_tags_for_resource: ListTagsForResourceInput => ListTagsForResourceOutput,
    list_tags_for_stream: ListTagsForStreamInput => ListTagsForStreamOutput,
    merge_shards: MergeShardsInput => MergeShardsOutput,
    put_record: PutRecordInput => PutRecordOutput,
    put_records: PutRecordsInput => PutRecordsOutput,
    put_resource_policy: PutResourcePolicyInput => PutResourcePolicyOutput,
    register_stream_consumer: RegisterStreamConsumerInput => RegisterStreamConsumerOutput,
    remove_tags_from_stream: RemoveTagsFromStreamInput => RemoveTagsFromStreamOutput,
    split_shard: SplitShardInput => SplitShardOutput,
    start_stream_encryption: StartStreamEncryptionInput => StartStreamEncryptionOutput,
    stop_stream_encryption: StopStreamEncryptionInput => StopStreamEncryptionOutput,
    subscribe_to_shard: SubscribeToShardInput => EventStream<SubscribeToShardEvent, KinesisError>,
    tag_resource: TagResourceInput => TagResourceOutput,
    untag_resource: UntagResourceInput => UntagResourceOutput,
    update_account_settings: UpdateAccountSettingsInput => UpdateAccountSettingsOutput,
    update_max_record_size: UpdateMaxRecordSizeInput => UpdateMaxRecordSizeOutput,
    update_shard_count: UpdateShardCountInput => UpdateShardCountOutput,
    update_stream_mode: UpdateStreamModeInput => UpdateStreamModeOutput,
    update_stream_warm_throughput: UpdateStreamWarmThroughputInput => UpdateStreamWarmThroughputOutput,
}

/// Members that every operation needs; each reads those that it knows.
fn every_member() -> Value {
    let arn = "arn:aws:kinesis:us-east-1:123456789012:stream/s";
    json!({
        "StreamName": "s", "StreamARN": arn, "ResourceARN": arn, "ConsumerName": "c",
        "ConsumerARN": format!("{arn}/consumer/c:1700000000"), "ShardId": "shardId-000000000000",
        "ShardCount": 1, "TargetShardCount": 2, "ScalingType": "UNIFORM_SCALING", "RetentionPeriodHours": 24,
        "Tags": {"k": "v"}, "TagKeys": ["k"], "Policy": "{}", "EncryptionType": "KMS", "KeyId": "alias/aws/kinesis",
        "ShardToMerge": "shardId-000000000000", "AdjacentShardToMerge": "shardId-000000000001",
        "ShardToSplit": "shardId-000000000000", "NewStartingHashKey": "10", "ShardLevelMetrics": ["ALL"],
        "Data": "d", "PartitionKey": "k", "Records": [{"Data": "d", "PartitionKey": "k"}], "ShardIterator": "i",
        "ShardIteratorType": "LATEST", "StartingPosition": {"Type": "LATEST"},
        "StreamModeDetails": {"StreamMode": "ON_DEMAND"}, "MaxRecordSizeInKiB": 1024, "WarmThroughputMiBps": 1,
        "MinimumThroughputBillingCommitment": {"Status": "ENABLED"},
    })
}

fn caller() -> Caller {
    Caller {
        account: "123456789012".parse().expect("an account"),
        region: "us-east-1".parse().expect("a region"),
        access_key_id: None,
    }
}

/// The result of a future that waits for nothing.
fn ready<T>(mut future: BoxFuture<'_, T>) -> T {
    match future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("the future waits"),
    }
}

fn snake(name: &str) -> String {
    let words =
        name.chars().map(|c| if c.is_ascii_uppercase() { format!("_{}", c.to_ascii_lowercase()) } else { c.into() });
    words.collect::<String>().trim_start_matches('_').to_owned()
}

#[test]
fn every_operation_reaches_its_method() {
    let service = KinesisService(Arc::new(Stub));
    let caller = caller();
    for operation in service.model().operations {
        let mut body = JsonReader::new(every_member());
        let answer =
            service.call(&caller, operation, &mut body).unwrap_or_else(|e| panic!("{}: {e:?}", operation.name));
        let failure = ready(answer).expect_err("the stub fails");
        assert_eq!((failure.code(), failure.message()), ("ValidationException", Some(snake(operation.name).as_str())));
    }
}

#[test]
fn bad_bodies_do_not_become_inputs() {
    let service = KinesisService(Arc::new(Stub));
    let caller = caller();
    let operation = SERVICE.operation("SplitShard").expect("an operation");
    let call = |body: Value| service.call(&caller, operation, &mut JsonReader::new(body)).err();
    assert_eq!(call(json!([])), Some(CallError::Malformed(DecodeError::new("wrong type"))));
    assert_eq!(
        call(json!({"ShardToSplit": "s", "NewStartingHashKey": "x"})),
        Some(CallError::Invalid(
            "1 validation error detected: Value 'x' at 'newStartingHashKey' failed to satisfy constraint: Member must \
             satisfy regular expression pattern: ^(0|([1-9]\\d{0,38}))$"
                .to_owned()
        ))
    );
}

#[test]
fn answers_keep_their_content() {
    let output: BoxFuture<'_, Result<_, KinesisError>> =
        Box::pin(async { Ok(GetResourcePolicyOutput { policy: "{}".into() }) });
    match ready(anabranch_api::service::output(output)) {
        Ok(Reply::Output(output)) => assert_eq!(codec::encode(&*output), json!({"Policy": "{}"})),
        other => panic!("{other:?}"),
    }
    let empty: BoxFuture<'_, Result<_, KinesisError>> = Box::pin(async { Ok(TagResourceOutput {}) });
    assert!(matches!(ready(anabranch_api::service::empty(empty)), Ok(Reply::Empty)));
}

#[test]
fn events_come_one_by_one_and_may_end_in_an_error() {
    let sent = vec![
        Ok(SubscribeToShardEvent { continuation_sequence_number: Some("7".into()), ..Default::default() }),
        Err(KinesisError::resource_in_use("taken over")),
    ];
    let running: BoxFuture<'_, Result<EventStream<SubscribeToShardEvent, KinesisError>, KinesisError>> =
        Box::pin(async { Ok(Box::pin(stream::iter(sent)) as EventStream<_, _>) });
    let Ok(Reply::Events(mut events)) = ready(anabranch_api::service::events(running)) else { panic!("a stream") };
    let mut next = || ready(Box::pin(events.next()));
    let event = next().expect("an event").expect("no error");
    assert_eq!(event.event_type(), "SubscribeToShardEvent");
    assert_eq!(
        codec::encode(&*event),
        json!({"Records": [], "ContinuationSequenceNumber": "7", "MillisBehindLatest": 0})
    );
    let failure = next().expect("an event").err().expect("an error");
    assert_eq!(failure.code(), "ResourceInUseException");
    assert!(next().is_none());
}

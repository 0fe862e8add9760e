//! The generated Kinesis API: what it reads, what it writes, and the words of its constraint violations.

use anabranch_api::kinesis::{
    CreateStreamInput, EnableEnhancedMonitoringInput, GetShardIteratorInput, KinesisError, OPERATIONS, PutRecordsInput,
    PutRecordsRequestEntry, RemoveTagsFromStreamInput, SERVICE, ShardIteratorType, SubscribeToShardEvent,
    SubscribeToShardInput,
};
use anabranch_api::{Event as _, ModeledError as _};
use base::ByteString;
use base::codec::{Decode, Validate};
use serde_json::{Value, json};

mod dispatch;
mod json;

/// Reads `input` as `T`; what it breaks must be exactly `expected`, in any number.
#[track_caller]
fn check<T: Decode + Validate>(input: Value, expected: &[&str]) {
    let (shape, mut violations) = json::decode::<T>(input);
    shape.validate(&mut violations);
    let message = violations.message().unwrap_or_default();
    let count = expected.len();
    let head = format!("{count} validation error{} detected: ", if count == 1 { "" } else { "s" });
    let wanted = if expected.is_empty() { String::new() } else { head + &expected.join("; ") };
    assert_eq!(message, wanted);
}

#[test]
fn strings_are_checked_for_pattern_and_length() {
    check::<CreateStreamInput>(
        json!({"StreamName": "", "ShardCount": 0}),
        &[
            "Value '' at 'streamName' failed to satisfy constraint: Member must satisfy regular expression pattern: \
             [a-zA-Z0-9_.-]+",
            "Value '' at 'streamName' failed to satisfy constraint: Member must have length greater than or equal to 1",
            "Value '0' at 'shardCount' failed to satisfy constraint: Member must have value greater than or equal to 1",
        ],
    );
    check::<CreateStreamInput>(json!({"StreamName": "a".repeat(128), "ShardCount": 1}), &[]);
    let long = "a".repeat(129);
    check::<CreateStreamInput>(
        json!({"StreamName": long}),
        &[&format!(
            "Value '{long}' at 'streamName' failed to satisfy constraint: Member must have length less than or equal \
             to 128"
        )],
    );
}

#[test]
fn missing_members_are_noted_once_and_at_their_place() {
    check::<CreateStreamInput>(
        json!({}),
        &["Value null at 'streamName' failed to satisfy constraint: Member must not be null"],
    );
    check::<SubscribeToShardInput>(
        json!({"ConsumerARN": null, "ShardId": "shardId-0"}),
        &[
            "Value null at 'consumerARN' failed to satisfy constraint: Member must not be null",
            "Value null at 'startingPosition' failed to satisfy constraint: Member must not be null",
        ],
    );
    check::<PutRecordsInput>(
        json!({"StreamName": "s", "Records": [
            {"Data": "d", "PartitionKey": "k"},
            {"Data": "d"},
            {"Data": "d", "PartitionKey": "", "ExplicitHashKey": "01"},
        ]}),
        &[
            "Value null at 'records.2.member.partitionKey' failed to satisfy constraint: Member must not be null",
            "Value '01' at 'records.3.member.explicitHashKey' failed to satisfy constraint: Member must satisfy \
             regular expression pattern: ^(0|([1-9]\\d{0,38}))$",
            "Value '' at 'records.3.member.partitionKey' failed to satisfy constraint: Member must have length \
             greater than or equal to 1",
        ],
    );
}

#[test]
fn elements_keys_and_values_are_reported_for_the_whole() {
    check::<RemoveTagsFromStreamInput>(
        json!({"StreamName": "s", "TagKeys": ["a", ""]}),
        &[
            "Value '[a, ]' at 'tagKeys' failed to satisfy constraint: Member must satisfy constraint: [Member must have \
           length less than or equal to 128, Member must have length greater than or equal to 1]",
        ],
    );
    let long = "v".repeat(257);
    check::<CreateStreamInput>(
        json!({"StreamName": "s", "Tags": {"": "x", "k": long}}),
        &[
            &format!(
                "Value '{{=x, k={long}}}' at 'tags' failed to satisfy constraint: Map keys must satisfy constraint: \
                 [Member must have length less than or equal to 128, Member must have length greater than or equal \
                 to 1]"
            ),
            &format!(
                "Value '{{=x, k={long}}}' at 'tags' failed to satisfy constraint: Map value must satisfy constraint: \
                 [Member must have length less than or equal to 256, Member must have length greater than or equal \
                 to 0]"
            ),
        ],
    );
    check::<EnableEnhancedMonitoringInput>(
        json!({"StreamName": "s", "ShardLevelMetrics": ["ALL", "Some"]}),
        &["Value '[ALL, Some]' at 'shardLevelMetrics' failed to satisfy constraint: Member must satisfy constraint: \
           [Member must satisfy enum value set: [IncomingBytes, IncomingRecords, OutgoingBytes, OutgoingRecords, \
           WriteProvisionedThroughputExceeded, ReadProvisionedThroughputExceeded, IteratorAgeMilliseconds, ALL]]"],
    );
}

#[test]
fn enumerations_keep_what_they_do_not_know() {
    let input = json!({"StreamName": "s", "ShardId": "0", "ShardIteratorType": "SOON"});
    let (shape, _) = json::decode::<GetShardIteratorInput>(input.clone());
    assert_eq!(shape.shard_iterator_type, ShardIteratorType::Unknown("SOON".into()));
    check::<GetShardIteratorInput>(
        input,
        &["Value 'SOON' at 'shardIteratorType' failed to satisfy constraint: Member must satisfy enum value set: \
           [AT_SEQUENCE_NUMBER, AFTER_SEQUENCE_NUMBER, TRIM_HORIZON, LATEST, AT_TIMESTAMP]"],
    );
    let known = ShardIteratorType::from(ByteString::from_static("AT_SEQUENCE_NUMBER"));
    assert_eq!(known, ShardIteratorType::AtSequenceNumber);
    assert_eq!(known.as_str(), "AT_SEQUENCE_NUMBER");
}

#[test]
fn lists_have_their_limits() {
    let record = json!({"Data": "d", "PartitionKey": "k"});
    check::<PutRecordsInput>(json!({"StreamName": "s", "Records": vec![record.clone(); 500]}), &[]);
    let (shape, mut violations) =
        json::decode::<PutRecordsInput>(json!({"StreamName": "s", "Records": vec![record; 5000]}));
    assert_eq!(shape.records.len(), 501, "one too many is enough to know");
    shape.validate(&mut violations);
    let message = violations.message().expect("too many records");
    assert!(
        message.starts_with(
            "1 validation error detected: Value '[com.amazonaws.kinesis.v20131202.PutRecordsRequestEntry@"
        ) && message
            .ends_with("at 'records' failed to satisfy constraint: Member must have length less than or equal to 500"),
        "{message}"
    );
}

#[test]
fn blobs_are_shown_as_buffers() {
    let size = 10 * 1024 * 1024 + 1;
    check::<PutRecordsInput>(
        json!({"StreamName": "s", "Records": [{"Data": "d".repeat(size), "PartitionKey": "k"}]}),
        &[&format!(
            "Value 'java.nio.HeapByteBuffer[pos=0 lim={size} cap={size}]' at 'records.1.member.data' failed to satisfy constraint: \
             Member must have length less than or equal to 10485760"
        )],
    );
}

#[test]
fn shapes_come_back_as_they_went() {
    let input = PutRecordsInput {
        records: [PutRecordsRequestEntry {
            data: b"data",
            explicit_hash_key: Some("170141183460469231731687303715884105728"),
            partition_key: "ключ",
        }]
        .into_iter()
        .collect(),
        stream_name: Some("s".into()),
        ..Default::default()
    };
    let value = json::encode(&input);
    assert_eq!(
        value,
        json!({"StreamName": "s", "Records": [{
            "Data": "data", "PartitionKey": "ключ", "ExplicitHashKey": "170141183460469231731687303715884105728",
        }]})
    );
    let (back, violations) = json::decode::<PutRecordsInput>(value);
    assert_eq!(back, input);
    assert!(violations.is_empty());
}

/// At the end of a shard the number is absent, though the model requires it.
#[test]
fn the_last_event_of_a_shard_has_no_number() {
    let event = SubscribeToShardEvent { child_shards: Some(Vec::new()), ..Default::default() };
    assert_eq!(json::encode(&event), json!({"Records": [], "MillisBehindLatest": 0, "ChildShards": []}));
    assert_eq!(event.event_type(), "SubscribeToShardEvent");
}

#[test]
fn errors_carry_code_status_and_message() {
    let error = KinesisError::resource_not_found("Stream s under account 1 not found.");
    assert_eq!((error.code(), error.status()), ("ResourceNotFoundException", 400));
    assert_eq!(json::encode(&error), json!({"message": "Stream s under account 1 not found."}));
    assert_eq!(error.to_string(), "ResourceNotFoundException: Stream s under account 1 not found.");
    assert_eq!(KinesisError::internal_failure("x").status(), 500);
    assert_eq!(KinesisError::kms_opt_in_required("x").code(), "KMSOptInRequired");
    assert_eq!(KinesisError::from_code("ResourceNotFoundException", error.message().expect("set")), Some(error));
    assert_eq!(KinesisError::from_code("Unheard", ""), None);
}

#[test]
fn operations_are_found_by_name() {
    assert_eq!(OPERATIONS.len(), 39);
    for (i, operation) in OPERATIONS.iter().enumerate() {
        assert_eq!(operation.index, i);
        assert_eq!(SERVICE.operation(operation.name), Some(operation));
        assert_eq!(operation.event_stream, operation.name == "SubscribeToShard");
    }
    assert_eq!(SERVICE.operation("PutRecordz"), None);
    assert_eq!((SERVICE.target_prefix, SERVICE.json_version), ("Kinesis_20131202", "1.1"));
}

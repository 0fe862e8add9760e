use std::collections::BTreeMap;

use api::kinesis::*;
use streams::StreamsSettings;

use crate::world::{ACCOUNT, START, World, caller, text_of};

fn input(name: &str) -> CreateStreamInput {
    CreateStreamInput { stream_name: name.into(), ..CreateStreamInput::default() }
}

#[tokio::test]
async fn a_stream_begins_with_uniform_shards() {
    let world = World::new().await;
    world.create("s", 3).await;
    let input = DescribeStreamInput { stream_name: Some("s".into()), ..DescribeStreamInput::default() };
    let stream = world.streams.describe_stream(&world.caller, input).await.expect("a stream").stream_description;
    assert_eq!(&*stream.stream_name, "s");
    assert_eq!(&*stream.stream_arn, format!("arn:aws:kinesis:us-east-1:{ACCOUNT}:stream/s"));
    assert_eq!(stream.stream_status, StreamStatus::Active);
    assert_eq!(stream.stream_creation_timestamp, START);
    assert_eq!(stream.retention_period_hours, 24);
    assert_eq!(stream.encryption_type, Some(EncryptionType::None));
    assert_eq!(stream.enhanced_monitoring, [EnhancedMetrics { shard_level_metrics: Some(Vec::new()) }]);
    assert!(!stream.has_more_shards);
    let ids: Vec<&str> = stream.shards.iter().map(|shard| &*shard.shard_id).collect();
    assert_eq!(ids, ["shardId-000000000000", "shardId-000000000001", "shardId-000000000002"]);
    let last = &stream.shards[2];
    assert_eq!(&*last.hash_key_range.starting_hash_key, "226854911280625642308916404954512140970");
    assert_eq!(&*last.hash_key_range.ending_hash_key, "340282366920938463463374607431768211455");
    assert_eq!(last.sequence_number_range.ending_sequence_number, None);
    assert_eq!((last.parent_shard_id.clone(), last.adjacent_parent_shard_id.clone()), (None, None));
}

#[tokio::test]
async fn names_are_unique_by_account_and_region() {
    let world = World::new().await;
    world.create("s", 1).await;
    let again = CreateStreamInput { shard_count: Some(1), ..input("s") };
    assert_eq!(
        text_of(world.streams.create_stream(&world.caller, again.clone()).await),
        format!("ResourceInUseException: Stream s under account {ACCOUNT} already exists.")
    );
    for other in [caller(ACCOUNT, "eu-west-1"), caller("000000000000", "us-east-1")] {
        world.streams.create_stream(&other, again.clone()).await.expect("another place");
    }
}

#[tokio::test]
async fn modes_decide_about_shards() {
    let world = World::new().await;
    world.create_on_demand("plain").await;
    let summary = world.summary("plain").await.expect("a stream");
    assert_eq!(summary.open_shard_count, 4);
    assert_eq!(summary.stream_mode_details, Some(StreamModeDetails { stream_mode: StreamMode::OnDemand }));
    let on_demand = Some(StreamModeDetails { stream_mode: StreamMode::OnDemand });
    let provisioned = Some(StreamModeDetails { stream_mode: StreamMode::Provisioned });
    let warm = CreateStreamInput {
        stream_mode_details: on_demand.clone(),
        warm_throughput_mibps: Some(9),
        max_record_size_in_kib: Some(2048),
        record_distribution_strategy: Some(RecordDistributionStrategy::Auto),
        ..input("warm")
    };
    world.streams.create_stream(&world.caller, warm).await.expect("a stream");
    let summary = world.summary("warm").await.expect("a stream");
    assert_eq!(summary.open_shard_count, 9);
    assert_eq!(summary.warm_throughput, Some(WarmThroughputObject { target_mibps: Some(9), current_mibps: Some(9) }));
    assert_eq!(summary.max_record_size_in_kib, Some(2048));
    assert_eq!(summary.record_distribution_strategy, Some(RecordDistributionStrategy::Auto));
    assert_eq!(summary.stream_id, None);
    for (refused, error) in [
        (
            CreateStreamInput { stream_mode_details: provisioned.clone(), ..input("x") },
            "ValidationException: ShardCount must be provided for a stream in PROVISIONED mode.",
        ),
        (
            CreateStreamInput { stream_mode_details: on_demand.clone(), shard_count: Some(1), ..input("x") },
            "ValidationException: ShardCount cannot be provided for a stream in ON_DEMAND mode.",
        ),
        (
            CreateStreamInput { shard_count: Some(1), warm_throughput_mibps: Some(1), ..input("x") },
            "ValidationException: WarmThroughputMiBps is only supported for streams in ON_DEMAND mode.",
        ),
        (
            CreateStreamInput { warm_throughput_mibps: Some(10_241), ..input("x") },
            "InvalidArgumentException: WarmThroughputMiBps must be between 0 and 10240. Requested value: 10241",
        ),
        (
            CreateStreamInput { shard_count: Some(10_001), ..input("x") },
            "LimitExceededException: A stream cannot have more than 10000 shards. Requested shard count: 10001",
        ),
    ] {
        assert_eq!(text_of(world.streams.create_stream(&world.caller, refused).await), error);
    }
}

#[tokio::test]
async fn accounts_have_limits() {
    let settings = StreamsSettings {
        shard_limit_per_account: 5,
        on_demand_stream_limit: 1,
        limits: streams::Limits { enforced: false },
        ..StreamsSettings::default()
    };
    let world = World::with(settings).await;
    world.create_on_demand("a").await;
    let two = CreateStreamInput { shard_count: Some(2), ..input("b") };
    assert_eq!(
        text_of(world.streams.create_stream(&world.caller, two).await),
        format!(
            "LimitExceededException: This request would exceed the shard limit for the account {ACCOUNT} in us-east-1. \
             Current shard count for the account: 4. Limit: 5. Number of additional shards that would have resulted \
             from this request: 2. Refer to the AWS Service Limits page \
             (http://docs.aws.amazon.com/general/latest/gr/aws_service_limits.html) for current limits and how to \
             request higher limits."
        )
    );
    world.delete("a").await.expect("deleted");
    world.create("p", 1).await;
    world.create_on_demand("a").await;
    let limits = world.streams.describe_limits(&world.caller, DescribeLimitsInput {}).await.expect("limits");
    assert_eq!((limits.shard_limit, limits.open_shard_count), (5, 5));
    assert_eq!((limits.on_demand_stream_count, limits.on_demand_stream_count_limit), (1, 1));
}

#[tokio::test]
async fn tags_come_with_the_stream_or_not_at_all() {
    let world = World::new().await;
    let tagged = |key: &str| CreateStreamInput {
        shard_count: Some(1),
        tags: Some(BTreeMap::from([(key.into(), "v".into())])),
        ..input("s")
    };
    let refused = text_of(world.streams.create_stream(&world.caller, tagged("aws:k")).await);
    assert_eq!(refused, "InvalidArgumentException: Tag keys must not begin with aws:. Invalid tag key: aws:k");
    assert!(world.summary("s").await.is_err());
    world.streams.create_stream(&world.caller, tagged("k")).await.expect("a stream");
    let input = ListTagsForStreamInput { stream_name: Some("s".into()), ..ListTagsForStreamInput::default() };
    let tags = world.streams.list_tags_for_stream(&world.caller, input).await.expect("tags");
    assert_eq!(tags.tags, [Tag { key: "k".into(), value: Some("v".into()) }]);
}

#[tokio::test]
async fn deleted_streams_are_gone() {
    let world = World::new().await;
    world.create("s", 2).await;
    world.register("s", "c").await.expect("a consumer");
    assert_eq!(
        text_of(world.delete("s").await),
        format!(
            "ResourceInUseException: Stream s under account {ACCOUNT} has registered consumers. Deregister them, or \
             delete the stream with EnforceConsumerDeletion."
        )
    );
    let input = DeleteStreamInput {
        stream_arn: Some(world.arn("s")),
        enforce_consumer_deletion: Some(true),
        ..DeleteStreamInput::default()
    };
    world.streams.delete_stream(&world.caller, input).await.expect("deleted");
    let not_found = format!("ResourceNotFoundException: Stream s under account {ACCOUNT} not found.");
    assert_eq!(text_of(world.summary("s").await), not_found);
    assert_eq!(text_of(world.delete("s").await), not_found);
    assert_eq!(text_of(world.try_put("s", "k", 1, "").await), not_found);
    world.create("s", 1).await;
    assert_eq!(world.read_all("s", "shardId-000000000000").await, []);
    let world = world.restart().await;
    assert_eq!(world.summary("s").await.expect("a stream").consumer_count, Some(0));
}

#[tokio::test]
async fn streams_are_found_by_name_and_by_arn() {
    let world = World::new().await;
    world.create("s", 1).await;
    let summary = |name: Option<&str>, arn: Option<String>| {
        let input = DescribeStreamSummaryInput {
            stream_name: name.map(Into::into),
            stream_arn: arn.map(Into::into),
            stream_id: None,
        };
        world.streams.describe_stream_summary(&world.caller, input)
    };
    let arn = world.arn("s").to_string();
    assert!(summary(None, Some(arn.clone())).await.is_ok());
    assert!(summary(Some("s"), Some(arn.clone())).await.is_ok());
    for (name, arn, error) in [
        (None, None, "InvalidArgumentException: Either StreamARN or StreamName should be provided.".to_owned()),
        (
            Some("t"),
            Some(arn.clone()),
            "InvalidArgumentException: StreamARN and StreamName do not name the same stream.".to_owned(),
        ),
        (
            None,
            Some(format!("arn:aws:kinesis:eu-west-1:{ACCOUNT}:stream/s")),
            format!("ResourceNotFoundException: Stream s under account {ACCOUNT} not found."),
        ),
        (
            None,
            Some("arn:aws:kinesis:us-east-1:999999999999:stream/s".to_owned()),
            format!(
                "AccessDeniedException: User: arn:aws:iam::{ACCOUNT}:root is not authorized to perform: \
                 kinesis:DescribeStreamSummary on resource: arn:aws:kinesis:us-east-1:999999999999:stream/s because no \
                 resource-based policy allows the kinesis:DescribeStreamSummary action"
            ),
        ),
    ] {
        assert_eq!(text_of(summary(name, arn).await), error);
    }
}

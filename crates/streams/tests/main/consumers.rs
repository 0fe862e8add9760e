use std::collections::BTreeMap;
use std::time::Duration;

use api::kinesis::*;
use base::ByteString;

use crate::world::{ACCOUNT, START, World, text_of};

fn by_arn(arn: &ByteString) -> DescribeStreamConsumerInput {
    DescribeStreamConsumerInput { consumer_arn: Some(arn.clone()), ..DescribeStreamConsumerInput::default() }
}

#[tokio::test]
async fn consumers_are_registered_and_described() {
    let world = World::new().await;
    world.create("s", 1).await;
    let consumer = world.register("s", "c").await.expect("a consumer");
    assert_eq!(consumer.consumer_status, ConsumerStatus::Creating);
    assert_eq!(*consumer.consumer_arn, format!("{}/consumer/c:{}", world.arn("s"), START.seconds()));
    let found = world.streams.describe_stream_consumer(&world.caller, by_arn(&consumer.consumer_arn)).await;
    let found = found.expect("a consumer").consumer_description;
    assert_eq!(found.consumer_status, ConsumerStatus::Active);
    assert_eq!(found.stream_arn, world.arn("s"));
    assert_eq!(found.consumer_creation_timestamp, START);
    let by_name = DescribeStreamConsumerInput {
        stream_arn: Some(world.arn("s")),
        consumer_name: Some("c".into()),
        ..DescribeStreamConsumerInput::default()
    };
    let same = world.streams.describe_stream_consumer(&world.caller, by_name).await.expect("a consumer");
    assert_eq!(same.consumer_description, found);
    assert_eq!(
        text_of(world.register("s", "c").await),
        format!("ResourceInUseException: Consumer c under stream s already exists for account {ACCOUNT}.")
    );
    let world = world.restart().await;
    assert!(world.streams.describe_stream_consumer(&world.caller, by_arn(&consumer.consumer_arn)).await.is_ok());
    assert_eq!(world.summary("s").await.expect("a stream").consumer_count, Some(1));
}

#[tokio::test]
async fn twenty_consumers_and_no_more() {
    let world = World::new().await;
    world.create("s", 1).await;
    for i in 0..20 {
        world.register("s", &format!("c{i:02}")).await.expect("a consumer");
    }
    assert_eq!(
        text_of(world.register("s", "c20").await),
        format!("LimitExceededException: Stream s under account {ACCOUNT} cannot have more than 20 consumers.")
    );
    let commit = UpdateAccountSettingsInput {
        minimum_throughput_billing_commitment: MinimumThroughputBillingCommitmentInput {
            status: MinimumThroughputBillingCommitmentInputStatus::Enabled,
        },
    };
    world.create("t", 1).await;
    world.streams.update_account_settings(&world.caller, commit).await.expect("changed");
    for i in 0..50 {
        world.register("t", &format!("c{i:02}")).await.expect("a consumer");
    }
    assert!(text_of(world.register("t", "c50").await).ends_with("cannot have more than 50 consumers."));
    let list = |max_results, next_token| {
        let input = ListStreamConsumersInput {
            stream_arn: world.arn("s"),
            max_results,
            next_token,
            ..ListStreamConsumersInput::default()
        };
        world.streams.list_stream_consumers(&world.caller, input)
    };
    let page = list(Some(15), None).await.expect("a page");
    assert_eq!(page.consumers.expect("consumers").len(), 15);
    let token = page.next_token;
    let rest = list(None, token.clone()).await.expect("a page");
    let names: Vec<_> = rest.consumers.expect("consumers").into_iter().map(|c| c.consumer_name.to_string()).collect();
    assert_eq!((names, rest.next_token), (["c15", "c16", "c17", "c18", "c19"].map(str::to_owned).to_vec(), None));
    world.advance(Duration::from_secs(301));
    assert!(text_of(list(None, token).await).starts_with("ExpiredNextTokenException: "));
    assert_eq!(text_of(list(None, Some("x".into())).await), "InvalidArgumentException: Invalid NextToken.");
}

#[tokio::test]
async fn consumers_are_deregistered_by_arn_or_by_name() {
    let world = World::new().await;
    world.create("s", 1).await;
    let arn = world.register("s", "a").await.expect("a consumer").consumer_arn;
    world.register("s", "b").await.expect("a consumer");
    let input = DeregisterStreamConsumerInput { consumer_arn: Some(arn.clone()), ..Default::default() };
    world.streams.deregister_stream_consumer(&world.caller, input.clone()).await.expect("deregistered");
    let gone = format!("ResourceNotFoundException: Consumer a under stream s not found for account {ACCOUNT}.");
    assert_eq!(text_of(world.streams.deregister_stream_consumer(&world.caller, input).await), gone);
    assert_eq!(text_of(world.streams.describe_stream_consumer(&world.caller, by_arn(&arn)).await), gone);
    let by_name = DeregisterStreamConsumerInput {
        stream_arn: Some(world.arn("s")),
        consumer_name: Some("b".into()),
        ..Default::default()
    };
    world.streams.deregister_stream_consumer(&world.caller, by_name).await.expect("deregistered");
    assert_eq!(
        text_of(world.streams.deregister_stream_consumer(&world.caller, Default::default()).await),
        "InvalidArgumentException: Either ConsumerARN or both StreamARN and ConsumerName should be provided."
    );
    // The same name later is another consumer.
    world.advance(Duration::from_secs(1));
    let again = world.register("s", "a").await.expect("a consumer").consumer_arn;
    assert_ne!(again, arn);
    assert_eq!(text_of(world.streams.describe_stream_consumer(&world.caller, by_arn(&arn)).await), gone);
}

#[tokio::test]
async fn consumers_take_their_time() {
    let delay = Duration::from_secs(10);
    let world = World::with_delay(delay).await;
    world.create("s", 1).await;
    world.advance(delay);
    world.streams.run_jobs().await;
    for i in 0..5 {
        world.register("s", &format!("c{i}")).await.expect("a consumer");
    }
    assert_eq!(
        text_of(world.register("s", "c5").await),
        "LimitExceededException: No more than 5 consumers can be in CREATING state at the same time."
    );
    let arn: ByteString = format!("{}/consumer/c0:{}", world.arn("s"), world.now().seconds()).into();
    let status = async || {
        let found = world.streams.describe_stream_consumer(&world.caller, by_arn(&arn)).await;
        found.map(|found| found.consumer_description.consumer_status)
    };
    assert_eq!(status().await, Ok(ConsumerStatus::Creating));
    let subscribe = SubscribeToShardInput {
        consumer_arn: arn.clone(),
        shard_id: "0".into(),
        starting_position: StartingPosition { r#type: ShardIteratorType::Latest, ..Default::default() },
        ..Default::default()
    };
    assert_eq!(
        text_of(world.streams.subscribe_to_shard(&world.caller, subscribe).await.map(drop)),
        format!(
            "ResourceInUseException: Consumer c0 with creation timestamp {} under stream: s , account {ACCOUNT} is not in \
             ACTIVE status.",
            world.now().seconds()
        )
    );
    world.advance(delay);
    assert_eq!(status().await, Ok(ConsumerStatus::Active));
    let input = DeregisterStreamConsumerInput { consumer_arn: Some(arn.clone()), ..Default::default() };
    world.streams.deregister_stream_consumer(&world.caller, input).await.expect("deregistered");
    assert_eq!(status().await, Ok(ConsumerStatus::Deleting));
    world.advance(delay);
    world.streams.run_jobs().await;
    assert!(status().await.is_err());
}

#[tokio::test]
async fn consumers_have_tags_and_policies() {
    let world = World::new().await;
    world.create("s", 1).await;
    let input = RegisterStreamConsumerInput {
        stream_arn: world.arn("s"),
        consumer_name: "c".into(),
        tags: Some(BTreeMap::from([("k".into(), "v".into())])),
        ..Default::default()
    };
    let arn = world.streams.register_stream_consumer(&world.caller, input).await.expect("a consumer");
    let arn = arn.consumer.consumer_arn;
    let tags = ListTagsForResourceInput { resource_arn: arn.clone(), ..Default::default() };
    let tags = world.streams.list_tags_for_resource(&world.caller, tags).await.expect("tags");
    assert_eq!(tags.tags, Some(vec![Tag { key: "k".into(), value: Some("v".into()) }]));
    let policy = r#"{"Version":"2012-10-17","Statement":[]}"#;
    let put = PutResourcePolicyInput { resource_arn: arn.clone(), policy: policy.into(), ..Default::default() };
    world.streams.put_resource_policy(&world.caller, put).await.expect("stored");
    let get = GetResourcePolicyInput { resource_arn: arn, ..Default::default() };
    assert_eq!(*world.streams.get_resource_policy(&world.caller, get).await.expect("a policy").policy, *policy);
}

#[tokio::test]
async fn ways_to_name_a_consumer_must_agree() {
    let world = World::new().await;
    world.create("s", 1).await;
    world.create("t", 1).await;
    let arn = world.register("s", "c").await.expect("a consumer").consumer_arn;
    let describe = |stream: &str, name: &str| {
        let input = DescribeStreamConsumerInput {
            stream_arn: Some(world.arn(stream)),
            consumer_name: Some(name.into()),
            consumer_arn: Some(arn.clone()),
            ..Default::default()
        };
        world.streams.describe_stream_consumer(&world.caller, input)
    };
    assert!(describe("s", "c").await.is_ok());
    for (stream, name) in [("t", "c"), ("s", "d")] {
        assert_eq!(
            text_of(describe(stream, name).await),
            "InvalidArgumentException: ConsumerARN, StreamARN and ConsumerName do not name the same consumer."
        );
    }
}

#[tokio::test]
async fn pages_of_consumers_stand_alone() {
    let world = World::new().await;
    world.create("s", 1).await;
    let input = ListStreamConsumersInput {
        stream_arn: world.arn("s"),
        next_token: Some("t".into()),
        stream_creation_timestamp: Some(START),
        ..Default::default()
    };
    assert_eq!(
        text_of(world.streams.list_stream_consumers(&world.caller, input).await),
        "InvalidArgumentException: NextToken and StreamCreationTimestamp cannot be provided together."
    );
}

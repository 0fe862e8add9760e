use std::time::Duration;

use api::EventStream;
use api::kinesis::*;
use base::ByteString;
use futures_util::{FutureExt as _, StreamExt as _};

use streams::Spread;

use crate::world::{ACCOUNT, World, data, text_of};

type Events = EventStream<SubscribeToShardEvent, KinesisError>;

async fn subscribe(
    world: &World,
    consumer: &ByteString,
    shard: &str,
    kind: ShardIteratorType,
    number: Option<ByteString>,
) -> Result<Events, KinesisError> {
    let input = SubscribeToShardInput {
        consumer_arn: consumer.clone(),
        shard_id: shard.into(),
        starting_position: StartingPosition { r#type: kind, sequence_number: number, timestamp: None },
        ..Default::default()
    };
    world.streams.subscribe_to_shard(&world.caller, input).await
}

async fn world(limits: bool) -> (World, ByteString) {
    let world = if limits { World::with_limits().await } else { World::new().await };
    world.create("s", 1).await;
    let consumer = world.register("s", "c").await.expect("a consumer").consumer_arn;
    (world, consumer)
}

/// The next event, which must come within seconds.
async fn next(events: &mut Events) -> Option<Result<SubscribeToShardEvent, KinesisError>> {
    tokio::time::timeout(Duration::from_secs(8), events.next()).await.expect("an event in time")
}

async fn event(events: &mut Events) -> SubscribeToShardEvent {
    next(events).await.expect("the stream goes on").expect("an event")
}

#[tokio::test]
async fn what_is_pushed_is_metered_by_consumer() {
    let (world, consumer) = world(true).await;
    world.put("s", "k", "12345").await;
    let mut events = subscribe(&world, &consumer, "0", ShardIteratorType::TrimHorizon, None).await.expect("events");
    let again = subscribe(&world, &consumer, "0", ShardIteratorType::TrimHorizon, None).await;
    assert!(again.is_err(), "a second one at once");
    assert_eq!(event(&mut events).await.records.len(), 1);
    let taken = world.streams.take_meters().remove(0).meters.consumers.remove(0);
    let sum = |spread: Option<Spread>| spread.map(|spread| (spread.count, spread.sum));
    assert_eq!((taken.name.as_str(), sum(taken.subscribed), taken.rate_exceeded), ("c", Some((2, 1)), 1));
    assert_eq!((sum(taken.pushed), sum(taken.records), sum(taken.bytes)), (Some((1, 1)), Some((1, 1)), Some((1, 6))));
    assert_eq!(sum(taken.behind), Some((1, 0)));
    assert_eq!(world.streams.take_meters().remove(0).meters.consumers, [], "nothing since");
}

#[tokio::test]
async fn records_are_pushed_as_they_come() {
    let (world, consumer) = world(false).await;
    world.put("s", "k", "before").await;
    let mut events = subscribe(&world, &consumer, "0", ShardIteratorType::TrimHorizon, None).await.expect("events");
    let first = event(&mut events).await;
    assert_eq!(data(&first.records), ["before"]);
    assert_eq!(first.continuation_sequence_number.as_ref(), Some(&first.records[0].sequence_number));
    assert_eq!((first.millis_behind_latest, first.child_shards), (0, None));
    for i in 0..10 {
        world.put("s", "k", &i.to_string()).await;
        assert_eq!(data(&event(&mut events).await.records), [i.to_string()]);
    }
    assert!(events.next().now_or_never().is_none(), "nothing more to say");
    assert_eq!(world.streams.subscriptions(), 1);
    drop(events);
    assert_eq!(world.streams.subscriptions(), 0);
}

#[tokio::test]
async fn silence_is_broken_within_five_seconds() {
    let (world, consumer) = world(false).await;
    let mut events = subscribe(&world, &consumer, "0", ShardIteratorType::Latest, None).await.expect("events");
    let mut continuation = None;
    for _ in 0..2 {
        let heartbeat = event(&mut events).await;
        assert_eq!((heartbeat.records.len(), heartbeat.millis_behind_latest), (0, 0));
        continuation = heartbeat.continuation_sequence_number;
    }
    drop(events);
    world.put("s", "k", "later").await;
    let after = ShardIteratorType::AfterSequenceNumber;
    let mut events = subscribe(&world, &consumer, "0", after, continuation).await.expect("events");
    assert_eq!(data(&event(&mut events).await.records), ["later"]);
}

#[tokio::test]
async fn subscriptions_live_five_minutes() {
    let (world, consumer) = world(false).await;
    world.put("s", "k", "1").await;
    let mut events = subscribe(&world, &consumer, "0", ShardIteratorType::TrimHorizon, None).await.expect("events");
    let last = event(&mut events).await.continuation_sequence_number;
    world.advance(Duration::from_secs(300));
    world.put("s", "k", "2").await;
    assert!(next(&mut events).await.is_none());
    drop(events);
    let after = ShardIteratorType::AfterSequenceNumber;
    let mut events = subscribe(&world, &consumer, "0", after, last).await.expect("events");
    assert_eq!(data(&event(&mut events).await.records), ["2"]);
}

#[tokio::test]
async fn a_stopping_service_ends_its_subscriptions() {
    let (world, consumer) = world(false).await;
    let mut events = subscribe(&world, &consumer, "0", ShardIteratorType::Latest, None).await.expect("events");
    event(&mut events).await;
    world.streams.stop();
    assert!(next(&mut events).await.is_none());
    world.put("s", "k", "still here").await;
}

#[tokio::test]
async fn one_subscription_takes_over_from_another() {
    let (world, consumer) = world(true).await;
    let latest = || subscribe(&world, &consumer, "0", ShardIteratorType::Latest, None);
    let mut first = latest().await.expect("events");
    event(&mut first).await;
    let in_use = format!(
        "ResourceInUseException: Another active subscription exists for this consumer: \
         {ACCOUNT}:s:shardId-000000000000:c"
    );
    world.advance(Duration::from_millis(4900));
    assert_eq!(text_of(latest().await.map(drop)), in_use);
    world.advance(Duration::from_millis(100));
    let mut second = latest().await.expect("events");
    assert_eq!(text_of(next(&mut first).await.expect("an exception")), in_use);
    assert!(next(&mut first).await.is_none());
    drop(first);
    event(&mut second).await;
    drop(second);
    assert_eq!(
        text_of(latest().await.map(drop)),
        format!(
            "LimitExceededException: Rate exceeded for consumer c and shard shardId-000000000000 in stream s under \
             account {ACCOUNT}."
        )
    );
    world.advance(Duration::from_secs(1));
    assert!(latest().await.is_ok());
}

#[tokio::test]
async fn the_end_of_a_shard_is_told_and_final() {
    let (world, consumer) = world(false).await;
    let mut events = subscribe(&world, &consumer, "0", ShardIteratorType::TrimHorizon, None).await.expect("events");
    event(&mut events).await;
    world.put("s", "k", "last").await;
    assert_eq!(data(&event(&mut events).await.records), ["last"]);
    world.split("s", "0", "1000").await.expect("a split");
    let check = async |mut events: Events| {
        let end = event(&mut events).await;
        assert_eq!((end.records.len(), end.continuation_sequence_number), (0, None));
        let children = end.child_shards.expect("children");
        let ids: Vec<&str> = children.iter().map(|child| &*child.shard_id).collect();
        assert_eq!(ids, ["shardId-000000000001", "shardId-000000000002"]);
        assert!(children.iter().all(|child| child.parent_shards == ["shardId-000000000000"]));
        assert!(next(&mut events).await.is_none());
    };
    check(events).await;
    check(subscribe(&world, &consumer, "0", ShardIteratorType::Latest, None).await.expect("events")).await;
}

#[tokio::test]
async fn what_is_deleted_ends_its_subscriptions() {
    let (world, consumer) = world(false).await;
    let mut events = subscribe(&world, &consumer, "0", ShardIteratorType::Latest, None).await.expect("events");
    event(&mut events).await;
    let input = DeregisterStreamConsumerInput { consumer_arn: Some(consumer.clone()), ..Default::default() };
    world.streams.deregister_stream_consumer(&world.caller, input).await.expect("deregistered");
    let not_found = format!("ResourceNotFoundException: Consumer c under stream s not found for account {ACCOUNT}.");
    assert_eq!(text_of(next(&mut events).await.expect("an exception")), not_found);
    assert!(next(&mut events).await.is_none());
    let again = subscribe(&world, &consumer, "0", ShardIteratorType::Latest, None).await;
    assert_eq!(text_of(again.map(drop)), not_found);

    let other = world.register("s", "d").await.expect("a consumer").consumer_arn;
    let mut events = subscribe(&world, &other, "0", ShardIteratorType::Latest, None).await.expect("events");
    event(&mut events).await;
    let input = DeleteStreamInput {
        stream_name: Some("s".into()),
        enforce_consumer_deletion: Some(true),
        ..Default::default()
    };
    world.streams.delete_stream(&world.caller, input).await.expect("deleted");
    assert_eq!(
        text_of(next(&mut events).await.expect("an exception")),
        format!("ResourceNotFoundException: Stream s under account {ACCOUNT} not found.")
    );
}

#[tokio::test]
async fn a_consumer_has_two_mebibytes_a_second() {
    let (world, consumer) = world(true).await;
    for _ in 0..3 {
        world.try_put("s", "k", 1024 * 1024 - 1, "").await.expect("stored");
        world.advance(Duration::from_secs(1));
    }
    let mut events = subscribe(&world, &consumer, "0", ShardIteratorType::TrimHorizon, None).await.expect("events");
    let began = std::time::Instant::now();
    for _ in 0..3 {
        assert_eq!(event(&mut events).await.records.len(), 1);
    }
    // The second and the third event each wait for half a second's worth before them.
    assert!(began.elapsed() >= Duration::from_millis(900), "{:?}", began.elapsed());
}

/// The second call is told of the first; whoever goes on calling is told to slow down.
#[tokio::test]
async fn a_third_call_within_a_second_is_one_too_many() {
    let (world, consumer) = world(true).await;
    let latest = || subscribe(&world, &consumer, "0", ShardIteratorType::Latest, None);
    let _first = latest().await.expect("events");
    let refusal = async |millis| {
        world.advance(Duration::from_millis(millis));
        text_of(latest().await.map(drop))
    };
    let in_use = format!(
        "ResourceInUseException: Another active subscription exists for this consumer: \
         {ACCOUNT}:s:shardId-000000000000:c"
    );
    let too_fast = format!(
        "LimitExceededException: Rate exceeded for consumer c and shard shardId-000000000000 in stream s under account \
         {ACCOUNT}."
    );
    assert_eq!(refusal(100).await, in_use);
    assert_eq!(refusal(100).await, too_fast);
    assert_eq!(refusal(899).await, too_fast);
    assert_eq!(refusal(1).await, in_use);
    assert_eq!(refusal(3800).await, in_use);
    world.advance(Duration::from_millis(100));
    assert!(latest().await.is_ok(), "five seconds after the first call");
}

/// What a consumer has been sent is paid off even if it subscribes anew.
#[tokio::test]
async fn a_new_subscription_is_no_new_budget() {
    let (world, consumer) = world(true).await;
    let input =
        UpdateMaxRecordSizeInput { stream_arn: Some(world.arn("s")), max_record_size_in_kib: 10_240, stream_id: None };
    world.streams.update_max_record_size(&world.caller, input).await.expect("changed");
    world.try_put("s", "k", 10 * 1024 * 1024 - 1, "").await.expect("stored");
    let mut events = subscribe(&world, &consumer, "0", ShardIteratorType::TrimHorizon, None).await.expect("events");
    let last = event(&mut events).await.continuation_sequence_number;
    drop(events);
    world.advance(Duration::from_secs(20));
    world.put("s", "k", "small").await;
    let after = ShardIteratorType::AfterSequenceNumber;
    let mut events = subscribe(&world, &consumer, "0", after, last).await.expect("events");
    assert_eq!(event(&mut events).await.records, [], "ten mebibytes are five seconds' worth");
    assert_eq!(data(&event(&mut events).await.records), ["small"]);
}

//! What is noted of calls.

use std::time::Duration;

use api::kinesis::*;

use crate::world::*;

#[tokio::test]
async fn calls_are_noted_until_they_are_taken() {
    let world = World::new().await;
    world.create("orders", 1).await;
    world.put("orders", "k", "12345").await;
    world.put_many("orders", &[("k", "1"), ("k", "22")]).await;
    world.advance(Duration::from_secs(400));
    let metrics = EnableEnhancedMonitoringInput {
        stream_name: Some("orders".into()),
        shard_level_metrics: vec![MetricsName::IteratorAgeMilliseconds],
        ..EnableEnhancedMonitoringInput::default()
    };
    world.streams.enable_enhanced_monitoring(&world.caller, metrics).await.expect("shard-level metrics");
    let iterator = GetShardIteratorInput {
        stream_name: Some("orders".into()),
        shard_id: "shardId-000000000000".into(),
        shard_iterator_type: ShardIteratorType::TrimHorizon,
        ..GetShardIteratorInput::default()
    };
    let iterator = world.streams.get_shard_iterator(&world.caller, iterator).await.expect("an iterator");
    // The first call leaves its reader 400 seconds behind, the second at the tip.
    let mut shard_iterator = iterator.shard_iterator.expect("an iterator");
    for limit in [1, 100] {
        let input = GetRecordsInput { shard_iterator, limit: Some(limit), ..GetRecordsInput::default() };
        let found = world.streams.get_records(&world.caller, input).await.expect("records");
        shard_iterator = found.next_shard_iterator.expect("an open shard");
    }
    let taken = world.streams.take_meters().remove(0);
    let meters = &taken.meters;
    let age = meters.iterator_age.expect("two calls");
    assert_eq!((age.count, age.min, age.max), (2, 0, 400_000));
    assert_eq!(taken.shards[0].iterator_age, Some(age));
    assert_eq!(taken.monitored, [MetricsName::IteratorAgeMilliseconds]);
    let put = meters.put_record.expect("a call");
    assert_eq!((put.micros.count, put.failed, put.bytes.map(|bytes| bytes.sum)), (1, 0, Some(6)));
    let puts = meters.put_records.expect("a call");
    assert_eq!((puts.records.map(|records| records.sum), puts.bytes.map(|bytes| bytes.sum)), (Some(2), Some(5)));
    assert_eq!((meters.put_records_throttled, meters.put_records_failed), (0, 0));
    let got = meters.get_records.expect("two calls");
    assert_eq!((got.micros.count, got.records.map(|records| records.sum)), (2, Some(3)));
    let again = world.streams.take_meters().remove(0);
    assert_eq!((again.meters.get_records, again.meters.iterator_age), (None, None));
    assert_eq!(again.counts.incoming_records, 3);
}

#[tokio::test]
async fn refused_records_are_told_from_stored_ones() {
    let world = World::with_limits().await;
    world.create("orders", 1).await;
    let records: Vec<(&str, &str)> = (0..400).map(|_| ("k", "x")).collect();
    for _ in 0..3 {
        world.put_many("orders", &records).await;
    }
    let meters = world.streams.take_meters().remove(0).meters;
    let puts = meters.put_records.expect("three calls");
    assert_eq!((puts.micros.count, puts.records.map(|records| records.sum)), (3, Some(1200)));
    assert_eq!((puts.failed, meters.put_records_throttled, meters.put_records_failed), (0, 200, 0));
}

use std::time::Duration;

use api::kinesis::*;
use base::limits::MIB;

use crate::world::{START, World, data, text_of};

const HOUR: Duration = Duration::from_secs(3600);

#[tokio::test]
async fn records_come_back_as_they_were() {
    let world = World::new().await;
    world.create("s", 1).await;
    let put = world.put("s", "ключ", "data").await;
    let records = world.read_all("s", "0").await;
    assert_eq!(
        records,
        [Record {
            sequence_number: put.sequence_number,
            approximate_arrival_timestamp: Some(START),
            data: "data".into(),
            partition_key: "ключ".into(),
            encryption_type: None,
        }]
    );
}

#[tokio::test]
async fn pages_follow_each_other() {
    let world = World::new().await;
    world.create("s", 1).await;
    let all: Vec<String> = (0..25).map(|i| i.to_string()).collect();
    let records: Vec<(&str, &str)> = all.iter().map(|data| ("k", data.as_str())).collect();
    world.put_many("s", &records).await;
    world.advance(Duration::from_millis(700));
    let mut iterator = world.iterator("s", "0", ShardIteratorType::TrimHorizon).await.expect("an iterator");
    let mut read = Vec::new();
    for (count, behind) in [(10, 700), (10, 700), (5, 0), (0, 0)] {
        let output = world.get_some(&iterator, Some(10)).await.expect("a reading");
        assert_eq!((output.records.len(), output.millis_behind_latest), (count, Some(behind)));
        assert_eq!(output.child_shards, None);
        read.extend(data(&output.records));
        iterator = output.next_shard_iterator.expect("the shard is open");
    }
    assert_eq!(read, all);
}

/// Also when the rest has arrived in this very millisecond, or the clock has been set back since.
#[tokio::test]
async fn whoever_has_not_caught_up_is_behind() {
    let world = World::new().await;
    world.create("s", 1).await;
    world.put_many("s", &[("k", "1"), ("k", "2"), ("k", "3")]).await;
    let start = world.iterator("s", "0", ShardIteratorType::TrimHorizon).await.expect("an iterator");
    for back in [Duration::ZERO, Duration::from_secs(60)] {
        world.clock.set(START.minus(back));
        let first = world.get_some(&start, Some(2)).await.expect("a reading");
        assert_eq!((first.records.len(), first.millis_behind_latest), (2, Some(1)));
        let next = first.next_shard_iterator.expect("open");
        let second = world.get_some(&next, Some(2)).await.expect("a reading");
        assert_eq!((second.records.len(), second.millis_behind_latest), (1, Some(0)));
    }
}

#[tokio::test]
async fn records_from_before_the_creation_are_read() {
    let world = World::new().await;
    world.create("s", 1).await;
    world.clock.set(START.minus(Duration::from_secs(60)));
    world.put_many("s", &[("k", "1"), ("k", "2")]).await;
    let early = Some(START.minus(Duration::from_secs(90)));
    for (from, at) in [(ShardIteratorType::TrimHorizon, None), (ShardIteratorType::AtTimestamp, early)] {
        let iterator = world.iterator_with("s", "0", from, None, at).await.expect("an iterator");
        let found = world.get(&iterator).await.expect("a reading");
        assert_eq!(data(&found.records), ["1", "2"]);
    }
}

#[tokio::test]
async fn a_reading_has_at_most_ten_mebibytes() {
    let world = World::new().await;
    world.create("s", 1).await;
    for _ in 0..12 {
        world.try_put("s", "k", MIB - 1, "").await.expect("stored");
    }
    let iterator = world.iterator("s", "0", ShardIteratorType::TrimHorizon).await.expect("an iterator");
    let first = world.get(&iterator).await.expect("a reading");
    assert_eq!(first.records.len(), 10);
    let second = world.get(&first.next_shard_iterator.expect("open")).await.expect("a reading");
    assert_eq!(second.records.len(), 2);
}

#[tokio::test]
async fn latest_sees_only_what_comes_later() {
    let world = World::new().await;
    world.create("s", 1).await;
    world.put("s", "k", "before").await;
    let iterator = world.iterator("s", "0", ShardIteratorType::Latest).await.expect("an iterator");
    world.put("s", "k", "after").await;
    assert_eq!(data(&world.get(&iterator).await.expect("a reading").records), ["after"]);
}

#[tokio::test]
async fn what_is_past_retention_is_not_read() {
    let world = World::new().await;
    world.create("s", 1).await;
    let iterator = world.iterator("s", "0", ShardIteratorType::TrimHorizon).await.expect("an iterator");
    drop(iterator);
    world.put("s", "k", "old").await;
    world.advance(12 * HOUR);
    world.put("s", "k", "young").await;
    world.advance(12 * HOUR);
    assert_eq!(data(&world.read_all("s", "0").await), ["old", "young"]);
    world.advance(Duration::from_millis(1));
    assert_eq!(data(&world.read_all("s", "0").await), ["young"]);
    let world = world.restart().await;
    assert_eq!(data(&world.read_all("s", "0").await), ["young"]);
}

#[tokio::test]
async fn longer_retention_does_not_revive() {
    let world = World::new().await;
    world.create("s", 1).await;
    let change = |hours: i32| IncreaseStreamRetentionPeriodInput {
        stream_name: Some("s".into()),
        retention_period_hours: hours,
        ..IncreaseStreamRetentionPeriodInput::default()
    };
    world.put("s", "k", "old").await;
    world.advance(25 * HOUR);
    world.put("s", "k", "young").await;
    world.streams.increase_stream_retention_period(&world.caller, change(48)).await.expect("changed");
    assert_eq!(data(&world.read_all("s", "0").await), ["young"]);
    world.advance(40 * HOUR);
    assert_eq!(data(&world.read_all("s", "0").await), ["young"]);
    let shorter = DecreaseStreamRetentionPeriodInput {
        stream_name: Some("s".into()),
        retention_period_hours: 24,
        ..DecreaseStreamRetentionPeriodInput::default()
    };
    world.streams.decrease_stream_retention_period(&world.caller, shorter).await.expect("changed");
    assert_eq!(world.read_all("s", "0").await, []);
}

#[tokio::test]
async fn encryption_is_a_matter_of_each_record() {
    let world = World::new().await;
    world.create("s", 1).await;
    world.put("s", "k", "plain").await;
    let start = StartStreamEncryptionInput {
        stream_name: Some("s".into()),
        encryption_type: EncryptionType::Kms,
        key_id: "alias/aws/kinesis".into(),
        ..StartStreamEncryptionInput::default()
    };
    world.streams.start_stream_encryption(&world.caller, start).await.expect("changed");
    let summary = world.summary("s").await.expect("a stream");
    assert_eq!(summary.encryption_type, Some(EncryptionType::Kms));
    assert_eq!(summary.key_id, Some("alias/aws/kinesis".into()));
    assert_eq!(world.put("s", "k", "secret").await.encryption_type, Some(EncryptionType::Kms));
    let stop = StopStreamEncryptionInput {
        stream_name: Some("s".into()),
        encryption_type: EncryptionType::Kms,
        key_id: "alias/aws/kinesis".into(),
        ..StopStreamEncryptionInput::default()
    };
    world.streams.stop_stream_encryption(&world.caller, stop).await.expect("changed");
    let output = world.put_many("s", &[("k", "plain again")]).await;
    assert_eq!(output.encryption_type, None);
    let types: Vec<_> = world.read_all("s", "0").await.into_iter().map(|record| record.encryption_type).collect();
    assert_eq!(types, [None, Some(EncryptionType::Kms), None]);
    assert_eq!(world.summary("s").await.expect("a stream").key_id, None);
}

#[tokio::test]
async fn the_stream_of_an_iterator_is_not_another() {
    let world = World::new().await;
    world.create("s", 1).await;
    let iterator = world.iterator("s", "0", ShardIteratorType::Latest).await.expect("an iterator");
    let input =
        |arn| GetRecordsInput { shard_iterator: iterator.clone(), stream_arn: Some(arn), ..GetRecordsInput::default() };
    assert!(world.streams.get_records(&world.caller, input(world.arn("s"))).await.is_ok());
    assert_eq!(
        text_of(world.streams.get_records(&world.caller, input(world.arn("t"))).await),
        "InvalidArgumentException: StreamARN and ShardIterator do not name the same stream."
    );
}

use std::time::Duration;

use api::kinesis::*;
use base::ByteString;
use base::time::Timestamp;

use crate::world::{ACCOUNT, START, World, data, text_of};

const SHARD: &str = "shardId-000000000000";

/// A stream with the records `0` to `4`, one a second.
async fn world() -> (World, Vec<ByteString>) {
    let world = World::new().await;
    world.create("s", 1).await;
    let mut numbers = Vec::new();
    for i in 0..5 {
        numbers.push(world.put("s", "k", &i.to_string()).await.sequence_number);
        world.advance(Duration::from_secs(1));
    }
    (world, numbers)
}

async fn read(world: &World, kind: ShardIteratorType, number: Option<&str>, at: Option<Timestamp>) -> Vec<String> {
    let iterator = world.iterator_with("s", SHARD, kind, number.map(ByteString::from), at).await.expect("an iterator");
    data(&world.get(&iterator).await.expect("a reading").records)
}

#[tokio::test]
async fn five_types_begin_where_they_say() {
    let (world, numbers) = world().await;
    assert_eq!(read(&world, ShardIteratorType::TrimHorizon, None, None).await, ["0", "1", "2", "3", "4"]);
    let none: [&str; 0] = [];
    assert_eq!(read(&world, ShardIteratorType::Latest, None, None).await, none);
    assert_eq!(read(&world, ShardIteratorType::AtSequenceNumber, Some(&numbers[3]), None).await, ["3", "4"]);
    assert_eq!(read(&world, ShardIteratorType::AfterSequenceNumber, Some(&numbers[3]), None).await, ["4"]);
    assert_eq!(read(&world, ShardIteratorType::AfterSequenceNumber, Some(&numbers[4]), None).await, none);
    let start = world.shards("s").await[0].sequence_number_range.starting_sequence_number.clone();
    assert_eq!(read(&world, ShardIteratorType::AtSequenceNumber, Some(&start), None).await.len(), 5);
    assert_eq!(read(&world, ShardIteratorType::AfterSequenceNumber, Some(&start), None).await.len(), 5);
    let at = |millis: i64| Some(Timestamp::from_millis(START.millis() + millis));
    for (time, expected) in [(at(-10_000), 5), (at(0), 5), (at(1), 4), (at(2000), 3), (at(2001), 2), (at(5000), 0)] {
        assert_eq!(read(&world, ShardIteratorType::AtTimestamp, None, time).await.len(), expected, "{time:?}");
    }
}

#[tokio::test]
async fn shard_ids_are_normalised() {
    let (world, _) = world().await;
    for id in ["0", "shardId-0", "x-000"] {
        assert!(world.iterator("s", id, ShardIteratorType::Latest).await.is_ok(), "{id}");
    }
}

#[tokio::test]
async fn wrong_combinations_are_refused() {
    let (world, numbers) = world().await;
    let forms = "InvalidArgumentException: Must either specify (1) AT_SEQUENCE_NUMBER or AFTER_SEQUENCE_NUMBER and \
                 StartingSequenceNumber or (2) TRIM_HORIZON or LATEST and no StartingSequenceNumber. Request specified";
    let ask = async |kind, number: Option<&str>, at: Option<i64>| {
        let at = at.map(Timestamp::from_millis);
        text_of(world.iterator_with("s", SHARD, kind, number.map(ByteString::from), at).await)
    };
    assert_eq!(
        ask(ShardIteratorType::Latest, Some(&numbers[0]), None).await,
        format!("{forms} LATEST and also a StartingSequenceNumber.")
    );
    assert_eq!(
        ask(ShardIteratorType::AtTimestamp, Some(&numbers[0]), Some(1)).await,
        format!("{forms} AT_TIMESTAMP and also a StartingSequenceNumber.")
    );
    assert_eq!(
        ask(ShardIteratorType::AtSequenceNumber, None, None).await,
        format!("{forms} AT_SEQUENCE_NUMBER and no StartingSequenceNumber.")
    );
    assert_eq!(
        ask(ShardIteratorType::AtTimestamp, None, None).await,
        "InvalidArgumentException: Must specify timestampInMillis parameter for iterator of type AT_TIMESTAMP. Current \
         request has no timestamp parameter."
    );
    let (now, future) = (world.now().millis(), world.now().millis() + 1);
    assert_eq!(
        ask(ShardIteratorType::AtTimestamp, None, Some(future)).await,
        format!(
            "InvalidArgumentException: The timestampInMillis parameter cannot be greater than the \
             currentTimestampInMillis. timestampInMillis: {future}, currentTimestampInMillis: {now}"
        )
    );
}

#[tokio::test]
async fn wrong_numbers_are_refused() {
    let (world, _) = world().await;
    world.create("t", 2).await;
    let ask = async |shard: &str, number: &str| {
        let kind = ShardIteratorType::AtSequenceNumber;
        text_of(world.iterator_with("s", shard, kind, Some(number.into()), None).await)
    };
    let place = format!("used in GetShardIterator on shard {SHARD} in stream s under account {ACCOUNT} is invalid");
    assert_eq!(ask(SHARD, "0").await, format!("InvalidArgumentException: StartingSequenceNumber 0 {place}."));
    let other = world.shards("t").await;
    let number = |i: usize| other[i].sequence_number_range.starting_sequence_number.clone();
    assert_eq!(
        ask(SHARD, &number(0)).await,
        format!(
            "InvalidArgumentException: StartingSequenceNumber {} {place} because it did not come from this stream.",
            number(0)
        )
    );
    assert_eq!(
        ask(SHARD, &number(1)).await,
        "InvalidArgumentException: Invalid StartingSequenceNumber. It encodes shardId-000000000001, while it was used in \
         a call to a shard with shardId-000000000000"
    );
    assert_eq!(
        ask("7", "0").await,
        format!(
            "ResourceNotFoundException: Shard shardId-000000000007 in stream s under account {ACCOUNT} does not exist"
        )
    );
    assert_eq!(
        ask("shardId-a", "0").await,
        format!("ResourceNotFoundException: Could not find shard shardId-a in stream s under account {ACCOUNT}.")
    );
}

#[tokio::test]
async fn iterators_live_five_minutes_and_survive_a_restart() {
    let (world, _) = world().await;
    let iterator = world.iterator("s", SHARD, ShardIteratorType::TrimHorizon).await.expect("an iterator");
    assert!(iterator.len() <= 512);
    let world = world.restart().await;
    assert_eq!(world.get(&iterator).await.expect("a reading").records.len(), 5);
    assert_eq!(world.get(&format!("\"{iterator}\"")).await.expect("a reading").records.len(), 5);
    world.advance(Duration::from_secs(300));
    assert!(world.get(&iterator).await.is_ok());
    world.advance(Duration::from_secs(1));
    assert_eq!(
        text_of(world.get(&iterator).await),
        "ExpiredIteratorException: Iterator expired. The iterator was created at time Tue Nov 14 22:13:25 UTC 2023 while \
         right now it is Tue Nov 14 22:18:26 UTC 2023 which is further in the future than the tolerated delay of 300000 \
         milliseconds."
    );
}

#[tokio::test]
async fn foreign_iterators_are_refused() {
    let (world, _) = world().await;
    let invalid = "InvalidArgumentException: Invalid ShardIterator.";
    let iterator = world.iterator("s", SHARD, ShardIteratorType::TrimHorizon).await.expect("an iterator");
    for nonsense in ["", "abc", "AAAAAAAAAAE=", &format!("{iterator}A"), &iterator[4..]] {
        assert_eq!(text_of(world.get(nonsense).await), invalid);
    }
    let (other, _) = self::world().await;
    let foreign = other.iterator("s", SHARD, ShardIteratorType::TrimHorizon).await.expect("an iterator");
    assert_eq!(text_of(world.get(&foreign).await), invalid);
}

#[tokio::test]
async fn iterators_belong_to_one_incarnation() {
    let (world, _) = world().await;
    let iterator = world.iterator("s", SHARD, ShardIteratorType::TrimHorizon).await.expect("an iterator");
    world.delete("s").await.expect("deleted");
    world.create("s", 1).await;
    assert_eq!(
        text_of(world.get(&iterator).await),
        format!("ResourceNotFoundException: Stream s under account {ACCOUNT} not found.")
    );
}

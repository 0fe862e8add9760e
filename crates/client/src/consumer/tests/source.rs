//! Reading through errors that tell little.

use std::time::Duration;

use api::kinesis::{
    ChildShard, GetRecordsOutput, KinesisError, Record, ShardIteratorType, StartingPosition, SubscribeToShardEvent,
};
use base::time::{Clock as _, SystemClock, Timestamp};
use tokio::time::timeout;

use super::lease;
use crate::consumer::fake::{FakeStream, shard};
use crate::consumer::lease::Lease;
use crate::consumer::reader::How;
use crate::consumer::source::{Fetched, Source};

fn not_found() -> KinesisError {
    KinesisError::resource_not_found("what")
}

fn record(sequence_number: &'static str) -> Record {
    Record { sequence_number: sequence_number.into(), partition_key: "k".into(), ..Default::default() }
}

fn one_record() -> GetRecordsOutput {
    GetRecordsOutput { records: vec![record("7")], next_shard_iterator: Some("iterator".into()), ..Default::default() }
}

/// What comes within minutes: records, an end, or nothing.
async fn next(source: &mut Source) -> &'static str {
    match timeout(Duration::from_secs(300), source.next()).await {
        Ok(Some(Fetched::Batch { .. })) => "records",
        Ok(Some(Fetched::End(_))) => "end",
        Ok(None) => "failed",
        Err(_) => "nothing",
    }
}

fn fan_out(stream: &FakeStream) -> Source {
    let how = How::FanOut { name: "name".into(), consumer_arn: "consumer:0".into() };
    Source::start(stream.reader(how), lease("s", "TRIM_HORIZON"))
}

fn polling(stream: &FakeStream) -> Source {
    Source::start(stream.polling(), lease("s", "TRIM_HORIZON"))
}

#[tokio::test(start_paused = true)]
async fn an_open_shard_that_is_not_found_does_not_end() {
    let stream = FakeStream::default();
    stream.state().shards = Some(vec![shard("s", true)]);
    stream.state().records = [Err(not_found()), Ok(one_record())].into();
    assert_eq!(next(&mut polling(&stream)).await, "records");
}

#[tokio::test(start_paused = true)]
async fn a_shard_that_is_gone_or_closed_ends() {
    for shards in [vec![], vec![shard("s", false)]] {
        let stream = FakeStream::default();
        stream.state().shards = Some(shards);
        stream.state().records = [Err(not_found())].into();
        assert_eq!(next(&mut polling(&stream)).await, "end");
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_is_gone_is_waited_for() {
    let stream = FakeStream::default();
    stream.state().refused_positions = vec![not_found(); 1000].into();
    stream.state().subscriptions = vec![Err(not_found()); 1000].into();
    assert_eq!(next(&mut polling(&stream)).await, "nothing");
    assert_eq!(next(&mut fan_out(&stream)).await, "nothing");
    assert!(stream.state().positions.len() < 100, "with a growing pause");
}

#[tokio::test(start_paused = true)]
async fn a_consumer_that_is_gone_is_registered_again() {
    for is_open in [true, false] {
        let stream = FakeStream::default();
        stream.state().shards = Some(vec![shard("s", is_open)]);
        let last = SubscribeToShardEvent {
            records: vec![record("7")],
            child_shards: Some(vec![ChildShard::default()]),
            ..Default::default()
        };
        stream.state().subscriptions = [Err(not_found()), Ok(vec![last])].into();
        let mut source = fan_out(&stream);
        assert_eq!(next(&mut source).await, "records");
        assert_eq!(next(&mut source).await, "end");
        assert_eq!(stream.state().subscribers, ["consumer:0", "consumer:1"]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_shard_that_is_gone_ends_for_fan_out_too() {
    let stream = FakeStream::default();
    stream.state().shards = Some(Vec::new());
    stream.state().subscriptions = vec![Err(not_found()); 2].into();
    assert_eq!(next(&mut fan_out(&stream)).await, "end");
    assert_eq!(stream.state().registered, 1);
}

const SINCE: Timestamp = Timestamp::from_millis(1_700_000_000_000);

fn at(kind: ShardIteratorType, timestamp: Option<Timestamp>) -> StartingPosition {
    StartingPosition { r#type: kind, timestamp, ..Default::default() }
}

#[tokio::test(start_paused = true)]
async fn a_lease_at_latest_is_read_from_its_making() {
    use ShardIteratorType::{AtTimestamp, Latest};
    let expired = || Err(KinesisError::expired_iterator("old"));
    let stream = FakeStream::default();
    stream.state().records = [expired(), Ok(one_record())].into();
    let lease = Lease { since: Some(SINCE), ..lease("s", "LATEST") };
    assert_eq!(next(&mut Source::start(stream.polling(), lease.clone())).await, "records");
    assert_eq!(stream.state().positions, [at(AtTimestamp, Some(SINCE)), at(AtTimestamp, Some(SINCE))]);

    // The server's clock is behind.
    let stream = FakeStream::default();
    stream.state().refused_positions = [KinesisError::invalid_argument("the future")].into();
    stream.state().records = [Ok(one_record())].into();
    let reader = stream.polling();
    assert_eq!(next(&mut Source::start(reader.clone(), lease.clone())).await, "records");
    assert_eq!(stream.state().positions, [at(AtTimestamp, Some(SINCE)), at(Latest, None)]);
    assert_eq!(reader.counters.snapshot().reads_failed, 1);

    let stream = FakeStream::default();
    let mut source =
        Source::start(stream.reader(How::FanOut { name: "name".into(), consumer_arn: "consumer:0".into() }), lease);
    assert_eq!(next(&mut source).await, "nothing");
    assert_eq!(stream.state().positions, [at(AtTimestamp, Some(SINCE))]);
}

#[tokio::test(start_paused = true)]
async fn a_lease_at_latest_of_another_library_passes_over_nothing_while_it_is_read() {
    let stream = FakeStream::default();
    stream.state().records = [Err(KinesisError::expired_iterator("old")), Ok(one_record())].into();
    let started = SystemClock.now();
    assert_eq!(next(&mut Source::start(stream.polling(), lease("s", "LATEST"))).await, "records");
    let positions = stream.state().positions.clone();
    assert_eq!(positions[0], at(ShardIteratorType::Latest, None));
    assert_eq!(positions[1].r#type, ShardIteratorType::AtTimestamp);
    assert!(positions[1].timestamp >= Some(started));
}

#[tokio::test(start_paused = true)]
async fn a_lease_at_a_time_keeps_it_whatever_the_settings_say() {
    use ShardIteratorType::{AtTimestamp, TrimHorizon};
    let other = Timestamp::from_millis(5);
    for (row, setting, expected) in [
        (Some(SINCE), None, at(AtTimestamp, Some(SINCE))),
        (Some(SINCE), Some(other), at(AtTimestamp, Some(SINCE))),
        (None, Some(other), at(AtTimestamp, Some(other))),
        (None, None, at(TrimHorizon, None)),
    ] {
        let stream = FakeStream::default();
        let mut reader = stream.polling();
        reader.since = setting;
        stream.state().records = [Ok(one_record())].into();
        assert_eq!(
            next(&mut Source::start(reader, Lease { since: row, ..lease("s", "AT_TIMESTAMP") })).await,
            "records"
        );
        assert_eq!(stream.state().positions, [expected]);
    }
}

#[tokio::test(start_paused = true)]
async fn an_iterator_that_is_refused_is_replaced() {
    let stream = FakeStream::default();
    stream.state().records = [Err(KinesisError::invalid_argument("no iterator")), Ok(one_record())].into();
    let reader = stream.polling();
    assert_eq!(next(&mut Source::start(reader.clone(), lease("s", "TRIM_HORIZON"))).await, "records");
    assert_eq!(stream.state().positions.len(), 2);
    assert_eq!(reader.counters.snapshot().reads_failed, 1);
}

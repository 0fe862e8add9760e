//! Reading through errors that tell little.

use std::time::Duration;

use api::kinesis::{ChildShard, GetRecordsOutput, KinesisError, Record, SubscribeToShardEvent};
use tokio::time::timeout;

use super::lease;
use crate::consumer::fake::{FakeStream, shard};
use crate::consumer::source::{Fetched, How, Source};

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

use std::time::Duration;

use api::kinesis::*;
use base::limits::MIB;

use crate::world::{ACCOUNT, World, entry, text_of};

fn rate(shard: u32) -> String {
    format!("Rate exceeded for shard shardId-{shard:012} in stream s under account {ACCOUNT}.")
}

async fn put(world: &World, count: usize, bytes: usize) -> PutRecordsOutput {
    let input = PutRecordsInput {
        stream_name: Some("s".into()),
        records: std::iter::repeat_n(entry("k", &vec![0; bytes - 1]), count).collect(),
        ..Default::default()
    };
    world.streams.put_records(&world.caller, input).await.expect("an answer for every record")
}

#[tokio::test]
async fn records_beyond_the_limit_fail_in_place() {
    let world = World::with_limits().await;
    world.create("s", 1).await;
    for _ in 0..2 {
        assert_eq!(put(&world, 490, 10).await.failed_record_count, Some(0));
    }
    let output = put(&world, 50, 10).await;
    assert_eq!((output.failed_record_count, output.records.len()), (Some(30), 50));
    assert!(output.records.get(19).expect("a result").sequence_number.is_some());
    let refused = output.records.get(20).expect("a result");
    assert_eq!(refused.error_code, Some("ProvisionedThroughputExceededException"));
    assert_eq!(refused.error_message, Some(&*rate(0)));
    assert_eq!((refused.sequence_number, refused.shard_id), (None, None));
    assert_eq!(
        text_of(world.try_put("s", "k", 1, "").await),
        format!("ProvisionedThroughputExceededException: {}", rate(0))
    );
    world.advance(Duration::from_secs(1));
    assert!(world.try_put("s", "k", 1, "").await.is_ok());
    let metrics = world.streams.metrics_snapshot();
    assert_eq!(metrics.len(), 1);
    assert_eq!(metrics[0].counts.incoming_records, 1001);
    assert_eq!(metrics[0].counts.write_throttled, 31);
    assert_eq!(metrics[0].shards[0].counts.write_throttled, 31);
}

#[tokio::test]
async fn a_shard_takes_a_mebibyte_a_second() {
    let world = World::with_limits().await;
    world.create("s", 1).await;
    assert_eq!(put(&world, 4, MIB / 4).await.failed_record_count, Some(0));
    assert_eq!(put(&world, 1, MIB / 4).await.failed_record_count, Some(1));
    world.advance(Duration::from_millis(250));
    assert_eq!(put(&world, 2, MIB / 4).await.failed_record_count, Some(1));
}

#[tokio::test]
async fn limits_can_be_off() {
    let world = World::new().await;
    world.create("s", 1).await;
    for _ in 0..4 {
        assert_eq!(put(&world, 500, 1000).await.failed_record_count, Some(0));
    }
    for _ in 0..20 {
        world.read_all("s", "0").await;
        world.summary("s").await.expect("a stream");
    }
}

#[tokio::test]
async fn on_demand_streams_are_limited_as_a_whole() {
    let world = World::with_limits().await;
    world.create_on_demand("s").await;
    // All records go to one shard.
    for _ in 0..8 {
        assert_eq!(put(&world, 500, 10).await.failed_record_count, Some(0));
    }
    assert_eq!(put(&world, 500, 10).await.failed_record_count, Some(500));
    world.advance(Duration::from_millis(500));
    assert_eq!(put(&world, 500, 10).await.failed_record_count, Some(0));
}

#[tokio::test]
async fn reads_are_limited_by_calls_and_bytes() {
    let world = World::with_limits().await;
    world.create("s", 1).await;
    put(&world, 1, MIB).await;
    world.advance(Duration::from_secs(1));
    put(&world, 2, MIB / 2).await;
    let iterator = world.iterator("s", "0", ShardIteratorType::TrimHorizon).await.expect("an iterator");
    let latest = world.iterator("s", "0", ShardIteratorType::Latest).await.expect("an iterator");
    let refused = format!("ProvisionedThroughputExceededException: {}", rate(0));
    assert_eq!(world.get(&iterator).await.expect("a reading").records.len(), 3);
    assert_eq!(text_of(world.get(&latest).await), refused, "two mebibytes were read in this second");
    world.advance(Duration::from_secs(1));
    for _ in 0..5 {
        world.get(&latest).await.expect("a reading");
    }
    assert_eq!(text_of(world.get(&latest).await), refused);
    for _ in 0..5 {
        world.iterator("s", "0", ShardIteratorType::Latest).await.expect("an iterator");
    }
    assert_eq!(text_of(world.iterator("s", "0", ShardIteratorType::Latest).await), refused);
    assert_eq!(world.streams.metrics_snapshot()[0].counts.read_throttled, 2);
}

#[tokio::test]
async fn calls_are_limited_by_account() {
    let world = World::with_limits().await;
    world.create("s", 1).await;
    for _ in 0..20 {
        world.summary("s").await.expect("a stream");
    }
    assert_eq!(
        text_of(world.summary("s").await),
        format!("LimitExceededException: Rate exceeded for stream s under account {ACCOUNT}.")
    );
    let limits = || world.streams.describe_limits(&world.caller, DescribeLimitsInput {});
    limits().await.expect("limits");
    assert_eq!(
        text_of(limits().await),
        format!("LimitExceededException: Rate exceeded for operation DescribeLimits under account {ACCOUNT}.")
    );
    world.advance(Duration::from_secs(1));
    assert!(world.summary("s").await.is_ok());
}

#[tokio::test]
async fn on_demand_streams_grow_with_their_load() {
    let world = World::new().await;
    world.create_on_demand("s").await;
    world.streams.run_jobs().await;
    // 60 MiB in a minute, all into one shard.
    for _ in 0..60 {
        put(&world, 4, MIB / 4).await;
        world.advance(Duration::from_secs(1));
    }
    world.streams.run_jobs().await;
    let open = world.open_shards("s").await.len();
    assert_eq!(open, 5, "the hot shard was split");
    let job = world.streams.jobs().into_iter().find(|job| job.name == "on-demand scaling").expect("a job");
    assert_eq!((job.done, job.failures), (1, 0));
    world.advance(Duration::from_secs(60));
    world.streams.run_jobs().await;
    assert_eq!(world.open_shards("s").await.len(), 5, "no load, no split");
    assert_eq!(world.read_all("s", &world.shards("s").await[0].shard_id).await.len() % 4, 0);
}

#[tokio::test]
async fn the_bytes_of_a_shard_are_counted_record_by_record() {
    let world = World::with_limits().await;
    world.create("s", 1).await;
    let output = put(&world, 6, 1_000_000).await;
    assert_eq!(output.failed_record_count, Some(5));
    let mut results = output.records.iter();
    assert!(results.next().expect("a result").sequence_number.is_some());
    for refused in results {
        assert_eq!(refused.error_code, Some("ProvisionedThroughputExceededException"));
        assert_eq!(refused.error_message, Some(&*rate(0)));
    }
    assert_eq!(put(&world, 2, 24_000).await.failed_record_count, Some(0), "what is left of the second");
    assert_eq!(put(&world, 1, 24_000).await.failed_record_count, Some(1));
}

#[tokio::test]
async fn the_bytes_of_an_on_demand_stream_are_counted_record_by_record() {
    let world = World::with_limits().await;
    world.create_on_demand("s").await;
    let output = put(&world, 10, 1_000_000).await;
    assert_eq!(output.failed_record_count, Some(6), "four mebibytes a second");
    assert!(output.records.get(3).expect("a result").sequence_number.is_some());
    assert!(output.records.get(4).expect("a result").error_code.is_some());
}

/// The shards that a stream brings along can still take what they took before.
#[tokio::test]
async fn a_stream_keeps_its_capacity_when_it_becomes_on_demand() {
    let world = World::with_limits().await;
    world.create("s", 10).await;
    let switch = UpdateStreamModeInput {
        stream_arn: world.arn("s"),
        stream_mode_details: StreamModeDetails { stream_mode: StreamMode::OnDemand },
        ..Default::default()
    };
    world.streams.update_stream_mode(&world.caller, switch).await.expect("switched");
    for _ in 0..20 {
        assert_eq!(put(&world, 500, 10).await.failed_record_count, Some(0));
    }
    assert_eq!(put(&world, 1, 10).await.failed_record_count, Some(1));
}

/// Every shard whose rate over a whole minute is above 500 kB/s is cut into halves; a shorter burst does nothing.
#[tokio::test]
async fn on_demand_shards_are_split_by_the_minute() {
    let world = World::new().await;
    world.create_on_demand("s").await;
    world.streams.run_jobs().await;
    let ranges = base::hash_key::HashKeyRange::uniform(4);
    let starts: Vec<String> = ranges.iter().map(|range| range.start.to_string()).collect();
    let load = async |seconds: usize, bytes: usize| {
        for _ in 0..seconds {
            let data = vec![0; bytes - 1];
            let records = starts
                .iter()
                .map(|start| PutRecordsRequestEntry { explicit_hash_key: Some(start), ..entry("k", &data) });
            let input =
                PutRecordsInput { stream_name: Some("s".into()), records: records.collect(), ..Default::default() };
            world.streams.put_records(&world.caller, input).await.expect("an answer for every record");
            world.advance(Duration::from_secs(1));
            world.streams.run_jobs().await;
        }
        world.open_shards("s").await.len()
    };
    assert_eq!(load(12, MIB).await, 4, "4 MiB/s for twelve seconds");
    assert_eq!(load(47, MIB).await, 4);
    assert_eq!(load(1, MIB).await, 8, "4 MiB/s for a minute");
    assert_eq!(load(60, 500_000).await, 8, "no more than its share");
    assert_eq!(load(60, 500_001).await, 12, "the lower halves");
}

#[tokio::test]
async fn calls_by_arn_are_refused_by_name() {
    let world = World::with_limits().await;
    world.create("s", 1).await;
    let by_arn = || {
        let input = DescribeStreamSummaryInput { stream_arn: Some(world.arn("s")), ..Default::default() };
        world.streams.describe_stream_summary(&world.caller, input)
    };
    for _ in 0..20 {
        by_arn().await.expect("a stream");
    }
    assert_eq!(
        text_of(by_arn().await),
        format!("LimitExceededException: Rate exceeded for stream s under account {ACCOUNT}.")
    );
}

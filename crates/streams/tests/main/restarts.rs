//! A service that cannot write, and one that starts after it.

use api::kinesis::*;

use crate::engines::{Engines, create, put};
use crate::world::{caller, entry, text_of};

/// Wherever the catalog fails in the middle of a scaling, the next start finishes it, or it never began.
#[tokio::test]
async fn scalings_are_completed_after_a_failure_anywhere() {
    let caller = caller("000000000000", "us-east-1");
    let mut failures = 0;
    for writes in 0.. {
        let engines = Engines::new();
        let streams = engines.start().await;
        create(&streams, &caller, 4).await;
        let scale = UpdateShardCountInput {
            stream_name: Some("s".into()),
            target_shard_count: 7,
            scaling_type: ScalingType::UniformScaling,
            ..Default::default()
        };
        engines.catalog.fail_after(writes);
        let scaled = streams.update_shard_count(&caller, scale).await;
        streams.put_record(&caller, put("meanwhile")).await.expect("some shard is open");
        drop(streams);
        engines.catalog.fail(false);
        let streams = engines.start().await;
        let list = ListShardsInput {
            stream_name: Some("s".into()),
            shard_filter: Some(ShardFilter { r#type: ShardFilterType::AtLatest, ..Default::default() }),
            ..Default::default()
        };
        let shards = streams.list_shards(&caller, list).await.expect("shards").shards.expect("shards");
        let mut starts: Vec<u128> =
            shards.iter().map(|shard| shard.hash_key_range.starting_hash_key.parse().expect("a hash key")).collect();
        starts.sort_unstable();
        let count = if writes == 0 { 4 } else { 7 };
        let uniform = base::hash_key::HashKeyRange::uniform(count);
        assert_eq!(starts, uniform.iter().map(|range| range.start.0).collect::<Vec<_>>(), "after {writes} writes");
        streams.put_record(&caller, put("afterwards")).await.expect("some shard is open");
        if scaled.is_ok() {
            break;
        }
        failures += 1;
    }
    assert!(failures >= 4, "a scaling has several steps");
}

#[tokio::test]
async fn nothing_is_half_done_on_a_full_disk() {
    let engines = Engines::new();
    let Engines { catalog, log, .. } = &engines;
    let streams = engines.start().await;
    let caller = caller("000000000000", "us-east-1");
    create(&streams, &caller, 1).await;

    let full = "InternalFailureException: Internal service failure: the disk is full.";
    log.fail(true);
    assert_eq!(text_of(streams.put_record(&caller, put("lost")).await), full);
    let many = PutRecordsInput {
        stream_name: Some("s".into()),
        records: [entry("a", b"lost")].into_iter().collect(),
        ..Default::default()
    };
    let output = streams.put_records(&caller, many).await.expect("an answer for every record");
    assert_eq!(output.failed_record_count, Some(1));
    let refused = output.records.get(0).expect("one result");
    assert_eq!(refused.error_code, Some("InternalFailure"));
    assert_eq!(refused.error_message, Some("Internal service failure: the disk is full."));
    log.fail(false);
    streams.put_record(&caller, put("kept")).await.expect("space has returned");

    let split = SplitShardInput {
        stream_name: Some("s".into()),
        shard_to_split: "0".into(),
        new_starting_hash_key: "1000".into(),
        ..Default::default()
    };
    catalog.fail(true);
    assert_eq!(text_of(streams.split_shard(&caller, split.clone()).await), full);
    // The shard takes records again.
    streams.put_record(&caller, put("kept too")).await.expect("the shard is open");
    catalog.fail(false);
    drop(streams);
    let streams = engines.start().await;
    streams.put_record(&caller, put("kept as well")).await.expect("the shard is open");
    streams.split_shard(&caller, split).await.expect("a split");
    let iterator = GetShardIteratorInput {
        stream_name: Some("s".into()),
        shard_id: "0".into(),
        shard_iterator_type: ShardIteratorType::TrimHorizon,
        ..Default::default()
    };
    let iterator = streams.get_shard_iterator(&caller, iterator).await.expect("an iterator").shard_iterator;
    let input = GetRecordsInput { shard_iterator: iterator.expect("an iterator"), ..Default::default() };
    let output = streams.get_records(&caller, input).await.expect("a reading");
    assert_eq!(crate::world::data(&output.records), ["kept", "kept too", "kept as well"]);
    assert_eq!(output.child_shards.map(|children| children.len()), Some(2));
}

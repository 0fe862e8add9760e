use api::kinesis::*;
use base::limits::{KIB, MIB};

use crate::world::{ACCOUNT, World, data, entry, text_of};

fn single(stream: &str, key: &str) -> PutRecordInput {
    PutRecordInput {
        stream_name: Some(stream.into()),
        partition_key: key.into(),
        data: "d".into(),
        ..PutRecordInput::default()
    }
}

#[tokio::test]
async fn numbers_rise_within_a_shard() {
    let world = World::new().await;
    world.create("s", 1).await;
    let start = world.shards("s").await[0].sequence_number_range.starting_sequence_number.clone();
    let mut last = start.to_string();
    for i in 0..5 {
        let put = world.put("s", "k", &i.to_string()).await;
        assert_eq!(&*put.shard_id, "shardId-000000000000");
        assert_eq!(put.encryption_type, None);
        assert!(*put.sequence_number > *last, "{} > {last}", put.sequence_number);
        last = put.sequence_number.to_string();
    }
    assert_eq!(data(&world.read_all("s", "0").await), ["0", "1", "2", "3", "4"]);
}

#[tokio::test]
async fn results_keep_the_order_of_the_request() {
    let world = World::new().await;
    world.create("s", 4).await;
    let keys: Vec<String> = (0..500).map(|i| format!("key-{i}")).collect();
    let records: Vec<(&str, &str)> = keys.iter().map(|key| (key.as_str(), key.as_str())).collect();
    let output = world.put_many("s", &records).await;
    assert_eq!((output.failed_record_count, output.records.len()), (Some(0), 500));
    let mut found = 0;
    for shard in world.shards("s").await {
        let (from, to) = (&shard.hash_key_range.starting_hash_key, &shard.hash_key_range.ending_hash_key);
        let (from, to): (u128, u128) = (from.parse().expect("a number"), to.parse().expect("a number"));
        let stored = world.read_all("s", &shard.shard_id).await;
        let mut expected = keys.iter().zip(&output.records).filter(|(key, _)| {
            let hash = base::hash_key::HashKey::of(key).0;
            from <= hash && hash <= to
        });
        for record in &stored {
            let (key, result) = expected.next().expect("a record of this shard");
            assert_eq!(*record.partition_key, **key);
            assert_eq!(record.data, key.as_bytes());
            assert_eq!(Some(&*record.sequence_number), result.sequence_number);
            assert_eq!(Some(&*shard.shard_id), result.shard_id);
            found += 1;
        }
        assert!(expected.next().is_none());
    }
    assert_eq!(found, 500);
}

#[tokio::test]
async fn explicit_hash_keys_decide() {
    let world = World::new().await;
    world.create("s", 2).await;
    let put = |key: &str| {
        let input = PutRecordInput { explicit_hash_key: Some(key.into()), ..single("s", "k") };
        world.streams.put_record(&world.caller, input)
    };
    let max = "340282366920938463463374607431768211455";
    for (key, shard) in [("0", 0), ("170141183460469231731687303715884105727", 0), (max, 1)] {
        assert_eq!(*put(key).await.expect("stored").shard_id, format!("shardId-{shard:012}"));
    }
    let above = "340282366920938463463374607431768211456";
    let text = format!(
        "InvalidArgumentException: Invalid ExplicitHashKey. ExplicitHashKey must be in the range: [0, 2^128-1]. \
         Specified value was {above}"
    );
    assert_eq!(text_of(put(above).await), text);
    let refused = PutRecordsRequestEntry { explicit_hash_key: Some(above), ..entry("b", b"b") };
    let records = [entry("a", b"a"), refused].into_iter().collect();
    let input = PutRecordsInput { stream_name: Some("s".into()), records, ..PutRecordsInput::default() };
    assert_eq!(text_of(world.streams.put_records(&world.caller, input).await), text);
    assert_eq!(world.read_all("s", "0").await.len() + world.read_all("s", "1").await.len(), 3, "nothing half done");
}

#[tokio::test]
async fn records_have_a_size() {
    let world = World::new().await;
    world.create("s", 1).await;
    assert!(world.try_put("s", "k", MIB - 1, "").await.is_ok());
    assert_eq!(
        text_of(world.try_put("s", "k", MIB, "").await),
        "ValidationException: 1 validation error detected: Value 'java.nio.HeapByteBuffer[pos=0 lim=1048576 \
         cap=1048576]' at 'data' failed to satisfy constraint: Member must have length less than or equal to 1048576"
    );
    let input =
        UpdateMaxRecordSizeInput { stream_arn: Some(world.arn("s")), max_record_size_in_kib: 10_240, stream_id: None };
    world.streams.update_max_record_size(&world.caller, input).await.expect("changed");
    assert!(world.try_put("s", "k", 10 * MIB - 1, "").await.is_ok());
    let many = |count: usize, bytes: usize| PutRecordsInput {
        stream_name: Some("s".into()),
        records: std::iter::repeat_n(entry("k", &vec![0; bytes]), count).collect(),
        ..PutRecordsInput::default()
    };
    assert_eq!(
        text_of(world.streams.put_records(&world.caller, many(11, MIB)).await),
        "InvalidArgumentException: Records size exceeds 10 MB limit"
    );
    assert_eq!(
        text_of(world.streams.put_records(&world.caller, many(2, 10_240 * KIB)).await),
        "ValidationException: 1 validation error detected: Value 'java.nio.HeapByteBuffer[pos=0 lim=10485760 \
         cap=10485760]' at 'records.1.member.data' failed to satisfy constraint: Member must have length less than or \
         equal to 10485760"
    );
}

#[tokio::test]
async fn ordering_numbers_must_make_sense() {
    let world = World::new().await;
    world.create("s", 1).await;
    let start = world.shards("s").await[0].sequence_number_range.starting_sequence_number.clone();
    let first = world.put("s", "k", "1").await.sequence_number;
    let put = |ordering: &str| {
        let input = PutRecordInput { sequence_number_for_ordering: Some(ordering.into()), ..single("s", "k") };
        world.streams.put_record(&world.caller, input)
    };
    assert!(put(&start).await.is_ok());
    assert!(*put(&first).await.expect("stored").sequence_number > *first);
    let first: base::sequence::SequenceNumber = first.parse().expect("a number");
    let beyond = base::sequence::SequenceNumber { index: 4, ..first }.to_string();
    let future = base::sequence::SequenceNumber { time_seconds: first.time_seconds + 60, ..first }.to_string();
    for nonsense in ["1", &beyond, &future] {
        assert_eq!(
            text_of(put(nonsense).await),
            format!(
                "InvalidArgumentException: ExclusiveMinimumSequenceNumber {nonsense} used in PutRecord on stream s under \
                 account {ACCOUNT} is invalid."
            )
        );
    }
}

#[tokio::test]
async fn dry_runs_store_nothing() {
    let world = World::new().await;
    world.create("s", 1).await;
    let input = PutRecordInput { dry_run: Some(true), ..single("s", "k") };
    assert_eq!(
        text_of(world.streams.put_record(&world.caller, input).await),
        "DryRunOperationException: Request would have succeeded, but DryRun flag is set."
    );
    assert_eq!(world.read_all("s", "0").await, []);
}

/// Each generation of children is dated a second after its parents, so that quick ones are dated ahead.
#[tokio::test]
async fn ordering_follows_splits_in_quick_succession() {
    let world = World::new().await;
    world.create("s", 1).await;
    for (shard, at) in [("0", "8000"), ("1", "4000"), ("3", "2000"), ("5", "1000")] {
        world.split("s", shard, at).await.expect("a split");
    }
    let put = |key: &str, ordering| {
        let input = PutRecordInput {
            explicit_hash_key: Some(key.into()),
            sequence_number_for_ordering: ordering,
            ..single("s", "k")
        };
        world.streams.put_record(&world.caller, input)
    };
    let first = put("0", None).await.expect("stored");
    let second = put("0", Some(first.sequence_number.clone())).await.expect("stored");
    assert!(*second.sequence_number > *first.sequence_number);
    // A shard of an earlier generation takes the numbers of later ones.
    put("9000", Some(second.sequence_number)).await.expect("stored");
}

use std::time::Duration;

use api::kinesis::*;

use crate::world::{ACCOUNT, World, data, text_of};

const HALF: &str = "170141183460469231731687303715884105728";

#[tokio::test]
async fn a_split_has_two_children() {
    let world = World::new().await;
    world.create("s", 1).await;
    world.put("s", "k", "before").await;
    world.advance(Duration::from_secs(5));
    world.split("s", "shardId-000000000000", HALF).await.expect("a split");
    assert_eq!(world.status("s").await, StreamStatus::Active);
    let shards = world.shards("s").await;
    assert_eq!(shards.len(), 3);
    let parent = &shards[0];
    let ending = parent.sequence_number_range.ending_sequence_number.clone().expect("the parent is closed");
    let decoded: base::sequence::SequenceNumber = ending.parse().expect("a number");
    assert_eq!(decoded.index, i64::MAX as u64);
    for (child, index) in shards[1..].iter().zip(1..) {
        assert_eq!(*child.shard_id, format!("shardId-{index:012}"));
        assert_eq!(child.parent_shard_id.as_deref(), Some("shardId-000000000000"));
        assert_eq!(child.adjacent_parent_shard_id, None);
        let start: base::sequence::SequenceNumber =
            child.sequence_number_range.starting_sequence_number.parse().expect("a number");
        assert_eq!(start.shard_created_seconds, world.now().seconds() as u64 + 1);
        assert!(*ending < *start.to_string());
    }
    assert_eq!(*shards[1].hash_key_range.starting_hash_key, *"0");
    assert_eq!(*shards[2].hash_key_range.starting_hash_key, *HALF);
    assert_eq!(data(&world.read_all("s", "0").await), ["before"]);
    world.put_many("s", &[("a", "a"), ("b", "b")]).await;
    assert_eq!(world.read_all("s", "1").await.len() + world.read_all("s", "2").await.len(), 2);
}

/// KCL takes nothing else for an answer: an iterator and no children, or children and no iterator.
#[tokio::test]
async fn the_end_of_a_shard_names_its_children() {
    let world = World::new().await;
    world.create("s", 2).await;
    world.put_many("s", &[("a", "1"), ("b", "2")]).await;
    let iterator = world.iterator("s", "0", ShardIteratorType::TrimHorizon).await.expect("an iterator");
    let before = world.get(&iterator).await.expect("a reading");
    let at_tip = before.next_shard_iterator.expect("the shard is open");
    assert_eq!(before.child_shards, None);
    world.merge("s", "shardId-000000000000", "shardId-000000000001").await.expect("a merge");
    let child = ChildShard {
        shard_id: "shardId-000000000002".into(),
        parent_shards: vec!["shardId-000000000000".into(), "shardId-000000000001".into()],
        hash_key_range: HashKeyRange { starting_hash_key: "0".into(), ending_hash_key: u128::MAX.to_string().into() },
    };
    let latest = world.iterator("s", "1", ShardIteratorType::Latest).await.expect("closed shards have iterators");
    for iterator in [&iterator, &at_tip, &latest] {
        let output = world.get(iterator).await.expect("a reading");
        assert_eq!(output.next_shard_iterator, None);
        assert_eq!(output.child_shards, Some(vec![child.clone()]));
        assert_eq!(output.millis_behind_latest, Some(0));
    }
    let world = world.restart().await;
    let output = world.get(&at_tip).await.expect("a reading");
    assert_eq!((output.next_shard_iterator, output.child_shards), (None, Some(vec![child])));
    let merged = world.shards("s").await[2].clone();
    assert_eq!(merged.parent_shard_id.as_deref(), Some("shardId-000000000000"));
    assert_eq!(merged.adjacent_parent_shard_id.as_deref(), Some("shardId-000000000001"));
}

#[tokio::test]
async fn splits_are_refused() {
    let world = World::new().await;
    world.create("s", 2).await;
    world.create_on_demand("auto").await;
    let between = |key: &str| {
        format!(
            "InvalidArgumentException: NewStartingHashKey {key} used in SplitShard() on shard shardId-000000000001 in \
             stream s under account {ACCOUNT} is not both greater than one plus the shard's StartingHashKey {HALF} and \
             less than the shard's EndingHashKey {}.",
            u128::MAX
        )
    };
    for key in ["0", HALF, "170141183460469231731687303715884105729", &u128::MAX.to_string()] {
        assert_eq!(text_of(world.split("s", "1", key).await), between(key));
    }
    assert!(world.split("s", "1", "170141183460469231731687303715884105730").await.is_ok());
    assert_eq!(
        text_of(world.split("s", "9", "5").await),
        format!(
            "ResourceNotFoundException: Could not find shard shardId-000000000009 in stream s under account {ACCOUNT}."
        )
    );
    assert_eq!(
        text_of(world.split("s", "1", "170141183460469231731687303715884105790").await),
        format!(
            "InvalidArgumentException: Shard shardId-000000000001 in stream s under account {ACCOUNT} is closed and \
             cannot be split or merged."
        )
    );
    assert_eq!(
        text_of(world.split("auto", "0", "5").await),
        "ValidationException: SplitShard is not supported for streams in ON_DEMAND mode."
    );
}

#[tokio::test]
async fn only_neighbours_merge() {
    let world = World::new().await;
    world.create("s", 3).await;
    assert_eq!(
        text_of(world.merge("s", "shardId-000000000000", "shardId-000000000002").await),
        format!(
            "InvalidArgumentException: Shards shardId-000000000000 and shardId-000000000002 in stream s under account \
             {ACCOUNT} are not an adjacent pair of shards eligible for merging"
        )
    );
    assert!(text_of(world.merge("s", "0", "0").await).contains("are not an adjacent pair"));
    world.merge("s", "1", "0").await.expect("either order");
    assert_eq!(world.open_shards("s").await.len(), 2);
}

#[tokio::test]
async fn shard_counts_are_reached_uniformly() {
    let world = World::new().await;
    world.create("s", 3).await;
    for target in [5, 3, 6, 12, 7, 4] {
        let before = world.open_shards("s").await.len() as i32;
        let output = world.scale("s", target).await.expect("scaled");
        assert_eq!(output.current_shard_count, Some(before));
        assert_eq!(output.target_shard_count, Some(target));
        let mut starts: Vec<u128> = (world.open_shards("s").await.iter())
            .map(|shard| shard.hash_key_range.starting_hash_key.parse().expect("a number"))
            .collect();
        starts.sort_unstable();
        let uniform: Vec<u128> =
            base::hash_key::HashKeyRange::uniform(target as u32).iter().map(|range| range.start.0).collect();
        assert_eq!(starts, uniform);
        assert_eq!(world.status("s").await, StreamStatus::Active);
    }
}

#[tokio::test]
async fn shard_counts_have_limits() {
    let world = World::new().await;
    world.create("s", 5).await;
    let counts = |target| format!("Current open shard count: 5 Target shard count: {target}");
    for (target, text) in [
        (5, "UpdateShardCount target must differ from your current open shard count."),
        (11, "UpdateShardCount cannot scale up over double your current open shard count."),
        (2, "UpdateShardCount cannot scale down below half your current open shard count."),
    ] {
        assert_eq!(
            text_of(world.scale("s", target).await),
            format!("InvalidArgumentException: {text} {}", counts(target))
        );
    }
    for i in 0..10 {
        world.scale("s", if i % 2 == 0 { 6 } else { 5 }).await.expect("scaled");
    }
    assert_eq!(
        text_of(world.scale("s", 6).await),
        format!(
            "LimitExceededException: UpdateShardCount cannot be called more than 10 times in a rolling 24-hour period for \
             stream s under account {ACCOUNT}."
        )
    );
    world.advance(Duration::from_secs(24 * 3600));
    assert!(world.scale("s", 6).await.is_ok());
}

#[tokio::test]
async fn closed_shards_expire() {
    let world = World::new().await;
    world.create("s", 1).await;
    world.put("s", "k", "old").await;
    let iterator = world.iterator("s", "0", ShardIteratorType::TrimHorizon).await.expect("an iterator");
    world.split("s", "0", HALF).await.expect("a split");
    world.advance(Duration::from_secs(24 * 3600));
    assert_eq!(world.shards("s").await.len(), 3);
    world.advance(Duration::from_millis(1));
    let listed: Vec<String> = world.shards("s").await.iter().map(|shard| shard.shard_id.to_string()).collect();
    assert_eq!(listed, ["shardId-000000000001", "shardId-000000000002"]);
    let gone = format!("Shard shardId-000000000000 in stream s under account {ACCOUNT} does not exist");
    assert!(text_of(world.iterator("s", "0", ShardIteratorType::Latest).await).ends_with(&gone));
    drop(iterator);
    world.streams.run_jobs().await;
    let expiry = world.streams.jobs().into_iter().find(|job| job.name == "shard expiry").expect("a job");
    assert_eq!((expiry.done, expiry.failures), (1, 0));
    let world = world.restart().await;
    assert_eq!(world.shards("s").await.len(), 2);
    world.split("s", "1", "77").await.expect("a split");
    assert_eq!(&*world.shards("s").await[2].shard_id, "shardId-000000000003", "indexes are never reused");
}

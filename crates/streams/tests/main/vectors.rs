//! Facts that were recorded against the service.

use api::kinesis::*;
use serde_json::Value;

use crate::world::{World, text_of};

fn load(text: &str) -> Value {
    serde_json::from_str(text).expect("JSON")
}

fn text(value: &Value) -> &str {
    value.as_str().expect("a text")
}

#[tokio::test]
async fn partition_keys_go_to_the_recorded_shards() {
    let vectors = load(include_str!("../vectors/hash_keys.json"));
    let world = World::new().await;
    for count in [1, 2, 3, 4, 5, 7, 8, 16, 100] {
        world.create(&format!("s{count}"), count).await;
    }
    for (count, ranges) in vectors["uniform_ranges"].as_object().expect("ranges by count") {
        let stream = format!("s{count}");
        let shards = world.shards(&stream).await;
        let listed = ranges.as_array().expect("ranges");
        assert_eq!(shards.len(), listed.len());
        for (shard, expected) in shards.iter().zip(listed) {
            assert_eq!(*shard.shard_id, *text(&expected["ShardId"]));
            assert_eq!(*shard.hash_key_range.starting_hash_key, *text(&expected["StartingHashKey"]));
            assert_eq!(*shard.hash_key_range.ending_hash_key, *text(&expected["EndingHashKey"]));
        }
    }
    let keys = vectors["keys"].as_array().expect("keys");
    assert!(keys.len() >= 50);
    for key in keys {
        for (count, shard) in key["shard"].as_object().expect("shards by count") {
            let put = world.put(&format!("s{count}"), text(&key["partition_key"]), "d").await;
            assert_eq!(*put.shard_id, *text(shard), "{key} of {count}");
        }
    }
}

#[tokio::test]
async fn splits_and_merges_follow_the_recorded_rules() {
    let vectors = load(include_str!("../vectors/reshard.json"));
    for (i, case) in vectors["split"].as_array().expect("splits").iter().enumerate() {
        let world = World::new().await;
        let stream = format!("s{i}");
        world.create(&stream, 1).await;
        let split = world.split(&stream, "shardId-000000000000", text(&case["new_starting_hash_key"])).await;
        if case["valid"] == Value::Bool(false) {
            assert!(text_of(split).starts_with("InvalidArgumentException: NewStartingHashKey "));
            continue;
        }
        split.expect("a split");
        let children = case["children"].as_array().expect("children");
        for (shard, expected) in world.open_shards(&stream).await.iter().zip(children) {
            assert_eq!(*shard.hash_key_range.starting_hash_key, *text(&expected[0]));
            assert_eq!(*shard.hash_key_range.ending_hash_key, *text(&expected[1]));
        }
    }
}

#[tokio::test]
async fn starting_numbers_have_the_recorded_layout() {
    let vectors = load(include_str!("../vectors/sequence_numbers.json"));
    let observed = vectors["observed_examples"].as_array().expect("examples");
    let numbers: Vec<&str> = observed
        .iter()
        .filter(|example| example["roundtrip"] == Value::Bool(true))
        .map(|example| text(&example["sequence_number"]))
        .collect();
    assert!(!numbers.is_empty());
    let world = World::new().await;
    world.create("s", 1).await;
    // Real numbers of other streams are understood, and refused for what they are.
    for number in numbers {
        let refused =
            world.iterator_with("s", "0", ShardIteratorType::AtSequenceNumber, Some(number.into()), None).await;
        let refused = text_of(refused);
        assert!(
            refused.contains("because it did not come from this stream") || refused.contains("It encodes shardId-"),
            "{refused}"
        );
    }
}

//! BatchGetItem and BatchWriteItem.

use serde_json::{Value, json};

use crate::world::{World, typed};

#[tokio::test]
async fn many_items_of_some_tables() {
    let world = World::new().await;
    world.create("aaa").await;
    world.create("bbb").await;
    world.put("bbb", json!({"id": "old"})).await;
    let puts: Vec<Value> =
        (0..20).map(|n| json!({"PutRequest": {"Item": typed(json!({"id": format!("k{n}"), "n": n}))}})).collect();
    let written = json!({"aaa": puts, "bbb": [{"DeleteRequest": {"Key": {"id": {"S": "old"}}}}]});
    let request = json!({"RequestItems": written, "ReturnConsumedCapacity": "TOTAL"});
    let found = world.ok("BatchWriteItem", request).await;
    assert_eq!(found["UnprocessedItems"], json!({}));
    assert_eq!(found["ConsumedCapacity"][0], json!({"TableName": "aaa", "CapacityUnits": 20.0}));
    let keys: Vec<Value> = (15..25).map(|n| json!({"id": {"S": format!("k{n}")}})).collect();
    let wanted = json!({
        "aaa": {"Keys": keys, "ProjectionExpression": "n", "ConsistentRead": true},
        "bbb": {"Keys": [{"id": {"S": "old"}}]},
    });
    let found = world.ok("BatchGetItem", json!({"RequestItems": wanted})).await;
    assert_eq!(found["UnprocessedKeys"], json!({}));
    let expected: Vec<Value> = (15..20).map(|n| typed(json!({"n": n}))).collect();
    assert_eq!(found["Responses"], json!({"aaa": expected, "bbb": []}));
}

#[tokio::test]
async fn large_answers_are_cut() {
    let world = World::new().await;
    world.create("aaa").await;
    let big = "x".repeat(390_000);
    for n in 0..45 {
        world.put("aaa", json!({"id": format!("k{n:02}"), "v": big})).await;
    }
    let keys: Vec<Value> = (0..45).map(|n| json!({"id": {"S": format!("k{n:02}")}})).collect();
    let mut left = json!({"aaa": {"Keys": keys}});
    let (mut count, mut calls) = (0, 0);
    while left != json!({}) {
        let found = world.ok("BatchGetItem", json!({"RequestItems": left})).await;
        count += found["Responses"]["aaa"].as_array().expect("items").len();
        calls += 1;
        left = found["UnprocessedKeys"].clone();
    }
    assert_eq!((count, calls), (45, 2));
}

#[tokio::test]
async fn what_is_no_batch() {
    let world = World::new().await;
    world.create("aaa").await;
    world.create("bbb").await;
    let delete = |n: i32| json!({"DeleteRequest": {"Key": {"id": {"S": format!("k{n}")}}}});
    let same = json!({"aaa": [delete(1), delete(1)]});
    let duplicates = "Provided list of item keys contains duplicates";
    world.invalid("BatchWriteItem", json!({"RequestItems": same}), duplicates).await;
    let many: Vec<Value> = (0..13).map(delete).collect();
    let many = json!({"aaa": many, "bbb": many});
    let text = "Too many items requested for the BatchWriteItem call";
    world.invalid("BatchWriteItem", json!({"RequestItems": many}), text).await;
    let key = json!({"id": {"S": "a"}});
    world.invalid("BatchGetItem", json!({"RequestItems": {"aaa": {"Keys": [key, key]}}}), duplicates).await;
    let keys: Vec<Value> = (0..51).map(|n| json!({"id": {"S": format!("k{n}")}})).collect();
    let many = json!({"aaa": {"Keys": keys}, "bbb": {"Keys": keys}});
    let text = "Too many items requested for the BatchGetItem call";
    world.invalid("BatchGetItem", json!({"RequestItems": many}), text).await;
    let both = json!({"aaa": [{"DeleteRequest": {"Key": key}, "PutRequest": {"Item": key}}]});
    world.refuses("BatchWriteItem", json!({"RequestItems": both}), "ValidationException").await;
    let nowhere = json!({"RequestItems": {"aaa": [delete(1)], "nowhere": [delete(1)]}});
    world.refuses("BatchWriteItem", nowhere, "ResourceNotFoundException").await;
}

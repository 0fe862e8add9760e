//! Scan: segments, pages, filters.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::world::{World, plain, typed};

async fn world(count: usize) -> World {
    let world = World::new().await;
    world.create("things").await;
    for n in 0..count {
        world
            .put("things", json!({"id": format!("k{n:03}"), "n": n, "kind": if n % 3 == 0 { "x" } else { "y" }}))
            .await;
    }
    world
}

/// The ids of all pages, and how many pages there were.
async fn scan(world: &World, mut request: Value) -> (Vec<String>, usize) {
    let (mut ids, mut pages) = (Vec::new(), 0);
    loop {
        let page = world.ok("Scan", request.clone()).await;
        for item in page["Items"].as_array().expect("items") {
            ids.push(plain(item)["id"].as_str().expect("an id").to_owned());
        }
        pages += 1;
        let Value::Object(_) = page["LastEvaluatedKey"] else { return (ids, pages) };
        request["ExclusiveStartKey"] = page["LastEvaluatedKey"].clone();
    }
}

#[tokio::test]
async fn segments_hold_every_item_once() {
    let world = world(200).await;
    let (whole, _) = scan(&world, json!({"TableName": "things"})).await;
    assert_eq!(whole.len(), 200);
    for total in [1, 2, 7, 32] {
        let mut found = Vec::new();
        for segment in 0..total {
            let request = json!({"TableName": "things", "Segment": segment, "TotalSegments": total, "Limit": 9});
            found.extend(scan(&world, request).await.0);
        }
        assert_eq!(found, whole, "segments are in the order of the whole");
    }
    let world = world.restart().await;
    assert_eq!(scan(&world, json!({"TableName": "things"})).await.0, whole);
}

#[tokio::test]
async fn pages_go_on_whatever_happens_between_them() {
    let world = world(50).await;
    let first = world.ok("Scan", json!({"TableName": "things", "Limit": 10})).await;
    let last = first["LastEvaluatedKey"].clone();
    // The item at which the page ended goes away.
    world.ok("DeleteItem", json!({"TableName": "things", "Key": last})).await;
    let (rest, _) = scan(&world, json!({"TableName": "things", "ExclusiveStartKey": last})).await;
    assert_eq!(rest.len(), 40);
    // A key that never was an item is a place, too.
    let key = typed(json!({"id": "made up"}));
    let (rest, _) = scan(&world, json!({"TableName": "things", "ExclusiveStartKey": key})).await;
    assert!(rest.len() < 50);
}

#[tokio::test]
async fn filters_in_both_forms() {
    let world = world(30).await;
    let expression = json!({
        "TableName": "things", "FilterExpression": "kind = :k AND n < :n", "Limit": 7,
        "ExpressionAttributeValues": typed(json!({":k": "x", ":n": 20})),
    });
    let older = json!({
        "TableName": "things",
        "ScanFilter": {
            "kind": {"ComparisonOperator": "EQ", "AttributeValueList": [{"S": "x"}]},
            "n": {"ComparisonOperator": "LT", "AttributeValueList": [{"N": "20"}]},
        },
    });
    let expected: BTreeSet<String> = (0..20).step_by(3).map(|n| format!("k{n:03}")).collect();
    for (request, pages) in [(expression, 5), (older, 1)] {
        let (ids, found) = scan(&world, request).await;
        assert_eq!(ids.into_iter().collect::<BTreeSet<_>>(), expected);
        assert_eq!(found, pages);
    }
    let found = world.ok("Scan", json!({"TableName": "things", "Select": "COUNT"})).await;
    assert_eq!((&found["Count"], &found["ScannedCount"], &found["Items"]), (&json!(30), &json!(30), &Value::Null));
    let found = world.ok("Scan", json!({"TableName": "things", "ProjectionExpression": "id", "Limit": 1})).await;
    assert_eq!(found["Items"][0].as_object().map(|item| item.len()), Some(1));
}

#[tokio::test]
async fn what_is_no_scan() {
    let world = world(3).await;
    for (more, text) in [
        (
            json!({"Segment": 0}),
            "The TotalSegments parameter is required but was not present in the request when Segment parameter is present",
        ),
        (
            json!({"TotalSegments": 2}),
            "The Segment parameter is required but was not present in the request when parameter TotalSegments is present",
        ),
        (
            json!({"Segment": 2, "TotalSegments": 2}),
            "The Segment parameter is zero-based and must be less than parameter TotalSegments: Segment: 2 is not less \
             than TotalSegments: 2",
        ),
        (
            json!({"ExclusiveStartKey": {"x": {"S": "a"}}}),
            "The provided starting key is invalid: The provided key element does not match the schema",
        ),
        (json!({"FilterExpression": "n ="}), "Invalid FilterExpression: Syntax error; token: \"<EOF>\", near: \"=\""),
        (
            json!({"ScanFilter": {"n": {"ComparisonOperator": "LT", "AttributeValueList": [{"BOOL": true}]}}}),
            "One or more parameter values were invalid: ComparisonOperator LT is not valid for BOOL AttributeValue type",
        ),
    ] {
        let mut request = more;
        request["TableName"] = json!("things");
        world.invalid("Scan", request, text).await;
    }
    // One of the two segments does not hold the key.
    let key = typed(json!({"id": "k000"}));
    let mut refused = 0;
    for segment in 0..2 {
        let request = json!({"TableName": "things", "ExclusiveStartKey": key, "TotalSegments": 2, "Segment": segment});
        refused += usize::from(world.call("Scan", request).await.is_err());
    }
    assert_eq!(refused, 1);
}

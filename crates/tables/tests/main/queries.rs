//! Query: ranges, order, pages, filters, what is shown.

use serde_json::{Value, json};

use crate::world::{World, plain, table, typed};

/// Partition `a` with sort keys -5…14, and one item of another partition.
async fn world() -> World {
    let world = World::new().await;
    world.ok("CreateTable", table("pairs", &[("p", "S", "HASH"), ("s", "N", "RANGE")])).await;
    for s in -5..15 {
        world.put("pairs", json!({"p": "a", "s": s, "even": s % 2 == 0})).await;
    }
    world.put("pairs", json!({"p": "b", "s": 0})).await;
    world
}

fn query(condition: &str, values: Value) -> Value {
    json!({
        "TableName": "pairs", "KeyConditionExpression": condition, "ExpressionAttributeValues": typed(values),
    })
}

fn sort_keys(found: &Value) -> Vec<i64> {
    let items = found["Items"].as_array().expect("items").iter();
    items.map(|item| plain(item)["s"].as_i64().expect("a number")).collect()
}

#[tokio::test]
async fn ranges_in_order() {
    let world = world().await;
    for (condition, more, expected) in [
        ("p = :p", json!({}), (-5..15).collect::<Vec<i64>>()),
        ("p= :p AND s < :n", json!({":n": -3}), vec![-5, -4]),
        ("s >= :n AND p = :p", json!({":n": 13}), vec![13, 14]),
        ("p = :p AND s BETWEEN :n AND :m", json!({":n": -1, ":m": 1}), vec![-1, 0, 1]),
        ("p = :p AND s = :n", json!({":n": 0}), vec![0]),
        ("p = :p AND s > :n", json!({":n": 99}), vec![]),
    ] {
        let mut values = json!({":p": "a"});
        values.as_object_mut().expect("a map").extend(more.as_object().expect("a map").clone());
        let mut request = query(condition, values);
        assert_eq!(sort_keys(&world.ok("Query", request.clone()).await), expected, "{condition}");
        request["ScanIndexForward"] = json!(false);
        let backwards: Vec<i64> = expected.into_iter().rev().collect();
        assert_eq!(sort_keys(&world.ok("Query", request).await), backwards, "{condition}");
    }
    let older = json!({
        "TableName": "pairs",
        "KeyConditions": {
            "p": {"ComparisonOperator": "EQ", "AttributeValueList": [{"S": "a"}]},
            "s": {"ComparisonOperator": "LE", "AttributeValueList": [{"N": "-4"}]},
        },
        "FilterExpression": "even = :t",
        "ExpressionAttributeValues": {":t": {"BOOL": true}},
    });
    assert_eq!(sort_keys(&world.ok("Query", older).await), [-4]);
}

#[tokio::test]
async fn pages_and_filters() {
    let world = world().await;
    for forward in [true, false] {
        let mut request = query("p = :p", json!({":p": "a", ":t": true}));
        request["FilterExpression"] = json!("even = :t");
        request["Limit"] = json!(3);
        request["ScanIndexForward"] = json!(forward);
        let (mut found, mut scanned, mut pages) = (Vec::new(), 0, 0);
        loop {
            let page = world.ok("Query", request.clone()).await;
            found.extend(sort_keys(&page));
            assert_eq!(page["Count"], page["Items"].as_array().expect("items").len());
            scanned += page["ScannedCount"].as_i64().expect("a number");
            pages += 1;
            let Value::Object(_) = page["LastEvaluatedKey"] else { break };
            request["ExclusiveStartKey"] = page["LastEvaluatedKey"].clone();
        }
        let mut expected: Vec<i64> = (-5..15).filter(|s| s % 2 == 0).collect();
        if !forward {
            expected.reverse();
        }
        assert_eq!((found, scanned, pages), (expected, 20, 7));
    }
    let mut counted = query("p = :p", json!({":p": "a"}));
    counted["Select"] = json!("COUNT");
    let found = world.ok("Query", counted).await;
    assert_eq!((&found["Count"], &found["Items"]), (&json!(20), &Value::Null));
}

#[tokio::test]
async fn a_page_holds_a_mebibyte() {
    let world = World::new().await;
    world.ok("CreateTable", table("pairs", &[("p", "S", "HASH"), ("s", "N", "RANGE")])).await;
    for s in 0..10 {
        world.put("pairs", json!({"p": "a", "s": s, "v": "x".repeat(300_000)})).await;
    }
    let found = world.ok("Query", query("p = :p", json!({":p": "a"}))).await;
    assert_eq!(sort_keys(&found), [0, 1, 2, 3]);
    assert_eq!(plain(&found["LastEvaluatedKey"]), json!({"p": "a", "s": 3}));
}

#[tokio::test]
async fn what_is_no_query() {
    let world = world().await;
    let p = || json!({":p": "a"});
    let with = |member: &str, value: Value| {
        let mut request = query("p = :p", p());
        request[member] = value;
        request
    };
    for (request, text) in [
        (
            json!({"TableName": "pairs"}),
            "Either the KeyConditions or KeyConditionExpression parameter must be specified in the request.",
        ),
        (query("s = :p", p()), "Query condition missed key schema element: p"),
        (query("p > :p", p()), "Query key condition not supported"),
        (
            query("p = :p", json!({":p": 1})),
            "One or more parameter values were invalid: Condition parameter type does not match schema type",
        ),
        (query("p = :p OR s = :p", p()), "Invalid operator used in KeyConditionExpression: OR"),
        (query("p = :p AND begins_with(s, :p)", p()), "Attempted conditional constraint is not an indexable operation"),
        (with("IndexName", json!("nope")), "The table does not have the specified index: nope"),
        (
            with("FilterExpression", json!("s = :p")),
            "Filter Expression can only contain non-primary key attributes: Primary key attribute: s",
        ),
        (
            with("Select", json!("ALL_PROJECTED_ATTRIBUTES")),
            "ALL_PROJECTED_ATTRIBUTES can be used only when Querying using an IndexName",
        ),
        (
            with("Select", json!("SPECIFIC_ATTRIBUTES")),
            "Must specify the AttributesToGet or ProjectionExpression when choosing to get SPECIFIC_ATTRIBUTES",
        ),
        (
            with("ExclusiveStartKey", typed(json!({"p": "b", "s": 0}))),
            "The provided starting key is outside query boundaries based on provided conditions",
        ),
        (
            with("ExclusiveStartKey", typed(json!({"p": "a"}))),
            "The provided starting key is invalid: The provided key element does not match the schema",
        ),
    ] {
        world.invalid("Query", request, text).await;
    }
}

//! TransactWriteItems: all or none, tokens, reasons.

use std::time::Duration;

use serde_json::{Value, json};

use crate::world::{World, typed};

async fn world() -> World {
    let world = World::new().await;
    world.create("aaa").await;
    world.create("bbb").await;
    world
}

fn put(table: &str, item: Value, condition: Option<&str>) -> Value {
    let mut put = json!({"TableName": table, "Item": typed(item)});
    if let Some(condition) = condition {
        put["ConditionExpression"] = json!(condition);
    }
    json!({"Put": put})
}

fn check(table: &str, id: &str, condition: &str) -> Value {
    json!({"ConditionCheck": {"TableName": table, "Key": {"id": {"S": id}}, "ConditionExpression": condition}})
}

#[tokio::test]
async fn all_or_none() {
    let world = world().await;
    world.put("bbb", json!({"id": "counter", "n": 1})).await;
    world.put("bbb", json!({"id": "old"})).await;
    let update = json!({"Update": {
        "TableName": "bbb", "Key": {"id": {"S": "counter"}}, "UpdateExpression": "ADD n :one",
        "ExpressionAttributeValues": {":one": {"N": "1"}},
    }});
    let delete = json!({"Delete": {"TableName": "bbb", "Key": {"id": {"S": "old"}}}});
    let items = |last: Value| json!({"TransactItems": [put("aaa", json!({"id": "new"}), Some("attribute_not_exists(id)")), update, delete, last]});
    let refused = world
        .call("TransactWriteItems", items(check("aaa", "other", "attribute_exists(id)")))
        .await
        .expect_err("the check fails");
    assert_eq!(refused.code, "TransactionCanceledException");
    assert_eq!(
        refused.message,
        "Transaction cancelled, please refer cancellation reasons for specific reasons [None, None, None, \
         ConditionalCheckFailed]"
    );
    assert_eq!(world.get("aaa", "new").await, Value::Null);
    assert_eq!(world.get("bbb", "counter").await["n"], 1);
    world.ok("TransactWriteItems", items(check("aaa", "other", "attribute_not_exists(id)"))).await;
    assert_eq!(world.get("aaa", "new").await, json!({"id": "new"}));
    assert_eq!(world.get("bbb", "counter").await["n"], 2);
    assert_eq!(world.get("bbb", "old").await, Value::Null);
    let world = world.restart().await;
    assert_eq!(world.get("bbb", "counter").await["n"], 2);
}

#[tokio::test]
async fn reasons_show_items_to_those_who_ask() {
    let world = world().await;
    world.put("aaa", json!({"id": "x", "v": 1})).await;
    let mut failing = put("aaa", json!({"id": "x"}), Some("attribute_not_exists(id)"));
    failing["Put"]["ReturnValuesOnConditionCheckFailure"] = json!("ALL_OLD");
    let wrong = json!({"Update": {
        "TableName": "bbb", "Key": {"id": {"S": "x"}}, "UpdateExpression": "SET a = absent",
    }});
    let request = json!({"TransactItems": [failing, wrong, put("aaa", json!({"id": "y"}), None)]});
    let refused = world.call("TransactWriteItems", request).await.expect_err("two reasons");
    assert_eq!(
        refused.members["CancellationReasons"],
        json!([
            {
                "Code": "ConditionalCheckFailed", "Message": "The conditional request failed",
                "Item": typed(json!({"id": "x", "v": 1})),
            },
            {
                "Code": "ValidationError",
                "Message": "The provided expression refers to an attribute that does not exist in the item",
            },
            {"Code": "None"},
        ])
    );
}

#[tokio::test]
async fn a_token_is_good_for_one_transaction() {
    let world = world().await;
    let add = |n: &str| {
        json!({
            "ClientRequestToken": "token-1",
            "TransactItems": [{"Update": {
                "TableName": "aaa", "Key": {"id": {"S": "counter"}}, "UpdateExpression": "ADD n :n",
                "ExpressionAttributeValues": {":n": {"N": n}},
            }}],
        })
    };
    world.ok("TransactWriteItems", add("1")).await;
    world.ok("TransactWriteItems", add("1")).await;
    world.refuses("TransactWriteItems", add("2"), "IdempotentParameterMismatchException").await;
    // Across a restart, too, until its time is over.
    let world = world.restart().await;
    world.ok("TransactWriteItems", add("1")).await;
    assert_eq!(world.get("aaa", "counter").await["n"], 1);
    world.clock.advance(Duration::from_secs(601));
    world.ok("TransactWriteItems", add("2")).await;
    assert_eq!(world.get("aaa", "counter").await["n"], 3);
    world.clock.advance(Duration::from_secs(601));
    world.tables.run_jobs().await;
    assert!(world.catalog.scan("tables/token/", None, 10).await.expect("a scan").is_empty());
}

#[tokio::test]
async fn a_failed_transaction_does_not_use_its_token_up() {
    let world = world().await;
    let request = json!({
        "ClientRequestToken": "token-1", "TransactItems": [check("aaa", "x", "attribute_exists(id)")],
    });
    world.refuses("TransactWriteItems", request.clone(), "TransactionCanceledException").await;
    world.put("aaa", json!({"id": "x"})).await;
    world.ok("TransactWriteItems", request).await;
}

#[tokio::test]
async fn what_is_no_transaction() {
    let world = world().await;
    let same =
        json!({"TransactItems": [put("aaa", json!({"id": "x"}), None), check("aaa", "x", "attribute_exists(id)")]});
    let text = "Transaction request cannot include multiple operations on one item";
    world.invalid("TransactWriteItems", same, text).await;
    let mut two = put("aaa", json!({"id": "x"}), None);
    two["Delete"] = json!({"TableName": "aaa", "Key": {"id": {"S": "x"}}});
    let text = "TransactItems can only contain one of Check, Put, Update or Delete";
    world.invalid("TransactWriteItems", json!({"TransactItems": [two]}), text).await;
    world.invalid("TransactWriteItems", json!({"TransactItems": [{}]}), text).await;
    let many: Vec<Value> = (0..101).map(|n| put("aaa", json!({"id": n.to_string()}), None)).collect();
    world.refuses("TransactWriteItems", json!({"TransactItems": many}), "ValidationException").await;
    let nowhere = json!({"TransactItems": [put("nowhere", json!({"id": "x"}), None)]});
    world.refuses("TransactWriteItems", nowhere, "ResourceNotFoundException").await;
    let big: Vec<Value> =
        (0..11).map(|n| put("aaa", json!({"id": n.to_string(), "v": "x".repeat(400_000)}), None)).collect();
    let text = "Transaction size has exceeded the maximum allowed size of 4 MB";
    world.invalid("TransactWriteItems", json!({"TransactItems": big}), text).await;
    let hundred: Vec<Value> = (0..100).map(|n| put("aaa", json!({"id": n.to_string()}), None)).collect();
    let found =
        world.ok("TransactWriteItems", json!({"TransactItems": hundred, "ReturnConsumedCapacity": "TOTAL"})).await;
    assert_eq!(found["ConsumedCapacity"], json!([{"TableName": "aaa", "CapacityUnits": 200.0}]));
}

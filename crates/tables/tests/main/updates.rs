//! UpdateItem in both forms, and what it returns.

use serde_json::{Value, json};

use crate::world::{World, plain, typed, with_type};

fn update(expression: &str, values: Value) -> Value {
    let mut request = json!({"TableName": "things", "Key": {"id": {"S": "x"}}, "UpdateExpression": expression});
    if values != json!({}) {
        request["ExpressionAttributeValues"] = typed(values);
    }
    request
}

fn legacy(updates: Value) -> Value {
    json!({"TableName": "things", "Key": {"id": {"S": "x"}}, "AttributeUpdates": updates})
}

async fn world(item: Value) -> World {
    let world = World::new().await;
    world.create("things").await;
    if item != Value::Null {
        world.put("things", item).await;
    }
    world
}

#[tokio::test]
async fn an_update_makes_the_item() {
    let world = world(Value::Null).await;
    world.ok("UpdateItem", update("SET a = :a ADD n :n", json!({":a": 1, ":n": 2}))).await;
    assert_eq!(world.get("things", "x").await, json!({"id": "x", "a": 1, "n": 2}));
    for request in [
        json!({"TableName": "things", "Key": {"id": {"S": "y"}}}),
        json!({"TableName": "things", "Key": {"id": {"S": "z"}}, "UpdateExpression": "REMOVE a"}),
    ] {
        world.ok("UpdateItem", request).await;
    }
    assert_eq!(world.get("things", "y").await, json!({"id": "y"}));
    assert_eq!(world.get("things", "z").await, json!({"id": "z"}));
}

#[tokio::test]
async fn older_deletions_make_nothing() {
    let world = world(Value::Null).await;
    world.ok("UpdateItem", legacy(json!({"a": {"Action": "DELETE"}}))).await;
    assert_eq!(world.get("things", "x").await, Value::Null);
    world.ok("UpdateItem", legacy(json!({"a": {"Action": "DELETE"}, "b": {"Value": {"N": "1"}}}))).await;
    assert_eq!(world.get("things", "x").await, json!({"id": "x", "b": 1}));
}

#[tokio::test]
async fn older_actions() {
    let world = world(json!({"id": "x", "n": 1, "l": [1]})).await;
    let actions = json!({
        "n": {"Action": "ADD", "Value": {"N": "0.5"}},
        "new": {"Action": "ADD", "Value": {"SS": ["a", "b"]}},
        "l": {"Action": "ADD", "Value": {"L": [{"N": "2"}]}},
        "p": {"Value": {"BOOL": true}},
    });
    world.ok("UpdateItem", legacy(actions)).await;
    world.ok("UpdateItem", legacy(json!({"new": {"Action": "DELETE", "Value": {"SS": ["a", "z"]}}}))).await;
    let found = world.get("things", "x").await;
    assert_eq!(found, json!({"id": "x", "n": 1.5, "l": [1, 2], "new": ["b"], "p": true}));
    world.ok("UpdateItem", legacy(json!({"new": {"Action": "DELETE", "Value": {"SS": ["b"]}}}))).await;
    assert_eq!(world.get("things", "x").await["new"], Value::Null);
    for (updates, text) in [
        (json!({"n": {"Action": "ADD", "Value": {"SS": ["a"]}}}), "Type mismatch for attribute to update"),
        (
            json!({"n": {"Action": "PUT"}}),
            "One or more parameter values were invalid: Only DELETE action is allowed when no attribute value is \
             specified",
        ),
        (
            json!({"n": {"Action": "ADD", "Value": {"S": "a"}}}),
            "One or more parameter values were invalid: ADD action is not supported for the type S",
        ),
        (
            json!({"id": {"Action": "DELETE"}}),
            "One or more parameter values were invalid: Cannot update attribute id. This attribute is part of the key",
        ),
    ] {
        world.invalid("UpdateItem", legacy(updates), text).await;
    }
}

#[tokio::test]
async fn what_cannot_be_done_to_an_item_leaves_it_alone() {
    let item = json!({"id": "x", "n": 1, "s": "text", "l": [1]});
    let world = world(item.clone()).await;
    for (expression, values, text) in [
        ("SET n = absent", json!({}), "The provided expression refers to an attribute that does not exist in the item"),
        ("SET n = s + :n", json!({":n": 1}), "An operand in the update expression has an incorrect data type"),
        ("ADD s :n", json!({":n": 1}), "An operand in the update expression has an incorrect data type"),
        ("SET a.b = :n", json!({":n": 1}), "The document path provided in the update expression is invalid for update"),
        ("REMOVE n.b", json!({}), "The document path provided in the update expression is invalid for update"),
        (
            "SET id = :n",
            json!({":n": 1}),
            "One or more parameter values were invalid: Cannot update attribute id. This attribute is part of the key",
        ),
        (
            "SET a = :big",
            json!({":big": "x".repeat(400 * 1024)}),
            "Item size to update has exceeded the maximum allowed size",
        ),
    ] {
        world.invalid("UpdateItem", update(expression, values), text).await;
    }
    let nine = json!({":n": {"N": format!("9{}", "0".repeat(125))}});
    let mut request = update("SET big = :n", json!({}));
    request["ExpressionAttributeValues"] = nine.clone();
    world.ok("UpdateItem", request).await;
    let mut request = update("ADD big :n", json!({}));
    request["ExpressionAttributeValues"] = nine;
    let text = "Number overflow. Attempting to store a number with magnitude larger than supported range";
    world.invalid("UpdateItem", request, text).await;
    world.ok("UpdateItem", update("REMOVE big", json!({}))).await;
    assert_eq!(world.get("things", "x").await, item);
}

#[tokio::test]
async fn returned_values() {
    let item = json!({"id": "x", "a": 1, "m": {"k": 1, "other": 2}, "gone": 3});
    for (wanted, expected) in [
        ("NONE", Value::Null),
        ("ALL_OLD", item.clone()),
        ("ALL_NEW", json!({"id": "x", "a": 2, "m": {"k": 5, "other": 2}, "new": 7})),
        ("UPDATED_OLD", json!({"a": 1, "m": {"k": 1}, "gone": 3})),
        ("UPDATED_NEW", json!({"a": 2, "m": {"k": 5}, "new": 7})),
    ] {
        let world = world(item.clone()).await;
        let values = json!({":two": 2, ":five": 5, ":seven": 7});
        let mut request = update("SET a = :two, m.k = :five, #n = :seven REMOVE gone", values);
        request["ExpressionAttributeNames"] = json!({"#n": "new"});
        request["ReturnValues"] = json!(wanted);
        let found = world.ok("UpdateItem", request).await;
        assert_eq!(plain(&found["Attributes"]), expected, "{wanted}");
    }
    let world = world(Value::Null).await;
    for wanted in ["ALL_OLD", "UPDATED_OLD"] {
        let mut request = update("SET a = :a", json!({":a": 1}));
        request["ReturnValues"] = json!(wanted);
        world.ok("DeleteItem", json!({"TableName": "things", "Key": {"id": {"S": "x"}}})).await;
        assert_eq!(world.ok("UpdateItem", request).await, json!({}), "{wanted}");
    }
}

#[tokio::test]
async fn lists_grow_and_shrink() {
    let world = world(json!({"id": "x", "l": [0, 1, 2]})).await;
    let values = json!({":a": [8], ":b": 9});
    let request = update("SET l = list_append(:a, l), m = list_append(if_not_exists(m, :a), :a), k = :b", values);
    world.ok("UpdateItem", request).await;
    assert_eq!(world.get("things", "x").await, json!({"id": "x", "l": [8, 0, 1, 2], "m": [8, 8], "k": 9}));
    world.ok("UpdateItem", update("REMOVE l[0], l[2] SET l[50] = :b", json!({":b": 9}))).await;
    assert_eq!(world.get("things", "x").await["l"], json!([0, 2, 9]));
    assert_eq!(with_type(json!([0]))["L"][0], json!({"N": "0"}));
}

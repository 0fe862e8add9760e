//! PutItem, GetItem, DeleteItem: values, keys, sizes, what is returned.

use serde_json::{Value, json};
use tables::TablesSettings;

use crate::world::{World, table, typed};

#[tokio::test]
async fn every_type_comes_back() {
    let world = World::new().await;
    world.create("things").await;
    let item = json!({
        "id": {"S": "x"}, "n": {"N": "-1.5"}, "b": {"B": "AP8="}, "ss": {"SS": ["a", "b"]}, "ns": {"NS": ["1", "2"]},
        "bs": {"BS": ["AA==", "AQ=="]}, "l": {"L": [{"NULL": true}, {"L": []}]}, "m": {"M": {"": {"S": ""}}},
        "t": {"BOOL": true}, "empty": {"B": ""}, "é": {"S": "ü\u{1f600}\u{0}"},
    });
    world.ok("PutItem", json!({"TableName": "things", "Item": item})).await;
    let key = json!({"id": {"S": "x"}});
    let read = json!({"TableName": "things", "Key": key, "ConsistentRead": true});
    assert_eq!(world.ok("GetItem", read.clone()).await["Item"], item);
    let world = world.restart().await;
    assert_eq!(world.ok("GetItem", read).await["Item"], item);
    assert_eq!(world.ok("GetItem", json!({"TableName": "things", "Key": {"id": {"S": "y"}}})).await, json!({}));
}

#[tokio::test]
async fn numbers_are_stored_in_their_shortest_form() {
    let world = World::new().await;
    world.create("things").await;
    for (given, stored) in [("1.000", "1"), ("1e3", "1000"), ("-0", "0"), ("+.5e-1", "0.05")] {
        world.ok("PutItem", json!({"TableName": "things", "Item": {"id": {"S": "x"}, "n": {"N": given}}})).await;
        let found = world.ok("GetItem", json!({"TableName": "things", "Key": {"id": {"S": "x"}}})).await;
        assert_eq!(found["Item"]["n"]["N"], stored);
    }
}

#[tokio::test]
async fn what_is_no_item() {
    let world = World::new().await;
    world.create("things").await;
    let put = |item: Value| json!({"TableName": "things", "Item": item});
    for (item, text) in [
        (json!({"x": {"S": "a"}}), "One or more parameter values were invalid: Missing the key id in the item"),
        (
            json!({"id": {"N": "1"}}),
            "One or more parameter values were invalid: Type mismatch for key id expected: S actual: N",
        ),
        (
            json!({"id": {"S": ""}}),
            "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty \
             string value. Key: id",
        ),
        (
            json!({"id": {"S": "k".repeat(2049)}}),
            "One or more parameter values were invalid: Size of hashkey has exceeded the maximum size limit of2048 bytes",
        ),
        (json!({"id": {"S": "a"}, "n": {"N": "x"}}), "The parameter cannot be converted to a numeric value: x"),
        (
            json!({"id": {"S": "a"}, "n": {"N": "1e126"}}),
            "Number overflow. Attempting to store a number with magnitude larger than supported range",
        ),
        (
            json!({"id": {"S": "a"}, "n": {"N": "1".repeat(39)}}),
            "Attempting to store more than 38 significant digits in a Number",
        ),
        (
            json!({"id": {"S": "a"}, "v": {}}),
            "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes",
        ),
        (
            json!({"id": {"S": "a"}, "v": {"S": "x", "N": "1"}}),
            "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported \
             datatypes",
        ),
        (
            json!({"id": {"S": "a"}, "v": {"SS": []}}),
            "One or more parameter values were invalid: An string set  may not be empty",
        ),
        (json!({"id": {"S": "a"}, "v": {"NS": ["1", "1.0"]}}), "Input collection contains duplicates"),
        (
            json!({"id": {"S": "a"}, "v": {"S": "x".repeat(400 * 1024)}}),
            "Item size has exceeded the maximum allowed size",
        ),
    ] {
        world.invalid("PutItem", put(item), text).await;
    }
    let deep = (0..33).fold(json!({"NULL": true}), |inner, _| json!({"L": [inner]}));
    world.refuses("PutItem", put(json!({"id": {"S": "a"}, "v": deep})), "ValidationException").await;
    let fits = "x".repeat(400 * 1024 - "id".len() - "a".len() - "v".len());
    world.put("things", json!({"id": "a", "v": fits})).await;
}

#[tokio::test]
async fn keys_of_requests_are_exact() {
    let world = World::new().await;
    world.ok("CreateTable", table("pairs", &[("p", "S", "HASH"), ("s", "N", "RANGE")])).await;
    for key in
        [json!({"p": "a"}), json!({"p": "a", "s": "1"}), json!({"p": "a", "s": 1, "x": 1}), json!({"p": "a", "x": 1})]
    {
        for operation in ["GetItem", "DeleteItem", "UpdateItem"] {
            let request = json!({"TableName": "pairs", "Key": typed(key.clone())});
            world.invalid(operation, request, "The provided key element does not match the schema").await;
        }
    }
}

#[tokio::test]
async fn puts_and_deletions_return_what_was_there() {
    let world = World::new().await;
    world.create("things").await;
    let put =
        |v: i64| json!({"TableName": "things", "Item": typed(json!({"id": "x", "v": v})), "ReturnValues": "ALL_OLD"});
    assert_eq!(world.ok("PutItem", put(1)).await, json!({}));
    assert_eq!(world.ok("PutItem", put(2)).await["Attributes"], typed(json!({"id": "x", "v": 1})));
    let delete = json!({"TableName": "things", "Key": {"id": {"S": "x"}}, "ReturnValues": "ALL_OLD"});
    assert_eq!(world.ok("DeleteItem", delete.clone()).await["Attributes"], typed(json!({"id": "x", "v": 2})));
    assert_eq!(world.ok("DeleteItem", delete.clone()).await, json!({}));
    for (operation, mut request) in [("PutItem", put(3)), ("DeleteItem", delete)] {
        request["ReturnValues"] = json!("ALL_NEW");
        world.invalid(operation, request, "ReturnValues can only be ALL_OLD or NONE").await;
    }
}

#[tokio::test]
async fn parts_of_items() {
    let world = World::new().await;
    world.create("things").await;
    world.put("things", json!({"id": "x", "a": {"b": [1, 2, 3], "c": 4}, "name": 5})).await;
    let get = |more: Value| {
        let mut request = json!({"TableName": "things", "Key": {"id": {"S": "x"}}});
        request.as_object_mut().expect("a map").extend(more.as_object().expect("a map").clone());
        request
    };
    let named = json!({
        "ProjectionExpression": "a.b[2], a.b[0], #n, absent", "ExpressionAttributeNames": {"#n": "name"},
    });
    let found = world.ok("GetItem", get(named)).await;
    assert_eq!(found["Item"], typed(json!({"a": {"b": [1, 3]}, "name": 5})));
    let found = world.ok("GetItem", get(json!({"AttributesToGet": ["name", "absent"]}))).await;
    assert_eq!(found["Item"], typed(json!({"name": 5})));
    let text = "One or more parameter values were invalid: Duplicate value in attribute name: a";
    world.invalid("GetItem", get(json!({"AttributesToGet": ["a", "a"]})), text).await;
    let text = "Can not use both expression and non-expression parameters in the same request: Non-expression parameters: \
                {AttributesToGet} Expression parameters: {ProjectionExpression}";
    world.invalid("GetItem", get(json!({"AttributesToGet": ["a"], "ProjectionExpression": "a"})), text).await;
    let text = "ExpressionAttributeNames can only be specified when using expressions";
    world.invalid("GetItem", get(json!({"ExpressionAttributeNames": {"#a": "a"}})), text).await;
}

#[tokio::test]
async fn capacity_is_told_to_those_who_ask() {
    let world = World::new().await;
    world.create("things").await;
    let item = typed(json!({"id": "x", "v": "x".repeat(5000)}));
    let put = json!({"TableName": "things", "Item": item, "ReturnConsumedCapacity": "TOTAL"});
    let used = world.ok("PutItem", put).await;
    assert_eq!(used["ConsumedCapacity"], json!({"TableName": "things", "CapacityUnits": 5.0}));
    let mut get = json!({"TableName": "things", "Key": {"id": {"S": "x"}}, "ReturnConsumedCapacity": "INDEXES"});
    assert_eq!(world.ok("GetItem", get.clone()).await["ConsumedCapacity"]["Table"]["CapacityUnits"], 1.0);
    get["ConsistentRead"] = json!(true);
    assert_eq!(world.ok("GetItem", get.clone()).await["ConsumedCapacity"]["CapacityUnits"], 2.0);
    get["ReturnConsumedCapacity"] = json!("NONE");
    assert_eq!(world.ok("GetItem", get).await["ConsumedCapacity"], Value::Null);
}

#[tokio::test]
async fn memory_is_bounded() {
    let settings = TablesSettings { memory_bytes_max: 100_000, ..TablesSettings::default() };
    let world = World::with(settings).await;
    world.create("things").await;
    world.put("things", json!({"id": "x", "v": "x".repeat(60_000)})).await;
    let more = json!({"TableName": "things", "Item": typed(json!({"id": "y", "v": "x".repeat(60_000)}))});
    let text = world.refuses("PutItem", more.clone(), "LimitExceededException").await;
    assert_eq!(text, "The items of all tables together may take 100000 bytes of memory");
    // What does not take more is written, and what is freed can be used again.
    world.put("things", json!({"id": "x", "v": "y".repeat(60_000)})).await;
    world.ok("DeleteItem", json!({"TableName": "things", "Key": {"id": {"S": "x"}}})).await;
    assert_eq!(world.tables.memory(), 0);
    world.ok("PutItem", more).await;
    world.ok("DeleteTable", json!({"TableName": "things"})).await;
    assert_eq!(world.tables.memory(), 0);
}

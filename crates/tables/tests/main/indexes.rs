//! Secondary indexes: what they hold and show.

use serde_json::{Value, json};

use crate::world::{World, plain, table, typed};

fn index(name: &str, hash: &str, range: Option<&str>, projection: Value) -> Value {
    let mut schema = vec![json!({"AttributeName": hash, "KeyType": "HASH"})];
    schema.extend(range.map(|range| json!({"AttributeName": range, "KeyType": "RANGE"})));
    json!({"IndexName": name, "KeySchema": schema, "Projection": projection})
}

fn add_index(name: &str, definitions: &[(&str, &str)], index: Value) -> Value {
    let definitions: Vec<Value> =
        definitions.iter().map(|(name, kind)| json!({"AttributeName": name, "AttributeType": kind})).collect();
    json!({
        "TableName": name, "AttributeDefinitions": definitions, "GlobalSecondaryIndexUpdates": [{"Create": index}],
    })
}

fn by_owner(owner: &str) -> Value {
    json!({
        "TableName": "things", "IndexName": "by-owner", "KeyConditionExpression": "#o = :o",
        "ExpressionAttributeNames": {"#o": "owner"}, "ExpressionAttributeValues": {":o": {"S": owner}},
    })
}

fn items(found: &Value) -> Vec<Value> {
    found["Items"].as_array().expect("items").iter().map(plain).collect()
}

async fn world(projection: Value) -> World {
    let world = World::new().await;
    world.create("things").await;
    world.put("things", json!({"id": "before", "owner": "w", "v": 1})).await;
    let index = index("by-owner", "owner", Some("id"), projection);
    world.ok("UpdateTable", add_index("things", &[("owner", "S"), ("id", "S")], index)).await;
    world
}

#[tokio::test]
async fn an_index_holds_what_was_there_and_what_comes() {
    let world = world(json!({"ProjectionType": "KEYS_ONLY"})).await;
    assert_eq!(items(&world.ok("Query", by_owner("w")).await), [json!({"id": "before", "owner": "w"})]);
    world.put("things", json!({"id": "a", "owner": "w"})).await;
    world.put("things", json!({"id": "nobody's"})).await;
    world.put("things", json!({"id": "before", "owner": "other"})).await;
    let world = world.restart().await;
    assert_eq!(items(&world.ok("Query", by_owner("w")).await), [json!({"id": "a", "owner": "w"})]);
    world.ok("DeleteItem", json!({"TableName": "things", "Key": {"id": {"S": "a"}}})).await;
    assert_eq!(items(&world.ok("Query", by_owner("w")).await), [] as [Value; 0]);
    let scanned = world.ok("Scan", json!({"TableName": "things", "IndexName": "by-owner"})).await;
    assert_eq!(items(&scanned), [json!({"id": "before", "owner": "other"})]);
}

#[tokio::test]
async fn a_projection_is_all_that_a_global_index_has() {
    let world = world(json!({"ProjectionType": "INCLUDE", "NonKeyAttributes": ["v"]})).await;
    world.put("things", json!({"id": "a", "owner": "w", "v": 2, "hidden": 3})).await;
    assert_eq!(items(&world.ok("Query", by_owner("w")).await)[0], json!({"id": "a", "owner": "w", "v": 2}));
    let mut filtered = by_owner("w");
    filtered["FilterExpression"] = json!("attribute_exists(hidden)");
    assert_eq!(world.ok("Query", filtered).await["Count"], 0);
    let mut hidden = by_owner("w");
    hidden["ProjectionExpression"] = json!("hidden");
    let text = "One or more parameter values were invalid: Global secondary index by-owner does not project hidden";
    world.invalid("Query", hidden, text).await;
    let mut all = by_owner("w");
    all["Select"] = json!("ALL_ATTRIBUTES");
    let text = "One or more parameter values were invalid: Select type ALL_ATTRIBUTES is not supported for global \
                secondary index by-owner because its projection type is not ALL";
    world.invalid("Query", all, text).await;
    let mut consistent = by_owner("w");
    consistent["ConsistentRead"] = json!(true);
    world.invalid("Query", consistent, "Consistent reads are not supported on global secondary indexes").await;
}

#[tokio::test]
async fn pages_of_an_index_pass_over_nothing() {
    let world = World::new().await;
    world.create("things").await;
    let index = index("by-owner", "owner", None, json!({"ProjectionType": "ALL"}));
    world.ok("UpdateTable", add_index("things", &[("owner", "S")], index)).await;
    for n in 0..25 {
        world.put("things", json!({"id": format!("k{n}"), "owner": "w"})).await;
    }
    for forward in [true, false] {
        let mut request = by_owner("w");
        request["Limit"] = json!(4);
        request["ScanIndexForward"] = json!(forward);
        let mut ids = Vec::new();
        loop {
            let page = world.ok("Query", request.clone()).await;
            ids.extend(items(&page).into_iter().map(|item| item["id"].to_string()));
            let Value::Object(key) = &page["LastEvaluatedKey"] else { break };
            assert_eq!(key.len(), 2, "the keys of the index and of the table");
            request["ExclusiveStartKey"] = page["LastEvaluatedKey"].clone();
        }
        assert_eq!(ids.len(), 25);
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), 25);
    }
}

#[tokio::test]
async fn keys_of_indexes_have_their_types() {
    let world = world(json!({"ProjectionType": "KEYS_ONLY"})).await;
    let mismatch = "One or more parameter values were invalid: Type mismatch for Index Key owner Expected: S Actual: N \
                    IndexName: by-owner";
    let put = json!({"TableName": "things", "Item": typed(json!({"id": "x", "owner": 1}))});
    world.invalid("PutItem", put, mismatch).await;
    let update = json!({
        "TableName": "things", "Key": {"id": {"S": "before"}}, "AttributeUpdates": {"owner": {"Value": {"N": "1"}}},
    });
    world.invalid("UpdateItem", update, mismatch).await;
    let put = json!({"TableName": "things", "Item": typed(json!({"id": "x", "owner": ""}))});
    world.refuses("PutItem", put, "ValidationException").await;
}

#[tokio::test]
async fn indexes_are_made_once_and_deleted() {
    let world = world(json!({"ProjectionType": "KEYS_ONLY"})).await;
    let again = index("by-owner", "owner", None, json!({"ProjectionType": "ALL"}));
    let text = "Attempting to create an index which already exists";
    world.invalid("UpdateTable", add_index("things", &[("owner", "S")], again), text).await;
    let other_type = index("other", "owner", None, json!({"ProjectionType": "ALL"}));
    world.refuses("UpdateTable", add_index("things", &[("owner", "N")], other_type), "ValidationException").await;
    let delete =
        |name: &str| json!({"TableName": "things", "GlobalSecondaryIndexUpdates": [{"Delete": {"IndexName": name}}]});
    let found = world.ok("UpdateTable", delete("by-owner")).await;
    assert_eq!(found["TableDescription"]["GlobalSecondaryIndexes"], Value::Null);
    assert_eq!(found["TableDescription"]["AttributeDefinitions"].as_array().map(Vec::len), Some(1));
    world.invalid("Query", by_owner("w"), "The table does not have the specified index: by-owner").await;
    world.refuses("UpdateTable", delete("by-owner"), "ResourceNotFoundException").await;
}

#[tokio::test]
async fn a_local_index_reaches_into_the_table() {
    let world = World::new().await;
    let mut request = table("pairs", &[("p", "S", "HASH"), ("s", "N", "RANGE")]);
    request["AttributeDefinitions"]
        .as_array_mut()
        .expect("a list")
        .push(json!({"AttributeName": "due", "AttributeType": "N"}));
    request["LocalSecondaryIndexes"] =
        json!([index("by-due", "p", Some("due"), json!({"ProjectionType": "KEYS_ONLY"}))]);
    world.ok("CreateTable", request).await;
    for (s, due) in [(1, 30), (2, 10), (3, 20)] {
        world.put("pairs", json!({"p": "a", "s": s, "due": due, "v": s * 100})).await;
    }
    world.put("pairs", json!({"p": "a", "s": 4, "v": 400})).await;
    let mut query = json!({
        "TableName": "pairs", "IndexName": "by-due", "KeyConditionExpression": "p = :p AND due <= :d",
        "ExpressionAttributeValues": typed(json!({":p": "a", ":d": 20})), "ConsistentRead": true,
    });
    let found = world.ok("Query", query.clone()).await;
    assert_eq!(items(&found), [json!({"p": "a", "s": 2, "due": 10}), json!({"p": "a", "s": 3, "due": 20})]);
    query["ProjectionExpression"] = json!("v");
    assert_eq!(items(&world.ok("Query", query).await), [json!({"v": 200}), json!({"v": 300})]);
    let put = json!({
        "TableName": "pairs", "Item": typed(json!({"p": "a", "s": 9})), "ReturnItemCollectionMetrics": "SIZE",
    });
    let metrics = world.ok("PutItem", put).await["ItemCollectionMetrics"].clone();
    assert_eq!(metrics, json!({"ItemCollectionKey": {"p": {"S": "a"}}, "SizeEstimateRangeGB": [0.0, 1.0]}));
}

#[tokio::test]
async fn indexes_have_capacity_of_their_own() {
    let world = world(json!({"ProjectionType": "KEYS_ONLY"})).await;
    let put = |owner: &str| {
        json!({
            "TableName": "things", "Item": typed(json!({"id": "x", "owner": owner})), "ReturnConsumedCapacity": "INDEXES",
        })
    };
    for (owner, units) in [("w", Some(1.0)), ("w", None), ("other", Some(2.0))] {
        let used = world.ok("PutItem", put(owner)).await["ConsumedCapacity"].clone();
        let found = used["GlobalSecondaryIndexes"]["by-owner"]["CapacityUnits"].as_f64();
        assert_eq!(found, units, "{owner}: {used}");
    }
}

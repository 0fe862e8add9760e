//! Conditions of writes, in both forms.

use serde_json::{Value, json};

use crate::world::{World, typed};

const FAILED: &str = "ConditionalCheckFailedException";

#[tokio::test]
async fn writes_depend_on_conditions() {
    let world = World::new().await;
    world.create("things").await;
    let put = |v: i64, condition: &str| json!({"TableName": "things", "Item": typed(json!({"id": "x", "v": v})), "ConditionExpression": condition});
    world.ok("PutItem", put(1, "attribute_not_exists(id)")).await;
    assert_eq!(
        world.refuses("PutItem", put(2, "attribute_not_exists(id)"), FAILED).await,
        "The conditional request failed"
    );
    world.refuses("PutItem", put(2, "attribute_exists(z)"), FAILED).await;
    let delete = |v: &str| {
        json!({
            "TableName": "things", "Key": {"id": {"S": "x"}}, "ConditionExpression": "v = :v",
            "ExpressionAttributeValues": {":v": {"N": v}},
        })
    };
    world.refuses("DeleteItem", delete("2"), FAILED).await;
    assert_eq!(world.get("things", "x").await, json!({"id": "x", "v": 1}));
    // Numbers are equal whatever their texts are.
    world.ok("DeleteItem", delete("1.0")).await;
    world.refuses("DeleteItem", delete("1"), FAILED).await;
}

#[tokio::test]
async fn a_failed_condition_shows_the_item_to_those_who_ask() {
    let world = World::new().await;
    world.create("things").await;
    let mut put = json!({
        "TableName": "things", "Item": typed(json!({"id": "x", "v": 2})), "Expected": {"v": {"Value": {"N": "9"}}},
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    });
    let refused = world.call("PutItem", put.clone()).await.expect_err("no item");
    assert_eq!((refused.code.as_str(), &refused.members["Item"]), (FAILED, &Value::Null));
    world.put("things", json!({"id": "x", "v": 1})).await;
    let refused = world.call("PutItem", put.clone()).await.expect_err("another value");
    assert_eq!(refused.members["Item"], typed(json!({"id": "x", "v": 1})));
    put["ReturnValuesOnConditionCheckFailure"] = json!("NONE");
    assert_eq!(world.call("PutItem", put).await.expect_err("another value").members["Item"], Value::Null);
}

#[tokio::test]
async fn the_forms_are_not_mixed() {
    let world = World::new().await;
    world.create("things").await;
    let key = json!({"id": {"S": "x"}});
    let mixed = "Can not use both expression and non-expression parameters in the same request: Non-expression \
                 parameters:";
    for (operation, request, text) in [
        (
            "PutItem",
            json!({"Item": key, "Expected": {"id": {"Exists": false}}, "ConditionExpression": "attribute_exists(id)"}),
            format!("{mixed} {{Expected}} Expression parameters: {{ConditionExpression}}"),
        ),
        (
            "UpdateItem",
            json!({
                "Key": key, "AttributeUpdates": {"v": {"Action": "DELETE"}}, "Expected": {"v": {"Exists": false}},
                "UpdateExpression": "REMOVE v", "ConditionExpression": "attribute_exists(id)",
            }),
            format!(
                "{mixed} {{AttributeUpdates, Expected}} Expression parameters: {{UpdateExpression, ConditionExpression}}"
            ),
        ),
        (
            "UpdateItem",
            json!({"Key": key, "ExpressionAttributeValues": {":v": {"N": "1"}}}),
            "ExpressionAttributeValues can only be specified when using expressions: UpdateExpression and \
             ConditionExpression are null"
                .to_owned(),
        ),
        (
            "DeleteItem",
            json!({"Key": key, "ExpressionAttributeValues": {":v": {"N": "1"}}}),
            "ExpressionAttributeValues can only be specified when using expressions: ConditionExpression is null"
                .to_owned(),
        ),
        (
            "DeleteItem",
            json!({
                "Key": key, "ConditionExpression": "attribute_exists(id)", "ExpressionAttributeNames": {"#a": "a"},
            }),
            "Value provided in ExpressionAttributeNames unused in expressions: keys: {#a}".to_owned(),
        ),
        (
            "DeleteItem",
            json!({
                "Key": key, "ConditionExpression": "attribute_exists(id)",
                "ExpressionAttributeValues": {":a": {"N": "1"}, ":b": {"N": "1"}},
            }),
            "Value provided in ExpressionAttributeValues unused in expressions: keys: {:a, :b}".to_owned(),
        ),
        (
            "DeleteItem",
            json!({"Key": key, "ConditionExpression": ""}),
            "Invalid ConditionExpression: The expression can not be empty;".to_owned(),
        ),
        (
            "DeleteItem",
            json!({"Key": key, "ConditionalOperator": "OR"}),
            "One or more parameter values were invalid: ConditionalOperator cannot be used without Filter or Expected"
                .to_owned(),
        ),
    ] {
        let mut request = request;
        request["TableName"] = json!("things");
        world.invalid(operation, request, &text).await;
    }
}

#[tokio::test]
async fn older_conditions_hold_all_or_any() {
    let world = World::new().await;
    world.create("things").await;
    world.put("things", json!({"id": "x", "a": 1, "b": "text"})).await;
    let update = |expected: Value, operator: Option<&str>| {
        let mut request = json!({"TableName": "things", "Key": {"id": {"S": "x"}}, "Expected": expected});
        if let Some(operator) = operator {
            request["ConditionalOperator"] = json!(operator);
        }
        request
    };
    let both = json!({
        "a": {"ComparisonOperator": "GT", "AttributeValueList": [{"N": "0"}]},
        "b": {"ComparisonOperator": "BEGINS_WITH", "AttributeValueList": [{"S": "no"}]},
    });
    world.refuses("UpdateItem", update(both.clone(), None), FAILED).await;
    world.refuses("UpdateItem", update(both.clone(), Some("AND")), FAILED).await;
    world.ok("UpdateItem", update(both, Some("OR"))).await;
    world.ok("UpdateItem", update(json!({"a": {"Value": {"N": "1"}}, "z": {"Exists": false}}), None)).await;
    world.ok("UpdateItem", update(json!({"z": {"ComparisonOperator": "NULL"}}), None)).await;
    world.refuses("UpdateItem", update(json!({"a": {"Value": {"S": "1"}}}), None), FAILED).await;
}

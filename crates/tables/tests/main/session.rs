//! The requests of KCL, its lock client and its enhanced client, in the forms in which they send them.

use serde_json::{Value, json};

use crate::world::World;

fn steps() -> Vec<Value> {
    serde_json::from_str(include_str!("../vectors/dynamodb_kcl_session.json")).expect("JSON")
}

/// Sets have no order, and a session on one account has other ARNs and times.
fn sorted(mut value: Value) -> Value {
    match &mut value {
        Value::Object(map) => {
            for (name, member) in map.iter_mut() {
                *member = sorted(member.take());
                if let (Value::Array(set), "SS" | "NS" | "Items") = (member, name.as_str()) {
                    set.sort_by_key(Value::to_string);
                }
            }
        }
        Value::Array(list) => list.iter_mut().for_each(|element| *element = sorted(element.take())),
        _ => {}
    }
    value
}

/// What a step must answer: the members that the vector has, and no items beside its.
fn check_output(step: &Value, found: &Value) {
    let Value::Object(expected) = &step["moto_output"] else { return };
    for (member, value) in expected {
        assert_eq!(sorted(found[member].clone()), sorted(value.clone()), "{}: {member}", step["step"]);
    }
}

#[tokio::test]
async fn every_step_has_its_outcome() {
    let world = World::new().await;
    let (mut done, mut scanned) = (0, Vec::new());
    for step in steps() {
        let name = step["step"].as_str().expect("a name");
        let operation = step["target"].as_str().and_then(|target| target.split_once('.')).expect("a target").1;
        let answer = world.call(operation, step["request"].clone()).await;
        match (step["expect"].as_str().expect("an outcome"), answer) {
            ("ok", Ok(found)) if name.starts_with("parallel scan") => {
                scanned.extend(found["Items"].as_array().expect("items").clone());
            }
            ("ok", Ok(found)) => check_output(&step, &found),
            (code, Err(refused)) => {
                assert_eq!(refused.code, code, "{name}: {}", refused.message);
                assert_eq!(refused.message, step["moto_output"]["Error"]["Message"], "{name}");
                let reasons = &step["moto_output"]["CancellationReasons"];
                assert_eq!(&refused.members["CancellationReasons"], reasons, "{name}");
            }
            (expected, Ok(found)) => panic!("{name}: {found} instead of {expected}"),
        }
        done += 1;
    }
    assert_eq!(done, 31);
    // Which segment has an item is the server's affair; every item is in exactly one.
    let keys: Vec<&Value> = scanned.iter().map(|item| &item["leaseKey"]["S"]).collect();
    assert_eq!(scanned.len(), 2, "{keys:?}");
    assert!(keys.contains(&&json!("Migration3.0")) && keys.contains(&&json!("shardId-000000000000")));
}

#[tokio::test]
async fn a_failed_renewal_shows_the_lease() {
    let world = World::new().await;
    let steps = steps();
    let stale = steps.iter().position(|step| step["step"] == "renewLease stale").expect("a stale renewal");
    for step in &steps[..stale] {
        let operation = step["target"].as_str().and_then(|target| target.split_once('.')).expect("a target").1;
        let _ = world.call(operation, step["request"].clone()).await;
    }
    let refused = world.call("UpdateItem", steps[stale]["request"].clone()).await.expect_err("stale");
    assert_eq!(refused.members["Item"]["leaseCounter"], json!({"N": "2"}));
    assert_eq!(refused.members["message"], "The conditional request failed");
}

#[tokio::test]
async fn the_index_is_active_when_it_is_made() {
    let world = World::new().await;
    for step in steps().iter().take(4) {
        let operation = step["target"].as_str().and_then(|target| target.split_once('.')).expect("a target").1;
        let Ok(found) = world.call(operation, step["request"].clone()).await else { continue };
        if operation == "UpdateTable" {
            let index = &found["TableDescription"]["GlobalSecondaryIndexes"][0];
            assert_eq!(index["IndexName"], "LeaseOwnerToLeaseKeyIndex");
            assert_eq!(index["IndexStatus"], "ACTIVE");
        }
    }
    let table = world.ok("DescribeTable", json!({"TableName": "app"})).await;
    assert_eq!(table["Table"]["TableStatus"], "ACTIVE");
    assert_eq!(table["Table"]["BillingModeSummary"]["BillingMode"], "PAY_PER_REQUEST");
    assert_eq!(table["Table"]["GlobalSecondaryIndexes"][0]["IndexStatus"], "ACTIVE");
}

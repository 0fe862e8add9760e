//! Many writers of one item, within a service and beside it.

use std::sync::Arc;

use serde_json::{Value, json};
use tables::TablesSettings;
use tokio::task::JoinSet;

use crate::world::World;

fn add_one() -> Value {
    json!({
        "TableName": "things", "Key": {"id": {"S": "counter"}}, "UpdateExpression": "ADD n :one",
        "ExpressionAttributeValues": {":one": {"N": "1"}},
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_increments_at_once_all_count() {
    let world = World::new().await;
    world.create("things").await;
    let mut tasks = JoinSet::new();
    for _ in 0..50 {
        let world = world.clone();
        tasks.spawn(async move {
            for _ in 0..20 {
                world.ok("UpdateItem", add_one()).await;
            }
        });
    }
    while let Some(done) = tasks.join_next().await {
        done.expect("a writer");
    }
    assert_eq!(world.get("things", "counter").await["n"], 1000);
    assert_eq!(world.restart().await.get("things", "counter").await["n"], 1000);
}

/// Takes the counter from one number to the next.
async fn take(world: World, from: i32) -> bool {
    let take = json!({
        "TableName": "things", "Key": {"id": {"S": "counter"}},
        "Expected": {"n": {"Value": {"N": from.to_string()}}},
        "AttributeUpdates": {"n": {"Value": {"N": (from + 1).to_string()}}},
    });
    match world.call("UpdateItem", take).await {
        Ok(_) => true,
        Err(refused) => {
            assert_eq!(refused.code, "ConditionalCheckFailedException", "{}", refused.message);
            false
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_fifty_takers_one_wins() {
    let world = World::new().await;
    world.create("things").await;
    world.put("things", json!({"id": "counter", "n": 0})).await;
    for round in 0..20 {
        let mut tasks = JoinSet::new();
        (0..50).for_each(|_| drop(tasks.spawn(take(world.clone(), round))));
        let won = tasks.join_all().await.into_iter().filter(|won| *won).count();
        assert_eq!(won, 1, "round {round}");
    }
}

/// Two services on one catalog do not know of each other but by the versions of rows.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_writer_beside_is_noticed() {
    let ours = World::new().await;
    ours.create("things").await;
    ours.put("things", json!({"id": "counter", "n": 0})).await;
    let theirs = World::on(Arc::clone(&ours.catalog), ours.clock.clone(), TablesSettings::default()).await;
    assert!(take(ours.clone(), 0).await);
    assert!(!take(theirs.clone(), 0).await, "already taken");
    assert!(take(theirs.clone(), 1).await);
    let mut tasks = JoinSet::new();
    for world in [&ours, &theirs] {
        for _ in 0..4 {
            let world = world.clone();
            tasks.spawn(async move {
                let mut done = 0;
                for _ in 0..50 {
                    // One of two may be the slower one again and again, and give up.
                    done += i32::from(world.call("UpdateItem", add_one()).await.is_ok());
                }
                done
            });
        }
    }
    let done: i32 = tasks.join_all().await.into_iter().sum();
    assert!(done > 0);
    assert_eq!(ours.restart().await.get("things", "counter").await["n"], 2 + done);
    // What the other has deleted is gone: the next one begins anew.
    let ours = theirs.clone().restart().await;
    ours.ok("DeleteItem", json!({"TableName": "things", "Key": {"id": {"S": "counter"}}})).await;
    theirs.ok("UpdateItem", add_one()).await;
    assert_eq!(theirs.get("things", "counter").await["n"], 1);
}

//! Items that expire.

use std::time::Duration;

use base::time::Clock;
use serde_json::{Value, json};

use crate::world::World;

fn switch(enabled: bool, attribute: &str) -> Value {
    json!({
        "TableName": "things", "TimeToLiveSpecification": {"Enabled": enabled, "AttributeName": attribute},
    })
}

#[tokio::test]
async fn expired_items_go() {
    let world = World::new().await;
    world.create("things").await;
    let now = world.clock.now().seconds();
    let year = 365 * 24 * 3600;
    for (id, expires) in [
        ("soon", json!(now + 10)),
        ("later", json!(now + 1000)),
        ("passed", json!(now - 10)),
        ("too long ago", json!(now - 6 * year)),
        ("a text", json!((now - 10).to_string())),
    ] {
        world.put("things", json!({"id": id, "expires": expires})).await;
    }
    world.tables.run_jobs().await;
    assert_eq!(world.ok("Scan", json!({"TableName": "things"})).await["Count"], 5, "not asked for");
    world.ok("UpdateTimeToLive", switch(true, "expires")).await;
    world.tables.run_jobs().await;
    assert_eq!(world.get("things", "passed").await, Value::Null);
    world.clock.advance(Duration::from_secs(60));
    let world = world.restart().await;
    world.tables.run_jobs().await;
    for (id, stays) in [("soon", false), ("later", true), ("too long ago", true), ("a text", true)] {
        assert_eq!(world.get("things", id).await != Value::Null, stays, "{id}");
    }
    let job = world.tables.jobs().into_iter().find(|job| job.name == "item expiry").expect("a job");
    assert_eq!((job.failures, job.done), (0, 1));
}

#[tokio::test]
async fn rounds_get_through_everything() {
    let world = World::new().await;
    world.create("things").await;
    world.ok("UpdateTimeToLive", switch(true, "expires")).await;
    let now = world.clock.now().seconds();
    for n in 0..1200 {
        world.put("things", json!({"id": n.to_string(), "expires": now + i64::from(n % 2) * 1000 - 1})).await;
    }
    world.tables.run_jobs().await;
    assert_eq!(world.ok("Scan", json!({"TableName": "things"})).await["Count"], 600);
}

#[tokio::test]
async fn the_switch_is_turned_once() {
    let world = World::new().await;
    world.create("things").await;
    let describe = json!({"TableName": "things"});
    let off = json!({"TimeToLiveDescription": {"TimeToLiveStatus": "DISABLED"}});
    assert_eq!(world.ok("DescribeTimeToLive", describe.clone()).await, off);
    world.invalid("UpdateTimeToLive", switch(false, "expires"), "TimeToLive is already disabled").await;
    let answer = world.ok("UpdateTimeToLive", switch(true, "expires")).await;
    assert_eq!(answer["TimeToLiveSpecification"], json!({"Enabled": true, "AttributeName": "expires"}));
    world.invalid("UpdateTimeToLive", switch(true, "expires"), "TimeToLive is already enabled").await;
    let text = "TimeToLive is active on a different AttributeName: current AttributeName is expires";
    world.invalid("UpdateTimeToLive", switch(false, "other"), text).await;
    let on = json!({"TimeToLiveDescription": {"TimeToLiveStatus": "ENABLED", "AttributeName": "expires"}});
    assert_eq!(world.ok("DescribeTimeToLive", describe.clone()).await, on);
    world.ok("UpdateTimeToLive", switch(false, "expires")).await;
    assert_eq!(world.ok("DescribeTimeToLive", describe).await, off);
}

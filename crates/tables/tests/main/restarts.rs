//! What the catalog holds is what there is after a restart; what does not fit together is refused.

use serde_json::json;
use store::catalog::Transaction;
use tables::{StartError, Tables, TablesBuilder, TablesSettings};

use crate::world::World;

async fn start(world: &World) -> Result<Tables, StartError> {
    let builder = TablesBuilder {
        catalog: world.catalog.clone(),
        clock: world.clock.clone(),
        settings: TablesSettings::default(),
    };
    Tables::start(builder).await
}

#[tokio::test]
async fn thousands_of_items_come_back() {
    let world = World::new().await;
    world.create("things").await;
    for n in 0..2500 {
        world.put("things", json!({"id": n.to_string(), "n": n})).await;
    }
    let (before, memory) = (world.ok("DescribeTable", json!({"TableName": "things"})).await, world.tables.memory());
    let world = world.restart().await;
    assert_eq!(world.ok("DescribeTable", json!({"TableName": "things"})).await, before);
    assert_eq!((before["Table"]["ItemCount"].as_i64(), world.tables.memory()), (Some(2500), memory));
    // Versions go on from where they were.
    world.put("things", json!({"id": "7", "n": "new"})).await;
    assert_eq!(world.get("things", "7").await["n"], "new");
}

#[tokio::test]
async fn rows_that_do_not_fit_are_refused() {
    let world = World::new().await;
    world.create("things").await;
    world.put("things", json!({"id": "x"})).await;
    let (key, row) = world.catalog.scan("tables/item/", None, 1).await.expect("a scan").remove(0);
    let moved = key.replace("78", "79");
    for (transaction, text) in [
        (Transaction::new().put(moved.clone(), row.value.clone()), "it is stored under another item's key"),
        (Transaction::new().put("tables/item/00000000000000ff/78/", row.value.clone()), "its table does not exist"),
        (Transaction::new().put(key.clone(), vec![9]), "was written by a newer release"),
        (Transaction::new().put(key.clone(), vec![1, 1, 0, 0, 0]), "row is damaged"),
        (Transaction::new().put("tables/table/x", vec![1]), "its key names no table"),
    ] {
        world.catalog.commit(transaction).await.expect("a commit");
        let error = start(&world).await.err().expect("refused").to_string();
        assert!(error.contains(text), "{error}");
        let repair = Transaction::new()
            .put(key.clone(), row.value.clone())
            .delete(moved.clone())
            .delete("tables/item/00000000000000ff/78/")
            .delete("tables/table/x");
        world.catalog.commit(repair).await.expect("a commit");
    }
    assert!(start(&world).await.is_ok());
}

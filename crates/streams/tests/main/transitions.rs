//! Changes that take time, and restarts in the middle of them.

use std::time::Duration;

use api::kinesis::*;

use crate::world::{ACCOUNT, World, data, text_of};

const DELAY: Duration = Duration::from_secs(20);

async fn pass(world: &World) {
    world.advance(DELAY);
    world.streams.run_jobs().await;
}

#[tokio::test]
async fn creation_takes_time() {
    let world = World::with_delay(DELAY).await;
    world.create("s", 2).await;
    assert_eq!(world.status("s").await, StreamStatus::Creating);
    let describe = DescribeStreamInput { stream_name: Some("s".into()), ..Default::default() };
    let stream = world.streams.describe_stream(&world.caller, describe).await.expect("a stream").stream_description;
    assert_eq!((stream.shards.len(), stream.stream_status), (0, StreamStatus::Creating));
    let not_found = format!("ResourceNotFoundException: Stream s under account {ACCOUNT} not found.");
    assert_eq!(text_of(world.try_put("s", "k", 1, "").await), not_found);
    assert_eq!(text_of(world.iterator("s", "0", ShardIteratorType::Latest).await), not_found);
    let not_active =
        format!("ResourceInUseException: Stream s under account {ACCOUNT} not ACTIVE, instead in state CREATING");
    assert_eq!(text_of(world.split("s", "0", "5").await), not_active);
    assert_eq!(text_of(world.delete("s").await), not_active);
    let list = ListShardsInput { stream_name: Some("s".into()), ..Default::default() };
    assert_eq!(text_of(world.streams.list_shards(&world.caller, list).await), not_active);
    pass(&world).await;
    assert_eq!(world.status("s").await, StreamStatus::Active);
    assert_eq!(world.shards("s").await.len(), 2);
}

#[tokio::test]
async fn a_clock_that_is_set_back_does_not_hold_up_changes() {
    let world = World::with_delay(DELAY).await;
    world.create("s", 1).await;
    world.clock.set(world.now().minus(Duration::from_secs(24 * 3600)));
    world.streams.run_jobs().await;
    assert_eq!(world.status("s").await, StreamStatus::Active);
    world.delete("s").await.expect("begun");
    world.streams.run_jobs().await;
    assert_eq!(world.status("s").await, StreamStatus::Deleting, "the delay holds from then on");
    pass(&world).await;
    world.create("s", 1).await;
}

#[tokio::test]
async fn five_streams_are_created_at_a_time() {
    let world = World::with_delay(DELAY).await;
    for i in 0..5 {
        world.create(&format!("s{i}"), 1).await;
    }
    let sixth = CreateStreamInput { stream_name: "s5".into(), shard_count: Some(1), ..CreateStreamInput::default() };
    assert_eq!(
        text_of(world.streams.create_stream(&world.caller, sixth).await),
        "LimitExceededException: No more than 5 streams can be in CREATING state at the same time."
    );
    pass(&world).await;
    world.create("s5", 1).await;
}

#[tokio::test]
async fn records_flow_while_a_stream_is_updating() {
    let world = World::with_delay(DELAY).await;
    world.create("s", 2).await;
    pass(&world).await;
    world.scale("s", 3).await.expect("begun");
    assert_eq!(world.status("s").await, StreamStatus::Updating);
    assert_eq!(world.open_shards("s").await.len(), 2);
    world.put("s", "k", "while updating").await;
    assert_eq!(
        text_of(world.scale("s", 4).await),
        format!("ResourceInUseException: Stream s under account {ACCOUNT} not ACTIVE, instead in state UPDATING")
    );
    pass(&world).await;
    assert_eq!(world.status("s").await, StreamStatus::Active);
    assert_eq!(world.open_shards("s").await.len(), 3);
    let mut read = Vec::new();
    for shard in world.shards("s").await {
        read.extend(data(&world.read_all("s", &shard.shard_id).await));
    }
    assert_eq!(read, ["while updating"]);
}

#[tokio::test]
async fn a_restart_completes_what_was_begun() {
    let mut world = World::with_delay(DELAY).await;
    world.create("s", 2).await;
    world = world.restart().await;
    assert_eq!(world.status("s").await, StreamStatus::Creating);
    world.advance(DELAY);
    world = world.restart().await;
    assert_eq!(world.status("s").await, StreamStatus::Active);
    world.split("s", "0", "1000").await.expect("begun");
    world.advance(DELAY);
    world = world.restart().await;
    assert_eq!(world.status("s").await, StreamStatus::Active);
    assert_eq!(world.open_shards("s").await.len(), 3);
    world.scale("s", 5).await.expect("begun");
    world.advance(DELAY);
    world = world.restart().await;
    assert_eq!(world.open_shards("s").await.len(), 5);
    world.delete("s").await.expect("begun");
    assert_eq!(world.status("s").await, StreamStatus::Deleting);
    assert!(text_of(world.delete("s").await).ends_with("not ACTIVE, instead in state DELETING"));
    world.advance(DELAY);
    world = world.restart().await;
    assert!(world.summary("s").await.is_err());
}

#[tokio::test]
async fn the_worker_needs_no_help() {
    let world = World::with_delay(Duration::from_millis(50)).await;
    world.create("s", 1).await;
    world.advance(Duration::from_millis(50));
    for _ in 0..100 {
        if world.status("s").await == StreamStatus::Active {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the stream never became active");
}

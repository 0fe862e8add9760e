//! A worker between a stream and a lease table that do not do as one would like.

mod source;

use std::sync::Arc;
use std::time::Duration;

use api::kinesis::{ChildShard, GetRecordsOutput};
use tokio::time::sleep;

use super::fake::{FakeStream, FakeTable, shard};
use super::holding::{Holding, Order};
use super::lease::{Checkpoint, Lease, name, text};
use super::processor::{Batch, Checkpointer, RecordProcessor};
use super::{Consumer, ConsumerBuilder};

const FAILOVER: Duration = Duration::from_secs(10);

struct Idle;

impl RecordProcessor for Idle {
    async fn process(&mut self, _: Batch, _: &Checkpointer) {}
}

fn lease(key: &'static str, checkpoint: &'static str) -> Lease {
    Lease {
        key: key.into(),
        counter: 0,
        owner: None,
        checkpoint_owner: None,
        checkpoint: Checkpoint::new(checkpoint),
        parents: Vec::new(),
        children: Vec::new(),
        range: None,
        since: None,
    }
}

/// A worker at the end of shard `p`, which was merged with `q`, whose lease is not there.
fn at_a_merge() -> (FakeStream, FakeTable, Arc<Holding>) {
    let (stream, table) = (FakeStream::default(), FakeTable::default());
    let child = ChildShard { shard_id: "c".into(), parent_shards: vec!["p".into(), "q".into()], ..Default::default() };
    stream.state().records = [Ok(GetRecordsOutput { child_shards: Some(vec![child]), ..Default::default() })].into();
    stream.state().shards = Some(vec![shard("p", false), shard("q", false), shard("c", true)]);
    table.insert(&lease("p", "TRIM_HORIZON"), Some("me"));
    let held = table.lease("p").expect("it was inserted");
    let holding = Arc::new(Holding::new(table.leases(), "me".into(), FAILOVER, held));
    tokio::spawn(super::shard::run(Arc::clone(&holding), stream.polling(), Idle));
    (stream, table, holding)
}

#[tokio::test(start_paused = true)]
async fn a_merge_waits_for_the_lease_of_its_other_side() {
    let (_, table, _) = at_a_merge();
    sleep(Duration::from_secs(600)).await;
    assert_eq!(table.lease("c"), None);
    assert!(!table.lease("p").expect("held").checkpoint.is_shard_end());
    table.insert(&lease("q", "TRIM_HORIZON"), None);
    sleep(Duration::from_secs(10)).await;
    assert!(table.lease("c").is_some());
    assert!(table.lease("p").expect("held").checkpoint.is_shard_end());
}

#[tokio::test(start_paused = true)]
async fn a_merge_does_not_wait_for_what_is_no_longer_retained() {
    let (stream, table, _) = at_a_merge();
    sleep(Duration::from_secs(60)).await;
    assert_eq!(table.lease("c"), None);
    stream.state().shards = Some(vec![shard("c", true)]);
    sleep(Duration::from_secs(10)).await;
    assert!(table.lease("c").is_some());
}

#[tokio::test(start_paused = true)]
async fn a_merge_that_waits_is_handed_over() {
    let (_, table, holding) = at_a_merge();
    sleep(Duration::from_secs(60)).await;
    holding.order(Order::HandOver);
    sleep(Duration::from_secs(1)).await;
    assert_eq!(table.lease("p").expect("there").owner, None);
}

fn consumer(stream: &FakeStream, table: &FakeTable) -> ConsumerBuilder {
    let (kinesis, dynamodb) = (Arc::new(stream.clone()), Arc::new(table.clone()));
    Consumer::builder(kinesis, dynamodb, "application", "stream").worker_id("me").failover(FAILOVER)
}

#[tokio::test(start_paused = true)]
async fn a_slow_look_takes_nothing_from_a_worker_that_lives() {
    let (stream, table) = (FakeStream::default(), FakeTable::default());
    stream.state().shards = Some(vec![shard("s", true)]);
    table.insert(&lease("s", "TRIM_HORIZON"), Some("other"));
    let other = table.clone();
    let renewing = tokio::spawn(async move {
        loop {
            sleep(FAILOVER / 3).await;
            other.renew("s");
        }
    });
    let consumer = consumer(&stream, &table).start(|_| Idle).await.expect("a consumer starts");
    for seconds in 1..120 {
        if seconds % 20 == 0 {
            // Longer than the failover time.
            table.state().scan_delay = Duration::from_secs(15);
        }
        sleep(Duration::from_secs(1)).await;
        assert_eq!(table.lease("s").expect("there").owner.as_deref(), Some("other"), "after {seconds} s");
    }
    renewing.abort();
    sleep(3 * FAILOVER).await;
    assert_eq!(table.lease("s").expect("there").owner.as_deref(), Some("me"));
    drop(consumer);
}

#[tokio::test(start_paused = true)]
async fn leases_are_renewed_although_taking_is_slow() {
    const SHARDS: [&str; 12] = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l"];
    let (stream, table) = (FakeStream::default(), FakeTable::default());
    stream.state().shards = Some(SHARDS.iter().map(|id| shard(id, true)).collect());
    for id in SHARDS {
        table.insert(&lease(id, "TRIM_HORIZON"), None);
    }
    table.state().update_delay = Duration::from_secs(1);
    let consumer = consumer(&stream, &table).start(|_| Idle).await.expect("a consumer starts");
    let mut seen = std::collections::HashMap::new();
    while consumer.metrics().leases_held < SHARDS.len() as u64 {
        for id in SHARDS {
            let lease = table.lease(id).expect("there");
            let now = tokio::time::Instant::now();
            let (counter, since) = seen.entry(id).or_insert((lease.counter, now));
            if *counter != lease.counter || lease.owner.is_none() {
                (*counter, *since) = (lease.counter, now);
            }
            assert!(since.elapsed() < FAILOVER, "{id} stands still");
        }
        sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn settings_without_an_end_are_fine() {
    let (stream, table) = (FakeStream::default(), FakeTable::default());
    stream.state().shards = Some(vec![shard("s", true)]);
    table.insert(&lease("s", "TRIM_HORIZON"), None);
    table.insert(&lease("t", "TRIM_HORIZON"), Some("me"));
    table.state().rows.get_mut("t").expect("there").insert(name::CHECKPOINT_OWNER.into(), text("other"));
    let forever = Duration::MAX;
    let builder = consumer(&stream, &table).handover(forever).shard_sync(forever).idle(forever);
    let consumer = builder.clone().start(|_| Idle).await.expect("a consumer starts");
    sleep(3 * FAILOVER).await;
    assert_eq!(consumer.metrics().leases_held, 2);
    consumer.stop().await;
    let consumer = builder.failover(forever).start(|_| Idle).await.expect("a consumer starts");
    sleep(FAILOVER).await;
    assert!(consumer.metrics().leases_held > 0);
    consumer.stop().await;
}

#[tokio::test(start_paused = true)]
async fn nothing_is_owned_after_two_that_stop_in_the_middle_of_a_handover() {
    for is_asker_first in [true, false] {
        let (stream, table) = (FakeStream::default(), FakeTable::default());
        stream.state().shards = Some(vec![shard("a", true), shard("b", true)]);
        for id in ["a", "b"] {
            table.insert(&lease(id, "TRIM_HORIZON"), None);
        }
        let first = consumer(&stream, &table).start(|_| Idle).await.expect("a consumer starts");
        sleep(FAILOVER).await;
        assert_eq!(first.metrics().leases_held, 2);
        let second = consumer(&stream, &table).worker_id("you").start(|_| Idle).await.expect("a consumer starts");
        while !["a", "b"].iter().any(|id| table.lease(id).expect("there").checkpoint_owner.is_some()) {
            sleep(Duration::from_millis(1)).await;
        }
        // The first has not seen yet that it was asked.
        let (one, other) = if is_asker_first { (second, first) } else { (first, second) };
        one.stop().await;
        other.stop().await;
        for id in ["a", "b"] {
            assert_eq!(table.lease(id).expect("there").actual_owner(), None, "of {id}, asker first: {is_asker_first}");
        }
    }
}

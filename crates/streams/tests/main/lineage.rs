//! Writers, a resharder and a reader at the same time: the reader goes from shard to shard as a consumer does and finds
//! every acknowledged record once, those of a key in the order in which they were put.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use api::kinesis::*;

use crate::world::{World, data, entry};

const WRITERS: usize = 4;
const ROUNDS: usize = 150;
const KEYS: usize = 25;

/// Puts one record for each of the writer's keys per round; each says its round.
async fn write(world: &World, writer: usize) {
    for round in 0..ROUNDS {
        let (mut records, data) = (PutRecordsRequestEntryList::new(), round.to_string());
        (0..KEYS).for_each(|key| records.push(entry(&format!("{writer}-{key}"), data.as_bytes())));
        let input = PutRecordsInput { stream_name: Some("s".into()), records, ..PutRecordsInput::default() };
        let output = world.streams.put_records(&world.caller, input).await.expect("an answer for every record");
        assert_eq!(output.failed_record_count, Some(0));
        tokio::task::yield_now().await;
    }
}

/// Scales up and down, and cuts a narrow shard off in between, so that no two shards are equally wide.
async fn reshard(world: &World) {
    for _ in 0..10 {
        let open = world.open_shards("s").await.len() as i32;
        world.scale("s", if open <= 3 { open * 2 } else { (open + 1) / 2 }).await.expect("scaled");
        tokio::task::yield_now().await;
        let open = world.open_shards("s").await;
        let start: u128 = open[0].hash_key_range.starting_hash_key.parse().expect("a hash key");
        world.split("s", &open[0].shard_id, &(start + 1_000_000).to_string()).await.expect("a split");
        tokio::task::yield_now().await;
    }
}

/// Reads a shard to its end, or, once everything was written, to its tip.
async fn read_shard(world: &World, shard: &str, is_done: impl Fn() -> bool) -> (Vec<Record>, Vec<ChildShard>) {
    let mut records = Vec::new();
    let mut iterator = world.iterator("s", shard, ShardIteratorType::TrimHorizon).await.expect("an iterator");
    loop {
        let was_done = is_done();
        let output = world.get_some(&iterator, Some(100)).await.expect("a reading");
        let (at_tip, is_empty) = (output.millis_behind_latest == Some(0), output.records.is_empty());
        records.extend(output.records);
        match (output.next_shard_iterator, output.child_shards) {
            (Some(next), None) => iterator = next,
            (None, Some(children)) if !children.is_empty() => return (records, children),
            other => panic!("neither the end of a shard nor a place in it: {other:?}"),
        }
        if was_done && at_tip && is_empty {
            return (records, Vec::new());
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_reader_finds_everything_in_order_while_shards_come_and_go() {
    let world = std::sync::Arc::new(World::new().await);
    world.create("s", 1).await;
    let mut writers = tokio::task::JoinSet::new();
    for writer in 0..WRITERS {
        let world = world.clone();
        writers.spawn(async move { write(&world, writer).await });
    }
    let others = world.clone();
    writers.spawn(async move { reshard(&others).await });
    let done = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let is_done = || done.load(std::sync::atomic::Ordering::SeqCst);
    let finish = async {
        while let Some(ended) = writers.join_next().await {
            ended.expect("no panic");
        }
        done.store(true, std::sync::atomic::Ordering::SeqCst);
    };
    let follow = async {
        let mut seen: BTreeMap<String, usize> = BTreeMap::new();
        let mut finished = BTreeSet::new();
        let mut started = BTreeSet::from(["shardId-000000000000".to_owned()]);
        let mut queue: VecDeque<String> = started.iter().cloned().collect();
        while let Some(shard) = queue.pop_front() {
            let (records, children) = read_shard(&world, &shard, is_done).await;
            for (record, round) in records.iter().zip(data(&records)) {
                let next = seen.entry(record.partition_key.to_string()).or_default();
                assert_eq!(round, next.to_string(), "of key {} in {shard}", record.partition_key);
                *next += 1;
            }
            finished.insert(shard);
            // A child begins when all its parents have ended.
            for child in children {
                let is_ready = child.parent_shards.iter().all(|parent| finished.contains(&**parent));
                if is_ready && started.insert(child.shard_id.to_string()) {
                    queue.push_back(child.shard_id.to_string());
                }
            }
        }
        seen
    };
    let ((), seen) = tokio::join!(finish, follow);
    assert_eq!(seen.len(), WRITERS * KEYS);
    assert!(seen.values().all(|rounds| *rounds == ROUNDS), "{seen:?}");
}

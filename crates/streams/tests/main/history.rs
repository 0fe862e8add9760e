//! Puts, reshards and restarts at random: every acknowledged record is read back once, at its number, in order.

use std::collections::BTreeMap;
use std::time::Duration;

use proptest::prelude::*;

use crate::world::World;

#[derive(Debug, Clone)]
enum Step {
    Put { records: usize },
    Split { shard: usize },
    Merge { shard: usize },
    Scale { target: i32 },
    Restart,
    Wait { millis: u64 },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        6 => (1usize..60).prop_map(|records| Step::Put { records }),
        1 => any::<usize>().prop_map(|shard| Step::Split { shard }),
        1 => any::<usize>().prop_map(|shard| Step::Merge { shard }),
        1 => (1i32..9).prop_map(|target| Step::Scale { target }),
        1 => Just(Step::Restart),
        2 => (0u64..3000).prop_map(|millis| Step::Wait { millis }),
    ];
    proptest::collection::vec(step, 1..25)
}

#[derive(Default)]
struct Acknowledged {
    next: u32,
    /// Data by shard and number; the numbers all have the same length, so that text order is their order.
    records: BTreeMap<(String, String), String>,
}

async fn put(world: &World, acknowledged: &mut Acknowledged, count: usize) {
    let data: Vec<String> = (0..count as u32).map(|i| (acknowledged.next + i).to_string()).collect();
    acknowledged.next += count as u32;
    let records: Vec<(&str, &str)> = data.iter().map(|data| (data.as_str(), data.as_str())).collect();
    let output = world.put_many("s", &records).await;
    assert_eq!(output.failed_record_count, Some(0));
    for (data, result) in data.into_iter().zip(&output.records) {
        let shard = result.shard_id.expect("a shard").to_string();
        let number = result.sequence_number.expect("a number").to_string();
        assert_eq!(number.len(), 56);
        assert!(acknowledged.records.insert((shard, number), data).is_none(), "numbers are unique");
    }
}

async fn check(world: &World, acknowledged: &Acknowledged) {
    let mut read = BTreeMap::new();
    for shard in world.shards("s").await {
        let mut last = String::new();
        for record in world.read_all("s", &shard.shard_id).await {
            let number = record.sequence_number.to_string();
            assert!(number > last, "records of a shard are in order");
            assert!(*number > *shard.sequence_number_range.starting_sequence_number);
            last.clone_from(&number);
            let data = String::from_utf8(record.data.to_vec()).expect("text");
            assert!(read.insert((shard.shard_id.to_string(), number), data).is_none());
        }
    }
    assert_eq!(read, acknowledged.records);
}

async fn run(steps: Vec<Step>) {
    let mut world = World::new().await;
    world.create("s", 2).await;
    let mut acknowledged = Acknowledged::default();
    for step in steps {
        let mut open = world.open_shards("s").await;
        open.sort_by_key(|shard| shard.hash_key_range.starting_hash_key.parse::<u128>().expect("a hash key"));
        match step {
            Step::Put { records } => put(&world, &mut acknowledged, records).await,
            Step::Split { shard } => {
                let shard = &open[shard % open.len()];
                let bound = |text: &str| text.parse::<u128>().expect("a hash key");
                let (from, to) = (&shard.hash_key_range.starting_hash_key, &shard.hash_key_range.ending_hash_key);
                let at = bound(from) / 2 + bound(to) / 2;
                world.split("s", &shard.shard_id, &at.to_string()).await.expect("a split");
            }
            Step::Merge { shard } => {
                let shard = shard % open.len();
                if let Some(upper) = open.get(shard + 1) {
                    world.merge("s", &open[shard].shard_id, &upper.shard_id).await.expect("a merge");
                }
            }
            Step::Scale { target } => drop(world.scale("s", target).await),
            Step::Restart => world = world.restart().await,
            Step::Wait { millis } => world.advance(Duration::from_millis(millis)),
        }
    }
    check(&world, &acknowledged).await;
    check(&world.restart().await, &acknowledged).await;
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn acknowledged_records_come_back(steps in steps()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(run(steps));
    }
}

/// Writers never notice that the shards are exchanged under them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn puts_and_reshards_at_the_same_time() {
    let world = std::sync::Arc::new(World::new().await);
    world.create("s", 2).await;
    let writers: Vec<_> = (0..4)
        .map(|writer| {
            let world = world.clone();
            tokio::spawn(async move {
                let mut acknowledged = Acknowledged { next: writer * 1_000_000, ..Acknowledged::default() };
                for _ in 0..60 {
                    put(&world, &mut acknowledged, 20).await;
                    tokio::task::yield_now().await;
                }
                acknowledged.records
            })
        })
        .collect();
    for target in [4, 3, 6, 5, 3, 2] {
        world.scale("s", target).await.expect("scaled");
        tokio::time::sleep(Duration::from_millis(3)).await;
    }
    let mut all = Acknowledged::default();
    for writer in writers {
        all.records.extend(writer.await.expect("a writer that finished"));
    }
    assert_eq!(all.records.len(), 4 * 60 * 20);
    check(&world, &all).await;
}

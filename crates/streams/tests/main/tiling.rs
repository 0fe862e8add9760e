//! However a stream is resharded, its open shards cover the hash key space, and every filter finds one generation.

use std::time::Duration;

use api::kinesis::*;
use base::time::Timestamp;
use proptest::prelude::*;

use crate::world::World;

#[derive(Debug, Clone)]
enum Step {
    Split { shard: usize, at: u128 },
    Merge { shard: usize },
    Scale { factor: u32 },
    Wait { seconds: u64 },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        (any::<usize>(), any::<u128>()).prop_map(|(shard, at)| Step::Split { shard, at }),
        any::<usize>().prop_map(|shard| Step::Merge { shard }),
        (50u32..200).prop_map(|factor| Step::Scale { factor }),
        (0u64..4000).prop_map(|seconds| Step::Wait { seconds }),
    ];
    proptest::collection::vec(step, 1..12)
}

fn range(shard: &Shard) -> (u128, u128) {
    let bound = |text: &str| text.parse().expect("a hash key");
    (bound(&shard.hash_key_range.starting_hash_key), bound(&shard.hash_key_range.ending_hash_key))
}

fn assert_tiles(shards: &[Shard]) {
    let mut ranges: Vec<(u128, u128)> = shards.iter().map(range).collect();
    ranges.sort_unstable();
    assert_eq!(ranges.first().map(|range| range.0), Some(0));
    assert_eq!(ranges.last().map(|range| range.1), Some(u128::MAX));
    for pair in ranges.windows(2) {
        assert_eq!(pair[0].1 + 1, pair[1].0);
    }
}

async fn take(world: &World, step: &Step) {
    let mut open = world.open_shards("s").await;
    open.sort_by_key(range);
    match step {
        Step::Split { shard, at } => {
            let shard = &open[shard % open.len()];
            let (start, end) = range(shard);
            let at = start + at % (end - start).max(1);
            // May be refused, at the edges of the range.
            let _ = world.split("s", &shard.shard_id, &at.to_string()).await;
        }
        Step::Merge { shard } => {
            let shard = shard % open.len();
            if let Some(upper) = open.get(shard + 1) {
                world.merge("s", &open[shard].shard_id, &upper.shard_id).await.expect("neighbours");
            }
        }
        Step::Scale { factor } => {
            let target = (open.len() as u32 * factor / 100).max(1) as i32;
            let _ = world.scale("s", target).await;
        }
        Step::Wait { seconds } => world.advance(Duration::from_secs(*seconds)),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn open_shards_tile_the_space(steps in steps(), shards in 1i32..6) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let world = World::new().await;
            world.create("s", shards).await;
            let mut times = vec![world.now()];
            for step in &steps {
                take(&world, step).await;
                assert_tiles(&world.open_shards("s").await);
                times.push(world.now());
            }
            let world = world.restart().await;
            assert_tiles(&world.open_shards("s").await);
            let filter = |kind, timestamp: Option<Timestamp>| {
                Some(ShardFilter { r#type: kind, shard_id: None, timestamp })
            };
            assert_tiles(&world.shards_by("s", filter(ShardFilterType::AtTrimHorizon, None)).await);
            for time in times {
                assert_tiles(&world.shards_by("s", filter(ShardFilterType::AtTimestamp, Some(time))).await);
            }
        });
    }
}

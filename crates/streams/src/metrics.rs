//! What operators see of the traffic.

use base::arn::StreamArn;
use base::ids::ShardIndex;

use crate::core::Core;
use crate::shard::TrafficCounts;

/// Traffic of one stream.
#[derive(Debug, Clone)]
pub struct StreamMetrics {
    pub arn: StreamArn,
    pub open_shards: usize,
    /// Of all shards, those that have expired meanwhile among them.
    pub counts: TrafficCounts,
    pub shards: Vec<ShardMetrics>,
}

/// Traffic of one shard.
#[derive(Debug, Clone)]
pub struct ShardMetrics {
    pub shard: ShardIndex,
    pub open: bool,
    pub counts: TrafficCounts,
}

pub fn snapshot(core: &Core) -> Vec<StreamMetrics> {
    let streams = core.registry.all();
    let metrics = streams.iter().map(|stream| {
        let snapshot = stream.snapshot();
        let shards = snapshot.shards.iter().filter_map(|shard| {
            Some(ShardMetrics {
                shard: shard.row.index,
                open: shard.is_open(),
                counts: shard.activity_if_any()?.traffic.counts(),
            })
        });
        StreamMetrics {
            arn: stream.arn.clone(),
            open_shards: snapshot.open.len(),
            counts: stream.traffic.counts(),
            shards: shards.collect(),
        }
    });
    metrics.collect()
}

//! What operators see of the traffic.

use api::kinesis::MetricsName;
use base::arn::StreamArn;
use base::ids::ShardIndex;

use crate::core::Core;
use crate::meters::{MetersTaken, ShardMetersTaken};
use crate::monitoring;
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

/// What calls have done to one stream.
#[derive(Debug, Clone)]
pub struct StreamMeters {
    pub arn: StreamArn,
    /// Tells the stream from an earlier one of the same name, whose counts it does not go on.
    pub incarnation: u64,
    /// Since the start of the process.
    pub counts: TrafficCounts,
    pub meters: MetersTaken,
    /// Shard-level metrics that are switched on.
    pub monitored: Vec<MetricsName>,
    /// Empty unless some are.
    pub shards: Vec<ShardMetersTaken>,
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

pub fn take(core: &Core) -> Vec<StreamMeters> {
    let streams = core.registry.all();
    let taken = streams.iter().map(|stream| {
        let snapshot = stream.snapshot();
        let is_monitored = snapshot.row.monitored != 0;
        let shards = snapshot.shards.iter().filter(|_| is_monitored).filter_map(|shard| {
            let activity = shard.activity_if_any()?;
            Some(ShardMetersTaken {
                shard: shard.row.index,
                counts: activity.traffic.counts(),
                iterator_age: activity.iterator_age.take(),
            })
        });
        StreamMeters {
            arn: stream.arn.clone(),
            incarnation: stream.incarnation,
            counts: stream.traffic.counts(),
            meters: stream.meters.take(),
            monitored: monitoring::names(snapshot.row.monitored),
            shards: shards.collect(),
        }
    });
    taken.collect()
}

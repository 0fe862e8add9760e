//! Watches the load of on-demand streams: keeps their peaks, from which their capacity follows, and splits the
//! shards that take more than their share.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use api::kinesis::KinesisError;
use base::BoxFuture;
use base::ids::ShardIndex;
use base::limits::SHARDS_PER_STREAM_MAX;
use base::time::Timestamp;
use store::catalog::Transaction;

use super::Job;
use crate::core::Core;
use crate::on_demand::{Rate, is_hot, note_peak};
use crate::reshard::{Step, middle};
use crate::resharding;
use crate::shard::{Shard, TrafficCounts, lock};
use crate::stream::{Snapshot, Stream};
use crate::transition::{Mode, Status};

/// Rates are averages over this time.
const WINDOW: Duration = Duration::from_secs(60);

pub struct OnDemand;

/// Where the counters of each on-demand stream stood when its window began.
#[derive(Debug, Default)]
pub struct Loads {
    windows: Mutex<HashMap<u64, Window>>,
}

#[derive(Debug)]
struct Window {
    began: Timestamp,
    stream: TrafficCounts,
    shards: HashMap<ShardIndex, TrafficCounts>,
}

/// Rates over a window that has ended.
struct Load {
    stream: Rate,
    shards: HashMap<ShardIndex, Rate>,
}

impl Job for OnDemand {
    fn name(&self) -> &'static str {
        "on-demand scaling"
    }

    fn run<'a>(&'a self, core: &'a Core) -> BoxFuture<'a, Result<usize, KinesisError>> {
        Box::pin(async {
            let mut done = 0;
            let mut seen = Vec::new();
            for stream in core.registry.all() {
                let snapshot = stream.snapshot();
                if snapshot.row.mode != Mode::OnDemand {
                    continue;
                }
                seen.push(stream.incarnation);
                if let Some(load) = core.jobs.loads.measure(&stream, &snapshot, core.now()) {
                    done += scale(core, &stream, &load).await?;
                }
            }
            lock(&core.jobs.loads.windows).retain(|incarnation, _| seen.contains(incarnation));
            Ok(done)
        })
    }
}

impl Loads {
    /// The rates since the window began; `None` while it lasts. Begins the next one.
    fn measure(&self, stream: &Stream, snapshot: &Snapshot, now: Timestamp) -> Option<Load> {
        let mut windows = lock(&self.windows);
        let began = windows.get(&stream.incarnation).map(|window| window.began);
        let elapsed = began.map(|began| now.since(began));
        if elapsed.is_some_and(|elapsed| elapsed < WINDOW) {
            return None;
        }
        let current = Window {
            began: now,
            stream: stream.traffic.counts(),
            shards: snapshot.open.shards().iter().map(|shard| (shard.row.index, counts(shard))).collect(),
        };
        let (Some(last), Some(elapsed)) = (windows.get_mut(&stream.incarnation), elapsed) else {
            windows.insert(stream.incarnation, current);
            return None;
        };
        let rate_of = |now: &TrafficCounts, before: TrafficCounts| {
            let per_second = |count: u64| count * 1000 / u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX);
            Rate {
                bytes_per_second: per_second(now.incoming_bytes.saturating_sub(before.incoming_bytes)),
                records_per_second: per_second(now.incoming_records.saturating_sub(before.incoming_records)),
            }
        };
        let load = Load {
            stream: rate_of(&current.stream, last.stream),
            shards: current
                .shards
                .iter()
                .map(|(index, counts)| (*index, rate_of(counts, last.shards.get(index).copied().unwrap_or_default())))
                .collect(),
        };
        *last = current;
        Some(load)
    }
}

fn counts(shard: &Arc<Shard>) -> TrafficCounts {
    shard.activity_if_any().map(|activity| activity.traffic.counts()).unwrap_or_default()
}

/// Keeps a new peak and splits hot shards; answers how many were split.
async fn scale(core: &Core, stream: &Arc<Stream>, load: &Load) -> Result<usize, KinesisError> {
    let _change = stream.change.lock().await;
    let snapshot = stream.snapshot();
    if stream.is_gone() || snapshot.row.status != Status::Active {
        return Ok(0);
    }
    let mut row = snapshot.row.clone();
    let day = u32::try_from(core.now().seconds() / 86_400).unwrap_or(0);
    let is_new_peak = load.stream != Rate::default() && note_peak(&mut row.peaks, day, load.stream);
    let hot =
        snapshot.open.shards().iter().filter(|shard| load.shards.get(&shard.row.index).is_some_and(|r| is_hot(*r)));
    let room = (SHARDS_PER_STREAM_MAX as usize).saturating_sub(snapshot.open.len());
    let steps: Vec<Step> = hot
        .filter_map(|shard| middle(&shard.row.range).map(|at| Step::Split { shard: shard.row.index, at }))
        .take(room)
        .collect();
    if !steps.is_empty() {
        resharding::run(core, stream, row, &steps).await?;
    } else if is_new_peak {
        core.commit(stream, snapshot.with_row(row), Transaction::new()).await?;
    }
    Ok(steps.len())
}

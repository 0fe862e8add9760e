//! The operator: splits while there are few shards, merges while there are many, now and then sets the number of shards or
//! the retention.

use std::time::Duration;

use base::hash_key::HashKey;
use testkit::history::ShardDescription;
use tokio::time::sleep;

use super::{RETENTION_DEFAULT, Recorder, Worker};
use crate::client::{Answer, Client};

const OPEN_SHARDS_MAX: usize = 8;
const RETENTION_MAX: u64 = 8760;
/// Between two changes.
const PAUSE: Duration = Duration::from_millis(15);

pub(super) async fn run(mut worker: Worker) {
    let mut retention = RETENTION_DEFAULT;
    while !worker.is_stopped() {
        let done = match worker.random.below(8) {
            0 => set_retention(&mut worker, &mut retention).await,
            1 => scale(&mut worker).await,
            _ => reshard(&mut worker).await,
        };
        if done.is_ok() {
            worker.recorder.count_change();
        }
        sleep(PAUSE).await;
    }
}

async fn open_shards(worker: &Worker) -> Answer<Vec<ShardDescription>> {
    let mut open = worker.client.shards().await?;
    open.retain(|shard| !shard.is_closed);
    open.sort_by_key(|shard| shard.range.start);
    Ok(open)
}

async fn reshard(worker: &mut Worker) -> Answer<()> {
    let open = open_shards(worker).await?;
    let closed = if open.len() < 2 || (open.len() < OPEN_SHARDS_MAX && worker.random.chance(50)) {
        let shard = &open[worker.random.index(open.len())];
        let middle = shard.range.start.0 + (shard.range.end.0 - shard.range.start.0) / 2 + 1;
        worker.client.split(shard.shard, HashKey(middle)).await?;
        vec![shard.shard]
    } else {
        let at = worker.random.index(open.len() - 1);
        let (lower, upper) = (open[at].shard, open[at + 1].shard);
        worker.client.merge(lower, upper).await?;
        vec![lower, upper]
    };
    let history = &mut worker.recorder.lock().history;
    closed.into_iter().for_each(|shard| history.close(shard));
    Ok(())
}

/// Asks for half as many shards more or less.
async fn scale(worker: &mut Worker) -> Answer<()> {
    let open = open_shards(worker).await?.len();
    let target = if open >= OPEN_SHARDS_MAX { open.div_ceil(2) } else { open + open.div_ceil(2) };
    worker.client.scale(i32::try_from(target).expect("shards are few")).await
}

async fn set_retention(worker: &mut Worker, now: &mut i32) -> Answer<()> {
    let hours = worker.random.between(RETENTION_DEFAULT.unsigned_abs().into(), RETENTION_MAX);
    let hours = i32::try_from(hours).expect("a year has few hours");
    if hours == *now {
        return Ok(());
    }
    worker.recorder.set_retention(&worker.client, hours, *now).await?;
    *now = hours;
    Ok(())
}

impl Recorder {
    /// Changes the retention, which is `now` hours.
    pub(crate) async fn set_retention(&self, client: &Client, hours: i32, now: i32) -> Answer<()> {
        self.lock().retention.invoke(hours);
        client.set_retention(hours, now).await?;
        let record = &mut *self.lock();
        record.retention.acknowledge(record.history.mark());
        Ok(())
    }
}

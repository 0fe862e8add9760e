//! A consumer: reads shards from any place on, page by page, and notes what it is given.

use testkit::history::ReadRecord;

use super::Worker;
use crate::client::{Answer, Start};

/// Pages that are read with one iterator before another shard is taken.
const PAGES_MAX: u64 = 8;

pub(super) async fn run(mut worker: Worker) {
    let mut last: Option<ReadRecord> = None;
    while !worker.is_stopped() {
        // While the server is gone there is nothing to read.
        let _ = follow(&mut worker, &mut last).await;
        worker.pause().await;
    }
}

/// Reads a few pages of one shard.
async fn follow(worker: &mut Worker, last: &mut Option<ReadRecord>) -> Answer<()> {
    let shards = worker.client.shards().await?;
    let mut shard = shards[worker.random.index(shards.len())].shard;
    let (start, mut after) = match (worker.random.below(3), last.as_ref()) {
        (0, _) => (Start::Horizon, Some(0)),
        (1, Some(record)) => {
            shard = record.sequence.shard;
            (Start::After(record.sequence), Some(record.sequence.index))
        }
        _ => (Start::Latest, None),
    };
    let mut next = worker.client.iterator(shard, start).await?;
    for _ in 0..PAGES_MAX {
        let Some(iterator) = next.filter(|_| !worker.is_stopped()) else { return Ok(()) };
        let page = worker.client.page(iterator).await?;
        worker.recorder.lock().history.observe(shard, after, &page.records);
        if let Some(record) = page.records.last() {
            after = Some(record.sequence.index);
            *last = Some(record.clone());
        }
        next = page.next;
        worker.pause().await;
    }
    Ok(())
}

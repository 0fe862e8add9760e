//! The life of one shard at this worker: from its checkpoint until it ends, is handed over or is lost.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::sleep;

use super::holding::{Holding, Order};
use super::processor::{Checkpointer, RecordProcessor};
use super::reader::Reader;
use super::source::{Fetched, Source};
use super::sync;

/// How often a shard that ends in a merge looks for the lease of the other side.
const MERGE_PAUSE: Duration = Duration::from_secs(5);

pub(super) async fn run<P: RecordProcessor>(holding: Arc<Holding>, reader: Reader, mut processor: P) {
    let mut orders = holding.orders();
    let checkpointer = Checkpointer::new(Arc::clone(&holding));
    processor.initialize(&holding.key).await;
    let mut source = Source::start(reader.clone(), holding.lease().await);
    loop {
        let order = *orders.borrow_and_update();
        match order {
            Order::Process => {}
            Order::HandOver => {
                processor.shutdown_requested(&checkpointer).await;
                return holding.release().await;
            }
            Order::Lost => return processor.lease_lost().await,
        }
        let fetched = tokio::select! {
            biased;
            changed = orders.changed() => {
                changed.expect("the holding is alive and has the sender");
                continue;
            }
            fetched = next(&mut source, &holding, &reader) => fetched,
        };
        match fetched {
            Some(Fetched::Batch { batch, bytes }) => {
                holding.has_read(bytes);
                reader.counters.user_records.add(batch.records.len());
                reader.counters.bytes.add(bytes);
                if let Some(last) = batch.records.last() {
                    checkpointer.advance(last);
                }
                processor.process(batch, &checkpointer).await;
            }
            Some(Fetched::End(children)) => {
                processor.shard_ended().await;
                let children: Vec<_> = children.iter().map(sync::child).collect();
                if holding.finish(&children).await {
                    reader.counters.shards_ended.add(1);
                } else {
                    processor.lease_lost().await;
                }
                return;
            }
            // Reading has panicked: the lease runs out, and the shard begins again.
            None => return processor.lease_lost().await,
        }
    }
}

/// The end of a shard is held back while the other side of a merge has neither a lease nor been forgotten by the stream:
/// the merged shard would begin before its records. May be dropped only when the shard is given up: what it holds is then
/// read again by whoever has the lease next.
async fn next(source: &mut Source, holding: &Holding, reader: &Reader) -> Option<Fetched> {
    let fetched = source.next().await?;
    if let Fetched::End(children) = &fetched {
        let parents = children.iter().flat_map(|child| &child.parent_shards);
        for other in parents.filter(|parent| **parent != holding.key) {
            while !matches!(holding.has_row(other).await, Ok(true)) && !matches!(reader.find(other).await, Ok(None)) {
                sleep(MERGE_PAUSE).await;
            }
        }
    }
    Some(fetched)
}

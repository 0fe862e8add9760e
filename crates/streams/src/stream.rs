//! A stream as requests see it: an immutable snapshot that is replaced as a whole.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use arc_swap::ArcSwap;
use base::ByteString;
use base::arn::StreamArn;
use base::ids::ShardIndex;
use base::limits::RETENTION_HOURS_DEFAULT;
use base::time::Timestamp;
use tokio::sync::watch;

use crate::meters::Meters;
use crate::on_demand::Rate;
use crate::rows::{ConsumerRow, StreamRow};
use crate::shard::{Shard, Traffic, lock};
use crate::shard_map::ShardMap;
use crate::throttle::WriteThrottle;

/// One incarnation of a stream.
#[derive(Debug)]
pub struct Stream {
    pub arn: StreamArn,
    /// The ARN as clients see it.
    pub arn_text: ByteString,
    pub incarnation: u64,
    snapshot: ArcSwap<Snapshot>,
    /// Rises with every snapshot; `None` when the stream is gone.
    generation: watch::Sender<Option<u64>>,
    /// Held by whoever changes the stream. Never taken on the way of a record.
    pub change: tokio::sync::Mutex<()>,
    pub traffic: Traffic,
    pub meters: Meters,
    write: Mutex<Option<WriteThrottle>>,
}

/// Everything that requests need to know of a stream.
#[derive(Debug)]
pub struct Snapshot {
    pub generation: u64,
    pub row: StreamRow,
    /// Version of the stream's row in the catalog.
    pub row_version: u64,
    /// Open and closed shards by index.
    pub shards: Vec<Arc<Shard>>,
    pub open: ShardMap,
    /// Sorted by name.
    pub consumers: Vec<ConsumerRow>,
}

impl Stream {
    #[must_use]
    pub fn new(arn: StreamArn, snapshot: Snapshot) -> Self {
        Self {
            arn_text: ByteString::from(arn.to_string()),
            arn,
            incarnation: snapshot.row.incarnation,
            generation: watch::Sender::new(Some(snapshot.generation)),
            snapshot: ArcSwap::from_pointee(snapshot),
            change: tokio::sync::Mutex::new(()),
            traffic: Traffic::default(),
            meters: Meters::default(),
            write: Mutex::default(),
        }
    }

    /// Whether an ARN that came beside a token is this stream's; none agrees with every token.
    #[must_use]
    pub fn is_named_by(&self, arn: Option<&str>) -> bool {
        arn.is_none_or(|arn| arn.parse() == Ok(self.arn.clone()))
    }

    #[must_use]
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.snapshot.load_full()
    }

    /// Replaces the snapshot and wakes whoever waits for a change.
    pub fn publish(&self, mut snapshot: Snapshot) {
        snapshot.generation = self.snapshot.load().generation + 1;
        let generation = snapshot.generation;
        self.snapshot.store(Arc::new(snapshot));
        self.generation.send_if_modified(|seen| {
            let alive = seen.is_some();
            if alive {
                *seen = Some(generation);
            }
            alive
        });
    }

    /// Wakes whoever waits for a change; nothing more will follow.
    pub fn retire(&self) {
        self.generation.send_replace(None);
    }

    #[must_use]
    pub fn is_gone(&self) -> bool {
        self.generation.borrow().is_none()
    }

    /// Follows the generation of the snapshot; `None` once the stream is gone.
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<Option<u64>> {
        self.generation.subscribe()
    }

    /// The limit of an on-demand stream as a whole.
    pub fn with_write<T>(&self, rate: Rate, now: Timestamp, run: impl FnOnce(&mut WriteThrottle) -> T) -> T {
        let mut write = lock(&self.write);
        let throttle = write.get_or_insert_with(|| WriteThrottle::new(rate, now));
        throttle.set_rate(rate);
        run(throttle)
    }
}

impl Snapshot {
    /// A shard by its index, open or closed.
    #[must_use]
    pub fn shard(&self, index: ShardIndex) -> Option<&Arc<Shard>> {
        let at = self.shards.binary_search_by_key(&index, |shard| shard.row.index).ok()?;
        Some(&self.shards[at])
    }

    /// The shards that were made of a closed shard.
    pub fn children(&self, of: ShardIndex) -> impl Iterator<Item = &Arc<Shard>> {
        self.shards.iter().filter(move |shard| shard.row.parent == Some(of) || shard.row.adjacent_parent == Some(of))
    }

    #[must_use]
    pub fn consumer(&self, name: &str) -> Option<&ConsumerRow> {
        self.consumers.iter().find(|consumer| consumer.name.as_str() == name)
    }

    /// The oldest time whose records are retained. It may lie before the stream was created, and so may records: the clock can
    /// have been set back since.
    #[must_use]
    pub fn horizon(&self, now: Timestamp) -> Timestamp {
        // Nothing younger than the shortest retention is ever trimmed.
        let shortest = now.minus(Duration::from_secs(u64::from(RETENTION_HOURS_DEFAULT) * 3600));
        now.minus(self.row.retention()).max(self.row.trimmed_before.min(shortest))
    }

    /// A snapshot with another stream row, everything else unchanged.
    #[must_use]
    pub fn with_row(&self, row: StreamRow) -> Self {
        Self {
            generation: self.generation,
            row,
            row_version: self.row_version,
            shards: self.shards.clone(),
            open: ShardMap::of(&self.shards),
            consumers: self.consumers.clone(),
        }
    }
}

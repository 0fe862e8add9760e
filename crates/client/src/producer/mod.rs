//! Puts user records into a stream: aggregated in KPL's format, collected over all shards, tried again one by one.
//!
//! A user record goes into the open aggregate of the shard that its key belongs to. Aggregates travel when they are
//! full or have waited for the linger time, many to a request. What fails is put again after a pause, in front of what
//! came later, until its time to live has passed. The memory of records that are not stored yet is limited: puts wait
//! for room.

mod buffer;
mod error;
mod lane;
mod metrics;
mod parcel;
mod receipt;
mod sender;
mod settings;
mod shard_map;

#[cfg(test)]
mod tests;

pub use error::PutError;
pub use metrics::ProducerMetrics;
pub use receipt::{Placed, Receipt};
pub use settings::ProducerBuilder;
pub use wire::kpl::UserRecord;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use api::kinesis::{Kinesis, KinesisError};
use base::caller::Caller;
use base::{ByteString, Bytes};
use tokio::sync::{Notify, Semaphore, watch};
use tokio::time::Instant;

use self::buffer::Buffer;
use self::metrics::Counters;
use self::parcel::{room_for, room_of};
use self::shard_map::ShardMap;

/// The characters that a partition key has at most (service model).
const PARTITION_KEY_CHARACTERS_MAX: usize = 256;

/// Puts user records into one stream. Share it by reference or in an `Arc`.
///
/// When it is dropped, what it has accepted is still sent for as long as the runtime lives; [`Producer::close`] waits
/// for that.
pub struct Producer {
    core: Arc<Core>,
    /// Closed when the sender has ended.
    ended: watch::Receiver<()>,
}

struct Core {
    kinesis: Arc<dyn Kinesis>,
    caller: Caller,
    stream: ByteString,
    record_bytes_max: usize,
    buffer_bytes_max: usize,
    /// Bytes that may still be accepted.
    room: Arc<Semaphore>,
    counters: Arc<Counters>,
    buffer: Mutex<Buffer>,
    /// Wakes the sender.
    news: Notify,
}

impl Producer {
    /// Settings with their defaults, to be changed before [`ProducerBuilder::start`]. `kinesis` is a client, or a
    /// service in this process.
    #[must_use]
    pub fn builder(kinesis: Arc<dyn Kinesis>, stream: impl Into<ByteString>) -> ProducerBuilder {
        ProducerBuilder::new(kinesis, stream)
    }

    async fn start(builder: ProducerBuilder) -> Result<Self, KinesisError> {
        let ProducerBuilder { kinesis, caller, stream, mut settings } = builder;
        // Every record finds room at last.
        settings.buffer_bytes_max = settings.buffer_bytes_max.max(room_for(settings.record_bytes_max));
        let map = ShardMap::fetch(&*kinesis, &caller, &stream).await?;
        let (counters, room) = (Arc::<Counters>::default(), Arc::new(Semaphore::new(settings.buffer_bytes_max)));
        let core = Arc::new(Core {
            kinesis,
            caller,
            stream,
            record_bytes_max: settings.record_bytes_max,
            buffer_bytes_max: settings.buffer_bytes_max,
            buffer: Mutex::new(Buffer::new(settings, map, Arc::clone(&counters), Arc::clone(&room))),
            room,
            counters,
            news: Notify::new(),
        });
        let (running, ended) = watch::channel(());
        let sender = sender::run(Arc::clone(&core));
        tokio::spawn(async move {
            sender.await;
            drop(running);
        });
        Ok(Self { core, ended })
    }

    /// Puts a user record and waits until it is stored. Once there was room for it, it is sent even if this future is
    /// dropped.
    ///
    /// # Errors
    /// When it was not stored.
    pub async fn put(&self, partition_key: impl Into<ByteString>, data: impl Into<Bytes>) -> Result<Placed, PutError> {
        let record = UserRecord { partition_key: partition_key.into(), explicit_hash_key: None, data: data.into() };
        self.send(record).await?.await
    }

    /// Puts a user record: waits for room and no longer. The receipt tells when it is stored.
    ///
    /// # Errors
    /// When the record cannot be put, or the producer is closed.
    pub async fn send(&self, record: UserRecord) -> Result<Receipt, PutError> {
        let core = &*self.core;
        core.check(&record)?;
        let room = u32::try_from(room_of(&record)).expect("the largest record is far smaller");
        let key = record.hash_key();
        let permit = core.room.acquire_many(room).await.map_err(|_| PutError::Closed)?;
        let accepted = core.buffer().accept(&record, key, Instant::now()).ok_or(PutError::Closed)?;
        // The room is given back when the record is resolved.
        permit.forget();
        core.counters.user_records_accepted.add(1);
        if accepted.is_news {
            core.news.notify_one();
        }
        Ok(accepted.receipt)
    }

    /// Sends what waits without lingering, and waits until everything accepted before is stored or given up.
    pub async fn flush(&self) {
        let books = self.core.buffer().flush();
        self.core.news.notify_one();
        for book in books {
            book.resolved().await;
        }
    }

    /// Accepts nothing more, and waits until everything accepted is stored or given up.
    pub async fn close(&self) {
        self.core.close();
        // An error, as nothing is ever sent: the sender has ended.
        drop(self.ended.clone().changed().await);
    }

    #[must_use]
    pub fn metrics(&self) -> ProducerMetrics {
        let taken = self.core.buffer_bytes_max - self.core.room.available_permits().min(self.core.buffer_bytes_max);
        self.core.counters.buffer_bytes.set(taken);
        self.core.counters.snapshot()
    }
}

impl Drop for Producer {
    fn drop(&mut self) {
        self.core.close();
    }
}

impl Core {
    fn check(&self, record: &UserRecord) -> Result<(), PutError> {
        let bytes = record.partition_key.len() + record.data.len();
        if bytes > self.record_bytes_max {
            return Err(PutError::TooLarge { bytes, bytes_max: self.record_bytes_max });
        }
        // Characters are counted only where bytes leave a doubt.
        let key = &record.partition_key;
        let is_long = key.len() > PARTITION_KEY_CHARACTERS_MAX && key.chars().count() > PARTITION_KEY_CHARACTERS_MAX;
        if key.is_empty() || is_long {
            return Err(PutError::PartitionKey { characters: key.chars().count() });
        }
        Ok(())
    }

    fn close(&self) {
        self.room.close();
        self.buffer().close();
        self.news.notify_one();
    }

    fn buffer(&self) -> MutexGuard<'_, Buffer> {
        self.buffer.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

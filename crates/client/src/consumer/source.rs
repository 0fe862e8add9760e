//! Reads one shard ahead of its processor: by polling or by enhanced fan-out, de-aggregated.

use std::time::Duration;

use api::kinesis::{
    ChildShard, GetRecordsInput, GetRecordsOutput, GetShardIteratorInput, KinesisError, Record, ShardIteratorType,
    StartingPosition, SubscribeToShardEvent, SubscribeToShardInput,
};
use base::ByteString;
use base::hash_key::HashKeyRange;
use base::time::{Clock as _, SystemClock, Timestamp};
use futures_util::StreamExt as _;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::deaggregate::user_records;
use super::fan_out;
use super::lease::{Checkpoint, Lease};
use super::processor::Batch;
use super::reader::{How, Reader, after, at, at_time};
use crate::failure::{Retry, is_throttle};
use crate::retry;

/// Answers that are read ahead while one is processed.
const AHEAD: usize = 1;
/// AWS refuses a second subscription of the same consumer within this time.
const RESUBSCRIBE_PAUSE: Duration = Duration::from_secs(5);

/// What a shard gives.
pub(super) enum Fetched {
    Batch {
        batch: Batch,
        bytes: usize,
    },
    /// Every record has been given.
    End(Vec<ChildShard>),
}

/// One shard being read; dropping it ends that.
pub(super) struct Source {
    fetched: mpsc::Receiver<Fetched>,
    _task: JoinSet<()>,
}

impl Source {
    pub(super) fn start(reader: Reader, lease: Lease) -> Self {
        let (out, fetched) = mpsc::channel(AHEAD);
        let mut task = JoinSet::new();
        let position = reader.position(&lease);
        let reading = Reading { reader, shard: lease.key, range: lease.range, from: lease.checkpoint, position, out };
        task.spawn(reading.run());
        Self { fetched, _task: task }
    }

    /// Safe to drop before it is ready. `None` when reading has come to an unforeseen end.
    pub(super) async fn next(&mut self) -> Option<Fetched> {
        self.fetched.recv().await
    }
}

struct Reading {
    reader: Reader,
    shard: ByteString,
    range: Option<HashKeyRange>,
    /// Already processed.
    from: Checkpoint,
    position: StartingPosition,
    out: mpsc::Sender<Fetched>,
}

/// Nobody listens any more.
struct Closed;

/// Whether an iterator is of no more use. One is invalid too when the server was set up anew.
fn is_about_iterator(error: &KinesisError) -> bool {
    use KinesisError::{ExpiredIteratorException, InvalidArgumentException, ResourceNotFoundException};
    matches!(error, ExpiredIteratorException(_) | InvalidArgumentException(_) | ResourceNotFoundException(_))
}

fn is_missing(error: &KinesisError) -> bool {
    matches!(error, KinesisError::ResourceNotFoundException(_))
}

impl Reading {
    async fn run(mut self) {
        let how = self.reader.how.clone();
        // The only way to fail is that nobody listens.
        drop(match how {
            How::Poll { records_max, idle } => self.poll(records_max, idle).await,
            How::FanOut { name, consumer_arn } => self.subscribe(name, consumer_arn).await,
        });
    }

    async fn poll(&mut self, records_max: i32, idle: Duration) -> Result<(), Closed> {
        let (mut iterator, mut failures) = (None, 0);
        loop {
            let (is_new, asked) = (iterator.is_none(), SystemClock.now());
            let answer = self.get(&mut iterator, records_max).await;
            if is_new && iterator.is_some() {
                self.pin(asked);
            }
            match answer {
                Ok(output) => {
                    failures = 0;
                    let is_at_tip = output.records.is_empty() || output.millis_behind_latest == Some(0);
                    if let Some(last) = output.records.last() {
                        self.position = after(last.sequence_number.clone());
                    }
                    self.give(output.records, output.millis_behind_latest.unwrap_or_default()).await?;
                    match (output.next_shard_iterator, output.child_shards.unwrap_or_default()) {
                        (Some(next), _) => iterator = Some(next),
                        // An answer without either is none; the next one says more.
                        (None, children) if children.is_empty() => iterator = None,
                        (None, children) => return self.end(children).await,
                    }
                    if is_at_tip {
                        sleep(idle).await;
                    }
                }
                Err(error) => {
                    if is_missing(&error) && self.is_over().await {
                        return self.end(Vec::new()).await;
                    }
                    if iterator.is_none() {
                        self.move_if_refused(&error);
                    }
                    // Other failures say nothing against it.
                    if is_about_iterator(&error) {
                        iterator = None;
                    }
                    failures += 1;
                    self.pause(&error, failures).await?;
                }
            }
        }
    }

    async fn get(&self, iterator: &mut Option<ByteString>, limit: i32) -> Result<GetRecordsOutput, KinesisError> {
        let Reader { kinesis, caller, stream, .. } = &self.reader;
        let shard_iterator = match iterator {
            Some(iterator) => iterator.clone(),
            None => {
                let input = GetShardIteratorInput {
                    stream_name: Some(stream.clone()),
                    shard_id: self.shard.clone(),
                    shard_iterator_type: self.position.r#type.clone(),
                    starting_sequence_number: self.position.sequence_number.clone(),
                    timestamp: self.position.timestamp,
                    ..Default::default()
                };
                let output = kinesis.get_shard_iterator(caller, input).await?;
                let made = output.shard_iterator;
                let made = made.ok_or_else(|| KinesisError::internal_failure("no iterator in the answer"))?;
                iterator.insert(made).clone()
            }
        };
        let input = GetRecordsInput { shard_iterator, limit: Some(limit), ..Default::default() };
        kinesis.get_records(caller, input).await
    }

    async fn subscribe(&mut self, name: ByteString, mut consumer_arn: ByteString) -> Result<(), Closed> {
        let mut failures = 0;
        loop {
            let input = SubscribeToShardInput {
                consumer_arn: consumer_arn.clone(),
                shard_id: self.shard.clone(),
                starting_position: self.position.clone(),
                ..Default::default()
            };
            let Reader { kinesis, caller, .. } = &self.reader;
            let asked = SystemClock.now();
            let subscribed = kinesis.subscribe_to_shard(caller, input).await;
            match &subscribed {
                Ok(_) => self.pin(asked),
                Err(error) => self.move_if_refused(error),
            }
            let error = match subscribed {
                Ok(mut events) => loop {
                    match events.next().await {
                        Some(Ok(event)) => {
                            failures = 0;
                            if let Some(children) = self.take(event).await? {
                                return self.end(children).await;
                            }
                        }
                        Some(Err(error)) => break Some(error),
                        // Subscriptions live for five minutes.
                        None => break None,
                    }
                },
                Err(error) => Some(error),
            };
            match error {
                None => {}
                Some(KinesisError::ResourceInUseException(_)) => sleep(RESUBSCRIBE_PAUSE).await,
                Some(error) => {
                    if is_missing(&error) {
                        let found = self.consumer_arn(&name).await;
                        let is_same = found.as_ref() == Some(&consumer_arn);
                        consumer_arn = found.unwrap_or(consumer_arn);
                        // Else it may have been the consumer that was missing.
                        if is_same && self.is_over().await {
                            return self.end(Vec::new()).await;
                        }
                    }
                    failures += 1;
                    self.pause(&error, failures).await?;
                }
            }
        }
    }

    /// LATEST is taken for one reading only: another one would pass over what came meanwhile.
    fn pin(&mut self, asked: Timestamp) {
        if self.position.r#type == ShardIteratorType::Latest {
            self.position = at_time(asked);
        }
    }

    /// For a server whose clock is behind, a lease at LATEST was made in the future: nothing was put since.
    fn move_if_refused(&mut self, error: &KinesisError) {
        let is_time = self.position.r#type == ShardIteratorType::AtTimestamp;
        if is_time && &*self.from.sequence == "LATEST" && matches!(error, KinesisError::InvalidArgumentException(_)) {
            self.position = at(ShardIteratorType::Latest);
        }
    }

    /// Registers the consumer again if it is gone.
    async fn consumer_arn(&self, name: &ByteString) -> Option<ByteString> {
        let Reader { kinesis, caller, stream, .. } = &self.reader;
        fan_out::consumer_arn(&**kinesis, caller, stream, name).await.ok()
    }

    /// Whether a shard that the server does not find has nothing more to give: it is past its retention. An open one is
    /// of a stream that was made anew, and one of a stream that is gone may come back.
    async fn is_over(&self) -> bool {
        match self.reader.find(&self.shard).await {
            Ok(found) => found.is_none_or(|shard| shard.sequence_number_range.ending_sequence_number.is_some()),
            Err(_) => false,
        }
    }

    /// The children, when the event is the last of the shard.
    async fn take(&mut self, event: SubscribeToShardEvent) -> Result<Option<Vec<ChildShard>>, Closed> {
        self.give(event.records, event.millis_behind_latest).await?;
        let children = event.child_shards.unwrap_or_default();
        match event.continuation_sequence_number.filter(|number| !number.is_empty()) {
            Some(number) => self.position = after(number),
            None if !children.is_empty() => return Ok(Some(children)),
            None => {}
        }
        Ok(None)
    }

    async fn give(&self, records: Vec<Record>, millis_behind_latest: i64) -> Result<(), Closed> {
        let bytes = records.iter().map(|record| record.data.len()).sum();
        let mut found = Vec::with_capacity(records.len());
        for record in records {
            user_records(record, self.range, &self.from, &mut found);
        }
        if found.is_empty() {
            return if self.out.is_closed() { Err(Closed) } else { Ok(()) };
        }
        let batch = Batch { records: found, millis_behind_latest };
        self.out.send(Fetched::Batch { batch, bytes }).await.map_err(|_| Closed)
    }

    async fn end(&self, children: Vec<ChildShard>) -> Result<(), Closed> {
        self.out.send(Fetched::End(children)).await.map_err(|_| Closed)
    }

    async fn pause(&self, error: &KinesisError, failures: u32) -> Result<(), Closed> {
        if self.out.is_closed() {
            return Err(Closed);
        }
        self.reader.counters.reads_failed.add(1);
        let kind = if is_throttle(api::ModeledError::code(error)) { Retry::Throttled } else { Retry::Transient };
        sleep(retry::delay(kind, failures)).await;
        Ok(())
    }
}

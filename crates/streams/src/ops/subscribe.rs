//! SubscribeToShard: pushes records to one consumer as soon as they are committed.

use std::sync::Arc;
use std::time::Duration;

use api::EventStream;
use api::kinesis::{KinesisError, SubscribeToShardEvent, SubscribeToShardInput};
use base::ByteString;
use base::arn::ConsumerArn;
use base::caller::Caller;
use base::ids::ShardIndex;
use base::limits::{EVENT_BYTES_MAX, GET_RECORDS_COUNT_MAX, SHARD_READ_BYTES_PER_SECOND, SUBSCRIPTION_LIFE};
use base::time::Timestamp;
use store::shard_log::{Position, ReadLimit};
use tokio::sync::watch;
use tokio::time::Instant;

use super::{refuse_dry_run, shapes};
use crate::consumer_meters::ConsumerMeter;
use crate::core::Core;
use crate::error::{self, Answer};
use crate::position::Wanted;
use crate::reading::{self, Reading};
use crate::registration::ConsumerState;
use crate::sequence_text::text_of;
use crate::shard::Shard;
use crate::stream::{Snapshot, Stream};
use crate::subscriptions::{Subscription, SubscriptionKey};

const OPERATION: &str = "SubscribeToShard";
/// An event is sent at least this often, with or without records.
const HEARTBEAT: Duration = Duration::from_secs(5);
/// The clock is looked at this often: it may be moved while a subscription waits.
const CLOCK_CHECK: Duration = Duration::from_secs(1);

pub async fn subscribe(
    core: &Arc<Core>,
    caller: &Caller,
    input: SubscribeToShardInput,
) -> Answer<EventStream<SubscribeToShardEvent, KinesisError>> {
    let arn: ConsumerArn = input
        .consumer_arn
        .parse()
        .map_err(|_| KinesisError::invalid_argument(format!("Invalid ConsumerARN: {}", input.consumer_arn)))?;
    core.check_owner(caller, OPERATION, &arn.stream, &input.consumer_arn)?;
    let stream = core.registry.find(&arn.stream).ok_or_else(|| error::stream_not_found(&arn.stream))?;
    let snapshot = stream.snapshot();
    let now = core.now();
    let index: ShardIndex =
        input.shard_id.parse().map_err(|_| error::could_not_find_shard(&stream.arn, &input.shard_id))?;
    let shard = reading::readable(&stream, &snapshot, index, now)?;
    let registered = check_consumer(&stream, &snapshot, &arn, now)?;
    let wanted = Wanted {
        kind: &input.starting_position.r#type,
        sequence_number: input.starting_position.sequence_number.as_deref(),
        timestamp: input.starting_position.timestamp,
    };
    let meter = stream.meters.consumers.of(arn.consumer.as_str());
    let position = reading::start(core, &stream, &snapshot, shard, OPERATION, wanted).await;
    let position = position.inspect_err(|_| meter.refused(false))?;
    refuse_dry_run(input.dry_run)?;
    let key = SubscriptionKey {
        incarnation: stream.incarnation,
        shard: index,
        consumer: arn.consumer.to_string(),
        registered,
    };
    let subscription = core
        .subscriptions
        .begin(key, now, core.limits_enforced())
        .inspect_err(|_| meter.refused(true))
        .map_err(|refused| error::subscribe(&stream.arn, index, arn.consumer.as_str(), refused))?;
    let commits = core.log.watch(shard.row.log);
    let commits = commits.map_err(|failure| reading::failure(core, &stream, index, failure))?;
    let continuation = text_of(shard.row.number_before(position, now));
    meter.subscribed();
    let pusher = Pusher {
        core: core.clone(),
        changes: stream.watch(),
        stopped: core.stopped.subscribe(),
        stream: stream.clone(),
        shard: index,
        arn,
        registered,
        meter,
        subscription,
        commits,
        position,
        continuation,
        ends_at: now.plus(SUBSCRIPTION_LIFE),
        next_heartbeat: Instant::now(),
        ended: false,
    };
    Ok(Box::pin(futures_util::stream::unfold(pusher, |mut pusher| async move {
        let event = pusher.next().await?;
        Some((event, pusher))
    })))
}

/// When the consumer was registered, if it is active.
fn check_consumer(stream: &Stream, snapshot: &Snapshot, arn: &ConsumerArn, now: Timestamp) -> Answer<Timestamp> {
    let consumer = snapshot.consumer(arn.consumer.as_str());
    let consumer = consumer.filter(|consumer| consumer.created_at.seconds() == arn.created_seconds);
    let consumer = consumer.ok_or_else(|| error::consumer_not_found(&stream.arn, arn.consumer.as_str()))?;
    match ConsumerState::of(consumer, now) {
        ConsumerState::Active => Ok(consumer.created_at),
        ConsumerState::Creating | ConsumerState::Deleting => Err(error::consumer_not_active(arn)),
    }
}

/// One running subscription.
struct Pusher {
    core: Arc<Core>,
    stream: Arc<Stream>,
    shard: ShardIndex,
    arn: ConsumerArn,
    registered: Timestamp,
    meter: Arc<ConsumerMeter>,
    subscription: Subscription,
    /// Wakes when records were committed.
    commits: watch::Receiver<Position>,
    /// Wakes when the stream has changed: the shard may have been closed.
    changes: watch::Receiver<Option<u64>>,
    stopped: watch::Receiver<bool>,
    position: Position,
    /// Number from which the client may go on.
    continuation: ByteString,
    ends_at: Timestamp,
    next_heartbeat: Instant,
    ended: bool,
}

impl Pusher {
    /// The next event; `None` at the end of the subscription.
    async fn next(&mut self) -> Option<Result<SubscribeToShardEvent, KinesisError>> {
        loop {
            if self.ended || *self.stopped.borrow() || self.core.now() >= self.ends_at {
                return None;
            }
            let event = self.poll().await.transpose();
            if let Some(event) = event {
                if event.is_err() {
                    self.meter.failed();
                    self.ended = true;
                }
                return Some(event);
            }
            self.wait().await;
        }
    }

    /// What is to be sent now, if anything.
    async fn poll(&mut self) -> Answer<Option<SubscribeToShardEvent>> {
        if self.subscription.is_taken_over() {
            return Err(error::subscription_in_use(&self.stream.arn, self.shard, self.arn.consumer.as_str()));
        }
        self.commits.mark_unchanged();
        self.changes.mark_unchanged();
        if self.stream.is_gone() {
            return Err(error::stream_not_found(&self.stream.arn));
        }
        let snapshot = self.stream.snapshot();
        let now = self.core.now();
        let consumer = snapshot.consumer(self.arn.consumer.as_str());
        if consumer.is_none_or(|consumer| consumer.created_at != self.registered || consumer.gone_at.is_some()) {
            return Err(error::consumer_not_found(&self.stream.arn, self.arn.consumer.as_str()));
        }
        let shard = reading::readable(&self.stream, &snapshot, self.shard, now)?.clone();
        if Instant::now() >= self.subscription.next_records() {
            let limit = ReadLimit { records: GET_RECORDS_COUNT_MAX, bytes: EVENT_BYTES_MAX };
            let reading = reading::read(&self.core, &snapshot, &shard, self.position, limit).await;
            let reading = reading.map_err(|failure| reading::failure(&self.core, &self.stream, self.shard, failure))?;
            if !reading.run.records.is_empty() || reading.at_end {
                return Ok(Some(self.records(&snapshot, &shard, reading)));
            }
            self.position = reading.run.next;
        }
        if Instant::now() < self.next_heartbeat {
            return Ok(None);
        }
        Ok(Some(self.heartbeat(&shard, now)))
    }

    fn records(&mut self, snapshot: &Snapshot, shard: &Shard, reading: Reading) -> SubscribeToShardEvent {
        self.position = reading.run.next;
        let (records, bytes) = shapes::records(&shard.row, reading.run.records);
        if let Some(last) = records.last() {
            self.continuation = last.sequence_number.clone();
        }
        self.meter.pushed(records.len(), bytes, reading.millis_behind);
        shard.activity().traffic.outgoing(records.len(), bytes);
        self.stream.traffic.outgoing(records.len(), bytes);
        let now = Instant::now();
        self.next_heartbeat = now + HEARTBEAT;
        if self.core.limits_enforced() {
            let share = bytes as u64 * 1_000_000 / SHARD_READ_BYTES_PER_SECOND as u64;
            // The consumer's share of the shard.
            self.subscription.pause_records(now + Duration::from_micros(share));
        }
        self.ended = reading.at_end;
        SubscribeToShardEvent {
            records,
            continuation_sequence_number: (!reading.at_end).then(|| self.continuation.clone()),
            millis_behind_latest: reading.millis_behind,
            child_shards: reading.at_end.then(|| shapes::child_shards(snapshot, self.shard)),
        }
    }

    fn heartbeat(&mut self, shard: &Shard, now: Timestamp) -> SubscribeToShardEvent {
        self.next_heartbeat = Instant::now() + HEARTBEAT;
        let behind = self.core.log.bounds(shard.row.log).ok().filter(|bounds| bounds.next > self.position);
        let last_arrival = behind.and_then(|bounds| bounds.last_arrival);
        let millis_behind = last_arrival.map_or(0, |last| reading::millis_behind(now, last));
        self.meter.pushed(0, 0, millis_behind);
        SubscribeToShardEvent {
            records: Vec::new(),
            continuation_sequence_number: Some(self.continuation.clone()),
            millis_behind_latest: millis_behind,
            child_shards: None,
        }
    }

    /// Returns when there may be something to send.
    async fn wait(&mut self) {
        let now = Instant::now();
        let mut until = self.next_heartbeat.min(now + CLOCK_CHECK);
        let next_records = self.subscription.next_records();
        let is_paced = next_records > now;
        if is_paced {
            until = until.min(next_records);
        }
        tokio::select! {
            _ = self.commits.changed(), if !is_paced && self.commits.has_changed().is_ok() => {}
            _ = self.changes.changed() => {}
            () = self.subscription.taken_over() => {}
            _ = self.stopped.changed() => {}
            () = tokio::time::sleep_until(until) => {}
        }
    }
}

//! The server's metrics of `AWS/Kinesis`, as its own monitor keeps them: what crates/streams has noted, by the minute
//! and under the service's names.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use api::cloudwatch::{Dimension, StandardUnit};
use api::kinesis::MetricsName;
use base::ByteString;
use base::ids::ShardIndex;
use monitor::{MetricName, OwnMetrics, Sample, Scope};
use streams::{Calls, ConsumerMetersTaken, Spread, StreamMeters, Streams, TrafficCounts};

const NAMESPACE: &str = "AWS/Kinesis";

/// Streams and shards whose numbers the last collection has seen: incarnation, and shard unless the stream is meant.
type Seen = HashMap<(u64, Option<ShardIndex>), TrafficCounts>;

/// Asks the streams for their meters; the only one who may.
pub struct KinesisMetrics {
    streams: Arc<Streams>,
    seen: Mutex<Seen>,
}

impl KinesisMetrics {
    pub fn new(streams: Arc<Streams>) -> Self {
        Self { streams, seen: Mutex::default() }
    }
}

impl OwnMetrics for KinesisMetrics {
    fn collect(&self) -> Vec<Sample> {
        let mut before = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let mut now = Seen::new();
        let mut samples = Vec::new();
        for stream in self.streams.take_meters() {
            let name = Dimension { name: "StreamName".into(), value: stream.arn.stream.text() };
            let scope = Scope { account: stream.arn.account.clone(), region: stream.arn.region.clone() };
            let since = |shard, counts: TrafficCounts| {
                since(before.get(&(stream.incarnation, shard)).copied().unwrap_or_default(), counts)
            };
            let mut of_stream = Samples { scope, dimensions: vec![name], into: &mut samples };
            stream_samples(&mut of_stream, &stream, since(None, stream.counts));
            for consumer in &stream.meters.consumers {
                of_stream.of("ConsumerName", consumer.name.as_str().into());
                consumer_samples(&mut of_stream, consumer);
            }
            now.insert((stream.incarnation, None), stream.counts);
            for shard in &stream.shards {
                of_stream.of("ShardId", shard.shard.to_string().into());
                let counts = since(Some(shard.shard), shard.counts);
                shard_samples(&mut of_stream, &stream.monitored, counts, shard.iterator_age);
                now.insert((stream.incarnation, Some(shard.shard)), shard.counts);
            }
        }
        *before = now;
        samples
    }
}

/// Samples of one stream or shard.
struct Samples<'a> {
    scope: Scope,
    dimensions: Vec<Dimension>,
    into: &'a mut Vec<Sample>,
}

impl Samples<'_> {
    /// What follows is of one part of the stream.
    fn of(&mut self, name: &'static str, value: ByteString) {
        self.dimensions.truncate(1);
        self.dimensions.push(Dimension { name: name.into(), value });
    }

    fn add(&mut self, name: &str, unit: StandardUnit, spread: Spread, scale: f64) {
        self.into.push(Sample {
            scope: self.scope.clone(),
            metric: MetricName::new(NAMESPACE, name, &self.dimensions),
            unit,
            count: spread.count as f64,
            sum: spread.sum as f64 * scale,
            min: spread.min as f64 * scale,
            max: spread.max as f64 * scale,
        });
    }

    fn spread(&mut self, name: &str, unit: StandardUnit, spread: Option<Spread>) {
        if let Some(spread) = spread {
            self.add(name, unit, spread, 1.0);
        }
    }

    /// What is known for the whole minute only: one value.
    fn total(&mut self, name: &str, unit: StandardUnit, total: u64) {
        self.add(name, unit, Spread { count: 1, sum: total, min: total, max: total }, 1.0);
    }

    /// Latency, bytes and success of an operation.
    fn calls(&mut self, operation: &str, calls: &Calls) {
        let millis_per_micro = 1e-3;
        self.add(&format!("{operation}.Latency"), StandardUnit::Milliseconds, calls.micros, millis_per_micro);
        self.spread(&format!("{operation}.Bytes"), StandardUnit::Bytes, calls.bytes);
        let count = calls.micros.count;
        let succeeded = count.saturating_sub(calls.failed);
        let success =
            Spread { count, sum: succeeded, min: u64::from(calls.failed == 0), max: u64::from(succeeded > 0) };
        self.add(&format!("{operation}.Success"), StandardUnit::Count, success, 1.0);
    }
}

fn stream_samples(samples: &mut Samples<'_>, stream: &StreamMeters, counts: TrafficCounts) {
    let meters = &stream.meters;
    if let Some(calls) = &meters.put_record {
        samples.calls("PutRecord", calls);
    }
    if let Some(calls) = &meters.put_records {
        samples.calls("PutRecords", calls);
        samples.spread("PutRecords.TotalRecords", StandardUnit::Count, calls.records);
        let total = calls.records.map_or(0, |records| records.sum);
        let (throttled, failed) = (meters.put_records_throttled, meters.put_records_failed);
        let stored = total.saturating_sub(throttled + failed);
        samples.total("PutRecords.SuccessfulRecords", StandardUnit::Count, stored);
        samples.total("PutRecords.ThrottledRecords", StandardUnit::Count, throttled);
        samples.total("PutRecords.FailedRecords", StandardUnit::Count, failed);
    }
    if meters.put_record.is_some() || meters.put_records.is_some() {
        samples.total("IncomingBytes", StandardUnit::Bytes, counts.incoming_bytes);
        samples.total("IncomingRecords", StandardUnit::Count, counts.incoming_records);
        samples.total("WriteProvisionedThroughputExceeded", StandardUnit::Count, counts.write_throttled);
    }
    if let Some(calls) = &meters.get_records {
        samples.calls("GetRecords", calls);
        samples.spread("GetRecords.Records", StandardUnit::Count, calls.records);
        samples.total("ReadProvisionedThroughputExceeded", StandardUnit::Count, counts.read_throttled);
    }
    samples.spread("GetRecords.IteratorAgeMilliseconds", StandardUnit::Milliseconds, meters.iterator_age);
}

fn consumer_samples(samples: &mut Samples<'_>, consumer: &ConsumerMetersTaken) {
    if consumer.subscribed.is_some() {
        samples.spread("SubscribeToShard.Success", StandardUnit::Count, consumer.subscribed);
        samples.total("SubscribeToShard.RateExceeded", StandardUnit::Count, consumer.rate_exceeded);
    }
    samples.spread("SubscribeToShardEvent.Success", StandardUnit::Count, consumer.pushed);
    samples.spread("SubscribeToShardEvent.Records", StandardUnit::Count, consumer.records);
    samples.spread("SubscribeToShardEvent.Bytes", StandardUnit::Bytes, consumer.bytes);
    samples.spread("SubscribeToShardEvent.MillisBehindLatest", StandardUnit::Milliseconds, consumer.behind);
}

fn shard_samples(samples: &mut Samples<'_>, monitored: &[MetricsName], counts: TrafficCounts, age: Option<Spread>) {
    if counts == TrafficCounts::default() && age.is_none() {
        return;
    }
    for name in monitored {
        let total = match name {
            MetricsName::IncomingBytes => counts.incoming_bytes,
            MetricsName::IncomingRecords => counts.incoming_records,
            MetricsName::OutgoingBytes => counts.outgoing_bytes,
            MetricsName::OutgoingRecords => counts.outgoing_records,
            MetricsName::WriteProvisionedThroughputExceeded => counts.write_throttled,
            MetricsName::ReadProvisionedThroughputExceeded => counts.read_throttled,
            MetricsName::IteratorAgeMilliseconds => {
                samples.spread(name.as_str(), StandardUnit::Milliseconds, age);
                continue;
            }
            MetricsName::All | MetricsName::Unknown(_) => continue,
        };
        let is_bytes = matches!(name, MetricsName::IncomingBytes | MetricsName::OutgoingBytes);
        samples.total(name.as_str(), if is_bytes { StandardUnit::Bytes } else { StandardUnit::Count }, total);
    }
}

/// What was counted between two collections.
fn since(before: TrafficCounts, now: TrafficCounts) -> TrafficCounts {
    TrafficCounts {
        incoming_bytes: now.incoming_bytes.saturating_sub(before.incoming_bytes),
        incoming_records: now.incoming_records.saturating_sub(before.incoming_records),
        outgoing_bytes: now.outgoing_bytes.saturating_sub(before.outgoing_bytes),
        outgoing_records: now.outgoing_records.saturating_sub(before.outgoing_records),
        write_throttled: now.write_throttled.saturating_sub(before.write_throttled),
        read_throttled: now.read_throttled.saturating_sub(before.read_throttled),
    }
}

#[cfg(test)]
mod tests {
    use api::kinesis::{
        CreateStreamInput, EnableEnhancedMonitoringInput, GetRecordsInput, GetShardIteratorInput, Kinesis as _,
        PutRecordInput, ShardIteratorType,
    };
    use base::caller::Caller;
    use base::ids::{AccountId, Region};
    use base::time::SystemClock;
    use store::memory::{MemoryCatalog, MemoryLog};
    use streams::{StreamsBuilder, StreamsSettings};

    use super::*;

    fn sum(samples: &[Sample], name: &str, dimensions: usize) -> Option<f64> {
        let found = |of: &&Sample| of.metric.name == name && of.metric.dimensions.len() == dimensions;
        samples.iter().find(found).map(|sample| sample.sum)
    }

    #[tokio::test]
    async fn calls_become_metrics_of_the_stream_and_of_its_monitored_shards() {
        let clock = Arc::new(SystemClock);
        let streams = Streams::start(StreamsBuilder {
            catalog: Arc::new(MemoryCatalog::new()),
            log: Arc::new(MemoryLog::new(clock.clone())),
            clock,
            settings: StreamsSettings::default(),
        });
        let streams = Arc::new(streams.await.expect("streams start"));
        let metrics = KinesisMetrics::new(Arc::clone(&streams));
        let region = Region::new("us-east-1").expect("a region");
        let caller = Caller { account: AccountId::zero(), region, access_key_id: None };
        let name = || Some("orders".into());
        let input = CreateStreamInput { stream_name: "orders".into(), shard_count: Some(1), ..Default::default() };
        streams.create_stream(&caller, input).await.expect("a new stream");
        streams.run_jobs().await;
        assert_eq!(metrics.collect(), [], "nothing has happened");
        let input = EnableEnhancedMonitoringInput {
            stream_name: name(),
            shard_level_metrics: vec![MetricsName::All],
            ..Default::default()
        };
        streams.enable_enhanced_monitoring(&caller, input).await.expect("shard-level metrics");
        let put = || PutRecordInput {
            stream_name: name(),
            partition_key: "k".into(),
            data: base::Bytes::from_static(b"12345"),
            ..Default::default()
        };
        streams.put_record(&caller, put()).await.expect("a stored record");
        let input = GetShardIteratorInput {
            stream_name: name(),
            shard_id: "shardId-000000000000".into(),
            shard_iterator_type: ShardIteratorType::TrimHorizon,
            ..Default::default()
        };
        let iterator = streams.get_shard_iterator(&caller, input).await.expect("an iterator");
        let shard_iterator = iterator.shard_iterator.expect("an iterator");
        let input = GetRecordsInput { shard_iterator, ..Default::default() };
        streams.get_records(&caller, input).await.expect("records");
        let first = metrics.collect();
        for (name, expected) in [
            ("PutRecord.Bytes", 6.0),
            ("PutRecord.Success", 1.0),
            ("IncomingBytes", 6.0),
            ("IncomingRecords", 1.0),
            ("WriteProvisionedThroughputExceeded", 0.0),
            ("GetRecords.Bytes", 6.0),
            ("GetRecords.Records", 1.0),
            ("GetRecords.Success", 1.0),
            ("GetRecords.IteratorAgeMilliseconds", 0.0),
            ("ReadProvisionedThroughputExceeded", 0.0),
        ] {
            assert_eq!(sum(&first, name, 1), Some(expected), "{name}");
        }
        for (name, expected) in [("IncomingBytes", 6.0), ("OutgoingRecords", 1.0), ("IteratorAgeMilliseconds", 0.0)] {
            assert_eq!(sum(&first, name, 2), Some(expected), "{name}");
        }
        streams.put_record(&caller, put()).await.expect("a stored record");
        let second = metrics.collect();
        assert_eq!(sum(&second, "IncomingRecords", 1), Some(1.0), "counts begin anew");
        assert_eq!(sum(&second, "GetRecords.IteratorAgeMilliseconds", 1), None);
        assert_eq!(metrics.collect(), [], "an idle stream says nothing");
    }
}

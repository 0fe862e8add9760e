//! What operators watch: `/metrics` and `/readyz`.

use std::fmt::{self, Write as _};
use std::sync::Arc;

use gateway::{Finished, Monitor};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric as _};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::{ConstCounter, Counter};
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::{ConstGauge, Gauge};
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};

use streams::{StreamMetrics, TrafficCounts};

use crate::engines::Current;
use crate::process;
use crate::settings::DurabilityMode;

/// In seconds: from far below a flush to what clients give up on.
const LATENCY_BUCKETS: [f64; 14] =
    [0.000_25, 0.000_5, 0.001, 0.002, 0.004, 0.008, 0.015, 0.03, 0.06, 0.125, 0.25, 0.5, 1.0, 5.0];
/// What requests are counted under that name no operation.
const NO_OPERATION: &str = "none";

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Operation {
    operation: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Outcome {
    operation: &'static str,
    code: &'static str,
}

/// The numbers of a node.
pub struct Metrics {
    registry: Registry,
    engines: Arc<Current>,
    requests: Family<Outcome, Counter>,
    latency: Family<Operation, Histogram>,
    request_bytes: Family<Operation, Counter>,
    reply_bytes: Family<Operation, Counter>,
    connections: Gauge,
}

impl Metrics {
    pub fn new(engines: Arc<Current>) -> Self {
        let mut registry = Registry::with_prefix("anabranch");
        let requests = Family::<Outcome, Counter>::default();
        let latency = Family::<Operation, Histogram>::new_with_constructor(|| Histogram::new(LATENCY_BUCKETS));
        let request_bytes = Family::<Operation, Counter>::default();
        let reply_bytes = Family::<Operation, Counter>::default();
        let connections = Gauge::default();
        registry.register("requests", "Answered requests, by operation and error", requests.clone());
        registry.register_with_unit("request_duration", "Time to answer", Unit::Seconds, latency.clone());
        registry.register_with_unit("request", "Bodies of requests", Unit::Bytes, request_bytes.clone());
        registry.register_with_unit("reply", "Bodies of answers", Unit::Bytes, reply_bytes.clone());
        registry.register("connections", "Open connections", connections.clone());
        let version = Info::new([("version", env!("CARGO_PKG_VERSION"))]);
        registry.register("build", "The release that runs", version);
        registry.register_collector(Box::new(EngineCollector(Arc::clone(&engines))));
        Self { registry, engines, requests, latency, request_bytes, reply_bytes, connections }
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}

impl Monitor for Metrics {
    fn finished(&self, request: &Finished) {
        let operation = request.operation.unwrap_or(NO_OPERATION);
        self.requests.get_or_create(&Outcome { operation, code: request.code }).inc();
        let label = Operation { operation };
        self.latency.get_or_create(&label).observe(request.elapsed.as_secs_f64());
        self.request_bytes.get_or_create(&label).inc_by(request.request_bytes as u64);
        self.reply_bytes.get_or_create(&label).inc_by(request.reply_bytes as u64);
    }

    fn connection_opened(&self) {
        self.connections.inc();
    }

    fn connection_closed(&self) {
        self.connections.dec();
    }

    fn ready(&self) -> Result<(), String> {
        self.engines.get().trouble().map_or(Ok(()), Err)
    }

    fn metrics(&self) -> String {
        let mut text = String::new();
        process::write_metrics(&mut text);
        if encode(&mut text, &self.registry).is_err() {
            // Writing into a string does not fail; a metric that cannot be written is our own bug.
            let _ = writeln!(text, "# a metric could not be written");
        }
        text
    }
}

/// Asks the log and the streams for their numbers whenever somebody looks.
struct EngineCollector(Arc<Current>);

impl fmt::Debug for EngineCollector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EngineCollector")
    }
}

impl Collector for EngineCollector {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let engines = self.0.get();
        let status = engines.log.status();
        let level = Info::new([("level", DurabilityMode(status.durability).to_string())]);
        let help = "What an acknowledged record has survived";
        level.encode(encoder.encode_descriptor("durability", help, None, MetricType::Info)?)?;
        let mut gauge = |name: &str, help: &str, value: u64| {
            let gauge = ConstGauge::new(i64::try_from(value).unwrap_or(i64::MAX));
            gauge.encode(encoder.encode_descriptor(name, help, None, MetricType::Gauge)?)
        };
        gauge("log_failed", "1 when appends fail until a restart", u64::from(status.failed.is_some()))?;
        for (name, value) in status.counters {
            gauge(&format!("log_{name}"), &format!("Log: {}", name.replace('_', " ")), value)?;
        }
        gauge("subscriptions", "Subscriptions to shards", engines.streams.subscriptions() as u64)?;
        encode_streams(&engines.streams.metrics_snapshot(), &mut encoder)
    }
}

/// Shards whose numbers are told one by one: whoever scrapes a large node reads those of its streams.
const SHARDS_MAX: usize = 1000;

/// Reads one number of a stream or shard.
type Number = fn(&TrafficCounts) -> u64;

/// Names for streams and for shards, meaning, and number.
const COUNTERS: [(&str, &str, &str, Number); 6] = [
    ("stream_incoming_bytes", "shard_incoming_bytes", "Bytes put", |counts| counts.incoming_bytes),
    ("stream_incoming_records", "shard_incoming_records", "Records put", |counts| counts.incoming_records),
    ("stream_outgoing_bytes", "shard_outgoing_bytes", "Bytes read", |counts| counts.outgoing_bytes),
    ("stream_outgoing_records", "shard_outgoing_records", "Records read", |counts| counts.outgoing_records),
    ("stream_write_throttled_records", "shard_write_throttled_records", "Records refused by a limit", |counts| {
        counts.write_throttled
    }),
    ("stream_read_throttled_calls", "shard_read_throttled_calls", "Reads refused by a limit", |counts| {
        counts.read_throttled
    }),
];

fn encode_streams(streams: &[StreamMetrics], encoder: &mut DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
    for (name, _, help, number) in COUNTERS {
        let mut metric = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
        for stream in streams {
            let labels = [("arn", stream.arn.to_string())];
            ConstCounter::new(number(&stream.counts)).encode(metric.encode_family(&labels)?)?;
        }
    }
    for (_, name, help, number) in COUNTERS {
        let mut metric = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
        let shards = streams.iter().flat_map(|stream| stream.shards.iter().map(|shard| (&stream.arn, shard)));
        for (arn, shard) in shards.take(SHARDS_MAX) {
            let labels = [("arn", arn.to_string()), ("shard", shard.shard.to_string())];
            ConstCounter::new(number(&shard.counts)).encode(metric.encode_family(&labels)?)?;
        }
    }
    let mut metric = encoder.encode_descriptor("stream_open_shards", "Open shards", None, MetricType::Gauge)?;
    for stream in streams {
        let labels = [("arn", stream.arn.to_string())];
        ConstGauge::new(stream.open_shards as i64).encode(metric.encode_family(&labels)?)?;
    }
    Ok(())
}

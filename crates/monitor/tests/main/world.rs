//! A service to test, and short ways to call it.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use api::cloudwatch::*;
use api::kinesis::{CreateStreamInput, Kinesis};
use base::caller::Caller;
use base::ids::{AccountId, Region};
use base::time::{Clock, ManualClock, Timestamp};
use base::{BoxFuture, ByteString, Bytes};
use monitor::{Limits, Monitor, MonitorBuilder, MonitorSettings, OwnMetrics, Sample, Webhook};
use store::memory::{MemoryCatalog, MemoryLog};
use streams::{Streams, StreamsBuilder, StreamsSettings};
use tokio::sync::mpsc;

/// 2023-11-14T22:13:20Z.
pub const START: Timestamp = Timestamp::from_millis(1_700_000_000_000);
pub const ACCOUNT: &str = "111122223333";
pub const MINUTE: Duration = Duration::from_secs(60);
pub const DAY: Duration = Duration::from_secs(24 * 3600);

/// What the server says of itself, as a test wants it.
#[derive(Default)]
pub struct Own(pub Mutex<Vec<Sample>>);

impl OwnMetrics for Own {
    fn collect(&self) -> Vec<Sample> {
        std::mem::take(&mut self.0.lock().expect("no test panics here"))
    }
}

/// Passes every request on, and answers the status that the URL ends with.
pub struct Posts(mpsc::UnboundedSender<(String, String)>);

impl Webhook for Posts {
    fn post<'a>(&'a self, url: &'a str, body: Bytes) -> BoxFuture<'a, Result<u16, String>> {
        let text = String::from_utf8(body.to_vec()).expect("JSON is UTF-8");
        self.0.send((url.to_owned(), text)).expect("the test listens");
        let status = url.rsplit('/').next().and_then(|status| status.parse().ok());
        Box::pin(async move { status.ok_or_else(|| "no connection".to_owned()) })
    }
}

pub struct World {
    pub clock: Arc<ManualClock>,
    pub catalog: Arc<MemoryCatalog>,
    pub own: Arc<Own>,
    pub streams: Arc<Streams>,
    pub posts: mpsc::UnboundedReceiver<(String, String)>,
    pub settings: MonitorSettings,
    pub monitor: Monitor,
    pub caller: Caller,
}

pub fn caller(account: &str, region: &str) -> Caller {
    Caller {
        account: AccountId::new(account.to_owned()).expect("an account"),
        region: Region::new(region.to_owned()).expect("a region"),
        access_key_id: None,
    }
}

impl World {
    pub async fn new() -> Self {
        Self::with(Limits::default()).await
    }

    pub async fn with(limits: Limits) -> Self {
        let clock = Arc::new(ManualClock::new(START));
        let catalog = Arc::new(MemoryCatalog::new());
        let streams = Streams::start(StreamsBuilder {
            catalog: Arc::clone(&catalog) as _,
            log: Arc::new(MemoryLog::new(Arc::clone(&clock) as _)),
            clock: Arc::clone(&clock) as _,
            settings: StreamsSettings::default(),
        });
        let streams = Arc::new(streams.await.expect("streams start"));
        let (own, settings) = (Arc::new(Own::default()), MonitorSettings { limits });
        let (monitor, posts) = start(&catalog, &clock, &own, &streams, settings).await;
        Self { clock, catalog, own, streams, posts, settings, monitor, caller: caller(ACCOUNT, "us-east-1") }
    }

    /// Another service on the same catalog, as after a process that died.
    pub async fn restart(mut self) -> Self {
        (self.monitor, self.posts) = start(&self.catalog, &self.clock, &self.own, &self.streams, self.settings).await;
        self
    }

    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Lets time pass, and what is due then happen.
    pub async fn pass(&self, by: Duration) {
        self.clock.advance(by);
        self.monitor.run_jobs().await;
    }

    pub async fn create_stream(&self, name: &str) {
        let input = CreateStreamInput { stream_name: name.into(), shard_count: Some(1), ..Default::default() };
        self.streams.create_stream(&self.caller, input).await.expect("a new stream");
        self.streams.run_jobs().await;
    }

    pub async fn try_put(&self, data: Vec<MetricDatum>) -> Result<PutMetricDataOutput, CloudWatchError> {
        let input = PutMetricDataInput { namespace: "app".into(), metric_data: Some(data), ..Default::default() };
        self.monitor.put_metric_data(&self.caller, input).await
    }

    pub async fn put(&self, data: Vec<MetricDatum>) {
        self.try_put(data).await.expect("metrics that are taken");
    }

    /// One value, now.
    pub async fn put_value(&self, name: &str, value: f64) {
        self.put(vec![MetricDatum { value: Some(value), ..datum(name) }]).await;
    }

    pub async fn try_statistics(
        &self,
        input: GetMetricStatisticsInput,
    ) -> Result<GetMetricStatisticsOutput, CloudWatchError> {
        self.monitor.get_metric_statistics(&self.caller, input).await
    }

    /// Sorted by time.
    pub async fn statistics(&self, input: GetMetricStatisticsInput) -> Vec<Datapoint> {
        let mut points = self.try_statistics(input).await.expect("statistics").datapoints.expect("a list");
        points.sort_by_key(|point| point.timestamp);
        points
    }

    /// All statistics of a metric over some time until now.
    pub fn asked(&self, name: &str, back: Duration, period: i32) -> GetMetricStatisticsInput {
        GetMetricStatisticsInput {
            namespace: "app".into(),
            metric_name: name.into(),
            start_time: self.now().minus(back),
            end_time: self.now().plus(MINUTE),
            period,
            statistics: Some(vec![
                Statistic::SampleCount,
                Statistic::Sum,
                Statistic::Average,
                Statistic::Minimum,
                Statistic::Maximum,
            ]),
            ..Default::default()
        }
    }

    pub async fn listed(&self, input: ListMetricsInput) -> Vec<String> {
        let metrics = self.monitor.list_metrics(&self.caller, input).await.expect("a list").metrics;
        metrics.expect("a list").into_iter().filter_map(|metric| metric.metric_name).map(|n| n.to_string()).collect()
    }
}

async fn start(
    catalog: &Arc<MemoryCatalog>,
    clock: &Arc<ManualClock>,
    own: &Arc<Own>,
    streams: &Arc<Streams>,
    settings: MonitorSettings,
) -> (Monitor, mpsc::UnboundedReceiver<(String, String)>) {
    let (sender, posts) = mpsc::unbounded_channel();
    let monitor = Monitor::start(MonitorBuilder {
        catalog: Arc::clone(catalog) as _,
        clock: Arc::clone(clock) as _,
        own: Arc::clone(own) as _,
        kinesis: Arc::clone(streams) as _,
        webhook: Arc::new(Posts(sender)),
        settings,
    });
    (monitor.await.expect("the monitor starts"), posts)
}

pub fn datum(name: &str) -> MetricDatum {
    MetricDatum { metric_name: name.into(), ..Default::default() }
}

pub fn dimension(name: &str, value: &str) -> Dimension {
    Dimension { name: name.into(), value: value.into() }
}

pub fn text(text: &str) -> Option<ByteString> {
    Some(text.into())
}

//! PutMetricData, GetMetricStatistics, ListMetrics, restarts and age.

use std::time::Duration;

use api::cloudwatch::*;
use base::time::Timestamp;

use crate::world::*;

fn sums(points: &[Datapoint]) -> Vec<f64> {
    points.iter().filter_map(|point| point.sum).collect()
}

#[tokio::test]
async fn values_add_up_by_the_minute() {
    let world = World::new().await;
    world.put_value("Work", 4.0).await;
    world.put_value("Work", 1.0).await;
    let set = StatisticSet { sample_count: 10.0, sum: 25.0, minimum: 0.5, maximum: 9.0 };
    world.put(vec![MetricDatum { statistic_values: Some(set), ..datum("Work") }]).await;
    let found = world.statistics(world.asked("Work", MINUTE, 60)).await;
    let [point] = &found[..] else { panic!("one point, not {found:?}") };
    assert_eq!(point.timestamp, Some(Timestamp::from_millis(1_699_999_980_000)));
    assert_eq!((point.sample_count, point.sum, point.average), (Some(12.0), Some(30.0), Some(2.5)));
    assert_eq!((point.minimum, point.maximum), (Some(0.5), Some(9.0)));
    assert_eq!(point.unit, Some(StandardUnit::None));
}

#[tokio::test]
async fn percentiles_come_from_values_and_counts() {
    let world = World::new().await;
    let many = MetricDatum {
        values: Some((1..=100).map(f64::from).collect()),
        counts: Some(vec![2.0; 100]),
        unit: Some(StandardUnit::Milliseconds),
        ..datum("Latency")
    };
    world.put(vec![many]).await;
    let asked = || GetMetricStatisticsInput {
        statistics: None,
        extended_statistics: Some(vec!["p50".into(), "p99.5".into()]),
        ..world.asked("Latency", MINUTE, 60)
    };
    let found = world.statistics(asked()).await;
    let percentiles = found[0].extended_statistics.as_ref().expect("percentiles");
    assert!((percentiles["p50"] / 50.0 - 1.0).abs() < 0.026, "{percentiles:?}");
    assert!((percentiles["p99.5"] / 100.0 - 1.0).abs() < 0.026, "{percentiles:?}");
    assert_eq!(found[0].unit, Some(StandardUnit::Milliseconds));
    // A statistic set does not say how its values lie.
    let set = StatisticSet { sample_count: 2.0, sum: 3.0, minimum: 1.0, maximum: 2.0 };
    let unit = Some(StandardUnit::Milliseconds);
    world.put(vec![MetricDatum { statistic_values: Some(set), unit, ..datum("Latency") }]).await;
    assert_eq!(world.statistics(asked()).await[0].extended_statistics, None);
}

#[tokio::test]
async fn units_are_kept_apart() {
    let world = World::new().await;
    for (unit, value) in [(StandardUnit::Bytes, 1.0), (StandardUnit::Count, 2.0)] {
        world.put(vec![MetricDatum { value: Some(value), unit: Some(unit), ..datum("Size") }]).await;
    }
    assert_eq!(world.statistics(world.asked("Size", MINUTE, 60)).await.len(), 2);
    let bytes = GetMetricStatisticsInput { unit: Some(StandardUnit::Bytes), ..world.asked("Size", MINUTE, 60) };
    assert_eq!(sums(&world.statistics(bytes).await), [1.0]);
}

#[tokio::test]
async fn points_survive_a_restart_once_committed() {
    let world = World::new().await;
    world.put_value("Work", 1.0).await;
    world.monitor.flush().await.expect("a commit");
    world.put_value("Work", 2.0).await;
    world.pass(Duration::from_secs(5)).await;
    world.put_value("Work", 4.0).await;
    assert_eq!(sums(&world.statistics(world.asked("Work", MINUTE, 60)).await), [7.0]);
    // The last value was in memory alone.
    let world = world.restart().await;
    assert_eq!(sums(&world.statistics(world.asked("Work", MINUTE, 60)).await), [3.0]);
    assert_eq!(world.listed(ListMetricsInput::default()).await, ["Work"]);
}

#[tokio::test]
async fn minutes_become_five_minutes_and_hours_and_go() {
    let world = World::new().await;
    world.put_value("Work", 3.0).await;
    world.pass(Duration::from_secs(360)).await;
    world.put_value("Work", 5.0).await;
    world.monitor.flush().await.expect("a commit");
    let points = async |back: Duration, period| sums(&world.statistics(world.asked("Work", back, period)).await);
    assert_eq!(points(MINUTE * 10, 60).await, [3.0, 5.0]);
    for (days, expected) in [(16, vec![3.0, 5.0]), (48, vec![8.0]), (380, vec![8.0])] {
        world.pass(DAY * days).await;
        // Whatever the points are kept in, a longer period adds them up.
        let (now, start) = (world.now(), START.minus(MINUTE * 60));
        let period = if days == 16 { 300 } else { 3600 };
        let asked = GetMetricStatisticsInput {
            start_time: start,
            end_time: START.plus(MINUTE * 60),
            period,
            ..world.asked("Work", MINUTE, 60)
        };
        assert_eq!(sums(&world.statistics(asked).await), expected, "{days} {now}");
        assert_eq!(points(now.since(start), 86_400).await, [8.0], "{days}");
    }
    world.pass(DAY * 60).await;
    assert_eq!(points(world.now().since(START) + DAY, 86_400).await, [0.0; 0]);
    let rows = store::catalog::Catalog::scan(&*world.catalog, "monitor/", None, 10).await.expect("rows");
    assert_eq!(rows, []);
}

#[tokio::test]
async fn metrics_are_listed_by_page_and_filter() {
    let world = World::new().await;
    for at in 0..501 {
        let of = |value: &str| Some(vec![dimension("Shard", value), dimension("App", "a")]);
        let data = MetricDatum { value: Some(1.0), dimensions: of(&format!("{at:03}")), ..datum("Work") };
        world.put(vec![data]).await;
    }
    world.put_value("Other", 1.0).await;
    let list = async |input| world.monitor.list_metrics(&world.caller, input).await.expect("a list");
    let first = list(ListMetricsInput::default()).await;
    assert_eq!(first.metrics.expect("a page").len(), 500);
    let second = list(ListMetricsInput { next_token: first.next_token, ..Default::default() }).await;
    assert_eq!((second.metrics.expect("a page").len(), second.next_token), (2, None));
    let filter = |name: &str, value: Option<&str>| {
        let dimensions = Some(vec![DimensionFilter { name: name.into(), value: value.and_then(text) }]);
        ListMetricsInput { dimensions, ..Default::default() }
    };
    assert_eq!(world.listed(filter("Shard", Some("007"))).await.len(), 1);
    assert_eq!(world.listed(filter("App", None)).await.len(), 500);
    assert_eq!(world.listed(filter("None", None)).await.len(), 0);
    let named = ListMetricsInput { namespace: text("app"), metric_name: text("Other"), ..Default::default() };
    assert_eq!(world.listed(named).await, ["Other"]);
    world.pass(Duration::from_secs(4 * 3600)).await;
    let recent = ListMetricsInput { recently_active: Some(RecentlyActive::Pt3h), ..Default::default() };
    assert_eq!(world.listed(recent).await.len(), 0);
    world.pass(DAY * 15).await;
    assert_eq!(world.listed(ListMetricsInput::default()).await.len(), 0);
}

#[tokio::test]
async fn accounts_and_regions_do_not_meet() {
    let world = World::new().await;
    world.put_value("Work", 1.0).await;
    for other in [caller("999999999999", "us-east-1"), caller(ACCOUNT, "eu-west-1")] {
        let asked = world.asked("Work", MINUTE, 60);
        let found = world.monitor.get_metric_statistics(&other, asked).await.expect("statistics");
        assert_eq!(found.datapoints, Some(Vec::new()));
        let listed = world.monitor.list_metrics(&other, ListMetricsInput::default()).await.expect("a list");
        assert_eq!(listed.metrics, Some(Vec::new()));
    }
}

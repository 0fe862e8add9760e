//! What PutMetricData and the queries refuse.

use std::time::Duration;

use api::cloudwatch::*;
use api::service::ModeledError as _;
use monitor::Limits;

use crate::world::*;

async fn refused(world: &World, data: Vec<MetricDatum>, code: &str) {
    let error = world.try_put(data.clone()).await.expect_err("a refusal");
    assert_eq!(error.code(), code, "{data:?}: {error}");
}

fn value(value: f64) -> MetricDatum {
    MetricDatum { value: Some(value), ..datum("Work") }
}

#[tokio::test]
async fn datums_have_rules() {
    let world = World::new().await;
    const INVALID: &str = "InvalidParameterValueException";
    for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 2f64.powi(361)] {
        refused(&world, vec![value(bad)], INVALID).await;
    }
    refused(&world, vec![value(1.0); 1001], INVALID).await;
    refused(&world, vec![], "MissingRequiredParameterException").await;
    refused(&world, vec![datum("Work")], "MissingRequiredParameterException").await;
    let both = MetricDatum { values: Some(vec![1.0]), ..value(1.0) };
    refused(&world, vec![both], "InvalidParameterCombinationException").await;
    for (values, counts) in
        [(vec![], None), (vec![1.0; 151], None), (vec![1.0; 2], Some(vec![1.0])), (vec![1.0], Some(vec![-1.0]))]
    {
        refused(&world, vec![MetricDatum { values: Some(values), counts, ..datum("Work") }], INVALID).await;
    }
    let set = |sample_count, minimum, maximum| MetricDatum {
        statistic_values: Some(StatisticSet { sample_count, sum: 1.0, minimum, maximum }),
        ..datum("Work")
    };
    refused(&world, vec![set(-1.0, 0.0, 1.0)], INVALID).await;
    refused(&world, vec![set(1.0, 2.0, 1.0)], INVALID).await;
    let twice = Some(vec![dimension("a", "1"), dimension("a", "2")]);
    refused(&world, vec![MetricDatum { dimensions: twice, ..value(1.0) }], INVALID).await;
    let unit = Some(StandardUnit::Unknown("Parsec".into()));
    refused(&world, vec![MetricDatum { unit, ..value(1.0) }], INVALID).await;
    for time in [START.minus(DAY * 14 + MINUTE), START.plus(Duration::from_secs(7201))] {
        refused(&world, vec![MetricDatum { timestamp: Some(time), ..value(1.0) }], INVALID).await;
    }
    // One bad datum, and nothing of its request is taken.
    refused(&world, vec![value(1.0), value(f64::NAN)], INVALID).await;
    assert_eq!(world.listed(ListMetricsInput::default()).await.len(), 0);
    world.put(vec![set(0.0, 0.0, 0.0)]).await;
    world
        .put(vec![MetricDatum { timestamp: Some(START.minus(DAY * 14)), storage_resolution: Some(1), ..value(1.0) }])
        .await;
    let reserved = PutMetricDataInput {
        namespace: "AWS/Kinesis".into(),
        metric_data: Some(vec![value(1.0)]),
        ..Default::default()
    };
    let error = world.monitor.put_metric_data(&world.caller, reserved).await.expect_err("a refusal");
    assert_eq!(error.code(), INVALID);
}

#[tokio::test]
async fn a_request_has_a_size() {
    let world = World::new().await;
    let large = |at: usize| MetricDatum {
        dimensions: Some((0..30).map(|of| dimension(&format!("d{of}"), &format!("{at:01000}"))).collect()),
        ..value(1.0)
    };
    refused(&world, (0..40).map(large).collect(), "InvalidParameterValueException").await;
    world.put((0..30).map(large).collect()).await;
}

#[tokio::test]
async fn metrics_and_memory_are_bounded() {
    let world = World::with(Limits { metrics_max: 3, pending_bytes_max: 1000, ..Limits::default() }).await;
    world.put((0..3).map(|at| MetricDatum { value: Some(1.0), ..datum(&format!("m{at}")) }).collect()).await;
    refused(&world, vec![value(1.0)], "LimitExceededFault").await;
    world.put_value("m1", 2.0).await;
    world
        .put(
            (0..20)
                .map(|at| MetricDatum { timestamp: Some(START.minus(MINUTE * at)), value: Some(1.0), ..datum("m1") })
                .collect(),
        )
        .await;
    let more = vec![MetricDatum { value: Some(1.0), ..datum("m1") }];
    refused(&world, more, "InternalServiceFault").await;
    world.monitor.flush().await.expect("a commit");
    world.put_value("m1", 2.0).await;
}

#[tokio::test]
async fn names_and_alarms_of_all_regions_share_their_memory() {
    let world = World::with(Limits { names_bytes_max: 2000, alarms_all_max: 1, ..Limits::default() }).await;
    let long = |of: &str| MetricDatum { dimensions: Some(vec![dimension(of, &"x".repeat(1000))]), ..value(1.0) };
    world.put(vec![long("a")]).await;
    refused(&world, vec![long("b")], "LimitExceededFault").await;
    world.put(vec![long("a"), value(1.0)]).await;
    let alarm = || PutMetricAlarmInput {
        alarm_name: "late".into(),
        namespace: text("app"),
        metric_name: text("Age"),
        statistic: Some(Statistic::Maximum),
        period: Some(60),
        evaluation_periods: Some(1),
        threshold: Some(5.0),
        comparison_operator: Some(ComparisonOperator::GreaterThanThreshold),
        ..Default::default()
    };
    world.monitor.put_metric_alarm(&world.caller, alarm()).await.expect("an alarm");
    let elsewhere = caller(ACCOUNT, "eu-west-1");
    let error = world.monitor.put_metric_alarm(&elsewhere, alarm()).await.expect_err("a refusal");
    assert_eq!(error.code(), "LimitExceededFault");
    world.monitor.put_metric_alarm(&world.caller, alarm()).await.expect("the same alarm again");
}

#[tokio::test]
async fn queries_have_rules() {
    let world = World::new().await;
    let refused = async |input, expected: &str| {
        let error = world.try_statistics(input).await.expect_err("a refusal");
        assert_eq!(error.code(), expected, "{error}");
    };
    let asked = || world.asked("Work", MINUTE * 60, 60);
    refused(GetMetricStatisticsInput { period: 61, ..asked() }, "InvalidParameterValueException").await;
    refused(GetMetricStatisticsInput { end_time: START.minus(DAY), ..asked() }, "InvalidParameterValueException").await;
    refused(GetMetricStatisticsInput { statistics: None, ..asked() }, "InvalidParameterCombinationException").await;
    refused(world.asked("Work", DAY, 60), "InvalidParameterCombinationException").await;
    let extended = Some(vec!["tm99".into()]);
    refused(GetMetricStatisticsInput { extended_statistics: extended, ..asked() }, "InvalidParameterValueException")
        .await;
    let error = world.try_statistics(world.asked("Work", DAY, 60)).await.expect_err("a refusal");
    assert!(error.to_string().contains("You have requested up to 1441 datapoints"), "{error}");
    let day = GetMetricStatisticsInput { end_time: START, ..world.asked("Work", DAY, 60) };
    assert_eq!(world.statistics(day).await, []);
    let token = ListMetricsInput { next_token: text("zz"), ..Default::default() };
    assert!(world.monitor.list_metrics(&world.caller, token).await.is_err());
}

//! GetMetricData.

use std::time::Duration;

use api::cloudwatch::*;
use api::service::ModeledError as _;

use crate::world::*;

fn stat(id: &str, name: &str, stat: &str) -> MetricDataQuery {
    MetricDataQuery {
        id: id.into(),
        metric_stat: Some(MetricStat {
            metric: Metric { namespace: text("app"), metric_name: text(name), dimensions: None },
            period: 60,
            stat: stat.into(),
            unit: None,
        }),
        ..Default::default()
    }
}

fn math(id: &str, expression: &str) -> MetricDataQuery {
    MetricDataQuery { id: id.into(), expression: text(expression), ..Default::default() }
}

fn asked(world: &World, queries: Vec<MetricDataQuery>) -> GetMetricDataInput {
    GetMetricDataInput {
        metric_data_queries: queries,
        start_time: world.now().minus(MINUTE * 30),
        end_time: world.now().plus(MINUTE),
        ..Default::default()
    }
}

async fn filled() -> World {
    let world = World::new().await;
    for minute in 0..3 {
        world.put_value("In", f64::from(10 + minute)).await;
        world.put_value("Out", 5.0).await;
        world.clock.advance(MINUTE);
    }
    world
}

#[tokio::test]
async fn metrics_and_math_are_answered() {
    let world = filled().await;
    let hidden = MetricDataQuery { return_data: Some(false), ..stat("m1", "In", "Sum") };
    let labelled = MetricDataQuery { label: text("ratio"), ..math("e2", "e1 / 5") };
    let queries =
        vec![labelled, math("e1", "(m1 - m2) * 2"), hidden, stat("m2", "Out", "Average"), stat("m3", "None", "p99")];
    let found = world.monitor.get_metric_data(&world.caller, asked(&world, queries)).await.expect("data");
    let results = found.metric_data_results.expect("results");
    let told: Vec<_> = results
        .iter()
        .map(|of| {
            (
                of.id.as_deref().expect("an id"),
                of.label.as_deref().expect("a label"),
                of.values.clone().expect("values"),
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            ("e2", "ratio", vec![2.8, 2.4, 2.0]),
            ("e1", "e1", vec![14.0, 12.0, 10.0]),
            ("m2", "Out", vec![5.0, 5.0, 5.0]),
            ("m3", "None", vec![]),
        ]
    );
    let times = results[0].timestamps.as_ref().expect("times");
    assert!(times.is_sorted_by(|a, b| a > b), "{times:?}");
}

#[tokio::test]
async fn pages_are_cut_anywhere() {
    let world = filled().await;
    for scan_by in [ScanBy::TimestampAscending, ScanBy::TimestampDescending] {
        let mut next_token = None;
        let (mut ins, mut outs, mut pages) = (Vec::new(), Vec::new(), 0);
        loop {
            let input = GetMetricDataInput {
                max_datapoints: Some(2),
                scan_by: Some(scan_by.clone()),
                next_token,
                ..asked(&world, vec![stat("m1", "In", "Sum"), stat("m2", "Out", "Sum")])
            };
            let page = world.monitor.get_metric_data(&world.caller, input).await.expect("data");
            for result in page.metric_data_results.expect("results") {
                let into = if result.id == text("m1") { &mut ins } else { &mut outs };
                into.extend(result.values.expect("values"));
            }
            pages += 1;
            next_token = page.next_token;
            if next_token.is_none() {
                break;
            }
        }
        if scan_by == ScanBy::TimestampDescending {
            ins.reverse();
        }
        assert_eq!((ins, outs, pages), (vec![10.0, 11.0, 12.0], vec![5.0; 3], 3));
    }
}

#[tokio::test]
async fn what_is_not_supported_is_named() {
    let world = filled().await;
    let refused = async |queries, expected: &str| {
        let error = world.monitor.get_metric_data(&world.caller, asked(&world, queries)).await.expect_err("a refusal");
        assert_eq!(error.code(), "ValidationException");
        assert!(error.to_string().contains(expected), "{error}");
    };
    let m1 = || stat("m1", "In", "Sum");
    refused(vec![m1(), math("e1", "RATE(m1)")], "the function RATE is not supported").await;
    refused(vec![m1(), math("e1", "m1 > 2")], "'>' is not supported").await;
    refused(vec![m1(), math("e1", "m2 + 1")], "e1 refers to m2").await;
    refused(vec![math("e1", "e2 + 1"), math("e2", "e1")], "refers to").await;
    refused(vec![math("e1", "1 + 1")], "names no metric").await;
    refused(vec![m1(), m1()], "used twice").await;
    refused(vec![stat("M1", "In", "Sum")], "small letter").await;
    refused(vec![stat("m1", "In", "tm90")], "tm90 is not supported").await;
    refused(vec![math("e1", &format!("m1{}", "+m1".repeat(200))), m1()], "too long").await;
    refused(vec![MetricDataQuery { id: "q".into(), ..Default::default() }], "either MetricStat or Expression").await;
    refused(vec![], "size from 1 to 500").await;
    let many: Vec<_> = (0..100).map(|at| stat(&format!("m{at}"), "In", "Sum")).collect();
    let input = GetMetricDataInput { start_time: START.minus(Duration::from_secs(14 * 86_400)), ..asked(&world, many) };
    let error = world.monitor.get_metric_data(&world.caller, input).await.expect_err("a refusal");
    assert!(error.to_string().contains("ask for fewer queries"), "{error}");
    let input = GetMetricDataInput { next_token: text("x"), ..asked(&world, vec![m1()]) };
    let error = world.monitor.get_metric_data(&world.caller, input).await.expect_err("a refusal");
    assert_eq!(error.code(), "InvalidNextToken");
}

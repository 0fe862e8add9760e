//! The server's own metrics.

use api::cloudwatch::*;
use monitor::{MetricName, Sample, Scope};

use crate::world::*;

#[tokio::test]
async fn samples_belong_to_the_minute_that_has_ended() {
    let world = World::new().await;
    world.pass(MINUTE).await;
    let sample = |count| Sample {
        scope: Scope::of(&world.caller),
        metric: MetricName::new("AWS/Kinesis", "IncomingRecords", &[dimension("StreamName", "orders")]),
        unit: StandardUnit::Count,
        count,
        sum: 5.0,
        min: 2.0,
        max: 3.0,
    };
    *world.own.0.lock().expect("free") = vec![sample(2.0), sample(0.0)];
    world.pass(MINUTE).await;
    let asked = GetMetricStatisticsInput {
        namespace: "AWS/Kinesis".into(),
        dimensions: Some(vec![dimension("StreamName", "orders")]),
        ..world.asked("IncomingRecords", MINUTE * 5, 60)
    };
    let found = world.statistics(asked).await;
    let [point] = &found[..] else { panic!("one point, not {found:?}") };
    assert_eq!((point.sum, point.sample_count, point.unit.clone()), (Some(5.0), Some(2.0), Some(StandardUnit::Count)));
    // It is 22:15:20; the minute that has ended is 22:14.
    assert_eq!(point.timestamp, Some(base::time::Timestamp::from_millis(1_700_000_040_000)));
}

//! Alarms: their states, and whom they tell.

use api::cloudwatch::*;
use api::kinesis::{GetRecordsInput, GetShardIteratorInput, Kinesis, ShardIteratorType};
use api::service::ModeledError as _;
use base::ByteString;

use crate::world::*;

/// More than 5 late for two minutes.
fn late(actions: &[&str]) -> PutMetricAlarmInput {
    PutMetricAlarmInput {
        alarm_name: "late".into(),
        namespace: text("app"),
        metric_name: text("Age"),
        statistic: Some(Statistic::Maximum),
        period: Some(60),
        evaluation_periods: Some(2),
        threshold: Some(5.0),
        comparison_operator: Some(ComparisonOperator::GreaterThanThreshold),
        alarm_actions: Some(actions.iter().copied().map(ByteString::from).collect()),
        ..Default::default()
    }
}

impl World {
    async fn put_alarm(&self, input: PutMetricAlarmInput) {
        self.monitor.put_metric_alarm(&self.caller, input).await.expect("an alarm");
    }

    async fn described(&self, input: DescribeAlarmsInput) -> Vec<MetricAlarm> {
        let found = self.monitor.describe_alarms(&self.caller, input).await.expect("alarms");
        found.metric_alarms.expect("a list")
    }

    async fn state(&self) -> String {
        let alarms = self.described(DescribeAlarmsInput::default()).await;
        alarms[0].state_value.as_ref().expect("a state").as_str().to_owned()
    }

    /// A value, and the evaluation after its minute.
    async fn minute(&self, value: f64) -> String {
        self.put_value("Age", value).await;
        self.pass(MINUTE).await;
        self.state().await
    }

    async fn set_state(&self, state: StateValue) {
        let input = SetAlarmStateInput {
            alarm_name: "late".into(),
            state_value: state,
            state_reason: "a test".into(),
            state_reason_data: None,
        };
        self.monitor.set_alarm_state(&self.caller, input).await.expect("a state");
    }
}

#[tokio::test]
async fn an_alarm_goes_off_and_calms_down() {
    let mut world = World::new().await;
    world.put_alarm(late(&["http://127.0.0.1:1/hook/200"])).await;
    assert_eq!(world.state().await, "INSUFFICIENT_DATA");
    assert_eq!(world.minute(1.0).await, "OK");
    assert_eq!(world.minute(9.0).await, "OK");
    assert_eq!(world.minute(7.0).await, "ALARM");
    let (url, body) = world.posts.recv().await.expect("a post");
    assert_eq!(url, "http://127.0.0.1:1/hook/200");
    for part in [
        r#""AlarmName":"late""#,
        r#""NewStateValue":"ALARM""#,
        r#""OldStateValue":"OK""#,
        r#""AWSAccountId":"111122223333""#,
        r#""AlarmArn":"arn:aws:cloudwatch:us-east-1:111122223333:alarm:late""#,
        r#""MetricName":"Age""#,
        "2 out of the last 2 datapoints [7.0, 9.0] greater than the threshold (5.0)",
    ] {
        assert!(body.contains(part), "{part} is not in {body}");
    }
    assert_eq!(world.minute(8.0).await, "ALARM");
    assert_eq!(world.minute(2.0).await, "OK");
    assert!(world.posts.try_recv().is_err(), "OK has no action");
}

#[tokio::test]
async fn a_state_outlives_the_process_and_so_does_an_unkept_promise() {
    let world = World::new().await;
    world.put_alarm(late(&["http://127.0.0.1:1/hook/200"])).await;
    // A single-threaded runtime: the action has not begun when the process is replaced.
    world.set_state(StateValue::Alarm).await;
    let mut world = world.restart().await;
    assert_eq!(world.state().await, "ALARM");
    let (_, body) = world.posts.recv().await.expect("a post");
    assert!(body.contains(r#""NewStateReason":"a test""#), "{body}");
    let alarms = world.described(DescribeAlarmsInput::default()).await;
    assert_eq!(alarms[0].threshold, Some(5.0));
    assert_eq!(alarms[0].statistic, Some(Statistic::Maximum));
}

#[tokio::test(start_paused = true)]
async fn a_dead_hook_is_tried_again_and_given_up() {
    let mut world = World::new().await;
    world.put_alarm(late(&["http://127.0.0.1:1/hook/500", "http://127.0.0.1:1/dead"])).await;
    world.set_state(StateValue::Alarm).await;
    let mut urls = Vec::new();
    for _ in 0..8 {
        urls.push(world.posts.recv().await.expect("a post").0);
    }
    assert_eq!(urls.iter().filter(|url| url.ends_with("/500")).count(), 4);
    loop {
        let left = store::catalog::Catalog::scan(&*world.catalog, "monitor/action/", None, 10).await.expect("rows");
        if left.is_empty() {
            break;
        }
        tokio::task::yield_now().await;
    }
    assert!(world.posts.try_recv().is_err());
}

#[tokio::test]
async fn an_action_can_be_a_record() {
    let world = World::new().await;
    world.create_stream("alarms").await;
    let arn = format!("arn:aws:kinesis:us-east-1:{ACCOUNT}:stream/alarms");
    world.put_alarm(late(&[&arn])).await;
    world.set_state(StateValue::Alarm).await;
    let iterator = GetShardIteratorInput {
        stream_name: text("alarms"),
        shard_id: "shardId-000000000000".into(),
        shard_iterator_type: ShardIteratorType::TrimHorizon,
        ..Default::default()
    };
    let iterator = world.streams.get_shard_iterator(&world.caller, iterator).await.expect("an iterator");
    let mut shard_iterator = iterator.shard_iterator.expect("an iterator");
    loop {
        let input = GetRecordsInput { shard_iterator, ..Default::default() };
        let found = world.streams.get_records(&world.caller, input).await.expect("records");
        if let Some(record) = found.records.first() {
            assert_eq!(&*record.partition_key, "late");
            assert!(record.data.starts_with(b"{") && record.data.ends_with(b"}"));
            return;
        }
        shard_iterator = found.next_shard_iterator.expect("an open shard");
        world.clock.advance(MINUTE);
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn math_is_watched_too() {
    let world = World::new().await;
    let metric = MetricDataQuery {
        id: "m1".into(),
        metric_stat: Some(MetricStat {
            metric: Metric { namespace: text("app"), metric_name: text("Age"), dimensions: None },
            period: 60,
            stat: "Sum".into(),
            unit: None,
        }),
        return_data: Some(false),
        ..Default::default()
    };
    let math = MetricDataQuery { id: "e1".into(), expression: text("m1 * 10"), ..Default::default() };
    let input = PutMetricAlarmInput {
        namespace: None,
        metric_name: None,
        statistic: None,
        period: None,
        evaluation_periods: Some(1),
        threshold: Some(50.0),
        metrics: Some(vec![metric, math]),
        ..late(&[])
    };
    world.put_alarm(input).await;
    let world = world.restart().await;
    assert_eq!(world.minute(4.0).await, "OK");
    assert_eq!(world.minute(6.0).await, "ALARM");
}

#[tokio::test]
async fn alarms_are_described_by_filter_and_page_and_deleted() {
    let world = World::new().await;
    for at in 0..120 {
        world.put_alarm(PutMetricAlarmInput { alarm_name: format!("a{at:03}").into(), ..late(&[]) }).await;
    }
    world.put_alarm(late(&["http://127.0.0.1:1/200"])).await;
    let count = async |input| world.described(input).await.len();
    assert_eq!(count(DescribeAlarmsInput::default()).await, 50);
    let mut names = Vec::new();
    let mut next_token = None;
    loop {
        let input = DescribeAlarmsInput { max_records: Some(100), next_token, ..Default::default() };
        let page = world.monitor.describe_alarms(&world.caller, input).await.expect("alarms");
        names.extend(page.metric_alarms.expect("a list").into_iter().filter_map(|alarm| alarm.alarm_name));
        next_token = page.next_token;
        if next_token.is_none() {
            break;
        }
    }
    assert!(names.len() == 121 && names.is_sorted(), "{names:?}");
    let of = |prefix| DescribeAlarmsInput { alarm_name_prefix: text(prefix), ..Default::default() };
    assert_eq!(count(of("a01")).await, 10);
    let input = DescribeAlarmsInput { action_prefix: text("http://127.0.0.1"), ..Default::default() };
    assert_eq!(count(input).await, 1);
    let input = DescribeAlarmsInput { state_value: Some(StateValue::Alarm), ..Default::default() };
    assert_eq!(count(input).await, 0);
    let input = DescribeAlarmsInput { alarm_types: Some(vec![AlarmType::CompositeAlarm]), ..Default::default() };
    assert_eq!(count(input).await, 0);
    let delete = async |names: &[&str]| {
        let alarm_names = names.iter().copied().map(ByteString::from).collect();
        world.monitor.delete_alarms(&world.caller, DeleteAlarmsInput { alarm_names }).await
    };
    let error = delete(&["late", "none"]).await.expect_err("a refusal");
    assert_eq!(error.code(), "ResourceNotFound");
    delete(&["late", "a001"]).await.expect("deleted");
    assert_eq!(count(of("late")).await, 0);
    assert_eq!(world.restart().await.described(of("a00")).await.len(), 9);
}

#[tokio::test]
async fn a_changed_alarm_stays_in_its_state() {
    let world = World::new().await;
    world.put_alarm(late(&[])).await;
    world.set_state(StateValue::Alarm).await;
    world.put_alarm(PutMetricAlarmInput { threshold: Some(6.0), ..late(&[]) }).await;
    let alarm = world.described(DescribeAlarmsInput::default()).await.remove(0);
    assert_eq!((alarm.state_value, alarm.threshold), (Some(StateValue::Alarm), Some(6.0)));
}

#[tokio::test]
async fn alarms_have_rules() {
    let world = World::new().await;
    let refused = async |input, expected: &str| {
        let error = world.monitor.put_metric_alarm(&world.caller, input).await.expect_err("a refusal");
        assert_eq!(error.code(), "ValidationException", "{error}");
        assert!(error.to_string().contains(expected), "{error}");
    };
    refused(PutMetricAlarmInput { threshold: None, ..late(&[]) }, "Threshold").await;
    refused(PutMetricAlarmInput { comparison_operator: None, ..late(&[]) }, "ComparisonOperator").await;
    refused(PutMetricAlarmInput { evaluation_periods: Some(0), ..late(&[]) }, "EvaluationPeriods").await;
    refused(PutMetricAlarmInput { evaluation_periods: Some(i32::MAX), ..late(&[]) }, "86400 seconds").await;
    refused(PutMetricAlarmInput { datapoints_to_alarm: Some(3), ..late(&[]) }, "DatapointsToAlarm").await;
    refused(PutMetricAlarmInput { treat_missing_data: text("maybe"), ..late(&[]) }, "TreatMissingData").await;
    refused(PutMetricAlarmInput { statistic: None, ..late(&[]) }, "Statistic").await;
    refused(PutMetricAlarmInput { period: Some(61), ..late(&[]) }, "Period").await;
    refused(PutMetricAlarmInput { metrics: Some(vec![]), ..late(&[]) }, "Metrics must not").await;
    refused(PutMetricAlarmInput { threshold_metric_id: text("b"), ..late(&[]) }, "Anomaly detection").await;
    refused(late(&["arn:aws:sns:us-east-1:111122223333:topic"]), "Invalid alarm action").await;
    refused(late(&["arn:aws:kinesis:us-east-1:999999999999:stream/x"]), "Invalid alarm action").await;
    let input = SetAlarmStateInput {
        alarm_name: "none".into(),
        state_value: StateValue::Ok,
        state_reason: "a test".into(),
        state_reason_data: None,
    };
    let error = world.monitor.set_alarm_state(&world.caller, input).await.expect_err("a refusal");
    assert_eq!(error.code(), "ResourceNotFound");
}

//! What is told of a change of state: JSON with the members that the service's notifications have.

use api::cloudwatch::MetricAlarm;
use base::ByteString;
use base::time::Timestamp;
use serde_json::{Value, json};

use super::Alarm;
use crate::date_text::date_text;

/// The message about an alarm that was `before` and is now `after`.
#[must_use]
pub fn text(before: &Alarm, after: &Alarm, now: Timestamp) -> String {
    let shape = &after.shape;
    let list = |actions: &Option<Vec<ByteString>>| -> Vec<Value> {
        actions.iter().flatten().map(|action| Value::from(&**action)).collect()
    };
    let message = json!({
        "AlarmName": after.name(),
        "AlarmDescription": shape.alarm_description.as_deref(),
        "AWSAccountId": after.scope.account.as_str(),
        "AlarmConfigurationUpdatedTimestamp": shape.alarm_configuration_updated_timestamp.map(date_text),
        "NewStateValue": after.state().as_str(),
        "NewStateReason": shape.state_reason.as_deref(),
        "StateChangeTime": date_text(now),
        "Region": after.scope.region.as_str(),
        "AlarmArn": shape.alarm_arn.as_deref(),
        "OldStateValue": before.state().as_str(),
        "OKActions": list(&shape.ok_actions),
        "AlarmActions": list(&shape.alarm_actions),
        "InsufficientDataActions": list(&shape.insufficient_data_actions),
        "Trigger": trigger(shape),
    });
    message.to_string()
}

fn trigger(shape: &MetricAlarm) -> Value {
    let dimensions: Vec<Value> = shape
        .dimensions
        .iter()
        .flatten()
        .map(|dimension| json!({ "name": &*dimension.name, "value": &*dimension.value }))
        .collect();
    json!({
        "MetricName": shape.metric_name.as_deref(),
        "Namespace": shape.namespace.as_deref(),
        "Statistic": shape.statistic.as_ref().map(|statistic| statistic.as_str()),
        "ExtendedStatistic": shape.extended_statistic.as_deref(),
        "Unit": shape.unit.as_ref().map(|unit| unit.as_str()),
        "Dimensions": dimensions,
        "Metrics": shape.metrics.as_ref().map(|queries| queries.iter().map(query).collect::<Vec<_>>()),
        "Period": shape.period,
        "EvaluationPeriods": shape.evaluation_periods,
        "DatapointsToAlarm": shape.datapoints_to_alarm,
        "ComparisonOperator": shape.comparison_operator.as_ref().map(|operator| operator.as_str()),
        "Threshold": shape.threshold,
        "TreatMissingData": shape.treat_missing_data.as_deref(),
    })
}

fn query(query: &api::cloudwatch::MetricDataQuery) -> Value {
    json!({
        "Id": &*query.id,
        "Label": query.label.as_deref(),
        "Expression": query.expression.as_deref(),
        "MetricName": query.metric_stat.as_ref().and_then(|of| of.metric.metric_name.as_deref()),
        "Namespace": query.metric_stat.as_ref().and_then(|of| of.metric.namespace.as_deref()),
        "Stat": query.metric_stat.as_ref().map(|of| &*of.stat),
        "ReturnData": query.return_data.unwrap_or(true),
    })
}

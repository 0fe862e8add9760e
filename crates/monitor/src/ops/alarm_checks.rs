//! What must be true of an alarm that is put.

use api::cloudwatch::{CloudWatchError, ComparisonOperator, MetricAlarm};
use base::arn::StreamArn;

use crate::alarm::Alarm;
use crate::error::{self, Answer};
use crate::metric::Scope;
use crate::query::Source;

/// Metrics and expressions of one alarm (service documentation).
const QUERIES_MAX: usize = 20;
/// What an alarm looks back at most (service documentation).
const DAY_SECONDS: i64 = 86_400;
const WEEK_SECONDS: i64 = 7 * DAY_SECONDS;
const HOUR_SECONDS: i64 = 3600;

pub fn check(alarm: &Alarm) -> Answer<()> {
    let shape = &alarm.shape;
    check_watched(shape)?;
    check_threshold(shape)?;
    let queries = alarm.queries().map_err(|query| error::query(&query))?;
    if queries.iter().filter(|query| query.is_returned).count() != 1 {
        return Err(CloudWatchError::validation("Exactly one element of the metrics list must return data."));
    }
    let period = queries.period();
    let has_other_period = queries.iter().any(|query| match &query.source {
        Source::Metric { period: of, .. } => i64::from(*of).max(60) != period,
        Source::Expression(_) => false,
    });
    if has_other_period {
        return Err(error::unsupported("An alarm on metrics of different periods"));
    }
    let looked_at = period.saturating_mul(i64::from(shape.evaluation_periods.unwrap_or(1)));
    let max = if period >= HOUR_SECONDS { WEEK_SECONDS } else { DAY_SECONDS };
    if looked_at > max {
        return Err(CloudWatchError::validation(format!(
            "Metrics cannot be checked across more than {max} seconds (EvaluationPeriods * Period must not be greater)."
        )));
    }
    let actions = [&shape.ok_actions, &shape.alarm_actions, &shape.insufficient_data_actions];
    actions.into_iter().flatten().flatten().try_for_each(|action| check_action(&alarm.scope, action))
}

/// Either one metric with a statistic, or a list of queries.
fn check_watched(shape: &MetricAlarm) -> Answer<()> {
    let statistics = usize::from(shape.statistic.is_some()) + usize::from(shape.extended_statistic.is_some());
    let is_one = shape.metric_name.is_some() && shape.namespace.is_some() && shape.period.is_some() && statistics == 1;
    let has_any = shape.metric_name.is_some()
        || shape.namespace.is_some()
        || shape.dimensions.is_some()
        || shape.period.is_some()
        || statistics > 0;
    match &shape.metrics {
        None if is_one => Ok(()),
        None => Err(CloudWatchError::validation(
            "MetricName, Namespace, Period, and either Statistic or ExtendedStatistic are required, or Metrics.",
        )),
        Some(_) if has_any => Err(CloudWatchError::validation(
            "Metrics must not be given together with MetricName, Namespace, Dimensions, Period, Statistic or \
             ExtendedStatistic.",
        )),
        Some(queries) if queries.is_empty() || queries.len() > QUERIES_MAX => {
            Err(CloudWatchError::validation(format!("Metrics must have a size from 1 to {QUERIES_MAX}.")))
        }
        Some(_) => Ok(()),
    }
}

fn check_threshold(shape: &MetricAlarm) -> Answer<()> {
    if !shape.threshold.is_some_and(f64::is_finite) {
        return Err(CloudWatchError::validation("Threshold is required and must be a finite number."));
    }
    match &shape.comparison_operator {
        Some(
            ComparisonOperator::GreaterThanOrEqualToThreshold
            | ComparisonOperator::GreaterThanThreshold
            | ComparisonOperator::LessThanThreshold
            | ComparisonOperator::LessThanOrEqualToThreshold,
        ) => {}
        Some(_) => return Err(error::unsupported("A comparison with a band")),
        None => return Err(CloudWatchError::validation("ComparisonOperator is required.")),
    }
    let periods = shape.evaluation_periods.filter(|periods| *periods >= 1);
    let periods = periods.ok_or_else(|| CloudWatchError::validation("EvaluationPeriods of at least 1 is required."))?;
    if shape.datapoints_to_alarm.is_some_and(|points| !(1..=periods).contains(&points)) {
        return Err(CloudWatchError::validation("DatapointsToAlarm must lie between 1 and EvaluationPeriods."));
    }
    match shape.treat_missing_data.as_deref() {
        None | Some("missing" | "ignore" | "breaching" | "notBreaching") => Ok(()),
        Some(_) => Err(CloudWatchError::validation(
            "TreatMissingData must be one of missing, ignore, breaching and notBreaching.",
        )),
    }
}

/// A URL, or a stream of the same account and region.
fn check_action(scope: &Scope, action: &str) -> Answer<()> {
    if action.starts_with("http://") || action.starts_with("https://") {
        return Ok(());
    }
    let is_own = |arn: StreamArn| arn.account == scope.account && arn.region == scope.region;
    if action.parse().is_ok_and(is_own) {
        return Ok(());
    }
    Err(CloudWatchError::validation(format!(
        "Invalid alarm action {action}: an action is an http:// or https:// URL, or the ARN of a stream of the same \
         account and region."
    )))
}

//! PutMetricAlarm, DescribeAlarms, SetAlarmState, DeleteAlarms.

use std::sync::Arc;

use api::cloudwatch::*;
use base::ByteString;
use base::caller::Caller;
use base::time::Timestamp;

use super::alarm_checks::check;
use crate::alarm::Alarm;
use crate::alarm::verdict::Verdict;
use crate::core::Core;
use crate::delivery;
use crate::error::{self, Answer};
use crate::metric::Scope;

/// Alarms in one page unless the client wants fewer, and at most (service model).
const PAGE_DEFAULT: usize = 50;
const PAGE_MAX: usize = 100;
/// Alarms deleted by one request (service model).
const DELETED_MAX: usize = 100;
/// What page tokens begin with; the name of the last alarm follows.
const TOKEN: &str = "after:";

pub async fn put(core: &Arc<Core>, caller: &Caller, input: PutMetricAlarmInput) -> Answer<PutMetricAlarmOutput> {
    let scope = Scope::of(caller);
    let now = core.now();
    let name = input.alarm_name.to_string();
    let fresh = Alarm { shape: shape(&scope, input, now)?, scope: scope.clone() };
    check(&fresh)?;
    let max = core.limits.alarms_max;
    let merge = |known: Option<Arc<Alarm>>| {
        if known.is_none() && core.book.count(&fresh.scope) >= max {
            return Err(CloudWatchError::limit_exceeded_fault(format!(
                "Limit exceeded: an account may have {max} alarms in a region."
            )));
        }
        if known.is_none() && core.book.count_all() >= core.limits.alarms_all_max {
            return Err(CloudWatchError::limit_exceeded_fault("Limit exceeded: the server has too many alarms."));
        }
        Ok(with_state_of(fresh, known.as_deref(), now))
    };
    core.book.put(&scope, &name, merge).await?;
    Ok(PutMetricAlarmOutput {})
}

/// The alarm that a request describes; what this service does not do is refused.
fn shape(scope: &Scope, input: PutMetricAlarmInput, now: Timestamp) -> Answer<MetricAlarm> {
    for (is_wanted, feature) in [
        (input.threshold_metric_id.is_some(), "Anomaly detection (ThresholdMetricId)"),
        (input.evaluation_criteria.is_some(), "EvaluationCriteria"),
        (input.evaluation_interval.is_some(), "EvaluationInterval"),
        (input.warm_up_configuration.is_some(), "WarmUpConfiguration"),
        (input.action_configuration.is_some(), "ActionConfiguration"),
        (
            input.evaluation_window.as_ref().is_some_and(|window| window.wall_clock_window.is_some()),
            "EvaluationWindow with WallClockWindow",
        ),
        (
            input.evaluate_low_sample_count_percentile.as_deref() == Some("ignore"),
            "EvaluateLowSampleCountPercentile=ignore",
        ),
    ] {
        if is_wanted {
            return Err(error::unsupported(feature));
        }
    }
    let arn = format!("arn:aws:cloudwatch:{}:{}:alarm:{}", scope.region, scope.account, input.alarm_name);
    Ok(MetricAlarm {
        alarm_name: Some(input.alarm_name),
        alarm_arn: Some(arn.into()),
        alarm_description: input.alarm_description,
        alarm_configuration_updated_timestamp: Some(now),
        actions_enabled: Some(input.actions_enabled.unwrap_or(true)),
        ok_actions: Some(input.ok_actions.unwrap_or_default()),
        alarm_actions: Some(input.alarm_actions.unwrap_or_default()),
        insufficient_data_actions: Some(input.insufficient_data_actions.unwrap_or_default()),
        namespace: input.namespace,
        metric_name: input.metric_name,
        statistic: input.statistic,
        extended_statistic: input.extended_statistic,
        dimensions: if input.metrics.is_none() { Some(input.dimensions.unwrap_or_default()) } else { input.dimensions },
        period: input.period,
        unit: input.unit,
        evaluation_periods: input.evaluation_periods,
        datapoints_to_alarm: input.datapoints_to_alarm,
        threshold: input.threshold,
        comparison_operator: input.comparison_operator,
        treat_missing_data: input.treat_missing_data,
        metrics: input.metrics,
        ..MetricAlarm::default()
    })
}

/// A changed alarm stays in its state.
fn with_state_of(mut alarm: Alarm, known: Option<&Alarm>, now: Timestamp) -> Alarm {
    let shape = &mut alarm.shape;
    match known.map(|known| &known.shape) {
        Some(known) => {
            shape.state_value = known.state_value.clone();
            shape.state_reason = known.state_reason.clone();
            shape.state_reason_data = known.state_reason_data.clone();
            shape.state_updated_timestamp = known.state_updated_timestamp;
            shape.state_transitioned_timestamp = known.state_transitioned_timestamp;
        }
        None => {
            shape.state_value = Some(StateValue::InsufficientData);
            shape.state_reason = Some(ByteString::from_static("Unchecked: Initial alarm creation"));
            shape.state_updated_timestamp = Some(now);
            shape.state_transitioned_timestamp = Some(now);
        }
    }
    alarm
}

pub async fn describe(core: &Arc<Core>, caller: &Caller, input: DescribeAlarmsInput) -> Answer<DescribeAlarmsOutput> {
    if input.children_of_alarm_name.is_some() || input.parents_of_alarm_name.is_some() {
        return Err(error::unsupported("A composite alarm"));
    }
    if input.alarm_names.is_some() && input.alarm_name_prefix.is_some() {
        return Err(CloudWatchError::invalid_parameter_combination(
            "The parameters AlarmNames and AlarmNamePrefix are mutually exclusive.",
        ));
    }
    let after = match &input.next_token {
        Some(token) => token.strip_prefix(TOKEN).ok_or_else(error::next_token)?,
        None => "",
    };
    let wanted = input.max_records.and_then(|max| usize::try_from(max).ok()).unwrap_or(PAGE_DEFAULT);
    let max = wanted.clamp(1, PAGE_MAX);
    let types = input.alarm_types.as_deref().unwrap_or(&[AlarmType::MetricAlarm]);
    let found = core.book.of_scope(&Scope::of(caller), after);
    let mut matching = found.iter().filter(|alarm| types.contains(&AlarmType::MetricAlarm) && matches(alarm, &input));
    let page: Vec<MetricAlarm> = matching.by_ref().take(max).map(|alarm| alarm.shape.clone()).collect();
    let is_more = matching.next().is_some();
    let last = page.last().and_then(|alarm| alarm.alarm_name.as_deref()).filter(|_| is_more);
    let next_token = last.map(|name| ByteString::from(format!("{TOKEN}{name}")));
    Ok(DescribeAlarmsOutput {
        composite_alarms: Some(Vec::new()),
        metric_alarms: Some(page),
        log_alarms: None,
        next_token,
    })
}

fn matches(alarm: &Alarm, input: &DescribeAlarmsInput) -> bool {
    let shape = &alarm.shape;
    let mut actions =
        [&shape.ok_actions, &shape.alarm_actions, &shape.insufficient_data_actions].into_iter().flatten().flatten();
    input.alarm_names.as_ref().is_none_or(|names| names.iter().any(|name| **name == *alarm.name()))
        && input.alarm_name_prefix.as_ref().is_none_or(|prefix| alarm.name().starts_with(&**prefix))
        && input.state_value.as_ref().is_none_or(|state| state == alarm.state())
        && input.action_prefix.as_ref().is_none_or(|prefix| actions.any(|action| action.starts_with(&**prefix)))
}

pub async fn set_state(core: &Arc<Core>, caller: &Caller, input: SetAlarmStateInput) -> Answer<SetAlarmStateOutput> {
    let alarm =
        core.book.find(&Scope::of(caller), &input.alarm_name).ok_or_else(|| error::no_alarm(&input.alarm_name))?;
    let verdict = Verdict { state: input.state_value, reason: input.state_reason.to_string() };
    let promised = core.book.set_state(&alarm, verdict, input.state_reason_data, core.now()).await?;
    delivery::begin(core, promised);
    Ok(SetAlarmStateOutput {})
}

pub async fn delete(core: &Arc<Core>, caller: &Caller, input: DeleteAlarmsInput) -> Answer<DeleteAlarmsOutput> {
    if input.alarm_names.len() > DELETED_MAX {
        return Err(CloudWatchError::validation(format!(
            "The collection AlarmNames must not have a size greater than {DELETED_MAX}."
        )));
    }
    let scope = Scope::of(caller);
    if let Some(missing) = input.alarm_names.iter().find(|name| core.book.find(&scope, name).is_none()) {
        return Err(error::no_alarm(missing));
    }
    core.book.remove(&scope, &input.alarm_names).await?;
    Ok(DeleteAlarmsOutput {})
}

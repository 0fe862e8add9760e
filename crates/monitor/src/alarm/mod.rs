//! Alarms: what they watch, when they change, whom they tell.

pub mod book;
pub mod message;
pub mod verdict;

use api::cloudwatch::{ComparisonOperator, Metric, MetricAlarm, MetricDataQuery, MetricStat, StateValue};
use base::ByteString;

use crate::metric::Scope;
use crate::query::{Queries, QueryError};

/// Id of the only query of an alarm on one metric.
const ONLY: &str = "m1";

/// One alarm, as clients see it. Texts are its own, not slices of a request.
#[derive(Debug, Clone, PartialEq)]
pub struct Alarm {
    pub scope: Scope,
    pub shape: MetricAlarm,
}

impl Alarm {
    #[must_use]
    pub fn name(&self) -> &str {
        self.shape.alarm_name.as_deref().unwrap_or_default()
    }

    #[must_use]
    pub fn state(&self) -> &StateValue {
        self.shape.state_value.as_ref().unwrap_or(&StateValue::InsufficientData)
    }

    /// What is watched, as queries of which exactly one is returned.
    ///
    /// # Errors
    /// When they make no sense.
    pub fn queries(&self) -> Result<Queries, QueryError> {
        match &self.shape.metrics {
            Some(queries) => Queries::new(&self.scope, queries),
            None => Queries::new(&self.scope, &[self.only_query()]),
        }
    }

    fn only_query(&self) -> MetricDataQuery {
        let shape = &self.shape;
        let statistic = shape.statistic.as_ref().map(|statistic| ByteString::from(statistic.as_str()));
        MetricDataQuery {
            id: ByteString::from_static(ONLY),
            metric_stat: Some(MetricStat {
                metric: Metric {
                    namespace: shape.namespace.clone(),
                    metric_name: shape.metric_name.clone(),
                    dimensions: shape.dimensions.clone(),
                },
                period: shape.period.unwrap_or_default(),
                stat: statistic.or_else(|| shape.extended_statistic.clone()).unwrap_or_default(),
                unit: shape.unit.clone(),
            }),
            ..MetricDataQuery::default()
        }
    }

    #[must_use]
    pub fn evaluation_periods(&self) -> usize {
        self.shape.evaluation_periods.and_then(|periods| usize::try_from(periods).ok()).unwrap_or(1).max(1)
    }

    #[must_use]
    pub fn datapoints_to_alarm(&self) -> usize {
        let wanted = self.shape.datapoints_to_alarm.and_then(|points| usize::try_from(points).ok());
        wanted.unwrap_or_else(|| self.evaluation_periods()).max(1)
    }

    /// Whether a value is on the wrong side of the threshold.
    #[must_use]
    pub fn breaches(&self, value: f64) -> bool {
        let threshold = self.shape.threshold.unwrap_or_default();
        match &self.shape.comparison_operator {
            Some(ComparisonOperator::GreaterThanOrEqualToThreshold) => value >= threshold,
            Some(ComparisonOperator::GreaterThanThreshold) => value > threshold,
            Some(ComparisonOperator::LessThanThreshold) => value < threshold,
            Some(ComparisonOperator::LessThanOrEqualToThreshold) => value <= threshold,
            _ => false,
        }
    }

    /// Whom to tell of the state that the alarm is in.
    #[must_use]
    pub fn actions(&self) -> &[ByteString] {
        if self.shape.actions_enabled == Some(false) {
            return &[];
        }
        let actions = match self.state() {
            StateValue::Ok => &self.shape.ok_actions,
            StateValue::Alarm => &self.shape.alarm_actions,
            _ => &self.shape.insufficient_data_actions,
        };
        actions.as_deref().unwrap_or_default()
    }
}

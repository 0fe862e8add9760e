//! What the last periods say about an alarm.

use std::collections::BTreeMap;

use api::cloudwatch::{ComparisonOperator, StateValue};

use super::Alarm;

/// Periods looked at beyond those that are evaluated, in case some are missing.
pub const EXTRA_PERIODS: usize = 2;

/// A state, and why.
#[derive(Debug, Clone, PartialEq)]
pub struct Verdict {
    pub state: StateValue,
    pub reason: String,
}

/// Judges the newest points of the evaluated range and the periods before it. `None` when the alarm keeps its state.
#[must_use]
pub fn judge(alarm: &Alarm, points: &BTreeMap<i64, f64>) -> Option<Verdict> {
    let (periods, needed) = (alarm.evaluation_periods(), alarm.datapoints_to_alarm());
    // Newest first. With enough points, missing ones do not count.
    let newest: Vec<f64> = points.values().rev().take(periods).copied().collect();
    let missing = periods - newest.len();
    let breaching = newest.iter().filter(|value| alarm.breaches(**value)).count();
    let healthy = newest.len() - breaching;
    let state = match alarm.shape.treat_missing_data.as_deref() {
        Some("breaching") => alarm_if(breaching + missing >= needed),
        Some("notBreaching") => alarm_if(breaching >= needed),
        _ if breaching >= needed => StateValue::Alarm,
        // No filling in of the missing points could make it an alarm.
        Some("ignore") if healthy > periods - needed => StateValue::Ok,
        Some("ignore") => return None,
        _ if newest.is_empty() => StateValue::InsufficientData,
        _ => alarm_if(healthy == 0),
    };
    let reason = reason(alarm, &state, &newest, missing, breaching);
    Some(Verdict { state, reason })
}

fn alarm_if(breaches: bool) -> StateValue {
    if breaches { StateValue::Alarm } else { StateValue::Ok }
}

fn reason(alarm: &Alarm, state: &StateValue, newest: &[f64], missing: usize, breaching: usize) -> String {
    let periods = alarm.evaluation_periods();
    let points = |count: usize| if count == 1 { "datapoint was" } else { "datapoints were" };
    if newest.is_empty() {
        let treated = match alarm.shape.treat_missing_data.as_deref() {
            Some("breaching") => " and treated as [Breaching]",
            Some("notBreaching") => " and treated as [NonBreaching]",
            _ => "",
        };
        let prefix = if *state == StateValue::InsufficientData { "Insufficient Data" } else { "Threshold Crossed" };
        return format!("{prefix}: {missing} {} missing{treated}.", points(missing));
    }
    let is_alarm = *state == StateValue::Alarm;
    let told = if is_alarm { breaching } else { newest.len() - breaching };
    let values: Vec<String> = newest.iter().map(|value| format!("{value:?}")).collect();
    let (not, comparison) = (if is_alarm { "" } else { "not " }, words(alarm));
    let threshold = alarm.shape.threshold.unwrap_or_default();
    let unknown = if missing > 0 { format!(", {missing} missing") } else { String::new() };
    format!(
        "Threshold Crossed: {told} out of the last {periods} datapoints [{}{unknown}] {not}{comparison} the threshold \
         ({threshold:?}) (minimum {} for a transition to ALARM).",
        values.join(", "),
        alarm.datapoints_to_alarm()
    )
}

fn words(alarm: &Alarm) -> &'static str {
    match &alarm.shape.comparison_operator {
        Some(ComparisonOperator::GreaterThanOrEqualToThreshold) => "greater than or equal to",
        Some(ComparisonOperator::GreaterThanThreshold) => "greater than",
        Some(ComparisonOperator::LessThanOrEqualToThreshold) => "less than or equal to",
        _ => "less than",
    }
}

#[cfg(test)]
mod tests {
    use api::cloudwatch::MetricAlarm;
    use base::ByteString;
    use base::ids::{AccountId, Region};

    use super::*;
    use crate::metric::Scope;

    const TREATMENTS: [&str; 4] = ["missing", "ignore", "breaching", "notBreaching"];

    /// `points` from the oldest on: `X` breaches, `0` does not, `-` is missing. `expected` for each treatment: `A`
    /// alarm, `O` ok, `I` insufficient data, `=` no change.
    fn check(points: &str, (needed, periods): (i32, i32), expected: &str) {
        let values = points.chars().enumerate().filter(|(_, point)| *point != '-');
        let values: BTreeMap<i64, f64> = values.map(|(at, point)| (at as i64, f64::from(point == 'X'))).collect();
        for (treatment, expected) in TREATMENTS.iter().zip(expected.chars()) {
            let alarm = Alarm {
                scope: Scope { account: AccountId::zero(), region: Region::new("us-east-1").expect("a region") },
                shape: MetricAlarm {
                    evaluation_periods: Some(periods),
                    datapoints_to_alarm: Some(needed),
                    threshold: Some(0.5),
                    comparison_operator: Some(ComparisonOperator::GreaterThanThreshold),
                    treat_missing_data: Some(ByteString::from_static(treatment)),
                    ..MetricAlarm::default()
                },
            };
            let found = match judge(&alarm, &values).map(|verdict| verdict.state) {
                Some(StateValue::Alarm) => 'A',
                Some(StateValue::Ok) => 'O',
                Some(StateValue::InsufficientData) => 'I',
                Some(StateValue::Unknown(_)) => '?',
                None => '=',
            };
            assert_eq!(found, expected, "{points} {needed} of {periods} {treatment}");
        }
    }

    #[test]
    fn missing_points_are_treated_as_the_service_does() {
        // Tables of the service's documentation, three of three and two of three.
        check("0-X-X", (3, 3), "OOOO");
        check("0----", (3, 3), "OOOO");
        check("-----", (3, 3), "I=AO");
        check("0XX-X", (3, 3), "AAAA");
        check("--X--", (3, 3), "A=AO");
        check("0-X-X", (2, 3), "AAAA");
        check("00X-X", (2, 3), "AAAA");
        check("0----", (2, 3), "O=AO");
        check("-----", (2, 3), "I=AO");
        check("0---X", (2, 3), "O=AO");
        check("----X", (2, 3), "A=AO");
    }
}

//! PutMetricData.

use std::sync::Arc;
use std::time::Duration;

use api::cloudwatch::{
    CloudWatchError, MetricDatum, PutMetricDataInput, PutMetricDataOutput, StandardUnit, StatisticSet,
};
use base::caller::Caller;
use base::time::Timestamp;

use crate::core::Core;
use crate::error::{self, Answer};
use crate::metric::{MetricName, Scope};
use crate::point::Point;
use crate::storage::Datum;
use crate::unit::Unit;

/// Datums in one request (service documentation).
const DATA_MAX: usize = 1000;
/// Names and numbers of one request (service documentation: 1 MB of request).
const REQUEST_BYTES_MAX: usize = 1024 * 1024;
/// Different values in one datum (service documentation).
const VALUES_MAX: usize = 150;
/// Namespaces of services.
const RESERVED: &str = "AWS/";
/// How old, and how far ahead, a timestamp may be (service documentation).
const PAST_MAX: Duration = Duration::from_secs(14 * 24 * 3600);
const FUTURE_MAX: Duration = Duration::from_secs(2 * 3600);

pub async fn put_metric_data(
    core: &Arc<Core>,
    caller: &Caller,
    input: PutMetricDataInput,
) -> Answer<PutMetricDataOutput> {
    if input.namespace.starts_with(RESERVED) {
        return Err(invalid(format!("The value {RESERVED} for parameter Namespace is invalid.")));
    }
    let entities = input.entity_metric_data.iter().flatten();
    let data: Vec<&MetricDatum> =
        input.metric_data.iter().flatten().chain(entities.flat_map(|of| of.metric_data.iter().flatten())).collect();
    if data.is_empty() {
        return Err(CloudWatchError::missing_required_parameter("The parameter MetricData is required."));
    }
    if data.len() > DATA_MAX {
        return Err(invalid(format!("The collection MetricData must not have a size greater than {DATA_MAX}.")));
    }
    let now = core.now();
    let mut read = Vec::with_capacity(data.len());
    let mut bytes = 0;
    for (at, datum) in data.iter().enumerate() {
        let path = format!("MetricData.member.{}", at + 1);
        let name =
            MetricName::new(&input.namespace, &datum.metric_name, datum.dimensions.as_deref().unwrap_or_default());
        bytes += name.bytes() + size_of::<f64>() * (4 + datum.values.as_ref().map_or(0, Vec::len));
        check_dimensions(&path, &name)?;
        let time = time(&path, datum.timestamp, now)?;
        let unit = unit(&path, datum.unit.as_ref())?;
        if let Some(point) = point(&path, datum)? {
            read.push(Datum { name, unit, time, point });
        }
    }
    if bytes > REQUEST_BYTES_MAX {
        return Err(invalid(format!("The request must not be larger than {REQUEST_BYTES_MAX} bytes.")));
    }
    core.storage.record(&Scope::of(caller), &read).map_err(error::record)?;
    Ok(PutMetricDataOutput {})
}

fn invalid(message: String) -> CloudWatchError {
    CloudWatchError::invalid_parameter_value(message)
}

fn check_dimensions(path: &str, name: &MetricName) -> Answer<()> {
    let is_twice = name.dimensions.windows(2).any(|pair| pair[0].0 == pair[1].0);
    if is_twice {
        return Err(invalid(format!("The parameter {path}.Dimensions must not name a dimension twice.")));
    }
    Ok(())
}

fn time(path: &str, time: Option<Timestamp>, now: Timestamp) -> Answer<Timestamp> {
    let Some(time) = time else { return Ok(now) };
    if time < now.minus(PAST_MAX) {
        return Err(invalid(format!("The parameter {path}.Timestamp must specify a time within the past two weeks.")));
    }
    if time > now.plus(FUTURE_MAX) {
        return Err(invalid(format!(
            "The parameter {path}.Timestamp must specify a time no more than two hours in the future."
        )));
    }
    Ok(time)
}

fn unit(path: &str, unit: Option<&StandardUnit>) -> Answer<Unit> {
    let Some(unit) = unit else { return Ok(Unit::default()) };
    Unit::of(unit).ok_or_else(|| invalid(format!("The value {} for parameter {path}.Unit is invalid.", unit.as_str())))
}

/// What a datum says; `None` when it counts no values.
fn point(path: &str, datum: &MetricDatum) -> Answer<Option<Point>> {
    match (datum.value, &datum.values, &datum.statistic_values) {
        (Some(value), None, None) => Ok(Some(Point::of(number(|| format!("{path}.Value"), value)?, 1.0))),
        (None, Some(values), None) => many(path, values, datum.counts.as_deref()),
        (None, None, Some(set)) => statistic_set(&format!("{path}.StatisticValues"), set),
        (None, None, None) => Err(CloudWatchError::missing_required_parameter(format!(
            "One of the parameters {path}.Value, {path}.Values and {path}.StatisticValues is required."
        ))),
        _ => Err(CloudWatchError::invalid_parameter_combination(format!(
            "The parameters {path}.Value, {path}.Values and {path}.StatisticValues are mutually exclusive."
        ))),
    }
}

/// Finite, and within what the service takes.
fn number(parameter: impl Fn() -> String, value: f64) -> Answer<f64> {
    let limit = 2f64.powi(360);
    if !value.is_finite() || value.abs() > limit {
        return Err(invalid(format!(
            "The value {value} for parameter {} is invalid: it must lie between -2^360 and 2^360.",
            parameter()
        )));
    }
    Ok(value)
}

/// As [`number`], and not below zero.
fn count(parameter: impl Fn() -> String, value: f64) -> Answer<f64> {
    if number(&parameter, value)? < 0.0 {
        return Err(invalid(format!("The value {value} for parameter {} must not be negative.", parameter())));
    }
    Ok(value)
}

fn many(path: &str, values: &[f64], counts: Option<&[f64]>) -> Answer<Option<Point>> {
    if values.is_empty() || values.len() > VALUES_MAX {
        return Err(invalid(format!("The collection {path}.Values must have a size from 1 to {VALUES_MAX}.")));
    }
    if counts.is_some_and(|counts| counts.len() != values.len()) {
        return Err(invalid(format!("The parameters {path}.Values and {path}.Counts must be of the same size.")));
    }
    let mut sum: Option<Point> = None;
    for (at, value) in values.iter().enumerate() {
        let value = number(|| format!("{path}.Values.member.{}", at + 1), *value)?;
        let times =
            counts.map_or(Ok(1.0), |counts| count(|| format!("{path}.Counts.member.{}", at + 1), counts[at]))?;
        if times == 0.0 {
            continue;
        }
        let point = Point::of(value, times);
        match &mut sum {
            Some(sum) => sum.merge(&point),
            None => sum = Some(point),
        }
    }
    Ok(sum)
}

fn statistic_set(path: &str, set: &StatisticSet) -> Answer<Option<Point>> {
    let samples = count(|| format!("{path}.SampleCount"), set.sample_count)?;
    let sum = number(|| format!("{path}.Sum"), set.sum)?;
    let minimum = number(|| format!("{path}.Minimum"), set.minimum)?;
    let maximum = number(|| format!("{path}.Maximum"), set.maximum)?;
    if minimum > maximum {
        return Err(invalid(format!("The parameter {path}.Maximum must not be less than {path}.Minimum.")));
    }
    Ok((samples > 0.0).then(|| Point::of_set(samples, sum, minimum, maximum)))
}

//! GetMetricStatistics.

use std::collections::BTreeMap;
use std::sync::Arc;

use api::cloudwatch::{CloudWatchError, Datapoint, GetMetricStatisticsInput, GetMetricStatisticsOutput, Statistic};
use base::ByteString;
use base::caller::Caller;
use base::time::Timestamp;

use crate::core::Core;
use crate::error::{self, Answer};
use crate::metric::{MetricName, Scope};
use crate::point::Point;
use crate::series::Series;
use crate::stat::Stat;
use crate::unit::Unit;
use crate::window::Window;

/// Points in one answer (service documentation).
const DATAPOINTS_MAX: u64 = 1440;

pub async fn get_metric_statistics(
    core: &Arc<Core>,
    caller: &Caller,
    input: GetMetricStatisticsInput,
) -> Answer<GetMetricStatisticsOutput> {
    let extended = extended(&input)?;
    let statistics = input.statistics.as_deref().unwrap_or_default();
    let now = core.now();
    let window = Window::new(input.start_time, input.end_time, input.period, now).map_err(error::window)?;
    // Rounding the start down takes no points away from whoever asks for a whole day.
    let requested = input.end_time.since(input.start_time).as_secs() / window.period.unsigned_abs();
    if requested > DATAPOINTS_MAX {
        return Err(CloudWatchError::invalid_parameter_combination(format!(
            "You have requested up to {requested} datapoints, which exceeds the limit of {DATAPOINTS_MAX}. You may reduce the \
             datapoints requested by increasing Period, or decreasing the time range."
        )));
    }
    let window = window.within_kept(now);
    let name = MetricName::new(&input.namespace, &input.metric_name, input.dimensions.as_deref().unwrap_or_default());
    let entry = core.storage.index().find(&Scope::of(caller), &name).cloned();
    let wanted = input.unit.as_ref().map(Unit::of);
    let mut datapoints = Vec::new();
    for (metric, unit) in entry.iter().flat_map(|entry| entry.units.iter().map(|unit| (entry.id, unit))) {
        if wanted.is_some_and(|wanted| wanted != Some(unit)) {
            continue;
        }
        let points = core.storage.read(Series { metric, unit }, &window, !extended.is_empty()).await?;
        datapoints.extend(points.iter().map(|(second, point)| datapoint(*second, point, unit, statistics, &extended)));
    }
    Ok(GetMetricStatisticsOutput { label: Some(input.metric_name), datapoints: Some(datapoints) })
}

/// The extended statistics under the names that the client gave them.
fn extended(input: &GetMetricStatisticsInput) -> Answer<Vec<(ByteString, Stat)>> {
    let is_empty = |len: Option<usize>| len.is_none_or(|len| len == 0);
    if is_empty(input.statistics.as_ref().map(Vec::len)) && is_empty(input.extended_statistics.as_ref().map(Vec::len)) {
        return Err(CloudWatchError::invalid_parameter_combination(
            "At least one of the parameters Statistics and ExtendedStatistics must be specified.",
        ));
    }
    let names = input.extended_statistics.iter().flatten();
    let parsed = names.map(|name| match Stat::parse(name) {
        Ok(stat @ Stat::Percentile(_)) => Ok((name.clone(), stat)),
        Ok(_) => Err(CloudWatchError::invalid_parameter_value(format!(
            "The value {name} for parameter ExtendedStatistics is invalid."
        ))),
        Err(unknown) => Err(error::stat("ExtendedStatistics", &unknown)),
    });
    parsed.collect()
}

fn datapoint(
    second: i64,
    point: &Point,
    unit: Unit,
    statistics: &[Statistic],
    extended: &[(ByteString, Stat)],
) -> Datapoint {
    let of = |wanted: Statistic, stat: Stat| statistics.contains(&wanted).then(|| stat.of(point)).flatten();
    let percentiles = extended.iter().filter_map(|(name, stat)| Some((name.clone(), stat.of(point)?)));
    let percentiles: BTreeMap<ByteString, f64> = percentiles.collect();
    Datapoint {
        timestamp: Some(Timestamp::from_millis(second * 1000)),
        sample_count: of(Statistic::SampleCount, Stat::SampleCount),
        average: of(Statistic::Average, Stat::Average),
        sum: of(Statistic::Sum, Stat::Sum),
        minimum: of(Statistic::Minimum, Stat::Minimum),
        maximum: of(Statistic::Maximum, Stat::Maximum),
        unit: Some(unit.shape()),
        extended_statistics: (!percentiles.is_empty()).then_some(percentiles),
    }
}

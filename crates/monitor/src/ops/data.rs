//! GetMetricData.

use std::collections::BTreeMap;
use std::sync::Arc;

use api::cloudwatch::{CloudWatchError, GetMetricDataInput, GetMetricDataOutput, MetricDataResult, ScanBy, StatusCode};
use base::ByteString;
use base::caller::Caller;
use base::time::Timestamp;

use crate::core::Core;
use crate::error::{self, Answer};
use crate::metric::Scope;
use crate::query::{Queries, Query};
use crate::window::Window;

/// Queries in one request, and points in one answer (service documentation).
const QUERIES_MAX: usize = 500;
const DATAPOINTS_MAX: usize = 100_800;
/// Periods that all queries of one request may have together, as far back as points are kept: bounds its memory.
const PERIODS_MAX: i64 = 1_000_000;

pub async fn get_metric_data(
    core: &Arc<Core>,
    caller: &Caller,
    input: GetMetricDataInput,
) -> Answer<GetMetricDataOutput> {
    if input.metric_data_queries.is_empty() || input.metric_data_queries.len() > QUERIES_MAX {
        return Err(CloudWatchError::validation(format!(
            "The collection MetricDataQueries must have a size from 1 to {QUERIES_MAX}."
        )));
    }
    let max = input.max_datapoints.map_or(Some(DATAPOINTS_MAX), |max| usize::try_from(max).ok());
    let max = max.filter(|max| (1..=DATAPOINTS_MAX).contains(max)).ok_or_else(|| {
        CloudWatchError::validation(format!("The parameter MaxDatapoints must lie between 1 and {DATAPOINTS_MAX}."))
    })?;
    let skip = match &input.next_token {
        Some(token) => token.parse().map_err(|_| error::next_token())?,
        None => 0,
    };
    let scope = Scope::of(caller);
    let queries = Queries::new(&scope, &input.metric_data_queries).map_err(|query| error::query(&query))?;
    let now = core.now();
    // Periods were checked with the queries, so only the times can be wrong, and they are the same for all.
    let window = |period| Window::new(input.start_time, input.end_time, period, now).map(|of| of.within_kept(now));
    let any = window(60).map_err(error::window)?;
    let periods: i64 = queries.iter().map(|query| window(query.period()).unwrap_or(any).periods()).sum();
    if periods > PERIODS_MAX {
        return Err(CloudWatchError::validation(format!(
            "The queries ask for {periods} periods, more than {PERIODS_MAX}: ask for fewer queries, less time, or longer \
             periods."
        )));
    }
    let points = queries.evaluate(&core.storage, &scope, |period| window(period).unwrap_or(any)).await?;
    let is_ascending = input.scan_by == Some(ScanBy::TimestampAscending);
    Ok(page(&queries, points, is_ascending, skip, max))
}

/// Points number `skip` to `skip + max`, counted through all results in order.
fn page(
    queries: &Queries,
    mut points: BTreeMap<String, BTreeMap<i64, f64>>,
    is_ascending: bool,
    skip: usize,
    max: usize,
) -> GetMetricDataOutput {
    let mut results = Vec::new();
    let (mut before, mut room) = (0, max);
    let mut is_more = false;
    for query in queries.iter().filter(|query| query.is_returned) {
        let points = points.remove(&query.id).unwrap_or_default();
        let skipped = skip.saturating_sub(before).min(points.len());
        before += points.len();
        let is_told_before = skipped > 0 && skipped == points.len();
        if is_told_before {
            continue;
        }
        let left = points.len() - skipped;
        let mut points: Vec<(i64, f64)> = points.into_iter().collect();
        if !is_ascending {
            points.reverse();
        }
        let told: Vec<(i64, f64)> = points.into_iter().skip(skipped).take(room).collect();
        room -= told.len();
        is_more |= told.len() < left;
        results.push(result(query, &told, told.len() == left));
    }
    let next_token = is_more.then(|| ByteString::from(skip.saturating_add(max).to_string()));
    GetMetricDataOutput { metric_data_results: Some(results), next_token, messages: None }
}

fn result(query: &Query, points: &[(i64, f64)], is_complete: bool) -> MetricDataResult {
    MetricDataResult {
        id: Some(ByteString::from(&*query.id)),
        label: Some(ByteString::from(&*query.label)),
        timestamps: Some(points.iter().map(|(second, _)| Timestamp::from_millis(second * 1000)).collect()),
        values: Some(points.iter().map(|(_, value)| *value).collect()),
        status_code: Some(if is_complete { StatusCode::Complete } else { StatusCode::PartialData }),
        messages: None,
    }
}

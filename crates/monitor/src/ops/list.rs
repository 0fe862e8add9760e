//! ListMetrics.

use std::sync::Arc;
use std::time::Duration;

use api::cloudwatch::{CloudWatchError, DimensionFilter, ListMetricsInput, ListMetricsOutput};
use base::ByteString;
use base::caller::Caller;

use crate::core::Core;
use crate::error::Answer;
use crate::metric::{MetricName, Scope};
use crate::series::MetricId;

/// Metrics in one page (service documentation).
const PAGE: usize = 500;
/// Metrics without newer points are not listed (service documentation).
const LISTED: Duration = Duration::from_secs(14 * 24 * 3600);
const RECENTLY: Duration = Duration::from_secs(3 * 3600);

pub async fn list_metrics(core: &Arc<Core>, caller: &Caller, input: ListMetricsInput) -> Answer<ListMetricsOutput> {
    let scope = Scope::of(caller);
    let index = core.storage.index();
    let after = match &input.next_token {
        None => None,
        Some(token) => {
            let id = u64::from_str_radix(token, 16).ok().map(MetricId);
            let name = id.and_then(|id| index.name_in(&scope, id));
            Some(name.ok_or_else(|| CloudWatchError::invalid_parameter_value("Invalid NextToken."))?)
        }
    };
    let oldest = core.now().minus(if input.recently_active.is_some() { RECENTLY } else { LISTED });
    let mut found = index
        .of_scope(&scope)
        .filter(|(name, entry)| {
            after.is_none_or(|after| *name > after) && entry.last_seen >= oldest && matches(name, &input)
        })
        .peekable();
    let mut metrics = Vec::new();
    let mut last = None;
    while metrics.len() < PAGE
        && let Some((name, entry)) = found.next()
    {
        metrics.push(name.shape());
        last = Some(entry.id);
    }
    let is_more = found.peek().is_some();
    let next_token = last.filter(|_| is_more).map(|id| ByteString::from(format!("{:x}", id.0)));
    Ok(ListMetricsOutput { metrics: Some(metrics), next_token, owning_accounts: None })
}

fn matches(name: &MetricName, input: &ListMetricsInput) -> bool {
    let has = |filter: &DimensionFilter| {
        name.dimensions.iter().any(|(dimension, value)| {
            *filter.name == **dimension && filter.value.as_ref().is_none_or(|wanted| **wanted == **value)
        })
    };
    input.namespace.as_ref().is_none_or(|wanted| **wanted == *name.namespace)
        && input.metric_name.as_ref().is_none_or(|wanted| **wanted == *name.name)
        && input.dimensions.iter().flatten().all(has)
}

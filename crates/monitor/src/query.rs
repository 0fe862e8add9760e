//! Queries of GetMetricData and of alarms: metrics with a statistic, and expressions over them.

use std::collections::{BTreeMap, BTreeSet};

use api::cloudwatch::{MetricDataQuery, MetricStat};
use thiserror::Error;

use crate::expression::{Expression, ExpressionError, Value};
use crate::metric::{MetricName, Scope};
use crate::series::Series;
use crate::stat::{Stat, UnknownStat};
use crate::storage::{Storage, StorageError};
use crate::unit::{Unit, Units};
use crate::window::{Window, WindowError, check_period};

/// Characters in an expression (service model).
const EXPRESSION_MAX: usize = 2048;
/// Operands of one expression: evaluation recurses as deep as a sum is long.
const OPERANDS_MAX: usize = 100;

#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum QueryError {
    #[error("the id {0:?} does not begin with a small letter, or has characters other than letters, digits and _")]
    Id(String),
    #[error("the id {0} is used twice")]
    Twice(String),
    #[error("the query {0} must have either MetricStat or Expression")]
    Kind(String),
    #[error("the metric of query {0} has no namespace or no name")]
    Metric(String),
    #[error("AccountId of another account is not supported")]
    Account,
    #[error("{id}: {error}")]
    Stat { id: String, error: UnknownStat },
    #[error("{id}: {error}")]
    Period { id: String, error: WindowError },
    #[error("{id}: {error}")]
    Expression { id: String, error: ExpressionError },
    #[error("the expression of {0} is too long")]
    TooLong(String),
    #[error("{id} refers to {unknown}, which is no query, or to itself")]
    Unknown { id: String, unknown: String },
    #[error("the expression of {0} names no metric: a time series is needed")]
    NoSeries(String),
}

/// One query.
#[derive(Debug, Clone, PartialEq)]
pub struct Query {
    pub id: String,
    pub label: String,
    pub is_returned: bool,
    pub source: Source,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Source {
    Metric { name: MetricName, period: i32, stat: Stat, unit: Option<Unit> },
    Expression(Expression),
}

impl Query {
    /// The period of a metric as it was asked for; that of an expression, which may be any of its metrics', is a
    /// minute.
    #[must_use]
    pub fn period(&self) -> i32 {
        match &self.source {
            Source::Metric { period, .. } => *period,
            Source::Expression(_) => 60,
        }
    }
}

/// Queries in an order in which each refers to earlier ones only, and where each of them was in the request.
#[derive(Debug, Clone, PartialEq)]
pub struct Queries {
    ordered: Vec<Query>,
    ids: Vec<String>,
}

impl Queries {
    /// # Errors
    /// When one of the queries makes no sense, or needs what is not supported.
    pub fn new(scope: &Scope, queries: &[MetricDataQuery]) -> Result<Self, QueryError> {
        let mut waiting = queries.iter().map(|query| read(scope, query)).collect::<Result<Vec<_>, _>>()?;
        let ids: Vec<String> = waiting.iter().map(|query| query.id.clone()).collect();
        let mut known = BTreeSet::new();
        if let Some(twice) = ids.iter().find(|id| !known.insert(id.as_str())) {
            return Err(QueryError::Twice(twice.clone()));
        }
        let mut ordered: Vec<Query> = Vec::with_capacity(waiting.len());
        let mut done = BTreeSet::new();
        while !waiting.is_empty() {
            let (ready, rest): (Vec<Query>, Vec<Query>) =
                waiting.into_iter().partition(|query| unknown_of(query, &done).is_none());
            if ready.is_empty() {
                let unknown = unknown_of(&rest[0], &done).expect("it waits for something");
                return Err(QueryError::Unknown { id: rest[0].id.clone(), unknown });
            }
            done.extend(ready.iter().map(|query| query.id.clone()));
            ordered.extend(ready);
            waiting = rest;
        }
        Ok(Self { ordered, ids })
    }

    /// In the order of the request.
    pub fn iter(&self) -> impl Iterator<Item = &Query> {
        self.ids.iter().filter_map(|id| self.ordered.iter().find(|query| query.id == *id))
    }

    /// The longest period of any metric, in seconds as points are kept.
    #[must_use]
    pub fn period(&self) -> i64 {
        let period = |query: &Query| match &query.source {
            Source::Metric { period, .. } => check_period(*period).ok(),
            Source::Expression(_) => None,
        };
        self.ordered.iter().filter_map(period).max().unwrap_or(60)
    }

    /// Evaluates all queries; `window` gives the window for a period in seconds.
    ///
    /// # Errors
    /// When the catalog cannot be read.
    pub async fn evaluate(
        &self,
        storage: &Storage,
        scope: &Scope,
        window: impl Fn(i32) -> Window,
    ) -> Result<BTreeMap<String, BTreeMap<i64, f64>>, StorageError> {
        let mut known: BTreeMap<String, Value> = BTreeMap::new();
        for query in &self.ordered {
            let value = match &query.source {
                Source::Metric { name, period, stat, unit } => {
                    let found = storage.index().find(scope, name).map(|entry| (entry.id, entry.units));
                    let Some((metric, units)) = found else {
                        known.insert(query.id.clone(), Value::Series(BTreeMap::new()));
                        continue;
                    };
                    let series = of_units(units, *unit).map(|unit| Series { metric, unit });
                    read_all(storage, series.collect(), &window(*period), *stat).await?
                }
                Source::Expression(expression) => expression.evaluate(&known),
            };
            known.insert(query.id.clone(), value);
        }
        let series = known.into_iter().filter_map(|(id, value)| match value {
            Value::Series(points) => Some((id, points)),
            Value::Number(_) => None,
        });
        Ok(series.collect())
    }
}

fn of_units(units: Units, wanted: Option<Unit>) -> impl Iterator<Item = Unit> {
    units.iter().filter(move |unit| wanted.is_none_or(|wanted| wanted == *unit))
}

/// Series of all units that were asked for, as one.
async fn read_all(storage: &Storage, series: Vec<Series>, window: &Window, stat: Stat) -> Result<Value, StorageError> {
    let with_values = matches!(stat, Stat::Percentile(_));
    let mut sum: BTreeMap<i64, crate::point::Point> = BTreeMap::new();
    for series in series {
        for (at, point) in storage.read(series, window, with_values).await? {
            match sum.get_mut(&at) {
                Some(known) => known.merge(&point),
                None => {
                    sum.insert(at, point);
                }
            }
        }
    }
    Ok(Value::Series(sum.iter().filter_map(|(at, point)| Some((*at, stat.of(point)?))).collect()))
}

fn unknown_of(query: &Query, done: &BTreeSet<String>) -> Option<String> {
    let Source::Expression(expression) = &query.source else { return None };
    let mut ids = Vec::new();
    expression.ids(&mut ids);
    ids.into_iter().find(|id| !done.contains(*id)).map(str::to_owned)
}

fn read(scope: &Scope, query: &MetricDataQuery) -> Result<Query, QueryError> {
    let id = query.id.to_string();
    let is_id = id.starts_with(|first: char| first.is_ascii_lowercase())
        && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if !is_id {
        return Err(QueryError::Id(id.chars().take(255).collect()));
    }
    if query.account_id.as_ref().is_some_and(|account| **account != *scope.account.as_str()) {
        return Err(QueryError::Account);
    }
    let source = match (&query.metric_stat, &query.expression) {
        (Some(stat), None) => metric(&id, stat)?,
        (None, Some(text)) => Source::Expression(expression(&id, text)?),
        _ => return Err(QueryError::Kind(id)),
    };
    let label = query.label.as_ref().map(ToString::to_string).unwrap_or_else(|| match &source {
        Source::Metric { name, .. } => name.name.clone(),
        Source::Expression(_) => id.clone(),
    });
    Ok(Query { id, label, is_returned: query.return_data.unwrap_or(true), source })
}

fn metric(id: &str, of: &MetricStat) -> Result<Source, QueryError> {
    let (Some(namespace), Some(name)) = (&of.metric.namespace, &of.metric.metric_name) else {
        return Err(QueryError::Metric(id.to_owned()));
    };
    check_period(of.period).map_err(|error| QueryError::Period { id: id.to_owned(), error })?;
    let stat = Stat::parse(&of.stat).map_err(|error| QueryError::Stat { id: id.to_owned(), error })?;
    Ok(Source::Metric {
        name: MetricName::new(namespace, name, of.metric.dimensions.as_deref().unwrap_or_default()),
        period: of.period,
        stat,
        unit: of.unit.as_ref().and_then(Unit::of),
    })
}

fn expression(id: &str, text: &str) -> Result<Expression, QueryError> {
    if text.len() > EXPRESSION_MAX {
        return Err(QueryError::TooLong(id.to_owned()));
    }
    // An operator stands between two operands, so this bounds both.
    if text.bytes().filter(|byte| b"+-*/".contains(byte)).count() >= OPERANDS_MAX {
        return Err(QueryError::TooLong(id.to_owned()));
    }
    let expression = Expression::parse(text).map_err(|error| QueryError::Expression { id: id.to_owned(), error })?;
    let mut ids = Vec::new();
    expression.ids(&mut ids);
    if ids.is_empty() { Err(QueryError::NoSeries(id.to_owned())) } else { Ok(expression) }
}

//! Row `monitor/alarm/<account>/<region>/<name>`: one alarm and its state.
//!
//! Version 1: account text, region text, name text, ARN text, ?description text, configuration updated time, actions
//! enabled u8, lists of text for the actions of OK, ALARM and INSUFFICIENT_DATA, state text, ?reason text, ?reason data
//! text, state updated time, state transitioned time, ?namespace text, ?metric name text, ?statistic text, ?extended
//! statistic text, ?list of dimensions, ?period u32, ?unit text, ?evaluation periods u32, ?datapoints to alarm u32,
//! ?threshold f64, ?comparison operator text, ?treatment of missing data text, ?list of queries.
//! A dimension is `name text, value text`. A query is id text, ?expression text, ?label text, ?return data u8, and
//! ?(namespace text, name text, list of dimensions, period u32, statistic text, ?unit text).

use api::cloudwatch::{
    ComparisonOperator, Dimension, Metric, MetricAlarm, MetricDataQuery, MetricStat, StandardUnit, StateValue,
    Statistic,
};
use base::{ByteString, Bytes};

use super::field::{RowError, RowReader, RowWriter};
use super::metric::{read_scope, write_scope};
use crate::alarm::Alarm;

const VERSION: u8 = 1;

#[derive(Debug, Clone, PartialEq)]
pub struct AlarmRow(pub Alarm);

impl AlarmRow {
    pub fn encode(&self) -> Bytes {
        let shape = &self.0.shape;
        let mut row = RowWriter::new(VERSION);
        write_scope(&mut row, &self.0.scope);
        row.text(self.0.name());
        row.text(shape.alarm_arn.as_deref().unwrap_or_default());
        text(&mut row, shape.alarm_description.as_deref());
        row.time(shape.alarm_configuration_updated_timestamp.unwrap_or_default());
        row.u8(u8::from(shape.actions_enabled != Some(false)));
        for actions in [&shape.ok_actions, &shape.alarm_actions, &shape.insufficient_data_actions] {
            row.list(actions.as_deref().unwrap_or_default(), |row, action| row.text(action));
        }
        row.text(self.0.state().as_str());
        text(&mut row, shape.state_reason.as_deref());
        text(&mut row, shape.state_reason_data.as_deref());
        row.time(shape.state_updated_timestamp.unwrap_or_default());
        row.time(shape.state_transitioned_timestamp.unwrap_or_default());
        text(&mut row, shape.namespace.as_deref());
        text(&mut row, shape.metric_name.as_deref());
        text(&mut row, shape.statistic.as_ref().map(Statistic::as_str));
        text(&mut row, shape.extended_statistic.as_deref());
        row.option(shape.dimensions.as_deref(), dimensions);
        number(&mut row, shape.period);
        text(&mut row, shape.unit.as_ref().map(StandardUnit::as_str));
        number(&mut row, shape.evaluation_periods);
        number(&mut row, shape.datapoints_to_alarm);
        row.option(shape.threshold, RowWriter::f64);
        text(&mut row, shape.comparison_operator.as_ref().map(ComparisonOperator::as_str));
        text(&mut row, shape.treat_missing_data.as_deref());
        row.option(shape.metrics.as_deref(), |row, queries| row.list(queries, write_query));
        row.finish()
    }

    /// # Errors
    /// When the bytes are not an alarm row of a known version.
    pub fn decode(bytes: &[u8]) -> Result<Self, RowError> {
        let mut row = RowReader::new(bytes, VERSION)?;
        let alarm = read_alarm(&mut row)?;
        row.finish()?;
        Ok(Self(alarm))
    }
}

fn read_alarm(row: &mut RowReader<'_>) -> Result<Alarm, RowError> {
    Ok(Alarm {
        scope: read_scope(row)?,
        shape: MetricAlarm {
            alarm_name: Some(row.text("name")?.into()),
            alarm_arn: Some(row.text("ARN")?.into()),
            alarm_description: read_text(row, "description")?,
            alarm_configuration_updated_timestamp: Some(row.time("configuration updated")?),
            actions_enabled: Some(row.u8("actions enabled")? != 0),
            ok_actions: Some(read_texts(row, "OK actions")?),
            alarm_actions: Some(read_texts(row, "alarm actions")?),
            insufficient_data_actions: Some(read_texts(row, "insufficient data actions")?),
            state_value: Some(StateValue::from(ByteString::from(row.text("state")?))),
            state_reason: read_text(row, "reason")?,
            state_reason_data: read_text(row, "reason data")?,
            state_updated_timestamp: Some(row.time("state updated")?),
            state_transitioned_timestamp: Some(row.time("state transitioned")?),
            namespace: read_text(row, "namespace")?,
            metric_name: read_text(row, "metric name")?,
            statistic: read_text(row, "statistic")?.map(Statistic::from),
            extended_statistic: read_text(row, "extended statistic")?,
            dimensions: row.option("dimensions", read_dimensions)?,
            period: read_number(row, "period")?,
            unit: read_text(row, "unit")?.map(StandardUnit::from),
            evaluation_periods: read_number(row, "evaluation periods")?,
            datapoints_to_alarm: read_number(row, "datapoints to alarm")?,
            threshold: row.option("threshold", |row| row.f64("threshold"))?,
            comparison_operator: read_text(row, "comparison")?.map(ComparisonOperator::from),
            treat_missing_data: read_text(row, "missing data")?,
            metrics: row.option("metrics", |row| row.list("metrics", read_query))?,
            ..MetricAlarm::default()
        },
    })
}

fn text(row: &mut RowWriter, value: Option<&str>) {
    row.option(value, |row, value| row.text(value));
}

fn number(row: &mut RowWriter, value: Option<i32>) {
    row.option(value, |row, value| row.u32(value.cast_unsigned()));
}

fn dimensions(row: &mut RowWriter, dimensions: &[Dimension]) {
    row.list(dimensions, |row, dimension| {
        row.text(&dimension.name);
        row.text(&dimension.value);
    });
}

fn write_query(row: &mut RowWriter, query: &MetricDataQuery) {
    row.text(&query.id);
    text(row, query.expression.as_deref());
    text(row, query.label.as_deref());
    row.option(query.return_data, |row, returned| row.u8(u8::from(returned)));
    row.option(query.metric_stat.as_ref(), |row, stat| {
        row.text(stat.metric.namespace.as_deref().unwrap_or_default());
        row.text(stat.metric.metric_name.as_deref().unwrap_or_default());
        dimensions(row, stat.metric.dimensions.as_deref().unwrap_or_default());
        row.u32(stat.period.cast_unsigned());
        row.text(&stat.stat);
        text(row, stat.unit.as_ref().map(StandardUnit::as_str));
    });
}

fn read_text(row: &mut RowReader<'_>, field: &'static str) -> Result<Option<ByteString>, RowError> {
    row.option(field, |row| row.text(field).map(ByteString::from))
}

fn read_texts(row: &mut RowReader<'_>, field: &'static str) -> Result<Vec<ByteString>, RowError> {
    row.list(field, |row| row.text(field).map(ByteString::from))
}

fn read_number(row: &mut RowReader<'_>, field: &'static str) -> Result<Option<i32>, RowError> {
    row.option(field, |row| row.u32(field).map(u32::cast_signed))
}

fn read_dimensions(row: &mut RowReader<'_>) -> Result<Vec<Dimension>, RowError> {
    row.list("dimensions", |row| {
        Ok(Dimension { name: row.text("dimension")?.into(), value: row.text("value")?.into() })
    })
}

fn read_query(row: &mut RowReader<'_>) -> Result<MetricDataQuery, RowError> {
    Ok(MetricDataQuery {
        id: row.text("id")?.into(),
        expression: read_text(row, "expression")?,
        label: read_text(row, "label")?,
        return_data: row.option("return data", |row| Ok(row.u8("return data")? != 0))?,
        metric_stat: row.option("metric", read_metric)?,
        ..MetricDataQuery::default()
    })
}

fn read_metric(row: &mut RowReader<'_>) -> Result<MetricStat, RowError> {
    Ok(MetricStat {
        metric: Metric {
            namespace: Some(row.text("namespace")?.into()),
            metric_name: Some(row.text("metric name")?.into()),
            dimensions: Some(read_dimensions(row)?),
        },
        period: row.u32("period")?.cast_signed(),
        stat: row.text("statistic")?.into(),
        unit: read_text(row, "unit")?.map(StandardUnit::from),
    })
}

#[cfg(test)]
mod tests {
    use base::ids::{AccountId, Region};
    use base::time::Timestamp;

    use super::*;
    use crate::metric::Scope;

    #[test]
    fn round_trip() {
        let dimension = || Dimension { name: "StreamName".into(), value: "orders".into() };
        let metric = MetricDataQuery {
            id: "m1".into(),
            metric_stat: Some(MetricStat {
                metric: Metric {
                    namespace: Some("AWS/Kinesis".into()),
                    metric_name: Some("IncomingBytes".into()),
                    dimensions: Some(vec![dimension()]),
                },
                period: 60,
                stat: "p99".into(),
                unit: Some(StandardUnit::Bytes),
            }),
            return_data: Some(false),
            ..MetricDataQuery::default()
        };
        let math =
            MetricDataQuery { id: "e1".into(), expression: Some("m1 / 60".into()), ..MetricDataQuery::default() };
        let row = AlarmRow(Alarm {
            scope: Scope { account: AccountId::zero(), region: Region::new("us-east-1").expect("a region") },
            shape: MetricAlarm {
                alarm_name: Some("late".into()),
                alarm_arn: Some("arn".into()),
                alarm_configuration_updated_timestamp: Some(Timestamp::from_millis(1)),
                actions_enabled: Some(true),
                ok_actions: Some(Vec::new()),
                alarm_actions: Some(vec!["http://127.0.0.1/".into()]),
                insufficient_data_actions: Some(Vec::new()),
                state_value: Some(StateValue::Alarm),
                state_reason: Some("because".into()),
                state_updated_timestamp: Some(Timestamp::from_millis(2)),
                state_transitioned_timestamp: Some(Timestamp::from_millis(3)),
                statistic: Some(Statistic::Maximum),
                dimensions: Some(vec![dimension()]),
                period: Some(60),
                threshold: Some(-0.5),
                comparison_operator: Some(ComparisonOperator::GreaterThanThreshold),
                metrics: Some(vec![metric, math]),
                ..MetricAlarm::default()
            },
        });
        assert_eq!(AlarmRow::decode(&row.encode()), Ok(row.clone()));
        let bytes = row.encode();
        assert!((0..bytes.len()).all(|len| AlarmRow::decode(&bytes[..len]).is_err()));
    }
}

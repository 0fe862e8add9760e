//! Row `monitor/metric/<id>`: one metric.
//!
//! Version 1: account text, region text, namespace text, name text, list of `dimension name text, value text`,
//! units u32, last seen time.

use base::Bytes;
use base::ids::{AccountId, Region};
use base::time::Timestamp;

use super::field::{RowError, RowReader, RowWriter};
use crate::metric::{MetricName, Scope};
use crate::unit::Units;

const VERSION: u8 = 1;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MetricRow {
    pub scope: Scope,
    pub name: MetricName,
    /// Those that points have come in.
    pub units: Units,
    /// Time of the newest point, less than an hour old when the row was written.
    pub last_seen: Timestamp,
}

impl MetricRow {
    pub fn encode(&self) -> Bytes {
        let mut row = RowWriter::new(VERSION);
        write_scope(&mut row, &self.scope);
        row.text(&self.name.namespace);
        row.text(&self.name.name);
        row.list(&self.name.dimensions, |row, (name, value)| {
            row.text(name);
            row.text(value);
        });
        row.u32(self.units.0);
        row.time(self.last_seen);
        row.finish()
    }

    /// # Errors
    /// When the bytes are not a metric row of a known version.
    pub fn decode(bytes: &[u8]) -> Result<Self, RowError> {
        let mut row = RowReader::new(bytes, VERSION)?;
        let metric = Self {
            scope: read_scope(&mut row)?,
            name: MetricName {
                namespace: row.text("namespace")?,
                name: row.text("name")?,
                dimensions: row.list("dimensions", |row| Ok((row.text("dimension")?, row.text("value")?)))?,
            },
            units: Units(row.u32("units")?),
            last_seen: row.time("last seen")?,
        };
        row.finish()?;
        Ok(metric)
    }
}

pub fn write_scope(row: &mut RowWriter, scope: &Scope) {
    row.text(scope.account.as_str());
    row.text(scope.region.as_str());
}

pub fn read_scope(row: &mut RowReader<'_>) -> Result<Scope, RowError> {
    let damaged = |field| move |_| RowError::Damaged { field };
    Ok(Scope {
        account: AccountId::new(row.text("account")?).map_err(damaged("account"))?,
        region: Region::new(row.text("region")?).map_err(damaged("region"))?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_trip() {
        let row = MetricRow {
            scope: Scope { account: AccountId::zero(), region: Region::new("us-east-1").expect("a region") },
            name: MetricName {
                namespace: "app".to_owned(),
                name: "Latency".to_owned(),
                dimensions: vec![("Operation".to_owned(), "ProcessTask".to_owned())],
            },
            units: Units(5),
            last_seen: Timestamp::from_millis(1_700_000_000_123),
        };
        assert_eq!(MetricRow::decode(&row.encode()), Ok(row.clone()));
        let bytes = row.encode();
        assert!((0..bytes.len()).all(|len| MetricRow::decode(&bytes[..len]).is_err()));
    }
}

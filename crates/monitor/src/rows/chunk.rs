//! Row `monitor/points/<metric>/<unit>/<resolution>/<number>`: the points of one series in one stretch of time.
//!
//! Version 1: list of points: index in the chunk u32, count f64, sum f64, min f64, max f64, distribution.
//! A distribution is u8 0 for unknown; u8 1 and a list of `value f64, count f64`; or u8 2 and a list of
//! `bucket u32 (two's complement), count f64`.

use std::collections::BTreeMap;

use base::Bytes;

use super::field::{RowError, RowReader, RowWriter};
use crate::distribution::Distribution;
use crate::point::Point;

const VERSION: u8 = 1;

/// Points by their index in the chunk.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ChunkRow(pub BTreeMap<u32, Point>);

impl ChunkRow {
    pub fn add(&mut self, index: u32, point: &Point) {
        match self.0.get_mut(&index) {
            Some(known) => known.merge(point),
            None => {
                self.0.insert(index, point.clone());
            }
        }
    }

    pub fn encode(&self) -> Bytes {
        let mut row = RowWriter::new(VERSION);
        let points: Vec<_> = self.0.iter().collect();
        row.list(&points, |row, (index, point)| {
            row.u32(**index);
            for number in [point.count, point.sum, point.min, point.max] {
                row.f64(number);
            }
            write_distribution(row, &point.values);
        });
        row.finish()
    }

    /// # Errors
    /// When the bytes are not a chunk row of a known version.
    pub fn decode(bytes: &[u8]) -> Result<Self, RowError> {
        let mut row = RowReader::new(bytes, VERSION)?;
        let points = row.list("points", |row| {
            let index = row.u32("index")?;
            let point = Point {
                count: row.f64("count")?,
                sum: row.f64("sum")?,
                min: row.f64("min")?,
                max: row.f64("max")?,
                values: read_distribution(row)?,
            };
            Ok((index, point))
        })?;
        row.finish()?;
        Ok(Self(points.into_iter().collect()))
    }
}

fn write_distribution(row: &mut RowWriter, values: &Distribution) {
    match values {
        Distribution::Unknown => row.u8(0),
        Distribution::Exact(values) => {
            row.u8(1);
            row.list(values, |row, (value, count)| {
                row.f64(*value);
                row.f64(*count);
            });
        }
        Distribution::Buckets(buckets) => {
            row.u8(2);
            row.list(buckets, |row, (bucket, count)| {
                row.u32(bucket.cast_unsigned());
                row.f64(*count);
            });
        }
    }
}

fn read_distribution(row: &mut RowReader<'_>) -> Result<Distribution, RowError> {
    match row.u8("distribution")? {
        0 => Ok(Distribution::Unknown),
        1 => Ok(Distribution::Exact(row.list("values", |row| Ok((row.f64("value")?, row.f64("count")?)))?)),
        2 => {
            let read = |row: &mut RowReader<'_>| Ok((row.u32("bucket")?.cast_signed(), row.f64("count")?));
            Ok(Distribution::Buckets(row.list("buckets", read)?))
        }
        _ => Err(RowError::Damaged { field: "distribution" }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_trip() {
        let mut chunk = ChunkRow::default();
        chunk.add(3, &Point::of(1.5, 2.0));
        chunk.add(3, &Point::of(-1.5, 1.0));
        chunk.add(4, &Point::of_set(9.0, 10.0, 0.0, 2.0));
        for value in 0..100 {
            chunk.add(59, &Point::of(f64::from(value) - 50.0, 1.0));
        }
        assert_eq!(ChunkRow::decode(&chunk.encode()), Ok(chunk.clone()));
        let bytes = chunk.encode();
        assert!((0..bytes.len()).all(|len| ChunkRow::decode(&bytes[..len]).is_err()));
    }
}

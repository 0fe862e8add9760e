//! Points that are not yet in the catalog.

use std::collections::BTreeMap;

use crate::point::Point;
use crate::rows::ChunkRow;
use crate::series::Chunk;

/// What has come in since the last commit, by the rows that it will be added to.
#[derive(Debug, Default)]
pub struct Pending {
    chunks: BTreeMap<Chunk, ChunkRow>,
    bytes: usize,
}

impl Pending {
    pub fn add(&mut self, chunk: Chunk, index: u32, point: &Point) {
        let row = self.chunks.entry(chunk).or_default();
        let before = row.0.get(&index).map_or(0, Point::bytes);
        row.add(index, point);
        let after = row.0.get(&index).map_or(0, Point::bytes);
        self.bytes = (self.bytes + after).saturating_sub(before);
    }

    /// Memory that is taken, about.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Chunks from one to another, both included.
    pub fn range(&self, from: Chunk, to: Chunk) -> impl Iterator<Item = (&Chunk, &ChunkRow)> {
        self.chunks.range(from..=to)
    }

    /// At most `max` chunks, which are now the caller's business.
    pub fn take(&mut self, max: usize) -> Vec<(Chunk, ChunkRow)> {
        let mut taken = Vec::new();
        while taken.len() < max
            && let Some((chunk, row)) = self.chunks.pop_first()
        {
            self.bytes = self.bytes.saturating_sub(row.0.values().map(Point::bytes).sum());
            taken.push((chunk, row));
        }
        taken
    }

    /// Gives chunks back that could not be written.
    pub fn put_back(&mut self, chunks: Vec<(Chunk, ChunkRow)>) {
        for (chunk, row) in chunks {
            for (index, point) in &row.0 {
                self.add(chunk, *index, point);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::series::{MetricId, Series};
    use crate::unit::Unit;

    #[test]
    fn memory_is_counted() {
        let series = Series { metric: MetricId(1), unit: Unit::default() };
        let mut pending = Pending::default();
        for second in 0..10_000 {
            let (chunk, index) = Chunk::of_minute(series, second);
            pending.add(chunk, index, &Point::of(second as f64, 1.0));
        }
        let full = pending.bytes();
        assert!(full > 0);
        let taken = pending.take(2);
        assert_eq!(taken.len(), 2);
        assert!(pending.bytes() < full);
        pending.put_back(taken);
        assert_eq!(pending.bytes(), full);
        assert_eq!(pending.take(100).len(), 3);
        assert_eq!((pending.bytes(), pending.take(1)), (0, Vec::new()));
    }
}

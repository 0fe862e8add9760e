//! What happened between two looks, per second.

use std::collections::BTreeMap;
use std::time::Duration;

use super::metrics::{Counts, ShardCounts};

/// Rates per second.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Row {
    pub records_in: f64,
    pub bytes_in: f64,
    pub records_out: f64,
    pub bytes_out: f64,
    /// Records and calls that a limit refused.
    pub refused: f64,
}

#[derive(Debug, Default, PartialEq)]
pub struct StreamRates {
    pub name: String,
    pub total: Row,
    pub shards_count: usize,
    /// The busiest first.
    pub shards: Vec<(String, Row)>,
}

#[derive(Debug, Default, PartialEq)]
pub struct Rates {
    pub streams: Vec<StreamRates>,
}

impl Rates {
    pub fn between(before: &Counts, now: &Counts, elapsed: Duration, only: Option<&str>, shards_max: usize) -> Self {
        let mut streams: BTreeMap<&str, StreamRates> = BTreeMap::new();
        for (key @ (stream, shard), counts) in now {
            // The names of region and account follow the stream's.
            if only.is_some_and(|only| stream.split(' ').next() != Some(only)) {
                continue;
            }
            let row = row(&before.get(key).copied().unwrap_or_default(), counts, elapsed);
            let rates = streams.entry(stream).or_default();
            rates.total.add(&row);
            rates.shards_count += 1;
            rates.shards.push((shard.clone(), row));
        }
        let streams = streams.into_iter().map(|(name, mut rates)| {
            name.clone_into(&mut rates.name);
            rates.shards.sort_by(|(_, a), (_, b)| b.bytes().total_cmp(&a.bytes()));
            rates.shards.truncate(shards_max);
            rates
        });
        Self { streams: streams.collect() }
    }
}

impl Row {
    fn add(&mut self, other: &Self) {
        self.records_in += other.records_in;
        self.bytes_in += other.bytes_in;
        self.records_out += other.records_out;
        self.bytes_out += other.bytes_out;
        self.refused += other.refused;
    }

    fn bytes(&self) -> f64 {
        self.bytes_in + self.bytes_out
    }
}

fn row(before: &ShardCounts, now: &ShardCounts, elapsed: Duration) -> Row {
    let seconds = elapsed.as_secs_f64().max(0.001);
    // A counter that went back was begun anew: the server has restarted.
    let rate = |before: f64, now: f64| if now >= before { (now - before) / seconds } else { now / seconds };
    Row {
        records_in: rate(before.records_in, now.records_in),
        bytes_in: rate(before.bytes_in, now.bytes_in),
        records_out: rate(before.records_out, now.records_out),
        bytes_out: rate(before.bytes_out, now.bytes_out),
        refused: rate(before.refused, now.refused),
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "float to int casts saturate")]
pub fn whole(rate: f64) -> u64 {
    rate.round() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_per_stream_and_shard() {
        let counts = |records_in| ShardCounts { records_in, bytes_in: records_in * 10.0, ..Default::default() };
        let key = |stream: &str, shard: &str| (stream.to_owned(), shard.to_owned());
        let before = Counts::from([(key("a", "0"), counts(10.0)), (key("a", "1"), counts(50.0))]);
        let now = Counts::from([
            (key("a", "0"), counts(20.0)),
            (key("a", "1"), counts(90.0)),
            (key("a", "2"), counts(2.0)),
            (key("b", "0"), counts(1.0)),
        ]);
        let rates = Rates::between(&before, &now, Duration::from_secs(2), Some("a"), 2);
        assert_eq!(rates.streams.len(), 1);
        let stream = &rates.streams[0];
        assert_eq!((stream.shards_count, whole(stream.total.records_in), whole(stream.total.bytes_in)), (3, 26, 260));
        assert_eq!(stream.shards.iter().map(|(shard, _)| shard.as_str()).collect::<Vec<_>>(), ["1", "0"]);
    }

    #[test]
    fn a_restart_does_not_count_backwards() {
        let before = ShardCounts { bytes_in: 100.0, ..Default::default() };
        let now = ShardCounts { bytes_in: 30.0, ..Default::default() };
        assert_eq!(whole(row(&before, &now, Duration::from_secs(1)).bytes_in), 30);
    }
}

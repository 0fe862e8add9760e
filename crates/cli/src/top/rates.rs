//! What happened between two looks, per second.

use std::time::Duration;

use base::arn::StreamArn;

use super::metrics::{Counters, Counts};

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

#[derive(Debug, PartialEq)]
pub struct StreamRates {
    pub name: String,
    pub total: Row,
    pub open_shards: u64,
    /// The busiest first.
    pub shards: Vec<(String, Row)>,
}

#[derive(Debug, PartialEq)]
pub struct Rates {
    pub streams: Vec<StreamRates>,
}

impl Rates {
    /// `only` is the name of a stream; `shards_max` limits the shards of each.
    pub fn between(before: &Counts, now: &Counts, elapsed: Duration, only: Option<&str>, shards_max: usize) -> Self {
        let arns: Vec<Option<StreamArn>> = now.keys().map(|arn| arn.parse().ok()).collect();
        let place = |arn: &StreamArn| (arn.region.clone(), arn.account.clone());
        let first = arns.iter().flatten().next().map(place);
        let is_one_place = arns.iter().flatten().all(|arn| Some(place(arn)) == first);
        let mut streams = Vec::new();
        for ((text, counts), arn) in now.iter().zip(arns) {
            let name = match &arn {
                Some(arn) if only.is_some_and(|only| only != arn.stream.as_str()) => continue,
                Some(arn) if is_one_place => arn.stream.to_string(),
                Some(arn) => format!("{} {} {}", arn.stream, arn.region, arn.account),
                None => text.clone(),
            };
            let earlier = before.get(text).cloned().unwrap_or_default();
            let shard = |(id, now): (&String, &Counters)| {
                (id.clone(), row(&earlier.shards.get(id).copied().unwrap_or_default(), now, elapsed))
            };
            let mut shards: Vec<(String, Row)> = counts.shards.iter().map(shard).collect();
            shards.sort_by(|(_, a), (_, b)| b.bytes().total_cmp(&a.bytes()));
            shards.truncate(shards_max);
            let total = row(&earlier.total, &counts.total, elapsed);
            streams.push(StreamRates { name, total, open_shards: whole(counts.open_shards), shards });
        }
        Self { streams }
    }
}

impl Row {
    fn bytes(&self) -> f64 {
        self.bytes_in + self.bytes_out
    }
}

fn row(before: &Counters, now: &Counters, elapsed: Duration) -> Row {
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
    use super::super::metrics::StreamCounts;
    use super::*;

    #[test]
    fn rates_per_stream_and_shard() {
        let counters = |records_in| Counters { records_in, bytes_in: records_in * 10.0, ..Default::default() };
        let stream = |shards: &[(&str, f64)]| StreamCounts {
            total: counters(shards.iter().map(|(_, records)| records).sum()),
            open_shards: 3.0,
            shards: shards.iter().map(|(id, records)| ((*id).to_owned(), counters(*records))).collect(),
        };
        let arn = |name: &str| format!("arn:aws:kinesis:us-east-1:000000000000:stream/{name}");
        let before = Counts::from([(arn("a"), stream(&[("0", 10.0), ("1", 50.0)]))]);
        let now = Counts::from([
            (arn("a"), stream(&[("0", 20.0), ("1", 90.0), ("2", 2.0)])),
            (arn("b"), stream(&[("0", 1.0)])),
        ]);
        let rates = Rates::between(&before, &now, Duration::from_secs(2), Some("a"), 2);
        assert_eq!(rates.streams.len(), 1);
        let stream = &rates.streams[0];
        assert_eq!((stream.name.as_str(), stream.open_shards), ("a", 3));
        assert_eq!((whole(stream.total.records_in), whole(stream.total.bytes_in)), (26, 260));
        assert_eq!(stream.shards.iter().map(|(shard, _)| shard.as_str()).collect::<Vec<_>>(), ["1", "0"]);
        assert_eq!(Rates::between(&before, &now, Duration::from_secs(2), None, 2).streams.len(), 2);
    }

    #[test]
    fn streams_of_several_places_say_where_they_are() {
        let arn = |region: &str| format!("arn:aws:kinesis:{region}:000000000000:stream/s");
        let now =
            Counts::from([(arn("eu-west-1"), StreamCounts::default()), (arn("us-east-1"), StreamCounts::default())]);
        let rates = Rates::between(&Counts::new(), &now, Duration::from_secs(1), None, 1);
        assert_eq!(rates.streams[0].name, "s eu-west-1 000000000000");
    }

    #[test]
    fn a_restart_does_not_count_backwards() {
        let before = Counters { bytes_in: 100.0, ..Default::default() };
        let now = Counters { bytes_in: 30.0, ..Default::default() };
        assert_eq!(whole(row(&before, &now, Duration::from_secs(1)).bytes_in), 30);
    }
}

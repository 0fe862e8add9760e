//! Reads the counters that matter out of Prometheus's text format.

use std::collections::BTreeMap;

/// What the names of Anabranch's metrics begin with.
pub const PREFIX: &str = "anabranch_";

/// Counters since the start of the server.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Counters {
    pub records_in: f64,
    pub bytes_in: f64,
    pub records_out: f64,
    pub bytes_out: f64,
    pub refused: f64,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct StreamCounts {
    /// Of all shards, those that have expired meanwhile among them.
    pub total: Counters,
    pub open_shards: f64,
    /// Shards with traffic, by id.
    pub shards: BTreeMap<String, Counters>,
}

/// Streams by ARN.
pub type Counts = BTreeMap<String, StreamCounts>;

type Labels = Vec<(String, String)>;

pub fn read(text: &str) -> Counts {
    let mut counts = Counts::new();
    for line in text.lines() {
        let Some((name, labels, value)) = sample(line) else { continue };
        let label = |name: &str| labels.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
        let (Some(name), Some(arn)) = (name.strip_prefix(PREFIX), label("arn")) else { continue };
        let stream = counts.entry(arn.to_owned()).or_default();
        if name == "stream_open_shards" {
            stream.open_shards = value;
        } else if let Some(name) = name.strip_prefix("stream_") {
            add(&mut stream.total, name, value);
        } else if let (Some(name), Some(shard)) = (name.strip_prefix("shard_"), label("shard")) {
            add(stream.shards.entry(shard.to_owned()).or_default(), name, value);
        }
    }
    counts
}

fn add(counters: &mut Counters, name: &str, value: f64) {
    match name {
        "incoming_records_total" => counters.records_in = value,
        "incoming_bytes_total" => counters.bytes_in = value,
        "outgoing_records_total" => counters.records_out = value,
        "outgoing_bytes_total" => counters.bytes_out = value,
        "write_throttled_records_total" | "read_throttled_calls_total" => counters.refused += value,
        _ => {}
    }
}

/// Name, labels and value of one line; `None` for comments and what is no sample.
fn sample(line: &str) -> Option<(&str, Labels, f64)> {
    let line = line.trim();
    if line.starts_with('#') {
        return None;
    }
    let (name, rest) = line.split_once('{')?;
    let (labels, rest) = labels(rest)?;
    let value = rest.split_whitespace().next()?.parse().ok()?;
    Some((name, labels, value))
}

/// Reads `a="b",c="d"}` and returns what follows.
fn labels(mut text: &str) -> Option<(Labels, &str)> {
    let mut labels = Vec::new();
    loop {
        text = text.trim_start_matches(',');
        if let Some(rest) = text.strip_prefix('}') {
            return Some((labels, rest));
        }
        let (name, rest) = text.split_once("=\"")?;
        let mut value = String::new();
        let mut characters = rest.char_indices();
        let end = loop {
            match characters.next()? {
                (at, '"') => break at,
                (_, '\\') => match characters.next()?.1 {
                    'n' => value.push('\n'),
                    other => value.push(other),
                },
                (_, other) => value.push(other),
            }
        };
        labels.push((name.to_owned(), value));
        text = &rest[end + 1..];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_of_streams_and_shards_are_found() {
        let text = "\
# HELP anabranch_stream_incoming_bytes Bytes put.
# TYPE anabranch_stream_incoming_bytes counter
anabranch_stream_incoming_bytes_total{arn=\"a\"} 1200
anabranch_stream_open_shards{arn=\"a\"} 2
anabranch_shard_incoming_records_total{shard=\"shardId-000000000000\",arn=\"a\"} 1.2e1
anabranch_shard_write_throttled_records_total{arn=\"a\",shard=\"shardId-000000000000\"} 1
anabranch_shard_read_throttled_calls_total{arn=\"a\",shard=\"shardId-000000000000\"} 2
anabranch_requests_total{operation=\"a\\\"}b\"} 3
anabranch_up 1
# EOF";
        let shard = Counters { records_in: 12.0, refused: 3.0, ..Default::default() };
        let stream = StreamCounts {
            total: Counters { bytes_in: 1200.0, ..Default::default() },
            open_shards: 2.0,
            shards: BTreeMap::from([("shardId-000000000000".to_owned(), shard)]),
        };
        assert_eq!(read(text), Counts::from([("a".to_owned(), stream)]));
    }

    #[test]
    fn nonsense_is_passed_over() {
        for line in ["", "{", "a{b", "a{b=\"c", "a{b=\"c\\", "a{b=\"c\"}", "a{b=\"c\"} x", "a{b}"] {
            assert_eq!(read(&format!("anabranch_shard_{line}")), Counts::new(), "{line}");
        }
    }
}

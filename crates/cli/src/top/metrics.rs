//! Reads the counters that matter out of Prometheus's text format.

use std::collections::BTreeMap;

/// What the names of Anabranch's metrics begin with.
pub const PREFIX: &str = "anabranch_";

/// Counters of one shard since the start of the server.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct ShardCounts {
    pub records_in: f64,
    pub bytes_in: f64,
    pub records_out: f64,
    pub bytes_out: f64,
    pub refused: f64,
}

/// By stream and shard. A stream of the same name in another region or account is another stream.
pub type Counts = BTreeMap<(String, String), ShardCounts>;

type Labels = Vec<(String, String)>;

pub fn read(text: &str) -> Counts {
    let mut counts = Counts::new();
    for line in text.lines() {
        let Some((name, labels, value)) = sample(line) else { continue };
        let Some(name) = name.strip_prefix(PREFIX).and_then(|name| name.strip_prefix("shard_")) else { continue };
        let label = |name: &str| labels.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
        let (Some(stream), Some(shard)) = (label("stream"), label("shard")) else { continue };
        let mut stream = stream.to_owned();
        for place in ["region", "account"] {
            if let Some(value) = label(place) {
                stream += &format!(" {value}");
            }
        }
        let count = counts.entry((stream, shard.to_owned())).or_default();
        match name {
            "incoming_records_total" => count.records_in = value,
            "incoming_bytes_total" => count.bytes_in = value,
            "outgoing_records_total" => count.records_out = value,
            "outgoing_bytes_total" => count.bytes_out = value,
            "write_throttled_total" | "read_throttled_total" => count.refused += value,
            _ => {}
        }
    }
    counts
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
    fn samples_of_shards_are_found() {
        let text = "\
# HELP anabranch_shard_incoming_bytes Bytes.
# TYPE anabranch_shard_incoming_bytes counter
anabranch_shard_incoming_bytes_total{stream=\"s\",shard=\"shardId-000000000000\"} 1200
anabranch_shard_incoming_records_total{shard=\"shardId-000000000000\",stream=\"s\"} 1.2e1
anabranch_shard_write_throttled_total{stream=\"s\",shard=\"shardId-000000000000\"} 1
anabranch_shard_read_throttled_total{stream=\"s\",shard=\"shardId-000000000000\"} 2
anabranch_requests_total{operation=\"a\\\"}b\"} 3
anabranch_up 1
# EOF";
        let counts = read(text);
        let expected = ShardCounts { records_in: 12.0, bytes_in: 1200.0, refused: 3.0, ..Default::default() };
        assert_eq!(counts, Counts::from([(("s".to_owned(), "shardId-000000000000".to_owned()), expected)]));
    }

    #[test]
    fn nonsense_is_passed_over() {
        for line in ["", "{", "a{b", "a{b=\"c", "a{b=\"c\\", "a{b=\"c\"}", "a{b=\"c\"} x", "a{b}"] {
            assert_eq!(read(&format!("anabranch_shard_{line}")), Counts::new(), "{line}");
        }
    }
}

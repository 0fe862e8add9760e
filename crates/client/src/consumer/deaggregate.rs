//! From Kinesis records to user records.

use api::kinesis::Record;
use base::hash_key::HashKeyRange;
use wire::kpl::deaggregate;

use super::lease::Checkpoint;
use super::processor::ConsumerRecord;

/// Appends the user records of a Kinesis record that are not processed yet. Those whose key belongs to another shard
/// are passed over: after a reshard the producer has put them there. What is no whole aggregate is a plain record.
pub(super) fn user_records(
    record: Record,
    range: Option<HashKeyRange>,
    from: &Checkpoint,
    out: &mut Vec<ConsumerRecord>,
) {
    let is_done = |sub: u64| record.sequence_number == from.sequence && sub <= from.sub_sequence;
    let Some(users) = deaggregate(&record.data) else {
        if !is_done(0) {
            out.push(ConsumerRecord {
                partition_key: record.partition_key,
                explicit_hash_key: None,
                data: record.data,
                sequence_number: record.sequence_number,
                sub_sequence_number: 0,
                approximate_arrival: record.approximate_arrival_timestamp,
            });
        }
        return;
    };
    // The hash of every key is only needed when some may be strangers.
    let range = range.filter(|range| *range != HashKeyRange::ALL);
    for (sub, user) in (0..).zip(users) {
        if is_done(sub) || range.is_some_and(|range| !range.contains(user.hash_key())) {
            continue;
        }
        out.push(ConsumerRecord {
            partition_key: user.partition_key,
            explicit_hash_key: user.explicit_hash_key,
            data: user.data,
            sequence_number: record.sequence_number.clone(),
            sub_sequence_number: sub,
            approximate_arrival: record.approximate_arrival_timestamp,
        });
    }
}

#[cfg(test)]
mod tests {
    use base::hash_key::HashKey;
    use wire::kpl::{Aggregator, UserRecord};

    use super::*;

    fn found(data: impl Into<base::Bytes>, range: Option<HashKeyRange>, from: &Checkpoint) -> Vec<(String, u64)> {
        let record =
            Record { sequence_number: "7".into(), data: data.into(), partition_key: "a".into(), ..Default::default() };
        let mut out = Vec::new();
        user_records(record, range, from, &mut out);
        let text =
            |record: ConsumerRecord| (String::from_utf8_lossy(&record.data).into_owned(), record.sub_sequence_number);
        out.into_iter().map(text).collect()
    }

    fn aggregate() -> base::Bytes {
        let mut aggregator = Aggregator::default();
        for (key, data) in [(0, "zero"), (u128::MAX, "one"), (1, "two")] {
            let explicit_hash_key = Some(HashKey(key));
            aggregator.push(&UserRecord { partition_key: "k".into(), explicit_hash_key, data: data.into() });
        }
        aggregator.finish()
    }

    #[test]
    fn records_are_taken_apart_and_strangers_passed_over() {
        let begin = Checkpoint::new("TRIM_HORIZON");
        let all = [("zero".to_owned(), 0), ("one".to_owned(), 1), ("two".to_owned(), 2)];
        assert_eq!(found(aggregate(), None, &begin), all);
        let lower = Some(HashKeyRange::uniform(2)[0]);
        assert_eq!(found(aggregate(), lower, &begin), [all[0].clone(), all[2].clone()]);
        let mut damaged = aggregate().to_vec();
        damaged[6] ^= 1;
        assert_eq!(found(damaged, lower, &begin).len(), 1);
    }

    #[test]
    fn what_is_processed_does_not_come_again() {
        let at = |sequence: &str, sub_sequence| Checkpoint { sequence: sequence.into(), sub_sequence };
        assert_eq!(found(aggregate(), None, &at("7", 1)), [("two".to_owned(), 2)]);
        assert_eq!(found(aggregate(), None, &at("7", 2)), []);
        assert_eq!(found("plain", None, &at("7", 0)), []);
        assert_eq!(found("plain", None, &at("6", 0)), [("plain".to_owned(), 0)]);
    }
}

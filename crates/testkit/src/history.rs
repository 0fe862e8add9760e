//! History checker: was every acknowledged record kept, once, at its number, in order?
//!
//! A log reveals its own order through sequence numbers, so checking takes a sort and one pass, no search.
//! Each put carries data that no other put carries; that is how a record that was read finds its put. Events
//! get a logical time from one counter, which is real-time order as the recording process saw it.

use std::collections::HashMap;

use base::Bytes;
use base::hash_key::HashKeyRange;
use base::ids::ShardIndex;
use base::sequence::SequenceNumber;
use thiserror::Error;

/// Names one attempt to put one record. A retry is a new attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Attempt(usize);

#[derive(Debug, Clone)]
struct Put {
    partition_key: String,
    data: Bytes,
    invoked: u64,
    /// Place and time of the acknowledgement; `None` while the outcome is unknown.
    acknowledged: Option<(SequenceNumber, u64)>,
}

/// A record as a reader got it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadRecord {
    pub sequence: SequenceNumber,
    pub partition_key: String,
    pub data: Bytes,
}

/// A broken promise.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Violation {
    #[error("acknowledged record {sequence} is gone")]
    Lost { sequence: String },
    #[error("record {sequence} came back with other bytes or another key")]
    Changed { sequence: String },
    #[error("record {sequence} was never put")]
    Invented { sequence: String },
    #[error("one attempt was stored twice, at {first} and {second}")]
    Duplicated { first: String, second: String },
    #[error("record acknowledged at {acknowledged} was read at {read}")]
    Moved { acknowledged: String, read: String },
    #[error("{shard}: number {second} was read after {first}")]
    OutOfOrder { shard: String, first: String, second: String },
    #[error("{sequence} was acknowledged before the put of {smaller} began, but has the greater number")]
    TimeReversed { sequence: String, smaller: String },
    #[error("two acknowledgements carry number {sequence}")]
    NumberReused { sequence: String },
    #[error("hash ranges of the open shards do not tile the space at {at}")]
    NotTiled { at: u128 },
}

/// What a clean check has looked at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Summary {
    pub acknowledged: usize,
    /// Attempts without an answer that turned out to be stored.
    pub unknown_stored: usize,
    pub read: usize,
}

/// Puts and reads of one stream, over any number of restarts.
#[derive(Debug, Default)]
pub struct History {
    time: u64,
    puts: Vec<Put>,
    reads: HashMap<ShardIndex, Vec<ReadRecord>>,
}

impl History {
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn tick(&mut self) -> u64 {
        self.time += 1;
        self.time
    }

    /// A put is about to be sent. `data` must differ from that of every other attempt.
    pub fn invoke(&mut self, partition_key: impl Into<String>, data: impl Into<Bytes>) -> Attempt {
        let invoked = self.tick();
        self.puts.push(Put { partition_key: partition_key.into(), data: data.into(), invoked, acknowledged: None });
        Attempt(self.puts.len() - 1)
    }

    /// The put was acknowledged with this number. Attempts that never get here may be stored or not.
    pub fn acknowledge(&mut self, attempt: Attempt, sequence: SequenceNumber) {
        let time = self.tick();
        self.puts[attempt.0].acknowledged = Some((sequence, time));
    }

    /// Records of one shard from TRIM_HORIZON to its end, in the order in which they were read. Replaces what
    /// was read of this shard before.
    pub fn read(&mut self, shard: ShardIndex, records: Vec<ReadRecord>) {
        self.reads.insert(shard, records);
    }

    /// # Errors
    /// Every broken promise that was found.
    pub fn check(&self) -> Result<Summary, Vec<Violation>> {
        let mut violations = Vec::new();
        let stored = self.check_reads(&mut violations);
        self.check_acknowledged(&stored, &mut violations);
        self.check_real_time(&stored, &mut violations);
        if !violations.is_empty() {
            return Err(violations);
        }
        let acknowledged = self.puts.iter().filter(|put| put.acknowledged.is_some()).count();
        Ok(Summary {
            acknowledged,
            unknown_stored: stored.len() - acknowledged,
            read: self.reads.values().map(Vec::len).sum(),
        })
    }

    /// Order within each shard, and the put that each record came from.
    fn check_reads(&self, violations: &mut Vec<Violation>) -> HashMap<Attempt, SequenceNumber> {
        let by_data: HashMap<&Bytes, Attempt> =
            self.puts.iter().enumerate().map(|(i, put)| (&put.data, Attempt(i))).collect();
        assert_eq!(by_data.len(), self.puts.len(), "every attempt must carry data of its own");
        let mut stored: HashMap<Attempt, SequenceNumber> = HashMap::new();
        for (shard, records) in &self.reads {
            for pair in records.windows(2) {
                if pair[0].sequence.index >= pair[1].sequence.index {
                    violations.push(Violation::OutOfOrder {
                        shard: shard.to_string(),
                        first: pair[0].sequence.to_string(),
                        second: pair[1].sequence.to_string(),
                    });
                }
            }
            for record in records {
                let sequence = || record.sequence.to_string();
                let Some(attempt) = by_data.get(&record.data) else {
                    violations.push(Violation::Invented { sequence: sequence() });
                    continue;
                };
                if self.puts[attempt.0].partition_key != record.partition_key {
                    violations.push(Violation::Changed { sequence: sequence() });
                }
                if let Some(first) = stored.insert(*attempt, record.sequence) {
                    violations.push(Violation::Duplicated { first: first.to_string(), second: sequence() });
                }
            }
        }
        stored
    }

    /// Every acknowledged record is there, where it was said to be.
    fn check_acknowledged(&self, stored: &HashMap<Attempt, SequenceNumber>, violations: &mut Vec<Violation>) {
        let mut numbers: HashMap<SequenceNumber, Attempt> = HashMap::new();
        for (i, put) in self.puts.iter().enumerate() {
            let Some((acknowledged, _)) = put.acknowledged else { continue };
            if numbers.insert(acknowledged, Attempt(i)).is_some() {
                violations.push(Violation::NumberReused { sequence: acknowledged.to_string() });
            }
            match stored.get(&Attempt(i)) {
                None => violations.push(Violation::Lost { sequence: acknowledged.to_string() }),
                Some(read) if *read != acknowledged => {
                    violations.push(Violation::Moved { acknowledged: acknowledged.to_string(), read: read.to_string() })
                }
                Some(_) => {}
            }
        }
    }

    /// A put that began after another was acknowledged has the greater number, within a shard.
    fn check_real_time(&self, stored: &HashMap<Attempt, SequenceNumber>, violations: &mut Vec<Violation>) {
        let mut by_shard: HashMap<ShardIndex, Vec<(SequenceNumber, &Put)>> = HashMap::new();
        for (attempt, sequence) in stored {
            by_shard.entry(sequence.shard).or_default().push((*sequence, &self.puts[attempt.0]));
        }
        for records in by_shard.values_mut() {
            records.sort_by_key(|(sequence, _)| sequence.index);
            let mut latest: Option<(u64, SequenceNumber)> = None;
            for (sequence, put) in records {
                if let (Some((invoked, smaller)), Some((_, answered))) = (latest, put.acknowledged)
                    && answered < invoked
                {
                    violations
                        .push(Violation::TimeReversed { sequence: sequence.to_string(), smaller: smaller.to_string() });
                }
                if latest.is_none_or(|(invoked, _)| put.invoked > invoked) {
                    latest = Some((put.invoked, *sequence));
                }
            }
        }
    }
}

/// The hash ranges of the open shards cover the space once.
///
/// # Errors
/// The first point that is covered twice or not at all.
pub fn check_tiling(ranges: &[HashKeyRange]) -> Result<(), Violation> {
    let mut ranges = ranges.to_vec();
    ranges.sort_by_key(|range| range.start);
    let mut next = Some(0u128);
    for range in &ranges {
        if next != Some(range.start.0) || range.end < range.start {
            return Err(Violation::NotTiled { at: range.start.0 });
        }
        next = range.end.0.checked_add(1);
    }
    match next {
        None => Ok(()),
        Some(at) => Err(Violation::NotTiled { at }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(index: u64) -> SequenceNumber {
        SequenceNumber { shard_created_seconds: 1, index, time_seconds: 2, shard: ShardIndex(0) }
    }

    fn record(index: u64, data: &'static str) -> ReadRecord {
        ReadRecord { sequence: number(index), partition_key: "k".into(), data: Bytes::from_static(data.as_bytes()) }
    }

    /// Two acknowledged puts `a` (1) and `b` (2), and one without an answer, `c`.
    fn history(read: Vec<ReadRecord>) -> Result<Summary, Vec<Violation>> {
        let mut history = History::new();
        let a = history.invoke("k", "a");
        history.acknowledge(a, number(1));
        let b = history.invoke("k", "b");
        history.acknowledge(b, number(2));
        history.invoke("k", "c");
        history.read(ShardIndex(0), read);
        history.check()
    }

    #[test]
    fn clean_histories_pass() {
        let summary = history(vec![record(1, "a"), record(2, "b")]).expect("clean");
        assert_eq!(summary, Summary { acknowledged: 2, unknown_stored: 0, read: 2 });
        let summary = history(vec![record(1, "a"), record(2, "b"), record(3, "c")]).expect("clean");
        assert_eq!(summary.unknown_stored, 1);
    }

    #[test]
    fn every_kind_of_loss_is_found() {
        let found = |read| history(read).expect_err("broken");
        assert!(matches!(found(vec![record(1, "a")])[..], [Violation::Lost { .. }]));
        assert!(matches!(found(vec![record(2, "b"), record(1, "a")])[..], [Violation::OutOfOrder { .. }]));
        assert!(matches!(
            found(vec![record(1, "a"), record(2, "b"), record(3, "x")])[..],
            [Violation::Invented { .. }]
        ));
        assert!(matches!(found(vec![record(1, "a"), record(2, "b"), record(3, "b")])[0], Violation::Duplicated { .. }));
        assert!(matches!(found(vec![record(1, "a"), record(5, "b")])[..], [Violation::Moved { .. }]));
        let swapped = found(vec![record(1, "b"), record(2, "a")]);
        assert!(swapped.iter().any(|v| matches!(v, Violation::TimeReversed { .. })), "{swapped:?}");
    }

    #[test]
    fn tiling() {
        assert_eq!(check_tiling(&HashKeyRange::uniform(7)), Ok(()));
        assert!(check_tiling(&HashKeyRange::uniform(7)[1..]).is_err());
        assert!(check_tiling(&[HashKeyRange::ALL, HashKeyRange::ALL]).is_err());
    }
}

//! History checker: was every acknowledged record kept, once, at its number, in order?
//!
//! A log reveals its own order through sequence numbers, so checking takes a sort and one pass, no search.
//! Each put carries data that no other put carries; that is how a record that was read finds its put. Events
//! get a logical time from one counter, which is real-time order as the recording process saw it.

use std::collections::{BTreeMap, HashMap, HashSet};

use base::ids::ShardIndex;
use base::sequence::SequenceNumber;
use base::{ByteString, Bytes};

mod check;
mod lineage;
mod violation;

pub use lineage::{ShardDescription, check_tiling};
pub use violation::Violation;

/// Names one attempt to put one record. A retry is a new attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Attempt(usize);

/// A moment in a history; the default is its beginning.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mark(u64);

#[derive(Debug, Clone)]
struct Put {
    partition_key: ByteString,
    data: Bytes,
    invoked: u64,
    /// Place and time of the acknowledgement; `None` while the outcome is unknown.
    acknowledged: Option<(SequenceNumber, u64)>,
}

/// A record as a reader got it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadRecord {
    pub sequence: SequenceNumber,
    pub partition_key: ByteString,
    pub data: Bytes,
    /// When it arrived, milliseconds since 1970, if the reader was told.
    pub arrival: Option<i64>,
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
#[derive(Debug, Clone, Default)]
pub struct History {
    time: u64,
    puts: Vec<Put>,
    /// Every shard from its beginning to its end, as it was read last.
    reads: HashMap<ShardIndex, Vec<ReadRecord>>,
    /// What consumers were given while the load ran: by sequence index, with the time.
    observed: HashMap<ShardIndex, BTreeMap<u64, (Bytes, u64)>>,
    /// When the closing of a shard was acknowledged.
    closed: HashMap<ShardIndex, u64>,
    shards: Vec<ShardDescription>,
    /// What was seen to be wrong while recording.
    violations: Vec<Violation>,
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

    /// Now: everything that was recorded until here lies before it.
    #[must_use]
    pub fn mark(&self) -> Mark {
        Mark(self.time)
    }

    /// A put is about to be sent. `data` must differ from that of every other attempt.
    pub fn invoke(&mut self, partition_key: impl Into<ByteString>, data: impl Into<Bytes>) -> Attempt {
        let invoked = self.tick();
        self.puts.push(Put { partition_key: partition_key.into(), data: data.into(), invoked, acknowledged: None });
        Attempt(self.puts.len() - 1)
    }

    /// The put was acknowledged with this number. Attempts that never get here may be stored or not.
    pub fn acknowledge(&mut self, attempt: Attempt, sequence: SequenceNumber) {
        let time = self.tick();
        self.puts[attempt.0].acknowledged = Some((sequence, time));
    }

    /// A split, merge or other change that closes the shard was acknowledged.
    pub fn close(&mut self, shard: ShardIndex) {
        let time = self.tick();
        self.closed.insert(shard, time);
    }

    /// A consumer was given these records in one answer. `after`: index of the record that it had been given before
    /// with the same iterator.
    pub fn observe(&mut self, shard: ShardIndex, after: Option<u64>, records: &[ReadRecord]) {
        let time = self.tick();
        let mut last = after;
        let seen = self.observed.entry(shard).or_default();
        for record in records {
            let index = record.sequence.index;
            if let Some(before) = last.filter(|before| before + 1 != index) {
                let violation = Violation::Gap { shard: shard.to_string(), index: before, expected: index };
                self.violations.push(violation);
            }
            last = Some(index);
            let (known, _) = seen.entry(index).or_insert_with(|| (record.data.clone(), time));
            if *known != record.data {
                self.violations.push(Violation::Unread { shard: shard.to_string(), index });
            }
        }
    }

    /// Records of one shard from TRIM_HORIZON to its end, in the order in which they were read. Replaces what
    /// was read of this shard before.
    pub fn read(&mut self, shard: ShardIndex, records: Vec<ReadRecord>) {
        self.reads.insert(shard, records);
    }

    /// The shards of the stream, open and closed, as they were listed together with the last reads.
    pub fn list(&mut self, shards: Vec<ShardDescription>) {
        self.shards = shards;
    }

    /// What was recorded after `mark` is known to have been undone, by a return to an earlier state: it may be there or
    /// not. Reads are forgotten with it.
    pub fn forget_since(&mut self, mark: Mark) {
        for put in &mut self.puts {
            put.acknowledged = put.acknowledged.filter(|(_, time)| *time <= mark.0);
        }
        for seen in self.observed.values_mut() {
            seen.retain(|_, (_, time)| *time <= mark.0);
        }
        self.closed.retain(|_, time| *time <= mark.0);
        self.reads.clear();
        self.shards.clear();
    }

    /// What was acknowledged after `from` and not after `to` may be there or not: the answers may have overtaken the news of
    /// a failure. Answers how many puts that were.
    pub fn doubt(&mut self, from: Mark, to: Mark) -> usize {
        let is_between = |time: u64| from.0 < time && time <= to.0;
        let mut doubtful = HashSet::new();
        for put in &mut self.puts {
            if put.acknowledged.take_if(|(_, time)| is_between(*time)).is_some() {
                doubtful.insert(put.data.clone());
            }
        }
        for seen in self.observed.values_mut() {
            seen.retain(|_, (data, time)| !is_between(*time) && !doubtful.contains(data));
        }
        self.closed.retain(|_, time| !is_between(*time));
        doubtful.len()
    }

    /// Puts that were sent after `mark` and have been acknowledged.
    #[must_use]
    pub fn acknowledged_since(&self, mark: Mark) -> usize {
        self.puts.iter().filter(|put| put.invoked > mark.0 && put.acknowledged.is_some()).count()
    }

    /// Puts that have been sent.
    #[must_use]
    pub fn attempts(&self) -> usize {
        self.puts.len()
    }
}

#[cfg(test)]
mod tests;

//! Whether all promises were kept, from what clients saw and what is there in the end.

use std::collections::{BTreeMap, BTreeSet};

use base::ids::ShardIndex;
use base::sequence::SequenceNumber;
use testkit::history::{Attempt, History, ReadRecord, ShardDescription, Violation};

use crate::ledger::{Ledger, Moment, Put, Run, Seen, Start};

/// A shard as it is in the end, with all its records.
#[derive(Debug, Clone)]
pub struct FinalShard {
    pub description: ShardDescription,
    pub records: Vec<Seen>,
}

/// Every broken promise of one stream, in words.
#[must_use]
pub fn check(ledger: &Ledger, shards: &[FinalShard]) -> Vec<String> {
    let Some(life) = ledger.current() else { return Vec::new() };
    let created = life.create_acknowledged;
    let by_index = shards.iter().map(|shard| (shard.description.shard, shard)).collect();
    let checker = Checker { ledger, created, shards: by_index };
    let mut broken = checker.resurrected();
    broken.extend(checker.history());
    for run in ledger.runs.iter().filter(|run| run.begun > created) {
        if let Err(what) = checker.run(run) {
            broken.push(format!("{}, read {:?} at {}: {what}", run.shard, run.start, run.begun));
        }
    }
    broken
}

struct Checker<'a> {
    ledger: &'a Ledger,
    /// When the stream's life began.
    created: Moment,
    shards: BTreeMap<ShardIndex, &'a FinalShard>,
}

/// What a history is made of.
enum Event<'a> {
    Invoked(&'a Put),
    Acknowledged(&'a Put, SequenceNumber),
    Closed(ShardIndex),
}

impl Checker<'_> {
    fn found(&self) -> BTreeSet<&[u8]> {
        self.shards.values().flat_map(|shard| &shard.records).map(|record| &record.data[..]).collect()
    }

    /// Records that were acknowledged by a stream that has been deleted since are gone.
    fn resurrected(&self) -> Vec<String> {
        let deletions = self.ledger.lives.iter().filter_map(|life| life.delete_invoked);
        let Some(deleted) = deletions.max() else { return Vec::new() };
        let found = self.found();
        let is_old = |put: &&Put| put.acknowledged.is_some_and(|(_, at)| at < deleted);
        let deleted = self.ledger.puts.iter().filter(is_old).filter(|put| found.contains(&put.data[..]));
        deleted.map(|put| format!("record {:?} has come back after its stream was deleted", name(&put.data))).collect()
    }

    /// Acknowledged records are there once, unchanged, in order; nothing else is; shards follow from their parents.
    fn history(&self) -> Vec<String> {
        let mut history = History::new();
        let mut attempts: BTreeMap<Moment, Attempt> = BTreeMap::new();
        for event in self.events() {
            match event {
                Event::Invoked(put) => {
                    let attempt = history.invoke(put.partition_key.clone(), put.data.clone());
                    attempts.insert(put.invoked, attempt);
                }
                Event::Acknowledged(put, sequence) => history.acknowledge(attempts[&put.invoked], sequence),
                Event::Closed(shard) => history.close(shard),
            }
        }
        for (index, shard) in &self.shards {
            let records = shard.records.iter().map(|record| ReadRecord {
                sequence: record.sequence,
                partition_key: record.partition_key.clone().into(),
                data: record.data.clone(),
                arrival: Some(record.arrival.millis()),
            });
            history.read(*index, records.collect());
        }
        history.list(self.shards.values().map(|shard| shard.description.clone()).collect());
        let violations = history.check().err().unwrap_or_default();
        // The beginning of a shard may have passed its retention.
        let by_right = |violation: &Violation| {
            matches!(violation, Violation::Gap { index: 0, .. }) && self.ledger.horizon.millis() > 0
        };
        violations.iter().filter(|violation| !by_right(violation)).map(ToString::to_string).collect()
    }

    /// What belongs to the stream's last life: what must be there, and what is.
    fn events(&self) -> Vec<Event<'_>> {
        let found = self.found();
        let mut events: BTreeMap<Moment, Event<'_>> = BTreeMap::new();
        for put in &self.ledger.puts {
            let must_be = put.invoked > self.created && !self.may_be_gone(put);
            if must_be || found.contains(&put.data[..]) {
                events.insert(put.invoked, Event::Invoked(put));
                events.extend(put.acknowledged.map(|(sequence, at)| (at, Event::Acknowledged(put, sequence))));
            }
        }
        let closed = self.ledger.closed.iter().filter(|(at, _)| *at > self.created);
        events.extend(closed.map(|(at, shard)| (*at, Event::Closed(*shard))));
        events.into_values().collect()
    }

    /// Whether retention may have removed the record by right.
    fn may_be_gone(&self, put: &Put) -> bool {
        put.acknowledged.is_some_and(|(sequence, _)| self.is_expired(sequence))
    }

    fn is_expired(&self, sequence: SequenceNumber) -> bool {
        let seconds = i64::try_from(sequence.time_seconds).expect("times are below 2^36 s");
        seconds <= self.ledger.horizon.seconds()
    }

    /// What one reader got is a piece of what is there.
    fn run(&self, run: &Run) -> Result<(), String> {
        let Some(shard) = self.shards.get(&run.shard) else {
            let expired = run.records.iter().all(|record| self.is_expired(record.sequence));
            return if expired { Ok(()) } else { Err("the shard is gone".to_owned()) };
        };
        let first_kept = shard.records.first().map(|record| record.sequence.index);
        for (i, record) in run.records.iter().enumerate() {
            // What has passed its retention meanwhile is passed over.
            if i > 0
                && record.sequence.index != run.records[i - 1].sequence.index + 1
                && !self.is_expired(run.records[i - 1].sequence)
            {
                return Err(format!("{:?} follow each other", run.records[i - 1..=i].each_index()));
            }
            let place = shard.records.binary_search_by_key(&record.sequence.index, |kept| kept.sequence.index);
            match place {
                Ok(place) if shard.records[place] == *record => {}
                Ok(place) => return Err(format!("{record:?} is now {:?}", shard.records[place])),
                Err(_) if self.is_expired(record.sequence) => {}
                Err(_) => return Err(format!("record {} is gone, kept from {first_kept:?}", record.sequence.index)),
            }
        }
        self.beginning(run, shard)?;
        self.end(run)
    }

    /// The reader began where it wanted to.
    fn beginning(&self, run: &Run, shard: &FinalShard) -> Result<(), String> {
        let Some(first) = run.records.first() else { return Ok(()) };
        let at = first.sequence.index;
        let kept = || shard.records.iter().filter(|record| !self.is_expired(record.sequence));
        let skipped = |from: u64| kept().any(|record| (from..at).contains(&record.sequence.index));
        let wanted = match run.start {
            Start::TrimHorizon => !skipped(0),
            Start::At(sequence) => at >= sequence.index && !skipped(sequence.index),
            Start::After(sequence) => at > sequence.index && !skipped(sequence.index + 1),
            // A record may have been under way at that time, with an arrival before it.
            Start::AtTimestamp(time) => {
                (first.arrival >= time || !self.was_acknowledged(first, run.begun))
                    && !kept().any(|record| record.arrival >= time && record.sequence.index < at)
            }
            Start::Latest => !self.was_acknowledged(first, run.begun),
        };
        let before = kept().filter(|record| record.sequence.index < at).last();
        let before = before.map(|record| (record.sequence.index, record.arrival));
        if wanted {
            Ok(())
        } else {
            Err(format!("it began at {at}, which arrived at {}; before: {before:?}", first.arrival))
        }
    }

    fn was_acknowledged(&self, record: &Seen, before: Moment) -> bool {
        let put = self.ledger.puts.iter().find(|put| put.data == record.data);
        put.and_then(|put| put.acknowledged).is_some_and(|(_, acknowledged)| acknowledged < before)
    }

    /// What was acknowledged before the reader was told that it is at the end was not missing.
    fn end(&self, run: &Run) -> Result<(), String> {
        let Some(asked) = run.at_end else { return Ok(()) };
        let reached = run.records.last().map(|record| record.sequence.index);
        let is_wanted = |put: &Put, sequence: SequenceNumber| match run.start {
            Start::TrimHorizon => true,
            Start::Latest => put.invoked > run.placed,
            Start::At(start) => sequence.index >= start.index,
            Start::After(start) => sequence.index > start.index,
            Start::AtTimestamp(_) => false,
        };
        for put in self.ledger.puts.iter().filter(|put| put.invoked > self.created) {
            let Some((sequence, acknowledged)) = put.acknowledged else { continue };
            let of_interest = sequence.shard == run.shard && acknowledged < asked && is_wanted(put, sequence);
            if of_interest && reached.is_none_or(|reached| reached < sequence.index) && !self.is_expired(sequence) {
                return Err(format!("record {} was acknowledged before, but is beyond the end", sequence.index));
            }
        }
        Ok(())
    }
}

/// The part of a payload that tells whose it is.
fn name(data: &[u8]) -> String {
    String::from_utf8_lossy(data).split(' ').next().unwrap_or_default().to_owned()
}

/// The indexes of records, for messages.
trait EachIndex {
    fn each_index(&self) -> Vec<u64>;
}

impl EachIndex for [Seen] {
    fn each_index(&self) -> Vec<u64> {
        self.iter().map(|record| record.sequence.index).collect()
    }
}

//! Compares what was read with what was promised.

use std::collections::HashMap;

use base::Bytes;
use base::ids::ShardIndex;
use base::sequence::SequenceNumber;

use super::{Attempt, History, Mark, Put, Summary, Violation};

/// The puts that were found, by attempt.
pub(super) type Stored = HashMap<Attempt, SequenceNumber>;

impl History {
    /// Checks everything that was recorded.
    ///
    /// # Errors
    /// Every broken promise that was found.
    pub fn check(&self) -> Result<Summary, Vec<Violation>> {
        self.check_until(self.mark())
    }

    /// The same when the reads show the state of an earlier moment: what was promised after `mark` may be there or
    /// not, but what is there must be right.
    ///
    /// # Errors
    /// Every broken promise that was found.
    pub fn check_until(&self, mark: Mark) -> Result<Summary, Vec<Violation>> {
        let mut violations = self.violations.clone();
        self.check_order(&mut violations);
        let stored = self.check_reads(&mut violations);
        let acknowledged = self.check_acknowledged(&stored, mark, &mut violations);
        self.check_real_time(&stored, &mut violations);
        self.check_observed(mark, &mut violations);
        self.check_lineage(&stored, mark, &mut violations);
        if !violations.is_empty() {
            return Err(violations);
        }
        let answered = |attempt: &Attempt| self.puts[attempt.0].acknowledged.is_some();
        Ok(Summary {
            acknowledged,
            unknown_stored: stored.keys().filter(|attempt| !answered(attempt)).count(),
            read: self.reads.values().map(Vec::len).sum(),
        })
    }

    /// Within a shard numbers follow each other from the first record on, and times of arrival never go back.
    fn check_order(&self, violations: &mut Vec<Violation>) {
        for (shard, records) in &self.reads {
            let shard = shard.to_string();
            if let Some(first) = records.first().filter(|first| first.sequence.index != 1) {
                violations.push(Violation::Gap { shard: shard.clone(), index: 0, expected: first.sequence.index });
            }
            for pair in records.windows(2) {
                let (first, second) = (&pair[0], &pair[1]);
                if first.sequence.index >= second.sequence.index {
                    violations.push(Violation::OutOfOrder {
                        shard: shard.clone(),
                        first: first.sequence.to_string(),
                        second: second.sequence.to_string(),
                    });
                } else if first.sequence.index + 1 != second.sequence.index {
                    let (index, expected) = (first.sequence.index, second.sequence.index);
                    violations.push(Violation::Gap { shard: shard.clone(), index, expected });
                }
                if let (Some(before), Some(arrival)) = (first.arrival, second.arrival)
                    && arrival < before
                {
                    violations.push(Violation::ArrivalReversed { sequence: second.sequence.to_string(), arrival });
                }
            }
        }
    }

    /// The put that each record came from.
    fn check_reads(&self, violations: &mut Vec<Violation>) -> Stored {
        let by_data: HashMap<&Bytes, Attempt> =
            self.puts.iter().enumerate().map(|(i, put)| (&put.data, Attempt(i))).collect();
        assert_eq!(by_data.len(), self.puts.len(), "every attempt must carry data of its own");
        let mut stored = Stored::new();
        for record in self.reads.values().flatten() {
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
        stored
    }

    /// Every acknowledged record is there, where it was said to be; answers how many had to be.
    fn check_acknowledged(&self, stored: &Stored, mark: Mark, violations: &mut Vec<Violation>) -> usize {
        let mut numbers: HashMap<SequenceNumber, Attempt> = HashMap::new();
        let mut promised = 0;
        for (i, put) in self.puts.iter().enumerate() {
            let Some((acknowledged, time)) = put.acknowledged else { continue };
            promised += usize::from(time <= mark.0);
            if numbers.insert(acknowledged, Attempt(i)).is_some() {
                violations.push(Violation::NumberReused { sequence: acknowledged.to_string() });
            }
            match stored.get(&Attempt(i)) {
                None if time > mark.0 => {}
                None => violations.push(Violation::Lost { sequence: acknowledged.to_string() }),
                Some(read) if *read != acknowledged => {
                    violations.push(Violation::Moved { acknowledged: acknowledged.to_string(), read: read.to_string() })
                }
                Some(_) => {}
            }
        }
        promised
    }

    /// A put that began after another was acknowledged has the greater number, within a shard.
    fn check_real_time(&self, stored: &Stored, violations: &mut Vec<Violation>) {
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

    /// What a consumer has been given stays: it is shown only when it is durable.
    fn check_observed(&self, mark: Mark, violations: &mut Vec<Violation>) {
        for (shard, seen) in &self.observed {
            let Some(records) = self.reads.get(shard) else { continue };
            let data: HashMap<u64, &Bytes> =
                records.iter().map(|record| (record.sequence.index, &record.data)).collect();
            for (index, (known, time)) in seen {
                let fine = match data.get(index) {
                    Some(found) => *found == known,
                    None => *time > mark.0,
                };
                if !fine {
                    violations.push(Violation::Unread { shard: shard.to_string(), index: *index });
                }
            }
        }
    }
}

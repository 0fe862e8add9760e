//! Shards: their hash ranges, their parents, and whether records went into the right ones.

use std::collections::HashMap;

use base::hash_key::{HashKey, HashKeyRange};
use base::ids::ShardIndex;

use super::check::Stored;
use super::{History, Mark, Violation};

/// A shard as ListShards described it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShardDescription {
    pub shard: ShardIndex,
    pub range: HashKeyRange,
    /// The shards that it came from: one after a split, two after a merge.
    pub parents: Vec<ShardIndex>,
    pub is_closed: bool,
}

/// The hash ranges of the open shards cover the space once.
///
/// # Errors
/// The first point that is covered twice or not at all.
pub fn check_tiling(ranges: &[HashKeyRange]) -> Result<(), Violation> {
    match first_untiled(ranges, HashKeyRange::ALL) {
        None => Ok(()),
        Some(at) => Err(Violation::NotTiled { at }),
    }
}

/// The first point of `whole` that the ranges do not cover exactly once.
fn first_untiled(ranges: &[HashKeyRange], whole: HashKeyRange) -> Option<u128> {
    let mut ranges = ranges.to_vec();
    ranges.sort_by_key(|range| range.start);
    let mut next = Some(whole.start.0);
    for range in &ranges {
        if next != Some(range.start.0) || range.end < range.start {
            return Some(range.start.0);
        }
        next = range.end.0.checked_add(1);
    }
    if next == whole.end.0.checked_add(1) { None } else { Some(next.unwrap_or(u128::MAX)) }
}

impl History {
    pub(super) fn check_lineage(&self, stored: &Stored, mark: Mark, violations: &mut Vec<Violation>) {
        if self.shards.is_empty() {
            return;
        }
        let open: Vec<HashKeyRange> =
            self.shards.iter().filter(|shard| !shard.is_closed).map(|shard| shard.range).collect();
        violations.extend(check_tiling(&open).err());
        for description in &self.shards {
            let promised = self.closed.get(&description.shard).is_some_and(|time| *time <= mark.0);
            if promised && !description.is_closed {
                violations.push(Violation::Reopened { shard: description.shard.to_string() });
            }
            if description.is_closed && !self.children_cover(description) {
                violations.push(Violation::NotCovered { shard: description.shard.to_string() });
            }
        }
        self.check_routing(violations);
        self.check_parents(stored, violations);
    }

    fn children(&self, parent: ShardIndex) -> impl Iterator<Item = &ShardDescription> {
        self.shards.iter().filter(move |shard| shard.parents.contains(&parent))
    }

    fn children_cover(&self, parent: &ShardDescription) -> bool {
        let within = |range: HashKeyRange| HashKeyRange {
            start: range.start.max(parent.range.start),
            end: range.end.min(parent.range.end),
        };
        let ranges: Vec<HashKeyRange> = self.children(parent.shard).map(|child| within(child.range)).collect();
        first_untiled(&ranges, parent.range).is_none()
    }

    /// Every record lies in the shard that owns its hash key, under a number of that shard.
    fn check_routing(&self, violations: &mut Vec<Violation>) {
        let ranges: HashMap<ShardIndex, HashKeyRange> =
            self.shards.iter().map(|shard| (shard.shard, shard.range)).collect();
        for (shard, records) in &self.reads {
            let range = ranges.get(shard);
            for record in records {
                let owned = range.is_some_and(|range| range.contains(HashKey::of(&record.partition_key)));
                if !owned || record.sequence.shard != *shard {
                    let (shard, sequence) = (shard.to_string(), record.sequence.to_string());
                    violations.push(Violation::Misrouted { shard, sequence });
                }
            }
        }
    }

    /// Once a record of a child was acknowledged, no put that begins later goes into the parent.
    fn check_parents(&self, stored: &Stored, violations: &mut Vec<Violation>) {
        let mut first_answer: HashMap<ShardIndex, u64> = HashMap::new();
        for put in &self.puts {
            let Some((sequence, time)) = put.acknowledged else { continue };
            let first = first_answer.entry(sequence.shard).or_insert(time);
            *first = time.min(*first);
        }
        let mut ends: HashMap<ShardIndex, u64> = HashMap::new();
        for child in &self.shards {
            let Some(answered) = first_answer.get(&child.shard) else { continue };
            for parent in &child.parents {
                let end = ends.entry(*parent).or_insert(*answered);
                *end = (*answered).min(*end);
            }
        }
        for (attempt, sequence) in stored {
            if ends.get(&sequence.shard).is_some_and(|end| self.puts[attempt.0].invoked > *end) {
                let (parent, sequence) = (sequence.shard.to_string(), sequence.to_string());
                violations.push(Violation::ParentRevived { parent, sequence });
            }
        }
    }
}

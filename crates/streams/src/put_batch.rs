//! Records of one request on their way into shards: which record goes where, which are refused, and the number of
//! each when the log has taken them. No I/O, and no allocation per record.

use std::sync::Arc;

use api::kinesis::PutRecordsRequestEntry;
use base::ByteString;
use base::hash_key::HashKey;
use base::md5::{LANES, hash_keys};
use base::time::Timestamp;
use store::record_batch::RecordBatchBuilder;
use store::shard_log::{Append, Appended, Refused};

use crate::meters::Tally;
use crate::sequence_text::{SequenceSlices, SequenceText, run_of};
use crate::shard::Shard;
use crate::shard_ids::shard_id;
use crate::shard_map::ShardMap;
use crate::throttle::WriteThrottle;

/// Not yet on the way to any shard.
const UNROUTED: u32 = u32::MAX;

/// The records of a request.
#[derive(Debug)]
pub struct PutBatch<'a> {
    records: &'a [PutRecordsRequestEntry<'a>],
    /// Hash keys that records bring along, by record.
    explicit_keys: Vec<(usize, HashKey)>,
    /// Computed when more than one shard is open.
    keys: Vec<HashKey>,
    group_of: Vec<u32>,
    groups: Vec<Group>,
    /// Groups before this one have been dealt with in earlier rounds.
    first_new: usize,
}

/// Records that share a shard and a fate.
#[derive(Debug)]
pub struct Group {
    pub shard: Arc<Shard>,
    /// The id that answers give.
    pub shard_id: ByteString,
    pub records: usize,
    pub bytes: usize,
    pub fate: Fate,
}

#[derive(Debug)]
pub enum Fate {
    Waiting,
    /// The numbers of the group's records that have not been answered.
    Stored(SequenceSlices),
    Throttled,
    /// The shard was closed meanwhile; to be routed anew.
    Closed,
    Failed(&'static str),
}

/// Data and partition key: what counts against limits.
pub fn record_bytes(record: &PutRecordsRequestEntry<'_>) -> usize {
    record.data.len() + record.partition_key.len()
}

impl<'a> PutBatch<'a> {
    #[must_use]
    pub fn new(records: &'a [PutRecordsRequestEntry<'a>], explicit_keys: Vec<(usize, HashKey)>) -> Self {
        Self {
            records,
            explicit_keys,
            keys: Vec::new(),
            group_of: vec![UNROUTED; records.len()],
            groups: Vec::new(),
            first_new: 0,
        }
    }

    fn hash(&mut self) {
        self.keys = vec![HashKey::MIN; self.records.len()];
        for (records, keys) in self.records.chunks(LANES).zip(self.keys.chunks_mut(LANES)) {
            let mut texts = [&[][..]; LANES];
            for (text, record) in texts.iter_mut().zip(records) {
                *text = record.partition_key.as_bytes();
            }
            hash_keys(&texts[..records.len()], keys);
        }
        for (record, key) in &self.explicit_keys {
            self.keys[*record] = *key;
        }
    }

    /// Sends every record that has no shard to its shard.
    pub fn route(&mut self, map: &ShardMap) {
        if map.len() > 1 && self.keys.is_empty() {
            self.hash();
        }
        self.first_new = self.groups.len();
        // Group of each shard, plus one.
        let mut slots = vec![0u32; map.len()];
        for (i, record) in self.records.iter().enumerate() {
            if self.group_of[i] != UNROUTED {
                continue;
            }
            let at = if slots.len() == 1 { 0 } else { map.locate(self.keys[i]) };
            let slot = &mut slots[at];
            if *slot == 0 {
                self.groups.push(Group::new(map.shards()[at].clone(), Fate::Waiting));
                *slot = self.groups.len() as u32;
            }
            self.group_of[i] = *slot - 1;
            let group = &mut self.groups[*slot as usize - 1];
            group.records += 1;
            group.bytes += record_bytes(record);
        }
    }

    /// The groups of this round.
    pub fn new_groups(&self) -> std::ops::Range<usize> {
        self.first_new..self.groups.len()
    }

    pub fn group(&self, group: usize) -> &Group {
        &self.groups[group]
    }

    /// Holds one group of this round against a limit: as a whole, and if that is too much record by record; what does
    /// not pass is throttled.
    pub fn admit(&mut self, group: usize, now: Timestamp, throttle: &mut WriteThrottle) {
        if throttle.admit(now, self.groups[group].records, self.groups[group].bytes) {
            return;
        }
        let shard = self.groups[group].shard.clone();
        let mut refused = Group::new(shard, Fate::Throttled);
        let refused_index = self.groups.len() as u32;
        for (i, record) in self.records.iter().enumerate() {
            let bytes = record_bytes(record);
            if self.group_of[i] as usize == group && !throttle.admit_record(now, bytes) {
                self.group_of[i] = refused_index;
                refused.records += 1;
                refused.bytes += bytes;
                self.groups[group].records -= 1;
                self.groups[group].bytes -= bytes;
            }
        }
        self.groups.push(refused);
    }

    /// The batches of this round, one per group that still has records, and the groups they belong to.
    pub fn appends(&self, encrypted: bool) -> (Vec<Append>, Vec<usize>) {
        let new = self
            .new_groups()
            .filter(|group| matches!(self.groups[*group].fate, Fate::Waiting) && self.groups[*group].records > 0);
        let waiting: Vec<usize> = new.collect();
        let mut builders: Vec<RecordBatchBuilder> = waiting
            .iter()
            .map(|group| RecordBatchBuilder::with_capacity(self.groups[*group].records, self.groups[*group].bytes))
            .collect();
        // Builder of each group of this round, plus one.
        let mut slots = vec![0usize; self.groups.len() - self.first_new];
        for (slot, group) in waiting.iter().enumerate() {
            slots[group - self.first_new] = slot + 1;
        }
        for (record, group) in self.records.iter().zip(&self.group_of) {
            let slot = (*group as usize).checked_sub(self.first_new).map_or(0, |group| slots[group]);
            if slot > 0 {
                builders[slot - 1].push(record.partition_key, record.data);
            }
        }
        let appends = waiting
            .iter()
            .zip(builders)
            .map(|(group, builder)| Append {
                log: self.groups[*group].shard.row.log,
                records: builder.build(),
                encrypted,
            })
            .collect();
        (appends, waiting)
    }

    /// Notes what the log has answered for one group.
    pub fn landed(&mut self, group: usize, landed: Result<Appended, Refused>, failure: &'static str) {
        let group = &mut self.groups[group];
        group.fate = match landed {
            Ok(Appended { first, arrival }) => {
                let number = SequenceText::new(group.shard.row.sequence_number(first, arrival));
                Fate::Stored(run_of(number, group.records))
            }
            Err(Refused::Closed) => Fate::Closed,
            Err(Refused::NotFound) => Fate::Failed(failure),
        };
    }

    /// Everything that still waits for the log fails.
    pub fn fail_waiting(&mut self, failure: &'static str) {
        for group in self.groups.iter_mut().filter(|group| matches!(group.fate, Fate::Waiting)) {
            group.fate = Fate::Failed(failure);
        }
    }

    /// Records that no shard would take fail.
    pub fn fail_unrouted(&mut self, failure: &'static str) {
        let Some(group) = self.groups.iter().position(|group| matches!(group.fate, Fate::Closed)) else { return };
        self.groups[group].fate = Fate::Failed(failure);
        for of in self.group_of.iter_mut().filter(|of| **of == UNROUTED) {
            *of = group as u32;
        }
    }

    /// Takes the records of closed shards back, to be routed anew; answers whether there are any.
    pub fn take_back(&mut self) -> bool {
        let mut any = false;
        for group in &mut self.group_of {
            if matches!(self.groups[*group as usize].fate, Fate::Closed) {
                *group = UNROUTED;
                any = true;
            }
        }
        any
    }

    /// What has become of the records.
    pub fn tally(&self) -> Tally {
        let mut tally = Tally::default();
        for group in &self.groups {
            match group.fate {
                Fate::Stored(_) => {
                    tally.stored += group.records;
                    tally.stored_bytes += group.bytes;
                }
                Fate::Throttled => tally.throttled += group.records,
                Fate::Waiting | Fate::Closed | Fate::Failed(_) => {}
            }
        }
        tally
    }

    /// What became of each record, in the order of the request.
    pub fn each(&mut self, mut run: impl FnMut(&mut Group)) {
        let groups = &mut self.groups;
        self.group_of.iter().for_each(|group| run(&mut groups[*group as usize]));
    }
}

impl Group {
    fn new(shard: Arc<Shard>, fate: Fate) -> Self {
        Self { shard_id: shard_id(shard.row.index), shard, records: 0, bytes: 0, fate }
    }
}

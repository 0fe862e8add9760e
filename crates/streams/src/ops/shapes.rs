//! Shapes that several operations answer with.

use api::kinesis::{
    ChildShard, EncryptionType, EnhancedMetrics, HashKeyRange, MetricsName, Record, SequenceNumberRange, StreamMode,
    StreamModeDetails, StreamStatus, WarmThroughputObject,
};
use base::ByteString;
use base::ids::ShardIndex;
use store::shard_log::StoredRecord;

use crate::monitoring;
use crate::rows::{ShardRow, StreamRow};
use crate::sequence_text::{SequenceText, SequenceTexts, text_of};
use crate::shard_ids::shard_id;
use crate::stream::Snapshot;
use crate::transition::{Mode, Status};

pub fn status(status: Status) -> StreamStatus {
    match status {
        Status::Creating => StreamStatus::Creating,
        Status::Active => StreamStatus::Active,
        Status::Updating => StreamStatus::Updating,
        Status::Deleting => StreamStatus::Deleting,
    }
}

pub fn mode(mode: Mode) -> StreamModeDetails {
    StreamModeDetails {
        stream_mode: match mode {
            Mode::Provisioned => StreamMode::Provisioned,
            Mode::OnDemand => StreamMode::OnDemand,
        },
    }
}

pub fn encryption(row: &StreamRow) -> EncryptionType {
    if row.key_id.is_some() { EncryptionType::Kms } else { EncryptionType::None }
}

pub fn key_id(row: &StreamRow) -> Option<ByteString> {
    row.key_id.as_deref().map(ByteString::from)
}

pub fn enhanced_monitoring(row: &StreamRow) -> Vec<EnhancedMetrics> {
    vec![EnhancedMetrics { shard_level_metrics: Some(metrics(row.monitored)) }]
}

pub fn metrics(monitored: u8) -> Vec<MetricsName> {
    monitoring::names(monitored)
}

pub fn warm_throughput(row: &StreamRow, open_shards: usize) -> Option<WarmThroughputObject> {
    let target = i32::try_from(row.warm_mibps?).unwrap_or(i32::MAX);
    let current = target.min(i32::try_from(open_shards).unwrap_or(i32::MAX));
    Some(WarmThroughputObject { target_mibps: Some(target), current_mibps: Some(current) })
}

fn hash_key_range(shard: &ShardRow) -> HashKeyRange {
    HashKeyRange {
        starting_hash_key: ByteString::from(shard.range.start.to_string()),
        ending_hash_key: ByteString::from(shard.range.end.to_string()),
    }
}

pub fn shard(shard: &ShardRow) -> api::kinesis::Shard {
    api::kinesis::Shard {
        shard_id: shard_id(shard.index),
        parent_shard_id: shard.parent.map(shard_id),
        adjacent_parent_shard_id: shard.adjacent_parent.map(shard_id),
        hash_key_range: hash_key_range(shard),
        sequence_number_range: SequenceNumberRange {
            starting_sequence_number: text_of(shard.starting_number()),
            ending_sequence_number: shard.ending_number().map(text_of),
        },
    }
}

/// The children of a closed shard, as its last answer names them.
pub fn child_shards(snapshot: &Snapshot, of: ShardIndex) -> Vec<ChildShard> {
    let children = snapshot.children(of).map(|child| ChildShard {
        shard_id: shard_id(child.row.index),
        parent_shards: [child.row.parent, child.row.adjacent_parent].into_iter().flatten().map(shard_id).collect(),
        hash_key_range: hash_key_range(&child.row),
    });
    children.collect()
}

/// Stored records of one shard as readers see them, and their bytes. Their numbers are slices of one buffer.
pub fn records(shard: &ShardRow, stored: Vec<StoredRecord>) -> (Vec<Record>, usize) {
    let mut texts = SequenceTexts::with_capacity(stored.len());
    let mut text: Option<SequenceText> = None;
    // Position and second for which the next number is a step away.
    let mut expected = (0, 0);
    for record in &stored {
        let found = (record.position.0, record.arrival.seconds());
        match &mut text {
            Some(text) if found == expected => text.step(),
            text => *text = Some(SequenceText::new(shard.sequence_number(record.position, record.arrival))),
        }
        text.iter().for_each(|text| texts.push(text));
        expected = (found.0 + 1, found.1);
    }
    let bytes = stored.iter().map(|record| record.data.len() + record.partition_key.len()).sum();
    let mut numbers = texts.finish();
    let shaped = stored.into_iter().map(|record| Record {
        sequence_number: numbers.next().expect("every record has a number"),
        approximate_arrival_timestamp: Some(record.arrival),
        data: record.data,
        partition_key: record.partition_key,
        encryption_type: record.encrypted.then_some(EncryptionType::Kms),
    });
    let records = shaped.collect();
    (records, bytes)
}

//! What can be asked about streams and shards.

use base::hash_key::HashKeyRange;
use base::ids::ShardIndex;
use base::sequence::SequenceNumber;
use base::time::Timestamp;

use super::stream::{Shard, Status};
use super::{Answer, Model, Refusal};

/// What DescribeStreamSummary answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    pub status: Status,
    pub created_at: Timestamp,
    pub retention_hours: u32,
    pub key_id: Option<String>,
    /// None are shown of a stream that is being created.
    pub open_shards: usize,
    pub consumers: usize,
}

/// A shard as ListShards shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShardView {
    pub index: ShardIndex,
    pub parent: Option<ShardIndex>,
    pub adjacent_parent: Option<ShardIndex>,
    pub range: HashKeyRange,
    pub starting_number: SequenceNumber,
    pub ending_number: Option<SequenceNumber>,
}

/// Which shards ListShards lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Filter {
    FromTrimHorizon,
    AtTrimHorizon,
    AtLatest,
    AfterShard(ShardIndex),
    AtTimestamp(Timestamp),
    FromTimestamp(Timestamp),
}

impl Model {
    /// DescribeStreamSummary.
    ///
    /// # Errors
    /// When there is no such stream.
    pub fn summary(&self, name: &str) -> Answer<Summary> {
        let stream = self.stream(name)?;
        Ok(Summary {
            status: stream.status,
            created_at: stream.created_at,
            retention_hours: stream.retention_hours,
            key_id: stream.key_id.clone(),
            open_shards: if stream.status == Status::Creating { 0 } else { stream.open_shards().len() },
            consumers: stream.consumers.len(),
        })
    }

    /// ListStreams: names and status, by name.
    #[must_use]
    pub fn streams(&self) -> Vec<(String, Status)> {
        let mut streams: Vec<_> = self.streams.iter().map(|stream| (stream.name.clone(), stream.status)).collect();
        streams.sort_by(|a, b| a.0.cmp(&b.0));
        streams
    }

    /// ListShards, all pages.
    ///
    /// # Errors
    /// When there is no such stream, it is not there yet or no longer, or the time of the filter is to come.
    pub fn list_shards(&self, name: &str, filter: Filter) -> Answer<Vec<ShardView>> {
        let stream = self.stream(name)?;
        let horizon = stream.horizon(self.now);
        let is_listed: Box<dyn Fn(&Shard) -> bool> = match filter {
            Filter::AtTimestamp(at) | Filter::FromTimestamp(at) if at > self.now => {
                return Err(Refusal::InvalidArgument);
            }
            Filter::FromTrimHorizon => Box::new(|_| true),
            Filter::AtTrimHorizon => Box::new(move |shard| shard.is_open_at(horizon)),
            Filter::AtLatest => Box::new(|shard| shard.closed_at.is_none()),
            Filter::AfterShard(index) => Box::new(move |shard| shard.index > index),
            Filter::AtTimestamp(at) => Box::new(move |shard| shard.is_open_at(at.max(horizon))),
            Filter::FromTimestamp(at) => Box::new(move |shard| shard.is_retained(at.max(horizon))),
        };
        if matches!(stream.status, Status::Creating | Status::Deleting) {
            return Err(Refusal::ResourceInUse);
        }
        let shards = stream.shards.iter().filter(|shard| shard.is_retained(horizon) && is_listed(shard));
        Ok(shards.map(ShardView::of).collect())
    }

    /// Every shard of a stream that there ever was, for whoever chooses one.
    #[must_use]
    pub fn shards_ever(&self, name: &str) -> Vec<ShardView> {
        self.stream(name).map_or(Vec::new(), |stream| stream.shards.iter().map(ShardView::of).collect())
    }
}

impl ShardView {
    fn of(shard: &Shard) -> Self {
        Self {
            index: shard.index,
            parent: shard.parent,
            adjacent_parent: shard.adjacent_parent,
            range: shard.range,
            starting_number: shard.starting_number(),
            ending_number: shard.ending_number(),
        }
    }
}

//! Streams come and go, and changes take their time.

use std::collections::BTreeMap;

use base::hash_key::HashKeyRange;
use base::ids::ShardIndex;
use base::limits::RETENTION_HOURS_DEFAULT;
use base::time::Timestamp;

use super::stream::{Change, Shard, Status, Stream};
use super::{Answer, Model, Refusal};

/// Streams that may be CREATING at a time.
const CREATING_MAX: usize = 5;

impl Model {
    /// CreateStream with a number of shards.
    ///
    /// # Errors
    /// When the name is taken, or a limit is reached.
    pub fn create_stream(&mut self, name: &str, shards: u32) -> Answer<()> {
        if self.stream(name).is_ok() {
            return Err(Refusal::ResourceInUse);
        }
        let creating = self.streams.iter().filter(|stream| stream.status == Status::Creating).count();
        if creating >= CREATING_MAX {
            return Err(Refusal::LimitExceeded);
        }
        self.check_shard_limit(shards as usize)?;
        self.incarnations += 1;
        let mut stream = Stream {
            name: name.to_owned(),
            incarnation: self.incarnations,
            created_at: self.now,
            status: Status::Active,
            change: None,
            retention_hours: RETENTION_HOURS_DEFAULT,
            trimmed_before: self.now,
            key_id: None,
            shards: Vec::new(),
            consumers: BTreeMap::new(),
            tags: BTreeMap::new(),
            scalings: Vec::new(),
            encryption_starts: Vec::new(),
            encryption_stops: Vec::new(),
        };
        for range in HashKeyRange::uniform(shards) {
            stream.shards.push(first_shard(&stream, range, self.now));
        }
        self.streams.push(stream);
        self.begin(name, Change::Create)
    }

    /// DeleteStream. `even_with_consumers`: EnforceConsumerDeletion.
    ///
    /// # Errors
    /// When there is no such stream, it is not yet or no longer there, or it has consumers.
    pub fn delete_stream(&mut self, name: &str, even_with_consumers: bool) -> Answer<()> {
        let stream = self.stream(name)?;
        let is_there = matches!(stream.status, Status::Active | Status::Updating);
        if !is_there || (!stream.consumers.is_empty() && !even_with_consumers) {
            return Err(Refusal::ResourceInUse);
        }
        self.begin(name, Change::Delete)
    }

    /// Open shards of all streams, and so many more, must not exceed the limit.
    pub(super) fn check_shard_limit(&self, more: usize) -> Answer<()> {
        let open: usize = self.streams.iter().map(|stream| stream.open_shards().len()).sum();
        if open + more > self.shard_limit { Err(Refusal::LimitExceeded) } else { Ok(()) }
    }

    pub(super) fn begin(&mut self, name: &str, change: Change) -> Answer<()> {
        let due = self.now.plus(self.transition_delay);
        let stream = self.stream_mut(name)?;
        stream.status = match change {
            Change::Create => Status::Creating,
            Change::Delete => Status::Deleting,
            _ => Status::Updating,
        };
        stream.change = Some((due, change));
        self.settle();
        Ok(())
    }

    /// Carries out what is due.
    pub(super) fn settle(&mut self) {
        let now = self.now;
        for stream in &mut self.streams {
            if let Some((_, change)) = stream.change.take_if(|(due, _)| *due <= now) {
                stream.carry_out(change, now);
            }
            stream.consumers.retain(|_, consumer| !consumer.is_gone(now));
        }
        // A stream whose deletion has been carried out has no change under way.
        self.streams.retain(|stream| stream.status != Status::Deleting || stream.change.is_some());
    }
}

impl Stream {
    fn carry_out(&mut self, change: Change, now: Timestamp) {
        self.status = Status::Active;
        match change {
            Change::Create => {}
            Change::Delete => self.status = Status::Deleting,
            Change::Split { shard, at } => self.split(shard, at, now),
            Change::Merge { shard, adjacent } => self.merge(shard, adjacent, now),
            Change::Scale { target } => self.scale(target, now),
            Change::Encrypt { key_id } => self.key_id = Some(key_id),
            Change::Decrypt => self.key_id = None,
        }
    }
}

fn first_shard(stream: &Stream, range: HashKeyRange, now: Timestamp) -> Shard {
    Shard {
        index: ShardIndex(u32::try_from(stream.shards.len()).expect("shards are few")),
        range,
        opened_at: now,
        created_seconds: u64::try_from(now.seconds()).expect("times are after 1970"),
        parent: None,
        adjacent_parent: None,
        closed_at: None,
        records: Vec::new(),
    }
}

//! What clients did to the stream of one name and what they were told, in the order in which they saw it.

use std::time::Duration;

use base::Bytes;
use base::ids::ShardIndex;
use base::sequence::SequenceNumber;
use base::time::Timestamp;

/// Place in the order of events of one ledger.
pub type Moment = u64;

/// One attempt to put one record. A retry is a new attempt, with other data.
#[derive(Debug, Clone)]
pub struct Put {
    pub partition_key: String,
    pub data: Bytes,
    pub invoked: Moment,
    pub acknowledged: Option<(SequenceNumber, Moment)>,
}

/// A record as a reader got it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    pub sequence: SequenceNumber,
    pub arrival: Timestamp,
    pub partition_key: String,
    pub data: Bytes,
}

/// Where a reader began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    TrimHorizon,
    Latest,
    At(SequenceNumber),
    After(SequenceNumber),
    AtTimestamp(Timestamp),
}

/// What one reader got of one shard, from its beginning on.
#[derive(Debug, Clone)]
pub struct Run {
    pub shard: ShardIndex,
    pub start: Start,
    /// When the reader asked to begin.
    pub begun: Moment,
    /// When its place was settled.
    pub placed: Moment,
    pub records: Vec<Seen>,
    /// When the reader last asked for more and was told that it is at the end.
    pub at_end: Option<Moment>,
}

/// One life of the stream, from its creation to its deletion.
#[derive(Debug, Clone, Copy)]
pub struct Life {
    pub create_acknowledged: Moment,
    pub delete_invoked: Option<Moment>,
}

#[derive(Debug)]
pub struct Ledger {
    now: Moment,
    pub puts: Vec<Put>,
    pub runs: Vec<Run>,
    /// Shards that an acknowledged change has closed.
    pub closed: Vec<(Moment, ShardIndex)>,
    pub lives: Vec<Life>,
    /// No retention that may have been in force was shorter.
    retention: Duration,
    /// Records that arrived before may be gone by right.
    pub horizon: Timestamp,
}

/// The shortest retention that a stream can have, and the one that it has at first.
pub const RETENTION_MIN: Duration = Duration::from_secs(24 * 3600);

impl Default for Ledger {
    fn default() -> Self {
        Self {
            now: 0,
            puts: Vec::new(),
            runs: Vec::new(),
            closed: Vec::new(),
            lives: Vec::new(),
            retention: RETENTION_MIN,
            horizon: Timestamp::from_millis(i64::MIN),
        }
    }
}

impl Ledger {
    /// The moment after all before.
    pub fn tick(&mut self) -> Moment {
        self.now += 1;
        self.now
    }

    /// A put is about to be sent; answers its place.
    pub fn invoke(&mut self, partition_key: String, data: Bytes) -> usize {
        let invoked = self.tick();
        self.puts.push(Put { partition_key, data, invoked, acknowledged: None });
        self.puts.len() - 1
    }

    pub fn acknowledge(&mut self, put: usize, sequence: SequenceNumber) {
        let moment = self.tick();
        self.puts[put].acknowledged = Some((sequence, moment));
    }

    pub fn close(&mut self, shard: ShardIndex) {
        let moment = self.tick();
        self.closed.push((moment, shard));
    }

    pub fn created(&mut self) {
        let create_acknowledged = self.tick();
        self.lives.push(Life { create_acknowledged, delete_invoked: None });
        self.retention = RETENTION_MIN;
    }

    pub fn deleting(&mut self) {
        let moment = self.tick();
        if let Some(life) = self.lives.last_mut() {
            life.delete_invoked.get_or_insert(moment);
        }
    }

    /// Notes that the wall clock has shown `latest`.
    pub fn pass(&mut self, latest: Timestamp) {
        self.horizon = self.horizon.max(latest.minus(self.retention));
    }

    /// From `latest` on the retention may be as short as this.
    pub fn retain(&mut self, latest: Timestamp, retention: Duration) {
        self.pass(latest);
        self.retention = retention;
    }

    /// The life that has not been ended, when there is one.
    #[must_use]
    pub fn current(&self) -> Option<Life> {
        self.lives.last().filter(|life| life.delete_invoked.is_none()).copied()
    }
}

//! A reference model of Kinesis Data Streams: what every answer must be, said as plainly as it can be.
//!
//! Streams, shards and records lie in lists that are searched from end to end. Nothing is thrown away because of its
//! age: what is past retention is passed over. Nothing happens by itself: whoever moves [`Model::advance`] moves the
//! time, and what is due then happens in that call. The model speaks of one account in one region, without limits of
//! throughput.

mod stream;

mod lifecycle;
mod reshard;

mod put;
mod read;

mod consumers;
mod settings;

mod describe;

use std::time::Duration;

use base::time::Timestamp;

pub use consumers::{Consumer, ConsumerStatus};
pub use describe::{Filter, ShardView, Summary};
pub use put::{NewRecord, Stored};
pub use read::{Event, Reading, ShardIterator, Start};
pub use stream::{Record, Status};

use stream::Stream;

/// Why an operation is refused, in AWS's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    ExpiredIterator,
    InvalidArgument,
    KmsNotFound,
    LimitExceeded,
    ResourceInUse,
    ResourceNotFound,
}

impl Refusal {
    /// The name of the error on the wire.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::ExpiredIterator => "ExpiredIteratorException",
            Self::InvalidArgument => "InvalidArgumentException",
            Self::KmsNotFound => "KMSNotFoundException",
            Self::LimitExceeded => "LimitExceededException",
            Self::ResourceInUse => "ResourceInUseException",
            Self::ResourceNotFound => "ResourceNotFoundException",
        }
    }
}

/// What an operation answers.
pub type Answer<T> = Result<T, Refusal>;

/// All streams of an account.
#[derive(Debug, Clone)]
pub struct Model {
    now: Timestamp,
    /// How long streams and consumers stay CREATING, UPDATING or DELETING.
    transition_delay: Duration,
    /// Open shards of all streams together.
    shard_limit: usize,
    /// Streams ever created.
    incarnations: u64,
    streams: Vec<Stream>,
}

impl Model {
    #[must_use]
    pub fn new(now: Timestamp, transition_delay: Duration, shard_limit: usize) -> Self {
        Self { now, transition_delay, shard_limit, incarnations: 0, streams: Vec::new() }
    }

    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// Lets time pass; what was due meanwhile is carried out at the end of it.
    pub fn advance(&mut self, by: Duration) {
        self.now = self.now.plus(by);
        self.settle();
    }

    fn stream(&self, name: &str) -> Answer<&Stream> {
        self.streams.iter().find(|stream| stream.name == name).ok_or(Refusal::ResourceNotFound)
    }

    fn stream_mut(&mut self, name: &str) -> Answer<&mut Stream> {
        self.streams.iter_mut().find(|stream| stream.name == name).ok_or(Refusal::ResourceNotFound)
    }

    /// A stream that can be changed.
    fn active(&mut self, name: &str) -> Answer<&mut Stream> {
        let stream = self.stream_mut(name)?;
        if stream.status == Status::Active { Ok(stream) } else { Err(Refusal::ResourceInUse) }
    }
}

/// Notes a use at `now` unless there were `max` in the 24 hours before.
fn use_ration(uses: &mut Vec<Timestamp>, max: usize, now: Timestamp) -> Answer<()> {
    let recent = uses.iter().filter(|at| now.since(**at) < Duration::from_secs(24 * 3600)).count();
    if recent >= max {
        return Err(Refusal::LimitExceeded);
    }
    uses.push(now);
    Ok(())
}

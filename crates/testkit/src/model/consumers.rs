//! Registered consumers.

use base::limits::CONSUMERS_PER_STREAM_MAX;
use base::time::Timestamp;

use super::stream::Stream;
use super::{Answer, Model, Refusal};

/// Consumers of a stream that may be CREATING at a time.
const CREATING_MAX: usize = 5;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConsumerStatus {
    Creating,
    Active,
    Deleting,
}

/// A consumer of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Consumer {
    pub created_at: Timestamp,
    active_at: Timestamp,
    /// Set when it is deregistered.
    gone_at: Option<Timestamp>,
}

impl Consumer {
    #[must_use]
    pub fn status(&self, now: Timestamp) -> ConsumerStatus {
        if self.gone_at.is_some() {
            ConsumerStatus::Deleting
        } else if now < self.active_at {
            ConsumerStatus::Creating
        } else {
            ConsumerStatus::Active
        }
    }

    pub(super) fn is_gone(&self, now: Timestamp) -> bool {
        self.gone_at.is_some_and(|at| at <= now)
    }
}

impl Stream {
    /// The consumer with a name and a time of creation in seconds, as its ARN has them.
    pub(super) fn consumer(&self, (name, created_seconds): (&str, i64)) -> Answer<&Consumer> {
        let found = self.consumers.get(name).filter(|consumer| consumer.created_at.seconds() == created_seconds);
        found.ok_or(Refusal::ResourceNotFound)
    }
}

impl Model {
    /// RegisterStreamConsumer.
    ///
    /// # Errors
    /// When the stream cannot be changed, the name is taken, or a limit is reached.
    pub fn register_stream_consumer(&mut self, stream: &str, name: &str) -> Answer<()> {
        let (now, active_at) = (self.now, self.now.plus(self.transition_delay));
        let consumers = &mut self.active(stream)?.consumers;
        if consumers.contains_key(name) {
            return Err(Refusal::ResourceInUse);
        }
        let creating = consumers.values().filter(|other| other.status(now) == ConsumerStatus::Creating).count();
        if consumers.len() >= CONSUMERS_PER_STREAM_MAX || creating >= CREATING_MAX {
            return Err(Refusal::LimitExceeded);
        }
        consumers.insert(name.to_owned(), Consumer { created_at: now, active_at, gone_at: None });
        Ok(())
    }

    /// DeregisterStreamConsumer.
    ///
    /// # Errors
    /// When there is no such stream or consumer.
    pub fn deregister_stream_consumer(&mut self, stream: &str, name: &str) -> Answer<()> {
        let gone_at = self.now.plus(self.transition_delay);
        let consumer = self.stream_mut(stream)?.consumers.get_mut(name).ok_or(Refusal::ResourceNotFound)?;
        consumer.gone_at.get_or_insert(gone_at);
        self.settle();
        Ok(())
    }

    /// ListStreamConsumers, and DescribeStreamConsumer of each: names, status and time of creation.
    ///
    /// # Errors
    /// When there is no such stream.
    pub fn consumers(&self, stream: &str) -> Answer<Vec<(String, ConsumerStatus, Timestamp)>> {
        let consumers = &self.stream(stream)?.consumers;
        let shown = consumers.iter().map(|(name, it)| (name.clone(), it.status(self.now), it.created_at));
        Ok(shown.collect())
    }
}

//! Consumers in the catalog and in the snapshot. Every function here wants the caller to hold [`Stream::change`].

use base::arn::ConsumerArn;
use base::time::Timestamp;
use store::catalog::Transaction;

use crate::core::Core;
use crate::error::Answer;
use crate::rows::{ConsumerRow, TagsRow, keys};
use crate::stream::Stream;

/// Where a consumer stands at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConsumerState {
    Creating,
    Active,
    Deleting,
}

impl ConsumerState {
    #[must_use]
    pub fn of(consumer: &ConsumerRow, now: Timestamp) -> Self {
        if consumer.gone_at.is_some() {
            Self::Deleting
        } else if (consumer.created_at..consumer.active_at).contains(&now) {
            // Before its creation the clock has been set back.
            Self::Creating
        } else {
            Self::Active
        }
    }
}

#[must_use]
pub fn arn_of(stream: &Stream, consumer: &ConsumerRow) -> ConsumerArn {
    ConsumerArn {
        stream: stream.arn.clone(),
        consumer: consumer.name.clone(),
        created_seconds: consumer.created_at.seconds(),
    }
}

/// Adds a consumer, or replaces the one of its name. `tags` are stored unless there are none.
pub async fn put(core: &Core, stream: &Stream, consumer: ConsumerRow, tags: Option<TagsRow>) -> Answer<()> {
    let name = consumer.name.as_str().to_owned();
    let mut transaction = Transaction::new().put(keys::consumer(stream.incarnation, &name), consumer.encode());
    if let Some(tags) = tags {
        transaction = transaction.put(keys::tags(stream.incarnation, Some(&name)), tags.encode());
    }
    let before = stream.snapshot();
    let mut after = before.with_row(before.row.clone());
    after.consumers.retain(|other| other.name != consumer.name);
    after.consumers.push(consumer);
    after.consumers.sort_unstable_by(|a, b| a.name.cmp(&b.name));
    core.commit(stream, after, transaction).await
}

/// Removes a consumer with its tags and its policy.
pub async fn remove(core: &Core, stream: &Stream, consumer: &ConsumerRow) -> Answer<()> {
    let name = consumer.name.as_str();
    let transaction = Transaction::new()
        .delete(keys::consumer(stream.incarnation, name))
        .delete(keys::tags(stream.incarnation, Some(name)))
        .delete(keys::policy(stream.incarnation, Some(name)));
    let before = stream.snapshot();
    let mut after = before.with_row(before.row.clone());
    after.consumers.retain(|other| other.name != consumer.name);
    core.commit(stream, after, transaction).await
}

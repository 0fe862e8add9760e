//! RegisterStreamConsumer, DescribeStreamConsumer, ListStreamConsumers and DeregisterStreamConsumer.

use std::collections::BTreeMap;
use std::sync::Arc;

use api::kinesis::{
    Consumer, ConsumerDescription, ConsumerStatus, DeregisterStreamConsumerInput, DeregisterStreamConsumerOutput,
    DescribeStreamConsumerInput, DescribeStreamConsumerOutput, KinesisError, ListStreamConsumersInput,
    ListStreamConsumersOutput, RegisterStreamConsumerInput, RegisterStreamConsumerOutput,
};
use base::ByteString;
use base::arn::ConsumerArn;
use base::caller::Caller;
use base::ids::ConsumerName;
use base::limits::CONSUMERS_PER_STREAM_MAX;
use base::time::Timestamp;

use super::account::has_commitment;
use super::{page_size, stream_named};
use crate::core::Core;
use crate::error::{self, Answer};
use crate::registration::{self, ConsumerState, arn_of};
use crate::rows::{ConsumerRow, TagsRow};
use crate::seal::TokenKind;
use crate::stream::Stream;
use crate::tags;
use crate::tokens::NamePageToken;

/// Consumers of a stream whose account has made a throughput commitment.
const CONSUMERS_COMMITTED_MAX: usize = 50;
/// Consumers of a stream that may be CREATING at a time.
const CREATING_MAX: usize = 5;
/// Consumers on one page unless fewer are wanted.
const PAGE: usize = 100;

fn status(consumer: &ConsumerRow, now: Timestamp) -> ConsumerStatus {
    match ConsumerState::of(consumer, now) {
        ConsumerState::Creating => ConsumerStatus::Creating,
        ConsumerState::Active => ConsumerStatus::Active,
        ConsumerState::Deleting => ConsumerStatus::Deleting,
    }
}

fn shape(stream: &Stream, consumer: &ConsumerRow, now: Timestamp) -> Consumer {
    Consumer {
        consumer_name: consumer.name.text(),
        consumer_arn: ByteString::from(arn_of(stream, consumer).to_string()),
        consumer_status: status(consumer, now),
        consumer_creation_timestamp: consumer.created_at,
    }
}

pub async fn register(
    core: &Core,
    caller: &Caller,
    input: RegisterStreamConsumerInput,
) -> Answer<RegisterStreamConsumerOutput> {
    const OPERATION: &str = "RegisterStreamConsumer";
    core.admit_call(caller, OPERATION, 5, stream_named(None, Some(&input.stream_arn)))?;
    let stream = core.resolve(caller, OPERATION, None, Some(&input.stream_arn))?;
    let name = ConsumerName::new(input.consumer_name)
        .map_err(|invalid| KinesisError::invalid_argument(invalid.to_string()))?;
    let mut tags = BTreeMap::new();
    tags::add(&mut tags, &input.tags.unwrap_or_default()).map_err(error::tags)?;
    let _change = stream.change.lock().await;
    let snapshot = core.active(&stream)?;
    if snapshot.consumer(name.as_str()).is_some() {
        return Err(error::consumer_exists(&stream.arn, name.as_str()));
    }
    let now = core.now();
    let max = if has_commitment(core, caller).await? { CONSUMERS_COMMITTED_MAX } else { CONSUMERS_PER_STREAM_MAX };
    if snapshot.consumers.len() >= max {
        return Err(error::too_many_consumers(&stream.arn, max));
    }
    let creating = snapshot.consumers.iter().filter(|other| ConsumerState::of(other, now) == ConsumerState::Creating);
    if creating.count() >= CREATING_MAX {
        return Err(error::too_many_creating("consumers", CREATING_MAX));
    }
    let consumer =
        ConsumerRow { name, created_at: now, active_at: now.plus(core.settings.transition_delay), gone_at: None };
    let mut answer = shape(&stream, &consumer, now);
    // Whoever registers a consumer waits for it to become active in any case.
    answer.consumer_status = ConsumerStatus::Creating;
    let tags = (!tags.is_empty()).then_some(TagsRow(tags));
    registration::put(core, &stream, consumer, tags).await?;
    Ok(RegisterStreamConsumerOutput { consumer: answer })
}

/// A consumer that is named by its ARN, or by its stream and its name.
fn find(
    core: &Core,
    caller: &Caller,
    operation: &'static str,
    (stream_arn, name, arn): (Option<&ByteString>, Option<&ByteString>, Option<&ByteString>),
) -> Answer<(Arc<Stream>, ConsumerRow)> {
    if let Some(arn) = arn {
        let parsed: ConsumerArn =
            arn.parse().map_err(|_| KinesisError::invalid_argument(format!("Invalid ConsumerARN: {arn}")))?;
        let text = ByteString::from(parsed.stream.to_string());
        let stream = core.resolve(caller, operation, None, Some(&text))?;
        let is_named = name.is_none_or(|name| **name == *parsed.consumer.as_str());
        if !is_named || !stream.is_named_by(stream_arn.map(|arn| &**arn)) {
            return Err(KinesisError::invalid_argument(
                "ConsumerARN, StreamARN and ConsumerName do not name the same consumer.",
            ));
        }
        let found = stream.snapshot().consumer(parsed.consumer.as_str()).cloned();
        let found = found.filter(|consumer| consumer.created_at.seconds() == parsed.created_seconds);
        let found = found.ok_or_else(|| error::consumer_not_found(&stream.arn, parsed.consumer.as_str()))?;
        return Ok((stream, found));
    }
    let (Some(stream_arn), Some(name)) = (stream_arn, name) else {
        return Err(KinesisError::invalid_argument(
            "Either ConsumerARN or both StreamARN and ConsumerName should be provided.",
        ));
    };
    let stream = core.resolve(caller, operation, None, Some(stream_arn))?;
    let found = stream.snapshot().consumer(name).cloned();
    let found = found.ok_or_else(|| error::consumer_not_found(&stream.arn, name))?;
    Ok((stream, found))
}

pub fn describe(
    core: &Core,
    caller: &Caller,
    input: &DescribeStreamConsumerInput,
) -> Answer<DescribeStreamConsumerOutput> {
    const OPERATION: &str = "DescribeStreamConsumer";
    let stream = stream_named(None, input.consumer_arn.as_ref().or(input.stream_arn.as_ref()));
    core.admit_call(caller, OPERATION, 20, stream)?;
    let names = (input.stream_arn.as_ref(), input.consumer_name.as_ref(), input.consumer_arn.as_ref());
    let (stream, consumer) = find(core, caller, OPERATION, names)?;
    let Consumer { consumer_name, consumer_arn, consumer_status, consumer_creation_timestamp } =
        shape(&stream, &consumer, core.now());
    Ok(DescribeStreamConsumerOutput {
        consumer_description: ConsumerDescription {
            consumer_name,
            consumer_arn,
            consumer_status,
            consumer_creation_timestamp,
            stream_arn: stream.arn_text.clone(),
        },
    })
}

pub fn list(core: &Core, caller: &Caller, input: &ListStreamConsumersInput) -> Answer<ListStreamConsumersOutput> {
    const OPERATION: &str = "ListStreamConsumers";
    core.admit_call(caller, OPERATION, 5, stream_named(None, Some(&input.stream_arn)))?;
    let stream = core.resolve(caller, OPERATION, None, Some(&input.stream_arn))?;
    if input.next_token.is_some() && input.stream_creation_timestamp.is_some() {
        return Err(KinesisError::invalid_argument(
            "NextToken and StreamCreationTimestamp cannot be provided together.",
        ));
    }
    let now = core.now();
    let snapshot = stream.snapshot();
    if input.stream_creation_timestamp.is_some_and(|at| at.seconds() != snapshot.row.created_at.seconds()) {
        return Err(error::stream_not_found(&stream.arn));
    }
    // Consumers of another incarnation must not be mixed in.
    let owner = format!("{}/{}", stream.arn, stream.incarnation);
    let after = match &input.next_token {
        Some(token) => {
            let page =
                NamePageToken::open(&core.seal, TokenKind::ConsumerPage, token, now).map_err(error::next_token)?;
            if page.owner != owner {
                return Err(error::invalid_next_token());
            }
            Some(page.after)
        }
        None => None,
    };
    let mut listed = snapshot
        .consumers
        .iter()
        .filter(|consumer| after.as_deref().is_none_or(|after| consumer.name.as_str() > after));
    let page: Vec<&ConsumerRow> = listed.by_ref().take(page_size(input.max_results, PAGE)).collect();
    let next_token = listed.next().and(page.last()).map(|last| {
        NamePageToken { owner, after: last.name.to_string() }.seal(&core.seal, TokenKind::ConsumerPage, now)
    });
    let consumers = page.into_iter().map(|consumer| shape(&stream, consumer, now)).collect();
    Ok(ListStreamConsumersOutput { consumers: Some(consumers), next_token })
}

pub async fn deregister(
    core: &Core,
    caller: &Caller,
    input: DeregisterStreamConsumerInput,
) -> Answer<DeregisterStreamConsumerOutput> {
    const OPERATION: &str = "DeregisterStreamConsumer";
    let stream = stream_named(None, input.consumer_arn.as_ref().or(input.stream_arn.as_ref()));
    core.admit_call(caller, OPERATION, 5, stream)?;
    let names = (input.stream_arn.as_ref(), input.consumer_name.as_ref(), input.consumer_arn.as_ref());
    let (stream, found) = find(core, caller, OPERATION, names)?;
    let _change = stream.change.lock().await;
    let snapshot = core.existing(&stream)?;
    let consumer = snapshot.consumer(found.name.as_str()).filter(|consumer| **consumer == found);
    let consumer = consumer.ok_or_else(|| error::consumer_not_found(&stream.arn, found.name.as_str()))?;
    let delay = core.settings.transition_delay;
    if delay.is_zero() {
        registration::remove(core, &stream, consumer).await?;
    } else if consumer.gone_at.is_none() {
        let gone = ConsumerRow { gone_at: Some(core.now().plus(delay)), ..consumer.clone() };
        registration::put(core, &stream, gone, None).await?;
    }
    Ok(DeregisterStreamConsumerOutput {})
}

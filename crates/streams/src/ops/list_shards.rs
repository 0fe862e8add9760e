//! ListShards.

use std::sync::Arc;

use api::kinesis::{KinesisError, ListShardsInput, ListShardsOutput, ShardFilterType};
use base::caller::Caller;
use base::ids::ShardIndex;
use base::time::Timestamp;

use super::{page_size, shapes, stream_named};
use crate::core::Core;
use crate::error::{self, Answer};
use crate::shard_filter::ShardFilter;
use crate::stream::Stream;
use crate::tokens::ShardPageToken;
use crate::transition::Status;

const OPERATION: &str = "ListShards";
/// Shards on one page unless fewer are wanted.
const PAGE: usize = 1000;
/// Calls per second.
const CALLS: usize = 1000;

/// The shards that a page shows.
struct Page {
    stream: Arc<Stream>,
    filter: ShardFilter,
    after: Option<ShardIndex>,
}

pub fn list_shards(core: &Core, caller: &Caller, input: &ListShardsInput) -> Answer<ListShardsOutput> {
    core.admit_call(caller, OPERATION, CALLS, stream_named(input.stream_name.as_ref(), input.stream_arn.as_ref()))?;
    let page = match &input.next_token {
        Some(token) => next_page(core, caller, input, token)?,
        None => first_page(core, caller, input)?,
    };
    let snapshot = page.stream.snapshot();
    match snapshot.row.status {
        Status::Active | Status::Updating => {}
        status @ (Status::Creating | Status::Deleting) => {
            return Err(error::stream_not_active(&page.stream.arn, status));
        }
    }
    let now = core.now();
    let horizon = snapshot.horizon(now);
    let oldest_shards_at = horizon.max(snapshot.row.created_at);
    let mut listed = snapshot
        .shards
        .iter()
        .filter(|shard| !shard.is_expired(horizon) && page.filter.admits(&shard.row, oldest_shards_at))
        .filter(|shard| page.after.is_none_or(|after| shard.row.index > after));
    let shards: Vec<_> = listed.by_ref().take(page_size(input.max_results, PAGE)).collect();
    let next_token = listed.next().and(shards.last()).map(|last| {
        // Not before any shard was opened, even if the clock went back.
        let moment = snapshot.shards.iter().map(|shard| shard.row.opened_at).fold(now, Timestamp::max);
        let filter = page.filter.pinned(moment);
        let token = ShardPageToken { incarnation: page.stream.incarnation, after: last.row.index, filter };
        token.seal(&core.seal, now)
    });
    Ok(ListShardsOutput { shards: Some(shards.iter().map(|shard| shapes::shard(&shard.row)).collect()), next_token })
}

fn next_page(core: &Core, caller: &Caller, input: &ListShardsInput, token: &str) -> Answer<Page> {
    // Clients that know the ARN send it with every page.
    let unwanted = [
        ("StreamName", input.stream_name.is_some()),
        ("ExclusiveStartShardId", input.exclusive_start_shard_id.is_some()),
        ("StreamCreationTimestamp", input.stream_creation_timestamp.is_some()),
        ("ShardFilter", input.shard_filter.is_some()),
    ];
    if let Some((name, _)) = unwanted.iter().find(|(_, given)| *given) {
        return Err(KinesisError::invalid_argument(format!("NextToken and {name} cannot be provided together.")));
    }
    let token = ShardPageToken::open(&core.seal, token, core.now()).map_err(error::next_token)?;
    let stream = core.registry.find_incarnation(token.incarnation).ok_or_else(error::invalid_next_token)?;
    core.check_owner(caller, OPERATION, &stream.arn, &stream.arn_text)?;
    if !stream.is_named_by(input.stream_arn.as_deref()) {
        return Err(KinesisError::invalid_argument("StreamARN and NextToken do not name the same stream."));
    }
    Ok(Page { stream, filter: token.filter, after: Some(token.after) })
}

fn first_page(core: &Core, caller: &Caller, input: &ListShardsInput) -> Answer<Page> {
    if input.stream_name.is_none() && input.stream_arn.is_none() {
        return Err(KinesisError::invalid_argument("Either NextToken or StreamName should be provided."));
    }
    let stream = core.resolve(caller, OPERATION, input.stream_name.as_ref(), input.stream_arn.as_ref())?;
    if let Some(created) = input.stream_creation_timestamp {
        // Clients send whole seconds.
        if created.seconds() != stream.snapshot().row.created_at.seconds() {
            return Err(error::stream_not_found(&stream.arn));
        }
    }
    let after = match &input.exclusive_start_shard_id {
        Some(id) => Some(parse_shard(&stream, id)?),
        None => None,
    };
    let filter = filter(core, input, &stream)?;
    Ok(Page { stream, filter, after })
}

fn parse_shard(stream: &Stream, id: &str) -> Answer<ShardIndex> {
    id.parse().map_err(|_| error::could_not_find_shard(&stream.arn, id))
}

fn filter(core: &Core, input: &ListShardsInput, stream: &Stream) -> Answer<ShardFilter> {
    let Some(filter) = &input.shard_filter else { return Ok(ShardFilter::FromTrimHorizon) };
    let time = || {
        let at = filter.timestamp.ok_or_else(|| {
            KinesisError::invalid_argument(format!(
                "Timestamp must be provided in ShardFilter when ShardFilterType is {}.",
                filter.r#type
            ))
        })?;
        if at > core.now() {
            return Err(KinesisError::invalid_argument(format!(
                "The timestampInMillis parameter cannot be greater than the currentTimestampInMillis. \
                 timestampInMillis: {at}, currentTimestampInMillis: {}",
                core.now()
            )));
        }
        Ok(at)
    };
    Ok(match &filter.r#type {
        ShardFilterType::AfterShardId => {
            let id = filter.shard_id.as_deref().ok_or_else(|| {
                KinesisError::invalid_argument(
                    "ShardId must be provided in ShardFilter when ShardFilterType is AFTER_SHARD_ID.",
                )
            })?;
            ShardFilter::AfterShard(parse_shard(stream, id)?)
        }
        ShardFilterType::AtTrimHorizon => ShardFilter::AtTrimHorizon,
        ShardFilterType::AtLatest => ShardFilter::AtLatest,
        ShardFilterType::AtTimestamp => ShardFilter::AtTimestamp(time()?),
        ShardFilterType::FromTimestamp => ShardFilter::FromTimestamp(time()?),
        ShardFilterType::FromTrimHorizon | ShardFilterType::Unknown(_) => ShardFilter::FromTrimHorizon,
    })
}

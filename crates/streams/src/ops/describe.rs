//! DescribeStream, DescribeStreamSummary, ListStreams and DescribeLimits.

use api::kinesis::{
    DescribeLimitsInput, DescribeLimitsOutput, DescribeStreamInput, DescribeStreamOutput, DescribeStreamSummaryInput,
    DescribeStreamSummaryOutput, KinesisError, ListStreamsInput, ListStreamsOutput, RecordDistributionStrategy,
    StreamDescription, StreamDescriptionSummary, StreamSummary,
};
use base::ByteString;
use base::caller::Caller;
use base::ids::ShardIndex;

use super::{account_use, page_size, shapes, stream_named};
use crate::core::Core;
use crate::error::{self, Answer};
use crate::seal::TokenKind;
use crate::stream::Snapshot;
use crate::tokens::NamePageToken;
use crate::transition::{Distribution, Status};

/// Entries on one page unless fewer are wanted.
const PAGE: usize = 100;

pub fn describe_stream(core: &Core, caller: &Caller, input: &DescribeStreamInput) -> Answer<DescribeStreamOutput> {
    core.admit_call(caller, "DescribeStream", 10, stream_named(input.stream_name.as_ref(), input.stream_arn.as_ref()))?;
    let stream = core.resolve(caller, "DescribeStream", input.stream_name.as_ref(), input.stream_arn.as_ref())?;
    let after: Option<ShardIndex> = match &input.exclusive_start_shard_id {
        Some(id) => Some(id.parse().map_err(|_| error::could_not_find_shard(&stream.arn, id))?),
        None => None,
    };
    let snapshot = stream.snapshot();
    let horizon = snapshot.horizon(core.now());
    let is_listed = snapshot.row.status != Status::Creating;
    let mut shards = snapshot
        .shards
        .iter()
        .filter(|shard| is_listed && !shard.is_expired(horizon))
        .filter(|shard| after.is_none_or(|after| shard.row.index > after));
    let page = shards.by_ref().take(page_size(input.limit, PAGE)).map(|shard| shapes::shard(&shard.row)).collect();
    let row = &snapshot.row;
    Ok(DescribeStreamOutput {
        stream_description: StreamDescription {
            stream_name: stream.arn.stream.text(),
            stream_arn: stream.arn_text.clone(),
            stream_status: shapes::status(row.status),
            stream_mode_details: Some(shapes::mode(row.mode)),
            shards: page,
            has_more_shards: shards.next().is_some(),
            retention_period_hours: row.retention_hours as i32,
            stream_creation_timestamp: row.created_at,
            enhanced_monitoring: shapes::enhanced_monitoring(row),
            encryption_type: Some(shapes::encryption(row)),
            key_id: shapes::key_id(row),
        },
    })
}

pub fn describe_stream_summary(
    core: &Core,
    caller: &Caller,
    input: &DescribeStreamSummaryInput,
) -> Answer<DescribeStreamSummaryOutput> {
    core.admit_call(
        caller,
        "DescribeStreamSummary",
        20,
        stream_named(input.stream_name.as_ref(), input.stream_arn.as_ref()),
    )?;
    let stream =
        core.resolve(caller, "DescribeStreamSummary", input.stream_name.as_ref(), input.stream_arn.as_ref())?;
    let snapshot = stream.snapshot();
    let row = &snapshot.row;
    let open = open_shard_count(&snapshot);
    let distribution = row.distribution.map(|distribution| match distribution {
        Distribution::Auto => RecordDistributionStrategy::Auto,
        Distribution::UserPartitionKey => RecordDistributionStrategy::UserPartitionKey,
    });
    Ok(DescribeStreamSummaryOutput {
        stream_description_summary: StreamDescriptionSummary {
            stream_name: stream.arn.stream.text(),
            stream_arn: stream.arn_text.clone(),
            // Never sent: clients that send it back no longer use the endpoint they were given.
            stream_id: None,
            stream_status: shapes::status(row.status),
            stream_mode_details: Some(shapes::mode(row.mode)),
            retention_period_hours: row.retention_hours as i32,
            stream_creation_timestamp: row.created_at,
            enhanced_monitoring: shapes::enhanced_monitoring(row),
            encryption_type: Some(shapes::encryption(row)),
            key_id: shapes::key_id(row),
            open_shard_count: open as i32,
            consumer_count: Some(snapshot.consumers.len() as i32),
            warm_throughput: shapes::warm_throughput(row, open),
            max_record_size_in_kib: Some(row.record_kib_max as i32),
            channel_count: None,
            record_distribution_strategy: distribution,
            queue_count: None,
        },
    })
}

fn open_shard_count(snapshot: &Snapshot) -> usize {
    if snapshot.row.status == Status::Creating { 0 } else { snapshot.open.len() }
}

pub fn list_streams(core: &Core, caller: &Caller, input: &ListStreamsInput) -> Answer<ListStreamsOutput> {
    core.admit_call(caller, "ListStreams", 5, None)?;
    let now = core.now();
    let owner = format!("{}/{}", caller.account, caller.region);
    let after = match (&input.next_token, &input.exclusive_start_stream_name) {
        (Some(_), Some(_)) => {
            return Err(KinesisError::invalid_argument(
                "NextToken and ExclusiveStartStreamName cannot be provided together.",
            ));
        }
        (Some(token), None) => {
            let page = NamePageToken::open(&core.seal, TokenKind::StreamPage, token, now).map_err(error::next_token)?;
            if page.owner != owner {
                return Err(error::invalid_next_token());
            }
            Some(page.after)
        }
        (None, name) => name.as_ref().map(ToString::to_string),
    };
    let mut streams = core.registry.of(&caller.account, &caller.region);
    streams.retain(|stream| after.as_deref().is_none_or(|after| stream.arn.stream.as_str() > after));
    streams.sort_unstable_by(|a, b| a.arn.stream.cmp(&b.arn.stream));
    let wanted = page_size(input.limit, PAGE);
    let has_more_streams = streams.len() > wanted;
    streams.truncate(wanted);
    let next_token = streams.last().filter(|_| has_more_streams).map(|last| {
        NamePageToken { owner, after: last.arn.stream.to_string() }.seal(&core.seal, TokenKind::StreamPage, now)
    });
    let stream_names: Vec<ByteString> = streams.iter().map(|stream| stream.arn.stream.text()).collect();
    let summaries = streams.iter().map(|stream| {
        let row = &stream.snapshot().row;
        StreamSummary {
            stream_name: stream.arn.stream.text(),
            stream_arn: stream.arn_text.clone(),
            stream_status: shapes::status(row.status),
            stream_mode_details: Some(shapes::mode(row.mode)),
            stream_creation_timestamp: Some(row.created_at),
        }
    });
    let stream_summaries = Some(summaries.collect());
    Ok(ListStreamsOutput { stream_names, has_more_streams, next_token, stream_summaries })
}

pub fn describe_limits(core: &Core, caller: &Caller, _: &DescribeLimitsInput) -> Answer<DescribeLimitsOutput> {
    core.admit_call(caller, "DescribeLimits", 1, None)?;
    let count = |count: usize| i32::try_from(count).unwrap_or(i32::MAX);
    Ok(DescribeLimitsOutput {
        shard_limit: count(core.settings.shard_limit_per_account as usize),
        open_shard_count: count(account_use::open_shards(core, caller)),
        on_demand_stream_count: count(account_use::on_demand_streams(core, caller)),
        on_demand_stream_count_limit: count(core.settings.on_demand_stream_limit as usize),
        channel_count: None,
        channel_count_limit: None,
    })
}

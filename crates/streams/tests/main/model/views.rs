//! What the service says of itself, in the words of the model.

use std::collections::BTreeMap;

use api::kinesis::*;
use base::ByteString;
use base::time::Timestamp;
use testkit::model;

use super::server::{Served, Server, count, name_of, parsed, range};

/// Pages of one list.
const PAGES_MAX: usize = 1000;

impl Server {
    pub async fn summary(&self, name: &str) -> Served<model::Summary> {
        let input = DescribeStreamSummaryInput { stream_name: Some(name.into()), ..Default::default() };
        let output = self.service().describe_stream_summary(self.caller(), input).await.map_err(name_of)?;
        let summary = output.stream_description_summary;
        let encryption = summary.encryption_type.expect("a type");
        assert_eq!(encryption == EncryptionType::Kms, summary.key_id.is_some());
        Ok(model::Summary {
            status: status(&summary.stream_status),
            created_at: summary.stream_creation_timestamp,
            retention_hours: u32::try_from(summary.retention_period_hours).expect("hours"),
            key_id: summary.key_id.map(|key| key.to_string()),
            open_shards: count(Some(summary.open_shard_count)),
            consumers: count(summary.consumer_count),
        })
    }

    pub async fn streams(&self) -> Vec<(String, model::Status)> {
        let mut all = Vec::new();
        let mut next_token = None;
        for _ in 0..PAGES_MAX {
            let input = ListStreamsInput { limit: Some(2), next_token, ..ListStreamsInput::default() };
            let output = self.service().list_streams(self.caller(), input).await.expect("a list");
            let summaries = output.stream_summaries.expect("summaries");
            all.extend(summaries.iter().map(|it| (it.stream_name.to_string(), status(&it.stream_status))));
            next_token = output.next_token;
            assert_eq!(next_token.is_some(), output.has_more_streams);
            if next_token.is_none() {
                return all;
            }
        }
        panic!("the list has no end")
    }

    /// All pages, of so many shards each.
    pub async fn list_shards(&self, name: &str, filter: model::Filter, page: i32) -> Served<Vec<model::ShardView>> {
        let mut input = ListShardsInput {
            stream_name: Some(name.into()),
            shard_filter: Some(shard_filter(filter)),
            max_results: Some(page),
            ..ListShardsInput::default()
        };
        let mut all = Vec::new();
        for _ in 0..PAGES_MAX {
            let output = self.service().list_shards(self.caller(), input).await.map_err(name_of)?;
            all.extend(output.shards.expect("shards").iter().map(shard_view));
            let Some(next_token) = output.next_token else { return Ok(all) };
            input = ListShardsInput { next_token: Some(next_token), max_results: Some(page), ..Default::default() };
        }
        panic!("the list has no end")
    }

    /// Listed, and each described: both must say the same.
    pub async fn consumers(&self, stream: &str) -> Served<Vec<(String, model::ConsumerStatus, Timestamp)>> {
        let arn = self.arn(stream);
        let mut all = Vec::new();
        let mut next_token = None;
        for _ in 0..PAGES_MAX {
            let max_results = Some(2);
            let input =
                ListStreamConsumersInput { stream_arn: arn.clone(), max_results, next_token, ..Default::default() };
            let output = self.service().list_stream_consumers(self.caller(), input).await.map_err(name_of)?;
            for listed in output.consumers.expect("consumers") {
                all.push(self.described(&arn, &listed).await);
            }
            next_token = output.next_token;
            if next_token.is_none() {
                return Ok(all);
            }
        }
        panic!("the list has no end")
    }

    async fn described(&self, stream: &ByteString, listed: &Consumer) -> (String, model::ConsumerStatus, Timestamp) {
        let (stream_arn, consumer_name) = (Some(stream.clone()), Some(listed.consumer_name.clone()));
        let input = DescribeStreamConsumerInput { stream_arn, consumer_name, ..Default::default() };
        let output = self.service().describe_stream_consumer(self.caller(), input).await.expect("it is listed");
        let described = output.consumer_description;
        assert_eq!(described.consumer_arn, listed.consumer_arn);
        assert_eq!(described.consumer_status, listed.consumer_status);
        let status = match described.consumer_status {
            ConsumerStatus::Creating => model::ConsumerStatus::Creating,
            ConsumerStatus::Active => model::ConsumerStatus::Active,
            ConsumerStatus::Deleting => model::ConsumerStatus::Deleting,
            ConsumerStatus::Unknown(other) => panic!("no status: {other}"),
        };
        (described.consumer_name.to_string(), status, described.consumer_creation_timestamp)
    }

    pub async fn tags(&self, name: &str) -> Served<BTreeMap<String, String>> {
        let mut all = BTreeMap::new();
        let mut exclusive_start_tag_key = None;
        for _ in 0..PAGES_MAX {
            let (stream_name, limit) = (Some(name.into()), Some(2));
            let input = ListTagsForStreamInput { stream_name, limit, exclusive_start_tag_key, ..Default::default() };
            let output = self.service().list_tags_for_stream(self.caller(), input).await.map_err(name_of)?;
            exclusive_start_tag_key = output.tags.last().map(|tag| tag.key.clone());
            let tags = output.tags.into_iter();
            all.extend(tags.map(|tag| (tag.key.to_string(), tag.value.unwrap_or_default().to_string())));
            if !output.has_more_tags {
                return Ok(all);
            }
        }
        panic!("the list has no end")
    }
}

fn status(status: &StreamStatus) -> model::Status {
    match status {
        StreamStatus::Creating => model::Status::Creating,
        StreamStatus::Active => model::Status::Active,
        StreamStatus::Updating => model::Status::Updating,
        StreamStatus::Deleting => model::Status::Deleting,
        StreamStatus::Unknown(other) => panic!("no status: {other}"),
    }
}

fn shard_filter(filter: model::Filter) -> ShardFilter {
    use ShardFilterType as Type;
    let (r#type, shard, timestamp) = match filter {
        model::Filter::FromTrimHorizon => (Type::FromTrimHorizon, None, None),
        model::Filter::AtTrimHorizon => (Type::AtTrimHorizon, None, None),
        model::Filter::AtLatest => (Type::AtLatest, None, None),
        model::Filter::AfterShard(shard) => (Type::AfterShardId, Some(shard), None),
        model::Filter::AtTimestamp(at) => (Type::AtTimestamp, None, Some(at)),
        model::Filter::FromTimestamp(at) => (Type::FromTimestamp, None, Some(at)),
    };
    ShardFilter { r#type, shard_id: shard.map(|shard| shard.to_string().into()), timestamp }
}

fn shard_view(shard: &Shard) -> model::ShardView {
    let numbers = &shard.sequence_number_range;
    model::ShardView {
        index: parsed(&shard.shard_id),
        parent: shard.parent_shard_id.as_deref().map(parsed),
        adjacent_parent: shard.adjacent_parent_shard_id.as_deref().map(parsed),
        range: range(&shard.hash_key_range),
        starting_number: parsed(&numbers.starting_sequence_number),
        ending_number: numbers.ending_sequence_number.as_deref().map(parsed),
    }
}

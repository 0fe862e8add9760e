//! The operations as the API's trait has them. Everything is in `ops`; this file only names who answers what.

use api::EventStream;
use api::kinesis::*;
use base::BoxFuture;
use base::caller::Caller;

use crate::Streams;
use crate::ops::*;

/// Operations that wait for the log or the catalog.
macro_rules! waits {
    ($($operation:ident($input:ident) -> $output:ty = $($path:ident)::+;)*) => {
        $(fn $operation<'a>(
            &'a self,
            caller: &'a Caller,
            input: $input,
        ) -> BoxFuture<'a, Result<$output, KinesisError>> {
            Box::pin($($path)::+(&self.core, caller, input))
        })*
    };
}

/// Operations that answer from memory.
macro_rules! answers {
    ($($operation:ident($input:ident) -> $output:ty = $($path:ident)::+;)*) => {
        $(fn $operation<'a>(
            &'a self,
            caller: &'a Caller,
            input: $input,
        ) -> BoxFuture<'a, Result<$output, KinesisError>> {
            Box::pin(async move { $($path)::+(&self.core, caller, &input) })
        })*
    };
}

impl Kinesis for Streams {
    waits! {
        put_record(PutRecordInput) -> PutRecordOutput = put::put_record;
        put_records(PutRecordsInput) -> PutRecordsOutput = put::put_records;
        get_shard_iterator(GetShardIteratorInput) -> GetShardIteratorOutput = read::get_shard_iterator;
        get_records(GetRecordsInput) -> GetRecordsOutput = read::get_records;
        subscribe_to_shard(SubscribeToShardInput) -> EventStream<SubscribeToShardEvent, KinesisError> = subscribe::subscribe;
        add_tags_to_stream(AddTagsToStreamInput) -> AddTagsToStreamOutput = tags::add_to_stream;
        create_stream(CreateStreamInput) -> CreateStreamOutput = lifecycle::create_stream;
        decrease_stream_retention_period(DecreaseStreamRetentionPeriodInput) -> DecreaseStreamRetentionPeriodOutput = retention::decrease;
        delete_resource_policy(DeleteResourcePolicyInput) -> DeleteResourcePolicyOutput = policies::delete;
        delete_stream(DeleteStreamInput) -> DeleteStreamOutput = lifecycle::delete_stream;
        deregister_stream_consumer(DeregisterStreamConsumerInput) -> DeregisterStreamConsumerOutput = consumers::deregister;
        describe_account_settings(DescribeAccountSettingsInput) -> DescribeAccountSettingsOutput = account::describe;
        disable_enhanced_monitoring(DisableEnhancedMonitoringInput) -> DisableEnhancedMonitoringOutput = monitoring::disable;
        enable_enhanced_monitoring(EnableEnhancedMonitoringInput) -> EnableEnhancedMonitoringOutput = monitoring::enable;
        get_resource_policy(GetResourcePolicyInput) -> GetResourcePolicyOutput = policies::get;
        increase_stream_retention_period(IncreaseStreamRetentionPeriodInput) -> IncreaseStreamRetentionPeriodOutput = retention::increase;
        list_tags_for_resource(ListTagsForResourceInput) -> ListTagsForResourceOutput = tags::list_for_resource;
        list_tags_for_stream(ListTagsForStreamInput) -> ListTagsForStreamOutput = tags::list_for_stream;
        merge_shards(MergeShardsInput) -> MergeShardsOutput = reshard::merge_shards;
        put_resource_policy(PutResourcePolicyInput) -> PutResourcePolicyOutput = policies::put;
        register_stream_consumer(RegisterStreamConsumerInput) -> RegisterStreamConsumerOutput = consumers::register;
        remove_tags_from_stream(RemoveTagsFromStreamInput) -> RemoveTagsFromStreamOutput = tags::remove_from_stream;
        split_shard(SplitShardInput) -> SplitShardOutput = reshard::split_shard;
        start_stream_encryption(StartStreamEncryptionInput) -> StartStreamEncryptionOutput = encryption::start;
        stop_stream_encryption(StopStreamEncryptionInput) -> StopStreamEncryptionOutput = encryption::stop;
        tag_resource(TagResourceInput) -> TagResourceOutput = tags::tag_resource;
        untag_resource(UntagResourceInput) -> UntagResourceOutput = tags::untag_resource;
        update_account_settings(UpdateAccountSettingsInput) -> UpdateAccountSettingsOutput = account::update;
        update_max_record_size(UpdateMaxRecordSizeInput) -> UpdateMaxRecordSizeOutput = capacity::update_max_record_size;
        update_shard_count(UpdateShardCountInput) -> UpdateShardCountOutput = reshard::update_shard_count;
        update_stream_mode(UpdateStreamModeInput) -> UpdateStreamModeOutput = capacity::update_mode;
        update_stream_warm_throughput(UpdateStreamWarmThroughputInput) -> UpdateStreamWarmThroughputOutput = capacity::update_warm_throughput;
    }

    answers! {
        describe_limits(DescribeLimitsInput) -> DescribeLimitsOutput = describe::describe_limits;
        describe_stream(DescribeStreamInput) -> DescribeStreamOutput = describe::describe_stream;
        describe_stream_consumer(DescribeStreamConsumerInput) -> DescribeStreamConsumerOutput = consumers::describe;
        describe_stream_summary(DescribeStreamSummaryInput) -> DescribeStreamSummaryOutput = describe::describe_stream_summary;
        list_shards(ListShardsInput) -> ListShardsOutput = list_shards::list_shards;
        list_stream_consumers(ListStreamConsumersInput) -> ListStreamConsumersOutput = consumers::list;
        list_streams(ListStreamsInput) -> ListStreamsOutput = describe::list_streams;
    }
}

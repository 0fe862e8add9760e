//! Kinesis Data Streams.

use api::EventStream;
#[allow(clippy::wildcard_imports, reason = "the trait names every shape of the API")]
use api::kinesis::*;
use base::BoxFuture;
use base::caller::Caller;

use crate::service::service_client;

service_client! {
    /// A signed client of Kinesis Data Streams at one server, region and access key. Clones share connections.
    KinesisClient implements Kinesis of SERVICE, fails with KinesisError::internal_failure;
    {
        fn subscribe_to_shard<'a>(
            &'a self,
            _caller: &'a Caller,
            input: SubscribeToShardInput,
        ) -> BoxFuture<'a, Result<EventStream<SubscribeToShardEvent, KinesisError>, KinesisError>> {
            Box::pin(self.transport.subscribe(input))
        }
    }
    add_tags_to_stream "AddTagsToStream" AddTagsToStreamInput AddTagsToStreamOutput;
    create_stream "CreateStream" CreateStreamInput CreateStreamOutput;
    decrease_stream_retention_period "DecreaseStreamRetentionPeriod" DecreaseStreamRetentionPeriodInput DecreaseStreamRetentionPeriodOutput;
    delete_resource_policy "DeleteResourcePolicy" DeleteResourcePolicyInput DeleteResourcePolicyOutput;
    delete_stream "DeleteStream" DeleteStreamInput DeleteStreamOutput;
    deregister_stream_consumer "DeregisterStreamConsumer" DeregisterStreamConsumerInput DeregisterStreamConsumerOutput;
    describe_account_settings "DescribeAccountSettings" DescribeAccountSettingsInput DescribeAccountSettingsOutput;
    describe_limits "DescribeLimits" DescribeLimitsInput DescribeLimitsOutput;
    describe_stream "DescribeStream" DescribeStreamInput DescribeStreamOutput;
    describe_stream_consumer "DescribeStreamConsumer" DescribeStreamConsumerInput DescribeStreamConsumerOutput;
    describe_stream_summary "DescribeStreamSummary" DescribeStreamSummaryInput DescribeStreamSummaryOutput;
    disable_enhanced_monitoring "DisableEnhancedMonitoring" DisableEnhancedMonitoringInput DisableEnhancedMonitoringOutput;
    enable_enhanced_monitoring "EnableEnhancedMonitoring" EnableEnhancedMonitoringInput EnableEnhancedMonitoringOutput;
    get_records "GetRecords" GetRecordsInput GetRecordsOutput;
    get_resource_policy "GetResourcePolicy" GetResourcePolicyInput GetResourcePolicyOutput;
    get_shard_iterator "GetShardIterator" GetShardIteratorInput GetShardIteratorOutput;
    increase_stream_retention_period "IncreaseStreamRetentionPeriod" IncreaseStreamRetentionPeriodInput IncreaseStreamRetentionPeriodOutput;
    list_shards "ListShards" ListShardsInput ListShardsOutput;
    list_stream_consumers "ListStreamConsumers" ListStreamConsumersInput ListStreamConsumersOutput;
    list_streams "ListStreams" ListStreamsInput ListStreamsOutput;
    list_tags_for_resource "ListTagsForResource" ListTagsForResourceInput ListTagsForResourceOutput;
    list_tags_for_stream "ListTagsForStream" ListTagsForStreamInput ListTagsForStreamOutput;
    merge_shards "MergeShards" MergeShardsInput MergeShardsOutput;
    put_record "PutRecord" PutRecordInput PutRecordOutput;
    put_records "PutRecords" PutRecordsInput PutRecordsOutput;
    put_resource_policy "PutResourcePolicy" PutResourcePolicyInput PutResourcePolicyOutput;
    register_stream_consumer "RegisterStreamConsumer" RegisterStreamConsumerInput RegisterStreamConsumerOutput;
    remove_tags_from_stream "RemoveTagsFromStream" RemoveTagsFromStreamInput RemoveTagsFromStreamOutput;
    split_shard "SplitShard" SplitShardInput SplitShardOutput;
    start_stream_encryption "StartStreamEncryption" StartStreamEncryptionInput StartStreamEncryptionOutput;
    stop_stream_encryption "StopStreamEncryption" StopStreamEncryptionInput StopStreamEncryptionOutput;
    tag_resource "TagResource" TagResourceInput TagResourceOutput;
    untag_resource "UntagResource" UntagResourceInput UntagResourceOutput;
    update_account_settings "UpdateAccountSettings" UpdateAccountSettingsInput UpdateAccountSettingsOutput;
    update_max_record_size "UpdateMaxRecordSize" UpdateMaxRecordSizeInput UpdateMaxRecordSizeOutput;
    update_shard_count "UpdateShardCount" UpdateShardCountInput UpdateShardCountOutput;
    update_stream_mode "UpdateStreamMode" UpdateStreamModeInput UpdateStreamModeOutput;
    update_stream_warm_throughput "UpdateStreamWarmThroughput" UpdateStreamWarmThroughputInput UpdateStreamWarmThroughputOutput;
}

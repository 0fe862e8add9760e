//! A Kinesis and a Firehose that take records, or do not.

use std::sync::{Arc, Mutex, MutexGuard};

use api::EventStream;
use api::firehose::{Firehose, FirehoseError, PutRecordBatchInput, PutRecordBatchOutput, PutRecordBatchResponseEntry};
#[allow(clippy::wildcard_imports, reason = "the trait names every shape of the API")]
use api::kinesis::*;
use base::BoxFuture;
use base::caller::Caller;

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Mode {
    #[default]
    Up,
    /// Fails each request.
    Away,
    /// Refuses every other record.
    Busy,
    /// Takes records, and the answer is lost.
    Mute,
}

#[derive(Debug, Default)]
pub struct State {
    pub mode: Mode,
    pub requests: usize,
    /// Texts of all records that were taken.
    pub taken: Vec<String>,
    pub keys: Vec<String>,
}

#[derive(Debug, Clone, Default)]
pub struct Fake(Arc<Mutex<State>>);

impl Fake {
    pub fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().expect("no panic")
    }

    /// Which of the records are taken; the reason if the request fails.
    fn take(&self, records: impl Iterator<Item = (String, String)>) -> Result<Vec<bool>, &'static str> {
        let mut state = self.state();
        state.requests += 1;
        if state.mode == Mode::Away {
            return Err("away");
        }
        let mode = state.mode;
        let taken = records.enumerate().map(|(i, (text, key))| {
            let is_taken = mode != Mode::Busy || i % 2 == 0;
            if is_taken {
                state.taken.push(text);
                state.keys.push(key);
            }
            is_taken
        });
        let taken = taken.collect();
        if mode == Mode::Mute { Err("no answer") } else { Ok(taken) }
    }
}

fn text(data: &[u8]) -> String {
    String::from_utf8(data.to_vec()).expect("text")
}

impl Firehose for Fake {
    fn put_record_batch<'a>(
        &'a self,
        _caller: &'a Caller,
        input: PutRecordBatchInput,
    ) -> BoxFuture<'a, Result<PutRecordBatchOutput, FirehoseError>> {
        assert_eq!(&*input.delivery_stream_name, "d");
        let records = input.records.iter().map(|record| (text(&record.data), String::new()));
        let answer = self.take(records).map_err(FirehoseError::service_unavailable).map(|taken| {
            let entry = |taken: bool| PutRecordBatchResponseEntry {
                record_id: taken.then(|| "id".into()),
                error_code: (!taken).then(|| "ServiceUnavailableException".into()),
                error_message: (!taken).then(|| "slow down".into()),
            };
            PutRecordBatchOutput {
                failed_put_count: i32::try_from(taken.iter().filter(|taken| !**taken).count()).expect("few"),
                encrypted: None,
                request_responses: taken.into_iter().map(entry).collect(),
            }
        });
        Box::pin(async move { answer })
    }
}

macro_rules! kinesis {
    ($($method:ident $input:ident $output:ty;)*) => {
        impl Kinesis for Fake {
            fn put_records<'a>(
                &'a self,
                _caller: &'a Caller,
                input: PutRecordsInput,
            ) -> BoxFuture<'a, Result<PutRecordsOutput, KinesisError>> {
                assert_eq!(input.stream_name.as_deref(), Some("s"));
                let records = input.records.iter().map(|record| (text(record.data), record.partition_key.to_string()));
                let answer = self.take(records).map_err(KinesisError::internal_failure).map(|taken| {
                    let entry = |taken: bool| PutRecordsResultEntry {
                        error_code: (!taken).then_some("ProvisionedThroughputExceededException"),
                        ..Default::default()
                    };
                    PutRecordsOutput { records: taken.into_iter().map(entry).collect(), ..Default::default() }
                });
                Box::pin(async move { answer })
            }
            $(
                fn $method<'a>(
                    &'a self,
                    _caller: &'a Caller,
                    _input: $input,
                ) -> BoxFuture<'a, Result<$output, KinesisError>> {
                    Box::pin(async { Err(KinesisError::internal_failure("no agent needs this")) })
                }
            )*
        }
    };
}

kinesis! {
    add_tags_to_stream AddTagsToStreamInput AddTagsToStreamOutput;
    create_stream CreateStreamInput CreateStreamOutput;
    decrease_stream_retention_period DecreaseStreamRetentionPeriodInput DecreaseStreamRetentionPeriodOutput;
    delete_resource_policy DeleteResourcePolicyInput DeleteResourcePolicyOutput;
    delete_stream DeleteStreamInput DeleteStreamOutput;
    deregister_stream_consumer DeregisterStreamConsumerInput DeregisterStreamConsumerOutput;
    describe_account_settings DescribeAccountSettingsInput DescribeAccountSettingsOutput;
    describe_limits DescribeLimitsInput DescribeLimitsOutput;
    describe_stream DescribeStreamInput DescribeStreamOutput;
    describe_stream_consumer DescribeStreamConsumerInput DescribeStreamConsumerOutput;
    describe_stream_summary DescribeStreamSummaryInput DescribeStreamSummaryOutput;
    disable_enhanced_monitoring DisableEnhancedMonitoringInput DisableEnhancedMonitoringOutput;
    enable_enhanced_monitoring EnableEnhancedMonitoringInput EnableEnhancedMonitoringOutput;
    get_records GetRecordsInput GetRecordsOutput;
    get_resource_policy GetResourcePolicyInput GetResourcePolicyOutput;
    get_shard_iterator GetShardIteratorInput GetShardIteratorOutput;
    increase_stream_retention_period IncreaseStreamRetentionPeriodInput IncreaseStreamRetentionPeriodOutput;
    list_shards ListShardsInput ListShardsOutput;
    list_stream_consumers ListStreamConsumersInput ListStreamConsumersOutput;
    list_streams ListStreamsInput ListStreamsOutput;
    list_tags_for_resource ListTagsForResourceInput ListTagsForResourceOutput;
    list_tags_for_stream ListTagsForStreamInput ListTagsForStreamOutput;
    merge_shards MergeShardsInput MergeShardsOutput;
    put_record PutRecordInput PutRecordOutput;
    put_resource_policy PutResourcePolicyInput PutResourcePolicyOutput;
    register_stream_consumer RegisterStreamConsumerInput RegisterStreamConsumerOutput;
    remove_tags_from_stream RemoveTagsFromStreamInput RemoveTagsFromStreamOutput;
    split_shard SplitShardInput SplitShardOutput;
    start_stream_encryption StartStreamEncryptionInput StartStreamEncryptionOutput;
    stop_stream_encryption StopStreamEncryptionInput StopStreamEncryptionOutput;
    subscribe_to_shard SubscribeToShardInput EventStream<SubscribeToShardEvent, KinesisError>;
    tag_resource TagResourceInput TagResourceOutput;
    untag_resource UntagResourceInput UntagResourceOutput;
    update_account_settings UpdateAccountSettingsInput UpdateAccountSettingsOutput;
    update_max_record_size UpdateMaxRecordSizeInput UpdateMaxRecordSizeOutput;
    update_shard_count UpdateShardCountInput UpdateShardCountOutput;
    update_stream_mode UpdateStreamModeInput UpdateStreamModeOutput;
    update_stream_warm_throughput UpdateStreamWarmThroughputInput UpdateStreamWarmThroughputOutput;
}

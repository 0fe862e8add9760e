//! A stream whose answers are written down beforehand; when there are none left, there is no answer.

use std::collections::VecDeque;
use std::future::pending;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use api::EventStream;
#[allow(clippy::wildcard_imports, reason = "the trait names every shape of the API")]
use api::kinesis::*;
use base::caller::Caller;
use base::{BoxFuture, ByteString};
use futures_util::{StreamExt as _, stream};

use super::refuse;
use crate::consumer::reader::{How, Reader};
use crate::service::anybody;

pub(in crate::consumer) type Answers<T> = VecDeque<Result<T, KinesisError>>;

#[derive(Default)]
pub(in crate::consumer) struct StreamState {
    /// Those retained; `None` when there is no such stream.
    pub shards: Option<Vec<Shard>>,
    /// Where iterators and subscriptions were to begin.
    pub positions: Vec<StartingPosition>,
    /// Errors of the next requests for an iterator.
    pub refused_positions: VecDeque<KinesisError>,
    pub records: Answers<GetRecordsOutput>,
    pub subscriptions: Answers<Vec<SubscribeToShardEvent>>,
    /// Consumers registered so far, the last of which exists.
    pub registered: usize,
    pub is_registered: bool,
    /// The consumers that subscribed.
    pub subscribers: Vec<ByteString>,
}

#[derive(Default, Clone)]
pub(in crate::consumer) struct FakeStream(Arc<Mutex<StreamState>>);

impl FakeStream {
    pub fn state(&self) -> MutexGuard<'_, StreamState> {
        self.0.lock().expect("no panic")
    }

    pub fn reader(&self, how: How) -> Reader {
        Reader {
            kinesis: Arc::new(self.clone()),
            caller: anybody(),
            stream: "stream".into(),
            how,
            since: None,
            counters: Arc::default(),
        }
    }

    pub fn polling(&self) -> Reader {
        self.reader(How::Poll { records_max: 10, idle: Duration::from_secs(1) })
    }
}

pub(in crate::consumer) fn shard(id: &'static str, is_open: bool) -> Shard {
    Shard {
        shard_id: id.into(),
        sequence_number_range: SequenceNumberRange {
            ending_sequence_number: (!is_open).then(|| "1".into()),
            ..Default::default()
        },
        ..Default::default()
    }
}

fn missing() -> KinesisError {
    KinesisError::resource_not_found("no stream")
}

impl Kinesis for FakeStream {
    fn list_shards<'a>(
        &'a self,
        _: &'a Caller,
        _: ListShardsInput,
    ) -> BoxFuture<'a, Result<ListShardsOutput, KinesisError>> {
        let shards = self.state().shards.clone().ok_or_else(missing);
        Box::pin(async { Ok(ListShardsOutput { shards: Some(shards?), ..Default::default() }) })
    }

    fn get_shard_iterator<'a>(
        &'a self,
        _: &'a Caller,
        input: GetShardIteratorInput,
    ) -> BoxFuture<'a, Result<GetShardIteratorOutput, KinesisError>> {
        let mut state = self.state();
        state.positions.push(StartingPosition {
            r#type: input.shard_iterator_type,
            sequence_number: input.starting_sequence_number,
            timestamp: input.timestamp,
        });
        let answer = match state.refused_positions.pop_front() {
            Some(error) => Err(error),
            None => Ok(GetShardIteratorOutput { shard_iterator: Some("iterator".into()) }),
        };
        Box::pin(async { answer })
    }

    fn get_records<'a>(
        &'a self,
        _: &'a Caller,
        _: GetRecordsInput,
    ) -> BoxFuture<'a, Result<GetRecordsOutput, KinesisError>> {
        let answer = self.state().records.pop_front();
        Box::pin(async {
            match answer {
                Some(answer) => answer,
                None => pending().await,
            }
        })
    }

    fn subscribe_to_shard<'a>(
        &'a self,
        _: &'a Caller,
        input: SubscribeToShardInput,
    ) -> BoxFuture<'a, Result<EventStream<SubscribeToShardEvent, KinesisError>, KinesisError>> {
        let mut state = self.state();
        state.positions.push(input.starting_position);
        state.subscribers.push(input.consumer_arn);
        let answer = state.subscriptions.pop_front();
        Box::pin(async {
            match answer {
                Some(events) => Ok(stream::iter(events?.into_iter().map(Ok)).boxed()),
                None => pending().await,
            }
        })
    }

    fn describe_stream_summary<'a>(
        &'a self,
        _: &'a Caller,
        _: DescribeStreamSummaryInput,
    ) -> BoxFuture<'a, Result<DescribeStreamSummaryOutput, KinesisError>> {
        Box::pin(async { Ok(DescribeStreamSummaryOutput::default()) })
    }

    fn describe_stream_consumer<'a>(
        &'a self,
        _: &'a Caller,
        _: DescribeStreamConsumerInput,
    ) -> BoxFuture<'a, Result<DescribeStreamConsumerOutput, KinesisError>> {
        let state = self.state();
        let answer = state.is_registered.then(|| DescribeStreamConsumerOutput {
            consumer_description: ConsumerDescription {
                consumer_arn: format!("consumer:{}", state.registered).into(),
                consumer_status: ConsumerStatus::Active,
                ..Default::default()
            },
        });
        Box::pin(async { answer.ok_or_else(missing) })
    }

    fn register_stream_consumer<'a>(
        &'a self,
        _: &'a Caller,
        _: RegisterStreamConsumerInput,
    ) -> BoxFuture<'a, Result<RegisterStreamConsumerOutput, KinesisError>> {
        let mut state = self.state();
        state.registered += 1;
        state.is_registered = true;
        Box::pin(async { Ok(RegisterStreamConsumerOutput::default()) })
    }

    refuse! { KinesisError::internal_failure;
        add_tags_to_stream AddTagsToStreamInput AddTagsToStreamOutput;
        create_stream CreateStreamInput CreateStreamOutput;
        decrease_stream_retention_period DecreaseStreamRetentionPeriodInput DecreaseStreamRetentionPeriodOutput;
        delete_resource_policy DeleteResourcePolicyInput DeleteResourcePolicyOutput;
        delete_stream DeleteStreamInput DeleteStreamOutput;
        deregister_stream_consumer DeregisterStreamConsumerInput DeregisterStreamConsumerOutput;
        describe_account_settings DescribeAccountSettingsInput DescribeAccountSettingsOutput;
        describe_limits DescribeLimitsInput DescribeLimitsOutput;
        describe_stream DescribeStreamInput DescribeStreamOutput;
        disable_enhanced_monitoring DisableEnhancedMonitoringInput DisableEnhancedMonitoringOutput;
        enable_enhanced_monitoring EnableEnhancedMonitoringInput EnableEnhancedMonitoringOutput;
        get_resource_policy GetResourcePolicyInput GetResourcePolicyOutput;
        increase_stream_retention_period IncreaseStreamRetentionPeriodInput IncreaseStreamRetentionPeriodOutput;
        list_stream_consumers ListStreamConsumersInput ListStreamConsumersOutput;
        list_streams ListStreamsInput ListStreamsOutput;
        list_tags_for_resource ListTagsForResourceInput ListTagsForResourceOutput;
        list_tags_for_stream ListTagsForStreamInput ListTagsForStreamOutput;
        merge_shards MergeShardsInput MergeShardsOutput;
        put_record PutRecordInput PutRecordOutput;
        put_resource_policy PutResourcePolicyInput PutResourcePolicyOutput;
        remove_tags_from_stream RemoveTagsFromStreamInput RemoveTagsFromStreamOutput;
        split_shard SplitShardInput SplitShardOutput;
        start_stream_encryption StartStreamEncryptionInput StartStreamEncryptionOutput;
        stop_stream_encryption StopStreamEncryptionInput StopStreamEncryptionOutput;
        tag_resource TagResourceInput TagResourceOutput;
        untag_resource UntagResourceInput UntagResourceOutput;
        update_account_settings UpdateAccountSettingsInput UpdateAccountSettingsOutput;
        update_max_record_size UpdateMaxRecordSizeInput UpdateMaxRecordSizeOutput;
        update_shard_count UpdateShardCountInput UpdateShardCountOutput;
        update_stream_mode UpdateStreamModeInput UpdateStreamModeOutput;
        update_stream_warm_throughput UpdateStreamWarmThroughputInput UpdateStreamWarmThroughputOutput;
        put_records PutRecordsInput PutRecordsOutput;
    }
}

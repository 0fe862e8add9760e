//! Reads a shard by SubscribeToShard, as a consumer with throughput of its own.

use std::time::Duration;

use api::kinesis::{
    ConsumerStatus, DeregisterStreamConsumerInput, DescribeStreamConsumerInput, Kinesis as _, KinesisError,
    RegisterStreamConsumerInput, StartingPosition, SubscribeToShardInput,
};
use base::ByteString;
use futures_util::StreamExt as _;

use super::reader::{Patience, Position, Reader, Stop};
use crate::connect::Session;
use crate::failure::Failure;

const WAIT_INTERVAL: Duration = Duration::from_millis(250);
/// A consumer becomes active within seconds.
const WAITS_MAX: usize = 480;

/// A registered consumer.
pub struct Consumer {
    pub arn: ByteString,
    /// Whether this command registered it.
    is_ours: bool,
}

impl Consumer {
    /// Finds the consumer or registers it. It may not be active yet.
    pub async fn open(session: &Session, stream: &str, name: &str) -> Result<Self, Failure> {
        let explain = |error: KinesisError| session.explain(&error);
        let stream_arn = session.summary(stream).await.map_err(explain)?.stream_arn;
        let input = DescribeStreamConsumerInput {
            stream_arn: Some(stream_arn.clone()),
            consumer_name: Some(ByteString::from(name)),
            ..Default::default()
        };
        for _ in 0..WAITS_MAX {
            match session.kinesis.describe_stream_consumer(&session.caller, input.clone()).await {
                Ok(output) if output.consumer_description.consumer_status == ConsumerStatus::Deleting => {
                    tokio::time::sleep(WAIT_INTERVAL).await;
                }
                Ok(output) => return Ok(Self { arn: output.consumer_description.consumer_arn, is_ours: false }),
                Err(KinesisError::ResourceNotFoundException(_)) => {
                    let input = RegisterStreamConsumerInput {
                        stream_arn,
                        consumer_name: ByteString::from(name),
                        ..Default::default()
                    };
                    let output = session.kinesis.register_stream_consumer(&session.caller, input).await;
                    return Ok(Self { arn: output.map_err(explain)?.consumer.consumer_arn, is_ours: true });
                }
                Err(error) => return Err(explain(error)),
            }
        }
        Err(Failure::new(format!("consumer {name} of stream {stream} is still being deleted")))
    }

    /// Waits until the consumer is active.
    pub async fn wait(&self, session: &Session) -> Result<(), Failure> {
        let input = DescribeStreamConsumerInput { consumer_arn: Some(self.arn.clone()), ..Default::default() };
        for _ in 0..WAITS_MAX {
            let output = session.kinesis.describe_stream_consumer(&session.caller, input.clone()).await;
            match output.map_err(|error| session.explain(&error))?.consumer_description.consumer_status {
                ConsumerStatus::Active => return Ok(()),
                _ => tokio::time::sleep(WAIT_INTERVAL).await,
            }
        }
        Err(Failure::new(format!("consumer {} does not become active", self.arn)))
    }

    /// Removes the consumer if this command registered it.
    pub async fn close(self, session: &Session) {
        if !self.is_ours {
            return;
        }
        let input = DeregisterStreamConsumerInput { consumer_arn: Some(self.arn), ..Default::default() };
        if let Err(error) = session.kinesis.deregister_stream_consumer(&session.caller, input).await {
            session.explain(&error).report();
        }
    }
}

pub async fn follow(reader: Reader, position: Position, consumer_arn: ByteString) {
    // The only way out is news that says why, or nobody who listens.
    let Err(Stop) = read(&reader, position, consumer_arn).await else { return };
}

async fn read(reader: &Reader, mut position: Position, consumer_arn: ByteString) -> Result<(), Stop> {
    let mut patience = Patience::default();
    loop {
        let (r#type, sequence_number, timestamp) = position.parts();
        let input = SubscribeToShardInput {
            consumer_arn: consumer_arn.clone(),
            shard_id: reader.shard.clone(),
            starting_position: StartingPosition { r#type, sequence_number, timestamp },
            ..Default::default()
        };
        let mut events = match reader.session.kinesis.subscribe_to_shard(&reader.session.caller, input).await {
            Ok(events) => events,
            Err(error) => {
                reader.wait(&error, &mut patience).await?;
                continue;
            }
        };
        // A subscription ends after five minutes; the next one goes on where it stood.
        while let Some(event) = events.next().await {
            let event = match event {
                Ok(event) => event,
                Err(error) => {
                    reader.wait(&error, &mut patience).await?;
                    break;
                }
            };
            patience.renew();
            let is_caught_up = event.millis_behind_latest == 0;
            reader.tell_records(event.records, is_caught_up).await?;
            match event.continuation_sequence_number {
                Some(number) => position = Position::After(number),
                None => return reader.tell_ended().await,
            }
        }
    }
}

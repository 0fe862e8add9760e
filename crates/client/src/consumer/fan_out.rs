//! The registered consumer that enhanced fan-out reads as.

use std::time::Duration;

use api::kinesis::{
    ConsumerStatus, DescribeStreamConsumerInput, DescribeStreamSummaryInput, Kinesis, KinesisError,
    RegisterStreamConsumerInput,
};
use base::ByteString;
use base::caller::Caller;
use tokio::time::sleep;

const WAIT: Duration = Duration::from_millis(500);
const WAITS_MAX: u32 = 240;

/// The ARN of the consumer of that name, registered if it is not, when it can be used.
pub(super) async fn consumer_arn(
    kinesis: &dyn Kinesis,
    caller: &Caller,
    stream: &ByteString,
    name: &ByteString,
) -> Result<ByteString, KinesisError> {
    let input = DescribeStreamSummaryInput { stream_name: Some(stream.clone()), ..Default::default() };
    let stream_arn = kinesis.describe_stream_summary(caller, input).await?.stream_description_summary.stream_arn;
    for _ in 0..WAITS_MAX {
        let input = DescribeStreamConsumerInput {
            stream_arn: Some(stream_arn.clone()),
            consumer_name: Some(name.clone()),
            ..Default::default()
        };
        match kinesis.describe_stream_consumer(caller, input).await {
            Ok(found) if found.consumer_description.consumer_status == ConsumerStatus::Active => {
                return Ok(found.consumer_description.consumer_arn);
            }
            Ok(_) => sleep(WAIT).await,
            Err(KinesisError::ResourceNotFoundException(_)) => {
                let input = RegisterStreamConsumerInput {
                    stream_arn: stream_arn.clone(),
                    consumer_name: name.clone(),
                    ..Default::default()
                };
                match kinesis.register_stream_consumer(caller, input).await {
                    // Another worker was first.
                    Ok(_) | Err(KinesisError::ResourceInUseException(_)) => {}
                    Err(error) => return Err(error),
                }
            }
            Err(error) => return Err(error),
        }
    }
    Err(KinesisError::internal_failure(format!("consumer {name} does not become ACTIVE")))
}

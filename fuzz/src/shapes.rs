//! Shapes that come in: inputs of operations for the server, outputs and events for the client.
//!
//! What was read can be written and read again, in both encodings, and is the same then. Only times of CBOR that are too
//! far away for the fractions of JSON are rounded.

use api::kinesis::*;
use base::codec::{Decode, Encode};
use base::violations::Violations;
use bytes::Bytes;
use wire::Protocol;

macro_rules! round_trips {
    ($($shape:ident)*) => {
        /// Names of all shapes.
        pub const NAMES: &[&str] = &[$(stringify!($shape)),*];

        /// Reads a body as the shape of that name.
        pub fn round_trip(name: &str, protocol: Protocol, body: Bytes) {
            match name {
                $(stringify!($shape) => check::<$shape>(protocol, body),)*
                _ => {}
            }
        }
    };
}

round_trips! {
    AddTagsToStreamInput CreateStreamInput DecreaseStreamRetentionPeriodInput DeleteResourcePolicyInput
    DeleteStreamInput DeregisterStreamConsumerInput DescribeAccountSettingsInput DescribeAccountSettingsOutput
    DescribeLimitsInput DescribeLimitsOutput DescribeStreamInput DescribeStreamOutput DescribeStreamConsumerInput
    DescribeStreamConsumerOutput DescribeStreamSummaryInput DescribeStreamSummaryOutput
    DisableEnhancedMonitoringInput DisableEnhancedMonitoringOutput EnableEnhancedMonitoringInput
    EnableEnhancedMonitoringOutput GetRecordsInput GetRecordsOutput GetResourcePolicyInput GetResourcePolicyOutput
    GetShardIteratorInput GetShardIteratorOutput IncreaseStreamRetentionPeriodInput ListShardsInput ListShardsOutput
    ListStreamConsumersInput ListStreamConsumersOutput ListStreamsInput ListStreamsOutput ListTagsForResourceInput
    ListTagsForResourceOutput ListTagsForStreamInput ListTagsForStreamOutput MergeShardsInput PutRecordInput
    PutRecordOutput PutRecordsInput PutRecordsOutput PutResourcePolicyInput RegisterStreamConsumerInput
    RegisterStreamConsumerOutput RemoveTagsFromStreamInput SplitShardInput StartStreamEncryptionInput
    StopStreamEncryptionInput SubscribeToShardEvent SubscribeToShardInput TagResourceInput UntagResourceInput
    UpdateAccountSettingsInput UpdateAccountSettingsOutput UpdateMaxRecordSizeInput UpdateShardCountInput
    UpdateShardCountOutput UpdateStreamModeInput UpdateStreamWarmThroughputInput UpdateStreamWarmThroughputOutput
}

fn check<T: Decode + Encode + PartialEq + std::fmt::Debug>(protocol: Protocol, body: Bytes) {
    let Ok(read) = protocol.decode::<T>(body.clone(), &mut Violations::new()) else { return };
    if protocol == Protocol::Json11 {
        serde_json::from_slice::<serde::de::IgnoredAny>(&body).expect("what is read as JSON is JSON");
    }
    let again = |protocol: Protocol, shape: &T| {
        let mut written = Vec::new();
        protocol.encode(shape, &mut written);
        protocol.decode::<T>(written.into(), &mut Violations::new()).expect("what was written can be read")
    };
    assert_eq!(again(Protocol::Cbor, &read), read);
    assert_eq!(again(protocol, &read), read);
    let rounded = again(Protocol::Json11, &read);
    assert_eq!(again(Protocol::Json11, &rounded), rounded);
}

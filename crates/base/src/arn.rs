//! Names of streams and consumers across accounts and regions.
//!
//! `arn:aws:kinesis:<region>:<account>:stream/<name>[/consumer/<name>:<creation seconds>]`. Any partition that
//! begins with `aws` is accepted on input (`aws-cn`, `aws-us-gov`); output always says `aws`.

use std::fmt;
use std::str::FromStr;

use crate::ids::{AccountId, ConsumerName, InvalidId, Region, StreamName};

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct StreamArn {
    pub region: Region,
    pub account: AccountId,
    pub stream: StreamName,
}

impl fmt::Display for StreamArn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "arn:aws:kinesis:{}:{}:stream/{}", self.region, self.account, self.stream)
    }
}

impl FromStr for StreamArn {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        match ResourceArn::from_str(text)? {
            ResourceArn::Stream(arn) => Ok(arn),
            ResourceArn::Consumer(_) => Err(InvalidId::new("stream ARN", text)),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ConsumerArn {
    pub stream: StreamArn,
    pub consumer: ConsumerName,
    /// Seconds since the epoch at which the consumer was registered.
    pub created_seconds: i64,
}

impl fmt::Display for ConsumerArn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/consumer/{}:{}", self.stream, self.consumer, self.created_seconds)
    }
}

impl FromStr for ConsumerArn {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        match ResourceArn::from_str(text)? {
            ResourceArn::Consumer(arn) => Ok(arn),
            ResourceArn::Stream(_) => Err(InvalidId::new("consumer ARN", text)),
        }
    }
}

/// What tags and policies can be attached to.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum ResourceArn {
    Stream(StreamArn),
    Consumer(ConsumerArn),
}

impl ResourceArn {
    /// The stream, or the stream of the consumer.
    #[must_use]
    pub fn stream(&self) -> &StreamArn {
        match self {
            Self::Stream(arn) => arn,
            Self::Consumer(arn) => &arn.stream,
        }
    }
}

impl fmt::Display for ResourceArn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stream(arn) => arn.fmt(f),
            Self::Consumer(arn) => arn.fmt(f),
        }
    }
}

impl FromStr for ResourceArn {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let invalid = || InvalidId::new("ARN", text);
        let mut parts = text.splitn(6, ':');
        let mut next = || parts.next().ok_or_else(invalid);
        let (arn, partition, service) = (next()?, next()?, next()?);
        if arn != "arn" || !partition.starts_with("aws") || service != "kinesis" {
            return Err(invalid());
        }
        let (region, account, resource) =
            (Region::new(next()?.to_owned())?, AccountId::new(next()?.to_owned())?, next()?);
        let resource = resource.strip_prefix("stream/").ok_or_else(invalid)?;
        let Some((name, consumer)) = resource.split_once('/') else {
            return Ok(Self::Stream(StreamArn { region, account, stream: StreamName::new(resource.to_owned())? }));
        };
        let stream = StreamArn { region, account, stream: StreamName::new(name.to_owned())? };
        let consumer = consumer.strip_prefix("consumer/").ok_or_else(invalid)?;
        let (consumer, created) = consumer.rsplit_once(':').ok_or_else(invalid)?;
        Ok(Self::Consumer(ConsumerArn {
            stream,
            consumer: ConsumerName::new(consumer.to_owned())?,
            created_seconds: created.parse().map_err(|_| invalid())?,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_trip() {
        for text in [
            "arn:aws:kinesis:us-east-1:000000000000:stream/s1",
            "arn:aws:kinesis:eu-west-1:123456789012:stream/a.b/consumer/c-1:1700000000",
        ] {
            assert_eq!(text.parse::<ResourceArn>().expect("valid").to_string(), text);
        }
    }

    #[test]
    fn nonsense_is_refused() {
        for text in [
            "",
            "arn",
            "arn:aws:kinesis:us-east-1:0:stream/s",
            "arn:aws:sqs:us-east-1:000000000000:stream/s",
            "arn:aws:kinesis:us-east-1:000000000000:stream/",
            "arn:aws:kinesis:us-east-1:000000000000:stream/s/consumer/c",
            "arn:aws:kinesis:us-east-1:000000000000:stream/s/x/c:1",
        ] {
            assert!(text.parse::<ResourceArn>().is_err(), "{text}");
        }
    }
}

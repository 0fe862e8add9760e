//! Where a reader wants to begin, as far as it can be told without asking the log.

use api::kinesis::ShardIteratorType;
use base::sequence::SequenceNumber;
use base::time::Timestamp;
use store::shard_log::Position;
use thiserror::Error;

use crate::rows::ShardRow;

/// A starting point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    TrimHorizon,
    Latest,
    At(Position),
    /// The first record of this time or later.
    Time(Timestamp),
}

/// Why a starting point makes no sense.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum StartError {
    #[error("{kind} with a sequence number")]
    UnwantedNumber { kind: String },
    #[error("{kind} without a sequence number")]
    MissingNumber { kind: String },
    #[error("AT_TIMESTAMP without a time")]
    MissingTime,
    #[error("time {at} is later than {now}")]
    FutureTime { at: Timestamp, now: Timestamp },
    #[error("{number:?} is not a sequence number")]
    MalformedNumber { number: String },
    #[error("{number:?} is the number of another incarnation")]
    ForeignNumber { number: String },
    #[error("number of {found} was used with {wanted}")]
    OtherShard { found: base::ids::ShardIndex, wanted: base::ids::ShardIndex },
}

/// A starting point as a client asks for it.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    pub kind: &'a ShardIteratorType,
    pub sequence_number: Option<&'a str>,
    pub timestamp: Option<Timestamp>,
}

impl Wanted<'_> {
    /// # Errors
    /// When the parts do not fit together, or the number is not of this shard.
    pub fn resolve(&self, shard: &ShardRow, now: Timestamp) -> Result<Start, StartError> {
        let kind = || self.kind.as_str().to_owned();
        match (self.kind, self.sequence_number) {
            (ShardIteratorType::AtSequenceNumber, Some(number)) => {
                let index = index_in(shard, number)?;
                Ok(Start::At(Position(index.saturating_sub(1))))
            }
            (ShardIteratorType::AfterSequenceNumber, Some(number)) => Ok(Start::At(Position(index_in(shard, number)?))),
            (ShardIteratorType::AtSequenceNumber | ShardIteratorType::AfterSequenceNumber, None) => {
                Err(StartError::MissingNumber { kind: kind() })
            }
            (_, Some(_)) => Err(StartError::UnwantedNumber { kind: kind() }),
            (ShardIteratorType::TrimHorizon, None) => Ok(Start::TrimHorizon),
            (ShardIteratorType::AtTimestamp, None) => {
                let at = self.timestamp.ok_or(StartError::MissingTime)?;
                if at > now { Err(StartError::FutureTime { at, now }) } else { Ok(Start::Time(at)) }
            }
            (ShardIteratorType::Latest | ShardIteratorType::Unknown(_), None) => Ok(Start::Latest),
        }
    }
}

/// The sequence index of a number that must belong to this shard.
fn index_in(shard: &ShardRow, number: &str) -> Result<u64, StartError> {
    let malformed = || StartError::MalformedNumber { number: number.to_owned() };
    let decoded: SequenceNumber = number.parse().map_err(|_| malformed())?;
    if decoded.shard != shard.index {
        return Err(StartError::OtherShard { found: decoded.shard, wanted: shard.index });
    }
    if decoded.shard_created_seconds != shard.created_seconds {
        return Err(StartError::ForeignNumber { number: number.to_owned() });
    }
    Ok(decoded.index)
}

#[cfg(test)]
mod tests {
    use base::hash_key::HashKeyRange;
    use base::ids::ShardIndex;
    use store::shard_log::LogId;

    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_700_000_100_000);

    fn shard(index: u32, created_seconds: u64) -> ShardRow {
        ShardRow {
            index: ShardIndex(index),
            log: LogId(1),
            range: HashKeyRange::ALL,
            opened_at: NOW,
            created_seconds,
            parent: None,
            adjacent_parent: None,
            closed: None,
        }
    }

    fn resolve(kind: ShardIteratorType, number: Option<String>, at: Option<i64>) -> Result<Start, StartError> {
        let timestamp = at.map(Timestamp::from_millis);
        Wanted { kind: &kind, sequence_number: number.as_deref(), timestamp }.resolve(&shard(3, 1_700_000_000), NOW)
    }

    #[test]
    fn numbers_name_positions() {
        let number = shard(3, 1_700_000_000).sequence_number(Position(41), NOW).to_string();
        assert_eq!(
            resolve(ShardIteratorType::AtSequenceNumber, Some(number.clone()), None),
            Ok(Start::At(Position(41)))
        );
        assert_eq!(resolve(ShardIteratorType::AfterSequenceNumber, Some(number), None), Ok(Start::At(Position(42))));
        let start = shard(3, 1_700_000_000).starting_number().to_string();
        assert_eq!(resolve(ShardIteratorType::AtSequenceNumber, Some(start.clone()), None), Ok(Start::At(Position(0))));
        assert_eq!(resolve(ShardIteratorType::AfterSequenceNumber, Some(start), None), Ok(Start::At(Position(0))));
    }

    #[test]
    fn foreign_numbers_are_told_apart() {
        let other = shard(4, 1_700_000_000).starting_number().to_string();
        assert_eq!(
            resolve(ShardIteratorType::AtSequenceNumber, Some(other), None),
            Err(StartError::OtherShard { found: ShardIndex(4), wanted: ShardIndex(3) })
        );
        let number = shard(3, 1_600_000_000).starting_number().to_string();
        assert_eq!(
            resolve(ShardIteratorType::AtSequenceNumber, Some(number.clone()), None),
            Err(StartError::ForeignNumber { number })
        );
        assert_eq!(
            resolve(ShardIteratorType::AtSequenceNumber, Some("12".into()), None),
            Err(StartError::MalformedNumber { number: "12".into() })
        );
    }

    #[test]
    fn parts_must_fit_together() {
        let kind = |kind: &str| kind.to_owned();
        assert_eq!(
            resolve(ShardIteratorType::Latest, Some("1".into()), None),
            Err(StartError::UnwantedNumber { kind: kind("LATEST") })
        );
        assert_eq!(
            resolve(ShardIteratorType::AfterSequenceNumber, None, None),
            Err(StartError::MissingNumber { kind: kind("AFTER_SEQUENCE_NUMBER") })
        );
        assert_eq!(resolve(ShardIteratorType::AtTimestamp, None, None), Err(StartError::MissingTime));
        let at = NOW.millis() + 1;
        assert_eq!(
            resolve(ShardIteratorType::AtTimestamp, None, Some(at)),
            Err(StartError::FutureTime { at: Timestamp::from_millis(at), now: NOW })
        );
        assert_eq!(resolve(ShardIteratorType::AtTimestamp, None, Some(5)), Ok(Start::Time(Timestamp::from_millis(5))));
    }
}

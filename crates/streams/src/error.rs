//! The only place where an inner error becomes a modelled exception, and where the service's texts are written.

use api::kinesis::KinesisError;
use base::arn::{ConsumerArn, StreamArn};
use base::caller::Caller;
use base::ids::ShardIndex;
use store::catalog::CatalogError;
use store::shard_log::LogError;

use crate::date_text::date_text;
use crate::failure_log::FailureKind;
use crate::position::StartError;
use crate::rows::{RowError, ShardRow};
use crate::subscriptions::SubscribeError;
use crate::tags::TagError;
use crate::tokens::TokenError;
use crate::transition::Status;

/// What a failure of the server itself is called in the results of PutRecords.
pub const INTERNAL_FAILURE_CODE: &str = "InternalFailure";
pub const INTERNAL_FAILURE: &str = "Internal service failure.";

/// What a client reads when nothing can be stored.
const FULL: &str = "Internal service failure: the disk is full.";

/// What operations answer.
pub type Answer<T> = Result<T, KinesisError>;

static LOG_FULL: FailureKind = FailureKind::new("the log has no space left");
static LOG_FAILED: FailureKind = FailureKind::new("the log failed");
static LOG_DAMAGED: FailureKind = FailureKind::new("stored records are damaged");
static LOG_MISSING: FailureKind = FailureKind::new("a shard has no log");
static CATALOG_FULL: FailureKind = FailureKind::new("the catalog has no space left");
static CATALOG_FAILED: FailureKind = FailureKind::new("the catalog failed");
static CATALOG_CONFLICT: FailureKind = FailureKind::new("the catalog was changed by another writer");
static ROW_UNREADABLE: FailureKind = FailureKind::new("a row cannot be read");

pub fn log(error: LogError) -> KinesisError {
    match error {
        LogError::Full(reason) => full(&LOG_FULL, &reason),
        LogError::Failed(reason) => failure(&LOG_FAILED, &reason),
        LogError::Damaged(reason) => failure(&LOG_DAMAGED, &reason),
        LogError::NotFound => failure(&LOG_MISSING, "not found"),
    }
}

/// What the result of a record says about a failure of the log.
pub fn failure_text(error: &LogError) -> &'static str {
    match error {
        LogError::Full(_) => FULL,
        LogError::Failed(_) | LogError::Damaged(_) | LogError::NotFound => INTERNAL_FAILURE,
    }
}

pub fn catalog(error: CatalogError) -> KinesisError {
    match error {
        CatalogError::Conflict { key } => failure(&CATALOG_CONFLICT, &key),
        CatalogError::Full(reason) => full(&CATALOG_FULL, &reason),
        CatalogError::Failed(reason) => failure(&CATALOG_FAILED, &reason),
    }
}

pub fn row(error: RowError) -> KinesisError {
    match error {
        RowError::Version { .. } | RowError::Damaged { .. } => failure(&ROW_UNREADABLE, &error.to_string()),
    }
}

fn full(kind: &FailureKind, reason: &str) -> KinesisError {
    kind.log(reason);
    KinesisError::internal_failure(FULL)
}

fn failure(kind: &FailureKind, reason: &str) -> KinesisError {
    kind.log(reason);
    KinesisError::internal_failure(INTERNAL_FAILURE)
}

/// A shard iterator that cannot be used.
pub fn iterator(error: TokenError) -> KinesisError {
    match error {
        TokenError::Foreign(_) => KinesisError::invalid_argument("Invalid ShardIterator."),
        TokenError::Expired { issued, now } => KinesisError::expired_iterator(format!(
            "Iterator expired. The iterator was created at time {} while right now it is {} which is further in the \
             future than the tolerated delay of 300000 milliseconds.",
            date_text(issued),
            date_text(now)
        )),
    }
}

/// A page token that cannot be used.
pub fn next_token(error: TokenError) -> KinesisError {
    match error {
        TokenError::Foreign(_) => invalid_next_token(),
        TokenError::Expired { issued, now } => KinesisError::expired_next_token(format!(
            "NextToken expired. The token was created at time {} while right now it is {} which is further in the \
             future than the tolerated delay of 300000 milliseconds.",
            date_text(issued),
            date_text(now)
        )),
    }
}

pub fn invalid_next_token() -> KinesisError {
    KinesisError::invalid_argument("Invalid NextToken.")
}

pub fn stream_not_found(arn: &StreamArn) -> KinesisError {
    KinesisError::resource_not_found(format!("Stream {} under account {} not found.", arn.stream, arn.account))
}

pub fn stream_exists(arn: &StreamArn) -> KinesisError {
    KinesisError::resource_in_use(format!("Stream {} under account {} already exists.", arn.stream, arn.account))
}

pub fn stream_not_active(arn: &StreamArn, status: Status) -> KinesisError {
    KinesisError::resource_in_use(format!(
        "Stream {} under account {} not ACTIVE, instead in state {}",
        arn.stream,
        arn.account,
        status.as_str()
    ))
}

/// A shard that a reader asks for.
pub fn shard_does_not_exist(arn: &StreamArn, shard: &str) -> KinesisError {
    KinesisError::resource_not_found(format!(
        "Shard {shard} in stream {} under account {} does not exist",
        arn.stream, arn.account
    ))
}

/// A shard that is to be changed.
pub fn could_not_find_shard(arn: &StreamArn, shard: &str) -> KinesisError {
    KinesisError::resource_not_found(format!(
        "Could not find shard {shard} in stream {} under account {}.",
        arn.stream, arn.account
    ))
}

pub fn shard_rate_text(arn: &StreamArn, shard: ShardIndex) -> String {
    format!("Rate exceeded for shard {shard} in stream {} under account {}.", arn.stream, arn.account)
}

pub fn shard_rate(arn: &StreamArn, shard: ShardIndex) -> KinesisError {
    KinesisError::provisioned_throughput_exceeded(shard_rate_text(arn, shard))
}

/// Too many control-plane calls. `stream`: the stream that was meant, if any.
pub fn call_rate(caller: &Caller, operation: &str, stream: Option<&str>) -> KinesisError {
    KinesisError::limit_exceeded(match stream {
        Some(stream) => format!("Rate exceeded for stream {stream} under account {}.", caller.account),
        None => format!("Rate exceeded for operation {operation} under account {}.", caller.account),
    })
}

/// An account calls for another account's stream.
pub fn foreign_account(caller: &Caller, operation: &str, resource: &str) -> KinesisError {
    KinesisError::access_denied(format!(
        "User: arn:aws:iam::{}:root is not authorized to perform: kinesis:{operation} on resource: {resource} because \
         no resource-based policy allows the kinesis:{operation} action",
        caller.account
    ))
}

pub fn consumer_not_found(stream: &StreamArn, consumer: &str) -> KinesisError {
    KinesisError::resource_not_found(format!(
        "Consumer {consumer} under stream {} not found for account {}.",
        stream.stream, stream.account
    ))
}

pub fn consumer_not_active(consumer: &ConsumerArn) -> KinesisError {
    let ConsumerArn { stream, consumer, created_seconds } = consumer;
    KinesisError::resource_in_use(format!(
        "Consumer {consumer} with creation timestamp {created_seconds} under stream: {} , account {} is not in ACTIVE \
         status.",
        stream.stream, stream.account
    ))
}

/// A subscription that cannot begin.
pub fn subscribe(arn: &StreamArn, shard: ShardIndex, consumer: &str, error: SubscribeError) -> KinesisError {
    match error {
        SubscribeError::InUse => subscription_in_use(arn, shard, consumer),
        SubscribeError::TooSoon => KinesisError::limit_exceeded(format!(
            "Rate exceeded for consumer {consumer} and shard {shard} in stream {} under account {}.",
            arn.stream, arn.account
        )),
    }
}

pub fn subscription_in_use(arn: &StreamArn, shard: ShardIndex, consumer: &str) -> KinesisError {
    KinesisError::resource_in_use(format!(
        "Another active subscription exists for this consumer: {}:{}:{shard}:{consumer}",
        arn.account, arn.stream
    ))
}

/// A starting point that makes no sense. `operation` and `shard` are named in the texts.
pub fn start(arn: &StreamArn, operation: &str, shard: ShardIndex, error: StartError) -> KinesisError {
    const FORMS: &str = "Must either specify (1) AT_SEQUENCE_NUMBER or AFTER_SEQUENCE_NUMBER and \
                         StartingSequenceNumber or (2) TRIM_HORIZON or LATEST and no StartingSequenceNumber.";
    let invalid = |number: &str| {
        format!(
            "StartingSequenceNumber {number} used in {operation} on shard {shard} in stream {} under account {} is \
             invalid",
            arn.stream, arn.account
        )
    };
    KinesisError::invalid_argument(match error {
        StartError::UnwantedNumber { kind } => {
            format!("{FORMS} Request specified {kind} and also a StartingSequenceNumber.")
        }
        StartError::MissingNumber { kind } => {
            format!("{FORMS} Request specified {kind} and no StartingSequenceNumber.")
        }
        StartError::MissingTime => {
            "Must specify timestampInMillis parameter for iterator of type AT_TIMESTAMP. Current \
                                    request has no timestamp parameter."
                .to_owned()
        }
        StartError::FutureTime { at, now } => format!(
            "The timestampInMillis parameter cannot be greater than the currentTimestampInMillis. timestampInMillis: \
             {at}, currentTimestampInMillis: {now}"
        ),
        StartError::MalformedNumber { number } => format!("{}.", invalid(&number)),
        StartError::ForeignNumber { number } => {
            format!("{} because it did not come from this stream.", invalid(&number))
        }
        StartError::OtherShard { found, wanted } => format!(
            "Invalid StartingSequenceNumber. It encodes {found}, while it was used in a call to a shard with {wanted}"
        ),
    })
}

pub fn tags(error: TagError) -> KinesisError {
    match error {
        TagError::Key(key) => KinesisError::invalid_argument(format!(
            "Some tags contain invalid characters. Valid characters: Unicode letters, digits, white space, _ . / = + - \
             : @. Invalid tag key: {key}"
        )),
        TagError::Value(key) => KinesisError::invalid_argument(format!(
            "Some tags contain invalid characters. Valid characters: Unicode letters, digits, white space, _ . / = + - \
             : @. Invalid value of tag: {key}"
        )),
        TagError::Reserved(key) => {
            KinesisError::invalid_argument(format!("Tag keys must not begin with aws:. Invalid tag key: {key}"))
        }
        TagError::TooMany(count) => KinesisError::invalid_argument(format!(
            "Failed to add tags: a resource cannot have more than 50 tags, and would have {count}."
        )),
    }
}

pub fn stream_has_consumers(arn: &StreamArn) -> KinesisError {
    KinesisError::resource_in_use(format!(
        "Stream {} under account {} has registered consumers. Deregister them, or delete the stream with \
         EnforceConsumerDeletion.",
        arn.stream, arn.account
    ))
}

pub fn shard_limit(caller: &Caller, current: usize, limit: u32, more: u32) -> KinesisError {
    KinesisError::limit_exceeded(format!(
        "This request would exceed the shard limit for the account {} in {}. Current shard count for the account: \
         {current}. Limit: {limit}. Number of additional shards that would have resulted from this request: {more}. \
         Refer to the AWS Service Limits page \
         (http://docs.aws.amazon.com/general/latest/gr/aws_service_limits.html) for current limits and how to request \
         higher limits.",
        caller.account, caller.region
    ))
}

pub fn too_many_shards(count: u32) -> KinesisError {
    KinesisError::limit_exceeded(format!(
        "A stream cannot have more than {} shards. Requested shard count: {count}",
        base::limits::SHARDS_PER_STREAM_MAX
    ))
}

pub fn too_many_creating(what: &str, max: usize) -> KinesisError {
    KinesisError::limit_exceeded(format!("No more than {max} {what} can be in CREATING state at the same time."))
}

pub fn warm_needs_on_demand() -> KinesisError {
    KinesisError::validation("WarmThroughputMiBps is only supported for streams in ON_DEMAND mode.")
}

pub fn split_key(arn: &StreamArn, shard: &ShardRow, key: &str) -> KinesisError {
    KinesisError::invalid_argument(format!(
        "NewStartingHashKey {key} used in SplitShard() on shard {} in stream {} under account {} is not both greater \
         than one plus the shard's StartingHashKey {} and less than the shard's EndingHashKey {}.",
        shard.index, arn.stream, arn.account, shard.range.start, shard.range.end
    ))
}

pub fn not_adjacent(arn: &StreamArn, shard: ShardIndex, adjacent: ShardIndex) -> KinesisError {
    KinesisError::invalid_argument(format!(
        "Shards {shard} and {adjacent} in stream {} under account {} are not an adjacent pair of shards eligible for \
         merging",
        arn.stream, arn.account
    ))
}

pub fn shard_is_closed(arn: &StreamArn, shard: ShardIndex) -> KinesisError {
    KinesisError::invalid_argument(format!(
        "Shard {shard} in stream {} under account {} is closed and cannot be split or merged.",
        arn.stream, arn.account
    ))
}

pub fn consumer_exists(arn: &StreamArn, consumer: &str) -> KinesisError {
    KinesisError::resource_in_use(format!(
        "Consumer {consumer} under stream {} already exists for account {}.",
        arn.stream, arn.account
    ))
}

pub fn too_many_consumers(arn: &StreamArn, max: usize) -> KinesisError {
    KinesisError::limit_exceeded(format!(
        "Stream {} under account {} cannot have more than {max} consumers.",
        arn.stream, arn.account
    ))
}

pub fn encryption_rate(arn: &StreamArn, operation: &str, max: usize) -> KinesisError {
    KinesisError::limit_exceeded(format!(
        "{operation} cannot be called more than {max} times in a rolling 24-hour period for stream {} under account {}.",
        arn.stream, arn.account
    ))
}

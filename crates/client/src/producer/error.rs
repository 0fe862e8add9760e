//! Why a record was not stored.

use api::kinesis::KinesisError;
use thiserror::Error;

/// A user record was not stored, as far as the producer knows: after an answer that never came it may have been.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum PutError {
    #[error("data and partition key have {bytes} bytes, more than {bytes_max}")]
    TooLarge { bytes: usize, bytes_max: usize },
    #[error("a partition key has 1 to 256 characters, this one has {characters}")]
    PartitionKey { characters: usize },
    /// The time to live has passed.
    #[error("not stored within {seconds} s, the last attempt said: {last}")]
    Expired { seconds: u64, last: String },
    /// Trying again would not help.
    #[error("refused: {0}")]
    Refused(KinesisError),
    #[error("the producer is closed")]
    Closed,
}

/// Whether the same request may succeed later.
pub(super) fn is_passing(error: &KinesisError) -> bool {
    !matches!(
        error,
        KinesisError::AccessDeniedException(_)
            | KinesisError::InvalidArgumentException(_)
            | KinesisError::KMSAccessDeniedException(_)
            | KinesisError::KMSDisabledException(_)
            | KinesisError::KMSInvalidStateException(_)
            | KinesisError::KMSNotFoundException(_)
            | KinesisError::KMSOptInRequired(_)
            | KinesisError::ResourceNotFoundException(_)
            | KinesisError::ValidationException(_)
    )
}

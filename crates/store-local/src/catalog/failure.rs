//! What can go wrong with the file.

use rusqlite::ErrorCode;
use rusqlite::ffi::{SQLITE_IOERR_DIR_FSYNC, SQLITE_IOERR_FSYNC};
use store::catalog::CatalogError;
use thiserror::Error;

#[derive(Debug, Error)]
pub(super) enum Failure {
    #[error(transparent)]
    Sql(#[from] rusqlite::Error),
    #[error("it is damaged: {0}")]
    Damaged(String),
    #[error("it has format version {0}, which this program does not know")]
    Format(i64),
    #[error("the number of the last commit cannot be kept: {0}")]
    Witness(std::io::Error),
    #[error("nothing is committed until a restart: {0}")]
    Latched(String),
}

impl Failure {
    /// What it means to a caller. `path`: the catalog's file.
    pub(super) fn explain(&self, path: &str) -> CatalogError {
        let text = format!("{path}: {self}");
        match self {
            Self::Sql(error) if error.sqlite_error_code() == Some(ErrorCode::DiskFull) => CatalogError::Full(text),
            Self::Sql(_) | Self::Damaged(_) | Self::Format(_) | Self::Witness(_) | Self::Latched(_) => {
                CatalogError::Failed(text)
            }
        }
    }

    /// Whether it leaves in doubt what the device has of any file.
    pub(super) fn is_of_flush(&self) -> bool {
        match self {
            Self::Sql(error) => error
                .sqlite_error()
                .is_some_and(|error| matches!(error.extended_code, SQLITE_IOERR_FSYNC | SQLITE_IOERR_DIR_FSYNC)),
            Self::Witness(_) => true,
            Self::Damaged(_) | Self::Format(_) | Self::Latched(_) => false,
        }
    }
}

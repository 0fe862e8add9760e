//! What can go wrong with the file.

use rusqlite::ErrorCode;
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
}

impl Failure {
    /// What it means to a caller. `path`: the catalog's file.
    pub(super) fn explain(&self, path: &str) -> CatalogError {
        let text = format!("{path}: {self}");
        match self {
            Self::Sql(error) if error.sqlite_error_code() == Some(ErrorCode::DiskFull) => CatalogError::Full(text),
            Self::Sql(_) | Self::Damaged(_) | Self::Format(_) | Self::Witness(_) => CatalogError::Failed(text),
        }
    }
}

//! The only place where an inner error becomes a modelled exception, and where the service's texts are written.

use api::cloudwatch::CloudWatchError;
use store::catalog::CatalogError;

use crate::query::QueryError;
use crate::stat::UnknownStat;
use crate::storage::{RecordError, StorageError};
use crate::window::WindowError;

const INTERNAL: &str = "Internal service failure.";

/// What operations answer.
pub type Answer<T> = Result<T, CloudWatchError>;

impl From<StorageError> for CloudWatchError {
    fn from(error: StorageError) -> Self {
        storage(error)
    }
}

fn storage(error: StorageError) -> CloudWatchError {
    match error {
        StorageError::Catalog(error) => catalog(error),
        StorageError::Row { .. } => internal(&error.to_string()),
    }
}

fn catalog(error: CatalogError) -> CloudWatchError {
    match error {
        CatalogError::Conflict { .. } | CatalogError::Failed(_) => internal(&error.to_string()),
        CatalogError::Full(_) => {
            tracing::error!(%error, "metrics and alarms cannot be stored");
            CloudWatchError::internal_service_fault("Internal service failure: the disk is full.")
        }
    }
}

fn internal(reason: &str) -> CloudWatchError {
    tracing::error!(reason, "metrics and alarms cannot be read or stored");
    CloudWatchError::internal_service_fault(INTERNAL)
}

pub fn record(error: RecordError) -> CloudWatchError {
    match error {
        RecordError::Metrics(too_many) => CloudWatchError::limit_exceeded_fault(format!("Limit exceeded: {too_many}.")),
        RecordError::Memory(_) => CloudWatchError::internal_service_fault(
            "Internal service failure: metrics come faster than they can be stored.",
        ),
    }
}

pub fn window(error: WindowError) -> CloudWatchError {
    match error {
        WindowError::Empty | WindowError::Period(_) => CloudWatchError::invalid_parameter_value(error.to_string()),
    }
}

pub fn stat(parameter: &str, error: &UnknownStat) -> CloudWatchError {
    CloudWatchError::invalid_parameter_value(format!("The value for parameter {parameter} is invalid: {error}."))
}

/// Something of the model that this service does not do.
pub fn unsupported(feature: &str) -> CloudWatchError {
    CloudWatchError::validation(format!("{feature} is not supported by this server."))
}

pub fn next_token() -> CloudWatchError {
    CloudWatchError::invalid_next_token("Invalid NextToken.")
}

pub fn query(error: &QueryError) -> CloudWatchError {
    CloudWatchError::validation(format!("Error in the metric queries: {error}."))
}

pub fn no_alarm(name: &str) -> CloudWatchError {
    CloudWatchError::resource_not_found(format!("The alarm {name} does not exist."))
}
